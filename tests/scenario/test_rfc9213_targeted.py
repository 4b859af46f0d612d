"""RFC 9213: CDN-Cache-Control and our own Meridian-Cache-Control, as structured fields (RFC 8941).

Rules deliberately not kept: none. Choices: a known directive of the wrong type makes the whole field invalid, and the next
one of the list counts (2.1); our own field is taken off, CDN-Cache-Control is passed on for the CDNs behind us (3.1).
"""

import pytest

from edge_fixtures import at, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

CDN, OWN, CC = "CDN-Cache-Control", "Meridian-Cache-Control", "Cache-Control"

CASES = {
    "2.1 max-age": ([(CDN, "max-age=3600")], True),
    "2.1 largest": ([(CDN, "max-age=2147483648")], True),
    "2.1 beyond the largest": ([(CDN, "max-age=99999999999")], True),
    "2.1 Age beyond it": ([(CDN, "max-age=3600"), ("Age", "7200")], False),
    "2.1 zero": ([(CDN, "max-age=0")], False),
    "2.1 unknown directive": ([(CDN, "foobar, max-age=3600")], True),
    "2.1 parameters of a directive are ignored": ([(CDN, "max-age=3600;a=b")], True),
    "2.1 s-maxage": ([(CDN, "s-maxage=3600, max-age=0")], True),
    "2.2 before a past Expires": ([(CDN, "max-age=3600"), ("Expires", -10_000), ("Date", 0)], True),
    "2.2 before a bad Expires": ([(CDN, "max-age=3600"), ("Expires", "0"), ("Date", 0)], True),
    "2.2 zero before a future Expires": ([(CDN, "max-age=0"), ("Expires", 10_000), ("Date", 0)], False),
    "2.2 long before a short Cache-Control": ([(CC, "max-age=0"), (CDN, "max-age=3600")], True),
    "2.2 short before a long Cache-Control": ([(CC, "max-age=3600"), (CDN, "max-age=0")], False),
    "2.2 private": ([(CDN, "private"), (CC, "max-age=10000"), ("Expires", 10_000)], False),
    "2.2 no-cache": ([(CDN, "no-cache"), (CC, "max-age=10000"), ("Expires", 10_000)], False),
    "2.2 no-store": ([(CDN, "no-store"), (CC, "max-age=10000"), ("Expires", 10_000)], False),
    "2.2 fresh against no-store": ([(CC, "no-store"), (CDN, "max-age=10000")], True),
    "2.2 fresh against private": ([(CC, "private"), (CDN, "max-age=10000")], True),
    "2.2 without a lifetime Expires still counts for nothing": ([(CDN, "must-revalidate"), ("Expires", 3600)], False),
    "2.2 an empty field is none": ([(CDN, ""), (CC, "max-age=3600")], True),
    "2.2 lines are joined": ([(CDN, "foo"), (CDN, "max-age=3600")], True),
    "2.2 of a repeated directive the last counts": ([(CDN, "max-age=0, max-age=3600")], True),
    "2.1 no dictionary": ([(CDN, "max-age=10000, &&&&&"), (CC, "no-store")], False),
    "2.1 no dictionary, Cache-Control counts": ([(CDN, "&&&"), (CC, "max-age=3600")], True),
    "2.1 a string for a number": ([(CDN, 'max-age="10000"'), (CC, "no-store")], False),
    "2.1 a fraction for a number": ([(CDN, "max-age=10000.5"), (CC, "no-store")], False),
    "2.1 a negative number": ([(CDN, "max-age=-1"), (CC, "max-age=3600")], False),
    "2.1 space before the equals sign": ([(CDN, "max-age =100"), (CC, "max-age=0")], False),
    "2.1 space behind the equals sign": ([(CDN, "max-age= 100"), (CC, "max-age=0")], False),
    "2.1 a comma at the end": ([(CDN, "max-age=100,"), (CC, "max-age=0")], False),
    "2.1 keys are of small letters": ([(CDN, "MaX-aGe=3600"), (CC, "max-age=0")], False),
    "2.1 a flag that is false": ([(CDN, "no-store=?0, max-age=3600")], True),
    "2.2 our own before the CDNs'": ([(OWN, "max-age=3600"), (CDN, "no-store"), (CC, "no-store")], True),
    "2.2 our own forbids": ([(OWN, "no-store"), (CDN, "max-age=3600"), (CC, "max-age=3600")], False),
    "2.2 our own invalid, the CDNs' counts": ([(OWN, "max-age=a b"), (CDN, "max-age=3600")], True),
    "2.2 others' are no business of ours": ([("Fastly-Cache-Control", "no-store"), (CC, "max-age=3600")], True),
    "Surrogate-Control is not read": ([("Surrogate-Control", "no-store"), (CC, "max-age=3600")], True),
}


@pytest.mark.parametrize("case, reused", CASES.values(), ids=CASES)
def test_targeted(stage, case, reused):
    assert stage.reuses([(name, at(value) if isinstance(value, int) else value) for name, value in case]) == reused


def test_3_1_the_field_goes_on_and_our_own_does_not(stage):
    path = stage.say(Say(200, [(CC, "max-age=60"), (CDN, "max-age=600, foo"), (OWN, "max-age=700")], "x"))
    for _ in range(2):
        got = stage.get(path)
        assert got[CDN] == "max-age=600, foo" and got[CC] == "max-age=60" and OWN not in got
    assert got.hit


def test_2_2_stale_rules_come_from_the_field_too(stage):
    path = stage.say(Say(200, [(CC, "max-age=0, must-revalidate"), (CDN, "max-age=10, stale-if-error=600"), ("Age", "10"),
                               ("ETag", '"v"')], "old"), Say(503))
    stage.get(path)
    assert stage.get(path).body == b"old"


def test_2_2_a_304_with_the_field(stage):
    path = stage.say(Say(200, [(CDN, "max-age=0"), ("ETag", '"v"')], "x"), Say(304, [(CDN, "max-age=600"), ("ETag", '"v"')]))
    stage.get(path)
    assert stage.get(path).body == b"x"
    assert stage.get(path).hit


def test_2_2_our_own_field_of_a_304_counts(stage):
    path = stage.say(Say(200, [(OWN, "max-age=0"), (CC, "no-cache"), ("ETag", '"v"')], "x"),
                     Say(304, [(OWN, "max-age=600"), ("ETag", '"v"')]))
    stage.get(path)
    assert OWN not in stage.get(path)
    assert stage.get(path).hit


@pytest.mark.parametrize("confirm", [("GET", 304), ("HEAD", 200)], ids=["304", "HEAD"])
def test_2_2_our_own_field_counts_though_the_update_does_not_repeat_it(stage, confirm):
    """RFC 9111 section 4.3.4: what the update does not name stays, and clients still do not see it."""
    method, status = confirm
    update = [("ETag", '"v"'), ("Date", at()), ("Age", "0")]
    path = stage.say(Say(200, [(OWN, "max-age=60, stale-if-error=5"), (OWN, "foo"), (CC, "no-store"), ("Age", "60"),
                               ("ETag", '"v"')], "x"),
                     Say(status, update, "x" if status == 200 else ""), Say(200, {CC: "no-store"}, "asked again"))
    stage.get(path)
    stage.get(path, method=method)
    for _ in range(2):
        got = stage.get(path)
        assert got.body == b"x" and got.hit and OWN not in got and got[CC] == "no-store"
    assert stage.count(path) == 2


def test_2_2_an_update_replaces_our_own_field(stage):
    path = stage.say(Say(200, [(OWN, "max-age=60"), ("Age", "60"), ("ETag", '"v"')], "x"),
                     Say(304, [(OWN, "max-age=0"), ("ETag", '"v"')]), Say(304, [("ETag", '"v"')]))
    for number in range(1, 5):
        assert stage.get(path).body == b"x" and stage.count(path) == number
