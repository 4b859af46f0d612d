"""Promise 1: no wrong byte. Many clients ask an edge for many generated resources while the origin truncates, resets, fails and
dawdles. Whatever comes back whole must be, byte for byte, what the oracle says; whatever is not whole must not look so."""

import collections
import concurrent.futures
import http.client
import os
import random

import oracle
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from origin_client import ask, set_faults

SIZES = [0, 1, 100, 4096, 70_000, 300_000]
LANGUAGES = ["en", "de", "fr"]


class Asker:
    """One client's walk through the resources, decided by its seed."""

    def __init__(self, address, seed):
        self.address, self.dice = address, random.Random(seed)
        self.outcomes = collections.Counter()

    def one(self):
        size, version = self.dice.choice(SIZES), self.dice.randrange(3)
        kind = self.dice.choice(["_bytes", "_chunked"])
        varying, headers, query = "", {}, f"version={version}&cache-control=max-age%3D{self.dice.choice([0, 1, 60])}"
        if self.dice.random() < 0.3:
            headers["Accept-Language"] = self.dice.choice(LANGUAGES)
            query += "&vary=accept-language"
            varying = f"\naccept-language:{headers['Accept-Language']}"
        first, last = 0, size - 1
        if kind == "_bytes" and size > 1 and self.dice.random() < 0.3:
            first = self.dice.randrange(size)
            last = self.dice.randrange(first, size)
            headers["Range"] = f"bytes={first}-{last}"
        path = f"/{kind}/{size}"
        try:
            reply = ask(self.address, f"{path}?{query}", headers=headers)
        except (http.client.HTTPException, ConnectionError):
            self.outcomes["broken"] += 1
            return
        self.outcomes[reply.status] += 1
        if reply.status not in (200, 206):
            assert reply.status in (502, 503, 504), (path, reply.status)
            return
        start, count = (first, last - first + 1) if reply.status == 206 else (0, size)
        expected = oracle_bytes(path, version, varying, size)[start : start + count]
        assert reply.body == expected, (path, query, headers, len(reply.body), reply["Cache-Status"])

    def walk(self, steps):
        for _ in range(steps):
            self.one()
        return self.outcomes


_bodies = {}


def oracle_bytes(path, version, varying, size):
    name = (path, version, varying)
    if name not in _bodies:
        _bodies[name] = oracle.body(path, size, version=version, varying=varying)
    return _bodies[name]


def test_what_comes_back_whole_is_right(origin, edge):
    seed = int(os.environ.get("MERIDIAN_TEST_SEED", random.randrange(1 << 32)))
    print("MERIDIAN_TEST_SEED =", seed)
    served = origin("--workers", "2", "--seed", str(seed % 1_000_000 + 1))
    # Breaker and ejection would keep the edge from asking at all, which is not what is looked at here.
    front = edge(served, workers=2, site="upstream: { breaker_failures: 10000, eject_error_rate: 1.0 }")
    set_faults(
        served,
        {"name": "truncated", "cut": "truncate", "after": 50, "probability": 0.1},
        {"name": "reset", "cut": "reset", "at": "body", "after": 4000, "probability": 0.1},
        {"name": "gone", "cut": "reset", "probability": 0.05},
        {"name": "failing", "status": 503, "probability": 0.1},
        {"name": "late", "delay": "1ms", "jitter": "20ms", "probability": 0.3},
        {"name": "pausing", "delay": "10ms", "at": "body", "after": 1000, "probability": 0.2},
    )
    askers = [Asker(front.address, seed + i) for i in range(8)]
    with concurrent.futures.ThreadPoolExecutor(len(askers)) as pool:
        outcomes = sum(pool.map(lambda asker: asker.walk(60), askers), collections.Counter())
    assert outcomes[200] > 100 and outcomes[206] > 10, outcomes
    # With the faults gone, everything is answered, and rightly.
    assert ask(served.admin, "/faults", "DELETE").status == 200
    calm = Asker(front.address, seed)
    assert set(calm.walk(100)) <= {200, 206}, calm.outcomes
