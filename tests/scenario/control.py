"""meridian-control and etcd as processes, and a client of the API that holds answers to what openapi.json says."""

import http.client
import json
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest
from conftest import PATIENCE_S


class Control:
    """A running meridian-control."""

    def __init__(self, process, data: pathlib.Path):
        self.process, self.data = process, data
        self.address = process.address()

    def ask(self, method, path, body=None, token=None, headers=None):
        """(status, parsed JSON or text, fields)"""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        fields = dict(headers or {})
        if token:
            fields["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body if body is None or isinstance(body, (bytes, str)) else json.dumps(body), fields)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        is_json = "json" in response.headers.get("Content-Type", "")
        return response.status, json.loads(text) if is_json else text, response.headers

    def lines(self, path, token):
        """The lines of a stream, as they come."""
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE_S)
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        assert response.headers["Content-Type"] == "application/x-ndjson"
        return Lines(connection, response)

    def until_ready(self):
        """Asks until it has read the log; each look waits for its answer."""
        end = time.monotonic() + PATIENCE_S
        while self.ask("GET", "/readyz")[0] != 200:
            assert time.monotonic() < end, f"not ready: {self.process.stderr}"

    def admin(self) -> str:
        """The first administrator's token."""
        self.process.wait_for_error("the first administrator's token is in ")
        return (self.data / "admin.token").read_text().strip()


class Lines:
    def __init__(self, connection, response):
        self.connection, self.response = connection, response

    def next(self, event=None):
        """The next line, or the next of one kind of event."""
        while line := self.response.readline():
            parsed = json.loads(line)
            if event is None or parsed.get("event") == event:
                return parsed
        return None

    def close(self):
        self.response.close()
        self.connection.close()


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Etcd:
    """A cluster of real etcd servers, by their process ids."""

    def __init__(self, count, folder):
        ports = free_ports(2 * count)
        self.folder = folder
        self.clients = [f"http://127.0.0.1:{port}" for port in ports[:count]]
        self.peers = [f"http://127.0.0.1:{port}" for port in ports[count:]]
        self.servers = [self._start(i) for i in range(count)]

    def _start(self, i):
        cluster = ",".join(f"e{j}={peer}" for j, peer in enumerate(self.peers))
        flags = {
            "name": f"e{i}", "data-dir": f"{self.folder}/e{i}", "listen-client-urls": self.clients[i],
            "advertise-client-urls": self.clients[i], "listen-peer-urls": self.peers[i],
            "initial-advertise-peer-urls": self.peers[i], "initial-cluster": cluster, "heartbeat-interval": "50",
            "election-timeout": "500", "log-level": "error",
        }
        log = open(f"{self.folder}/e{i}.log", "a", encoding="utf-8")
        return subprocess.Popen(["etcd", *(f"--{name}={value}" for name, value in flags.items())], stdout=log, stderr=log)

    def kill(self, i):
        self.servers[i].kill()
        self.servers[i].wait()

    def start(self, i):
        self.servers[i] = self._start(i)

    def signal(self, i, number):
        self.servers[i].send_signal(number)

    def stop(self):
        for server in self.servers:
            if server.poll() is None:
                server.send_signal(signal.SIGCONT)
                server.kill()
                server.wait()


@pytest.fixture
def etcd():
    shared = pathlib.Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="meridian-etcd-", dir=shared if shared.is_dir() else None)
    started = []

    def start_etcd(count):
        started.append(Etcd(count, folder))
        return started[-1]

    yield start_etcd
    for cluster in started:
        cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def control(start, tmp_path):
    """control(name, *flags, config="yaml text") -> Control"""

    def start_control(name="control-1", *flags, config=None):
        data = tmp_path / name
        arguments = ["--listen", "127.0.0.1:0", "--data", data, "--node", name, *flags]
        if config is not None:
            file = tmp_path / f"{name}.yaml"
            file.write_text(config)
            arguments += ["--config", file]
        return Control(start("meridian-control", *arguments), data)

    return start_control
