"""Slices between edges: the owner of a key slices it, behind the shield, and the origin is asked once for each (docs/peers.md)."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from fleet import fleet, key_of  # noqa: F401  (fixtures)
from range_origin import FETCHES, MIB, SIZE, RangeOrigin, body_of, check
from test_tiers import until


@pytest.mark.parametrize("shape, shield", [([3], ""), ([2, 2], "r2")], ids=["region", "shield"])
def test_all_edges_together_ask_for_each_slice_once(fleet, app, shape, shield):
    world = fleet(shape, shield=shield)
    path = key_of(world, app, "r1-e2", "r1-e1")
    film = RangeOrigin(body_of("film", SIZE), fields=[("Cache-Control", "max-age=3600"), ("Content-Type", "video/mp4")])
    app.say(path, film)
    askers = [name for name in world.edges if name.startswith("r1")]
    check(world[askers[0]], film, 0, 0, path)
    dice = random.Random(3)
    ranges = []
    for _ in range(60):
        first = dice.randrange(SIZE)
        ranges.append((first, min(SIZE - 1, first + dice.randrange(400_000))))
    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(check, world[dice.choice(askers)], film, *one, path) for one in ranges]:
            done.result()
    asked = film.ranges()
    needed = {i for first, last in ranges for i in range(first // MIB, last // MIB + 1)}
    whole = [f"bytes={i * MIB}-{min((i + 1) * MIB, SIZE) - 1}" for i in sorted(needed)]
    assert sorted(asked[1:]) == sorted(whole)
    owner_kept = world["r1-e2"].metric(FETCHES, outcome="kept")
    assert owner_kept == len(needed), (owner_kept, {n: e.metric(FETCHES) for n, e in world.edges.items()})


def test_a_change_is_seen_through_all_edges(fleet, app):
    world = fleet([2, 2], shield="r2")
    path = key_of(world, app, "r1-e2", "r1-e1")
    film = RangeOrigin(body_of("film", SIZE), fields=[("Cache-Control", "max-age=3600"), ("Content-Type", "video/mp4")])
    app.say(path, film)
    for edge in ("r1-e1", "r1-e2"):
        check(world[edge], film, 0, 9, path)
        check(world[edge], film, MIB, MIB + 9, path)
    until(lambda: world["r1-e2"].metric(FETCHES, outcome="kept") >= 1)
    film.become(body_of("second", SIZE), '"two"')
    got = world["r1-e1"].get(path, {"Range": f"bytes={3 * MIB}-{3 * MIB + 9}"})
    version = body_of("film", SIZE) if got["ETag"] == '"one"' else film.body
    assert got.status == 206 and got.body == version[3 * MIB:3 * MIB + 10]
