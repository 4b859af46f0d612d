"""An origin of one large body that answers ranges as RFC 9110 says, and can be made to lie about them; and what the
scenarios of slices share."""

import random
import re
import threading

import pytest

from scripted_origin import Say
from test_tiers import until

MIB = 1 << 20


def body_of(name, size):
    return random.Random(name).randbytes(size)


class RangeOrigin:
    """An answer for ScriptedOrigin.say(). `change(number, asked, status, fields, body)` may return another (status, fields,
    body), or a callable that is the answer; `number` counts the requests from 1."""

    def __init__(self, body, etag='"one"', fields=(("Cache-Control", "max-age=3600"),), change=None):
        self.body, self.etag, self.fields, self.change = body, etag, list(fields), change
        self.asked, self._lock = [], threading.Lock()

    def become(self, body, etag):
        self.body, self.etag = body, etag

    def __call__(self, connection, asked):
        with self._lock:
            self.asked.append(asked)
            number = len(self.asked)
        answer = self.answer(asked)
        if self.change is not None:
            answer = self.change(number, asked, *answer) or answer
        if not callable(answer):
            status, fields, body = answer
            answer = Say(status, fields, body)
        return answer(connection, asked)

    def answer(self, asked):
        fields = list(self.fields)
        if self.etag:
            fields.append(("ETag", self.etag))
        if self.etag and asked["If-None-Match"] == self.etag:
            return 304, fields, b""
        size = len(self.body)
        span = self.span(asked["Range"], size)
        if span is None or ("If-Range" in asked and asked["If-Range"] != self.etag):
            return 200, fields, self.body
        first, last = span
        if first > last:
            return 416, [("Content-Range", f"bytes */{size}")], b""
        return 206, fields + [("Content-Range", f"bytes {first}-{last}/{size}")], self.body[first:last + 1]

    @staticmethod
    def span(text, size):
        match = re.fullmatch(r"bytes=(\d*)-(\d*)", text)
        if not match:
            return None
        if not match[1]:
            return max(0, size - int(match[2])), size - 1
        return int(match[1]), min(int(match[2] or size), size - 1)

    def ranges(self):
        return [asked["Range"] for asked in self.asked]


SIZE = 6 * MIB + 12_345  # seven slices
PATH = "/film"
FETCHES = "meridian_edge_slice_fetches_total"


def span(first, last):
    return {"Range": f"bytes={first}-{last}"}


def disk(folder, more="", ram="1MiB", size="256MiB"):
    folder.mkdir(exist_ok=True)
    return f"cache: {{ ram: {ram}, ssd: {{ path: {folder}, size: {size}, admission: all{more} }} }}"


@pytest.fixture
def film(app):
    """The scripted origin of one film, which the edge has been asked for once, so that it is known to be large."""
    app.film = RangeOrigin(body_of("film", SIZE))
    app.say(PATH, app.film)
    return app.film


def known(served):
    """One byte of it has been asked for."""
    assert served.get(PATH, span(0, 0)).status == 206
    return served


def check(served, film, first, last, path=PATH):
    got = served.get(path, span(first, last))
    assert got.whole and got.status == 206, (got.status, got["Cache-Status"])
    assert got.body == film.body[first:last + 1]
    assert got["Content-Range"] == f"bytes {first}-{last}/{len(film.body)}"
    return got


def settled(served, kept):
    """Waits until so many slices are kept: a client has its bytes before the slice is whole."""
    until(lambda: served.metric(FETCHES, outcome="kept") == kept)
