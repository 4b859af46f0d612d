"""RFC 5861 and RFC 9111 section 4.2.4: serving stale, while asking anew and where the origin fails.

Rules deliberately not kept: Warning is not sent (RFC 9111 section 5.5 made it obsolete). By policy a stale response is also
served where the origin fails and the response says nothing; must-revalidate, proxy-revalidate, s-maxage and no-cache
forbid it.
"""

import re

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Gate, Raw, Say

# So many failures of one origin would open its breaker, and then it is not asked at all.
SITE = "upstream: { breaker_failures: 10000, eject_error_rate: 1.0, retries: 0 }"


def wait_for_followers(stage, count):
    """Until so many requests wait for the fetches of others."""
    for _ in range(2000):
        if stage.edge.metric("meridian_edge_followers") >= count:
            return
    pytest.fail("nobody followed")


def old(control, age=10, lifetime=10):
    return [("Cache-Control", f"max-age={lifetime}" + (", " + control if control else "")), ("Age", str(age)),
            ("ETag", '"v"')]


FAILURES = {
    "500": Say(500, {}, "down"), "502": Say(502, {}, "down"), "503": Say(503, {}, "down"), "504": Say(504, {}, "down"),
    "closes": Raw(b""), "resets": Raw(b"", reset=True), "nonsense": Raw(b"nonsense\r\n\r\n"),
    "half a head": Raw(b"HTTP/1.1 200 OK\r\nContent-"),
    "bad length": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_4_stale_if_error_answers_in_place_of_a_failed_origin(stage, failure):
    path = stage.say(Say(200, old("stale-if-error=600"), "old"), failure)
    stage.get(path)
    for _ in range(2):
        got = stage.get(path)
        assert (got.status, got.body) == (200, b"old") and got.age >= 10 and "Warning" not in got


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("control", ["must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=10", "stale-if-error=0",
                                     "must-revalidate, stale-if-error=600", "no-cache, stale-if-error=600"])
def test_4_2_4_what_forbids_stale(stage, failure, control):
    path = stage.say(Say(200, old(control), "old"), failure)
    stage.get(path)
    got = stage.get(path)
    assert got.status >= 500 and got.body != b"old"


@pytest.mark.parametrize("status", [400, 404, 410, 501, 505])
def test_4_other_statuses_are_no_error(stage, status):
    path = stage.say(Say(200, old("stale-if-error=600"), "old"), Say(status, {}, "other"))
    stage.get(path)
    assert stage.get(path).status == status


def test_4_not_beyond_its_window(stage):
    path = stage.say(Say(200, old("stale-if-error=5", age=100), "old"), Say(503))
    stage.get(path)
    assert stage.get(path).status == 503


def test_4_s_maxage_with_an_exception_of_its_own(stage):
    path = stage.say(Say(200, old("s-maxage=10, stale-if-error=600"), "old"), Say(503))
    stage.get(path)
    assert stage.get(path).body == b"old"


def test_4_a_fresh_response_that_the_client_wanted_validated(stage):
    path = stage.say(Say(200, old("", age=0, lifetime=600), "kept"), Raw(b""))
    stage.get(path)
    assert stage.get(path, {"Cache-Control": "no-cache"}).body == b"kept"


def test_4_an_error_takes_nothing_away(stage):
    path = stage.say(Say(200, old("stale-if-error=600"), "old"), Say(503, {"Cache-Control": "max-age=60"}, "down"),
                     Say(304, {"Cache-Control": "max-age=60", "ETag": '"v"'}))
    stage.get(path)
    assert stage.get(path).body == b"old"
    assert stage.get(path).body == b"old"
    assert stage.get(path).hit and stage.count(path) == 3


def test_4_policy_where_the_response_says_nothing(app, edge):
    app.say("/a", Say(200, old(""), "old"), Say(503))
    served = edge(app)
    served.get("/a")
    assert served.get("/a").body == b"old"


def test_4_policy_off(app, edge):
    app.say("/a", Say(200, old(""), "old"), Say(503))
    served = edge(app, site="cache: { stale_if_error: 0s }")
    served.get("/a")
    assert served.get("/a").status == 503


def test_4_an_error_behind_the_head_is_an_abort(stage):
    path = stage.say(Say(200, old("stale-if-error=600"), "old"),
                     Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"))
    stage.get(path)
    got = stage.get(path)
    assert got is None or not got.whole


def until(stage, path, arrived, fields=()):
    """Asks until the refresh behind the client's back has come; bounded, as a refresh may never come."""
    for _ in range(2000):
        if arrived(got := stage.get(path, fields)):
            return got
    pytest.fail(f"the refresh never came: {got.body!r}, {got.fields}")


def test_3_serves_stale_and_asks_behind_it(stage):
    gate = Gate(rest=Say(200, old("", age=0, lifetime=600), "new"))
    path = stage.say(Say(200, old("stale-while-revalidate=600"), "old"), gate)
    stage.get(path)
    first = stage.get(path)
    gate.wait_reached()
    assert first.body == b"old" and first.hit and re.search(r"ttl=(-\d|0\b)", first["Cache-Status"])
    for _ in range(5):
        assert stage.get(path).body == b"old"
    gate.open()
    assert until(stage, path, lambda got: got.body == b"new").hit and stage.count(path) == 2


def test_3_a_304_behind_freshens(stage):
    path = stage.say(Say(200, old("stale-while-revalidate=600") + [("X", "1")], "kept"),
                     Say(304, old("", age=0, lifetime=600) + [("X", "2")]))
    stage.get(path)
    stage.get(path)
    assert stage.app.wait_asked(path, 2)[1]["If-None-Match"] == '"v"'
    until(stage, path, lambda got: got["X"] == "2")
    assert stage.get(path).body == b"kept" and stage.count(path) == 2


def test_3_the_refresh_is_a_get_for_all(stage):
    path = stage.say(Say(200, old("stale-while-revalidate=600"), "0123456789"), Say(200, old("", 0, 600), "abcdefghij"))
    stage.get(path)
    got = stage.get(path, {"Range": "bytes=0-1", "If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT"})
    assert got.body == b"01"
    asked = stage.app.wait_asked(path, 2)[1]
    assert asked.method == "GET" and "Range" not in asked and "If-Modified-Since" not in asked
    until(stage, path, lambda got: got.body == b"abcdefghij")


def test_3_a_head_refreshes_with_a_get(stage):
    path = stage.say(Say(200, old("stale-while-revalidate=600"), "old"), Say(200, old("", 0, 600), "new"))
    stage.get(path)
    assert stage.get(path, method="HEAD").status == 200
    assert stage.app.wait_asked(path, 2)[1].method == "GET"
    until(stage, path, lambda got: got.body == b"new")


@pytest.mark.parametrize("control, age", [("stale-while-revalidate=5", 100), ("stale-while-revalidate=0", 10),
                                          ("stale-while-revalidate=x", 10), ("", 10)])
def test_3_not_beyond_its_window(stage, control, age):
    path = stage.say(Say(200, old(control, age), "old"), Say(200, old("", 0, 600), "new"))
    stage.get(path)
    assert stage.get(path).body == b"new"


@pytest.mark.parametrize("control", ["must-revalidate", "proxy-revalidate", "no-cache"])
def test_4_2_4_not_where_stale_is_forbidden(stage, control):
    path = stage.say(Say(200, old(control + ", stale-while-revalidate=600"), "old"), Say(200, old("", 0, 600), "new"))
    stage.get(path)
    assert stage.get(path).body == b"new"


@pytest.mark.parametrize("control", ["no-cache", "max-age=0", "max-age=100"])
def test_3_not_for_a_client_that_wants_it_fresh(stage, control):
    path = stage.say(Say(200, old("stale-while-revalidate=600"), "old"), Say(200, old("", 0, 600), "new"))
    stage.get(path)
    assert stage.get(path, {"Cache-Control": control}).body == b"new"


def test_3_the_refreshed_response_may_forbid_reuse(stage):
    path = stage.say(Say(200, old("stale-while-revalidate=600"), "old"),
                     Say(200, {"Cache-Control": "no-cache", "ETag": '"w"'}, "new"))
    stage.get(path)
    assert stage.get(path).body == b"old"
    until(stage, path, lambda got: got.body == b"new")
    count = stage.count(path)
    assert stage.get(path).body == b"new" and stage.count(path) == count + 1


def test_3_a_refresh_that_fails_leaves_the_stale_response(stage):
    path = stage.say(Say(200, old("stale-while-revalidate=600, stale-if-error=600"), "old"), Raw(b""))
    stage.get(path)
    for _ in range(5):
        assert stage.get(path).body == b"old"


def test_3_variants_are_refreshed_each_for_itself(stage):
    def answer(connection, asked):
        seen = sum(one["Foo"] == asked["Foo"] for one in stage.app.asked_for(path))
        fields = old("stale-while-revalidate=600") if seen == 1 else old("", 0, 600)
        return Say(200, fields + [("Vary", "Foo")], f"{asked['Foo']}{seen}")(connection, asked)

    path = stage.path()
    stage.app.say(path, answer)
    for foo in "ab":
        stage.get(path, {"Foo": foo})
    for foo in "ab":
        until(stage, path, lambda got, foo=foo: got.body == f"{foo}2".encode(), {"Foo": foo})


@pytest.mark.parametrize("failure", [Say(503, {}, "down"), Raw(b"nonsense\r\n\r\n")], ids=["503", "nonsense"])
@pytest.mark.parametrize("leader_allows", [True, False])
def test_4_each_request_speaks_for_itself(stage, failure, leader_allows):
    """Requests that wait for one fetch: whose own stale-if-error allows it gets the stored response, and no other."""
    ask = {True: {"Cache-Control": "stale-if-error=600"}, False: {"Cache-Control": "stale-if-error=0"}}
    gate = Gate(rest=failure)
    path = stage.say(Say(200, old(""), "old"), gate, failure)
    stage.get(path)
    leader, follower = stage.edge.client(), stage.edge.client()
    leader.request(path, fields=ask[leader_allows])
    gate.wait_reached()
    follower.request(path, fields=ask[not leader_allows])
    wait_for_followers(stage, 1)
    gate.open()
    allowed, refused = (leader, follower) if leader_allows else (follower, leader)
    got = allowed.read_response()
    assert (got.status, got.body) == (200, b"old") and got.age >= 10
    assert refused.read_response().status in (502, 503)
    for client in (leader, follower):
        client.close()


def test_4_a_failure_with_a_lifetime_does_not_take_the_place_of_what_stands_in_for_it(stage):
    path = stage.say(Say(200, old("stale-if-error=600"), "old"), Say(503, {"Cache-Control": "max-age=600"}, "down"),
                     Say(200, {"Cache-Control": "max-age=600"}, "back"))
    stage.get(path)
    assert stage.get(path).body == b"old"
    assert stage.get(path).body == b"back" and stage.get(path).hit


def test_3_a_stale_part_is_served_and_asked_for_again(stage):
    whole = b"0123456789"

    def part(control, age, body):
        return Say(206, [("Cache-Control", control), ("Age", str(age)), ("ETag", '"v"'), ("Content-Range", "bytes 2-5/10")],
                   body)

    path = stage.say(part("max-age=10, stale-while-revalidate=600", 10, whole[2:6]), part("max-age=600", 0, whole[2:6]))
    stage.get(path, {"Range": "bytes=2-5"})
    got = stage.get(path, {"Range": "bytes=3-4"})
    assert (got.status, got.body) == (206, b"34") and got.age >= 10
    assert stage.app.wait_asked(path, 2)[1]["Range"] == "bytes=3-4"
