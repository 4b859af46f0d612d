"""The edge in front of a scripted origin: one request after another through every step of the corridor."""

import threading

import pytest

from edge_fixtures import app, edge, scripted  # noqa: F401  (fixtures)

from scripted_origin import Gate, Raw, Say

FRESH = {"Cache-Control": "max-age=600", "ETag": '"v1"'}


def test_the_second_request_is_a_hit(app, edge):
    app.say("/a", Say(200, FRESH, "hello"))
    served = edge(app)
    first, second = served.get("/a"), served.get("/a")
    assert (first.status, first.body, second.status, second.body) == (200, b"hello", 200, b"hello")
    assert not first.hit and "fwd=uri-miss" in first["Cache-Status"] and "stored" in first["Cache-Status"]
    assert second.hit and second.age is not None
    assert len(app.asked_for("/a")) == 1
    assert "1.1 meridian" in app.asked[0]["Via"] and "1.1 meridian" in second["Via"]


def test_head_is_answered_from_the_stored_get(app, edge):
    app.say("/a", Say(200, FRESH, "hello"))
    served = edge(app)
    served.get("/a")
    head = served.get("/a", method="HEAD")
    assert head.hit and head.status == 200 and head["Content-Length"] == "5" and head.body == b""


@pytest.mark.parametrize("fields", [{"Cache-Control": "no-store"}, {"Cache-Control": "private"}, {}])
def test_what_may_not_be_stored_is_asked_for_each_time(app, edge, fields):
    app.say("/a", Say(200, fields, "mine"))
    served = edge(app)
    for _ in range(3):
        assert served.get("/a").body == b"mine"
    assert len(app.asked_for("/a")) == 3


def test_a_stale_response_is_validated_and_used_again(app, edge):
    app.say("/a", Say(200, {"Cache-Control": "max-age=10", "Age": "10", "ETag": '"v1"'}, "hello"),
            Say(304, {"Cache-Control": "max-age=600", "ETag": '"v1"'}))
    served = edge(app)
    served.get("/a")
    second, third = served.get("/a"), served.get("/a")
    assert app.asked[1]["If-None-Match"] == '"v1"'
    assert second.status == 200 and second.body == b"hello" and "fwd-status=304" in second["Cache-Status"]
    assert third.hit and third.body == b"hello"


def test_a_client_with_the_current_version_gets_304(app, edge):
    app.say("/a", Say(200, FRESH, "hello"))
    served = edge(app)
    assert served.get("/a", {"If-None-Match": '"v1"'}).status == 304
    again = served.get("/a", {"If-None-Match": '"v1"'})
    assert again.status == 304 and again["ETag"] == '"v1"' and again.hit
    assert served.get("/a", {"If-None-Match": '"v0"'}).body == b"hello"
    assert len(app.asked_for("/a")) == 1 and "If-None-Match" not in app.asked[0]


@pytest.mark.parametrize("given, status, body, content_range", [
    ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
    ("bytes=-3", 206, b"789", "bytes 7-9/10"),
    ("bytes=5-", 206, b"56789", "bytes 5-9/10"),
    ("bytes=20-", 416, b"", "bytes */10"),
    ("lines=1-2", 200, b"0123456789", ""),
])
def test_ranges_of_a_stored_response(app, edge, given, status, body, content_range):
    app.say("/a", Say(200, FRESH, "0123456789"))
    served = edge(app)
    served.get("/a")
    got = served.get("/a", {"Range": given})
    assert (got.status, got.body, got["Content-Range"]) == (status, body, content_range)
    assert len(app.asked_for("/a")) == 1


def test_several_ranges_come_as_multipart(app, edge):
    app.say("/a", Say(200, {**FRESH, "Content-Type": "text/x"}, "0123456789"))
    served = edge(app)
    served.get("/a")
    got = served.get("/a", {"Range": "bytes=7-8,0-1"})
    assert got.status == 206 and got["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert b"bytes 7-8/10\r\n\r\n78\r\n" in got.body and b"bytes 0-1/10\r\n\r\n01\r\n" in got.body
    assert got.body.count(b"Content-Type: text/x") == 2 and len(got.body) == int(got["Content-Length"])


def test_variants_by_vary(app, edge):
    def by_language(connection, asked):
        return Say(200, {**FRESH, "Vary": "Accept-Language"}, asked["Accept-Language"])(connection, asked)

    app.say("/a", by_language)
    served = edge(app)
    for language in ("en", "de", "en", "de"):
        assert served.get("/a", {"Accept-Language": language}).body.decode() == language
    assert len(app.asked_for("/a")) == 2


def test_an_unsafe_request_invalidates(app, edge):
    app.say("/a", Say(200, FRESH, "old"), Say(204), Say(200, FRESH, "new"))
    served = edge(app)
    assert served.get("/a").body == b"old"
    assert served.get("/a", method="POST", body=b"change").status == 204
    assert app.asked[1].body == b"change"
    assert served.get("/a").body == b"new"


def test_one_fetch_for_many_askers(app, edge):
    gate = Gate(rest=Say(200, FRESH, "x" * 100_000))
    app.say("/a", gate)
    served = edge(app, workers=2)
    clients = [served.client() for _ in range(50)]
    for client in clients:
        client.request("/a")
    gate.wait_reached()
    gate.open()
    for client in clients:
        got = client.read_response()
        assert got.whole and got.body == b"x" * 100_000
        client.close()
    assert len(app.asked_for("/a")) == 1


def test_the_first_byte_does_not_wait_for_the_last(app, edge):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234", rest=b"56789")
    app.say("/a", gate)
    served = edge(app)
    with served.client() as leader, served.client() as follower:
        leader.request("/a")
        gate.wait_reached()
        follower.request("/a")
        for client in (leader, follower):
            assert client.reader.readline() == b"HTTP/1.1 200 OK\r\n"
            while client.reader.readline() != b"\r\n":
                pass
            assert client.reader.read(5) == b"01234"
        gate.open()
        for client in (leader, follower):
            assert client.reader.read(5) == b"56789"
    assert served.get("/a").hit


def test_waiters_are_released_when_the_response_is_private(app, edge):
    gate = Gate(rest=Say(200, {"Cache-Control": "private"}, "first"))
    app.say("/a", gate, Say(200, {"Cache-Control": "private"}, "own"))
    served = edge(app)
    clients = [served.client() for _ in range(5)]
    clients[0].request("/a")
    gate.wait_reached()
    for client in clients[1:]:
        client.request("/a")
    gate.open()
    assert clients[0].read_response().body == b"first"
    assert [client.read_response().body for client in clients[1:]] == [b"own"] * 4
    # The marker lets the next ones go at once.
    assert "fwd=bypass" in served.get("/a")["Cache-Status"]


@pytest.mark.parametrize("data", [
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nshort",
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nZZ\r\n",
])
def test_a_broken_body_is_an_abort_and_is_never_stored(app, edge, data):
    app.say("/a", Raw(data), Raw(data))
    served = edge(app)
    for _ in range(2):
        got = served.get("/a")
        assert got is None or not got.whole
    assert len(app.asked_for("/a")) == 2


@pytest.mark.parametrize("data", [
    b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n", b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
])
def test_a_broken_head_is_a_502_that_names_the_origin(app, edge, data):
    app.say("/a", Raw(data))
    got = edge(app).get("/a")
    assert got.status == 502 and b"side: origin" in got.body
    assert got["Cache-Control"] == "no-store" and len(got["X-Request-ID"]) == 32


def test_stale_if_error(app, edge):
    stale = {"Cache-Control": "max-age=10, stale-if-error=600", "Age": "10", "ETag": '"v1"'}
    app.say("/a", Say(200, stale, "old but good"), Say(503, {}, "down"), Raw(b""))
    served = edge(app)
    served.get("/a")
    for _ in range(2):
        got = served.get("/a")
        assert got.status == 200 and got.body == b"old but good"


def test_stale_while_revalidate(app, edge):
    stale = {"Cache-Control": "max-age=10, stale-while-revalidate=600", "Age": "10", "ETag": '"v1"'}
    gate = Gate(rest=Say(200, FRESH, "new"))
    app.say("/a", Say(200, stale, "old"), gate)
    served = edge(app)
    served.get("/a")
    assert served.get("/a").body == b"old"
    gate.wait_reached()
    assert served.get("/a").body == b"old"
    gate.open()
    app.wait_asked("/a", 2)
    while (got := served.get("/a")).body == b"old":
        pass
    assert got.body == b"new" and len(app.asked_for("/a")) == 2


def test_websocket_tunnel(app, edge):
    def echo(connection, asked):
        assert asked["Upgrade"] == "websocket" and "upgrade" in asked["Connection"].lower()
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           b"Sec-WebSocket-Accept: x\r\n\r\nearly")
        while data := connection.recv(1000):
            connection.sendall(data.upper())
        return False

    app.say("/socket", echo)
    with edge(app).client() as client:
        client.request("/socket", fields={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "k"})
        got = client.read_response()
        assert got.status == 101 and got["Upgrade"] == "websocket" and got["Sec-WebSocket-Accept"] == "x"
        assert client.reader.read(5) == b"early"
        client.send("shout")
        assert client.reader.read(5) == b"SHOUT"


def test_uploads_stream_with_back_pressure(app, edge):
    body = bytes(range(256)) * 40_000
    app.say("/upload", lambda connection, asked: Say(200, {}, str(len(asked.body)))(connection, asked))
    served = edge(app)
    assert served.get("/upload", method="POST", body=body).body == str(len(body)).encode()
    assert app.asked[-1].body == body


def test_a_client_that_leaves_does_not_stop_a_fill_that_others_use(app, edge):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n01234", rest=b"56789")
    app.say("/a", gate)
    served = edge(app)
    leader, follower = served.client(), served.client()
    leader.request("/a")
    gate.wait_reached()
    follower.request("/a")
    # The follower reads what has come already: it has joined.
    while follower.reader.readline() != b"\r\n":
        pass
    assert follower.reader.read(5) == b"01234"
    leader.close()
    gate.open()
    assert follower.reader.read(5) == b"56789"
    follower.close()
    assert served.get("/a").body == b"0123456789"
    assert len(app.asked_for("/a")) == 1


def test_an_unknown_host_is_misdirected(app, edge, start, tmp_path):
    file = tmp_path / "one.yaml"
    file.write_text('listen: [ { address: 127.0.0.1:0 } ]\nsites:\n  - hosts: ["www.example.test"]\n'
                    f'    origins: [ {{ url: "{app.url}" }} ]\n')
    from edge_client import Client
    process = start("meridian-edge", "--config", file)
    with Client(process.address(), host="elsewhere.test") as client:
        assert client.ask("/").status == 421
    assert not app.asked


def test_threads_of_askers_on_two_workers_see_one_truth(app, edge):
    app.say("/a", Say(200, FRESH, "truth" * 1000))
    served = edge(app, workers=2)
    wrong = []

    def ask_often():
        with served.client() as client:
            for _ in range(100):
                got = client.ask("/a")
                if got.body != b"truth" * 1000:
                    wrong.append(got)

    threads = [threading.Thread(target=ask_often) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(app.asked_for("/a")) == 1
