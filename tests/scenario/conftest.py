"""Fixtures for scenarios: real processes on ports that the kernel chooses, waited for by what they print, never by sleeping.

MERIDIAN_BIN_DIR names the folder of the binaries (default: build/debug/bin).
"""

import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
# How long anything may take before a test fails instead of hanging. Generous: it is no measurement.
PATIENCE_S = 60


def binary(name: str) -> str:
    folder = pathlib.Path(os.environ.get("MERIDIAN_BIN_DIR", ROOT / "build/debug/bin"))
    path = folder / name
    if not path.exists():
        pytest.fail(f"{path} is not there: build it, or set MERIDIAN_BIN_DIR")
    return str(path)


class Process:
    """A program that was started for one test. Its output is collected; it is stopped by its own handle."""

    def __init__(self, argv, **options):
        self.argv = [str(a) for a in argv]
        # It does not outlive the test, however that ends.
        self.child = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.argv], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.pid = self.child.pid
        self.stdout, self.stderr = [], []
        self._lines = queue.Queue()
        self._said = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(self.child.stdout, self.stdout), daemon=True),
            threading.Thread(target=self._read, args=(self.child.stderr, self.stderr), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, lines):
        for line in stream:
            with self._said:
                lines.append(line.rstrip("\n"))
                self._said.notify_all()
            if lines is self.stdout:
                self._lines.put(lines[-1])
        if lines is self.stdout:
            self._lines.put(None)

    def wait_for(self, pattern: str) -> re.Match:
        """Waits for a line of standard output that matches."""
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_S)
            except queue.Empty:
                pytest.fail(f"{self.argv[0]} did not print /{pattern}/ in time; stderr: {self.stderr}")
            if line is None:
                self.wait()
                pytest.fail(f"{self.argv} ended with {self.child.returncode} before /{pattern}/; stderr: {self.stderr}")
            if match := re.search(pattern, line):
                return match

    def wait_for_error(self, pattern: str, behind: int = 0) -> str:
        """Waits for a line of standard error that matches, behind the first so many."""

        def found():
            return next((line for line in self.stderr[behind:] if re.search(pattern, line)), None)

        with self._said:
            if self._said.wait_for(found, timeout=PATIENCE_S):
                return found()
        pytest.fail(f"/{pattern}/ was not said; stderr: {self.stderr}")

    def address(self, prefix: str = "listening on ") -> tuple[str, int]:
        match = self.wait_for(re.escape(prefix) + r"(\S+):(\d+)$")
        return match[1].strip("[]"), int(match[2])

    def signal(self, number: int):
        self.child.send_signal(number)

    def wait(self) -> int:
        """Waits for the end and returns the exit status."""
        status = self.child.wait(timeout=PATIENCE_S)
        for reader in self._readers:
            reader.join(timeout=PATIENCE_S)
        return status

    def stop(self) -> int:
        if self.child.poll() is None:
            self.signal(signal.SIGTERM)
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            pytest.fail(f"{self.argv} did not end on SIGTERM; stderr: {self.stderr}")


@pytest.fixture
def start():
    """start(program, *arguments) -> Process. Whatever still runs at the end of the test is stopped, and its exit
    status must be 0: a crash or a sanitizer's report fails the test that caused it."""
    started = []

    def start_program(program, *arguments, **options):
        process = Process([binary(program), *arguments], **options)
        started.append(process)
        return process

    yield start_program
    for process in started:
        was_running = process.child.poll() is None
        status = process.stop()
        assert not was_running or status == 0, f"{process.argv} ended with {status}: {process.stderr[-40:]}"


class Origin:
    """A running meridian-origin with its addresses."""

    def __init__(self, process: Process, root: pathlib.Path):
        self.process, self.root = process, root
        self.address = process.address()
        self.admin = process.address("admin on ")

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"


@pytest.fixture
def origin(start, tmp_path):
    """origin(*flags, config="yaml text") -> Origin, serving the folder tmp_path/site."""

    def start_origin(*flags, config=None):
        root = tmp_path / "site"
        root.mkdir(exist_ok=True)
        arguments = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--root", root, *flags]
        if config is not None:
            file = tmp_path / "origin.yaml"
            file.write_text(config)
            arguments += ["--config", file]
        return Origin(start("meridian-origin", *arguments), root)

    return start_origin


def connect(address) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE_S)


def read_all(connection: socket.socket) -> bytes:
    """Everything until the peer closes; a reset ends it too."""
    data = b""
    try:
        while piece := connection.recv(65536):
            data += piece
    except ConnectionResetError:
        pass
    return data
