"""RFC 9111 sections 5.2.1 and 5.4: what a client may ask of the cache.

Rules deliberately not kept: none. An operator may switch all of this off (honour_client: false), as RFC 9111 allows.
max-age=0 always asks the origin, also within the second in which the response came.
"""

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

# Serving stale on errors is the client's wish here, not our policy.
SITE = "cache: { stale_if_error: 0s }"

HOUR = [("Cache-Control", "max-age=3600")]
AGED = [("Cache-Control", "max-age=3600"), ("Age", "1800")]
STALE = [("Cache-Control", "max-age=1500"), ("Age", "2000"), ("ETag", '"v"')]

CASES = {
    "5.2.1.1 max-age=0": (HOUR, "max-age=0", False),
    "5.2.1.1 max-age too small for the age": (AGED, "max-age=600", False),
    "5.2.1.1 max-age large enough": (AGED, "max-age=3000", True),
    "5.2.1.1 max-age beyond the lifetime does not make it longer": (STALE, "max-age=9000", False),
    "5.2.1.2 max-stale for any": (STALE, "max-stale", True),
    "5.2.1.2 max-stale large enough": (STALE, "max-stale=1000", True),
    "5.2.1.2 max-stale too small": (STALE, "max-stale=100", False),
    "5.2.1.2 max-stale against must-revalidate": (STALE + [("Cache-Control", "must-revalidate")], "max-stale", False),
    "5.2.1.2 max-stale against proxy-revalidate": (STALE + [("Cache-Control", "proxy-revalidate")], "max-stale", False),
    "5.2.1.2 max-stale against s-maxage": (STALE + [("Cache-Control", "s-maxage=5")], "max-stale", False),
    "5.2.1.2 max-stale against no-cache": (STALE + [("Cache-Control", "no-cache")], "max-stale", False),
    "5.2.1.3 min-fresh beyond the lifetime": (HOUR, "min-fresh=4000", False),
    "5.2.1.3 min-fresh beyond what is left": (AGED, "min-fresh=2000", False),
    "5.2.1.3 min-fresh within what is left": (AGED, "min-fresh=1000", True),
    "5.2.1.4 no-cache": (HOUR, "no-cache", False),
    "5.2.1.4 no-cache in any case": (HOUR, "NO-Cache", False),
    "5.2.1.4 no-cache and more": (HOUR, "no-cache, max-age=100", False),
    "5.2.1.5 no-store takes what is stored": (HOUR, "no-store", True),
    "5.2.1.6 no-transform": (HOUR, "no-transform", True),
    "5.2.1.7 only-if-cached of what is fresh": (HOUR, "only-if-cached", True),
    "5.2.3 unknown directive": (HOUR, "nothing-to-see-here", True),
    "5.2.1 response directives mean nothing": (HOUR, "private, must-revalidate, s-maxage=0", True),
    "5.2.1.3 and 5.2.1.1 together": (AGED, "max-age=3000, min-fresh=2000", False),
}


@pytest.mark.parametrize("fields, control, reused", CASES.values(), ids=CASES)
def test_5_2_1_directives_of_requests(stage, fields, control, reused):
    assert stage.reuses(fields, second={"Cache-Control": control}) == reused


@pytest.mark.parametrize("pragma, control, reused", [
    ("no-cache", None, False), ("No-Cache", None, False), ("unknown", None, True), ("foo, no-cache", None, False),
    ("no-cache", "max-age=3600", True), ("no-cache", "nothing-to-see-here", True),
])
def test_5_4_pragma_counts_only_without_cache_control(stage, pragma, control, reused):
    fields = [("Pragma", pragma)] + ([("Cache-Control", control)] if control else [])
    assert stage.reuses(HOUR, second=fields) == reused


@pytest.mark.parametrize("validator", [("ETag", '"abc"'), ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")])
@pytest.mark.parametrize("control", ["no-cache", "max-age=0"])
def test_5_2_1_4_validates_what_is_stored(stage, validator, control):
    path = stage.say(Say(200, HOUR + [validator], "x"), Say(304, HOUR + [validator]))
    stage.get(path)
    got = stage.get(path, {"Cache-Control": control})
    asked = stage.asked(path)
    assert got.body == b"x" and validator[1] in (asked["If-None-Match"], asked["If-Modified-Since"])
    assert "fwd=request" in got["Cache-Status"] and stage.get(path).hit


def test_5_2_1_4_a_validation_that_a_client_asked_for_freshens(stage):
    path = stage.say(Say(200, AGED + [("ETag", '"v"')], "x"), Say(304, HOUR + [("ETag", '"v"')]))
    assert stage.get(path).age >= 1800
    stage.get(path, {"Cache-Control": "no-cache"})
    assert stage.get(path).age < 1000


def test_5_2_1_5_no_store_keeps_the_answer_out_of_the_cache(stage):
    assert not stage.reuses(HOUR, first={"Cache-Control": "no-store"})
    assert stage.reuses(HOUR, first={"Cache-Control": "max-age=100"})


def test_5_2_1_5_one_no_store_does_not_touch_others(stage):
    path = stage.say(Say(200, HOUR, "first"), Say(200, HOUR, "second"))
    assert stage.get(path, {"Cache-Control": "no-store"}).body == b"first"
    assert stage.get(path).body == b"second"
    assert stage.get(path).hit


@pytest.mark.parametrize("stored", [None, STALE], ids=["nothing", "stale"])
def test_5_2_1_7_only_if_cached_without_a_usable_response_is_504(stage, stored):
    path = stage.say(Say(200, stored or HOUR, "x"))
    if stored:
        stage.get(path)
    got = stage.get(path, {"Cache-Control": "only-if-cached"})
    assert got.status == 504 and stage.count(path) == (1 if stored else 0)


def test_5_2_1_7_only_if_cached_with_max_stale(stage):
    path = stage.say(Say(200, STALE, "x"))
    stage.get(path)
    assert stage.get(path, {"Cache-Control": "only-if-cached, max-stale"}).body == b"x"


def test_4_of_rfc_5861_a_client_may_take_stale_on_error(stage):
    path = stage.say(Say(200, STALE, "x"), Say(503))
    stage.get(path)
    assert stage.get(path, {"Cache-Control": "stale-if-error=1000"}).body == b"x"
    assert stage.get(path).status == 503


@pytest.mark.parametrize("control", ["no-cache", "max-age=0", "min-fresh=9999", "only-if-cached"])
def test_an_operator_may_refuse_all_of_it(app, edge, control):
    app.say("/a", Say(200, HOUR, "x"))
    served = edge(app, site="cache: { honour_client: false }")
    served.get("/a", {"Cache-Control": control})
    assert served.get("/a", {"Cache-Control": control, "Pragma": "no-cache"}).hit


def test_5_2_1_directives_reach_the_origin(stage):
    path = stage.say(Say(200, HOUR))
    stage.get(path, {"Cache-Control": "max-age=5, foo"})
    assert stage.asked(path)["Cache-Control"] == "max-age=5, foo"
