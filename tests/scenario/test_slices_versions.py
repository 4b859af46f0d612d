"""Slices are of one version: changes, confirmations, and origins that fail or lie (docs/tiers.md)."""

import pytest

from edge_fixtures import app, edge, scripted  # noqa: F401  (fixtures)
from range_origin import FETCHES, MIB, PATH, SIZE, RangeOrigin, body_of, check, disk, film, known, settled, span  # noqa: F401
from scripted_origin import Say


# --- versions


def test_a_changed_film_begins_again_when_nothing_was_sent(edge, app, film):
    served = known(edge(app))
    check(served, film, 0, 9)
    film.become(body_of("second", SIZE), '"two"')
    got = check(served, film, 3 * MIB, 3 * MIB + 9)
    assert got["ETag"] == '"two"'
    assert served.metric(FETCHES, outcome="changed") == 1
    # And nothing is left of the old one, though its slice was fresh.
    got = check(served, film, 0, 9)
    assert got["ETag"] == '"two"'


def test_a_changed_length_is_another_version(edge, app, film):
    served = known(edge(app))
    check(served, film, 0, 9)
    film.become(film.body + b"more", film.etag)
    check(served, film, 3 * MIB, 3 * MIB + 9)
    assert served.metric(FETCHES, outcome="changed") == 1


def test_who_has_begun_with_the_old_version_is_cut(edge, app, film):
    served = known(edge(app))
    check(served, film, 0, 9)
    old = film.body
    film.become(body_of("second", SIZE), '"two"')
    got = served.get(PATH, span(0, 2 * MIB))
    assert got.status == 206 and got["ETag"] == '"one"' and not got.whole
    assert got.body == old[:len(got.body)] and len(got.body) <= MIB
    assert served.metric("meridian_edge_slice_cuts_total") == 1
    check(served, film, 0, 2 * MIB)


def test_stale_slices_are_confirmed_once_for_all(edge, app, film):
    film.fields = [("Cache-Control", "max-age=10"), ("Age", "20")]
    served = known(edge(app))
    film.fields = [("Cache-Control", "max-age=3600")]
    got = check(served, film, MIB, MIB + 9)
    assert film.asked[1]["If-None-Match"] == film.etag and "fwd=stale" in got["Cache-Status"]
    assert film.ranges()[2:] == [f"bytes={MIB}-{2 * MIB - 1}"]
    settled(served, 1)
    assert check(served, film, MIB, MIB + 9).hit
    check(served, film, 2 * MIB, 2 * MIB + 9)
    assert len(film.asked) == 4 and "If-None-Match" not in film.asked[3]


def test_a_stale_film_that_has_changed_sends_no_more_than_the_range(edge, app, film):
    film.fields = [("Cache-Control", "max-age=10"), ("Age", "20")]
    served = known(edge(app))
    film.fields = [("Cache-Control", "max-age=3600")]
    film.become(body_of("second", SIZE), '"two"')
    got = check(served, film, MIB, MIB + 9)
    assert got["ETag"] == '"two"' and film.ranges()[1:] == ["bytes=1048576-1048585"]
    check(served, film, MIB, MIB + 9)
    assert len(film.asked) == 3


def test_an_unsafe_request_discards_the_slices(edge, app, film):
    served = known(edge(app))
    check(served, film, 0, 9)
    app.say(PATH, Say(200, (), b"done"))
    assert served.get(PATH, method="POST", body=b"x").body == b"done"
    app.say(PATH, film)
    asked = len(film.asked)
    check(served, film, 0, 9)
    assert film.ranges()[asked:] == ["bytes=0-9"]


# --- origins that fail


def truncated(first, last, size, cut, etag='"one"'):
    def answer(body):
        head = (f"HTTP/1.1 206 X\r\nCache-Control: max-age=3600\r\nETag: {etag}\r\nContent-Length: {last - first + 1}\r\n"
                f"Content-Range: bytes {first}-{last}/{size}\r\n\r\n").encode()

        def say(connection, asked):
            connection.sendall(head + body[first:first + cut])
            return False

        return say
    return answer


def test_a_slice_that_breaks_off_goes_on_from_there(edge, app):
    body = body_of("film", SIZE)
    broken = truncated(MIB, 2 * MIB - 1, SIZE, 100_000)(body)
    film = RangeOrigin(body, change=lambda number, *_: broken if number == 2 else None)
    app.say(PATH, film)
    served = known(edge(app))
    check(served, film, MIB + 5, 2 * MIB - 1)
    assert film.ranges()[1:] == [f"bytes={MIB}-{2 * MIB - 1}", f"bytes={MIB + 100_000}-{2 * MIB - 1}"]
    assert served.metric("meridian_edge_slice_resumes_total") == 1
    settled(served, 1)
    assert check(served, film, MIB, MIB + 9).hit


def test_the_first_answer_goes_on_by_slices_when_it_breaks_off(edge, app):
    body = body_of("film", SIZE)
    broken = truncated(5, SIZE - 1, SIZE, 2 * MIB)(body)
    film = RangeOrigin(body, change=lambda number, *_: broken if number == 1 else None)
    app.say(PATH, film)
    served = edge(app)
    check(served, film, 5, SIZE - 1)
    # The second slice had come as a whole.
    assert film.ranges() == [f"bytes=5-{SIZE - 1}"] + [
        f"bytes={i * MIB}-{min((i + 1) * MIB, SIZE) - 1}" for i in range(2, 7)]


@pytest.mark.parametrize("etag", ['"one"', 'W/"one"'], ids=["strong", "weak"])
def test_a_whole_that_breaks_off_on_its_way_to_the_disk(edge, app, tmp_path, etag):
    body = body_of("film", SIZE)

    def breaks(connection, asked):
        connection.sendall((f"HTTP/1.1 200 X\r\nCache-Control: max-age=3600\r\nETag: {etag}\r\n"
                            f"Content-Length: {SIZE}\r\n\r\n").encode() + body[:4 * MIB + 1000])
        return False

    film = RangeOrigin(body, etag, change=lambda number, *_: breaks if number == 1 else None)
    app.say(PATH, film)
    served = edge(app, top=disk(tmp_path / "ssd"))
    got = served.get(PATH)
    assert got.status == 200 and got.body == body[:len(got.body)]
    assert got.whole == (etag == '"one"')
    if got.whole:
        assert film.ranges() == ["", f"bytes={4 * MIB}-{5 * MIB - 1}", f"bytes={5 * MIB}-{6 * MIB - 1}",
                                 f"bytes={6 * MIB}-{SIZE - 1}"]
        settled(served, 3)
        assert served.get(PATH).body == body and len(film.asked) == 4


def test_a_slice_that_changes_between_two_attempts_is_not_patched_up(edge, app):
    old, new = body_of("film", SIZE), body_of("second", SIZE)

    def change(number, asked, *_):
        if number != 2:
            return None
        film.become(new, '"two"')
        return truncated(MIB, 2 * MIB - 1, SIZE, 100_000)(old)

    film = RangeOrigin(old, change=change)
    app.say(PATH, film)
    served = known(edge(app))
    got = served.get(PATH, span(MIB, 2 * MIB - 1))
    assert got.whole is False and got["ETag"] == '"one"' and got.body == old[MIB:MIB + len(got.body)]
    check(served, film, MIB, 2 * MIB - 1)


def test_a_slice_that_always_breaks_off_cuts_its_reader(edge, app):
    body = body_of("film", SIZE)

    def change(number, asked, status, fields, part):
        if number == 1:
            return None
        first, last = RangeOrigin.span(asked["Range"], SIZE)
        return truncated(first, last, SIZE, 1000)(body)

    film = RangeOrigin(body, change=change)
    app.say(PATH, film)
    served = known(edge(app))
    got = served.get(PATH, span(MIB, MIB + 500_000))
    assert got.status == 206 and not got.whole and got.body == body[MIB:MIB + len(got.body)]
    # The first attempt, and two retries.
    assert len(film.asked) == 4 and served.metric(FETCHES, outcome="failed") == 1


def test_the_origins_own_word_for_a_slice_that_it_does_not_give(edge, app):
    film = RangeOrigin(body_of("film", SIZE),
                       change=lambda number, *_: (403, [("Cache-Control", "no-store")], b"not this one") if number > 1 else None)
    app.say(PATH, film)
    served = known(edge(app))
    got = served.get(PATH, span(MIB, MIB + 9))
    assert (got.status, got.body) == (403, b"not this one")


def replaced(name, value):
    """The answer to a request for a slice, with one of its fields replaced or removed."""
    def change(number, asked, status, fields, body):
        if "If-Range" not in asked:
            return None
        kept = [(key, what) for key, what in fields if key != name]
        return status, kept + ([(name, value(asked))] if value else []), body
    return change


def lie(shift_first=0, shift_last=0, total=SIZE):
    def value(asked):
        first, last = RangeOrigin.span(asked["Range"], SIZE)
        return f"bytes {first + shift_first}-{last + shift_last}/{total}"
    return replaced("Content-Range", value)


def instead(status, fields, body):
    return lambda number, asked, *_: (status, fields, body) if "If-Range" in asked else None


LIARS = {
    "another range": lie(1, 1),
    "a shorter range": lie(0, -1),
    "another total": lie(total=SIZE + 1),
    "no total": lie(total="*"),
    "no Content-Range": replaced("Content-Range", None),
    "nonsense": replaced("Content-Range", lambda _: "bytes x-y/z"),
    "no validator": replaced("ETag", None),
    "another validator": replaced("ETag", lambda _: '"two"'),
    "a weak validator": replaced("ETag", lambda _: 'W/"one"'),
    "may not be stored": replaced("Cache-Control", lambda _: "no-store"),
    "several parts": instead(206, [("ETag", '"one"'), ("Content-Type", "multipart/byteranges; boundary=x")], b"--x--"),
    "the whole": instead(200, [("ETag", '"one"'), ("Cache-Control", "max-age=60")], b"w" * SIZE),
    "416": instead(416, [("Content-Range", f"bytes */{SIZE}")], b""),
    "404": instead(404, [("Cache-Control", "max-age=60")], b"gone"),
    "500": instead(500, [], b"broken"),
    "304": instead(304, [("ETag", '"one"')], b""),
}


@pytest.mark.parametrize("change", LIARS.values(), ids=LIARS)
def test_no_slice_of_a_liar_is_kept_or_served(edge, app, change):
    """What reaches the client is the origin's answer to its range as it is; once the origin tells the truth about slices,
    they are kept."""
    film = RangeOrigin(body_of("film", SIZE), change=change)
    app.say(PATH, film)
    served = known(edge(app))
    for _ in range(3):
        got = check(served, film, 2 * MIB + 5, 2 * MIB + 9)
        assert not got.hit and film.ranges()[-1] == "bytes=2097157-2097161"
    assert served.metric(FETCHES, outcome="kept") == 0
    assert served.metric("meridian_edge_slice_cuts_total") == 0
    film.change = None
    check(served, film, 2 * MIB + 5, 2 * MIB + 9)
    settled(served, 1)
    assert check(served, film, 2 * MIB + 5, 2 * MIB + 9).hit


NEVER = {
    "weak": dict(etag='W/"one"'),
    "none": dict(etag=None),
    "no-store": dict(fields=[("Cache-Control", "no-store")]),
    "private": dict(fields=[("Cache-Control", "private")]),
    "a date of the same second": dict(etag=None, fields=[("Cache-Control", "max-age=60"),
                                                        ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT"),
                                                        ("Date", "Wed, 01 Jan 2020 00:00:00 GMT")]),
}


@pytest.mark.parametrize("how", NEVER.values(), ids=NEVER)
def test_without_a_strong_validator_or_leave_to_store_nothing_is_sliced(edge, app, how):
    film = RangeOrigin(body_of("film", SIZE), **how)
    app.say(PATH, film)
    served = edge(app)
    for first, last in [(0, 9), (MIB, 3 * MIB), (SIZE - 10, SIZE - 1)]:
        check(served, film, first, last)
    assert film.ranges() == ["bytes=0-9", "bytes=1048576-3145728", f"bytes={SIZE - 10}-{SIZE - 1}"]


def test_a_strong_date_will_do(edge, app):
    fields = [("Cache-Control", "max-age=3600"), ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")]
    film = RangeOrigin(body_of("film", SIZE), None, fields)
    app.say(PATH, film)
    served = edge(app)
    assert served.get(PATH, span(0, 0)).status == 206
    film.etag = "Wed, 01 Jan 2020 00:00:00 GMT"  # what If-Range is compared with
    film.change = lambda number, asked, status, fields, body: (status, [f for f in fields if f[0] != "ETag"], body)
    check(served, film, MIB, MIB + 9)
    assert film.asked[1]["If-Range"] == "Wed, 01 Jan 2020 00:00:00 GMT"
    settled(served, 1)
    assert check(served, film, MIB, MIB + 9).hit
