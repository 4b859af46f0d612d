"""The tiers behind memory: SSD, and a region's memcached. What memory has no room for is still served, over restarts and
kill -9, and nothing that was invalidated comes back."""

import fcntl
import json
import os
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from conftest import PATIENCE_S
from edge_client import Client
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from memcached_server import memcached  # noqa: F401  (fixture)
from scripted_origin import Say

# Memory holds some 20 of these bodies.
COUNT, SIZE = 100, 40_000


def ssd(folder, more=""):
    folder.mkdir(exist_ok=True)
    return f"cache: {{ ram: 1MiB, ssd: {{ path: {folder}, size: 64MiB, admission: all{more} }} }}"


def body_of(path, size=SIZE):
    return random.Random(path).randbytes(size)


def fill(edge, app, count=COUNT, fields=(("Cache-Control", "max-age=3600"),)):
    paths = [f"/object-{i}" for i in range(count)]
    for path in paths:
        app.say(path, Say(200, [*fields, ("ETag", f'"{path}"')], body_of(path)))
        assert edge.get(path).body == body_of(path)
    return paths


def until(condition):
    """Waits for what another process does by itself. Each look asks that process, and waits for its answer."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "this did not come to pass"


def on_disk(edge):
    """Waits until all that was put is written."""
    until(lambda: edge.metric("meridian_edge_ssd_bytes_total", direction="written") >=
          edge.metric("meridian_edge_ssd_bytes_total", direction="put"))


def served(edge, tier):
    return edge.metric("meridian_edge_served_total", tier=tier)


def test_what_memory_has_no_room_for_comes_from_ssd(edge, app, tmp_path):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    paths = fill(served_edge, app)
    for path in paths:
        reply = served_edge.get(path)
        assert reply.body == body_of(path) and reply.hit, reply["Cache-Status"]
    assert all(len(app.asked_for(path)) == 1 for path in paths)
    assert served(served_edge, "ssd") > COUNT / 2
    assert "detail=ssd" in next(s for s in (served_edge.get(p)["Cache-Status"] for p in paths) if "ssd" in s)


def test_who_asks_at_the_same_time_waits_for_one_recall(edge, app, tmp_path):
    """On one worker and on another; with a variant, for which two keys are recalled one after the other."""
    served_edge = edge(app, top=ssd(tmp_path / "ssd"), workers=2)
    varying = (("Cache-Control", "max-age=3600"), ("Vary", "Accept-Language"))
    for language in ("en", "de"):
        app.say("/page", Say(200, varying, body_of(language)))
        assert served_edge.get("/page", [("Accept-Language", language)]).body == body_of(language)
    paths = fill(served_edge, app)

    def ask(i):
        if i % 3:
            return served_edge.get(paths[i // 12]).body == body_of(paths[i // 12])
        language = ("en", "de")[i % 2]
        return served_edge.get("/page", [("Accept-Language", language)]).body == body_of(language)

    with ThreadPoolExecutor(24) as pool:
        assert all(pool.map(ask, range(12 * 40)))
    assert all(len(app.asked_for(path)) == 1 for path in paths) and len(app.asked_for("/page")) == 2


def test_what_ssd_serves_twice_is_promoted_to_memory(edge, app, tmp_path):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    path = fill(served_edge, app)[0]
    statuses = [served_edge.get(path)["Cache-Status"] for _ in range(3)]
    assert ["ssd" in status for status in statuses] == [True, True, False], statuses


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_cache_is_warm_after_a_restart(edge, app, tmp_path, how):
    first = edge(app, top=ssd(tmp_path / "ssd"))
    paths = fill(first, app)
    on_disk(first)
    held = [path for path in paths if "ssd" in first.get(path)["Cache-Status"]]
    assert len(held) > COUNT / 2
    os.kill(first.process.pid, how)
    first.process.wait()
    second = edge(app, top=ssd(tmp_path / "ssd"))
    lost = [path for path in held if not second.get(path).hit]
    assert not lost, (len(held), lost, json.dumps(str(Client(second.admin).ask("/readyz").body)))
    for path in held:
        assert second.get(path).body == body_of(path)
    assert all(len(app.asked_for(path)) == 1 for path in held)


def test_ranges_and_validators_work_from_ssd(edge, app, tmp_path):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    path = fill(served_edge, app)[0]
    part = served_edge.get(path, [("Range", "bytes=100-199")])
    assert (part.status, part.body) == (206, body_of(path)[100:200])
    assert served_edge.get(path, [("If-None-Match", f'"{path}"')]).status == 304
    assert len(app.asked_for(path)) == 1


def test_stale_from_ssd_is_validated_and_fresh_again(edge, app, tmp_path):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    path = fill(served_edge, app, fields=(("Cache-Control", "max-age=10"), ("Age", "20")))[0]
    app.say(path, Say(304, [("Cache-Control", "max-age=3600"), ("ETag", f'"{path}"')]))
    for _ in range(2):
        reply = served_edge.get(path)
        assert (reply.status, reply.body) == (200, body_of(path))
    assert len(app.asked_for(path)) == 2
    assert app.asked_for(path)[1]["If-None-Match"] == f'"{path}"'


def test_variants_come_back_from_ssd(edge, app, tmp_path):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    fields = [("Cache-Control", "max-age=3600"), ("Vary", "Accept-Language")]
    for language in ("en", "de"):
        app.say("/page", Say(200, fields, body_of(language)))
        assert served_edge.get("/page", [("Accept-Language", f"{language}")]).body == body_of(language)
    fill(served_edge, app)
    for language in ("en", "de"):
        reply = served_edge.get("/page", [("Accept-Language", f"{language}")])
        assert reply.body == body_of(language) and reply.hit, reply["Cache-Status"]
    assert len(app.asked_for("/page")) == 2


@pytest.mark.parametrize("restart", [False, True])
def test_what_was_invalidated_does_not_come_back_from_ssd(edge, app, tmp_path, restart):
    served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    path = fill(served_edge, app)[0]
    assert "ssd" in served_edge.get(path)["Cache-Status"]
    app.say(path, Say(204, []), Say(200, [("Cache-Control", "max-age=60")], "new"))
    assert served_edge.get(path, method="PUT", body=b"new").status == 204
    if restart:
        os.kill(served_edge.process.pid, signal.SIGTERM)
        served_edge.process.wait()
        served_edge = edge(app, top=ssd(tmp_path / "ssd"))
    assert served_edge.get(path).body == b"new"


def test_a_disk_that_is_taken_leaves_the_edge_serving(edge, app, tmp_path):
    first = edge(app, top=ssd(tmp_path / "ssd"))
    second = edge(app, top=ssd(tmp_path / "ssd"))
    second.process.wait_for_error("cache.ssd is off: .*meridian.cache")
    app.say("/", Say(200, [("Cache-Control", "max-age=60")], "served"))
    assert second.get("/").body == b"served"
    with Client(second.admin) as admin:
        tiers = {tier["tier"]: tier for tier in json.loads(admin.ask("/readyz").body)["tiers"]}
    assert tiers["ssd"]["state"].startswith("off: "), tiers
    assert second.metric("meridian_edge_ssd_state", state="off") == 1
    os.kill(first.process.pid, signal.SIGTERM)
    first.process.wait()
    until(lambda: second.metric("meridian_edge_ssd_state", state="ok") == 1)


def test_what_is_removed_before_the_ssd_is_there_does_not_come_back(edge, app, tmp_path):
    def stop(served_edge):
        os.kill(served_edge.process.pid, signal.SIGTERM)
        served_edge.process.wait()

    first = edge(app, top=ssd(tmp_path / "ssd"))
    paths = fill(first, app)
    on_disk(first)
    removed, replaced, kept = [path for path in paths if "ssd" in first.get(path)["Cache-Status"]][:3]
    stop(first)
    with open(tmp_path / "ssd" / "meridian.cache", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = edge(app, top=ssd(tmp_path / "ssd"), settled=False)
        with Client(second.admin) as admin:
            ready = json.loads(admin.ask("/readyz").body)
        assert ready["status"] == "ready"
        second.process.wait_for_error("cache.ssd is off: .*meridian.cache")
        app.say(replaced, Say(200, [("Cache-Control", "max-age=3600")], "newer"))
        assert second.get(replaced).body == b"newer"
        app.say(removed, Say(204, []), Say(200, [("Cache-Control", "max-age=3600")], "new"))
        assert second.get(removed, method="PUT", body=b"new").status == 204
    until(lambda: second.metric("meridian_edge_ssd_state", state="ok") == 1)
    second.process.wait_for_error("cache.ssd is ok")
    assert "ssd" in second.get(kept)["Cache-Status"] and second.get(kept).body == body_of(kept)
    stop(second)
    third = edge(app, top=ssd(tmp_path / "ssd"))
    assert third.get(kept).hit and third.get(kept).body == body_of(kept)
    assert third.get(removed).body == b"new" and third.get(replaced).body == b"newer"


LARGE = 1_000_000


def large_on_ssd(edge, app, tmp_path, path="/large"):
    """An edge that has a body of four chunks on SSD, and not in memory."""
    served_edge = edge(app, top=ssd(tmp_path / "ssd").replace("ram: 1MiB", "ram: 16MiB"))
    app.say(path, Say(200, [("Cache-Control", "max-age=3600"), ("ETag", '"l"')], body_of(path, LARGE)))
    assert served_edge.get(path).body == body_of(path, LARGE)
    for i in range(20):
        app.say(f"/other-{i}", Say(200, [("Cache-Control", "max-age=3600")], body_of(f"/other-{i}", LARGE)))
        served_edge.get(f"/other-{i}")
    return served_edge


def test_large_bodies_are_streamed_from_ssd_and_promoted_when_hot(edge, app, tmp_path):
    served_edge = large_on_ssd(edge, app, tmp_path)
    reply = served_edge.get("/large")
    assert reply.body == body_of("/large", LARGE) and "detail=ssd" in reply["Cache-Status"]
    until(lambda: "ssd" not in served_edge.get("/large")["Cache-Status"])
    assert served_edge.get("/large").body == body_of("/large", LARGE)
    assert len(app.asked_for("/large")) == 1


def test_a_range_of_a_large_body_reads_only_its_chunks(edge, app, tmp_path):
    served_edge = large_on_ssd(edge, app, tmp_path)
    body, before = body_of("/large", LARGE), served_edge.metric("meridian_edge_ssd_bytes_total", direction="read")
    for first, last in ((0, 0), (500_000, 500_999), (262_140, 262_150), (LARGE - 5, LARGE - 1)):
        reply = served_edge.get("/large", [("Range", f"bytes={first}-{last}")])
        assert (reply.status, reply.body) == (206, body[first : last + 1]), (first, last)
    many = served_edge.get("/large", [("Range", "bytes=900000-900009,5-9")])
    assert many.status == 206 and body[900_000:900_010] in many.body and body[5:10] in many.body
    assert len(app.asked_for("/large")) == 1
    assert served_edge.metric("meridian_edge_ssd_bytes_total", direction="read") - before < 5 * LARGE


def test_a_large_stale_body_is_confirmed_without_being_sent_again(edge, app, tmp_path):
    served_edge = large_on_ssd(edge, app, tmp_path)
    app.say("/large", Say(304, [("Cache-Control", "max-age=3600"), ("ETag", '"l"'), ("X-New", "yes")]))
    reply = served_edge.get("/large", [("Cache-Control", "no-cache")])
    assert reply.status == 200 and reply.body == body_of("/large", LARGE) and reply["X-New"] == "yes"
    assert served_edge.get("/large").body == body_of("/large", LARGE)
    assert len(app.asked_for("/large")) == 2


def test_a_large_body_survives_kill_and_does_not_survive_invalidation(edge, app, tmp_path):
    served_edge = large_on_ssd(edge, app, tmp_path)
    on_disk(served_edge)
    os.kill(served_edge.process.pid, signal.SIGKILL)
    served_edge.process.wait()
    again = edge(app, top=ssd(tmp_path / "ssd"))
    assert again.get("/large").body == body_of("/large", LARGE)
    assert len(app.asked_for("/large")) == 1
    app.say("/large", Say(204, []), Say(200, [("Cache-Control", "max-age=60")], "new"))
    again.get("/large", method="PUT", body=b"new")
    assert again.get("/large").body == b"new"


def test_a_busy_disk_makes_large_bodies_late_and_cuts_nobody(edge, app, tmp_path):
    """One read at a time and many askers: each waits for its turn."""
    folder = tmp_path / "ssd"
    top = ssd(folder, ", reads: 1, read_buffer: 4MiB").replace("ram: 1MiB", "ram: 1MiB, max_object_share: 0.01")
    served_edge = edge(app, top=top)
    app.say("/large", Say(200, [("Cache-Control", "max-age=3600")], body_of("/large", 4 * LARGE)))
    assert served_edge.get("/large").body == body_of("/large", 4 * LARGE)
    on_disk(served_edge)
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda _: served_edge.get("/large"), range(48)))
    assert all(reply.body == body_of("/large", 4 * LARGE) for reply in replies)
    assert served_edge.metric("meridian_edge_ssd_events_total", event="queued-read") > 0
    assert len(app.asked_for("/large")) == 1


HUGE = 20_000_000


@pytest.mark.parametrize("length", ["auto", None])
def test_what_is_too_large_for_memory_goes_straight_to_ssd(edge, app, tmp_path, length):
    served_edge = edge(app, top=ssd(tmp_path / "ssd", ", max_object_share: 0.5"))
    body = body_of("/huge", HUGE)
    app.say("/huge", Say(200, [("Cache-Control", "max-age=3600")], body, length=length))
    assert served_edge.get("/huge").body == body
    reply = served_edge.get("/huge")
    assert reply.body == body and reply.hit and "detail=ssd" in reply["Cache-Status"]
    part = served_edge.get("/huge", [("Range", "bytes=19000000-19000009")])
    assert (part.status, part.body) == (206, body[19_000_000:19_000_010])
    assert len(app.asked_for("/huge")) == 1


def test_a_slow_reader_of_a_large_fill_holds_up_nobody(edge, app, tmp_path):
    """One client takes nothing, one comes when half is over; the fetch goes on, and all get every byte."""
    served_edge = edge(app, top=ssd(tmp_path / "ssd", ", max_object_share: 0.5"))
    body, half, go_on = body_of("/huge", HUGE), HUGE // 2, threading.Event()

    def in_two_halves(connection, _asked):
        head = f"HTTP/1.1 200 OK\r\nCache-Control: max-age=3600\r\nContent-Length: {HUGE}\r\n\r\n"
        connection.sendall(head.encode() + body[:half])
        assert go_on.wait(PATIENCE_S)
        connection.sendall(body[half:])
        return True

    app.say("/huge", in_two_halves)
    with socket.create_connection(served_edge.address) as slow:
        slow.sendall(b"GET /huge HTTP/1.1\r\nHost: a.test\r\n\r\n")
        app.wait_asked("/huge")
        until(lambda: served_edge.metric("meridian_edge_origin_received_bytes_total") >= half)
        with ThreadPoolExecutor(2) as pool:
            late = [pool.submit(served_edge.get, "/huge", host="a.test") for _ in range(2)]
            until(lambda: served_edge.metric("meridian_edge_followers") == 2)
            go_on.set()
            assert all(one.result().body == body for one in late)
        got = bytearray()
        while len(got) < HUGE or b"\r\n\r\n" not in got[:2000] or len(got) < got.index(b"\r\n\r\n") + 4 + HUGE:
            piece = slow.recv(1 << 20)
            assert piece, "the slow reader was cut"
            got += piece
    assert bytes(got[got.index(b"\r\n\r\n") + 4:]) == body
    assert len(app.asked_for("/huge")) == 1


def shared(port, more=""):
    return f'cache: {{ memcached: {{ servers: ["127.0.0.1:{port}"], get_budget: 2s, timeout: 3s{more} }} }}'


def make_hot(served_edge, path):
    """Hits it until it has gone to memcached."""
    served_edge.get(path)
    served_edge.get(path)
    until(lambda: served_edge.metric("meridian_edge_memcached_writes_total", result="stored") >= 1)


def test_edges_of_a_region_share_what_is_hot(edge, app, memcached):
    port = memcached().port
    one, two = edge(app, top=shared(port)), edge(app, top=shared(port))
    app.say("/hot", Say(200, [("Cache-Control", "max-age=3600")], "shared"))
    one.get("/hot")
    make_hot(one, "/hot")
    reply = two.get("/hot")
    assert reply.body == b"shared" and "detail=memcached" in reply["Cache-Status"]
    assert "memcached" not in two.get("/hot")["Cache-Status"], "it is in memory now"
    assert len(app.asked_for("/hot")) == 1
    assert served(two, "memcached") == 1


def test_what_was_validated_is_fresh_in_memcached_too(edge, app, memcached):
    port = memcached().port
    one, two = edge(app, top=shared(port)), edge(app, top=shared(port))
    app.say("/hot", Say(200, [("Cache-Control", "max-age=3600"), ("ETag", '"1"')], "shared"),
            Say(304, [("Cache-Control", "max-age=3600"), ("ETag", '"1"'), ("X-New", "yes")]))
    one.get("/hot")
    make_hot(one, "/hot")
    assert one.get("/hot", [("Cache-Control", "no-cache")])["X-New"] == "yes"
    until(lambda: one.metric("meridian_edge_memcached_writes_total", result="stored") == 2)
    reply = two.get("/hot")
    assert (reply.body, reply["X-New"]) == (b"shared", "yes") and "detail=memcached" in reply["Cache-Status"]
    assert len(app.asked_for("/hot")) == 2


def test_what_was_replaced_is_not_left_in_memcached(edge, app, memcached):
    port = memcached().port
    one, two = edge(app, top=shared(port)), edge(app, top=shared(port))
    app.say("/hot", Say(200, [("Cache-Control", "max-age=3600"), ("ETag", '"1"')], "old"),
            Say(200, [("Cache-Control", "max-age=3600"), ("ETag", '"2"')], "new"))
    one.get("/hot")
    make_hot(one, "/hot")
    assert one.get("/hot", [("Cache-Control", "no-cache")]).body == b"new"
    until(lambda: one.metric("meridian_edge_memcached_removals_total", result="done") >= 1)
    assert two.get("/hot").body == b"new"


def test_what_was_invalidated_here_is_not_taken_from_memcached(edge, app, memcached):
    """Another edge may write an old copy back after the removal."""
    server = memcached()
    one = edge(app, top=shared(server.port))
    app.say("/hot", Say(200, [("Cache-Control", "max-age=3600")], "old"))
    one.get("/hot")
    make_hot(one, "/hot")
    (key,) = server.keys()
    value = server.value(key)
    app.say("/hot", Say(204, []), Say(200, [("Cache-Control", "max-age=3600")], "new"))
    assert one.get("/hot", method="POST", body=b"x").status == 204
    until(lambda: server.value(key) is None)
    written = server.told(b"set %s 0 0 %d\r\n%s\r\n" % (key, len(value), value), b"\r\n")
    assert written == b"STORED\r\n"
    assert one.get("/hot").body == b"new"
    assert one.metric("meridian_edge_memcached_gets_total", result="hit") == 1, "the old copy was there, and was judged"


def test_without_its_servers_the_edge_serves_as_ever(edge, app, memcached):
    server = memcached()
    one = edge(app, top=shared(server.port))
    app.say("/a", Say(200, [("Cache-Control", "max-age=3600")], "a"))
    app.say("/b", Say(200, [("Cache-Control", "max-age=3600")], "b"))
    one.get("/a")
    server.kill()
    assert [one.get(path).body for path in ("/a", "/b", "/a", "/b")] == [b"a", b"b", b"a", b"b"]
    assert len(app.asked_for("/b")) == 1
    server.start()
    app.say("/c", Say(200, [("Cache-Control", "max-age=3600")], "c"))
    assert one.get("/c").body == b"c"
