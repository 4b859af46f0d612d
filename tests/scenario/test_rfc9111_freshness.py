"""RFC 9111 sections 4.2 and 5.1 to 5.3: how long a response is fresh, and how old it is.

Each case is one response. It is asked for twice; a fresh one is reused. Nothing waits here: a response is made old by
what it says of itself (Age, Date, Expires). Where the text leaves a choice, what we chose is a case too.

Rules deliberately not kept: none. Choices: an unquoted and a quoted argument are the same (5.2); of several values the
first counts (4.2.1); a lifetime that is no number is zero (4.2.1).
"""

import pytest

from edge_fixtures import at, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

DAY = 86_400


def fields_of(case):
    """A case is Cache-Control alone, or the whole of the fields; a number is a date so many seconds from now."""
    if isinstance(case, str):
        return [("Cache-Control", case)]
    return [(name, at(value) if isinstance(value, int) else value) for name, value in case]


FRESH = {
    "4.2.1 max-age": "max-age=3600",
    "4.2.1 s-maxage": "s-maxage=3600",
    "4.2.1 s-maxage before a shorter max-age": "max-age=0, s-maxage=3600",
    "4.2.1 s-maxage before a shorter max-age, other order": "s-maxage=3600, max-age=0",
    "4.2.1 of two the first": "max-age=1800, max-age=0",
    "4.2.1 of two lines the first": [("Cache-Control", "max-age=1800"), ("Cache-Control", "max-age=0")],
    "5.2 any case": "MaX-aGe=3600",
    "5.2 quoted": 'max-age="3600"',
    "5.2 leading zeros": "max-age=003600",
    "5.2 unknown directive before": "foobar, max-age=3600",
    "5.2 unknown directive with a value": "foo=bar, max-age=3600",
    "5.2 quoted comma in an unknown directive": 'foo="a, no-store", max-age=3600',
    "5.2 escaped quote in an unknown directive": r'foo="a\", no-store", max-age=3600',
    "5.6.1 of RFC 9110: empty list members": ", ,max-age=3600, ,",
    "5.2 no space behind the comma": "public,max-age=3600",
    "1.2.2 largest": "max-age=2147483648",
    "1.2.2 beyond the largest": "max-age=99999999999",
    "1.2.2 beyond 64 bits": "max-age=99999999999999999999999999",
    "5.3 max-age before a past Expires": [("Cache-Control", "max-age=3600"), ("Expires", -10_000), ("Date", 0)],
    "5.3 max-age before a bad Expires": [("Cache-Control", "max-age=3600"), ("Expires", "0"), ("Date", 0)],
    "4.2.1 Expires": [("Expires", 30 * DAY), ("Date", 0)],
    "4.2.1 Expires without Date": [("Expires", 3600)],
    "4.2.1 Expires with a bad Date": [("Expires", 3600), ("Date", "foo")],
    "4.2 Expires as RFC 850": [("Expires", "Thursday, 18-Aug-44 02:01:18 GMT"), ("Date", 0)],
    "4.2 Expires as asctime": [("Expires", "Thu Aug 18 02:01:18 2050"), ("Date", 0)],
    "4.2 weekday in capitals": [("Expires", "THU, 18 Aug 2050 02:01:18 GMT"), ("Date", 0)],
    "4.2 month in capitals": [("Expires", "Thu, 18 AUG 2050 02:01:18 GMT"), ("Date", 0)],
    "4.2 zone in small letters": [("Expires", "Thu, 18 Aug 2050 02:01:18 gMT"), ("Date", 0)],
    "4.2.3 Age within the lifetime": [("Cache-Control", "max-age=3600"), ("Age", "1800")],
    "4.2.3 old Date within the lifetime": [("Cache-Control", "max-age=3600"), ("Date", -1800)],
    "4.2.3 Date of a fast clock": [("Cache-Control", "max-age=3600"), ("Date", 7200)],
    "5.1 Age that is no number": [("Cache-Control", "max-age=3600"), ("Age", "abc")],
    "5.1 negative Age": [("Cache-Control", "max-age=3600"), ("Age", "-7200")],
    "5.1 Age with a fraction": [("Cache-Control", "max-age=3600"), ("Age", "7200.0")],
    "5.1 first of two Ages": [("Cache-Control", "max-age=3600"), ("Age", "0, 7200")],
    "5.1 first of two lines of Age": [("Cache-Control", "max-age=3600"), ("Age", "0"), ("Age", "7200")],
    "5.1 the same Age twice": [("Cache-Control", "max-age=3600"), ("Age", "0, 0")],
    "5.4 Pragma in a response means nothing": [("Cache-Control", "max-age=3600"), ("Pragma", "no-cache")],
    "4.2.2 heuristic": [("Last-Modified", -10 * DAY), ("Date", 0)],
    "4.2.2 heuristic and Pragma": [("Last-Modified", -10 * DAY), ("Pragma", "no-cache")],
    "4.2.2 heuristic of an attachment": [("Last-Modified", -10 * DAY), ("Content-Disposition", "attachment")],
    "5.2.2.2 must-revalidate while fresh": "max-age=3600, must-revalidate",
    "5.2.2.8 proxy-revalidate while fresh": "max-age=3600, proxy-revalidate",
    "2 of RFC 8246: immutable": "max-age=3600, immutable",
    "5.2.2.6 no-transform": "max-age=3600, no-transform",
}

STALE = {
    "4.2 a zone other than GMT": [("Expires", "Thu, 18 Aug 2050 02:01:18 UTC"), ("Date", 0)],
    "4.2 nothing said": [],
    "5.2.2.1 zero": "max-age=0",
    "4.2.1 zero before a future Expires": [("Cache-Control", "max-age=0"), ("Expires", 3600), ("Date", 0)],
    "4.2.1 s-maxage before a longer max-age": "max-age=3600, s-maxage=0",
    "4.2.1 s-maxage before a longer max-age, other order": "s-maxage=0, max-age=3600",
    "4.2.1 s-maxage on a line of its own": [("Cache-Control", "max-age=3600"), ("Cache-Control", "s-maxage=0")],
    "4.2.1 s-maxage before Expires": [("Cache-Control", "s-maxage=0"), ("Expires", 3600), ("Date", 0)],
    "4.2.1 of two the first": "max-age=0, max-age=1800",
    "4.2.1 of two lines the first": [("Cache-Control", "max-age=0"), ("Cache-Control", "max-age=1800")],
    "5.2 max-age inside a string, before": 'extension="max-age=3600", max-age=0',
    "5.2 max-age inside a string, after": 'max-age=0, extension="max-age=3600"',
    "5.2 max-age inside a string, both quoted": 'extension="max-age=3600", max-age="0"',
    "5.2 max-age inside a string alone": 'extension="max-age=3600"',
    "5.2 single quotes": "max-age='3600'",
    "5.2 space before the equals sign": "max-age =3600",
    "5.2 space behind the equals sign": "max-age= 3600",
    "4.2.1 letter in front": "max-age=a3600",
    "4.2.1 letter behind": "max-age=3600a",
    "4.2.1 fraction": "max-age=3600.5",
    "4.2.1 negative": "max-age=-3600",
    "4.2.1 no value": "max-age",
    "4.2.1 empty value": "max-age=",
    "4.2.3 Age beyond max-age": [("Cache-Control", "max-age=10"), ("Age", "15"), ("Date", 0)],
    "4.2 lifetime just over": [("Cache-Control", "max-age=10"), ("Age", "10")],
    "4.2.3 Age beyond s-maxage": [("Cache-Control", "s-maxage=10"), ("Age", "15"), ("Date", 0)],
    "4.2.3 Date beyond max-age": [("Cache-Control", "max-age=10"), ("Date", -60)],
    "4.2.3 Age counts where the Date is young": [("Cache-Control", "max-age=10"), ("Date", 60), ("Age", "15")],
    "4.2.3 first of two Ages": [("Cache-Control", "max-age=3600"), ("Age", "7200, 0")],
    "4.2.3 first of two lines of Age": [("Cache-Control", "max-age=3600"), ("Age", "7200"), ("Age", "0")],
    "4.2.3 Age beyond 64 bits": [("Cache-Control", "max-age=3600"), ("Age", "99999999999999999999999")],
    "5.3 past Expires": [("Expires", -30 * DAY), ("Date", 0)],
    "5.3 Expires at once": [("Expires", 0), ("Date", 0)],
    "5.3 Expires before a Date of a fast clock": [("Expires", 300), ("Date", 400)],
    "5.3 zero": [("Expires", "0"), ("Date", 0)],
    "5.3 minus one": [("Expires", "-1"), ("Date", 0)],
    "5.3 empty": [("Expires", ""), ("Date", 0)],
    "5.3 other zone": [("Expires", "Thu, 18 Aug 2050 02:01:18 AEST"), ("Date", 0)],
    "5.3 year of two digits": [("Expires", "Thu, 18 Aug 50 02:01:18 GMT"), ("Date", 0)],
    "5.3 no comma": [("Expires", "Thu 18 Aug 2050 02:01:18 GMT"), ("Date", 0)],
    "5.3 two spaces": [("Expires", "Thu, 18  Aug  2050 02:01:18 GMT"), ("Date", 0)],
    "5.3 dashes": [("Expires", "Thu, 18-Aug-2050 02:01:18 GMT"), ("Date", 0)],
    "5.3 points in the time": [("Expires", "Thu, 18 Aug 2050 02.01.18 GMT"), ("Date", 0)],
    "5.3 hour of one digit": [("Expires", "Thu, 18 Aug 2050 2:01:18 GMT"), ("Date", 0)],
    "5.3 no such day": [("Expires", "Thu, 31 Feb 2050 02:01:18 GMT"), ("Date", 0)],
    "5.3 of two the first": [("Expires", -100), ("Expires", 3600), ("Date", 0)],
    "4.2.3 Age beyond Expires, slow Date": [("Date", -10), ("Expires", 10), ("Age", "25")],
    "4.2.3 Age beyond Expires, fast Date": [("Date", 10), ("Expires", 20), ("Age", "15")],
    "5.3 an Expires that is no date stands before the heuristic": [
        ("Expires", "never"), ("Last-Modified", -10 * DAY), ("Date", 0)],
    "4.2.2 no heuristic from a bad Last-Modified": [("Last-Modified", "yesterday"), ("Date", 0)],
    "4.2.2 no heuristic from the future": [("Last-Modified", DAY), ("Date", 0)],
    "4.2.2 heuristic is over": [("Last-Modified", -10 * DAY), ("Date", -5 * DAY)],
}


@pytest.mark.parametrize("case", FRESH.values(), ids=FRESH)
def test_fresh_is_reused(stage, case):
    assert stage.reuses(fields_of(case))


@pytest.mark.parametrize("etag", [(), ("ETag", '"v"')], ids=["without-etag", "with-etag"])
@pytest.mark.parametrize("case", STALE.values(), ids=STALE)
def test_stale_is_not_reused(stage, case, etag):
    assert not stage.reuses(fields_of(case) + [etag] if etag else fields_of(case))


HEURISTIC = [200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501]
NO_HEURISTIC = [201, 202, 302, 303, 307, 400, 403, 500, 502, 503, 504, 599]


@pytest.mark.parametrize("status", HEURISTIC)
def test_4_2_2_statuses_with_heuristic(stage, status):
    assert stage.reuses(fields_of([("Last-Modified", -10 * DAY), ("Date", 0)]), status)


@pytest.mark.parametrize("status", NO_HEURISTIC)
def test_4_2_2_statuses_without_heuristic(stage, status):
    assert not stage.reuses(fields_of([("Last-Modified", -10 * DAY), ("Date", 0)]), status)


@pytest.mark.parametrize("status", [202, 302, 403, 599])
def test_4_2_2_public_gives_leave_to_guess(stage, status):
    assert stage.reuses(fields_of([("Last-Modified", -10 * DAY), ("Cache-Control", "public")]), status)


EXPLICIT = [200, 201, 202, 203, 204, 299, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 410, 414, 418, 451,
            499, 500, 501, 502, 503, 504, 505, 599]


@pytest.mark.parametrize("status", EXPLICIT)
def test_3_any_final_status_with_an_explicit_lifetime(stage, status):
    assert stage.reuses(fields_of("max-age=3600"), status)


@pytest.mark.parametrize("status", EXPLICIT)
def test_4_any_status_is_stale_after_its_lifetime(stage, status):
    assert not stage.reuses(fields_of([("Expires", -5000), ("Last-Modified", -10 * DAY), ("Date", 0)]), status)


@pytest.mark.parametrize("fields", [
    [("Cache-Control", "max-age=3600")],
    [("Expires", 3600), ("Date", 0)],
], ids=["max-age", "Expires"])
@pytest.mark.parametrize("age", [None, "30", "1000"])
def test_5_1_age_is_generated_and_counts_on(stage, fields, age):
    path = stage.say(Say(200, fields_of(fields) + ([("Age", age)] if age else []), "x"))
    stage.get(path)
    got = stage.get(path)
    assert got.hit and got.age is not None and got.age >= int(age or 0)
    assert sum(name == "Age" for name, _ in got.fields) == 1


def test_5_1_age_by_date_where_the_origin_says_none(stage):
    path = stage.say(Say(200, fields_of([("Cache-Control", "max-age=3600"), ("Date", -100)])))
    stage.get(path)
    assert stage.get(path).age >= 100


def test_6_6_1_of_rfc_9110_date_and_expires_are_left_alone(stage):
    date, expires = at(-50), at(500)
    path = stage.say(Say(200, [("Date", date), ("Expires", expires)]))
    for _ in range(2):
        got = stage.get(path)
        assert (got["Date"], got["Expires"]) == (date, expires)
    assert got.hit


def test_6_6_1_of_rfc_9110_a_missing_date_is_added_once(stage):
    path = stage.say(Say(200, {"Cache-Control": "max-age=60"}))
    first, second = stage.get(path), stage.get(path)
    assert first["Date"] and first["Date"] == second["Date"] and second.hit
