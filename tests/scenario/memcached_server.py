"""memcached for scenarios: a real one that is killed, frozen and started again, and one that lies."""

import ctypes
import getpass
import os
import select
import signal
import socket
import struct
import tempfile
import threading
import urllib.parse

import pytest

from conftest import PATIENCE_S, Process

IN_MOVED_TO = 0x80  # inotify(7)


class Arrivals:
    """Waits for a file that gets its name in a folder."""

    def __init__(self, folder):
        libc = ctypes.CDLL(None, use_errno=True)
        self.handle = libc.inotify_init1(os.O_CLOEXEC)
        assert libc.inotify_add_watch(self.handle, os.fsencode(folder), IN_MOVED_TO) >= 0, os.strerror(ctypes.get_errno())

    def wait(self):
        came, _, _ = select.select([self.handle], [], [], PATIENCE_S)
        os.close(self.handle)
        assert came, "no file came"


class Memcached:
    """A real one, on a port that is its own as long as this object lives, whether it runs or not."""

    def __init__(self):
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Bound and not listening: nobody else is given the port, and memcached may still listen there.
        self._held.bind(("127.0.0.1", 0))
        self.port = self._held.getsockname()[1]
        self.start()

    def start(self):
        with tempfile.TemporaryDirectory() as folder:
            arrivals = Arrivals(folder)
            argv = ["memcached", "-u", getpass.getuser(), "-l", "127.0.0.1", "-p", self.port, "-U", "0", "-t", "1"]
            # It listens before it says on which port.
            self.process = Process(argv, env={**os.environ, "MEMCACHED_PORT_FILENAME": f"{folder}/port"})
            arrivals.wait()

    def kill(self):
        self.process.child.kill()
        self.process.child.wait()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)
        _, status = os.waitpid(self.process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def close(self):
        self.kill()
        self._held.close()

    def told(self, question, end):
        """What it answers, up to and with its last line."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S) as server:
            server.sendall(question)
            answer = b""
            while not answer.endswith(end):
                piece = server.recv(65536)
                assert piece, answer
                answer += piece
            return answer

    def keys(self):
        lines = self.told(b"lru_crawler metadump all\r\n", b"END\r\n").decode().splitlines()[:-1]
        return [urllib.parse.unquote(line.split()[0].removeprefix("key=")).encode() for line in lines]

    def value(self, key):
        """None when it has none."""
        answer = self.told(b"get " + key + b"\r\n", b"END\r\n")
        return answer.split(b"\r\n", 1)[1].removesuffix(b"\r\nEND\r\n") if answer != b"END\r\n" else None


@pytest.fixture
def memcached():
    """memcached() -> Memcached, which runs."""
    started = []

    def start_memcached():
        started.append(Memcached())
        return started[-1]

    yield start_memcached
    for server in started:
        server.close()


class Liar:
    """Keeps what it is given and answers a get with `lie(key, values)`: bytes, or None to say nothing ever after."""

    def __init__(self, lie):
        self.lie, self.values = lie, {}
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self._open, self._closing = set(), False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._closing = True
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for connection in list(self._open):
            # Linger of no time: nobody waits for what was not read.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while not self._closing:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            with connection, connection.makefile("rb") as lines:
                for line in lines:
                    answer = self._answer(line.split(), lines)
                    if answer is None:
                        # Silent, but still there.
                        while lines.read1():
                            pass
                        return
                    connection.sendall(answer)
        except OSError:
            pass
        finally:
            self._open.discard(connection)

    def _answer(self, words, lines):
        if words[0] == b"set":
            self.values[words[1]] = lines.read(int(words[4]) + 2)[:-2]
            return b"STORED\r\n"
        if words[0] == b"delete":
            return b"DELETED\r\n" if self.values.pop(words[1], None) is not None else b"NOT_FOUND\r\n"
        if words[0] == b"stats":
            return b"END\r\n"
        return self.lie(words[1], self.values)


def reply(key, value):
    return b"VALUE %s 0 %d\r\n%s\r\nEND\r\n" % (key, len(value), value)
