"""The edge and its peers, each as one worker on one core with a cache of the same size. Their configurations
are the templates in bench/peers/; @words@ in them are filled in here."""

import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import threading

from harness import ROOT, BenchError, free_port, wait_for_port

TEMPLATES = ROOT / "bench" / "peers"
HOST = "www.example.test"


class Server:
    """One running server. `settings` is what all of them are given alike."""

    name = ""
    program = ""
    package = ""
    speaks_tls = True

    def __init__(self, stage, settings):
        self.stage = stage
        self.settings = settings
        self.folder = stage.folder / f"{self.name}-{free_port()}"
        self.folder.mkdir()
        self.storage = self.folder / "storage"
        self.storage.mkdir()
        self.port = free_port()
        self.tls_port = free_port()
        self.child = None
        self.group = None  # of memory (memory_bound.py)

    @classmethod
    def missing(cls, _build):
        return None if shutil.which(cls.program) else f"{cls.program} (package {cls.package})"

    def start(self):
        self.child = self.stage.start(self.command(), self.name, self.stage.server_core, self.environment(), self.group)
        wait_for_port(self.port, self.child)
        return self

    def stop(self):
        self.stage.stop(self.child)
        # What it stored fills the page cache, and the next one needs the room.
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return None

    def on_warm(self):
        """All that will be asked for is in its cache."""

    def words(self):
        return {
            **self.settings,
            "dir": self.folder,
            "storage": self.storage,
            "port": self.port,
            "tls_port": self.tls_port,
            "cache_bytes": self.settings["cache_mib"] * 2**20,
        }

    def render(self, template, target=None):
        words = self.words()
        text = (TEMPLATES / template).read_text(encoding="utf-8")
        text = re.sub(r"@(\w+)@", lambda found: str(words[found.group(1)]), text)
        path = self.folder / (target or pathlib.Path(template).name)
        path.write_text(text, encoding="utf-8")
        return path

    def memory_bytes(self):
        return self.child.memory_bytes()


class Edge(Server):
    name = "edge"
    program = "meridian-edge"

    @classmethod
    def missing(cls, build):
        return None if (build / cls.program).exists() else f"{cls.program} (not built yet)"

    def words(self):
        log = f'access_log: {{ path: "{self.folder}/access.log" }}' if self.settings["logs"] else ""
        return {**super().words(), "access_log": log, "cold_tiers": "", "region": ""}

    def command(self):
        return [self.settings["build"] / self.program, "--config", self.render("edge.yaml")]


class Nginx(Server):
    name = "nginx"
    program = "nginx"
    package = "nginx"

    def words(self):
        log = f"access_log {self.folder}/access.log combined buffer=64k flush=1s;"
        # As many files kept open as its descriptors allow, with room for connections.
        descriptors = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        return {
            **super().words(),
            "access_log": log if self.settings["logs"] else "access_log off;",
            "disk_io": "",
            "open_files": max(1000, min(200_000, descriptors - 4000)),
        }

    def command(self):
        return ["nginx", "-p", self.folder, "-e", self.folder / "error.log", "-c", self.render("nginx.conf")]

    def memory_bytes(self):
        """Its cache is files in the page cache: the room that they take there is memory too."""
        total = super().memory_bytes()
        folders = [self.storage]
        for folder in folders:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
        return total


class HAProxy(Server):
    name = "haproxy"
    program = "haproxy"
    package = "haproxy"

    def __init__(self, stage, settings):
        super().__init__(stage, settings)
        self.control = self.folder / "control"

    def words(self):
        logs = self.settings["logs"]
        return {
            **super().words(),
            "control": self.control,
            "haproxy_cache_mb": min(4095, self.settings["cache_mib"]),
            "log_global": f"log {self._log_socket()} len 1024 local0" if logs else "",
            "log_defaults": "log global\n  option httplog" if logs else "",
        }

    def _log_socket(self):
        """HAProxy logs to a datagram socket. This one takes the lines and forgets them."""
        path = self.folder / "log"
        if not path.exists():
            self._log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._log.bind(str(path))
            threading.Thread(target=self._drain, daemon=True).start()
        return path

    def _drain(self):
        while self._log.recv(65536):
            pass

    def command(self):
        return ["haproxy", "-db", "-f", self.render("haproxy.cfg")]

    def start(self):
        super().start()
        # The whole cache is taken and touched at the start: a block's cost is what it took over its blocks.
        blocks = int(re.search(r"available blocks:(\d+)", self._show_cache()).group(1))
        self._block_bytes = super().memory_bytes() / blocks
        return self

    def _show_cache(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.control))
            control.sendall(b"show cache\n")
            with control.makefile("r", encoding="ascii") as answer:
                return answer.read()

    def memory_bytes(self):
        """Growth shows in the blocks that objects lie in, and in nothing else."""
        used = sum(int(count) for count in re.findall(r"\((\d+) blocks\)", self._show_cache()))
        return used * self._block_bytes


# What Varnish writes to its log for each request, session and fetch.
VARNISH_LOG = """
Begin End Link SessOpen SessClose Timestamp VCL_call VCL_return VCL_use VCL_Log Hit HitMiss HitPass TTL
ReqStart ReqMethod ReqURL ReqProtocol ReqHeader ReqUnset ReqAcct
RespProtocol RespStatus RespReason RespHeader RespUnset
Storage BereqMethod BereqURL BereqProtocol BereqHeader BereqUnset BereqAcct
BerespProtocol BerespStatus BerespReason BerespHeader BerespUnset
BackendOpen BackendReuse BackendClose BackendStart Fetch_Body Length Filters Gzip
""".split()


class Varnish(Server):
    name = "varnish"
    program = "varnishd"
    package = "varnish"
    speaks_tls = False  # Debian's has none; a terminator in front of it would be another program's figure

    def store(self):
        return f"malloc,{self.settings['cache_mib']}m"

    def command(self):
        command = ["varnishd", "-F", "-n", self.folder / "work", "-a", f"127.0.0.1:{self.port}", "-T", "none",
                   "-f", self.render("varnish.vcl"), "-s", self.store(),
                   "-p", "thread_pools=1", "-p", "timeout_idle=3600", "-p", "default_grace=0"]
        # Its shared-memory log is its access log.
        if self.settings["logs"]:
            return command
        return [*command, "-p", "vsl_mask=" + ",".join(f"-{tag}" for tag in VARNISH_LOG)]


class TrafficServer(Server):
    name = "ats"
    program = "traffic_server"
    package = "trafficserver"

    def words(self):
        return {**super().words(), "logging": 3 if self.settings["logs"] else 0,
                "disk_mib": self.settings["cache_mib"] * 2, "disk_threads": 2}

    def environment(self):
        return {"TS_RUNROOT": str(self.folder / "runroot.yaml")}

    def command(self):
        for folder in ("log", "run", "bin", "lib/modules", "data"):
            (self.folder / folder).mkdir(parents=True)
        for template in sorted((TEMPLATES / "trafficserver").iterdir()):
            self.render(f"trafficserver/{template.name}")
        for empty in ("cache.config", "hosting.config", "parent.config", "plugin.config", "splitdns.config",
                      "volume.config", "socks.config"):
            (self.folder / empty).touch()
        return ["traffic_server", f"--run-root={self.folder / 'runroot.yaml'}"]


PEERS = [Nginx, HAProxy, Varnish, TrafficServer]


def make_certificate(folder):
    """An ECDSA P-256 certificate for this run only."""
    paths = {"certificate": folder / "cert.pem", "key": folder / "key.pem", "pem": folder / "both.pem"}
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}",
         "-keyout", paths["key"], "-out", paths["certificate"]], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise BenchError(f"openssl made no certificate:\n{made.stderr}")
    paths["pem"].write_bytes(paths["certificate"].read_bytes() + paths["key"].read_bytes())
    for path in paths.values():
        path.chmod(0o644)
    return paths
