"""What every program in bench/ shares: its habit (--quick, --json, --check), the bars, children that never
outlive it, and the CPU clock of other processes."""

import contextlib
import ctypes
import datetime
import json
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BARS = ROOT / "bench" / "bars.json"


class BenchError(Exception):
    """Something that keeps a figure from being taken, said so that a person can act on it."""


def add_habit(parser):
    parser.add_argument("--quick", action="store_true", help="two minutes: shorter rounds, smaller sets")
    parser.add_argument("--json", metavar="FILE", help="write the results there too")
    parser.add_argument("--check", action="store_true", help="exit 1 naming each bar that is missed")


def load_bars(program):
    with open(BARS, encoding="utf-8") as file:
        return json.load(file)[program]


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8")
    model = re.search(r"^model name\s*:\s*(.*)$", cpuinfo, re.M)
    return {
        "cores": os.cpu_count(),
        "cpu": model.group(1) if model else platform.machine(),
        "kernel": platform.release().split("-")[0],
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
    }


def command_line():
    return shlex.join([os.path.relpath(sys.argv[0], ROOT), *sys.argv[1:]])


def today():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")


def write_json(path, results):
    """Whole or not at all: a reader never sees half a file."""
    partial = f"{path}.partial"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(results, file, indent=2)
        file.write("\n")
    os.replace(partial, path)


def table(header, rows):
    """Aligned text; the first column to the left, the others to the right."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = []
    for row in cells:
        rest = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join([row[0].ljust(widths[0]), *rest]).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def progress(text):
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def free_port():
    """A port that nobody has now. For programs that must be told one; ours choose their own and say which."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, child, seconds=20):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise BenchError(f"{child.label} ended with {child.returncode} early:\n{child.output()}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise BenchError(f"{child.label} did not listen within {seconds} s:\n{child.output()}")


def cpu_ns(pid):
    """User and system time of a process, all its threads and those that have ended, in nanoseconds: the sum
    that /proc/PID/stat rounds to ticks (clock_getcpuclockid(3))."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def descendants(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{parent}/task"):
                children = pathlib.Path(f"/proc/{parent}/task/{task}/children").read_text(encoding="ascii")
                found.extend(int(child) for child in children.split())
    return found


def pss_bytes(pid):
    """Memory of a process, what it shares with others counted in part."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) * 1024


class Child(subprocess.Popen):
    """A process on one core. Its standard output goes to a file unless it is asked for its port."""

    def __init__(self, argv, label, core, log, env=None, group=None):
        self.label = label
        self.group = group
        self.log_path = log
        with open(log, "wb") as output:
            super().__init__(
                [str(part) for part in argv], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                env={**os.environ, **(env or {})}, start_new_session=True, preexec_fn=lambda: _prepare(core, group))

    def output(self):
        return pathlib.Path(self.log_path).read_text(encoding="utf-8", errors="replace")[-2000:]

    def announced_port(self, pattern=r"^port (\d+)$", file=None, seconds=10):
        """The port that a program printed, or wrote to a file."""
        deadline, text = time.monotonic() + seconds, ""
        while time.monotonic() < deadline:
            with contextlib.suppress(FileNotFoundError):
                text = self.output() if file is None else file.read_text(encoding="ascii")
            said = re.search(pattern, text, re.M)
            if said:
                return int(said.group(1))
            if self.poll() is not None:
                break
            time.sleep(0.01)
        raise BenchError(f"{self.label} named no port:\n{self.output()}")

    def cpu_ns(self):
        total = 0
        for pid in descendants(self.pid):
            with contextlib.suppress(OSError):
                total += cpu_ns(pid)
        return total

    def disk_read_bytes(self):
        """What it made the disk read: nothing for what was in the page cache."""
        total = 0
        for pid in descendants(self.pid):
            with contextlib.suppress(OSError):
                text = pathlib.Path(f"/proc/{pid}/io").read_text(encoding="ascii")
                total += int(re.search(r"^read_bytes: (\d+)$", text, re.M).group(1))
        return total

    def memory_bytes(self):
        return sum(pss_bytes(pid) for pid in descendants(self.pid))


def _prepare(core, group):
    if group is not None:
        group.enter()
    if core is not None:
        os.sched_setaffinity(0, {core})
    # A child must not outlive a bench that was killed outright (prctl PR_SET_PDEATHSIG).
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Stage:
    """A temporary folder and the children that run in it; both are gone when it is left, however that is."""

    def __init__(self, server_core=0, load_core=1):
        # Whatever else the machine does leaves fewer traces when it waits. Only root may ask for that.
        with contextlib.suppress(PermissionError):
            os.setpriority(os.PRIO_PROCESS, 0, -10)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            raise BenchError("two cores are needed: one for the server, one for load and origin")
        self.server_core, self.load_core = cores[server_core], cores[load_core]
        self._children = []

    def __enter__(self):
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGHUP, _interrupt)
        # In memory where that is possible, so that no disk takes part.
        place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="meridian-bench-", dir=place))
        # A server that gives up root must still reach its files below.
        self.folder.chmod(0o755)
        return self

    def __exit__(self, *_):
        for child in reversed(list(self._children)):
            self.stop(child)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, argv, label, core, env=None, group=None):
        log = self.folder / f"{label}-{len(self._children)}.log"
        child = Child(argv, label, core, log, env, group)
        self._children.append(child)
        return child

    def stop(self, child):
        family = descendants(child.pid) if child.poll() is None else []
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(timeout=5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        # What it had started itself ends with it, or is ended here.
        for pid in family[1:]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if child.group is not None:
            child.group.remove()
        self._children.remove(child)


def _interrupt(_signum, _frame):
    raise KeyboardInterrupt


def parse_last_json(text, what):
    for line in reversed(text.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise BenchError(f"{what} said nothing that could be read:\n{text[-2000:]}")
