"""Many askers, one fetch: RFC 9111 section 4 (last paragraph), and what must not follow from it.

Rules deliberately not kept: none.
"""

import threading

import pytest

from edge_fixtures import app, edge, scripted, stage  # noqa: F401  (fixtures)

from scripted_origin import Gate, Raw, Say

SITE = "upstream: { breaker_failures: 10000, eject_error_rate: 1.0, retries: 0 }"
HOUR = {"Cache-Control": "max-age=3600"}
HEAD = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n"


def crowd(stage, path, count, fields=()):
    """Clients who have asked for the path and wait."""
    clients = [stage.edge.client() for _ in range(count)]
    for client in clients:
        client.request(path, fields=fields)
    return clients


def answers(clients):
    got = [client.read_response() for client in clients]
    for client in clients:
        client.close()
    return got


def joined(stage, count):
    """Waits until so many followers are on fills."""
    for _ in range(2000):
        if stage.edge.metric("meridian_edge_followers") >= count:
            return
    pytest.fail("the followers never joined")


def test_a_thousand_askers_are_one_request(stage):
    gate = Gate(rest=Say(200, HOUR, "shared"))
    path = stage.say(gate)
    clients = crowd(stage, path, 1000)
    gate.wait_reached()
    gate.open()
    got = answers(clients)
    assert all(one.body == b"shared" for one in got) and stage.count(path) == 1
    assert any("collapsed" in one["Cache-Status"] for one in got)


@pytest.mark.parametrize("fields", [{"Cache-Control": "private"}, {"Cache-Control": "no-store"}, {"Vary": "*", **HOUR},
                                    {"Cache-Control": "max-age=0"}, {}])
def test_what_may_not_be_shared_goes_to_one_only(stage, fields):
    gate = Gate(rest=lambda connection, asked: Say(200, fields, "mine")(connection, asked))
    number = iter(range(1, 1000))
    path = stage.say(gate, lambda connection, asked: Say(200, fields, f"own {next(number)}")(connection, asked))
    clients = crowd(stage, path, 20)
    gate.wait_reached()
    gate.open()
    bodies = [one.body for one in answers(clients)]
    assert len(set(bodies)) == 20 and stage.count(path) == 20


def test_hit_for_miss_lets_the_next_go_at_once_and_ends_with_a_stored_response(stage):
    gate = Gate(rest=Say(200, {"Cache-Control": "private"}, "first"))
    second = Gate(rest=Say(200, HOUR, "second"))
    path = stage.say(gate, Say(200, {"Cache-Control": "private"}, "own"), second, Say(200, HOUR, "third"))
    clients = crowd(stage, path, 2)
    gate.wait_reached()
    gate.open()
    answers(clients)
    waiting = crowd(stage, path, 1)
    second.wait_reached()
    assert stage.get(path).body == b"third", "it does not wait for the one before it"
    second.open()
    answers(waiting)
    assert stage.get(path).hit


def test_askers_of_another_variant_ask_for_themselves(stage):
    gate = Gate(rest=lambda connection, asked: Say(200, {**HOUR, "Vary": "Foo"}, asked["Foo"])(connection, asked))
    path = stage.say(gate, lambda connection, asked: Say(200, {**HOUR, "Vary": "Foo"}, asked["Foo"])(connection, asked))
    groups = [crowd(stage, path, 1, {"Foo": "0"})]
    gate.wait_reached()
    groups += [crowd(stage, path, 5, {"Foo": str(i)}) for i in range(4)]
    gate.open()
    for wanted, clients in zip([0, 0, 1, 2, 3], groups):
        assert all(got.body == str(wanted).encode() for got in answers(clients))
    assert stage.count(path) <= 6


def test_credentials_do_not_wait_for_others_nor_others_for_them(stage):
    gate = Gate(rest=Say(200, {"Cache-Control": "max-age=60"}, "of the one"))
    path = stage.say(gate, Say(200, HOUR, "of all"))
    clients = crowd(stage, path, 1, {"Authorization": "Basic x"})
    gate.wait_reached()
    assert stage.get(path).body == b"of all"
    gate.open()
    assert answers(clients)[0].body == b"of the one"


def test_a_client_that_wants_it_validated_gets_an_answer_of_its_own(stage):
    gate = Gate(rest=Say(200, HOUR, "began before"))
    path = stage.say(Say(200, HOUR, "old"), gate, Say(200, HOUR, "asked after"))
    stage.get(path)
    first = crowd(stage, path, 1, {"Cache-Control": "no-cache"})
    gate.wait_reached()
    assert stage.get(path, {"Cache-Control": "no-cache"}).body == b"asked after"
    gate.open()
    answers(first)


@pytest.mark.parametrize("failure, status", [(Raw(b"nonsense\r\n\r\n"), 502), (Say(503, {}, "down"), 503)],
                         ids=["nonsense", "503"])
def test_an_error_while_followers_wait(stage, failure, status):
    gate = Gate(rest=failure)
    path = stage.say(gate, Say(200, HOUR, "good"))
    clients = crowd(stage, path, 10)
    gate.wait_reached()
    gate.open()
    got = answers(clients)
    assert {one.status for one in got} <= {status, 200} and got[0].status == status
    assert stage.get(path).body == b"good"


def test_an_origin_that_closes_without_an_answer_while_followers_wait(app, edge):
    """On an edge of its own: on a connection that was used before, closing means that it had been idle (see below)."""
    gate = Gate(rest=b"", keep=False)
    app.say("/a", gate, Say(200, HOUR, "good"))
    served = edge(app, site=SITE)
    clients = [served.client() for _ in range(10)]
    for client in clients:
        client.request("/a")
    gate.wait_reached()
    gate.open()
    got = answers(clients)
    assert got[0].status == 502 and {one.status for one in got} <= {502, 200}
    assert served.get("/a").body == b"good"


def test_9_3_1_a_reused_connection_that_closes_is_no_failure_of_the_origin(app, edge):
    """RFC 9112 section 9.3.1: it was closed while the request was on its way, so that is sent once more, whatever
    `retries` says; only once, as the second connection is a new one."""
    app.say("/warm", Say(200, {}, "warm"))
    app.say("/a", Raw(b""), Say(200, {}, "good"))
    app.say("/b", Raw(b""))
    served = edge(app, site=SITE)
    served.get("/warm")
    assert served.get("/a").body == b"good" and len(app.asked_for("/a")) == 2
    assert served.get("/b").status == 502 and len(app.asked_for("/b")) == 2


def test_a_body_that_breaks_is_broken_for_all_and_stored_for_none(stage):
    gate = Gate(first=HEAD + b"01234", rest=b"", keep=False)
    path = stage.say(gate, Say(200, HOUR, "0123456789"))
    clients = crowd(stage, path, 5)
    gate.wait_reached()
    for client in clients:
        assert client.reader.readline() == b"HTTP/1.1 200 OK\r\n"
    gate.open()
    for client in clients:
        try:
            assert not client.reader.read().endswith(b"0123456789")
        except ConnectionResetError:
            pass
        client.close()
    assert stage.get(path).body == b"0123456789"


def test_the_leader_leaves_before_the_head(stage):
    gate = Gate(rest=Say(200, HOUR, "for the others"))
    path = stage.say(gate, Say(200, HOUR, "asked again"))
    leader = stage.edge.client()
    leader.request(path)
    gate.wait_reached()
    followers = crowd(stage, path, 5)
    joined(stage, 5)
    leader.close()
    gate.open()
    assert {one.body for one in answers(followers)} == {b"for the others"} and stage.count(path) == 1


def test_a_slow_client_holds_nobody_up(stage):
    body = b"x" * 8_000_000
    path = stage.say(Say(200, HOUR, body))
    slow = stage.edge.client()
    slow.request(path)
    # The slow one reads nothing at all while others take the whole.
    assert slow.reader.readline() == b"HTTP/1.1 200 OK\r\n"
    for _ in range(3):
        assert stage.get(path).body == body
    while slow.reader.readline() != b"\r\n":
        pass
    assert slow.reader.read(len(body)) == body and stage.count(path) == 1
    slow.close()


def test_followers_ask_themselves_when_the_head_takes_too_long(app, edge):
    gate = Gate(rest=Say(200, HOUR, "late"))
    app.say("/a", gate, Say(200, HOUR, "soon"))
    served = edge(app, site="cache: { collapse_wait: 1ms }")
    with served.client() as leader:
        leader.request("/a")
        gate.wait_reached()
        assert served.get("/a").body == b"soon"
        gate.open()
        assert leader.read_response().body == b"late"


def test_without_collapsing_each_asks(app, edge):
    gate = Gate(rest=Say(200, HOUR, "one"))
    app.say("/a", gate, Say(200, HOUR, "two"))
    served = edge(app, site="cache: { collapse: false }")
    with served.client() as first:
        first.request("/a")
        gate.wait_reached()
        assert served.get("/a").body == b"two"
        gate.open()
        assert first.read_response().body == b"one"


def test_a_stale_response_is_validated_once_for_all(stage):
    stale = [("Cache-Control", "max-age=10"), ("Age", "10"), ("ETag", '"v"')]
    gate = Gate(rest=Say(304, {**HOUR, "ETag": '"v"'}))
    path = stage.say(Say(200, stale, "kept"), gate)
    stage.get(path)
    clients = crowd(stage, path, 50)
    gate.wait_reached()
    gate.open()
    assert {one.body for one in answers(clients)} == {b"kept"} and stage.count(path) == 2


def test_followers_with_conditions_and_ranges_get_their_own_view(stage):
    gate = Gate(rest=Say(200, {**HOUR, "ETag": '"v"'}, "0123456789"))
    path = stage.say(gate)
    whole = crowd(stage, path, 2)
    gate.wait_reached()
    known = crowd(stage, path, 2, {"If-None-Match": '"v"'})
    gate.open()
    assert [one.body for one in answers(whole)] == [b"0123456789"] * 2
    assert [one.status for one in answers(known)] == [304] * 2
    assert stage.get(path, {"Range": "bytes=2-3"}).body == b"23" and stage.count(path) == 1


def test_many_threads_and_a_changing_resource_never_go_back_in_time(app, edge):
    served = edge(app, workers=2)
    number = iter(range(1, 100_000))
    lock = threading.Lock()

    def answer(connection, asked):
        with lock:
            text = str(next(number))
        return Say(200, {"Cache-Control": "no-cache", "ETag": f'"{text}"'}, text)(connection, asked)

    app.say("/a", answer)
    wrong = []

    def ask():
        last = 0
        with served.client() as client:
            for _ in range(40):
                value = int(client.ask("/a").body)
                if value < last:
                    wrong.append((last, value))
                last = value

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
