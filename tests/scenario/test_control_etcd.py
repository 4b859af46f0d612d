"""A control plane of three nodes on three real etcd servers, which are killed and stopped."""

import signal
import threading

from conftest import PATIENCE_S
from control import control, etcd  # noqa: F401 - fixtures


def config(cluster, servers=None):
    endpoints = ", ".join(f'"{cluster.clients[i]}"' for i in servers or range(len(cluster.clients)))
    return f"etcd: {{ endpoints: [{endpoints}], lease: 2s, timeout: 3s }}\ncommand_timeout: 6s\nheartbeat: 300ms\n"


def fleet(control, cluster):
    nodes = [control(f"node-{i}", config=config(cluster)) for i in range(3)]
    # One of them leads, and has the token.
    done = threading.Event()
    found = []

    def look(node):
        try:
            found.append(node.admin())
            done.set()
        except BaseException:  # pytest.fail of those that never lead
            pass

    for node in nodes:
        threading.Thread(target=look, args=(node,), daemon=True).start()
    assert done.wait(PATIENCE_S)
    for node in nodes:
        node.until_ready()
    return nodes, found[0]


def purge(node, token, name, key=None):
    return node.ask("POST", "/v1/purges", {"tag": name}, token, {"Idempotency-Key": key} if key else {})


def test_any_node_takes_commands_and_all_say_the_same(control, etcd):
    cluster = etcd(3)
    nodes, admin = fleet(control, cluster)
    stream = nodes[2].lines("/v1/stream", admin)
    assert stream.next()["event"] == "snapshot"
    seqs = []
    for i in range(9):
        status, receipt, _ = purge(nodes[i % 3], admin, f"t{i}")
        assert status == 201
        seqs.append(receipt["seq"])
    assert seqs == sorted(seqs) and len(set(seqs)) == 9
    deltas = [stream.next("delta") for _ in range(9)]
    assert [each["payload"]["targets"][0]["tag"] for each in deltas] == [f"t{i}" for i in range(9)]
    # Where an edge was with one node it goes on with another.
    other = nodes[0].lines(f"/v1/stream?after={deltas[3]['seq']}&chain={deltas[3]['chain']}", admin)
    assert [other.next("delta")["seq"] for _ in range(5)] == seqs[4:]
    # A key is one key everywhere.
    first = purge(nodes[0], admin, "once", "k")[1]
    assert purge(nodes[1], admin, "once", "k")[:2] == (200, {**first, "repeated": True})


def test_nodes_and_servers_die_and_nothing_acknowledged_is_lost(control, etcd):
    cluster = etcd(3)
    nodes, admin = fleet(control, cluster)
    stream = nodes[2].lines("/v1/stream", admin)
    acknowledged = {}
    stop = threading.Event()
    half = threading.Event()

    def write(number, node):
        count = 0
        while not stop.is_set() and number in alive:
            name = f"w{number}-{count}"
            try:
                status, receipt, _ = purge(node, admin, name, name)
            except OSError:
                continue
            assert status in (200, 201, 503), status
            if status != 503:
                acknowledged[name] = receipt["seq"]
                count += 1
            if len(acknowledged) > 60:
                half.set()

    alive = {0, 1, 2}
    writers = [threading.Thread(target=write, args=each) for each in enumerate(nodes)]
    for writer in writers:
        writer.start()

    def more(count):
        goal = len(acknowledged) + count
        waiting = threading.Event()
        for _ in range(PATIENCE_S * 20):
            if len(acknowledged) >= goal:
                return
            waiting.wait(0.05)
        raise AssertionError(f"only {len(acknowledged)} of {goal} were acknowledged")

    more(30)
    cluster.kill(0)
    more(30)
    cluster.start(0)
    more(10)
    cluster.signal(1, signal.SIGSTOP)
    more(30)
    cluster.signal(1, signal.SIGCONT)
    alive.discard(0)
    nodes[0].process.signal(signal.SIGKILL)
    nodes[0].process.wait()
    more(30)
    stop.set()
    for writer in writers:
        writer.join(timeout=PATIENCE_S)
    last = purge(nodes[1], admin, "last", "last")[1]["seq"]
    # The log of the other node: every acknowledged purge once, at the seq that its receipt said.
    entries, after = [], 0
    while after < last:
        status, page, _ = nodes[2].ask("GET", f"/v1/log?after={after}&limit=1000", token=admin)
        assert status == 200
        entries += page["entries"]
        after = page["next"]
    assert [each["seq"] for each in entries] == list(range(1, last + 1))
    epochs = [each["epoch"] for each in entries]
    assert epochs == sorted(epochs)
    logged = {}
    for each in entries:
        if each["kind"] == "purge":
            name = each["payload"]["targets"][0]["tag"]
            assert name not in logged, f"{name} was appended twice"
            logged[name] = each["seq"]
    for name, seq in acknowledged.items():
        assert logged.get(name) == seq
    # And so did the edge, in order, through all of it.
    assert stream.next()["event"] == "snapshot"
    seen = []
    while not seen or seen[-1]["seq"] < last:
        seen.append(stream.next("delta"))
    assert [each["seq"] for each in seen] == sorted(logged.values())
    assert all(seen[i]["prev"] == seen[i - 1]["seq"] for i in range(1, len(seen)))


def test_without_a_quorum_reads_and_streams_go_on_and_the_rest_is_said(control, etcd):
    cluster = etcd(3)
    nodes, admin = fleet(control, cluster)
    status, before, _ = purge(nodes[0], admin, "before")
    assert status == 201
    stream = nodes[1].lines("/v1/stream", admin)
    while stream.next()["seq"] < before["seq"]:
        pass
    for i in (0, 1):
        cluster.signal(i, signal.SIGSTOP)
    status, problem, fields = purge(nodes[1], admin, "lost?", "lost?")
    assert status == 503 and problem["type"] == "urn:meridian:problem:store-unavailable"
    assert fields["Retry-After"] == "1"
    assert nodes[1].ask("GET", "/readyz")[0] == 503
    assert nodes[1].ask("GET", "/healthz")[0] == 200
    assert nodes[1].ask("GET", "/v1/state", token=admin)[1]["purges"]["kept"] == 1
    assert stream.next("heartbeat")["seq"] == before["seq"]
    for i in (0, 1):
        cluster.signal(i, signal.SIGCONT)
    # Asked again with its key it is there once, whether it was the first time or not.
    for _ in range(20):
        status, receipt, _ = purge(nodes[1], admin, "lost?", "lost?")
        if status != 503:
            break
    assert status in (200, 201)
    assert stream.next("delta")["seq"] == receipt["seq"]
    _, log, _ = nodes[2].ask("GET", "/v1/log?kind=purge", token=admin)
    assert [each["payload"]["targets"][0]["tag"] for each in log["entries"]] == ["before", "lost?"]
