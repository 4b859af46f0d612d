"""RFC 9111 sections 3, 3.1, 3.5, 5.2.2 and 7: what a shared cache stores, and which fields with it.

Rules deliberately not kept: none that is required. By choice a response with Set-Cookie is stored only with an explicit
lifetime (7.3), a 400 for a minute at most, and what answers a request in particular (RFC 6585) never.
"""

import pytest

from edge_fixtures import at, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

DAY = 86_400
HOUR = [("Cache-Control", "max-age=3600")]

NOT_STORED = {
    "5.2.2.5 no-store": "no-store",
    "5.2.2.5 in any case": "No-StOrE",
    "5.2.2.5 with a lifetime": "max-age=3600, no-store",
    "5.2.2.5 before the lifetime": "no-store, max-age=3600",
    "5.2.2.5 with an argument": "no-store=1, max-age=3600",
    "5.2.2.5 with public": "public, no-store, max-age=3600",
    "5.2.2.7 private": "private, max-age=3600",
    "5.2.2.7 in any case": "PRIVATE, max-age=3600",
    "5.2.2.7 with s-maxage": "private, s-maxage=3600",
    "5.2.2.7 with public": "public, private, max-age=3600",
    "5.2.2.7 with names that are none": 'private="", max-age=3600',
}


@pytest.mark.parametrize("etag", [(), ("ETag", '"v"')], ids=["without-etag", "with-etag"])
@pytest.mark.parametrize("control", NOT_STORED.values(), ids=NOT_STORED)
def test_5_2_2_forbidden_to_store(stage, control, etag):
    fields = [("Cache-Control", control), ("Expires", at(3600))] + ([etag] if etag else [])
    path = stage.say(Say(200, fields, "x"))
    for _ in range(2):
        assert not stage.get(path).hit
    assert stage.count(path) == 2 and "If-None-Match" not in stage.asked(path)


def test_5_2_2_directives_on_several_lines_are_one_list(stage):
    assert not stage.reuses([("Cache-Control", "max-age=3600"), ("Cache-Control", "no-store")])
    assert not stage.reuses([("Cache-Control", "max-age=3600"), ("Cache-Control", "private")])


@pytest.mark.parametrize("control", ["no-cache, max-age=3600", "No-CaChE, max-age=3600", "no-cache", 'no-cache=""',
                                     "no-cache, must-revalidate, s-maxage=60"])
def test_5_2_2_4_no_cache_is_stored_and_validated_each_time(stage, control):
    path = stage.say(Say(200, [("Cache-Control", control), ("ETag", '"v"'), ("Expires", at(3600))], "kept"),
                     Say(304, {"ETag": '"v"', "Cache-Control": control}))
    for _ in range(3):
        got = stage.get(path)
        assert (got.status, got.body) == (200, b"kept") and not got.hit
    assert stage.count(path) == 3 and stage.asked(path)["If-None-Match"] == '"v"'


def test_5_2_2_4_no_cache_without_a_validator_is_asked_for_again(stage):
    assert not stage.reuses([("Cache-Control", "no-cache, max-age=3600"), ("Expires", at(3600))])


@pytest.mark.parametrize("control, kept, gone", [
    ('no-cache="a"', "b", ["a"]),
    ('no-cache="a, b"', "c", ["a", "b"]),
    ("no-cache=a", "b", ["a"]),
    ('private="a"', "b", ["a"]),
    ('private="a, b"', "c", ["a", "b"]),
    ('no-cache="a", private="b"', "c", ["a", "b"]),
    ('no-cache="A"', "b", ["a"]),
])
def test_5_2_2_4_and_7_named_fields_are_not_stored(stage, control, kept, gone):
    path = stage.say(Say(200, [("Cache-Control", control), ("a", "1"), ("b", "2"), ("c", "3"),
                               ("Cache-Control", "max-age=3600")], "x"))
    stage.get(path)
    got = stage.get(path)
    assert got.hit and kept in got and not any(name in got for name in gone)


STORED = ["Test-Header", "X-Test-Header", "Content-Foo", "X-Content-Foo", "Content-Encoding", "Content-Location",
          "Content-MD5", "Content-Range", "Content-Security-Policy", "Content-Type", "Content-Language",
          "Content-Disposition", "Clear-Site-Data", "ETag", "Expires", "Last-Modified", "Link", "Public-Key-Pins",
          "Set-Cookie", "Set-Cookie2", "Strict-Transport-Security", "WWW-Authenticate", "X-Frame-Options",
          "X-XSS-Protection", "Server", "Warning", "Pragma", "CDN-Cache-Control", "Surrogate-Key", "Location",
          "Retry-After", "Accept-Ranges", "Allow", "Alt-Svc", "Refresh", "X-Cache"]
VALUES = {"ETag": '"abc"', "Expires": "Mon, 11 Jan 2038 11:11:11 GMT", "Last-Modified": "Wed, 01 Jan 2020 00:00:00 GMT",
          "CDN-Cache-Control": "max-age=3600", "Content-Range": "bytes 0-1/2", "Content-Type": "text/plain;charset=utf-8",
          "Set-Cookie": "a=b", "Pragma": "foo"}


@pytest.mark.parametrize("name", STORED)
def test_3_1_fields_are_stored_as_they_came(stage, name):
    value = VALUES.get(name, "a value, and; more=\"x\"")
    path = stage.say(Say(200, HOUR + [(name, value)], "x"))
    stage.get(path)
    got = stage.get(path)
    assert got.hit and got[name] == value


def test_3_1_lines_of_one_field_keep_their_number_and_order(stage):
    path = stage.say(Say(200, HOUR + [("X-A", "1"), ("X-B", "x"), ("x-a", "2, 3"), ("Set-Cookie", "a=b"),
                                      ("Set-Cookie", "c=d; Expires=Thu, 18 Aug 2050 02:01:18 GMT")], "x"))
    stage.get(path)
    got = stage.get(path)
    assert got.hit and [v for n, v in got.fields if n.lower() == "x-a"] == ["1", "2, 3"]
    assert [v for n, v in got.fields if n == "Set-Cookie"] == ["a=b", "c=d; Expires=Thu, 18 Aug 2050 02:01:18 GMT"]


@pytest.mark.parametrize("value", ["", "tab\tinside", "\x80\xff", "x" * 7000])
def test_3_1_odd_values_are_kept(stage, value):
    path = stage.say(Say(200, HOUR + [("X-Odd", value)], "x"))
    stage.get(path)
    got = stage.get(path)
    assert got.hit and "X-Odd" in got and got["X-Odd"] == value


@pytest.mark.parametrize("name, value", [
    ("Connection", "x-listed"), ("Keep-Alive", "timeout=5"), ("Proxy-Connection", "keep-alive"),
    ("Proxy-Authenticate", "Basic"), ("Proxy-Authentication-Info", "x=y"), ("Proxy-Authorization", "Basic x"),
    ("TE", "trailers"), ("Upgrade", "h2c"), ("Trailer", "X-T"),
])
def test_3_1_hop_by_hop_fields_are_not_stored(stage, name, value):
    path = stage.say(Say(200, HOUR + [(name, value)], "x"))
    for _ in range(2):
        got = stage.get(path)
        assert value not in got[name]
    assert got.hit


def test_3_1_fields_that_connection_lists_are_not_stored(stage):
    path = stage.say(Say(200, HOUR + [("Connection", "a, b"), ("a", "1"), ("b", "2"), ("c", "3")], "x"))
    for _ in range(2):
        got = stage.get(path)
        assert got["c"] == "3" and "a" not in got and "b" not in got
    assert got.hit


AUTHORIZED = {"3.5 nothing said": (HOUR, False),
              "3.5 Expires": ([("Expires", None)], False),
              "3.5 public": ([("Cache-Control", "max-age=3600, public")], True),
              "3.5 must-revalidate": ([("Cache-Control", "max-age=3600, must-revalidate")], True),
              "3.5 s-maxage": ([("Cache-Control", "s-maxage=3600")], True),
              "3.5 proxy-revalidate is not among them": ([("Cache-Control", "max-age=3600, proxy-revalidate")], False)}


@pytest.mark.parametrize("fields, may", AUTHORIZED.values(), ids=AUTHORIZED)
def test_3_5_authorization(stage, fields, may):
    fields = [(name, value or at(3600)) for name, value in fields]
    assert stage.reuses(fields, first={"Authorization": "Basic Zm9v"}) == may


def test_3_5_a_request_with_authorization_may_be_answered_from_the_cache(stage):
    assert stage.reuses(HOUR, second={"Authorization": "Basic Zm9v"})


def test_3_5_authorization_reaches_the_origin(stage):
    path = stage.say(Say(200, HOUR))
    stage.get(path, {"Authorization": "Basic Zm9v"})
    assert stage.asked(path)["Authorization"] == "Basic Zm9v"


@pytest.mark.parametrize("status, control, may", [
    (200, "max-age=3600, no-store, must-understand", True),
    (404, "no-store, must-understand, max-age=3600", True),
    (200, "max-age=3600, must-understand", True),
    (299, "max-age=3600, no-store, must-understand", False),
    (599, "max-age=3600, no-store, must-understand", False),
    (599, "max-age=3600, must-understand", False),
    (200, "max-age=3600, private, must-understand", False),
])
def test_5_2_2_3_must_understand(stage, status, control, may):
    assert stage.reuses([("Cache-Control", control)], status) == may


@pytest.mark.parametrize("status", [407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511])
def test_rfc_6585_answers_to_one_request_are_not_stored(stage, status):
    assert not stage.reuses(HOUR, status)


@pytest.mark.parametrize("fields, may", [
    (HOUR, True), ([("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")], False), ([("Cache-Control", "public, max-age=60")], True),
], ids=["explicit", "heuristic", "public"])
def test_7_3_set_cookie(stage, fields, may):
    assert stage.reuses(fields + [("Set-Cookie", "a=b")]) == may


def test_7_3_a_cookie_in_the_request_changes_nothing(stage):
    assert stage.reuses(HOUR, second={"Cookie": "a=b"})
    assert stage.reuses(HOUR, first={"Cookie": "a=b"}, second={"Cookie": "c=d"})


def test_3_an_unfinished_response_is_not_stored(stage):
    from scripted_origin import Raw
    path = stage.say(Raw(b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\nhalf"))
    for _ in range(2):
        got = stage.get(path)
        assert got is None or not got.whole
    assert stage.count(path) == 2


def test_3_a_response_by_close_is_stored(stage):
    path = stage.say(Say(200, HOUR, "until the end", length=None))
    assert stage.get(path).body == b"until the end"
    got = stage.get(path)
    assert got.hit and got.body == b"until the end" and got["Content-Length"] == "13"


@pytest.mark.parametrize("status", [204, 304])
def test_3_what_has_no_body(stage, status):
    path = stage.say(Say(status, HOUR + [("ETag", '"v"')]))
    got = stage.get(path)
    assert got.status == status and got.body == b"" and "Content-Length" not in got
    stage.get(path)
    assert stage.count(path) == (1 if status == 204 else 2)


def test_3_a_new_response_takes_the_place_of_the_stored_one(stage):
    path = stage.say(Say(200, {"Cache-Control": "max-age=0", "ETag": '"1"', "X": "1"}, "one"),
                     Say(200, {"Cache-Control": "max-age=60", "ETag": '"2"'}, "two"))
    assert stage.get(path).body == b"one"
    assert stage.get(path).body == b"two"
    got = stage.get(path)
    assert got.hit and got.body == b"two" and "X" not in got


def test_5_2_2_5_an_older_fresh_response_stays_when_a_newer_one_may_not_be_stored(stage):
    path = stage.say(Say(200, HOUR, "old"), Say(200, {"Cache-Control": "no-store"}, "new"))
    stage.get(path)
    assert stage.get(path, {"Cache-Control": "no-cache"}).body == b"new"
    assert stage.get(path).body == b"old"


@pytest.mark.parametrize("body", [b"", b"x", b"y" * 3_000_000], ids=["empty", "small", "large"])
def test_3_bodies_of_any_size_come_back_whole(stage, body):
    path = stage.say(Say(200, HOUR, body))
    for _ in range(3):
        got = stage.get(path)
        assert got.whole and got.body == body
    assert stage.count(path) == 1


def test_3_head_is_no_reason_to_store(stage):
    path = stage.say(Say(200, HOUR, "x"))
    assert stage.get(path, method="HEAD").status == 200
    assert stage.get(path).body == b"x"
    assert [asked.method for asked in stage.app.asked_for(path)] == ["HEAD", "GET"]


@pytest.mark.parametrize("target", ["?test=1", "?a=b&c=d", "?", "/x?y=%20"])
def test_2_the_query_is_part_of_the_key(stage, target):
    path = stage.path()
    for each in (path + target, path):
        stage.app.say(each, Say(200, HOUR, each))
    assert stage.get(path + target).body == (path + target).encode()
    assert stage.get(path).body == path.encode()
    again = stage.get(path + target)
    assert again.hit and again.body == (path + target).encode()
