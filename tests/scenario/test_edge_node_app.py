"""The edge in front of a web app of Node's own http module: what apps need and caches like to break."""

import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import threading

import pytest

from conftest import PATIENCE_S, Process
from edge_fixtures import edge  # noqa: F401  (fixture)

UPLOAD_BYTES = 100 * 1024 * 1024


class NodeApp:
    def __init__(self, process):
        self.process = process
        self.address = process.address()

    @property
    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}"


@pytest.fixture
def shop():
    if shutil.which("node") is None:
        pytest.skip("there is no node; deploy/packages test installs it")
    process = Process(["node", pathlib.Path(__file__).parent / "node_app.mjs"])
    try:
        yield NodeApp(process)
    finally:
        assert process.stop() == 0, process.stderr


def times_asked(served, path):
    return int(served.get(f"/asked?path={path}").body)


def log_in(served, name):
    """The Cookie field of a person who has logged in through the edge."""
    got = served.get(f"/login?name={name}", method="POST", body=b"")
    assert got.status == 303 and got["Location"] == "/account"
    cookies = [value for field, value in got.fields if field.lower() == "set-cookie"]
    assert len(cookies) == 2 and cookies[1] == "theme=dark; Path=/", "each Set-Cookie is a field of its own"
    return {"Cookie": cookies[0].split(";")[0]}


# --- cookies

def test_everyone_sees_their_own_account(shop, edge):
    served = edge(shop)
    ada, bob = log_in(served, "ada"), log_in(served, "bob")
    assert ada != bob
    for _ in range(2):
        for fields, name in ((ada, "ada"), (bob, "bob"), ({}, "nobody")):
            got = served.get("/account", fields)
            assert got.body.decode() == f"account of {name}"
            assert not got.hit and "stored" not in got["Cache-Status"] and "Set-Cookie" not in got
    assert times_asked(served, "/account") == 6


def test_a_cookie_that_an_app_sets_on_a_page_is_not_given_to_others(shop, edge):
    served = edge(shop)
    cookies = {served.get("/forgetful")["Set-Cookie"] for _ in range(3)}
    assert len(cookies) == 3 and all(re.fullmatch(r"visitor=\w{16}", cookie) for cookie in cookies)


def test_a_file_for_all_is_a_hit_for_those_who_are_logged_in(shop, edge):
    served = edge(shop)
    served.get("/style.css")
    got = served.get("/style.css", log_in(served, "ada"))
    assert got.hit and got.body == b"body {}"
    assert times_asked(served, "/style.css") == 1


def test_people_do_not_queue_behind_one_another(shop, edge):
    """The app answers two requests when both are there: were one held back for the other, neither would end. One
    request before them teaches the edge that the page cannot be shared."""
    served = edge(shop, site="cache: { collapse_wait: 10m }")
    people = {name: log_in(served, name) for name in ("ada", "bob")}
    assert served.get("/together", {**people["ada"], "X-Alone": "1"}).body == b"for ada"
    for _ in range(3):
        got = {}

        def ask(name):
            got[name] = served.get("/together", people[name])

        askers = [threading.Thread(target=ask, args=(name,)) for name in people]
        for asker in askers:
            asker.start()
        for asker in askers:
            asker.join(PATIENCE_S)
        assert {name: answer.body.decode() for name, answer in got.items()} == {"ada": "for ada", "bob": "for bob"}


# --- a live stream

class Subscriber:
    """Reads a stream of server-sent events as it comes."""

    def __init__(self, served, target):
        self.connection = http.client.HTTPConnection(*served.address, timeout=PATIENCE_S)
        self.connection.request("GET", target, headers={"Accept": "text/event-stream"})
        self.response = self.connection.getresponse()

    def event(self):
        line = self.response.readline()
        if line:
            assert self.response.readline() == b"\n"
        return line.decode().strip()

    def leave(self):
        self.response.close()
        self.connection.close()


@pytest.mark.parametrize("target", ["/events?cache-control=no-store", "/events"])
def test_events_arrive_while_the_stream_is_open(shop, edge, target):
    served = edge(shop)
    first, second = Subscriber(served, target), Subscriber(served, target)
    for subscriber in (first, second):
        assert subscriber.response.getheader("Content-Type") == "text/event-stream"
        assert subscriber.event() == "data: welcome"
    for text in ("one", "two"):
        assert served.get(f"/publish?text={text}", method="POST", body=b"").body == b"2"
        assert first.event() == f"data: {text}" and second.event() == f"data: {text}"
    served.get("/end", method="POST", body=b"")
    assert first.event() == "" and second.event() == ""
    first.leave()
    second.leave()


def test_the_app_learns_that_a_subscriber_has_left(shop, edge):
    """Nothing else happens on the stream meanwhile; and whoever stays is not cut off with the one who left."""
    served = edge(shop, site="upstream: { between_bytes_timeout: 10m }")
    first, second = Subscriber(served, "/events"), Subscriber(served, "/events")
    assert first.event() == second.event() == "data: welcome"
    shop.process.wait_for("2 subscribed")
    first.leave()
    shop.process.wait_for("left, 1 remain")
    assert served.get("/publish?text=still", method="POST", body=b"").body == b"1"
    assert second.event() == "data: still"
    second.leave()
    shop.process.wait_for("left, 0 remain")


# --- redirects and hints

def test_redirects_are_left_alone(shop, edge):
    served = edge(shop)
    assert served.get("/moved")["Location"] == f"{shop.url}/new?a=1#part"
    assert served.get("/elsewhere")["Location"] == "https://other.example.test/new"


def test_redirects_are_rewritten_on_request(shop, edge):
    served = edge(shop, site="forwarding: { rewrite_redirects: true }")
    assert served.get("/moved")["Location"] == "http://www.example.test/new?a=1#part"
    assert served.get("/elsewhere")["Location"] == "https://other.example.test/new"
    assert served.get("/login?name=ada", method="POST", body=b"")["Location"] == "/account"


def test_early_hints_go_through(shop, edge):
    got = edge(shop).get("/hinting")
    assert [(hint.status, hint["Link"]) for hint in got.informational] == [(103, "</style.css>; rel=preload; as=style")]
    assert got.status == 200 and got.body == b"hinted"


def test_what_the_app_is_told_about_the_client(shop, edge):
    served = edge(shop)
    seen = json.loads(served.get("/seen", {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Host": "evil.test"}).body)
    assert seen["host"] == "www.example.test" and seen["x-forwarded-host"] == "www.example.test"
    assert seen["x-forwarded-for"] == "127.0.0.1" and seen["x-forwarded-proto"] == "http"
    assert seen["x-request-id"] and "meridian" in seen["via"]


# --- uploads

def peak_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024


@pytest.mark.parametrize("chunked", [False, True])
def test_a_large_upload_is_streamed(shop, edge, monkeypatch, chunked):
    # An address sanitizer keeps what was freed; that is no memory of the edge.
    options = [os.environ.get("ASAN_OPTIONS", ""), "quarantine_size_mb=1"]
    monkeypatch.setenv("ASAN_OPTIONS", ":".join(option for option in options if option))
    served = edge(shop)
    served.get("/style.css")
    before = peak_bytes(served.process.pid)
    piece = os.urandom(1024 * 1024)
    digest = hashlib.sha256()
    framing = ("Transfer-Encoding", "chunked") if chunked else ("Content-Length", str(UPLOAD_BYTES))
    with served.client() as client:
        client.request("/upload", "POST", [framing])
        for i in range(UPLOAD_BYTES // len(piece)):
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            digest.update(piece)
            if i == 0:
                shop.process.wait_for("upload begins")  # long before the edge has it all
        if chunked:
            client.send(b"0\r\n\r\n")
        got = client.read_response()
        assert got.status == 200
        assert json.loads(got.body) == {"bytes": UPLOAD_BYTES, "sha256": digest.hexdigest()}
        assert client.ask("/style.css").hit, "the connection goes on"
    grown = peak_bytes(served.process.pid) - before
    assert grown < UPLOAD_BYTES / 4, f"the edge grew by {grown} bytes"


def test_an_upload_is_asked_for_before_it_is_sent(shop, edge):
    served = edge(shop)
    with served.client() as client:
        client.request("/upload", "POST", [("Expect", "100-continue"), ("Content-Length", "5")])
        assert client.reader.readline().startswith(b"HTTP/1.1 100")
        while client.reader.readline() != b"\r\n":
            pass
        client.send(b"hello")
        got = client.read_response()
        assert json.loads(got.body) == {"bytes": 5, "sha256": hashlib.sha256(b"hello").hexdigest()}


def test_an_upload_that_the_app_refuses_at_once(shop, edge):
    """The app answers before the body has come and closes; its answer reaches the client, not a failure of the edge."""
    served = edge(shop)
    with served.client() as client:
        client.request("/refuse", "POST", [("Content-Length", str(UPLOAD_BYTES))])
        client.send(b"x" * 1024)
        got = client.read_response()
        assert got.status == 413 and got.body == b"too large"
        assert client.closed(), "the rest of the body can be no next request"
