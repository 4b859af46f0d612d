"""The command line tool against a real control plane."""

import json
import os
import stat
import subprocess

import pytest
from conftest import PATIENCE_S, binary
from control import control, etcd  # noqa: F401 - fixtures


@pytest.fixture
def meridian(tmp_path):
    """meridian(*arguments) -> the finished process; the login is the test's own."""
    environment = {**os.environ, "MERIDIAN_LOGIN": str(tmp_path / "login" / "login.json")}

    def run(*arguments, **options):
        return subprocess.run([binary("meridian"), *map(str, arguments)], env=environment, capture_output=True, text=True,
                              timeout=PATIENCE_S, **options)

    run.environment = environment
    return run


def log_in(meridian, node):
    node.admin()
    done = meridian("login", "--server", "http://%s:%d" % node.address, "--token-file", node.data / "admin.token")
    assert done.returncode == 0, done.stderr


def test_login_purge_log_state(control, meridian, tmp_path):
    node = control()
    early = meridian("state")
    assert early.returncode == 1 and "meridian login" in early.stderr
    log_in(meridian, node)
    assert stat.S_IMODE(os.stat(meridian.environment["MERIDIAN_LOGIN"]).st_mode) == 0o600
    purged = meridian("purge", "--tag", "product-42", "--url", "HTTP://Example.test")
    assert purged.returncode == 0 and purged.stdout == "purge 3 is in the log: 2 targets\n", purged
    once = [meridian("--output", "json", "purge", "--site", "shop", "--key", "k") for _ in range(2)]
    assert [json.loads(each.stdout)["repeated"] for each in once] == [False, True]
    log = meridian("log", "--kind", "purge")
    assert "first-admin from 127.0.0.1 at control-1" in log.stdout and '"tag":"product-42"' in log.stdout
    entries = [json.loads(line) for line in meridian("log", "--output", "json").stdout.splitlines()]
    assert [each["seq"] for each in entries] == [1, 2, 3, 4]
    assert "purges kept" in meridian("state").stdout
    assert json.loads(meridian("--output", "json", "state", "--at", "2").stdout)["purges"]["kept"] == 0
    refused = meridian("purge", "--url", "nonsense")
    assert refused.returncode == 1 and "targets[0].url" in refused.stderr
    assert meridian("state", "--at", "99").returncode == 1


def test_following(control, meridian):
    node = control()
    log_in(meridian, node)
    child = subprocess.Popen([binary("meridian"), "log", "--follow", "--after", "0", "--output", "json"],
                             env=meridian.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert [json.loads(child.stdout.readline())["kind"] for _ in range(2)] == ["leader", "token"]
        meridian("purge", "--all")
        assert json.loads(child.stdout.readline())["payload"]["targets"] == [{"all": True}]
    finally:
        child.kill()
        child.wait()


def test_tokens(control, meridian, tmp_path):
    node = control()
    log_in(meridian, node)
    made = meridian("token", "make", "--name", "ci", "--role", "purger", "--site", "shop")
    assert made.returncode == 0 and made.stdout.startswith("mer_")
    listed = meridian("token", "list").stdout
    assert "ci" in listed and made.stdout.strip()[20:] not in listed
    # By standard input, never as an argument.
    other = {**meridian.environment, "MERIDIAN_LOGIN": str(tmp_path / "other.json")}
    server = "http://%s:%d" % node.address
    done = subprocess.run([binary("meridian"), "login", "--server", server, "--token-file", "-"], input=made.stdout,
                          env=other, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 0, done.stderr
    refused = subprocess.run([binary("meridian"), "purge", "--all"], env=other, capture_output=True, text=True,
                             timeout=PATIENCE_S)
    assert refused.returncode == 1 and "some sites only" in refused.stderr
    assert meridian("token", "revoke", made.stdout[4:20]).returncode == 0
    again = subprocess.run([binary("meridian"), "state"], env=other, capture_output=True, text=True, timeout=PATIENCE_S)
    assert again.returncode == 1 and "token" in again.stderr


def test_a_server_that_is_not_there(control, meridian):
    node = control()
    log_in(meridian, node)
    node.process.stop()
    gone = meridian("purge", "--tag", "a")
    assert gone.returncode == 3 and gone.stderr


def test_a_log_moves_to_etcd_and_back(control, etcd, meridian, tmp_path):
    node = control("node-1", config="log_window: 100\n")
    log_in(meridian, node)
    admin = (node.data / "admin.token").read_text().strip()
    receipts = [node.ask("POST", "/v1/purges", {"tag": f"t{i}"}, admin, {"Idempotency-Key": f"k{i}"})[1] for i in range(350)]
    before = node.ask("GET", "/v1/state", token=admin)[1]
    assert node.ask("GET", "/v1/log", token=admin)[0] == 404, "the log has been compacted"
    database = node.data / "log.db"
    busy = meridian("store", "migrate", "--from", f"sqlite:{database}", "--to", f"sqlite:{tmp_path}/other.db")
    assert busy.returncode == 3 and "another process has it open" in busy.stderr
    node.process.stop()
    cluster = etcd(1)
    place = "etcd:" + ",".join(cluster.clients) + "/moved/"
    # Until etcd is up; asking again is harmless, as nothing is written before all can be read.
    for _ in range(20):
        moved = meridian("store", "migrate", "--from", f"sqlite:{database}", "--to", place)
        if moved.returncode != 3:
            break
    assert moved.returncode == 0, moved.stderr
    twice = meridian("store", "migrate", "--from", f"sqlite:{database}", "--to", place)
    assert twice.returncode != 0 and "not empty" in twice.stderr
    there = control("node-2", config=f'etcd: {{ endpoints: ["{cluster.clients[0]}"], prefix: /moved/ }}\n')
    there.until_ready()
    after = there.ask("GET", f"/v1/state?at={before['seq']}", token=admin)[1]
    assert after == before
    # Keys, too; and the epoch goes on.
    assert there.ask("POST", "/v1/purges", {"tag": "t349"}, admin, {"Idempotency-Key": "k349"})[:2] == (
        200, {**receipts[349], "repeated": True})
    there.ask("POST", "/v1/purges", {"tag": "more"}, admin)
    now = there.ask("GET", "/v1/state", token=admin)[1]
    assert now["epoch"] > before["epoch"]
    there.process.stop()
    back = meridian("store", "migrate", "--from", place, "--to", f"sqlite:{tmp_path}/back/log.db")
    assert back.returncode == 3, "its folder is not there"
    (tmp_path / "node-3").mkdir()
    back = meridian("store", "migrate", "--from", place, "--to", f"sqlite:{tmp_path}/node-3/log.db")
    assert back.returncode == 0, back.stderr
    home = control("node-3")
    home.until_ready()
    assert home.ask("GET", f"/v1/state?at={now['seq']}", token=admin)[1] == now
