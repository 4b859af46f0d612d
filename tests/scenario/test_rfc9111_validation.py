"""RFC 9111 section 4.3 and RFC 9110 sections 8.8 and 13: asking the origin whether what is stored still holds, answering
clients who ask the same, and what a 304 or a HEAD changes.

Rules deliberately not kept: If-Match and If-Unmodified-Since are not judged here but forwarded (4.3.2 leaves them to the
origin). The validators that a client sends are not forwarded where the cache could store the answer: they would turn the
answer for all into an answer for one.
"""

import pytest

from edge_fixtures import at, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

STALE = [("Cache-Control", "max-age=10"), ("Age", "10")]
FRESH = [("Cache-Control", "max-age=3600")]
LM = "Wed, 01 Jan 2020 00:00:00 GMT"


@pytest.mark.parametrize("etag", ['"v1"', 'W/"v1"', '""', '"a,b"', '"\xfc"'])
def test_4_3_1_the_stored_etag_is_sent_as_it_is(stage, etag):
    path = stage.say(Say(200, STALE + [("ETag", etag)], "kept"), Say(304, [("ETag", etag)] + FRESH))
    stage.get(path)
    got, again = stage.get(path), stage.get(path)
    assert stage.asked(path, 1)["If-None-Match"] == etag
    assert (got.status, got.body, again.hit, again.body) == (200, b"kept", True, b"kept")
    assert stage.count(path) == 2


def test_4_3_1_last_modified_is_sent_too(stage):
    path = stage.say(Say(200, STALE + [("Last-Modified", LM)], "kept"), Say(304, [("Last-Modified", LM)] + FRESH))
    stage.get(path)
    assert stage.get(path).body == b"kept" and stage.asked(path)["If-Modified-Since"] == LM
    assert stage.get(path).hit


def test_4_3_1_both_validators_are_sent(stage):
    path = stage.say(Say(200, STALE + [("Last-Modified", LM), ("ETag", '"v"')]), Say(304, FRESH))
    stage.get(path)
    stage.get(path)
    assert stage.asked(path)["If-Modified-Since"] == LM and stage.asked(path)["If-None-Match"] == '"v"'


def test_4_3_1_the_fields_that_vary_names_are_sent(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"v"'), ("Vary", "Abc")]), Say(304, FRESH + [("ETag", '"v"')]))
    stage.get(path, {"Abc": "123"})
    stage.get(path, {"Abc": "123"})
    assert stage.asked(path)["Abc"] == "123" and stage.asked(path)["If-None-Match"] == '"v"'


def test_4_3_1_no_validator_no_condition(stage):
    path = stage.say(Say(200, STALE + [("X", "y")], "a"), Say(200, FRESH, "b"))
    stage.get(path)
    assert stage.get(path).body == b"b"
    assert "If-None-Match" not in stage.asked(path) and "If-Modified-Since" not in stage.asked(path)


@pytest.mark.parametrize("given", [{"If-None-Match": '"mine"'}, {"If-Modified-Since": LM}])
@pytest.mark.parametrize("stored", [False, True])
def test_4_3_1_a_clients_validators_do_not_replace_ours(stage, given, stored):
    path = stage.say(*([Say(200, STALE + [("ETag", '"v"')], "old")] if stored else []),
                     Say(200, FRESH + [("ETag", '"w"')], "new"))
    if stored:
        stage.get(path)
    got = stage.get(path, given)
    asked = stage.asked(path)
    assert (asked["If-None-Match"], asked["If-Modified-Since"]) == ('"v"' if stored else "", "")
    assert (got.status, got.body) == (200, b"new")
    assert stage.get(path).body == b"new"


CONDITIONS = {
    "13.1.2 strong": ('"abc"', '"abc"', 304),
    "13.1.2 weak": ('W/"abc"', 'W/"abc"', 304),
    "13.1.2 strong against weak": ('"abc"', 'W/"abc"', 304),
    "13.1.2 weak against strong": ('W/"abc"', '"abc"', 304),
    "13.1.2 first of several": ('"abc"', '"abc", "1", "2"', 304),
    "13.1.2 middle of several": ('"abc"', '"1", "abc", "2"', 304),
    "13.1.2 last of several": ('"abc"', '"1", "2", "abc"', 304),
    "13.1.2 star": ('"abc"', "*", 304),
    "13.1.2 none of several": ('"abc"', '"1", "2"', 200),
    "13.1.2 other case": ('"abc"', '"ABC"', 200),
    "13.1.2 part of it": ('"abc"', '"ab"', 200),
    "13.1.2 comma inside": ('"a,b"', '"x", "a,b"', 304),
    "8.8.3 obs-text": ('"\xfc"', '"\xfc"', 304),
}


@pytest.mark.parametrize("etag, given, status", CONDITIONS.values(), ids=CONDITIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_4_3_2_if_none_match_against_a_fresh_response(stage, etag, given, status, method):
    path = stage.say(Say(200, FRESH + [("ETag", etag), ("Content-Type", "text/x"), ("Last-Modified", LM)], "x"))
    stage.get(path)
    got = stage.get(path, {"If-None-Match": given}, method=method)
    assert got.status == status and stage.count(path) == 1 and got["ETag"] == etag
    if status == 304:
        assert got.body == b"" and "Content-Length" not in got and "Content-Type" not in got
        assert got["Cache-Control"] and got["Date"]


def test_4_3_2_if_none_match_lines_are_one_list(stage):
    path = stage.say(Say(200, FRESH + [("ETag", '"abc"')], "x"))
    stage.get(path)
    assert stage.get(path, [("If-None-Match", '"1"'), ("If-None-Match", '"abc"')]).status == 304


DATES = {
    "13.1.3 the same": (LM, LM, 304),
    "13.1.3 later": (LM, "Thu, 02 Jan 2020 00:00:00 GMT", 304),
    "13.1.3 earlier": (LM, "Tue, 31 Dec 2019 00:00:00 GMT", 200),
    "13.1.3 RFC 850": (LM, "Wednesday, 01-Jan-20 00:00:00 GMT", 304),
    "13.1.3 asctime": (LM, "Wed Jan  1 00:00:00 2020", 304),
    "13.1.3 no date": (LM, "yesterday", 200),
}


@pytest.mark.parametrize("modified, given, status", DATES.values(), ids=DATES)
def test_4_3_2_if_modified_since_against_a_fresh_response(stage, modified, given, status):
    path = stage.say(Say(200, FRESH + [("Last-Modified", modified)], "x"))
    stage.get(path)
    assert stage.get(path, {"If-Modified-Since": given}).status == status and stage.count(path) == 1


@pytest.mark.parametrize("seconds, status", [(60, 304), (0, 304), (-3000, 200)])
def test_4_3_2_without_last_modified_the_date_counts(stage, seconds, status):
    path = stage.say(Say(200, FRESH + [("Date", at(-10))], "x"))
    stage.get(path)
    assert stage.get(path, {"If-Modified-Since": at(seconds)}).status == status and stage.count(path) == 1


@pytest.mark.parametrize("none_match, status", [('"abc"', 304), ('"other"', 200)])
@pytest.mark.parametrize("since", [LM, "Tue, 31 Dec 2019 00:00:00 GMT"])
def test_13_2_2_if_none_match_goes_before_if_modified_since(stage, none_match, status, since):
    path = stage.say(Say(200, FRESH + [("ETag", '"abc"'), ("Last-Modified", LM)], "x"))
    stage.get(path)
    assert stage.get(path, {"If-None-Match": none_match, "If-Modified-Since": since}).status == status


@pytest.mark.parametrize("validator, given", [(("ETag", '"abc"'), {"If-None-Match": '"abc"'}),
                                              (("Last-Modified", LM), {"If-Modified-Since": LM})])
def test_4_3_2_a_stale_response_is_validated_before_the_client_gets_304(stage, validator, given):
    path = stage.say(Say(200, STALE + [validator], "x"), Say(304, FRESH + [validator]))
    stage.get(path)
    assert stage.get(path, given).status == 304 and stage.count(path) == 2
    assert stage.get(path).body == b"x" and stage.count(path) == 2


def test_4_3_2_conditions_on_what_is_no_200_are_ignored(stage):
    path = stage.say(Say(404, FRESH + [("ETag", '"abc"')], "no"))
    stage.get(path)
    assert stage.get(path, {"If-None-Match": '"abc"'}).status == 404


@pytest.mark.parametrize("given", [{"If-Match": '"abc"'}, {"If-Unmodified-Since": LM}])
def test_4_3_2_what_the_origin_must_judge_is_forwarded(stage, given):
    path = stage.say(Say(200, FRESH + [("ETag", '"abc"')], "x"), Say(412, {}, "changed"))
    stage.get(path)
    assert stage.get(path, given).status == 412
    name, value = next(iter(given.items()))
    assert stage.asked(path)[name] == value
    assert stage.get(path).hit


def test_4_3_3_a_200_replaces_what_is_stored(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"1"'), ("X-Old", "1")], "one"), Say(200, FRESH + [("ETag", '"2"')], "two"))
    stage.get(path)
    assert stage.get(path).body == b"two"
    got = stage.get(path)
    assert got.hit and got.body == b"two" and got["ETag"] == '"2"' and "X-Old" not in got


@pytest.mark.parametrize("status", [404, 410, 503])
def test_4_3_3_an_error_is_forwarded(stage, status):
    path = stage.say(Say(200, STALE + [("ETag", '"1"'), ("Cache-Control", "must-revalidate")], "one"),
                     Say(status, {}, "error"))
    stage.get(path)
    got = stage.get(path)
    assert (got.status, got.body) == (status, b"error")


UPDATED = ["Test-Header", "X-Test-Header", "Content-Foo", "X-Content-Foo", "Cache-Control", "Content-Location",
           "Content-MD5", "Content-Security-Policy", "Content-Type", "Clear-Site-Data", "Expires", "Public-Key-Pins",
           "Set-Cookie", "Set-Cookie2", "X-Frame-Options", "X-XSS-Protection", "Content-Language", "Date", "Link"]
KEPT = ["Content-Encoding", "Content-Range", "Content-Length"]
PAIRS = {"Cache-Control": ("max-age=10", "max-age=3600"), "Expires": (at(1000), at(5000)), "Date": (at(-3), at(-2)),
         "Content-Length": ("1", "10"), "Content-Range": ("bytes 0-0/1", "bytes 0-9/10")}


@pytest.mark.parametrize("validator", [("ETag", '"v"'), ("Last-Modified", LM)], ids=["etag", "last-modified"])
@pytest.mark.parametrize("name", UPDATED + KEPT)
def test_3_2_a_304_updates_what_is_returned_and_what_is_stored(stage, name, validator):
    old, new = PAIRS.get(name, ("value-a", "value-b"))
    stale = [("Age", "10")] if name == "Cache-Control" else STALE
    fresh = [] if name == "Cache-Control" else FRESH
    length = int(old) if name == "Content-Length" else "auto"
    first = stale + [validator] + ([(name, old)] if name != "Content-Length" else [])
    path = stage.say(Say(200, first, "x", length=length), Say(304, fresh + [validator, (name, new)]))
    stage.get(path)
    returned, stored = stage.get(path), stage.get(path)
    assert stored.hit and (returned.body, stored.body) == (b"x", b"x")
    wanted = old if name in KEPT else new
    assert (returned[name], stored[name]) == (wanted, wanted)


def test_3_2_what_a_304_does_not_name_stays(stage):
    path = stage.say(Say(200, STALE + [("Last-Modified", LM), ("Test-Header", "a"), ("Content-Type", "text/x")], "x"),
                     Say(304, FRESH + [("Last-Modified", LM)]))
    stage.get(path)
    for _ in range(2):
        got = stage.get(path)
        assert (got["Test-Header"], got["Content-Type"]) == ("a", "text/x")
    assert got.hit


@pytest.mark.parametrize("control", ['max-age=10, no-cache="a"', 'max-age=10, private="a, c"'])
def test_5_2_2_fields_that_may_not_be_stored_are_not_taken_from_a_304_either(stage, control):
    """The 304 does not repeat the directive: the stored one names the fields still."""
    path = stage.say(Say(200, [("Cache-Control", control), ("Age", "10"), ("ETag", '"v"'), ("a", "1"), ("b", "1")], "x"),
                     Say(304, [("ETag", '"v"'), ("a", "2"), ("b", "2")]))
    assert stage.get(path)["a"] == "1"
    stage.get(path)
    got = stage.get(path)
    assert got.hit and "a" not in got and got["b"] == "2" and stage.count(path) == 2


def test_3_2_a_304_replaces_all_lines_of_a_field(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"v"'), ("X-A", "1"), ("X-A", "2")], "x"),
                     Say(304, FRESH + [("ETag", '"v"'), ("X-A", "3")]))
    stage.get(path)
    assert stage.get(path)["X-A"] == "3" and stage.get(path)["X-A"] == "3"


@pytest.mark.parametrize("name", ["Connection", "Keep-Alive", "Proxy-Authenticate", "TE", "Upgrade"])
def test_3_2_hop_by_hop_fields_of_a_304_are_not_stored(stage, name):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "x"), Say(304, FRESH + [("ETag", '"v"'), (name, "value-b")]))
    stage.get(path)
    for _ in range(2):
        assert "value-b" not in stage.get(path)[name]


def test_4_3_4_the_age_of_a_304_counts(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "x"), Say(304, FRESH + [("ETag", '"v"'), ("Age", "100")]))
    stage.get(path)
    stage.get(path)
    got = stage.get(path)
    assert got.hit and 100 <= got.age < 200


def test_4_3_4_a_304_without_freshness_starts_the_stored_lifetime_again(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "x"), Say(304, [("ETag", '"v"'), ("Date", at())]))
    stage.get(path)
    stage.get(path)
    assert stage.get(path).hit and stage.count(path) == 2


@pytest.mark.parametrize("control", ["no-store", "private"])
def test_4_3_4_a_304_may_take_back_the_leave_to_store(stage, control):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "x"), Say(304, {"ETag": '"v"', "Cache-Control": control}),
                     Say(200, FRESH, "new"))
    stage.get(path)
    assert stage.get(path).body == b"x"
    assert stage.get(path).body == b"new"
    assert "If-None-Match" not in stage.asked(path)


@pytest.mark.parametrize("named", ['"other"', 'W/"other"'])
def test_4_3_4_a_304_for_another_validator_confirms_nothing(stage, named):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "old"), Say(304, FRESH + [("ETag", named)]),
                     Say(200, FRESH + [("ETag", named)], "new"))
    stage.get(path)
    got = stage.get(path)
    assert (got.status, got.body) == (200, b"new"), "the whole is asked for once more"
    assert "If-None-Match" not in stage.asked(path)
    assert stage.get(path).hit


def test_4_3_4_a_304_that_nobody_asked_for_is_a_broken_answer(stage):
    path = stage.say(Say(304, FRESH + [("ETag", '"v"')]), Say(200, FRESH, "x"))
    assert stage.get(path).status in (304, 502)
    assert stage.get(path).body == b"x", "and it is not stored"


HEADS = {
    "4.3.5 the same validator": ([("ETag", '"v"')], True),
    "4.3.5 no validator": ([], True),
    "4.3.5 the same length": ([("ETag", '"v"'), ("Content-Length", "4")], True),
    "4.3.5 another validator": ([("ETag", '"w"')], False),
    "4.3.5 another length": ([("ETag", '"v"'), ("Content-Length", "5")], False),
}


@pytest.mark.parametrize("fields, same", HEADS.values(), ids=HEADS)
def test_4_3_5_head_freshens_or_invalidates(stage, fields, same):
    path = stage.say(Say(200, STALE + [("ETag", '"v"'), ("Kept", "1"), ("Changed", "1")], "body"),
                     Say(200, FRESH + fields + [("Changed", "2")], length=None),
                     Say(200, FRESH, "new body"))
    stage.get(path)
    head = stage.get(path, method="HEAD")
    assert head.status == 200 and head.body == b"" and stage.asked(path).method == "HEAD"
    got = stage.get(path)
    if same:
        assert got.hit and got.body == b"body" and (got["Kept"], got["Changed"]) == ("1", "2")
    else:
        assert got.body == b"new body" and "If-None-Match" not in stage.asked(path)


def test_4_3_5_a_head_that_fails_changes_nothing(stage):
    path = stage.say(Say(200, STALE + [("ETag", '"v"')], "body"), Say(410, FRESH), Say(304, FRESH + [("ETag", '"v"')]))
    stage.get(path)
    assert stage.get(path, method="HEAD").status == 410
    assert stage.get(path).body == b"body"


def test_4_head_is_answered_from_a_fresh_get(stage):
    path = stage.say(Say(200, FRESH + [("X", "y")], "body"))
    stage.get(path)
    got = stage.get(path, method="HEAD")
    assert got.hit and got.body == b"" and (got["Content-Length"], got["X"]) == ("4", "y") and stage.count(path) == 1
