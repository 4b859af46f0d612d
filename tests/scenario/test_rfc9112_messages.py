"""RFC 9112 and RFC 9110 over the real socket: framing, smuggling, hop-by-hop fields, methods, interim responses, trailers.

A message whose framing can be read in two ways is answered 400 (or the status that says more) and the connection closes;
the origin never hears of it.

Rules deliberately not kept: a bare LF is refused where RFC 9112 section 2.2 would let a recipient take it for a line's end;
obs-fold is refused where 5.2 would also allow to replace it; a list of equal Content-Lengths is refused where 6.3 would
allow to take one: two readings of one message are what smuggling lives on. TRACE is refused, as RFC 9110 section 9.3.8 lets a
server choose.
"""

import socket

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Gate, Raw, Say

HOUR = {"Cache-Control": "max-age=3600"}
HOST = b"Host: www.example.test\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\n" + HOST + b"\r\n"


def post(fields, body=b""):
    return b"POST /never HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def get(fields=b"", target=b"/never"):
    return b"GET " + target + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n"


REFUSED = {
    "6.1 CL and TE": (post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    "6.1 TE and CL": (post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), 400),
    "6.1 CL and TE of a GET": (get(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + b"0\r\n\r\n", 400),
    "6.3 two lengths": (post(b"Content-Length: 5\r\nContent-Length: 6\r\n", b"hello"), 400),
    "6.3 two equal lengths": (post(b"Content-Length: 5\r\nContent-Length: 5\r\n", b"hello"), 400),
    "6.3 a list of lengths": (post(b"Content-Length: 5, 5\r\n", b"hello"), 400),
    "6.3 length with a sign": (post(b"Content-Length: +5\r\n", b"hello"), 400),
    "6.3 negative length": (post(b"Content-Length: -5\r\n", b"hello"), 400),
    "6.3 hexadecimal length": (post(b"Content-Length: 0x5\r\n", b"hello"), 400),
    "6.3 length with letters": (post(b"Content-Length: 5a\r\n", b"hello"), 400),
    "6.3 length with a space inside": (post(b"Content-Length: 1 0\r\n", b"hello"), 400),
    "6.3 empty length": (post(b"Content-Length:\r\n", b"hello"), 400),
    "6.3 length beyond 64 bits": (post(b"Content-Length: 99999999999999999999\r\n", b"hello"), 400),
    "6.3 length with a fraction": (post(b"Content-Length: 5.0\r\n", b"hello"), 400),
    "6.1 TE identity": (post(b"Transfer-Encoding: identity\r\n"), None),
    "6.1 TE not final": (post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"), None),
    "6.1 TE gzip, chunked": (post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501),
    "6.1 TE chunked twice": (post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"), 400),
    "6.1 TE chunked on two lines": (post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    "6.1 TE with a prefix": (post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), None),
    "6.1 TE with a suffix": (post(b"Transfer-Encoding: chunkedx\r\n", b"0\r\n\r\n"), None),
    "6.1 TE quoted": (post(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"), 400),
    "6.1 TE with a parameter": (post(b"Transfer-Encoding: chunked;q=1\r\n", b"0\r\n\r\n"), None),
    "6.1 TE empty": (post(b"Transfer-Encoding:\r\n", b"0\r\n\r\n"), None),
    "6.1 TE after a vertical tab": (post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"), 400),
    "6.1 TE in HTTP/1.0": (b"POST /never HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "5.1 space before the colon": (post(b"Content-Length : 5\r\n", b"hello"), 400),
    "5.1 TE with space before the colon": (post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"), 400),
    "5.1 tab before the colon": (get(b"X-A\t: 1\r\n"), 400),
    "5.2 obs-fold": (get(b"X-A: 1\r\n 2\r\n"), 400),
    "5.2 obs-fold by a tab": (get(b"X-A: 1\r\n\t2\r\n"), 400),
    "5.2 folded TE": (post(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"), 400),
    "2.2 white space before the first field": (b"GET /never HTTP/1.1\r\n " + HOST + b"\r\n", 400),
    "2.2 bare LF at the end of a line": (b"GET /never HTTP/1.1\n" + HOST + b"\r\n", 400),
    "2.2 bare LF behind a field": (get(b"X-A: 1\nX-B: 2\r\n"), 400),
    "2.2 bare LF at the end of the head": (b"GET /never HTTP/1.1\r\n" + HOST + b"\n", 400),
    "2.2 bare CR in a value": (get(b"X-A: 1\rX-B: 2\r\n"), 400),
    "2.2 bare CR behind a value": (get(b"X-A: 1\r\r\n"), 400),
    "5.5 NUL in a value": (get(b"X-A: 1\x002\r\n"), 400),
    "5.5 NUL in a name": (get(b"X\x00A: 1\r\n"), 400),
    "5.5 control in a value": (get(b"X-A: 1\x012\r\n"), 400),
    "5.5 DEL in a value": (get(b"X-A: 1\x7f\r\n"), 400),
    "5 empty name": (get(b": 1\r\n"), 400),
    "5 no colon": (get(b"X-A\r\n"), 400),
    "5 name that is no token": (get(b"X(A): 1\r\n"), 400),
    "5 name with high bytes": (get(b"X-\xc3\xa4: 1\r\n"), 400),
    "3.2 no Host": (b"GET /never HTTP/1.1\r\n\r\n", 400),
    "3.2 two Hosts": (b"GET /never HTTP/1.1\r\n" + HOST + b"Host: other.example.test\r\n\r\n", 400),
    "3.2 the same Host twice": (b"GET /never HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "3.2 Host with a path": (b"GET /never HTTP/1.1\r\nHost: www.example.test/x\r\n\r\n", 400),
    "3.2 Host with user": (b"GET /never HTTP/1.1\r\nHost: a@www.example.test\r\n\r\n", 400),
    "3.2 Host with space": (b"GET /never HTTP/1.1\r\nHost: www.example.test x\r\n\r\n", 400),
    "3.2 Host list": (b"GET /never HTTP/1.1\r\nHost: www.example.test, other\r\n\r\n", 400),
    "3.2 Host with a bad port": (b"GET /never HTTP/1.1\r\nHost: www.example.test:99999\r\n\r\n", 400),
    "3.2.2 absolute-form against Host": (get(target=b"http://other.example.test/never"), 400),
    "3.2.2 absolute-form with user": (get(target=b"http://u@www.example.test/never"), 400),
    "3.2 fragment": (get(target=b"/never#x"), 400),
    "3.2 space in the target": (get(target=b"/never x"), 400),
    "3.2 backslash form": (get(target=b"\\never"), 400),
    "3.2 relative target": (get(target=b"never"), 400),
    "3.2.4 star for GET": (get(target=b"*"), 400),
    "3 two spaces": (b"GET  /never HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "3 tab for a space": (b"GET\t/never\tHTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "3 no version": (b"GET /never\r\n\r\n", 400),
    "3 method that is no token": (b"GE(T /never HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "2.3 small letters": (b"GET /never http/1.1\r\n" + HOST + b"\r\n", 400),
    "2.3 other version": (b"GET /never HTTP/2.0\r\n" + HOST + b"\r\n", 505),
    "2.3 version 1.10": (b"GET /never HTTP/1.10\r\n" + HOST + b"\r\n", 400),
    "7.1 chunk size that is no number": (post(b"Transfer-Encoding: chunked\r\n", b"xyz\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 chunk size with a prefix": (post(b"Transfer-Encoding: chunked\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 negative chunk size": (post(b"Transfer-Encoding: chunked\r\n", b"-5\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 chunk size beyond 64 bits": (post(b"Transfer-Encoding: chunked\r\n", b"10000000000000005\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 empty chunk size": (post(b"Transfer-Encoding: chunked\r\n", b"\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 space before the chunk size": (post(b"Transfer-Encoding: chunked\r\n", b" 5\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 chunk longer than its size": (post(b"Transfer-Encoding: chunked\r\n", b"3\r\nhello\r\n0\r\n\r\n"), 400),
    "7.1 bare LF behind the size": (post(b"Transfer-Encoding: chunked\r\n", b"5\nhello\r\n0\r\n\r\n"), 400),
    "7.1 bare CR behind the data": (post(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\rX0\r\n\r\n"), 400),
    "7.1.1 extension with a line feed": (post(b"Transfer-Encoding: chunked\r\n", b"5;a\nb\r\nhello\r\n0\r\n\r\n"), 400),
    "10.1.1 unknown expectation": (post(b"Expect: 200-maybe\r\nContent-Length: 5\r\n", b"hello"), 417),
    "9.3.6 CONNECT": (b"CONNECT www.example.test:443 HTTP/1.1\r\n" + HOST + b"\r\n", None),
    "limits: request line": (get(target=b"/" + b"x" * 10_000), 414),
    "limits: header": (get(b"X-A: " + b"x" * 60_000 + b"\r\n"), 431),
    "limits: field lines": (get(b"".join(b"X-%d: 1\r\n" % i for i in range(200))), 431),
}


@pytest.mark.parametrize("data, status", REFUSED.values(), ids=REFUSED)
def test_refused_closed_and_never_forwarded(stage, data, status):
    before = len(stage.app.asked)
    with stage.edge.client() as client:
        client.send(data + SMUGGLED)
        got = client.read_response()
        assert got is not None and got.status >= 400 and (status is None or got.status == status), got and got.status
        assert client.closed(), "the connection closes"
    # A chunked body streams to the origin before its broken chunk has come; such a request never becomes whole.
    assert not [one for one in stage.app.asked[before:] if one.target == "/smuggled"]
    if b"Transfer-Encoding: chunked\r\n\r\n" not in data:
        assert not stage.app.asked[before:]


def test_the_status_of_a_refusal_is_not_cached(stage):
    path = stage.say(Say(200, HOUR, "good"))
    with stage.edge.client() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: www.example.test\r\nX-A: {'x' * 60_000}\r\n\r\n")
        assert client.read_response().status == 431
    assert stage.get(path).body == b"good"


def test_9_3_2_pipelined_requests_are_answered_in_order(stage):
    gate = Gate(rest=Say(200, {}, "slow"))
    slow, fast, hit = stage.say(gate), stage.say(Say(200, {}, "fast")), stage.say(Say(200, HOUR, "hit"))
    stage.get(hit)
    with stage.edge.client() as client:
        for path in (slow, fast, hit, fast):
            client.request(path)
        gate.wait_reached()
        gate.open()
        assert [client.read_response().body for _ in range(4)] == [b"slow", b"fast", b"hit", b"fast"]


def test_9_3_2_pipelined_bodies(stage):
    path = stage.say(lambda connection, asked: Say(200, {}, asked.body)(connection, asked))
    with stage.edge.client() as client:
        client.request(path, "POST", body=b"one")
        client.send(f"POST {path} HTTP/1.1\r\nHost: www.example.test\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "3\r\ntwo\r\n0\r\n\r\n")
        client.request(path, "POST", body=b"")
        client.request(path, "POST", body=b"four")
        assert [client.read_response().body for _ in range(4)] == [b"one", b"two", b"", b"four"]


def test_9_3_a_connection_serves_many_requests_and_closes_when_asked(stage):
    path = stage.say(Say(200, HOUR, "x"))
    with stage.edge.client() as client:
        for _ in range(50):
            assert client.ask(path).body == b"x"
        assert "close" in client.ask(path, fields={"Connection": "close"})["Connection"].lower()
        assert client.closed()


@pytest.mark.parametrize("fields, stays", [({}, False), ({"Connection": "keep-alive"}, True), ({"Connection": "close"}, False)])
def test_9_3_http_1_0(stage, fields, stays):
    path = stage.say(Say(200, HOUR, "x"))
    with stage.edge.client() as client:
        got = client.ask(path, fields=fields, version="1.0")
        assert got.body == b"x" and "Transfer-Encoding" not in got
        if stays:
            assert client.ask(path, version="1.0").body == b"x"
        assert client.closed()


def test_6_1_http_1_0_gets_no_chunks(stage):
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", keep=True))
    with stage.edge.client() as client:
        got = client.ask(path, version="1.0")
        assert got.body == b"abcde" and "Transfer-Encoding" not in got


def test_2_3_a_later_minor_version_is_1_1(stage):
    path = stage.say(Say(200, HOUR, "x"))
    with stage.edge.client() as client:
        assert client.ask(path, version="1.2").body == b"x"


@pytest.mark.parametrize("prefix", [b"\r\n", b"\r\n\r\n"])
def test_2_2_empty_lines_before_a_request(stage, prefix):
    path = stage.say(Say(200, HOUR, "x"))
    with stage.edge.client() as client:
        client.send(prefix)
        assert client.ask(path).body == b"x"


def test_3_2_2_absolute_form(stage):
    path = stage.say(Say(200, HOUR, "x"))
    assert stage.get("http://www.example.test" + path).body == b"x"
    assert stage.get(path).hit and stage.get("http://WWW.example.test:80" + path).hit


def test_3_3_https_on_a_plain_connection_is_misdirected(stage):
    before = len(stage.app.asked)
    assert stage.get("https://www.example.test/never").status == 421 and len(stage.app.asked) == before


def test_10_1_1_100_continue_comes_from_the_edge_or_the_origin(stage):
    path = stage.say(lambda connection, asked: Say(200, {}, asked.body)(connection, asked))
    with stage.edge.client() as client:
        client.request(path, "POST", {"Expect": "100-continue", "Content-Length": "5"})
        assert client.reader.readline().startswith(b"HTTP/1.1 100")
        while client.reader.readline() != b"\r\n":
            pass
        client.send("hello")
        assert client.read_response().body == b"hello"


def test_10_1_1_a_body_that_comes_at_once_needs_no_100(stage):
    path = stage.say(lambda connection, asked: Say(200, {}, asked.body)(connection, asked))
    got = stage.get(path, {"Expect": "100-continue"}, method="POST", body=b"hello")
    assert got.body == b"hello"


@pytest.mark.parametrize("status, fields", [(102, ()), (103, [("Link", "</a.css>; rel=preload"), ("X-My-Header", "test")])])
def test_15_2_interim_responses_are_forwarded_and_the_final_one_cached(stage, status, fields):
    def answer(connection, asked):
        connection.sendall(Say(status, fields).head)
        connection.sendall(Say(status, fields).head)
        return Say(200, HOUR, "final")(connection, asked)

    path = stage.say(answer)
    got = stage.get(path)
    assert [one.status for one in got.informational] == [status, status] and got.body == b"final"
    for name, value in fields:
        assert got.informational[0][name] == value and name not in got
    again = stage.get(path)
    assert again.hit and not again.informational


def test_15_2_no_interim_for_http_1_0(stage):
    def answer(connection, asked):
        connection.sendall(Say(103, {"Link": "<a>"}).head)
        return Say(200, HOUR, "final")(connection, asked)

    path = stage.say(answer)
    with stage.edge.client() as client:
        got = client.ask(path, version="1.0")
        assert got.status == 200 and not got.informational


def test_6_5_trailers_of_a_response(stage):
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n",
                         keep=True))
    got = stage.get(path, {"TE": "trailers", "Connection": "TE"})
    assert got.body == b"abc" and got.trailers == [("X-Sum", "1")]


def test_6_5_trailers_of_a_request(stage):
    seen = []

    def answer(connection, asked):
        seen.append(asked.body)
        return Say(200, {}, "x")(connection, asked)

    path = stage.say(answer)
    with stage.edge.client() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: www.example.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
                    "3;ext=1\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
        assert client.read_response().status == 200
        assert client.ask(path).status == 200
    assert seen == [b"abc", b""]


@pytest.mark.parametrize("line", [b"Content-Length: 5", b"Host: other", b"Transfer-Encoding: chunked"])
def test_6_5_1_trailers_that_would_change_the_framing(stage, line):
    path = stage.say(Say(200, {}, "x"))
    with stage.edge.client() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: www.example.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n".encode()
                    + line + b"\r\n\r\n")
        got = client.read_response()
        assert got is None or got.status in (200, 400)
    assert all(one["Host"] == "www.example.test" for one in stage.app.asked_for(path))


def test_7_1_chunked_uploads(stage):
    path = stage.say(lambda connection, asked: Say(200, {}, str(len(asked.body)))(connection, asked))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(data), data) for data in (b"x" * n for n in (1, 10, 5000, 70_000)))
    with stage.edge.client() as client:
        client.send(f"POST {path} HTTP/1.1\r\nHost: www.example.test\r\nTransfer-Encoding: Chunked\r\n\r\n".encode() + chunks
                    + b"0\r\n\r\n")
        assert client.read_response().body == b"75011"


HOP = {"Keep-Alive": "timeout=5", "Proxy-Connection": "keep-alive", "TE": "trailers", "Upgrade": "h2c", "X-Listed": "secret",
       "Proxy-Authorization": "Basic x"}


def test_7_6_1_of_rfc_9110_hop_by_hop_fields_of_a_request(stage):
    path = stage.say(Say(200, HOUR, "x"))
    stage.get(path, list(HOP.items()) + [("Connection", "keep-alive, X-Listed"), ("X-Kept", "1")])
    asked = stage.asked(path)
    assert asked["X-Kept"] == "1" and "X-Listed" not in asked
    for name in ("Keep-Alive", "Proxy-Connection", "Upgrade"):
        assert name not in asked


@pytest.mark.parametrize("name", ["Host", "Cache-Control", "Cookie", "Authorization", "If-None-Match", "Content-Length"])
def test_7_6_1_connection_cannot_take_away_what_matters(stage, name):
    path = stage.say(Say(200, {}, "x"))
    with stage.edge.client() as client:
        fields = [("Connection", name)] + ([] if name in ("Host", "Content-Length") else [(name, '"v"')])
        client.request(path, "POST", fields, b"abc")
        got = client.read_response()
        assert got.status in (200, 400)
    for asked in stage.app.asked_for(path):
        assert asked["Host"] == "www.example.test" and asked.body == b"abc" and name in asked


def test_7_6_3_via_both_ways(stage):
    path = stage.say(Say(200, {**HOUR, "Via": "1.1 inner"}, "x"))
    got = stage.get(path, {"Via": "1.0 outer"})
    assert stage.asked(path)["Via"] == "1.0 outer, 1.1 meridian" and got["Via"] == "1.1 inner, 1.1 meridian"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "BREW", "M-SEARCH"])
def test_9_methods_known_and_unknown_are_forwarded(stage, method):
    path = stage.say(Say(200, {}, "x"))
    assert stage.get(path, method=method).status == 200
    assert stage.asked(path).method == method


@pytest.mark.parametrize("method", ["get", "Get"])
def test_9_1_methods_are_case_sensitive(stage, method):
    path = stage.say(Say(200, HOUR, "x"))
    stage.get(path)
    assert not stage.get(path, method=method).hit


def test_9_3_8_trace_is_refused(stage):
    path = stage.say(Say(200, {}, "x"))
    got = stage.get(path, method="TRACE")
    assert got.status == 405 and "GET" in got["Allow"] and stage.count(path) == 0


def test_9_3_7_options_of_the_whole_server(stage):
    stage.app.say("*", Say(200, {"Allow": "GET"}))
    assert stage.get("*", method="OPTIONS").status == 200


def test_7_6_2_max_forwards(stage):
    path = stage.say(Say(200, {}, "from the origin"))
    got = stage.get(path, {"Max-Forwards": "0"}, method="OPTIONS")
    assert got.status in (200, 204) and "GET" in got["Allow"] and stage.count(path) == 0
    assert stage.get(path, {"Max-Forwards": "5"}, method="OPTIONS").body == b"from the origin"
    assert stage.asked(path)["Max-Forwards"] == "4"
    stage.get(path, {"Max-Forwards": "0"})
    assert stage.asked(path)["Max-Forwards"] == "0", "it means nothing for other methods"


def test_9_3_2_head_has_no_body_whatever_the_origin_says(stage):
    path = stage.say(Say(200, {}, "body"))
    with stage.edge.client() as client:
        got = client.ask(path, "HEAD")
        assert got["Content-Length"] == "4"
        assert client.ask(path).body == b"body"


def test_7_8_an_upgrade_that_the_origin_refuses_is_a_plain_answer(stage):
    path = stage.say(Say(200, HOUR, "no upgrade here"))
    with stage.edge.client() as client:
        got = client.ask(path, fields={"Connection": "Upgrade", "Upgrade": "websocket"})
        assert (got.status, got.body) == (200, b"no upgrade here") and "Upgrade" not in got
        assert client.ask(path).body == b"no upgrade here"


def test_15_2_2_an_unasked_101_is_a_502(stage):
    path = stage.say(Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"))
    assert stage.get(path).status == 502


BROKEN_HEADS = {
    "6.1 CL and TE": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "6.3 two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
    "6.3 bad length": b"HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
    "4 bad status": b"HTTP/1.1 2000 OK\r\n\r\n",
    "4 no status": b"HTTP/1.1\r\n\r\n",
    "5.2 obs-fold": b"HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
    "5.5 NUL": b"HTTP/1.1 200 OK\r\nX-A: \x00\r\nContent-Length: 0\r\n\r\n",
    "6.1 unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
    "2.3 HTTP/2": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("data", BROKEN_HEADS.values(), ids=BROKEN_HEADS)
def test_broken_answers_of_the_origin_are_502(app, edge, data):
    app.say("/a", Raw(data))
    got = edge(app).get("/a")
    assert got.status == 502 and b"side: origin" in got.body


def test_6_3_an_unknown_coding_ends_with_the_connection(stage):
    """Rule 4; the field itself stays behind (RFC 9110 section 7.6.1)."""
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nTransfer-Encoding: foo\r\n\r\nhello"))
    for hit in (False, True):
        got = stage.get(path)
        assert (got.status, got.body, got.hit) == (200, b"hello", hit) and got["Transfer-Encoding"] in ("", "chunked")


def test_5_1_white_space_before_the_colon_of_a_response_is_removed(stage):
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length : 5\r\n\r\nhello", keep=True))
    got = stage.get(path)
    assert got.status == 200 and got.body == b"hello" and ("X-A", "1") in got.fields


def test_bytes_behind_a_response_do_not_reach_the_next_one(stage):
    extra = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 4\r\n\r\ngood"
    path, other = stage.say(Raw(extra + extra.replace(b"good", b"evil"), keep=True)), stage.say(Say(200, HOUR, "other"))
    assert stage.get(path).body == b"good"
    assert stage.get(other).body == b"other"


def test_6_3_a_length_shorter_than_what_comes(stage):
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 5\r\n\r\n0123456789", keep=True))
    got = stage.get(path)
    assert got["Content-Length"] == "5" and got.body == b"01234"


def test_a_request_that_is_answered_early(stage):
    def answer(connection, asked):
        return Say(413, {"Connection": "close"}, "too much", close=True)(connection, asked)

    path = stage.path()
    # The origin answers as soon as it has the head.
    stage.app.say(path, answer)
    with stage.edge.client() as client:
        client.request(path, "POST", {"Content-Length": "1000000"})
        client.socket.settimeout(30)
        client.send(b"x" * 1000)
        try:
            client.send(b"x" * 999_000)
        except (BrokenPipeError, ConnectionResetError):
            pass
        got = client.read_response()
        assert got is None or got.status in (413, 502)


def test_8_a_client_that_leaves_within_its_body_takes_its_request_along(app, edge):
    """The origin has one place only: it is free again at once, and not when the origin has waited long enough."""
    app.say("/b", Say(200, HOUR, "free"))
    served = edge(app, site="upstream: { connections: 1, queue_timeout: 10m, first_byte_timeout: 10m }")
    with served.client() as client:
        client.request("/a", "POST", {"Content-Length": "10", "Expect": "100-continue"})
        assert client.reader.readline().startswith(b"HTTP/1.1 100"), "the origin is being asked"
        client.send("half")
    assert served.get("/b").body == b"free"


def test_9_6_half_closed_clients_get_their_answer(stage):
    path = stage.say(Say(200, HOUR, "x"))
    with stage.edge.client() as client:
        client.request(path)
        client.socket.shutdown(socket.SHUT_WR)
        assert client.read_response().body == b"x"
