"""What meridian-origin makes up and how it misbehaves on request: generated resources, faults, admin commands."""

import http.client
import json
import re

import pytest

import oracle
from conftest import PATIENCE_S, connect, read_all
from origin_client import ask, set_faults


@pytest.fixture
def served(origin):
    started = origin()
    (started.root / "a.txt").write_text("0123456789")
    return started


def raw(address, target):
    with connect(address) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        return read_all(client)


def test_bytes_are_known_beforehand(served):
    reply = ask(served.address, "/_bytes/100000?seed=4&version=2&cache-control=max-age%3D60")
    assert reply.body == oracle.body("/_bytes/100000", 100_000, seed=4, version=2)
    assert reply["Cache-Control"] == "max-age=60"
    part = ask(served.address, "/_bytes/1000000000000", headers={"Range": "bytes=999999999990-"})
    assert part.body == oracle.body("/_bytes/1000000000000", 10, offset=999_999_999_990)
    varied = ask(served.address, "/_bytes/64?vary=accept-language", headers={"Accept-Language": "de"})
    assert varied.body == oracle.body("/_bytes/64", 64, varying="\naccept-language:de")


def test_the_content_version_changes_bodies_in_place(served):
    before = ask(served.address, "/_bytes/64")
    assert ask(served.admin, "/version", "PUT", body=b'{"version": 9}').json == {"version": 9}
    after = ask(served.address, "/_bytes/64")
    assert after.body == oracle.body("/_bytes/64", 64, version=9) and after["ETag"] != before["ETag"]
    assert ask(served.admin, "/version").json == {"version": 9}
    assert ask(served.admin, "/version", "PUT", body=b'{"version": -1}').status == 400


def test_echo_reports_the_request_and_digests_its_body(served):
    body = oracle.fill(5, 300_000)
    echo = ask(served.address, "/_echo?q=1", "POST", headers={"X-A": "b"}, body=body).json
    assert (echo["method"], echo["target"], echo["body_bytes"]) == ("POST", "/_echo?q=1", 300_000)
    assert echo["body_fnv1a64"] == f"{oracle.fnv1a64(body):016x}"
    assert ["X-A", "b"] in echo["headers"]


def test_chunked_bodies_have_trailers(served):
    data = raw(served.address, "/_chunked/10?piece=4&trailer=X-Check:ok")
    head, _, rest = data.partition(b"\r\n\r\n")
    assert b"Transfer-Encoding: chunked" in head and b"Content-Length" not in head
    bytes_ = oracle.body("/_chunked/10", 10)
    assert rest == b"".join(
        b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (bytes_[0:4], bytes_[4:8], bytes_[8:10])
    ) + b"0\r\nX-Check: ok\r\n\r\n"


def test_events_come_one_by_one(served):
    connection = http.client.HTTPConnection(*served.address, timeout=PATIENCE_S)
    connection.request("GET", "/_sse?interval=10")
    response = connection.getresponse()
    assert response.headers["Content-Type"].startswith("text/event-stream")
    numbers = [json.loads(line[6:])["number"] for line in (response.readline() for _ in range(9)) if line[:5] == b"data:"]
    assert numbers == [0, 1, 2]
    connection.close()


def test_early_hints_go_before_the_answer(served):
    data = raw(served.address, "/_bytes/1?hint=%3C/a.css%3E;%20rel=preload")
    assert data.startswith(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 ")


def test_statuses(served):
    assert ask(served.address, "/_status/503?retry-after=5")["Retry-After"] == "5"
    for status in (204, 304):
        assert raw(served.address, f"/_status/{status}").endswith(b"\r\n\r\n")


def test_generated_resources_can_be_switched_off(origin):
    assert ask(origin(config="generated: false\n").address, "/_bytes/1").status == 404


def test_status_faults_hit_as_often_as_asked(served):
    set_faults(served, {"name": "f", "path": "/*.txt", "status": 503, "count": 2})
    assert [ask(served.address, "/a.txt").status for _ in range(4)] == [503, 503, 200, 200]
    assert ask(served.address, "/_bytes/1").status == 200
    shown = ask(served.admin, "/faults").json["faults"]
    assert shown == [
        {"fault": {"name": "f", "path": "/*.txt", "count": 2, "status": 503}, "hits": 2, "active": False}
    ]
    assert 'meridian_origin_faults_total{fault="status"} 2' in metrics(served)


def test_truncated_bodies_end_politely_and_short(served):
    set_faults(served, {"name": "f", "cut": "truncate", "after": 4})
    head, _, body = raw(served.address, "/a.txt").partition(b"\r\n\r\n")
    assert b"Content-Length: 10" in head and body == b"0123"
    chunked = raw(served.address, "/_chunked/10?piece=2")
    assert chunked.partition(b"\r\n\r\n")[2].count(b"\r\n") == 4 and not chunked.endswith(b"0\r\n\r\n")


def test_resets_before_the_head_and_in_the_body(served):
    set_faults(served, {"name": "f", "path": "/a.txt", "cut": "reset"})
    with connect(served.address) as client:
        client.sendall(b"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(ConnectionResetError):
            assert client.recv(1) != b"", "closed politely"
    set_faults(served, {"name": "f", "path": "/_bytes/*", "cut": "reset", "at": "body", "after": 1000})
    with connect(served.address) as client:
        client.sendall(b"GET /_bytes/100000 HTTP/1.1\r\nHost: x\r\n\r\n")
        data = b""
        with pytest.raises(ConnectionResetError):
            while piece := client.recv(65536):
                data += piece
            pytest.fail("closed politely")
    assert data.partition(b"\r\n\r\n")[2] == oracle.body("/_bytes/100000", 1000)


def test_a_hang_holds_up_nobody_else(origin):
    served = origin(config="drain_timeout: 100ms\n")
    (served.root / "a.txt").write_text("0123456789")
    set_faults(served, {"name": "f", "path": "/a.txt", "cut": "hang", "count": 1})
    with connect(served.address) as client:
        client.sendall(b"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        # Others are answered meanwhile, again and again; the one that hangs is not.
        for _ in range(20):
            assert ask(served.address, "/a.txt").status == 200
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            client.recv(1)
    assert ask(served.admin, "/faults").json["faults"][0]["hits"] == 1


def test_delays_and_rates_keep_every_byte(served):
    set_faults(
        served,
        {"name": "late", "delay": "30ms", "jitter": "20ms"},
        {"name": "pause", "delay": "30ms", "at": "body", "after": 5},
        {"name": "slow", "rate": "20KiB"},
    )
    assert ask(served.address, "/_bytes/5000").body == oracle.body("/_bytes/5000", 5000)
    assert ask(served.address, "/a.txt").body == b"0123456789"


def test_faults_are_set_added_and_removed(served):
    set_faults(served, {"name": "a", "status": 500}, {"name": "b", "status": 502})
    names = lambda: [f["fault"]["name"] for f in ask(served.admin, "/faults").json["faults"]]
    added = json.dumps({"faults": [{"name": "c", "status": 503}, {"name": "a", "status": 501}]}).encode()
    assert ask(served.admin, "/faults", "POST", body=added).status == 200
    assert names() == ["a", "b", "c"]
    assert ask(served.address, "/").status == 501
    assert ask(served.admin, "/faults/a", "DELETE").status == 200
    assert ask(served.admin, "/faults/a", "DELETE").status == 404
    assert names() == ["b", "c"]
    assert ask(served.admin, "/faults", "DELETE").status == 200
    assert names() == []
    assert ask(served.address, "/a.txt").status == 200


def test_wrong_faults_change_nothing_and_are_explained(served):
    set_faults(served, {"name": "kept", "path": "/kept", "status": 500})
    cases = {
        b"": "mapping",
        b"{": "faults:",
        b'{"fault": []}': "faults",
        b'{"faults": [{"name": "x"}]}': "nothing to do",
        b'{"faults": [{"status": 500}]}': "name",
        b'{"faults": [{"name": "x", "status": 200}]}': "400 to 599",
        b'{"faults": [{"name": "x", "status": 500, "probability": 2}]}': "between 0 and 1",
        b'{"faults": [{"name": "x", "cut": "maybe"}]}': "none | truncate | reset | hang",
        b'{"faults": [{"name": "x", "cut": "reset", "after": 4}]}': "`at` is body",
        b'{"faults": [{"name": "x", "status": 500, "up": "1s"}]}': "both up and down",
        b'{"faults": [{"name": "x", "status": 500}, {"name": "x", "status": 501}]}': "no other fault",
        b'{"faults": [{"name": "x", "sttus": 500}]}': "status",
        b'{"faults": [{"name": "x", "path": "a", "status": 500}]}': "begins with /",
    }
    for body, expected in cases.items():
        refused = ask(served.admin, "/faults", "PUT", body=body)
        assert refused.status == 400, body
        assert expected in refused.body.decode(), (body, refused.body)
    assert [f["fault"]["name"] for f in ask(served.admin, "/faults").json["faults"]] == ["kept"]


def metrics(served):
    return ask(served.admin, "/metrics").body.decode()


def test_admin_answers(served):
    assert ask(served.admin, "/healthz").body == b"ok\n"
    assert ask(served.admin, "/nothing").status == 404
    assert ask(served.admin, "/metrics", "POST", body=b"").status == 405
    assert ask(served.admin, "/metrics")["Content-Type"].startswith("text/plain; version=0.0.4")
    # Counted when the exchange has ended, which is behind the answer's back.
    for _ in range(10_000):
        ask(served.address, "/a.txt")
        if re.search(r'^meridian_origin_requests_total\{status="2xx"\} [1-9]', metrics(served), re.M):
            break
    else:
        pytest.fail("requests are not counted")
    # Commands are on the admin listener only.
    assert ask(served.address, "/faults").status == 404
