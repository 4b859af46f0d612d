"""What is asked of every server, and how one figure is taken: CPU time of the server over a fixed time,
divided by the requests answered in it."""

import dataclasses
import http.client
import statistics
import subprocess

from harness import BenchError, parse_last_json, wait_for_port
from servers import HOST

CONNECTIONS = 32


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    title: str
    path: str = ""
    limit: tuple = ()       # the program that shows the limit, and its arguments
    load: str = "wrk"       # wrk, zipf, handshakes or memory
    tls: bool = False
    hit: bool = True        # the origin is asked for nothing while the clock runs; otherwise for everything
    connections: int = CONNECTIONS
    warm_passes: int = 2    # in one of these, after the first, nothing may be missed any more


WORKLOADS = [
    Workload("hit-1k", "1 KiB hit", "/b/1024", ("bare_epoll", "--size", "1024")),
    Workload("hit-64k", "64 KiB hit", "/b/65536", ("bare_epoll", "--size", "65536")),
    Workload("hit-1m", "1 MiB hit", "/b/1048576", ("bare_epoll", "--size", "1048576"), connections=8),
    Workload("tls-hit", "TLS 1.3 hit, 1 KiB", "/b/1024", ("bare_tls", "--size", "1024"), tls=True),
    Workload("tls-handshake", "TLS 1.3 full handshake", "/b/1024",
             ("bare_tls", "--size", "1024", "--close", "1"), load="handshakes", tls=True),
    Workload("pass", "pass-through, 1 KiB", "/nostore/1024", ("bare_proxy",), hit=False),
    Workload("zipf", "Zipf, 1-32 KiB", "/z/", load="zipf"),
    Workload("memory", "memory over a 1 KiB body", "/m/", load="memory"),
]


class Origin:
    """The benches' own origin, and the number of requests that came through to it."""

    def __init__(self, stage, build):
        self.child = stage.start([build / "bench_origin"], "origin", stage.load_core)
        self.port = self.child.announced_port()

    def requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/requests")
            return int(connection.getresponse().getheader("X-Requests"))
        finally:
            connection.close()


class Limit:
    """The bare program of a workload, in the shape of a server."""

    name = "limit"
    speaks_tls = True

    def __init__(self, stage, settings, workload):
        argv = [settings["build"] / workload.limit[0], *workload.limit[1:]]
        if workload.tls:
            argv += ["--certificate", settings["certificate"], "--key", settings["key"]]
        if workload.limit[0] == "bare_proxy":
            argv += ["--origin", settings["origin"]]
        self.stage = stage
        self.child = stage.start(argv, f"limit-{workload.name}", stage.server_core)
        self.port = self.tls_port = self.child.announced_port()

    def stop(self):
        self.stage.stop(self.child)


class Runner:
    def __init__(self, stage, settings, sizes, progress):
        self.stage = stage
        self.settings = settings
        self.sizes = sizes
        self.progress = progress
        self.origin = Origin(stage, settings["build"])
        settings["origin"] = self.origin.port
        self.running = {}

    def server(self, kind):
        """Servers are started when first needed and stay, idle while others are measured."""
        if kind.name not in self.running:
            self.progress(f"starting {kind.name}")
            self.running[kind.name] = kind(self.stage, dict(self.settings)).start()
        return self.running[kind.name]

    def stop_servers(self):
        for server in self.running.values():
            server.stop()
        self.running.clear()

    def _run(self, argv, seconds):
        argv = ["taskset", "-c", str(self.stage.load_core), *map(str, argv)]
        try:
            done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 600, check=False)
        except subprocess.TimeoutExpired as late:
            raise BenchError(f"{argv[3]} did not end") from late
        return parse_last_json(done.stdout, done.stdout + done.stderr)

    def _wrk(self, server, workload, seconds):
        scheme, port = ("https", server.tls_port) if workload.tls else ("http", server.port)
        return self._run(["wrk", "-t", 1, "-c", workload.connections, "-d", f"{seconds}s", "--timeout", "10s",
                          "-H", f"Host: {HOST}", "-s", self.settings["report"],
                          f"{scheme}://127.0.0.1:{port}{workload.path}"], seconds)

    def _own(self, port, mode, prefix, count=1, seconds=None, connections=CONNECTIONS):
        argv = [self.settings["build"] / "bench_load", "--port", port, "--mode", mode, "--prefix", prefix,
                "--count", count, "--connections", connections]
        if seconds is not None:
            argv += ["--seconds", seconds]
        if mode == "zipf":
            argv += ["--exponent", self.sizes["exponent"]]
        return self._run(argv, seconds or 0)

    def _load(self, server, workload, seconds):
        if workload.load == "zipf":
            return self._own(server.port, "zipf", workload.path, self.sizes["zipf_objects"], seconds)
        if workload.load == "handshakes":
            return self._own(server.tls_port, "handshakes", workload.path, 1, seconds, 16)
        return self._wrk(server, workload, seconds)

    def _warm(self, server, workload):
        """Brings what will be asked for into the cache, then shows that it is there."""
        if not workload.hit or server.name == "limit":
            return
        count = self.sizes["zipf_objects"] if workload.load == "zipf" else 1
        mode = "each" if workload.load == "zipf" else "one"
        # One connection for one object, so that the first response is stored before the next is asked for.
        seconds, connections = (None, CONNECTIONS) if mode == "each" else (0.1, 1)
        # Twice at least: a server may take a moment from the first response until it serves hits, and a disk
        # that does not keep up with the first pass takes more.
        told = self._own(server.port, mode, workload.path, count, seconds, connections)
        self._sound(server, workload, told)
        for _ in range(workload.warm_passes):
            before = self.origin.requests()
            told = self._own(server.port, mode, workload.path, count, seconds, connections)
            self._sound(server, workload, told)
            asked = self.origin.requests() - before
            if asked <= count * self.sizes["stray_share"]:
                server.on_warm()
                return
        raise BenchError(f"{server.name} does not keep {workload.path}: {asked} misses")

    def _sound(self, server, workload, told):
        if told["errors"] > 0 or told["requests"] == 0:
            raise BenchError(f"{server.name}, {workload.name}: {told['errors']} errors, "
                             f"{told['requests']} responses\n{server.child.output()}")
        if told.get("resumed", 0) > 0:
            raise BenchError(f"{server.name}, {workload.name}: {told['resumed']} handshakes were not full")

    def _measure(self, server, workload):
        asked, disk, cpu = self.origin.requests(), server.child.disk_read_bytes(), server.child.cpu_ns()
        told = self._load(server, workload, self.sizes["seconds"])
        cpu, asked = server.child.cpu_ns() - cpu, self.origin.requests() - asked
        disk = server.child.disk_read_bytes() - disk
        self._sound(server, workload, told)
        if workload.hit and server.name != "limit" and asked > told["requests"] * self.sizes["stray_share"]:
            raise BenchError(f"{server.name}, {workload.name}: {asked} of {told['requests']} were no hits")
        if not workload.hit and asked < told["requests"]:
            raise BenchError(f"{server.name}, {workload.name}: {asked} of {told['requests']} were forwarded")
        taken = {"cpu_us": cpu / 1000 / told["requests"], "requests_per_s": told["requests"] / told["seconds"],
                 "disk_kib": disk / 1024 / told["requests"]}
        # wrk's report has none.
        return {**taken, **{name: told[name] for name in ("p50_us", "p99_us") if name in told}}

    def run(self, workload, kinds):
        """The figures of one workload: {server: {"value", "rounds", ...}}."""
        if workload.load == "memory":
            return {kind.name: self._memory(kind, workload) for kind in kinds}
        kinds = [kind for kind in kinds if kind.speaks_tls or not workload.tls]
        contenders = [self.server(kind) for kind in kinds]
        limit = Limit(self.stage, self.settings, workload) if workload.limit else None
        if limit:
            wait_for_port(limit.port, limit.child)
            contenders.insert(0, limit)
        try:
            for server in contenders:
                self.progress(f"{workload.name}: warming {server.name}")
                self._warm(server, workload)
            rounds = {server.name: [] for server in contenders}
            for number in range(self.sizes["rounds"]):
                for server in contenders:
                    self.progress(f"{workload.name}: round {number + 1}, {server.name}")
                    rounds[server.name].append(self._measure(server, workload))
        finally:
            if limit:
                limit.stop()
        return {
            name: {
                "value": statistics.median(one["cpu_us"] for one in taken),
                "rounds": [one["cpu_us"] for one in taken],
                **{what: statistics.median(one[what] for one in taken) for what in taken[0] if what != "cpu_us"},
            }
            for name, taken in rounds.items()
        }

    def _memory(self, kind, workload):
        """Growth of a fresh server while it is filled, over what the bodies themselves take."""
        objects = self.sizes["memory_objects"]
        self.progress(f"memory: {kind.name}, {objects} objects")
        server = kind(self.stage, dict(self.settings)).start()
        try:
            # Connections, buffers and the first of everything are no part of what an object costs.
            self._sound(server, workload, self._own(server.port, "each", "/m/warm-", 1000))
            self._sound(server, workload, self._own(server.port, "each", "/m/warm-", 1000))
            before = server.memory_bytes()
            # Twice: some keep in memory only what was asked for again.
            self._sound(server, workload, self._own(server.port, "each", workload.path, objects))
            self._sound(server, workload, self._own(server.port, "each", workload.path, objects))
            after = server.memory_bytes()
            sample = min(objects, 20000)
            asked = self.origin.requests()
            self._own(server.port, "each", workload.path, sample)
            asked = self.origin.requests() - asked
            if asked > sample * self.sizes["stray_share"]:
                raise BenchError(f"{server.name} lost {asked} of the first {sample} objects")
        finally:
            server.stop()
        growth = after - before
        return {"value": growth / objects - 1024, "growth_bytes": growth, "objects": objects}


