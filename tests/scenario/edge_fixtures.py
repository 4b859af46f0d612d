"""Fixtures for scenarios of the edge: a running meridian-edge in front of a scripted origin."""

import re

import pytest

from conftest import Process
from edge_client import Client
from scripted_origin import ScriptedOrigin


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


@pytest.fixture
def edge(start, tmp_path):
    """edge(origin, site="yaml lines", top="yaml lines") -> Edge in front of that origin, for every host."""

    def start_edge(origin, site="", top="", workers=1):
        def indented(text, by):
            return "".join(" " * by + line + "\n" for line in text.strip("\n").splitlines())

        urls = origin if isinstance(origin, list) else [origin]
        origins = ", ".join(f'{{ url: "{one.url}" }}' for one in urls)
        file = tmp_path / "edge.yaml"
        file.write_text(
            "listen: [ { address: 127.0.0.1:0 } ]\n"
            "admin: { address: 127.0.0.1:0 }\n"
            f"workers: {workers}\n" + indented(top, 0) +
            "sites:\n"
            '  - hosts: ["*"]\n'
            f"    origins: [ {origins} ]\n" + indented(site, 4))
        return Edge(start("meridian-edge", "--config", file), file, admin=True)

    return start_edge
