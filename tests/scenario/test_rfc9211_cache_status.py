"""RFC 9211: what the Cache-Status field says of each request.

Rules deliberately not kept: `key` is shown only where the operator asks for it (6: it may tell secrets); a field that the
origin's own caches sent goes first and ours last, as section 2 says.
"""

import re

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Raw, Say

HOUR = {"Cache-Control": "max-age=3600"}


def status_of(got):
    """The parameters of our member of the list."""
    name, *parameters = re.split(r"; ?", got["Cache-Status"].split(", ")[-1])
    assert name == "meridian"
    return {key: value for key, _, value in (one.partition("=") for one in parameters)}


def test_2_1_hit_and_2_4_ttl(stage):
    path = stage.say(Say(200, {**HOUR, "Age": "600"}))
    stage.get(path)
    said = status_of(stage.get(path))
    assert "hit" in said and "fwd" not in said and "fwd-status" not in said and 2990 <= int(said["ttl"]) <= 3000


def test_2_4_ttl_is_negative_when_stale(stage):
    path = stage.say(Say(200, {"Cache-Control": "max-age=10, stale-while-revalidate=600", "Age": "100", "ETag": '"v"'}))
    stage.get(path)
    said = status_of(stage.get(path))
    assert "hit" in said and int(said["ttl"]) <= -90


FORWARDS = {
    "2.2 uri-miss": ([], {}, "GET", "uri-miss"),
    "2.2 method": ([], {}, "POST", "method"),
    "2.2 method of a write": ([HOUR], {}, "DELETE", "method"),
    "2.2 request": ([HOUR], {"Cache-Control": "no-cache"}, "GET", "request"),
    "2.2 request by Pragma": ([HOUR], {"Pragma": "no-cache"}, "GET", "request"),
    "2.2 stale": ([{"Cache-Control": "max-age=10", "Age": "10", "ETag": '"v"'}], {}, "GET", "stale"),
    "2.2 vary-miss": ([{**HOUR, "Vary": "Foo"}], {"Foo": "1"}, "GET", "vary-miss"),
    "2.2 request that the origin judges": ([HOUR], {"If-Match": '"x"'}, "GET", "request"),
}


@pytest.mark.parametrize("before, fields, method, reason", FORWARDS.values(), ids=FORWARDS)
def test_2_2_why_it_was_forwarded(stage, before, fields, method, reason):
    path = stage.say(*[Say(200, one) for one in before], Say(200, HOUR))
    for _ in before:
        stage.get(path)
    said = status_of(stage.get(path, fields, method=method))
    assert said["fwd"] == reason and said["fwd-status"] == "200" and "hit" not in said


def test_2_2_partial(stage):
    path = stage.say(Say(206, {**HOUR, "Content-Range": "bytes 0-1/10", "ETag": '"v"'}, "01"),
                     Say(206, {**HOUR, "Content-Range": "bytes 5-6/10", "ETag": '"v"'}, "56"))
    stage.get(path, {"Range": "bytes=0-1"})
    assert status_of(stage.get(path, {"Range": "bytes=5-6"}))["fwd"] == "partial"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_2_3_fwd_status(stage, status):
    path = stage.say(Say(status))
    assert status_of(stage.get(path))["fwd-status"] == str(status)


def test_2_3_fwd_status_of_a_validation(stage):
    path = stage.say(Say(200, {"Cache-Control": "max-age=10", "Age": "10", "ETag": '"v"'}),
                     Say(304, {**HOUR, "ETag": '"v"'}))
    stage.get(path)
    got = stage.get(path)
    assert got.status == 200 and status_of(got)["fwd-status"] == "304" and status_of(got)["fwd"] == "stale"


@pytest.mark.parametrize("fields, stored", [(HOUR, True), ({"Cache-Control": "no-store"}, False), ({}, False),
                                            ({"Cache-Control": "private"}, False)])
def test_2_5_stored(stage, fields, stored):
    path = stage.say(Say(200, fields))
    assert ("stored" in status_of(stage.get(path))) == stored


def test_2_8_detail_says_why_it_was_not_stored(stage):
    path = stage.say(Say(200, {"Cache-Control": "private"}))
    assert status_of(stage.get(path))["detail"] == "private"


def test_2_an_answer_of_the_edge_itself_has_it_too(stage):
    path = stage.say(Raw(b""))
    got = stage.get(path)
    assert got.status == 502 and status_of(got)["fwd"] == "uri-miss" and "stored" not in status_of(got)
    got = stage.get(stage.path(), {"Cache-Control": "only-if-cached"})
    assert got.status == 504 and "fwd" not in status_of(got)


def test_2_ours_comes_behind_those_of_other_caches(stage):
    path = stage.say(Say(200, {**HOUR, "Cache-Status": "OriginCache; hit; ttl=5"}))
    for _ in range(2):
        got = stage.get(path)
        members = got["Cache-Status"].split(", ")
        assert members[0] == "OriginCache; hit; ttl=5" and members[1].startswith("meridian;") and len(members) == 2
    assert "; hit" in members[1]


@pytest.mark.parametrize("given", [{"If-None-Match": '"v"'}, {"Range": "bytes=0-0"}, {"Range": "bytes=9-"}])
def test_2_on_304_206_and_416(stage, given):
    path = stage.say(Say(200, {**HOUR, "ETag": '"v"'}, "x"))
    stage.get(path)
    got = stage.get(path, given)
    assert got.status in (304, 206, 416) and "hit" in status_of(got)


def test_2_7_key_on_request_of_the_operator(app, edge):
    app.say("/a?x=%22", Say(200, HOUR, "x"))
    got = edge(app, site="cache: { cache_status: key }").get("/a?x=%22")
    assert re.search(r'key="http://www\.example\.test/a\?x=%22"', got["Cache-Status"])


def test_2_off_on_request_of_the_operator(app, edge):
    app.say("/a", Say(200, HOUR, "x"))
    assert "Cache-Status" not in edge(app, site="cache: { cache_status: off }").get("/a")
