"""An origin that says, byte by byte, what a test tells it to, and remembers what it was asked."""

import collections
import socket
import threading

from conftest import PATIENCE_S


class Asked:
    """One request as it reached the origin."""

    def __init__(self, method, target, version, fields, body):
        self.method, self.target, self.version, self.fields, self.body = method, target, version, fields, body

    def __getitem__(self, name):
        return ", ".join(value for key, value in self.fields if key.lower() == name.lower())

    def __contains__(self, name):
        return any(key.lower() == name.lower() for key, _ in self.fields)


class Say:
    """A well-formed answer. `length=None` leaves Content-Length out (then the connection closes behind the body)."""

    def __init__(self, status=200, fields=(), body=b"", reason="Said", length="auto", close=False):
        if isinstance(body, str):
            body = body.encode()
        fields = list(fields.items()) if isinstance(fields, dict) else list(fields)
        self.close = close or length is None
        if length == "auto" and status >= 200 and status not in (204, 304):
            fields.append(("Content-Length", str(len(body))))
        elif isinstance(length, int):
            fields.append(("Content-Length", str(length)))
        lines = [f"HTTP/1.1 {status} {reason}"] + [f"{name}: {value}" for name, value in fields]
        self.head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.body = body

    def __call__(self, connection, asked):
        connection.sendall(self.head + (b"" if asked.method == "HEAD" else self.body))
        return not self.close


class Raw:
    """Exactly these bytes; then the connection closes, by FIN or by RST."""

    def __init__(self, data, keep=False, reset=False):
        self.data, self.keep, self.reset = data, keep, reset

    def __call__(self, connection, asked):
        connection.sendall(self.data)
        if self.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        return self.keep


class Gate:
    """Says `first`, waits until the test opens the gate, then says the rest. `reached` tells that it waits."""

    def __init__(self, first=b"", rest=b"", keep=True):
        self.first, self.rest, self.keep = first, rest, keep
        self.reached, self._open = threading.Event(), threading.Event()

    def open(self):
        self._open.set()

    def wait_reached(self):
        assert self.reached.wait(PATIENCE_S), "the origin was never asked"

    def __call__(self, connection, asked):
        connection.sendall(self.first)
        self.reached.set()
        assert self._open.wait(PATIENCE_S), "the test never opened the gate"
        if callable(self.rest):
            return self.rest(connection, asked)
        connection.sendall(self.rest)
        return self.keep


class ScriptedOrigin:
    """say(path, *answers): each request for the path takes the next answer; the last one is repeated. An answer is called
    with (connection, Asked) and returns whether the connection stays open."""

    def __init__(self, address=("127.0.0.1", 0)):
        self.asked = []
        self.connections = 0
        self._answers = collections.defaultdict(list)
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._socket = socket.create_server(address, backlog=512)
        self.address = self._socket.getsockname()
        self._open = set()
        self._closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://{self.address[0]}:{self.address[1]}"

    def say(self, path, *answers):
        with self._lock:
            self._answers[path] = list(answers)

    def forget(self, path):
        """As if it had never been asked for."""
        with self._lock:
            self.asked = [asked for asked in self.asked if asked.target != path]

    def asked_for(self, path):
        with self._lock:
            return [asked for asked in self.asked if asked.target == path]

    def wait_asked(self, path, count=1):
        """Waits until the path has been asked for so often."""
        with self._changed:
            done = self._changed.wait_for(
                lambda: sum(asked.target == path for asked in self.asked) >= count, timeout=PATIENCE_S)
        assert done, f"{path} was not asked for {count} times, but {len(self.asked_for(path))}"
        return self.asked_for(path)

    def close(self):
        self._closing = True
        # accept() in the other thread returns only when somebody comes.
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            for connection in self._open:
                connection.close()

    def _accept(self):
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        reader = connection.makefile("rb")
        try:
            while True:
                asked = self._read(reader, connection)
                if asked is None or not self._answer(connection, asked):
                    return
        except (OSError, ValueError):
            return
        finally:
            reader.close()
            connection.close()
            with self._lock:
                self._open.discard(connection)

    def _answer(self, connection, asked):
        with self._changed:
            self.asked.append(asked)
            answers = self._answers.get(asked.target) or self._answers.get("*")
            answer = None
            if answers:
                answer = answers.pop(0) if len(answers) > 1 else answers[0]
            self._changed.notify_all()
        if answer is None:
            answer = Say(404, {"Cache-Control": "no-store"}, f"nothing is scripted for {asked.target}")
        return answer(connection, asked)

    @staticmethod
    def _read(reader, connection):
        line = reader.readline()
        if not line:
            return None
        method, target, version = line.decode("latin-1").split()
        fields = []
        while (line := reader.readline()) not in (b"\r\n", b""):
            name, value = line.decode("latin-1").split(":", 1)
            fields.append((name, value.strip()))
        asked = Asked(method, target, version, fields, b"")
        if asked["Transfer-Encoding"] == "chunked":
            while size := int(reader.readline(), 16):
                asked.body += reader.read(size)
                reader.readline()
            while reader.readline() not in (b"\r\n", b""):
                pass
        elif asked["Content-Length"]:
            asked.body = reader.read(int(asked["Content-Length"]))
        return asked
