"""The cache key: no two resources share one, no trick splits one, and what the key does not hold cannot poison it.

RFC 3986 sections 5.2 and 6.2, RFC 9110 sections 4.2.3 and 7.2, RFC 9111 sections 2 and 7.1.

Rules deliberately not kept: none.
"""

import pytest

from conftest import Process, binary
from edge_fixtures import Edge, Stage, app, edge, scripted, stage, write_config  # noqa: F401  (fixtures)

from scripted_origin import Say, ScriptedOrigin

HOUR = {"Cache-Control": "max-age=3600"}


def echo(connection, asked):
    """Says what it was asked, cacheably."""
    return Say(200, HOUR, f"{asked['Host']} {asked.target}")(connection, asked)


SAME = {
    "6.2.2.1 escapes in small letters": ("/x%2f{n}", "/x%2F{n}"),
    "6.2.2.2 an unreserved byte escaped": ("/x/%61{n}", "/x/a{n}"),
    "6.2.2.2 tilde": ("/%7e{n}", "/~{n}"),
    "6.2.2.3 one dot": ("/x/./y{n}", "/x/y{n}"),
    "6.2.2.3 two dots": ("/x/../y{n}", "/y{n}"),
    "6.2.2.3 dots escaped": ("/x/%2e%2E/y{n}", "/y{n}"),
    "6.2.2.3 beyond the root": ("/../../y{n}", "/y{n}"),
    "6.2.2.3 a dot at the end": ("/x{n}/.", "/x{n}/"),
    "6.2.3 an absolute target": ("http://www.example.test/y{n}", "/y{n}"),
    "6.2.3 the default port": ("http://www.example.test:80/y{n}", "/y{n}"),
    "6.2.2.1 host in capitals": ("http://WWW.EXAMPLE.test/y{n}", "/y{n}"),
}

DIFFERENT = {
    "case of the path": ("/x{n}", "/X{n}"),
    "an escaped slash": ("/x%2Fy{n}", "/x/y{n}"),
    "two slashes": ("/x//y{n}", "/x/y{n}"),
    "a slash at the end": ("/x{n}/", "/x{n}"),
    "query": ("/x{n}?a=1", "/x{n}?a=2"),
    "query or none": ("/x{n}?a=1", "/x{n}"),
    "order of the query": ("/x{n}?a=1&b=2", "/x{n}?b=2&a=1"),
    "an escaped question mark": ("/x{n}%3Fa", "/x{n}?a"),
    "an escaped ampersand": ("/x{n}?a=1%26b=2", "/x{n}?a=1&b=2"),
    "plus and space": ("/x{n}?a=1+2", "/x{n}?a=1%202"),
    "parameters of a segment": ("/x{n};a", "/x{n}"),
    "suffix of another kind": ("/account{n}", "/account{n}/x.css"),
    "escaped semicolon": ("/x{n}%3Ba.css", "/x{n};a.css"),
    "a twice escaped dot": ("/x{n}/%252e%252e/y", "/y"),
    "an escaped percent sign": ("/x{n}%2561", "/x{n}%61"),
}


@pytest.mark.parametrize("one, other", SAME.values(), ids=SAME)
def test_one_resource_has_one_key(stage, one, other):
    stage.app.say("*", echo)
    n = stage.path()[1:]
    first, second = stage.get(one.format(n=n)), stage.get(other.format(n=n))
    assert first.status == 200 and second.hit and second.body == first.body
    stage.app.say("*")


@pytest.mark.parametrize("one, other", DIFFERENT.values(), ids=DIFFERENT)
def test_two_resources_have_two_keys(stage, one, other):
    stage.app.say("*", echo)
    n = stage.path()[1:]
    first, second = stage.get(one.format(n=n)), stage.get(other.format(n=n))
    assert first.status == 200 and not second.hit and second.body != first.body
    stage.app.say("*")


@pytest.mark.parametrize("one, other, same", [
    ("www.example.test", "WWW.Example.Test", True), ("www.example.test", "www.example.test:80", True),
    ("www.example.test", "www.example.test.", True), ("www.example.test", "www.example.test:8080", False),
    ("www.example.test", "example.test", False), ("127.0.0.1", "127.0.0.2", False), ("[::1]", "[0:0:0:0:0:0:0:1]", None),
])
def test_hosts(stage, one, other, same):
    path = stage.say(echo)
    stage.get(path, host=one)
    got = stage.get(path, host=other)
    if same is not None:
        assert got.hit == same
    assert stage.get(path, host=one).hit


@pytest.mark.parametrize("target", ["/%", "/%zz", "/%2", "/a%00b", "/%0d%0aX"])
def test_odd_escapes_are_refused_or_go_through_as_they_are(stage, target):
    stage.app.say("*", echo)
    got = stage.get(target)
    assert got.status == 400 or got.body.endswith(target.encode().upper()) or got.body.endswith(target.encode())
    stage.app.say("*")


def test_the_origin_is_asked_by_the_words_of_the_key(stage):
    stage.app.say("*", echo)
    n = stage.path()[1:]
    stage.get(f"/x/%2e%2e/%61{n}?q=%7e")
    assert stage.app.asked[-1].target.startswith(f"/a{n}?q=")
    stage.app.say("*")


FORWARDED = ["X-Forwarded-Host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Scheme",
             "X-Forwarded-Server", "X-Forwarded-Prefix", "X-Forwarded-Path", "X-Forwarded-Ssl", "X-Original-URL",
             "X-Rewrite-URL", "X-Host", "X-HTTP-Host-Override", "Forwarded", "X-HTTP-Method-Override", "X-HTTP-Method",
             "X-Method-Override", "X-Real-IP", "X-Client-IP", "True-Client-IP", "Front-End-Https", "X-Original-Host"]


@pytest.mark.parametrize("name", FORWARDED + [name.lower() for name in FORWARDED])
def test_what_an_untrusted_client_says_of_itself_does_not_reach_the_origin(stage, name):
    path = stage.say(Say(200, HOUR, "x"))
    stage.get(path, {name: "evil.example"})
    assert "evil.example" not in stage.asked(path)[name]


def test_what_is_forwarded_instead_is_true(stage):
    path = stage.say(Say(200, HOUR, "x"))
    stage.get(path, {"X-Forwarded-For": "1.2.3.4"})
    asked = stage.asked(path)
    assert (asked["X-Forwarded-For"], asked["X-Forwarded-Proto"], asked["X-Forwarded-Host"], asked["X-Forwarded-Port"]) == (
        "127.0.0.1", "http", "www.example.test", "80")


def test_a_trusted_proxy_is_believed(app, edge):
    app.say("/a", Say(200, HOUR, "x"))
    served = edge(app, site="forwarding: { trusted_proxies: [127.0.0.0/8] }")
    served.get("/a", {"X-Forwarded-For": "1.2.3.4", "X-Forwarded-Proto": "https"})
    assert app.asked[-1]["X-Forwarded-For"] == "1.2.3.4, 127.0.0.1" and app.asked[-1]["X-Forwarded-Proto"] == "https"
    assert not served.get("/a").hit, "https is another resource"


RESOURCE = [name for name in FORWARDED if name not in ("X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP")]


@pytest.mark.parametrize("name", RESOURCE)
def test_what_the_key_does_not_hold_is_not_believed_of_a_trusted_proxy_either(trusting, name):
    """It hands on what its clients say: one of them must not choose what all get."""
    path = trusting.say(Say(200, HOUR, "x"))
    trusting.get(path, {name: "host=evil.example"})
    assert "evil.example" not in trusting.asked(path)[name] and trusting.get(path).hit


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "X-Client-IP", "True-Client-IP"])
def test_addresses_are_believed_of_a_trusted_proxy(trusting, name):
    path = trusting.say(Say(200, HOUR, "x"))
    trusting.get(path, {name: "192.0.2.9"})
    assert "192.0.2.9" in trusting.asked(path)[name]


@pytest.fixture(scope="module")
def trusting(tmp_path_factory):
    """A Stage whose edge trusts its clients."""
    app = ScriptedOrigin()
    file = write_config(tmp_path_factory.mktemp("trusting") / "edge.yaml", app,
                        "forwarding: { trusted_proxies: [127.0.0.0/8] }")
    process = Process([binary("meridian-edge"), "--config", file])
    yield Stage(Edge(process, file, admin=True), app)
    assert process.stop() == 0
    app.close()


@pytest.mark.parametrize("body", [b"x=1", b""])
def test_an_answer_to_a_get_with_a_body_is_not_cached(stage, body):
    path = stage.say(lambda connection, asked: Say(200, HOUR, b"for " + asked.body)(connection, asked))
    assert stage.get(path, method="GET", body=body).body == b"for " + body
    assert stage.get(path).body == b"for "


def test_a_get_with_a_body_gets_no_cached_answer(stage):
    path = stage.say(lambda connection, asked: Say(200, HOUR, b"for " + asked.body)(connection, asked))
    stage.get(path)
    assert stage.get(path, body=b"me").body == b"for me"


SUSPECT = {"long value": {"X-Long": "x" * 4000}, "odd bytes": {"X-Odd": "\x80\xff"}, "long cookie": {"Cookie": "x" * 9000},
           "method override": {"X-HTTP-Method-Override": "POST"}}


@pytest.mark.parametrize("fields", SUSPECT.values(), ids=SUSPECT)
@pytest.mark.parametrize("status", [400, 403, 404, 405, 500, 501])
def test_an_error_that_a_header_may_have_caused_is_not_cached(stage, fields, status):
    path = stage.say(Say(status, HOUR, "your fault"), Say(200, HOUR, "good"))
    stage.get(path, fields)
    assert stage.get(path).body == b"good"


@pytest.mark.parametrize("method, fields", [("GET", {"Transfer-Encoding": "chunked"})])
def test_a_chunked_body_of_a_get_counts_too(stage, method, fields):
    path = stage.say(Say(200, HOUR, "for the body"), Say(200, HOUR, "plain"))
    with stage.edge.client() as client:
        client.request(path, method, fields)
        client.send("3\r\nabc\r\n0\r\n\r\n")
        assert client.read_response().body == b"for the body"
    assert stage.get(path).body == b"plain"


@pytest.mark.parametrize("policy, one, other, same", [
    ("query: sort", "?b=2&a=1", "?a=1&b=2", True), ("query: sort", "?a=1", "?a=2", False),
    ("query: sort", "?a=2&a=1", "?a=1&a=2", False), ("query: drop", "?a=1", "?b=2", True), ("query: drop", "?a=1", "", True),
    ('query_drop: ["utm_*", fbclid]', "?utm_source=x&a=1&fbclid=2", "?a=1", True),
    ('query_drop: ["utm_*"]', "?utm_source=x", "", True), ('query_drop: ["utm_*"]', "?xutm_a=1", "", False),
    ('query_drop: ["utm_*"]', "?UTM_a=1", "", False), ('query_drop: ["utm_*"]', "?%75tm_a=1", "", True),
])
def test_query_policies_and_what_the_origin_sees_of_them(app, edge, policy, one, other, same):
    app.say("*", echo)
    served = edge(app, site=f"cache: {{ {policy} }}")
    first, second = served.get("/a" + one), served.get("/a" + other)
    assert second.hit == same and (first.body == second.body) == same


def test_another_site_has_other_keys(app, scripted, start, tmp_path):
    from edge_client import Client
    other = scripted()
    for origin, text in ((app, "one"), (other, "two")):
        origin.say("/a", Say(200, HOUR, text))
    file = tmp_path / "two.yaml"
    file.write_text("listen: [ { address: 127.0.0.1:0 } ]\nsites:\n"
                    f'  - {{ hosts: [one.test], origins: [ {{ url: "{app.url}" }} ] }}\n'
                    f'  - {{ hosts: ["*"], origins: [ {{ url: "{other.url}" }} ] }}\n')
    address = start("meridian-edge", "--config", file).address()
    for _ in range(2):
        for host, text in (("one.test", b"one"), ("two.test", b"two"), ("ONE.test.", b"one")):
            with Client(address, host=host) as client:
                assert client.ask("/a").body == text
