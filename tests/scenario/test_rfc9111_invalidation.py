"""RFC 9111 section 4.4: a successful unsafe request makes what is stored invalid.

Rules deliberately not kept: none. PROPFIND and other safe methods of WebDAV count as unknown ones and invalidate, which
4.4 asks for where the safety of a method is not known. Location and Content-Location invalidate on the same origin only (a
MUST NOT for others, against denial of service).
"""

import pytest

from edge_fixtures import stage  # noqa: F401  (fixtures)

from scripted_origin import Gate, Raw, Say

HOUR = {"Cache-Control": "max-age=3600"}
UNSAFE = ["POST", "PUT", "DELETE", "PATCH", "M-SEARCH", "UNKNOWN"]


@pytest.mark.parametrize("status", [200, 201, 204, 301, 303])
@pytest.mark.parametrize("method", UNSAFE)
def test_4_4_a_success_invalidates(stage, method, status):
    path = stage.say(Say(200, HOUR, "old"), Say(status), Say(200, HOUR, "new"))
    stage.get(path)
    assert stage.get(path, method=method, body=b"abc").status == status
    got = stage.get(path)
    assert got.body == b"new" and not got.hit


@pytest.mark.parametrize("status", [400, 404, 500, 503])
@pytest.mark.parametrize("method", UNSAFE)
def test_4_4_a_failure_does_not(stage, method, status):
    path = stage.say(Say(200, HOUR, "old"), Say(status), Say(200, HOUR, "new"))
    stage.get(path)
    assert stage.get(path, method=method, body=b"abc").status == status
    got = stage.get(path)
    assert got.hit and got.body == b"old"


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD"])
def test_4_4_safe_methods_do_not(stage, method):
    path = stage.say(Say(200, HOUR, "old"), Say(200), Say(200, HOUR, "new"))
    stage.get(path)
    assert stage.get(path, method=method).status == 200
    assert stage.get(path).hit


def test_4_4_a_broken_answer_does_not(stage):
    path = stage.say(Say(200, HOUR, "old"), Raw(b"nonsense\r\n\r\n"), Say(200, HOUR, "new"))
    stage.get(path)
    assert stage.get(path, method="POST", body=b"x").status == 502
    assert stage.get(path).hit


NAMED = {
    "absolute path": ("{path}-target", True),
    "relative": ("{last}-target", True),
    "absolute": ("http://www.example.test{path}-target", True),
    "default port": ("http://www.example.test:80{path}-target", True),
    "host in capitals": ("http://WWW.Example.TEST{path}-target", True),
    "no scheme": ("//www.example.test{path}-target", True),
    "dot segments": ("./x/../{last}-target", True),
    "fragment": ("{path}-target#part", True),
    "other host": ("http://other.example.test{path}-target", False),
    "other port": ("http://www.example.test:81{path}-target", False),
    "other scheme": ("https://www.example.test{path}-target", False),
    "no URI": ("http://[", False),
}


@pytest.mark.parametrize("name", ["Location", "Content-Location"])
@pytest.mark.parametrize("value, hits", NAMED.values(), ids=NAMED)
def test_4_4_location_and_content_location_of_the_same_origin(stage, name, value, hits):
    path = stage.path()
    target = path + "-target"
    stage.app.say(target, Say(200, HOUR, "old"), Say(200, HOUR, "new"))
    stage.app.say(path, Say(201, {name: value.format(path=path, last=path[1:])}))
    stage.get(target)
    assert stage.get(path, method="POST", body=b"abc").status == 201
    assert stage.get(target).hit is not hits


@pytest.mark.parametrize("method", ["PUT", "DELETE", "M-SEARCH"])
@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_4_4_by_any_unsafe_method(stage, method, name):
    path = stage.path()
    stage.app.say(path + "-target", Say(200, HOUR, "old"))
    stage.app.say(path, Say(200, {name: path + "-target"}))
    stage.get(path + "-target")
    stage.get(path, method=method, body=b"abc")
    assert not stage.get(path + "-target").hit


def test_4_4_get_does_not_invalidate_what_it_names(stage):
    path = stage.path()
    stage.app.say(path + "-target", Say(200, HOUR, "old"))
    stage.app.say(path, Say(200, {"Location": path + "-target", "Content-Location": path + "-target"}))
    stage.get(path + "-target")
    stage.get(path)
    assert stage.get(path + "-target").hit


def test_4_4_all_variants_go(stage):
    path = stage.say(Say(200, {**HOUR, "Vary": "Foo"}, "1"), Say(200, {**HOUR, "Vary": "Foo"}, "2"), Say(204),
                     Say(200, {**HOUR, "Vary": "Foo"}, "new"))
    for foo in "12":
        stage.get(path, {"Foo": foo})
    stage.get(path, method="POST", body=b"")
    for foo in "12":
        assert stage.get(path, {"Foo": foo}).body == b"new"


def test_4_4_stored_parts_go(stage):
    path = stage.say(Say(206, {**HOUR, "Content-Range": "bytes 0-1/10", "ETag": '"1"'}, "01"), Say(204),
                     Say(206, {**HOUR, "Content-Range": "bytes 0-1/10", "ETag": '"2"'}, "ab"))
    part = {"Range": "bytes=0-1"}
    stage.get(path, part)
    assert stage.get(path, part).body == b"01"
    stage.get(path, method="DELETE")
    assert stage.get(path, part).body == b"ab"


def test_4_4_a_fill_that_began_before_is_not_stored(stage):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 3\r\n\r\nol", rest=b"d")
    path = stage.say(gate, Say(204), Say(200, HOUR, "new"))
    with stage.edge.client() as reader:
        reader.request(path)
        gate.wait_reached()
        assert stage.get(path, method="POST", body=b"x").status == 204
        gate.open()
        assert reader.read_response().body == b"old"
    assert stage.get(path).body == b"new"


def test_4_4_the_key_is_found_however_the_target_is_spelled(stage):
    path = stage.say(Say(200, HOUR, "old"), Say(200, HOUR, "new"))
    stage.app.say("*", Say(204))
    stage.get(path)
    assert stage.get("/a/.." + path.replace("c", "%63", 1), method="POST", body=b"x").status == 204
    stage.app.say("*")
    assert stage.get(path).body == b"new"


def test_4_4_a_shorter_stored_query_is_another_resource(stage):
    path = stage.path()
    stage.app.say(path, Say(200, HOUR, "old"))
    stage.app.say(path + "?x=1", Say(204))
    stage.get(path)
    stage.get(path + "?x=1", method="POST", body=b"x")
    assert stage.get(path).hit
