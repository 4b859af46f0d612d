"""Edges that are gone, frozen, overloaded or lie: their neighbours go on (docs/peers.md)."""

import contextlib
import os
import signal
import threading

import pytest

import oracle
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from fleet import caches, fleet, key_of  # noqa: F401  (fixture)
from edge_client import Client
from scripted_origin import Gate, Raw, Say, ScriptedOrigin
from test_tiers import until

FRESH = [("Cache-Control", "max-age=3600"), ("ETag", '"one"')]
REQUESTS = "meridian_edge_peer_requests_total"
COLD = "cache: { hit_for_miss: 0s }"


def say(app, path, size=5000):
    body = oracle.body(path, size)
    app.say(path, Say(200, FRESH, body))
    return body


def kill(world, name):
    edge = world.edges.pop(name)
    os.kill(edge.process.pid, signal.SIGKILL)
    edge.process.wait()


@contextlib.contextmanager
def frozen(edge):
    edge.process.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        edge.process.signal(signal.SIGCONT)


class Traffic:
    """Clients that ask without a pause, each on a connection of its own, until the end of the block."""

    def __init__(self, addresses, paths, clients=6):
        self.addresses, self.paths, self.clients = addresses, paths, clients
        self.answers, self.wrong, self._over = 0, [], threading.Event()

    def __enter__(self):
        self.threads = [threading.Thread(target=self._run, args=(i,)) for i in range(self.clients)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self.threads:
            thread.join()

    def more(self, count):
        """Waits until so many more were answered."""
        wanted = self.answers + count
        until(lambda: self.answers >= wanted)

    def _run(self, number):
        with Client(self.addresses[number % len(self.addresses)]) as client:
            turn = number
            while not self._over.is_set():
                path = self.paths[turn % len(self.paths)]
                turn += 1
                got = client.ask(path)
                if got is None or got.status != 200 or not got.whole or got.body != oracle.body(path, 500):
                    self.wrong.append((path, got and got.status, got and got["Cache-Status"]))
                    return
                self.answers += 1


def test_an_owner_that_is_killed_is_missed_by_nobody(fleet, app):
    region = fleet([3], peers=", hot_copy: 0s, breaker_span: 0s")
    paths = [f"/object-{i}" for i in range(40)]
    for path in paths:
        say(app, path, 500)
    with Traffic([region.addresses["r1-e1"], region.addresses["r1-e2"]], paths) as traffic:
        traffic.more(200)
        kill(region, "r1-e3")
        traffic.more(600)
    assert not traffic.wrong, traffic.wrong
    assert region.total(REQUESTS, outcome="failed") > 0
    assert region.total("meridian_edge_peer_passed_over_total", reason="breaker") > 0
    assert max(len(app.asked_for(path)) for path in paths) <= 3
    # It comes back, and is asked again.
    served = "meridian_edge_peer_served_total"
    region.begin("r1-e3")
    def asked():
        region["r1-e1"].get(paths[int(region["r1-e1"].metric("meridian_edge_served_total")) % len(paths)])
        return region["r1-e3"].metric(served) > 0
    until(asked)


def test_a_frozen_owner_is_outrun_and_then_passed_over(fleet, app):
    region = fleet([3], peers=", hot_copy: 0s, breaker_failures: 3, breaker_span: 0s, first_byte_timeout: 500ms, "
                              "hedge_budget: 1", site=COLD)
    paths = key_of(region, app, "r1-e2", "r1-e1", 60)
    for path in paths:
        body = say(app, path)
        assert region["r1-e1"].get(path).body == body
    edge = region["r1-e1"]
    with frozen(region["r1-e2"]):
        for path in paths:
            assert edge.get(path).body == oracle.body(path, 5000)
        hedges = "meridian_edge_peer_hedges_total"
        assert edge.metric(hedges, outcome="sent") >= edge.metric(hedges, outcome="won") > 0
        assert edge.metric(REQUESTS, outcome="outrun") > 0
        # What was outrun still shows that nobody is there.
        until(lambda: edge.get(paths[0]).status == 200 and
              edge.metric("meridian_edge_peer_passed_over_total", reason="breaker") > 0)
    assert all(len(app.asked_for(path)) <= 3 for path in paths)


def test_hedges_have_a_budget(fleet, app):
    region = fleet([3], peers=", hot_copy: 0s, hedge_budget: 0, breaker_failures: 1000, first_byte_timeout: 100ms", site=COLD)
    paths = key_of(region, app, "r1-e2", "r1-e1", 40)
    for path in paths:
        say(app, path)
        region["r1-e1"].get(path)
    edge = region["r1-e1"]
    with frozen(region["r1-e2"]):
        for path in paths[:8]:
            assert edge.get(path).body == oracle.body(path, 5000)
    hedges = "meridian_edge_peer_hedges_total"
    assert edge.metric(hedges, outcome="sent") >= 3, "a few are always allowed"
    assert edge.metric(hedges, outcome="over-budget") > 0
    assert edge.metric(REQUESTS, outcome="failed") > 0, "the others wait until their time is up"


def test_a_region_that_is_cut_off_costs_fetches_and_no_errors(fleet, app):
    world = fleet([2, 2], shield="r2", peers=", breaker_span: 0s", site=COLD)
    say(app, "/before")
    assert world["r1-e1"].get("/before").status == 200
    for name in ("r2-e1", "r2-e2"):
        kill(world, name)
    for i in range(20):
        body = say(app, f"/object-{i}")
        for edge in world.edges.values():
            assert edge.get(f"/object-{i}").body == body
        assert len(app.asked_for(f"/object-{i}")) == 1, "the owner of the region asks in its place"
    assert world.total("meridian_edge_peer_passed_over_total", reason="breaker") > 0


def test_an_edge_that_leaves_the_ring_moves_its_keys_only(fleet, app):
    region = fleet([4], peers=", hot_copy: 0s")
    paths = [f"/object-{i}" for i in range(60)]

    def ask_all():
        for path in paths:
            for edge in region.edges.values():
                got = edge.get(path)
                assert got.body == oracle.body(path, 5000) and len(caches(got)) <= 2, got["Cache-Status"]
        return {path: len(app.asked_for(path)) for path in paths}

    for path in paths:
        say(app, path)
    assert set(ask_all().values()) == {1}
    # One edge knows first, and then all do: two lists at once disagree, and make no loop.
    gone = "r1-e4"
    region.regions["r1"].remove(gone)
    region.reload("r1-e1")
    counts = ask_all()
    assert max(counts.values()) <= 2
    moved = sum(count == 2 for count in counts.values())
    region.reload("r1-e2", "r1-e3")
    edge = region.edges.pop(gone)
    edge.process.stop()
    counts = ask_all()
    assert max(counts.values()) <= 2 and 0 < moved <= sum(count == 2 for count in counts.values()) < 30


def fill_line(key=None, keep="yes"):
    return f"Meridian-Fill: seq=0;age=0;lifetime=60;swr=0;sie=0;keep={keep};key={key or 1}\r\n"


LIES = {
    "garbage": lambda key, good: b"\x00\x01 this is no HTTP at all\r\n\r\n",
    "nothing": lambda key, good: b"",
    "no fill": lambda key, good: head(good, ""),
    "another key": lambda key, good: head(good, fill_line(int(key) ^ 1)),
    "half a fill": lambda key, good: head(good, "Meridian-Fill: seq=0;age=0\r\n"),
    "two fills": lambda key, good: head(good, fill_line(key) * 2),
    "huge": lambda key, good: b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "two lengths": lambda key, good: head(good, fill_line(key) + "Content-Length: 7\r\n"),
    "loop": lambda key, good: b"HTTP/1.1 503 No\r\nMeridian-Fill: refused=loop\r\nContent-Length: 0\r\n\r\n",
    "a redirect": lambda key, good: b"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
}


def head(body, more):
    return f"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: {len(body)}\r\n{more}\r\n".encode() + body


@contextlib.contextmanager
def liar(region, name):
    """This test plays an edge. Its answers are functions of the connection and the request."""
    played = ScriptedOrigin(region.peer_addresses[name])
    try:
        yield played
    finally:
        played.close()


def hash_said(region, path, asker="r1-e3", to="r1-e1"):
    """What an edge calls the key: another member may ask."""
    with region.as_edge(asker, to) as hop:
        return dict(item.split("=") for item in hop.ask(path, fields=region.hop_fields(asker))["Meridian-Fill"].split(";"))["key"]


@pytest.mark.parametrize("lie", LIES)
def test_an_edge_that_lies_is_not_believed(fleet, app, lie):
    region = fleet([3], peers=", choices: 1, breaker_failures: 1000", site=COLD, but=["r1-e2", "r1-e3"])
    with liar(region, "r1-e2") as played, liar(region, "r1-e3") as other:
        region.edges["r1-e1"].get("/warm-up")
        paths = [f"/lie-{i}" for i in range(12)]
        for path in paths:
            body = say(app, path, 300)
            key = hash_said(region, path)
            bad = Raw(LIES[lie](key, b"x" * 300))
            played.say("*", bad), other.say("*", bad)
            # What was learnt of the key must not answer: an unsafe request removes it.
            app.say(path, Say(204, []), Say(200, FRESH, body))
            assert region["r1-e1"].get(path, method="DELETE").status == 204
            for _ in range(2):
                got = region["r1-e1"].get(path)
                assert (got.status, got.body) == (200, body), got["Cache-Status"]
    lied = region["r1-e1"].metric(REQUESTS) - region["r1-e1"].metric(REQUESTS, outcome="answered")
    assert lied > 0 and region["r1-e1"].metric(REQUESTS, outcome="answered") == 0


def test_a_body_that_breaks_off_is_cut_and_not_kept(fleet, app):
    region = fleet([3], peers=", choices: 1, breaker_failures: 1000", site=COLD, but=["r1-e2", "r1-e3"])
    with liar(region, "r1-e2") as played, liar(region, "r1-e3") as other:
        cut = 0
        for i in range(12):
            path = f"/short-{i}"
            body = say(app, path, 300)
            key = hash_said(region, path)
            app.say(path, Say(204, []), Say(200, FRESH, body))
            assert region["r1-e1"].get(path, method="DELETE").status == 204
            short = Raw(head(b"y" * 300, fill_line(key))[:-100])
            played.say("*", short), other.say("*", short)
            got = region["r1-e1"].get(path)
            cut += not got.whole
            assert got.body == body if got.whole else got.body == b"y" * len(got.body)
            played.say("*", Raw(b"")), other.say("*", Raw(b""))
            assert region["r1-e1"].get(path).body == body
    assert cut > 0


def test_too_much_at_once_is_refused_and_asked_elsewhere(fleet, app):
    region = fleet([3], peers=", served_at_once: 1", site=COLD, but=["r1-e3"])
    busy, path = key_of(region, app, "r1-e2", "r1-e1", 2)
    gate = Gate(b"", Say(200, FRESH, b"late"))
    app.say(busy, gate)
    with region.as_edge("r1-e3", "r1-e2") as hop:
        hop.request(busy, fields=region.hop_fields("r1-e3"))
        gate.wait_reached()
        body = say(app, path)
        assert region["r1-e1"].get(path).body == body
        gate.open()
        assert hop.read_response().body == b"late"
    assert region["r1-e1"].metric(REQUESTS, outcome="refused") == 1
    assert region["r1-e2"].metric("meridian_edge_peer_refused_total", reason="overload") == 1
    assert region["r1-e2"].metric("meridian_edge_limit_reached_total", limit="served_at_once") == 1


def test_who_waits_for_the_owner_still_answers_in_its_place(fleet, app):
    """r1-e3, played by this test, asks r1-e1 as the next choice, while r1-e1 waits for the owner itself."""
    region = fleet([3], peers=", hedge_percentile: 0, first_byte_timeout: 60s", site=COLD, but=["r1-e3"])
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = say(app, path)
    answer = {}
    with frozen(region["r1-e2"]):
        asker = threading.Thread(target=lambda: answer.update(got=region["r1-e1"].get(path)))
        asker.start()
        until(lambda: region["r1-e1"].metric("meridian_edge_peer_running", edge="r1-e2") == 1)
        with region.as_edge("r1-e3", "r1-e1") as hop:
            got = hop.ask(path, fields=region.hop_fields("r1-e3"))
        assert (got.status, got.body) == (200, body)
    asker.join()
    assert answer["got"].body == body


def test_a_client_cannot_make_an_edge_look_broken(fleet, app):
    """What is within the limits here, and beyond them with what is added for the next edge."""
    region = fleet([2], peers=", breaker_failures: 1, breaker_span: 0s", site=COLD, top="limits: { header: 4KiB }\n")
    paths = key_of(region, app, "r1-e2", "r1-e1", 4)
    edge = region["r1-e1"]
    for path in paths:
        body = say(app, path)
        got = edge.get(path, [("X-Long", "x" * 4020)])
        assert (got.status, got.body) == (200, body)
    assert edge.metric(REQUESTS, outcome="unproven") == len(paths)
    assert edge.metric("meridian_edge_peer_breaker", state="closed") == 1
