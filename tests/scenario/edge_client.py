"""A client of the edge for scenarios: raw enough to send what no library would, and to see what really came."""

import socket
import threading

from conftest import PATIENCE_S


class Got:
    """A response as it came: status, fields, body, trailers; `whole` is False when the connection broke inside it."""

    def __init__(self, status, reason, fields):
        self.status, self.reason, self.fields = status, reason, fields
        self.body, self.trailers, self.whole = b"", [], False
        self.informational = []

    def __getitem__(self, name):
        return ", ".join(value for key, value in self.fields if key.lower() == name.lower())

    def __contains__(self, name):
        return any(key.lower() == name.lower() for key, _ in self.fields)

    @property
    def hit(self):
        return "; hit" in self["Cache-Status"]

    @property
    def age(self):
        return int(self["Age"]) if "Age" in self else None


class Client:
    """One connection. ask() sends a request and reads its response; send() and read_response() do each by itself."""

    def __init__(self, address, host="www.example.test", wrap=None, source=None):
        self.host = host
        self.socket = socket.create_connection(address, timeout=PATIENCE_S, source_address=source)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if wrap:
            self.socket = wrap(self.socket)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data.encode("latin-1") if isinstance(data, str) else data)

    def request(self, target, method="GET", fields=(), body=None, host=None, version="1.1"):
        fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
        lines = [f"{method} {target} HTTP/{version}"]
        if host != "":
            lines.append(f"Host: {host or self.host}")
        if body is not None and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in fields):
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in fields]
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + (body or b""))

    def ask(self, target, method="GET", fields=(), body=None, **options):
        self.request(target, method, fields, body, **options)
        return self.read_response(head_only=method == "HEAD")

    def read_response(self, head_only=False):
        informational = []
        while True:
            got = self._read_head()
            if got is None or got.status >= 200 or got.status == 101:
                break
            informational.append(got)
        if got is None:
            return None
        got.informational = informational
        if head_only or got.status in (101, 204, 304):
            got.whole = True
            return got
        try:
            self._read_body(got)
        except (ConnectionError, ValueError):
            got.whole = False
        return got

    def closed(self):
        """Whether the edge has closed the connection; waits for it."""
        try:
            return self.reader.read(1) == b""
        except ConnectionError:
            return True

    def _read_head(self):
        try:
            line = self.reader.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        _, status, reason = (line.decode("latin-1").rstrip("\r\n") + " ").split(" ", 2)
        return Got(int(status), reason.strip(), self._read_fields())

    def _read_fields(self):
        fields = []
        while (line := self.reader.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            fields.append((name, value.strip()))
        return fields

    def _read_body(self, got):
        if got["Transfer-Encoding"].lower() == "chunked":
            while True:
                line = self.reader.readline()
                if not line:
                    return
                size = int(line.split(b";")[0], 16)
                if size == 0:
                    got.trailers = self._read_fields()
                    got.whole = True
                    return
                data = self.reader.read(size)
                got.body += data
                if len(data) < size:
                    return
                self.reader.readline()
        elif "Content-Length" in got:
            length = int(got["Content-Length"])
            got.body = self.reader.read(length)
            got.whole = len(got.body) == length
        else:
            got.body = self.reader.read()
            got.whole = True


class Askers:
    """Clients that run `ask(number)` each, again and again, until this is left. What it returns, or an OSError, is a failure
    of the test."""

    def __init__(self, ask, clients=4):
        self._ask = ask
        self._over, self._failures = threading.Event(), []
        self._clients = [threading.Thread(target=self._run, args=(number,)) for number in range(clients)]

    def __enter__(self):
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for client in self._clients:
            client.join()
        assert not self._failures, self._failures[:3]

    def _run(self, number):
        while not self._over.is_set():
            try:
                failure = self._ask(number)
            except OSError as error:
                failure = str(error)
            if failure:
                self._failures.append(failure)
