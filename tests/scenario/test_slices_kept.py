"""Slices in memory and on the disk: films that are seeked in, many clients at once, restarts and damage (docs/tiers.md)."""

import collections
import fcntl
import os
import random
import re
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import oracle
from edge_fixtures import app, edge, scripted  # noqa: F401  (fixtures)
from origin_client import ask
from range_origin import FETCHES, MIB, PATH, SIZE, RangeOrigin, body_of, check, disk, film, known, settled, span  # noqa: F401
from scripted_origin import Say
from test_tiers import on_disk, until


# --- video: seeks in 200 MiB


def bytes_in(log, path):
    """What the origin says it has sent of the path."""
    sent = [re.search(r'"GET (\S+) HTTP/1.1" (\d+) (\d+)', line) for line in log.read_text().splitlines()]
    return [int(match[3]) for match in sent if match and match[1].startswith(path)]


def seeks(size, count, seed):
    """A player: it opens the film, seeks, and reads on for a while."""
    dice, at, ranges = random.Random(seed), 0, []
    for _ in range(count):
        if dice.random() < 0.4:
            at = dice.randrange(size - 2 * MIB)
        length = dice.randrange(20_000, 700_000)
        ranges.append((at, min(at + length, size) - 1))
        at = ranges[-1][1] + 1 if ranges[-1][1] + 1 < size else 0
    return ranges


@pytest.mark.parametrize("with_disk", [False, True], ids=["memory", "disk"])
def test_seeking_in_a_film_asks_for_each_slice_once(edge, origin, tmp_path, with_disk):
    size = 200 * MIB
    path = f"/_bytes/{size}?cache-control=max-age%3D3600"
    log = tmp_path / "origin.log"
    made = origin(config=f"access_log: {log}\n")
    top = disk(tmp_path / "ssd", ram="64MiB", size="1GiB") if with_disk else "cache: { ram: 64MiB }"
    served = edge(made, top=top)
    ranges = seeks(size, 60, seed=7)
    key = oracle.key(path.split("?")[0])
    opening = (0, 0)
    assert served.get(path, span(*opening)).status == 206
    for _ in range(2):  # the second viewer costs the origin nothing
        for first, last in ranges:
            got = served.get(path, span(first, last))
            assert got.status == 206 and got.body == oracle.fill(key, last - first + 1, first)
    needed = {at // MIB for first, last in ranges for at in (*range(first, last, MIB), last)}
    assert made.process.stop() == 0
    sent = bytes_in(log, "/_bytes")
    assert len(sent) == 1 + len(needed), (len(sent), len(needed))
    heads = 400 * len(sent)
    assert sum(sent) <= 1 + len(needed) * MIB + heads


def test_a_slow_client_holds_up_nothing_but_itself(edge, app):
    body = body_of("long", 48 * MIB)
    film = RangeOrigin(body)
    app.say(PATH, film)
    app.say("/other", Say(200, {"Cache-Control": "max-age=60"}, b"x"))
    served = known(edge(app, top="cache: { ram: 64MiB }"))
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        slow.connect(served.address)
        slow.sendall(f"GET {PATH} HTTP/1.1\r\nHost: www.example.test\r\nRange: bytes=0-\r\n\r\n".encode())
        assert slow.recv(1)
        until(lambda: served.metric(FETCHES, outcome="kept") >= 2)
        for _ in range(200):
            assert served.get("/other").body == b"x"
        # The kernel's buffers, what is queued, and one slice ahead.
        assert len(film.asked) < 16
        assert check(served, film, 40 * MIB, 40 * MIB + 9)


# --- many at once


@pytest.mark.parametrize("with_disk", [False, True], ids=["memory", "disk"])
def test_a_thousand_random_ranges_without_a_wrong_byte(edge, origin, tmp_path, with_disk):
    size, path = 24 * MIB + 777, f"/_bytes/{24 * MIB + 777}?cache-control=max-age%3D3600"
    made = origin()
    top = disk(tmp_path / "ssd", ram="2MiB") if with_disk else "cache: { ram: 12MiB }"
    served = edge(made, top=top, workers=2)
    bodies = {version: oracle.body(path.split("?")[0], size, version=version) for version in (1, 2)}
    counts, lock = collections.Counter(), threading.Lock()

    def version_of(etag):
        return tags[etag]

    tags = {}
    for version in (2, 1):
        assert ask(made.admin, "/version", "PUT", body=b'{"version": %d}' % version).status == 200
        tags[ask(made.address, path)["ETag"]] = version

    def client(seed):
        dice = random.Random(seed)
        with served.client() as connection:
            for number in range(125):
                first = dice.randrange(size)
                last = min(size - 1, first + dice.choice((0, 100, 10_000, 60_000, 1_500_000) if number % 25 == 0 else (9, 5000)))
                got = connection.ask(path, fields=span(first, last))
                assert got.status == 206, (got.status, got.body[:200])
                body = bodies[version_of(got["ETag"])]
                assert got.body == body[first:first + len(got.body)], (seed, first, last)
                with lock:
                    counts["whole" if got.whole else "cut"] += 1
                if not got.whole:
                    return client(seed + 1000)
                assert len(got.body) == last - first + 1
                if seed == 0 and number == 60:
                    assert ask(made.admin, "/version", "PUT", body=b'{"version": 2}').status == 200

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(client, seed) for seed in range(8)]:
            done.result()
    assert counts["whole"] >= 1000
    got = served.get(path, span(0, 99))
    assert got.body == bodies[version_of(got["ETag"])][:100]


# --- the disk


def test_slices_survive_a_kill(edge, app, film, tmp_path):
    first = known(edge(app, top=disk(tmp_path / "ssd")))
    for at in (0, 2 * MIB, 5 * MIB):
        check(first, film, at, at + 9)
    settled(first, 3)
    on_disk(first)
    os.kill(first.process.pid, signal.SIGKILL)
    first.process.wait()
    second = edge(app, top=disk(tmp_path / "ssd"))
    asked = len(film.asked)
    for at in (0, 2 * MIB, 5 * MIB):
        got = check(second, film, at, at + 9)
        assert got.hit and "detail=ssd" in got["Cache-Status"]
    assert len(film.asked) == asked
    check(second, film, MIB, MIB)
    assert film.ranges()[asked:] == [f"bytes={MIB}-{2 * MIB - 1}"]


def test_killed_in_the_middle(edge, origin, tmp_path):
    size, path = 40 * MIB, f"/_bytes/{40 * MIB}?cache-control=max-age%3D3600"
    made, key = origin(), oracle.key(f"/_bytes/{40 * MIB}")
    for generation in range(4):
        served = edge(made, top=disk(tmp_path / "ssd"), workers=2)
        killed = threading.Event()

        def client(seed):
            dice, good = random.Random(seed), 0
            while not killed.is_set():
                first = dice.randrange(size - 300_000)
                last = first + dice.randrange(300_000)
                try:
                    with served.client() as connection:
                        got = connection.ask(path, fields=span(first, last))
                except OSError:
                    return good
                if got is None:
                    return good
                assert got.status == 206
                assert got.body == oracle.fill(key, len(got.body), first), (generation, seed, first, last)
                good += got.whole
            return good

        with ThreadPoolExecutor(4) as pool:
            running = [pool.submit(client, generation * 10 + i) for i in range(4)]
            until(lambda: served.metric("meridian_edge_ssd_bytes_total", direction="put") > 3 * MIB)
            os.kill(served.process.pid, signal.SIGKILL)
            killed.set()
            assert sum(one.result() for one in running) > 0
        served.process.wait()


def test_a_damaged_slice_is_fetched_again(edge, app, film, tmp_path):
    first = known(edge(app, top=disk(tmp_path / "ssd")))
    check(first, film, 0, SIZE - 1)
    settled(first, 7)
    on_disk(first)
    assert first.process.stop() == 0
    file = tmp_path / "ssd" / "meridian.cache"
    needle = film.body[3 * MIB + 5000:3 * MIB + 5032]
    with file.open("r+b") as stored:
        at = stored.read().find(needle)
        assert at > 0
        stored.seek(at)
        stored.write(bytes([needle[0] ^ 1]))
    asked = len(film.asked)
    second = edge(app, top=disk(tmp_path / "ssd"))
    got = second.get(PATH)
    assert got.status == 200 and got.whole and got.body == film.body
    # The last slice is small enough for memory, and was lost with it.
    assert film.ranges()[asked:] == [f"bytes={3 * MIB}-{4 * MIB - 1}", f"bytes={6 * MIB}-{SIZE - 1}"]


def test_what_memory_evicts_goes_to_the_disk(edge, app, tmp_path):
    body = body_of("long", 30 * MIB)
    film = RangeOrigin(body)
    app.say(PATH, film)
    served = known(edge(app, top=disk(tmp_path / "ssd", ram="12MiB")))
    places = [at for at in range(0, 30 * MIB, MIB)]
    for at in places:
        check(served, film, at + 5, at + 9)
    settled(served, 30)
    asked = len(film.asked)
    assert asked == 31
    hits = [check(served, film, at + 5, at + 9)["Cache-Status"] for at in places]
    assert len(film.asked) == asked and all("; hit" in status for status in hits), hits
    assert served.metric("meridian_edge_ssd_bytes_total", direction="put") > 15 * MIB


def test_without_room_for_a_slice_nothing_is_sliced(edge, app, film):
    served = edge(app, top="cache: { ram: 4MiB }")
    for first in (0, MIB, MIB):
        check(served, film, first, first + 9)
    assert film.ranges() == ["bytes=0-9"] + ["bytes=1048576-1048585"] * (len(film.asked) - 1)


def test_what_the_disk_admits_are_slices_that_are_asked_for_again(edge, app, film, tmp_path):
    """The default admission: what is asked for once is sent and not written."""
    top = disk(tmp_path / "ssd").replace(", admission: all", "")
    served = known(edge(app, top=top))
    for outcome in ("not-kept", "kept"):
        check(served, film, MIB, MIB + 9)
        until(lambda: served.metric(FETCHES, outcome=outcome) == 1)
    assert check(served, film, MIB, MIB + 9).hit and len(film.asked) == 3


def test_a_disk_that_comes_later_is_used_then(edge, app, film, tmp_path):
    folder = tmp_path / "ssd"
    folder.mkdir()
    with open(folder / "meridian.cache", "w+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        served = edge(app, top=disk(folder, ram="64MiB"), settled=False)
        known(served)
        check(served, film, MIB, MIB + 9)
        settled(served, 1)
        assert check(served, film, MIB, MIB + 9).hit
    until(lambda: served.metric("meridian_edge_ssd_state", state="ok") == 1)
    until(lambda: served.metric("meridian_edge_ssd_bytes_total", direction="put") > 0 or
          not check(served, film, MIB, MIB + 9).hit)
    check(served, film, 2 * MIB, 2 * MIB)
    settled(served, 2)
    assert check(served, film, 2 * MIB, 2 * MIB).hit


def test_another_size_of_slices_after_a_reload(edge, app, film):
    served = known(edge(app, top="cache: { ram: 64MiB }"))
    check(served, film, 0, 3 * MIB - 1)
    settled(served, 3)
    text = served.config.read_text()
    served.config.write_text(text.rstrip("\n") + "\n    cache: { slice: 2MiB }\n")
    said = len(served.process.stderr)
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force", said)
    for first, last in [(0, MIB - 1), (MIB, 3 * MIB), (100, 5 * MIB), (0, SIZE - 1)]:
        check(served, film, first, last)
    assert f"bytes={2 * MIB}-{4 * MIB - 1}" in film.ranges()
