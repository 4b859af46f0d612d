"""A region's memcached that is killed, frozen, or lies, while clients ask: not one wrong byte, and every answer comes."""

import random
import threading

import pytest

from conftest import PATIENCE_S
from edge_client import Askers
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from memcached_server import Liar, memcached, reply  # noqa: F401  (fixture)
from scripted_origin import Say

# Memory holds a quarter of these bodies: the rest is asked of memcached each time.
COUNT, SIZE = 120, 30_000
PATHS = [f"/object-{i}" for i in range(COUNT)]


def body_of(path):
    return random.Random(path).randbytes(SIZE)


BODIES = {path: body_of(path) for path in PATHS}


class Load(Askers):
    """Clients that ask at random and check every byte, until it is left."""

    def __init__(self, served_edge, clients=4):
        super().__init__(self._ask_one, clients)
        self.edge, self.served = served_edge, 0
        self._dice = [random.Random(number) for number in range(clients)]
        self._changed = threading.Condition()

    def _ask_one(self, number):
        path = self._dice[number].choice(PATHS)
        got = self.edge.get(path)
        with self._changed:
            self.served += 1
            self._changed.notify_all()
        if (got.status, got.whole, got.body) != (200, True, BODIES[path]):
            return path, got.status, got.whole, len(got.body), got["Cache-Status"]
        return None

    def serves(self, more):
        """Waits until so many more answers have come."""
        with self._changed:
            goal = self.served + more
            assert self._changed.wait_for(lambda: self.served >= goal, timeout=PATIENCE_S), "nobody is served any more"

    def serves_until(self, condition):
        while not condition():
            self.serves(50)


@pytest.fixture
def shared_edge(edge, app):
    """shared_edge(port) -> an edge that writes all it stores to the memcached at that port, and forgets most of it."""

    def start(port):
        for path in PATHS:
            app.say(path, Say(200, [("Cache-Control", "max-age=3600")], BODIES[path]))
        options = "after_hits: 0, get_budget: 20ms, timeout: 50ms, breaker_open: 20ms"
        return edge(app, top=f'cache: {{ ram: 1MiB, memcached: {{ servers: ["127.0.0.1:{port}"], {options} }} }}')

    return start


def gets(served_edge, result):
    return served_edge.metric("meridian_edge_memcached_gets_total", result=result)


def test_killed_and_started_again_and_again(shared_edge, memcached):
    server = memcached()
    one = shared_edge(server.port)
    with Load(one) as load:
        for _ in range(10):
            hits = gets(one, "hit")
            load.serves_until(lambda: gets(one, "hit") > hits)
            server.kill()
            load.serves(200)
            server.start()
    assert gets(one, "failed") > 0


def test_frozen_and_thawed(shared_edge, memcached):
    server = memcached()
    one = shared_edge(server.port)
    with Load(one) as load:
        for _ in range(3):
            hits = gets(one, "hit")
            load.serves_until(lambda: gets(one, "hit") > hits)
            late, refused = gets(one, "late"), gets(one, "refused")
            server.freeze()
            # Who asks waits for its budget, and from a few failures on nobody waits.
            load.serves_until(lambda: gets(one, "late") > late and gets(one, "refused") > refused)
            load.serves(200)
            server.thaw()
        hits = gets(one, "hit")
        load.serves_until(lambda: gets(one, "hit") > hits)


def flipped(value, dice):
    at = dice.randrange(len(value))
    return value[:at] + bytes([value[at] ^ (1 << dice.randrange(8))]) + value[at + 1:]


# What it answers instead of the truth: (key, its value, all values, dice) -> bytes.
LIES = {
    "noise as a value": lambda key, value, values, dice: reply(key, dice.randbytes(len(value))),
    "a flipped bit": lambda key, value, values, dice: reply(key, flipped(value, dice)),
    "another key's value": lambda key, value, values, dice: reply(key, dice.choice(list(values.values()))),
    "another key": lambda key, value, values, dice: reply(dice.choice(list(values)), value),
    "cut short": lambda key, value, values, dice: reply(key, value[: dice.randrange(len(value))]),
    "a huge length": lambda key, value, values, dice: b"VALUE %s 0 18446744073709551615\r\n%s\r\nEND\r\n" % (key, value),
    "a large length": lambda key, value, values, dice: b"VALUE %s 0 3000000000\r\n%s\r\nEND\r\n" % (key, value),
    "a length of less": lambda key, value, values, dice: b"VALUE %s 0 10\r\n%s\r\nEND\r\n" % (key, value),
    "two answers for one": lambda key, value, values, dice: reply(dice.choice(list(values)), value) + reply(key, value),
    "another protocol": lambda key, value, values, dice: b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong",
    "noise": lambda key, value, values, dice: dice.randbytes(500),
    "a line without an end": lambda key, value, values, dice: b"V" * 100_000,
    "nothing": lambda key, value, values, dice: None,
    "now this, now that": None,
}


@pytest.mark.parametrize("name", LIES)
def test_lies(shared_edge, name):
    dice, kinds = random.Random(name), [lie for lie in LIES.values() if lie]
    told = threading.Event()

    def answer(key, values):
        value = values.get(key)
        if value is None:
            return b"END\r\n"
        told.set()
        # The truth now and then, so that it is asked again.
        if dice.random() < 0.2:
            return reply(key, value)
        return (LIES[name] or dice.choice(kinds))(key, value, dict(values), dice)

    liar = Liar(answer)
    try:
        one = shared_edge(liar.port)
        with Load(one) as load:
            assert told.wait(PATIENCE_S)
            load.serves_until(lambda: gets(one, "rejected") + gets(one, "failed") + gets(one, "late") >= 5)
            load.serves(300)
        assert one.get(PATHS[0]).body == BODIES[PATHS[0]]
    finally:
        liar.close()
