"""A control plane of one node: tokens, purges, the log, the edges' stream, restarts."""

import json
import os
import re
import signal
import stat

import pytest
from control import control, etcd  # noqa: F401 - fixtures


def tag(name):
    return {"tag": name}


def test_the_first_start_makes_an_administrator(control):
    node = control()
    token = node.admin()
    mode = os.stat(node.data / "admin.token").st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(os.stat(node.data / "log.db").st_mode) == 0o600
    assert node.ask("GET", "/healthz")[:2] == (200, "ok\n")
    assert node.ask("GET", "/readyz")[:2] == (200, "ok\n")
    status, state, _ = node.ask("GET", "/v1/state", token=token)
    assert status == 200
    assert [(each["name"], each["role"]) for each in state["tokens"]] == [("first-admin", "admin")]
    assert state["leader"] == "control-1"
    # Its text is nowhere but in that file.
    said = "\n".join(node.process.stdout + node.process.stderr)
    assert token not in said and token[20:] not in json.dumps(state)
    assert token.encode() not in (node.data / "log.db").read_bytes() + (node.data / "log.db-wal").read_bytes()
    # A restart makes no other.
    node.process.stop()
    again = control()
    again.until_ready()
    status, state, _ = again.ask("GET", "/v1/state", token=token)
    assert status == 200 and len(state["tokens"]) == 1


@pytest.mark.parametrize("field", [None, "Bearer", "Bearer x", "Basic abc", "Bearer mer_" + "0" * 64])
def test_without_a_token_nothing_is_told(control, field):
    node = control()
    node.admin()
    for method, path in [("GET", "/v1/state"), ("GET", "/v1/log"), ("GET", "/v1/stream"), ("POST", "/v1/purges"),
                         ("GET", "/v1/tokens"), ("POST", "/v1/tokens"), ("DELETE", "/v1/tokens/x")]:
        status, body, fields = node.ask(method, path, headers={"Authorization": field} if field else {})
        assert status == 401 and body["status"] == 401 and body["type"] == "urn:meridian:problem:token"
        assert fields["Content-Type"] == "application/problem+json"
        assert fields["WWW-Authenticate"] == "Bearer"


def test_roles(control):
    node = control()
    admin = node.admin()

    def make(role, **more):
        status, made, _ = node.ask("POST", "/v1/tokens", {"name": f"a {role}", "role": role, **more}, admin)
        assert status == 201
        return made

    viewer, purger, limited = make("viewer"), make("purger"), make("purger", sites=["shop"])
    assert node.ask("GET", "/v1/state", token=viewer["token"])[0] == 200
    assert node.ask("POST", "/v1/purges", tag("a"), viewer["token"])[0] == 403
    assert node.ask("POST", "/v1/purges", tag("a"), purger["token"])[0] == 201
    assert node.ask("GET", "/v1/tokens", token=purger["token"])[0] == 403
    assert node.ask("POST", "/v1/purges", tag("a"), limited["token"])[0] == 403
    assert node.ask("POST", "/v1/purges", {"all": True}, limited["token"])[0] == 403
    assert node.ask("POST", "/v1/purges", {"tag": "a", "site": "shop"}, limited["token"])[0] == 201
    # Revoked, it opens nothing; the last administrator's stays.
    assert node.ask("DELETE", f"/v1/tokens/{purger['id']}", token=admin)[0] == 200
    assert node.ask("POST", "/v1/purges", tag("a"), purger["token"])[0] == 401
    first = admin[4:20]
    assert node.ask("DELETE", f"/v1/tokens/{first}", token=admin)[0] == 409
    other = make("admin")
    assert node.ask("DELETE", f"/v1/tokens/{first}", token=other["token"])[0] == 200
    assert node.ask("GET", "/v1/state", token=admin)[0] == 401
    # Who did what, and from where; and no secret.
    _, log, _ = node.ask("GET", "/v1/log?kind=purge", token=viewer["token"])
    assert [(each["author"], each["from"]) for each in log["entries"]] == [("a purger", "127.0.0.1")] * 2
    _, log, _ = node.ask("GET", "/v1/log", token=viewer["token"])
    assert "digest" not in json.dumps(log)
    assert [each["seq"] for each in log["entries"]] == list(range(1, log["next"] + 1))


def test_a_purge_is_kept_and_repeated_by_its_key(control):
    node = control()
    admin = node.admin()
    body = {"mode": "soft", "targets": [{"url": "HTTP://Example.test/a/../b"}, {"prefix": "http://example.test/img/"}]}
    key = {"Idempotency-Key": '"order-66"'}
    status, receipt, _ = node.ask("POST", "/v1/purges", body, admin, key)
    assert status == 201
    assert receipt == {"seq": receipt["seq"], "first_seq": receipt["seq"], "mode": "soft", "targets": 2, "repeated": False}
    node.process.signal(signal.SIGKILL)
    node.process.wait()
    node = control()
    node.until_ready()
    status, again, _ = node.ask("POST", "/v1/purges", body, admin, key)
    assert (status, again) == (200, {**receipt, "repeated": True})
    assert node.ask("POST", "/v1/purges", tag("other"), admin, key)[0] == 422
    _, log, _ = node.ask("GET", "/v1/log?kind=purge", token=admin)
    assert [each["payload"] for each in log["entries"]] == [
        {"mode": "soft", "targets": [{"url": "http://example.test/b"}, {"prefix": "http://example.test/img/"}]}]


def test_a_large_batch_becomes_entries_that_an_edge_can_keep(control):
    node = control()
    admin = node.admin()
    targets = [{"url": f"http://example.test/{i}/" + "x" * (i % 200)} for i in range(10_000)]
    status, receipt, _ = node.ask("POST", "/v1/purges", {"targets": targets}, admin, {"Idempotency-Key": "large"})
    assert status == 201 and receipt["targets"] == 10_000
    found, after = [], receipt["first_seq"] - 1
    while True:
        _, page, _ = node.ask("GET", f"/v1/log?after={after}&kind=purge", token=admin)
        for entry in page["entries"]:
            assert len(json.dumps(entry["payload"])) < 64 * 1024
            found += entry["payload"]["targets"]
        after = page["next"]
        if not page["more"]:
            break
    assert found == targets
    assert after == receipt["seq"]
    status, again, _ = node.ask("POST", "/v1/purges", {"targets": targets}, admin, {"Idempotency-Key": "large"})
    assert (status, again) == (200, {**receipt, "repeated": True})
    status, problem, _ = node.ask("POST", "/v1/purges", {"targets": targets + [tag("x")]}, admin)
    assert status == 400 and "10000" in problem["detail"]


def test_an_edge_follows(control):
    node = control("control-1", config="heartbeat: 200ms\nstream_events: 5\n")
    admin = node.admin()
    stream = node.lines("/v1/stream", admin)
    snapshot = stream.next()
    assert snapshot["event"] == "snapshot" and snapshot["state"]["purges"] == {"floor": 0, "kept": []}
    seqs = [node.ask("POST", "/v1/purges", tag(f"t{i}"), admin)[1]["seq"] for i in range(3)]
    deltas = [stream.next("delta") for _ in range(3)]
    assert [each["seq"] for each in deltas] == seqs
    assert [each["prev"] for each in deltas] == [snapshot["seq"], *seqs[:2]]
    assert deltas[2]["payload"] == {"mode": "hard", "targets": [tag("t2")]}
    beat = stream.next("heartbeat")
    assert (beat["seq"], beat["chain"]) == (seqs[2], deltas[2]["chain"])
    stream.close()
    # Where it was, it goes on.
    resumed = node.lines(f"/v1/stream?after={seqs[0]}&chain={deltas[0]['chain']}", admin)
    assert [resumed.next()["seq"] for _ in range(2)] == seqs[1:]
    resumed.close()
    # Another history, and what is not kept any more: a snapshot.
    other = node.lines(f"/v1/stream?after={seqs[0]}&chain={'0' * 16}", admin)
    first = other.next()
    assert first["event"] == "snapshot" and [each["seq"] for each in first["state"]["purges"]["kept"]] == seqs
    other.close()
    for i in range(10):
        node.ask("POST", "/v1/purges", tag(f"u{i}"), admin)
    late = node.lines(f"/v1/stream?after={seqs[0]}&chain={deltas[0]['chain']}", admin)
    assert late.next()["event"] == "snapshot"
    late.close()
    # The same history from the log after a restart: the same chain.
    _, state, _ = node.ask("GET", "/v1/state", token=admin)
    node.process.stop()
    node = control("control-1", config="heartbeat: 200ms\n")
    node.until_ready()
    resumed = node.lines(f"/v1/stream?after={state['edge_seq']}&chain={state['chain']}", admin)
    assert resumed.next()["event"] == "heartbeat"
    resumed.close()


def test_a_slow_edge_gets_a_snapshot_and_holds_up_nobody(control):
    node = control("control-1", config="stream_events: 20\nstream_queue: 256KiB\n")
    admin = node.admin()
    slow, fast = node.lines("/v1/stream", admin), node.lines("/v1/stream", admin)
    position = {"slow": slow.next()["seq"], "fast": fast.next()["seq"]}
    # More than the sockets between them hold.
    for i in range(20):
        targets = [{"url": f"http://example.test/{i}/{j}/" + "x" * 100} for j in range(10_000)]
        receipt = node.ask("POST", "/v1/purges", {"targets": targets}, admin)[1]
        while position["fast"] < receipt["seq"]:
            line = fast.next()
            assert line["event"] != "delta" or line["prev"] == position["fast"]
            position["fast"] = line["seq"]
    events = []
    while position["slow"] < receipt["seq"]:
        line = slow.next()
        assert line["event"] != "delta" or line["prev"] == position["slow"], "a gap that no snapshot has filled"
        position["slow"] = line["seq"]
        events.append(line["event"])
    assert "snapshot" in events
    metrics = node.ask("GET", "/metrics")[1]
    lagged = re.search(r"^meridian_control_stream_lagged_total (\d+)", metrics, re.M)
    assert int(lagged[1]) >= 1


def test_the_log_is_followed_and_looked_back_on(control):
    node = control()
    admin = node.admin()
    before = node.ask("GET", "/v1/state", token=admin)[1]
    follower = node.lines("/v1/log?follow=true&kind=purge&after=0", admin)
    node.ask("POST", "/v1/purges", tag("a"), admin)
    node.ask("POST", "/v1/tokens", {"name": "v", "role": "viewer"}, admin)
    node.ask("POST", "/v1/purges", {"site": "shop"}, admin)
    assert [follower.next()["payload"]["targets"] for _ in range(2)] == [[tag("a")], [{"site": "shop"}]]
    follower.close()
    status, then, _ = node.ask("GET", f"/v1/state?at={before['seq']}", token=admin)
    assert (status, then) == (200, before)
    now = node.ask("GET", "/v1/state", token=admin)[1]
    assert len(now["tokens"]) == 2 and now["purges"]["kept"] == 2
    assert node.ask("GET", f"/v1/state?at={now['seq'] + 1}", token=admin)[0] == 404
    for broken in ["/v1/state?at=x", "/v1/log?after=-1", "/v1/log?limit=0", "/v1/log?follow=maybe", "/v1/stream?chain=00",
                   "/v1/stream?after=1&after=2"]:
        assert node.ask("GET", broken, token=admin)[0] == 400, broken


def test_what_is_not_there(control):
    node = control()
    node.admin()
    assert node.ask("GET", "/v2/state")[0] == 404
    status, problem, fields = node.ask("PUT", "/v1/purges", "x")
    assert status == 405 and fields["Allow"] == "POST" and problem["status"] == 405
    assert node.ask("HEAD", "/healthz")[:2] == (200, "")


def test_metrics(control):
    node = control()
    admin = node.admin()
    node.ask("POST", "/v1/purges", tag("a"), admin)
    text = node.ask("GET", "/metrics")[1]
    assert 'meridian_build_info{program="meridian-control",' in text
    assert "meridian_control_log_current 1" in text
    assert "meridian_control_purges_kept 1" in text
    assert 'meridian_control_answers_total{status="2xx"} 1' in text
    assert "meridian_bugs_total 0" in text


def test_two_of_one_folder(control, start):
    node = control()
    second = start("meridian-control", "--listen", "127.0.0.1:0", "--data", node.data)
    assert second.wait() == 1
    assert "another process has it open" in second.stderr[-1]


def test_a_broken_configuration_is_named(start, tmp_path):
    process = start("meridian-control", "--listen", "10.1.2.3:1", "--data", tmp_path)
    assert process.wait() == 2
    assert "loopback" in "\n".join(process.stderr)
