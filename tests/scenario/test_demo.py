"""The demo app of deploy/quickstart, behind an edge as quickstart puts it there: what the page shows is true."""

import re

import pytest

from conftest import ROOT
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from origin_client import ask


class Demo:
    def __init__(self, process):
        self.address = process.address()
        self.admin = process.address("admin on ")
        self.url = f"http://{self.address[0]}:{self.address[1]}"


@pytest.fixture
def demo(start, edge):
    app = Demo(start("meridian-origin", "--config", ROOT / "deploy/demo/origin.yaml", "--listen", "127.0.0.1:0",
                     "--admin", "127.0.0.1:0"))
    app.edge = edge(app)
    return app


def samples():
    script = (ROOT / "deploy/demo/site/assets/app.js").read_text()
    return re.findall(r"path: '([^']+)'", script)


def test_every_sample_of_the_page_is_what_it_says(demo):
    assert len(samples()) >= 6
    for path in samples():
        first, second = (ask(demo.edge.address, path) for _ in range(2))
        assert first.status == second.status == 200, path
        allowed = first["CDN-Cache-Control"] or first["Cache-Control"]
        expected = "; hit" if "max-age" in allowed else "; fwd="
        assert expected in second["Cache-Status"], (path, second.fields)
        if path != "/_echo":
            assert first.body == second.body, path


def test_pages_and_what_they_link_to_are_there(demo):
    for page in ("/", "/guide.html"):
        text = ask(demo.edge.address, page).body.decode()
        links = set(re.findall(r'(?:href|src)="(/[^"]*)"', text))
        assert len(links) >= 3
        for link in links:
            assert ask(demo.edge.address, link).status == 200, link
    script = ask(demo.edge.address, "/assets/app.js")
    assert script["Content-Type"] == "text/javascript; charset=utf-8"
    for module in re.findall(r"from '\./([^']+)'", script.body.decode()):
        assert ask(demo.edge.address, "/assets/" + module).status == 200, module


def test_the_app_may_fail_while_the_edge_has_a_copy(demo):
    from origin_client import set_faults

    assert ask(demo.edge.address, "/demo/cities.json").status == 200
    set_faults(demo, {"name": "down", "path": "/demo/**", "status": 503})
    assert ask(demo.edge.address, "/demo/cities.json").status == 200
    assert ask(demo.edge.address, "/demo/picture.svg").status == 503
