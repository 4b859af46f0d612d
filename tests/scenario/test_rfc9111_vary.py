"""RFC 9111 section 4.1 and RFC 9110 section 12.5.5: which of several stored variants answers a request.

Rules deliberately not kept: none. Choices: the order of Accept-Language counts, as some origins take the first language
(normalise_accept_language sorts it); a stored Content-Language does not answer a request by its weights.
"""

import pytest

from edge_fixtures import edge, app, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Say

HOUR = "max-age=3600"


def vary(*values):
    return [("Cache-Control", HOUR)] + [("Vary", value) for value in values]


FOO, BAR, BAZ = ("Foo", "1"), ("Bar", "abc"), ("Baz", "789")

MATCH = {
    "one field": (["Foo"], [FOO], [FOO]),
    "two fields": (["Foo, Bar"], [FOO, BAR], [FOO, BAR]),
    "three fields": (["Foo, Bar, Baz"], [FOO, BAR, BAZ], [FOO, BAR, BAZ]),
    "three fields on three lines": (["Foo", "Bar", "Baz"], [FOO, BAR, BAZ], [FOO, BAR, BAZ]),
    "other order in the request": (["Foo, Bar, Baz"], [FOO, BAR, BAZ], [BAZ, FOO, BAR]),
    "absent in both": (["Foo, Bar, Baz"], [FOO, BAZ], [FOO, BAZ]),
    "all absent in both": (["Foo"], [], []),
    "other fields do not count": (["Foo"], [FOO, ("Other", "2")], [FOO, ("Other", "3")]),
    "names in any case": (["fOO"], [FOO], [("FOO", "1")]),
    "empty members": ([", Foo ,,"], [FOO], [FOO]),
    "space around members": (["Foo"], [("Foo", "1,2")], [("Foo", " 1, 2 ")]),
    "lines are one list": (["Foo"], [("Foo", "1, 2")], [("Foo", "1"), ("Foo", "2")]),
    "language in any case": (["Accept-Language"], [("Accept-Language", "en, de")], [("Accept-Language", "eN, De")]),
    "space in languages": (["Accept-Language"], [("Accept-Language", "en, de")], [("Accept-Language", " en ,   de")]),
    "an empty Vary": ([""], [FOO], [("Foo", "2")]),
    "codings that mean the same": (["Accept-Encoding"], [("Accept-Encoding", "gzip, deflate")], [("Accept-Encoding", "gzip")]),
}

MISMATCH = {
    "other value": (["Foo"], [FOO], [("Foo", "2")]),
    "absent now": (["Foo"], [FOO], []),
    "absent then": (["Foo"], [], [FOO]),
    "empty is not absent": (["Foo"], [("Foo", "")], []),
    "first of two": (["Foo, Bar"], [FOO, BAR], [("Foo", "2"), BAR]),
    "second of two": (["Foo, Bar"], [FOO, BAR], [FOO, ("Bar", "abd")]),
    "second of two lines of Vary": (["Foo", "Bar"], [FOO, BAR], [FOO, ("Bar", "abd")]),
    "both absent": (["Foo, Bar"], [FOO, BAR], []),
    "one of three": (["Foo, Bar, Baz"], [FOO, BAR, BAZ], [("Foo", "2"), BAR, BAZ]),
    "middle of three, other order": (["Foo, Bar, Baz"], [FOO, BAR, BAZ], [FOO, BAZ, ("Bar", "abcde")]),
    "values change places": (["Foo, Bar"], [("Foo", "1"), ("Bar", "2")], [("Foo", "2"), ("Bar", "1")]),
    "case of values": (["Foo"], [("Foo", "a")], [("Foo", "A")]),
    "order of values": (["Foo"], [("Foo", "1, 2")], [("Foo", "2, 1")]),
    "star": (["*"], [FOO, BAZ], [FOO, BAZ]),
    "star, star": (["*, *"], [FOO], [FOO]),
    "star on two lines": (["*", "*"], [FOO], [FOO]),
    "empty member and star": ([", *"], [FOO], [FOO]),
    "empty line and star": (["", "*"], [FOO], [FOO]),
    "star and a name": (["*, Foo"], [FOO], [FOO]),
    "a name and star": (["Foo, *"], [FOO], [FOO]),
    "a name that is none": (["Foo Bar"], [FOO], [FOO]),
    "cookies": (["Cookie"], [("Cookie", "a=b")], [("Cookie", "a=c")]),
    "codings": (["Accept-Encoding"], [("Accept-Encoding", "gzip")], [("Accept-Encoding", "identity")]),
    "a line feed cannot be forged": (["Foo, Bar"], [("Foo", "1\\nbar:abc")], [FOO, BAR]),
}


@pytest.mark.parametrize("values, first, second", MATCH.values(), ids=MATCH)
def test_4_1_a_matching_request_reuses(stage, values, first, second):
    assert stage.reuses(vary(*values), first=first, second=second)


@pytest.mark.parametrize("values, first, second", MISMATCH.values(), ids=MISMATCH)
def test_4_1_another_request_does_not(stage, values, first, second):
    assert not stage.reuses(vary(*values), first=first, second=second)


def test_4_1_variants_stand_beside_each_other(stage):
    path = stage.say(*[Say(200, vary("Foo"), f"foo {i}") for i in range(5)])
    for turn in range(2):
        for i in range(5):
            got = stage.get(path, {"Foo": str(i)})
            assert got.body == f"foo {i}".encode() and got.hit == (turn == 1)
    assert stage.count(path) == 5


def test_4_1_a_new_list_of_names_does_not_hide_older_variants(stage):
    path = stage.say(Say(200, vary("Foo"), "by foo"), Say(200, vary("Foo, Bar"), "by both"))
    stage.get(path, [FOO])
    assert stage.get(path, [("Foo", "2"), BAR]).body == b"by both"
    assert stage.get(path, [FOO]).body == b"by foo"
    assert stage.get(path, [("Foo", "2"), BAR]).body == b"by both"
    assert stage.get(path, [("Foo", "2"), ("Bar", "other")]).hit is False


def test_4_1_stale_variants_are_validated_each_by_its_own_tag(stage):
    def answer(connection, asked):
        name = asked["Foo"]
        if asked["If-None-Match"] == f'"{name}"':
            return Say(304, vary("Foo") + [("ETag", f'"{name}"')])(connection, asked)
        return Say(200, [("Cache-Control", "max-age=0"), ("Vary", "Foo"), ("ETag", f'"{name}"')], name)(connection, asked)

    path = stage.say(answer)
    for name in "ab":
        stage.get(path, {"Foo": name})
    for name in "ab":
        assert stage.get(path, {"Foo": name}).body == name.encode()
        assert stage.asked(path)["If-None-Match"] == f'"{name}"'
        assert stage.get(path, {"Foo": name}).hit


def test_4_1_a_variants_tag_is_not_sent_for_another(stage):
    path = stage.say(Say(200, vary("Abc") + [("ETag", '"abcdef"')], "x"))
    stage.get(path, {"Abc": "123"})
    stage.get(path, {"Abc": "456"})
    assert "abcdef" not in stage.asked(path)["If-None-Match"]


def test_4_1_the_origin_sees_the_codings_that_the_key_holds(stage):
    path = stage.say(Say(200, vary("Accept-Encoding"), "x"))
    stage.get(path, {"Accept-Encoding": "br;q=1.0, gzip;q=0.8, *;q=0.1"})
    assert stage.asked(path)["Accept-Encoding"].replace(" ", "") in ("zstd,br,gzip", "br,gzip", "br,gzip,zstd")
    stage.get(path, {"Accept-Encoding": "deflate"})
    assert stage.asked(path)["Accept-Encoding"] == "identity"


def test_2_3_of_rfc_9211_a_miss_for_want_of_the_variant_says_so(stage):
    path = stage.say(Say(200, vary("Foo"), "x"))
    stage.get(path, [FOO])
    assert "fwd=vary-miss" in stage.get(path, [("Foo", "2")])["Cache-Status"]


def test_the_number_of_variants_is_bounded_and_the_oldest_goes(app, edge):
    app.say("/a", lambda connection, asked: Say(200, vary("Foo"), asked["Foo"])(connection, asked))
    served = edge(app, site="cache: { vary_max: 3 }")
    for i in range(5):
        served.get("/a", {"Foo": str(i)})
    assert [served.get("/a", {"Foo": str(i)}).hit for i in (4, 3, 2)] == [True] * 3
    assert not served.get("/a", {"Foo": "0"}).hit


def test_too_many_names_are_not_stored(app, edge):
    app.say("/a", Say(200, vary("A, B, C"), "x"))
    served = edge(app, site="cache: { vary_names: 2 }")
    assert not served.get("/a").hit and not served.get("/a").hit


def test_languages_in_another_order_by_policy(app, edge):
    app.say("/a", Say(200, vary("Accept-Language"), "x"))
    served = edge(app, site="cache: { normalise_accept_language: true }")
    served.get("/a", {"Accept-Language": "en, de"})
    assert served.get("/a", {"Accept-Language": "de, en"}).hit
    assert not served.get("/a", {"Accept-Language": "de, en;q=0.5"}).hit


def test_fields_that_the_operator_adds_to_the_key(app, edge):
    app.say("/a", lambda connection, asked: Say(200, {"Cache-Control": HOUR}, asked["X-Tenant"])(connection, asked))
    served = edge(app, site="cache: { key_headers: [X-Tenant] }")
    for _ in range(2):
        for tenant in "ab":
            assert served.get("/a", {"X-Tenant": tenant}).body == tenant.encode()
    assert len(app.asked) == 2
