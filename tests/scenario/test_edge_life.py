"""The edge as a process: reload, drain, upgrade, logs, TLS, the operators' listener, and what a wrong file says."""

import json
import os
import re
import select
import signal
import ssl
import subprocess
import threading

import pytest

from conftest import PATIENCE_S, binary
from edge_client import Askers, Client
from edge_fixtures import Edge, app, edge, scripted  # noqa: F401  (fixtures)
from scripted_origin import Gate, Say

FRESH = {"Cache-Control": "max-age=600"}


def asking(served, path="/a"):
    """Clients that ask on fresh connections; whatever is no good answer to any of them fails the test."""

    def ask(_number):
        got = served.get(path)
        return None if got is not None and got.status == 200 and got.whole else f"{got and got.status}"

    return Askers(ask)


def test_reload_changes_rules_and_drops_nothing(app, edge):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app, workers=2)
    with asking(served):
        text = served.config.read_text()
        for i in range(5):
            served.config.write_text(text + f"    cache: {{ cache_status: {'off' if i % 2 == 0 else 'on'} }}\n")
            before = len(served.process.stderr)
            served.process.signal(signal.SIGHUP)
            served.process.wait_for_error("", behind=before)
    assert "Cache-Status" not in served.get("/a")
    assert served.metric("meridian_edge_config_reloads_total", result="ok") == 5


def test_a_wrong_file_is_refused_and_the_old_one_stays(app, edge):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app)
    served.config.write_text(served.config.read_text().replace("origins:", "orgins:"))
    served.process.signal(signal.SIGHUP)
    line = served.process.wait_for_error("orgins")
    assert re.search(r"edge\.yaml:\d+:\d+: ", line) and "origins" in line
    assert served.get("/a").status == 200
    assert served.metric("meridian_edge_config_reloads_total", result="failed") == 1


def test_new_listeners_come_with_a_reload(app, edge, tmp_path):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app)
    import socket
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    served.config.write_text(served.config.read_text().replace(
        "listen: [ { address: 127.0.0.1:0 } ]",
        f"listen: [ {{ address: 127.0.0.1:0 }}, {{ address: 127.0.0.1:{port} }} ]"))
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force")
    for address in (served.address, ("127.0.0.1", port)):
        with Client(address) as client:
            assert client.ask("/a").status == 200


def test_drain_finishes_what_runs(app, edge):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", rest=b"56789")
    app.say("/slow", gate)
    served = edge(app)
    idle = served.client()
    running = served.client()
    running.request("/slow")
    gate.wait_reached()
    served.process.signal(signal.SIGTERM)
    served.process.wait_for_error("draining")
    assert idle.closed()
    with pytest.raises(OSError):
        while True:
            served.client().close()
    gate.open()
    got = running.read_response()
    assert got.whole and got.body == b"0123456789"
    assert served.process.wait() == 0


def test_a_second_term_does_not_wait(app, edge):
    gate = Gate(first=b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234", rest=b"")
    app.say("/slow", gate)
    served = edge(app)
    running = served.client()
    running.request("/slow")
    gate.wait_reached()
    served.process.signal(signal.SIGTERM)
    served.process.wait_for_error("draining")
    served.process.signal(signal.SIGTERM)
    assert served.process.wait() == 0
    gate.open()


def test_upgrade_refuses_no_connection(app, edge):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app, workers=2)
    with asking(served):
        served.process.signal(signal.SIGUSR2)
        assert served.process.child.wait(timeout=PATIENCE_S) == 0
        # The successor writes to the same pipes: it said where it listens before the old one drained.
        assert served.process.address() == served.address
        for _ in range(100):
            assert served.get("/a").status == 200
    end_successor(served)


def end_successor(served):
    """The successor is nobody's child here: the admin listener tells its pid by the socket that it holds."""
    inode = None
    for line in open("/proc/net/tcp").read().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "0A" and int(columns[1].split(":")[1], 16) == served.admin[1]:
            inode = columns[9]
    for process in os.listdir("/proc"):
        if not process.isdigit() or int(process) == os.getpid():
            continue
        try:
            held = [os.readlink(f"/proc/{process}/fd/{fd}") for fd in os.listdir(f"/proc/{process}/fd")]
        except OSError:
            continue
        if f"socket:[{inode}]" in held:
            handle = os.pidfd_open(int(process))
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            ended, _, _ = select.select([handle], [], [], PATIENCE_S)
            os.close(handle)
            if ended:
                return
    pytest.fail("the successor was not found, or did not end")


def test_health_metrics_and_commands(app, edge, tmp_path):
    app.say("/a", Say(200, FRESH, "a"))
    token = tmp_path / "token"
    token.write_text("a-secret\n")
    file_token = f"admin: {{ address: 127.0.0.1:0, token_file: {token} }}"
    served = edge(app)
    served.config.write_text(served.config.read_text().replace("admin: { address: 127.0.0.1:0 }", file_token))
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force")
    served.get("/a"), served.get("/a")

    def admin(target, method="GET", fields=()):
        with Client(served.admin) as client:
            return client.ask(target, method, fields)

    assert admin("/healthz").status == 200
    assert json.loads(admin("/readyz").body)["status"] == "ready"
    assert admin("/nothing").status == 404 and admin("/metrics", "POST").status == 405
    assert admin("/v1/cache").status == 401
    assert admin("/v1/cache", fields={"Authorization": "Bearer a-secreT"}).status == 401
    key = {"Authorization": "Bearer a-secret"}
    assert json.loads(admin("/v1/cache", fields=key).body)[0]["objects"] == 1
    assert json.loads(admin("/v1/origins", fields=key).body)[0]["url"] == app.url
    assert admin("/v1/cache/mrc").status == 401
    assert admin("/v1/cache/mrc", "POST", key).status == 405
    assert admin("/v1/reload", "POST", key).status == 200
    reaches(served, 1, "meridian_edge_requests_total", result="hit")
    assert served.metric("meridian_edge_cache_objects", tier="ram") == 1


def test_the_miss_ratio_of_other_sizes_of_ram(app, edge, tmp_path):
    """Forty objects asked for round and round: all of them fit, so only the first round misses."""
    token = tmp_path / "token"
    token.write_text("a-secret\n")
    served = edge(app)
    served.config.write_text(served.config.read_text().replace(
        "admin: { address: 127.0.0.1:0 }", f"admin: {{ address: 127.0.0.1:0, token_file: {token} }}"))
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force")
    for i in range(40):
        app.say(f"/{i}", Say(200, FRESH, "x" * 1000))
    with served.client() as client:
        for _ in range(20):
            for i in range(40):
                assert client.ask(f"/{i}").status == 200
    with Client(served.admin) as client:
        curve = json.loads(client.ask("/v1/cache/mrc", "GET", {"Authorization": "Bearer a-secret"}).body)
    assert curve["sampling_rate"] == 1 and curve["sampled_keys"] == 40
    assert curve["requests"] >= 700
    by_size = [point["miss_ratio"] for point in curve["points"]]
    assert by_size == sorted(by_size, reverse=True)
    assert by_size[-1] < 0.1
    assert served.metric("meridian_edge_cache_miss_ratio_at", tier="ram", times="4") < 0.1


def reaches(served, value, name, **labels):
    """A worker counts after its client has heard of it: scrapes until it has."""
    for _ in range(2000):
        if (have := served.metric(name, **labels)) >= value:
            break
    assert have == value


def test_bytes_of_clients_are_counted(app, edge):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app)
    head = b"POST /a HTTP/1.1\r\nHost: www.example.test\r\nContent-Length: 5\r\n\r\n"
    with served.client() as client:
        for _ in range(3):
            client.send(head + b"hello")
            assert client.read_response().status == 200
    reaches(served, 3 * len(head + b"hello"), "meridian_edge_client_received_bytes_total")


def test_a_connection_that_idles_too_long_is_counted(app, edge):
    app.say("/a", Say(200, FRESH, "a"))
    served = edge(app, top="limits: { idle_timeout: 1ms }")
    with served.client() as client:
        assert client.closed()
    reaches(served, 1, "meridian_edge_limit_reached_total", limit="idle_timeout")


class LinesOf:
    """The lines that are written to a path, as they come: a pipe by that name, which the writer takes for a file."""

    def __init__(self, path):
        os.mkfifo(path)
        # Opened for both, so that it neither waits for the writer nor ends with it.
        self.file = open(os.open(path, os.O_RDWR), "rb", buffering=0)

    def next(self):
        assert self.waits(PATIENCE_S), "nothing was written"
        line = b""
        while not line.endswith(b"\n"):
            line += self.file.read(1)
        return line.decode()

    def waits(self, seconds=0):
        return bool(select.select([self.file], [], [], seconds)[0])


@pytest.mark.parametrize("form", ["json", "combined"])
def test_access_log_and_its_rotation(app, edge, tmp_path, form):
    app.say("/a?q=%22x%22", Say(200, FRESH, "hello"))
    log = tmp_path / "access.log"
    lines = LinesOf(log)
    served = edge(app, top=f"access_log: {{ path: {log}, format: {form} }}")
    served.get('/a?q="x"', {"User-Agent": 'evil"\\agent'})
    first = lines.next()
    if form == "json":
        entry = json.loads(first)
        assert (entry["method"], entry["path"], entry["status"], entry["cache"]) == ("GET", '/a?q="x"', 200, "miss")
        assert entry["user_agent"] == 'evil"\\agent' and entry["client"] == "127.0.0.1" and entry["bytes"] > 5
    else:
        assert re.fullmatch(r'127\.0\.0\.1 - - \[[^]]+\] "GET /a\?q=\\x22x\\x22 HTTP/1\.1" 200 \d+ "-" "evil\\x22\\x5Cagent"\n', first)
    log.rename(tmp_path / "access.log.1")
    new = LinesOf(log)
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force")
    served.get("/b")
    assert "/b" in new.next() and not lines.waits()


def test_the_access_log_names_the_client_behind_trusted_proxies(app, edge):
    app.say("/a", Say(200, FRESH, "hello"))
    served = edge(app, top="access_log: { path: '-' }", site="forwarding: { trusted_proxies: [127.0.0.0/8, 10.0.0.0/8] }")
    for chain, client in [("6.6.6.6, 192.0.2.9, 10.0.0.7", "192.0.2.9"), ("", "127.0.0.1")]:
        served.get("/a", {"X-Forwarded-For": chain} if chain else {})
        assert json.loads(served.process.wait_for(r'"path":"/a"').string)["client"] == client


@pytest.mark.parametrize("given_back", [True, False])
def test_request_ids(app, edge, given_back):
    """Each request has an id of its own, for a hit too; an id that the origin gives is not handed to others."""
    app.say("/a", Say(200, {**FRESH, "X-Request-ID": "of the origin"}, "hello"))
    served = edge(app, site=f"forwarding: {{ request_id_response: {str(given_back).lower()} }}")
    got = [served.get("/a") for _ in range(3)]
    assert [one.hit for one in got] == [False, True, True]
    ids = {one["X-Request-ID"] for one in got}
    assert ids == {"of the origin"} if not given_back else len(ids) == 3 and app.asked[0]["X-Request-ID"] in ids


@pytest.fixture
def certificate(tmp_path):
    """make(common_name) -> (certificate file, key file), made anew under the same names."""

    def make(name):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-keyout", tmp_path / "key.pem", "-out", tmp_path / "cert.pem", "-days", "2", "-subj", f"/CN={name}",
                        "-addext", f"subjectAltName=DNS:{name}"], check=True, capture_output=True)
        return tmp_path / "cert.pem", tmp_path / "key.pem"

    return make


def test_tls_with_resumption_and_a_new_certificate_by_reload(app, start, tmp_path, certificate):
    app.say("/a", lambda connection, asked: Say(200, {"Cache-Control": "no-store"}, asked["X-Forwarded-Proto"])(connection, asked))
    cert, key = certificate("one.example.test")
    file = tmp_path / "tls.yaml"
    file.write_text(f"listen: [ {{ address: 127.0.0.1:0, tls: {{ certificate: {cert}, key: {key} }} }} ]\n"
                    f'sites:\n  - hosts: ["*"]\n    origins: [ {{ url: "{app.url}" }} ]\n')
    served = Edge(start("meridian-edge", "--config", file))

    def handshake(name, session=None):
        context = ssl.create_default_context(cafile=cert)
        raw = Client(served.address).socket
        tls = context.wrap_socket(raw, server_hostname=name, session=session) if session is None else None
        tls.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        data = b""
        while piece := tls.recv(65536):
            data += piece
        return tls.version(), data

    version, data = handshake("one.example.test")
    assert version == "TLSv1.3" and data.endswith(b"\r\n\r\nhttps")
    certificate("two.example.test")
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("is in force")
    assert handshake("two.example.test")[1].endswith(b"https")
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake("one.example.test")
    # A certificate that does not fit its key is refused, and the old one stays.
    cert.write_text("nonsense")
    served.process.signal(signal.SIGHUP)
    served.process.wait_for_error("reload refused")


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_tls_sessions_are_resumed(app, start, tmp_path, certificate, version):
    cert, key = certificate("one.example.test")
    app.say("/a", Say(200, FRESH, "a"))
    file = tmp_path / "tls.yaml"
    file.write_text(f"listen: [ {{ address: 127.0.0.1:0, tls: {{ certificate: {cert}, key: {key} }} }} ]\nworkers: 2\n"
                    f'sites:\n  - hosts: ["*"]\n    origins: [ {{ url: "{app.url}" }} ]\n')
    served = Edge(start("meridian-edge", "--config", file))
    context = ssl.create_default_context(cafile=cert)
    if version == "1.2":
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    session, reused = None, []
    for _ in range(6):
        tls = context.wrap_socket(Client(served.address).socket, server_hostname="one.example.test", session=session)
        tls.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while tls.recv(65536):
            pass
        session = tls.session
        reused.append(tls.session_reused)
        tls.close()
    assert reused == [False] + [True] * 5


@pytest.mark.parametrize("text, expected", [
    ("listen: [ { adress: 127.0.0.1:1 } ]", r":1:\d+: .*adress.*address"),
    ("workers: many\n", r":1:\d+: .*workers.*many"),
    ("sites: []\n", "sites"),
    ("a: [", r":1:"),
])
def test_a_wrong_file_says_where(tmp_path, text, expected):
    file = tmp_path / "edge.yaml"
    file.write_text(text)
    ran = subprocess.run([binary("meridian-edge"), "--config", file, "--check"], capture_output=True, text=True)
    assert ran.returncode == 1 and re.search(expected, ran.stderr), ran.stderr


def test_one_line_is_enough(app, start):
    app.say("/a", Say(200, FRESH, "a"))
    process = start("meridian-edge", "--listen", "127.0.0.1:0", "--origin", app.url)
    with Client(process.address()) as client:
        assert client.ask("/a").status == 200
        assert client.ask("/a").hit
