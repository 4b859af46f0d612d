"""Several edges as one cache: owners, shields, and what happens when one of them is gone, frozen or lies (docs/peers.md)."""

import asyncio
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import oracle
from conftest import PATIENCE_S
from edge_client import Client
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from fleet import fleet  # noqa: F401  (fixture)
from scripted_origin import Gate, Raw, Say

FRESH = [("Cache-Control", "max-age=3600"), ("ETag", '"one"')]
REQUESTS = "meridian_edge_peer_requests_total"


def say(app, path, fields=FRESH, size=5000, **options):
    body = oracle.body(path, size, **options)
    app.say(path, Say(200, fields, body))
    return body


def owner_of(edges, path):
    """The edge that all others of its region ask: the one that asks nobody."""
    for name in edges.edges:
        edges[name].get(path)
    asked = {name: served(edges[name]) for name in edges.edges}
    return max(asked, key=asked.get)


def served(edge):
    return edge.metric("meridian_edge_peer_served_total")


def caches(got):
    """The members of Cache-Status as (name, parameters)."""
    members = [member.strip() for member in got["Cache-Status"].split(",")]
    return [(member.split(";")[0], member) for member in members]


def test_a_miss_comes_from_the_owner_and_one_request_from_the_region(fleet, app):
    region = fleet([3])
    for i in range(12):
        path = f"/object-{i}"
        body = say(app, path)
        for edge in region.edges.values():
            got = edge.get(path)
            assert (got.status, got.body) == (200, body), got["Cache-Status"]
        assert len(app.asked_for(path)) == 1
    assert region.total(REQUESTS, outcome="answered", role="peer") == 24
    assert region.total(REQUESTS) == 24
    assert region.total("meridian_edge_served_total", tier="peer") == 24


def test_cache_status_names_each_cache_and_tier(fleet, app):
    region = fleet([2])
    body = say(app, "/page")
    owner = owner_of(region, "/page")
    other = next(name for name in region.edges if name != owner)
    say(app, "/page?")
    paths = [f"/other-{i}" for i in range(20)]
    for path in paths:
        say(app, path)
        got = region[other].get(path)
        names = [name for name, _ in caches(got)]
        if names == [other]:
            continue
        assert names == [owner, other], got["Cache-Status"]
        first, second = [text for _, text in caches(got)]
        assert "fwd=uri-miss" in first and "stored" in first and "detail" not in first
        assert "fwd=uri-miss" in second and "stored" in second and "detail=peer" in second
        again = region[other].get(path)
        assert caches(again)[-1][0] == other and "; hit" in caches(again)[-1][1]
        break
    else:
        pytest.fail("no key of the other edge")
    assert region[owner].get("/page").body == body


async def ask_all(addresses, path, count, expected):
    """`count` clients at once, spread over the addresses. Returns how many were served wrongly, and their errors."""
    wrong = []

    async def one(address):
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n".encode())
            data = await asyncio.wait_for(reader.read(-1), PATIENCE_S)
            writer.close()
        except (OSError, asyncio.TimeoutError) as error:
            wrong.append(repr(error))
            return
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or body != expected:
            wrong.append((head[:300], len(body)))

    await asyncio.gather(*(one(addresses[i % len(addresses)]) for i in range(count)))
    return wrong


def test_one_asker_at_the_origin_for_the_whole_fleet(fleet, app):
    world = fleet([3, 3, 3], shield="r2")
    body = oracle.body("/cold", 100_000)
    gate = Gate(b"", Say(200, FRESH, body))
    app.say("/cold", gate, Say(500, [], "asked twice"))
    addresses = list(world.addresses.values())
    opener = threading.Thread(target=lambda: (gate.wait_reached(), gate.open()))
    opener.start()
    wrong = asyncio.run(ask_all(addresses, "/cold", 1000, body))
    opener.join()
    assert not wrong, (len(wrong), wrong[:5])
    assert len(app.asked_for("/cold")) == 1
    assert world.total("meridian_edge_peer_requests_total", outcome="failed") == 0
    # And a second crowd asks nobody.
    assert not asyncio.run(ask_all(addresses, "/cold", 200, body))
    assert len(app.asked_for("/cold")) == 1
