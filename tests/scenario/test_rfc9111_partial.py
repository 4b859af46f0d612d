"""RFC 9111 sections 3.3 and 3.4, RFC 9110 sections 14 and 15.3.7: parts, stored and served.

Rules deliberately not kept: a multipart answer of the origin is passed on and never stored (3.3 allows it). A part is used
only for a range that lies within it; nothing is asked for to complete a request for the whole (an optimisation that 3.4
allows where both parts have the same strong validator). A 206 whose body has another length than its Content-Range is
passed on and never stored.
"""

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Gate, Say

HOUR = {"Cache-Control": "max-age=3600"}
TAGGED = {**HOUR, "ETag": '"v"'}
BODY = b"0123456789"
LM = "Wed, 01 Jan 2020 00:00:00 GMT"

RANGES = {
    "14.1.2 first bytes": ("bytes=0-1", 206, b"01", "bytes 0-1/10"),
    "14.1.2 one byte": ("bytes=4-4", 206, b"4", "bytes 4-4/10"),
    "14.1.2 to the end": ("bytes=1-", 206, b"123456789", "bytes 1-9/10"),
    "14.1.2 the last bytes": ("bytes=-1", 206, b"9", "bytes 9-9/10"),
    "14.1.2 more last bytes than there are": ("bytes=-20", 206, BODY, "bytes 0-9/10"),
    "14.1.2 beyond the end": ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
    "14.1.2 unit in capitals": ("BYTES=0-1", 206, b"01", "bytes 0-1/10"),
    "14.1.2 huge number": ("bytes=0-99999999999999999999", 206, BODY, "bytes 0-9/10"),
    "14.1.2 starts behind the end": ("bytes=10-", 416, b"", "bytes */10"),
    "14.1.2 no last bytes": ("bytes=-0", 416, b"", "bytes */10"),
    "14.2 other unit": ("lines=0-1", 200, BODY, ""),
    "14.2 turned round": ("bytes=5-1", 200, BODY, ""),
    "14.2 no number": ("bytes=a-b", 200, BODY, ""),
    "14.2 nothing": ("bytes=", 200, BODY, ""),
    "14.2 no dash": ("bytes=5", 200, BODY, ""),
    "14.2 one satisfiable of two": ("bytes=0-1,20-30", 206, b"01", "bytes 0-1/10"),
    "14.2 none satisfiable of two": ("bytes=20-30,40-", 416, b"", "bytes */10"),
}


@pytest.mark.parametrize("given, status, body, content_range", RANGES.values(), ids=RANGES)
def test_14_2_of_a_stored_whole(stage, given, status, body, content_range):
    path = stage.say(Say(200, {**TAGGED, "Content-Type": "text/x", "A": "1"}, BODY))
    stage.get(path)
    got = stage.get(path, {"Range": given})
    assert (got.status, got.body, got["Content-Range"]) == (status, body, content_range)
    assert got.hit and stage.count(path) == 1 and got["Content-Length"] == str(len(body))
    assert got["A"] == "1" and got["ETag"] == '"v"' and got["Cache-Control"] and got["Date"]


def test_14_2_head_ignores_range(stage):
    path = stage.say(Say(200, TAGGED, BODY))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=0-1"}, method="HEAD")
    assert got.status == 200 and got["Content-Length"] == "10"


@pytest.mark.parametrize("status", [404, 203])
def test_14_2_only_a_200_is_cut(stage, status):
    path = stage.say(Say(status, TAGGED, BODY))
    stage.get(path)
    assert stage.get(path, {"Range": "bytes=0-1"}).status == status


def test_14_6_several_ranges(stage):
    path = stage.say(Say(200, {**TAGGED, "Content-Type": "text/x"}, BODY))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=0-0, -1, 4-5"})
    assert got.status == 206 and got["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert "Content-Range" not in got and got.whole
    parts = got.body.split(b"--" + got["Content-Type"].split("boundary=")[1].strip('"').encode())
    assert [part.split(b"\r\n\r\n")[1].rstrip(b"\r\n") for part in parts[1:-1]] == [b"0", b"9", b"45"]
    assert parts[-1].startswith(b"--")


@pytest.mark.parametrize("count", [17, 200])
def test_14_2_too_many_ranges_are_ignored(stage, count):
    path = stage.say(Say(200, TAGGED, b"x" * 2000))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=" + ",".join(f"{i * 3}-{i * 3}" for i in range(count))})
    assert got.status == 200 and len(got.body) == 2000


def test_14_2_overlapping_ranges_do_not_multiply_the_body(stage):
    path = stage.say(Say(200, TAGGED, b"x" * 100_000))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=" + ",".join(["0-"] * 10)})
    assert len(got.body) < 200_000


IF_RANGE = {
    "13.1.5 same strong tag": ({"ETag": '"v"'}, '"v"', 206),
    "13.1.5 other tag": ({"ETag": '"v"'}, '"w"', 200),
    "13.1.5 weak tags never match": ({"ETag": 'W/"v"'}, 'W/"v"', 200),
    "13.1.5 weak against strong": ({"ETag": '"v"'}, 'W/"v"', 200),
    "13.1.5 same date": ({"Last-Modified": LM}, LM, 206),
    "13.1.5 later date is not the same": ({"Last-Modified": LM}, "Thu, 02 Jan 2020 00:00:00 GMT", 200),
    "13.1.5 nothing to compare": ({}, '"v"', 200),
    "13.1.5 nonsense": ({"ETag": '"v"'}, "v", 200),
}


@pytest.mark.parametrize("fields, given, status", IF_RANGE.values(), ids=IF_RANGE)
def test_13_1_5_if_range(stage, fields, given, status):
    path = stage.say(Say(200, {**HOUR, **fields}, BODY))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=0-1", "If-Range": given})
    assert got.status == status and got.hit and got.body == (b"01" if status == 206 else BODY)


def test_13_2_2_not_modified_goes_before_range(stage):
    path = stage.say(Say(200, TAGGED, BODY))
    stage.get(path)
    assert stage.get(path, {"Range": "bytes=0-1", "If-None-Match": '"v"'}).status == 304


def part(first, last, whole=10, extra=None, fields=TAGGED):
    return Say(206, {**fields, "Content-Range": f"bytes {first}-{last}/{whole}", **(extra or {})}, BODY[first:last + 1])


WITHIN = {
    "the same range": ("bytes=4-9", b"456789"),
    "the same by its end": ("bytes=-6", b"456789"),
    "a smaller one": ("bytes=6-8", b"678"),
    "to the end": ("bytes=6-", b"6789"),
    "the last byte": ("bytes=-1", b"9"),
}


@pytest.mark.parametrize("fields", [HOUR, TAGGED], ids=["untagged", "tagged"])
@pytest.mark.parametrize("given, body", WITHIN.values(), ids=WITHIN)
def test_3_3_a_stored_part_answers_what_lies_within_it(stage, given, body, fields):
    path = stage.say(part(4, 9, fields=fields))
    assert stage.get(path, {"Range": "bytes=4-9"}).body == BODY[4:]
    assert stage.asked(path)["Range"] == "bytes=4-9"
    got = stage.get(path, {"Range": given})
    assert got.status == 206 and got.body == body and got.hit and stage.count(path) == 1


@pytest.mark.parametrize("fields, status", [({"If-None-Match": '"v"'}, 304), ({"If-None-Match": '"w"'}, 206),
                                            ({"If-None-Match": '"v"', "If-Range": '"w"'}, 304)])
def test_13_2_2_preconditions_go_before_the_range_of_a_stored_part_too(stage, fields, status):
    path = stage.say(part(4, 9))
    stage.get(path, {"Range": "bytes=4-9"})
    got = stage.get(path, {"Range": "bytes=5-6", **fields})
    assert got.status == status and got["ETag"] == '"v"' and stage.count(path) == 1
    assert got.body == (b"56" if status == 206 else b"") and ("Content-Range" in got) == (status == 206)


@pytest.mark.parametrize("given", ["bytes=3-5", "bytes=0-", "bytes=-7", None, "bytes=4-5,7-8"])
def test_3_3_and_nothing_else(stage, given):
    path = stage.say(part(4, 9), Say(200, HOUR, BODY))
    stage.get(path, {"Range": "bytes=4-9"})
    stage.get(path, {"Range": given} if given else {})
    assert stage.count(path) == 2


def test_3_3_a_stale_part_is_not_served(stage):
    path = stage.say(part(4, 9, extra={"Age": "9999"}), part(4, 9))
    for _ in range(2):
        stage.get(path, {"Range": "bytes=4-9"})
    assert stage.count(path) == 2


@pytest.mark.parametrize("extra", [{"Cache-Control": "no-store"}, {"Cache-Control": "private"}])
def test_3_3_a_part_that_may_not_be_stored(stage, extra):
    path = stage.say(part(4, 9, extra=extra))
    for _ in range(2):
        assert stage.get(path, {"Range": "bytes=4-9"}).status == 206
    assert stage.count(path) == 2


BAD_PARTS = {
    "14.4 no Content-Range": Say(206, TAGGED, "01"),
    "14.4 other unit": Say(206, {**TAGGED, "Content-Range": "lines 0-1/10"}, "01"),
    "14.4 turned round": Say(206, {**TAGGED, "Content-Range": "bytes 1-0/10"}, "01"),
    "14.4 beyond the whole": Say(206, {**TAGGED, "Content-Range": "bytes 9-10/10"}, "01"),
    "14.4 no range": Say(206, {**TAGGED, "Content-Range": "bytes */10"}, "01"),
    "14.4 body of another length": Say(206, {**TAGGED, "Content-Range": "bytes 0-4/10"}, "01"),
    "14.4 unknown whole": Say(206, {**TAGGED, "Content-Range": "bytes 0-1/*"}, "01"),
    "14.6 multipart": Say(206, {**TAGGED, "Content-Type": "multipart/byteranges; boundary=x"}, "--x--"),
}


@pytest.mark.parametrize("answer", BAD_PARTS.values(), ids=BAD_PARTS)
def test_14_4_a_206_that_is_not_clear_is_not_stored(stage, answer):
    path = stage.say(answer)
    for _ in range(2):
        assert stage.get(path, {"Range": "bytes=0-1"}).status == 206
    assert stage.count(path) == 2


def test_15_3_7_a_206_that_nobody_asked_for_is_not_stored(stage):
    path = stage.say(part(0, 4), Say(200, HOUR, BODY))
    stage.get(path)
    assert stage.get(path).body == BODY


@pytest.mark.parametrize("first, second", [((0, 4), (5, 9)), ((5, 9), (0, 4)), ((0, 6), (3, 9))])
def test_3_4_parts_of_one_representation_become_the_whole(stage, first, second):
    path = stage.say(part(*first, extra={"A": "1", "B": "1"}), part(*second, extra={"A": "2"}))
    for one in (first, second):
        stage.get(path, {"Range": f"bytes={one[0]}-{one[1]}"})
    got = stage.get(path)
    assert (got.status, got.body) == (200, BODY) and got.hit and stage.count(path) == 2
    assert got["A"] == "2" and "Content-Range" not in got


@pytest.mark.parametrize("one, other", [('"v"', '"w"'), ('W/"v"', 'W/"v"'), (None, None)])
def test_3_4_without_one_strong_validator_they_do_not(stage, one, other):
    def half(first, last, tag):
        return part(first, last, fields={**HOUR, **({"ETag": tag} if tag else {})})

    path = stage.say(half(0, 4, one), half(5, 9, other), Say(200, HOUR, BODY))
    for given in ("bytes=0-4", "bytes=5-9"):
        stage.get(path, {"Range": given})
    assert not stage.get(path).hit and stage.count(path) == 3


def test_3_4_a_gap_stays_a_gap(stage):
    path = stage.say(part(0, 1), part(8, 9), Say(200, HOUR, BODY))
    for given in ("bytes=0-1", "bytes=8-9"):
        stage.get(path, {"Range": given})
    assert not stage.get(path).hit


def test_14_2_a_range_that_misses_goes_to_the_origin_as_it_is(stage):
    path = stage.say(part(2, 3))
    got = stage.get(path, {"Range": "bytes=2-3", "If-Range": '"v"'})
    assert got.status == 206 and got.body == b"23" and got["Content-Range"] == "bytes 2-3/10"
    assert (stage.asked(path)["Range"], stage.asked(path)["If-Range"]) == ("bytes=2-3", '"v"')


def test_14_2_an_origin_that_ignores_range_fills_the_cache_with_the_whole(stage):
    path = stage.say(Say(200, TAGGED, BODY))
    got = stage.get(path, {"Range": "bytes=2-3"})
    assert (got.status, got.body) in ((206, b"23"), (200, BODY))
    assert stage.get(path).hit and stage.get(path).body == BODY


def test_14_2_a_stale_whole_is_validated_whole(stage):
    path = stage.say(Say(200, {**TAGGED, "Age": "9999"}, BODY), Say(304, TAGGED))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=2-3"})
    assert (got.status, got.body) == (206, b"23") and "Range" not in stage.asked(path)


def test_15_5_17_a_416_of_the_origin_is_not_stored(stage):
    path = stage.say(Say(416, {**HOUR, "Content-Range": "bytes */10"}), Say(200, HOUR, BODY))
    assert stage.get(path, {"Range": "bytes=20-"}).status == 416
    assert stage.get(path).body == BODY


def flowing(stage, come=6, fields=(), length=10, body=BODY):
    """A fetch of the whole of which so much has come, and the client that asked for it."""
    head = "HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
    framing = f"Content-Length: {length}\r\n\r\n" if length else "Transfer-Encoding: chunked\r\n\r\n"
    first = (head + framing).encode() + (body[:come] if length else b"6\r\n" + body[:come] + b"\r\n")
    rest = body[come:] if length else b"4\r\n" + body[come:] + b"\r\n0\r\n\r\n"
    gate = Gate(first=first, rest=rest)
    path = stage.say(gate, part(0, 1, fields=HOUR))
    client = stage.edge.client()
    client.request(path)
    assert client.reader.readline() == b"HTTP/1.1 200 OK\r\n"
    return path, gate, client


FLOWING = {
    "has come": ({"Range": "bytes=1-4"}, 206, b"1234", "bytes 1-4/10"),
    "one byte": ({"Range": "bytes=0-0"}, 206, b"0", "bytes 0-0/10"),
    "nothing has that": ({"Range": "bytes=10-"}, 416, b"", "bytes */10"),
    "known already": ({"Range": "bytes=1-4", "If-None-Match": '"v"'}, 304, b"", ""),
}


@pytest.mark.parametrize("fields, status, body, content_range", FLOWING.values(), ids=FLOWING)
def test_14_2_of_a_whole_that_is_being_fetched(stage, fields, status, body, content_range):
    """What has come is answered at once, while the origin still has the rest."""
    path, gate, client = flowing(stage, fields=[("ETag", '"v"')])
    got = stage.get(path, fields)
    assert (got.status, got.body, got["Content-Range"]) == (status, body, content_range)
    assert stage.count(path) == 1 and "collapsed" in got["Cache-Status"]
    gate.open()
    client.close()


@pytest.mark.parametrize("given, body", [("bytes=4-7", BODY[4:8]), ("bytes=8-", BODY[8:]), ("bytes=-1", BODY[9:]),
                                         ("junk", BODY)])
def test_14_2_what_has_yet_to_come_is_waited_for(stage, given, body):
    path, gate, client = flowing(stage)
    with stage.edge.client() as asker:
        asker.request(path, fields={"Range": given})
        assert asker.reader.peek(1)[:1] == b"H", "the head needs no byte of the range"
        gate.open()
        got = asker.read_response()
    assert (got.status, got.body) == (200 if given == "junk" else 206, body) and stage.count(path) == 1
    client.close()


def test_14_2_a_range_waits_for_the_head_of_the_whole_too(stage):
    gate = Gate(rest=Say(200, TAGGED, BODY))
    path = stage.say(gate)
    with stage.edge.client() as whole, stage.edge.client() as asker:
        whole.request(path)
        gate.wait_reached()
        asker.request(path, fields={"Range": "bytes=2-3", "If-Range": '"v"'})
        for _ in range(2000):
            if stage.edge.metric("meridian_edge_followers"):
                break
        gate.open()
        assert asker.read_response().body == b"23" and whole.read_response().body == BODY
    assert stage.count(path) == 1


OWN_WAY = {
    "several ranges": dict(given="bytes=0-0,2-2"),
    "a body of unknown length": dict(given="bytes=0-1", length=None),
}


@pytest.mark.parametrize("case", OWN_WAY.values(), ids=OWN_WAY)
def test_14_2_what_a_running_fetch_cannot_serve_goes_its_own_way(stage, case):
    path, gate, client = flowing(stage, length=case.get("length", 10))
    assert stage.get(path, {"Range": case["given"]}).status == 206
    assert stage.count(path) == 2 and stage.asked(path)["Range"] == case["given"]
    gate.open()
    client.close()


def test_14_2_a_range_far_ahead_goes_its_own_way(app, edge):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: 10\r\n\r\n01", rest=BODY[2:])
    app.say("/a", gate, part(8, 9))
    served = edge(app, site="cache: { range_ahead: 4 }")
    with served.client() as whole:
        whole.request("/a")
        assert whole.reader.readline() == b"HTTP/1.1 200 OK\r\n"
        assert served.get("/a", {"Range": "bytes=8-9"}).body == b"89"
        assert app.asked[-1]["Range"] == "bytes=8-9"
        gate.open()
    assert len(app.asked) == 2
