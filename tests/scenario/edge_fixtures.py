"""Fixtures for scenarios of the edge: a running meridian-edge in front of a scripted origin."""

import email.utils
import itertools
import re
import time

import pytest

from conftest import PATIENCE_S, Process, binary
from edge_client import Client
from scripted_origin import Say, ScriptedOrigin


class Edge:
    """A running meridian-edge. get() asks on a connection of its own."""

    def __init__(self, process: Process, config=None, admin=False):
        self.process, self.config = process, config
        self.address = process.address()
        self.admin = process.address("admin on ") if admin else None

    def client(self, **options) -> Client:
        return Client(self.address, **options)

    def get(self, target, fields=(), method="GET", body=None, **options):
        with self.client() as client:
            return client.ask(target, method, fields, body, **options)

    def metric(self, name, **labels) -> float:
        """The value of a metric now; 0 when it has not counted yet."""
        with Client(self.admin) as client:
            text = client.ask("/metrics").body.decode()
        total = 0.0
        for line in text.splitlines():
            match = re.fullmatch(re.escape(name) + r"(?:\{(.*)\})? (\S+)", line)
            if match and all(f'{key}="{value}"' in (match[1] or "") for key, value in labels.items()):
                total += float(match[2])
        return total

    def ssd_settled(self):
        """Waits until the SSD tier has read back what it had, or has said why it cannot; without one, for nothing."""
        end = time.monotonic() + PATIENCE_S
        while self.metric("meridian_edge_ssd_state", state="recovering"):
            assert time.monotonic() < end, "the SSD tier goes on recovering"
        return self


@pytest.fixture
def scripted():
    """scripted() -> ScriptedOrigin; all are closed at the end of the test."""
    made = []

    def make():
        made.append(ScriptedOrigin())
        return made[-1]

    yield make
    for origin in made:
        origin.close()


@pytest.fixture
def app(scripted):
    """One scripted origin."""
    return scripted()


def write_config(file, origin, site="", top="", workers=1):
    def indented(text, by):
        return "".join(" " * by + line + "\n" for line in text.strip("\n").splitlines())

    urls = origin if isinstance(origin, list) else [origin]
    origins = ", ".join(f'{{ url: "{one.url}" }}' for one in urls)
    file.write_text(
        "listen: [ { address: 127.0.0.1:0 } ]\n"
        "admin: { address: 127.0.0.1:0 }\n"
        f"workers: {workers}\n" + indented(top, 0) +
        "sites:\n"
        '  - hosts: ["*"]\n'
        f"    origins: [ {origins} ]\n" + indented(site, 4))
    return file


@pytest.fixture
def edge(start, tmp_path):
    """edge(origin, site="yaml lines", top="yaml lines") -> Edge in front of that origin, for every host."""

    def start_edge(origin, site="", top="", workers=1, settled=True):
        file = write_config(tmp_path / "edge.yaml", origin, site, top, workers)
        started = Edge(start("meridian-edge", "--config", file), file, admin=True)
        return started.ssd_settled() if settled else started

    return start_edge


def at(seconds=0):
    """The HTTP date so many seconds from now."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


class Stage:
    """One edge before one scripted origin, for all cases of a module: each case plays under paths of its own."""

    _numbers = itertools.count(1)

    def __init__(self, served: Edge, app: ScriptedOrigin):
        self.edge, self.app = served, app

    def path(self):
        return f"/case-{next(self._numbers)}"

    def say(self, *answers):
        """A new path for which the origin has these answers."""
        path = self.path()
        self.app.say(path, *answers)
        return path

    def get(self, path, fields=(), **options):
        return self.edge.get(path, fields, **options)

    def count(self, path):
        return len(self.app.asked_for(path))

    def asked(self, path, number=-1):
        return self.app.asked_for(path)[number]

    def reuses(self, fields, status=200, first=(), second=(), body="what was said"):
        """Does the cache answer a second request with the response to the first, without asking?"""
        path = self.say(Say(status, fields, b"" if status == 204 else body))
        one, two = self.get(path, first), self.get(path, second)
        assert (one.status, two.status, one.body) == (status, status, two.body)
        reused = self.count(path) == 1
        assert two.hit == reused, two["Cache-Status"]
        return reused


@pytest.fixture(scope="module")
def stage(request, tmp_path_factory):
    """A Stage for the module, which may set SITE and TOP (yaml lines)."""
    app = ScriptedOrigin()
    file = write_config(tmp_path_factory.mktemp("stage") / "edge.yaml", app, getattr(request.module, "SITE", ""),
                        getattr(request.module, "TOP", ""))
    process = Process([binary("meridian-edge"), "--config", file])
    try:
        yield Stage(Edge(process, file, admin=True), app)
        status = process.stop()
        assert status == 0, f"the edge ended with {status}: {process.stderr[-40:]}"
    finally:
        if process.child.poll() is None:
            process.child.kill()
        app.close()
