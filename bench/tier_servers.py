"""The edge and its peers with a cache on a disk and little memory beside it, and the edge with a memcached.
Their configurations are those of servers.py; only the store is another."""

import getpass
import http.client
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

from harness import BenchError
from memory_bound import MemoryBound
from servers import HOST, Edge, Nginx, Server, TrafficServer, Varnish

# The file of the edge may be larger than those of its peers, as it keeps a part of its segments free.
NEEDED_GIB = 12
EDGE_FILE_MIB = 3072
PEER_FILE_MIB = 2048


class Disk:
    """A folder on a real disk, gone at the end however that comes."""

    def __init__(self, parent):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="meridian-tiers-", dir=parent))
        # Squid and Varnish give up root, and must reach their files below.
        self.path.chmod(0o755)

    def __enter__(self):
        try:
            self._must_do()
        except BenchError:
            self.__exit__()
            raise
        return self

    def _must_do(self):
        free = os.statvfs(self.path)
        if free.f_bavail * free.f_frsize < NEEDED_GIB << 30:
            raise BenchError(f"{NEEDED_GIB} GiB of free disk are needed in {self.path.parent}: --dir")
        try:
            os.close(os.open(self.path / "probe", os.O_CREAT | os.O_RDWR | os.O_DIRECT, 0o600))
        except OSError as refused:
            raise BenchError(f"{self.path.parent} has no direct I/O, so it is no disk: --dir") from refused

    def __exit__(self, *_):
        shutil.rmtree(self.path, ignore_errors=True)

    def records(self, count, record_bytes):
        """What the bare program reads from: as many bytes as everyone has stored, on the disk and not in the cache."""
        path = self.path / "records"
        block = os.urandom(record_bytes)
        with open(path, "wb") as file:
            for _ in range(count):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path


class OnDisk(Server):
    """What all of them have in common: the store lies on the disk."""

    disk_mib = PEER_FILE_MIB

    def __init__(self, stage, settings):
        super().__init__(stage, settings)
        self.storage = settings["disk"] / self.folder.name
        self.storage.mkdir()
        # For those that give up root.
        self.storage.chmod(0o777)
        self.group = MemoryBound.make(self.folder.name)

    def on_warm(self):
        """Its page cache has as much room as the edge's RAM tier, over what it needs otherwise."""
        if self.group is not None:
            self.group.bound(self.settings["ram_mib"] << 20)

    def stop(self):
        super().stop()
        shutil.rmtree(self.storage, ignore_errors=True)

    def words(self):
        ram_mib = self.settings["ram_mib"]
        return {**super().words(), "ram_mib": ram_mib, "cache_bytes": ram_mib << 20, "disk_mib": self.disk_mib}


class DiskEdge(OnDisk, Edge):
    disk_mib = EDGE_FILE_MIB

    def words(self):
        ssd = f", ssd: {{ path: {self.storage}, size: {self.disk_mib}MiB, admission: all }}"
        return {**super().words(), "cache_mib": self.settings["ram_mib"], "cold_tiers": ssd}


class DiskNginx(OnDisk, Nginx):
    def words(self):
        return {**super().words(), "cache_mib": self.disk_mib, "disk_io": "aio threads;"}


class DiskVarnish(OnDisk, Varnish):
    def store(self):
        return f"file,{self.storage}/objects,{self.disk_mib}m"


class DiskTrafficServer(OnDisk, TrafficServer):
    def words(self):
        return {**super().words(), "disk_threads": 8}


class Squid(OnDisk):
    name = "squid"
    program = "squid"
    package = "squid"
    speaks_tls = False

    def command(self):
        config = self.render("squid.conf")
        command = ["squid", "-N", "-n", f"bench{self.port}", "-f", str(config)]
        # It gives up root before it opens its logs.
        self.folder.chmod(0o777)
        made = subprocess.run([*command, "-z"], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise BenchError(f"squid made no cache:\n{made.stdout}{made.stderr}")
        return command


class MemcachedEdge(Edge):
    """With hardly any memory of its own: what is asked for comes from a memcached on the other core."""

    def start(self):
        # It chooses a port and writes it to a file, which gets its name when it is whole.
        told = self.folder / "memcached.port"
        self.memcached = self.stage.start(
            ["memcached", "-u", getpass.getuser(), "-l", "127.0.0.1", "-U", "0", "-t", "1", "-p", "-1", "-m", "512"],
            "memcached", self.stage.load_core, {"MEMCACHED_PORT_FILENAME": str(told)})
        self.memcached_port = self.memcached.announced_port(r"^TCP INET: (\d+)$", told)
        return super().start()

    def stored_bytes_each(self):
        """What memcached says that an object takes."""
        with socket.create_connection(("127.0.0.1", self.memcached_port), timeout=10) as asked:
            asked.sendall(b"stats\r\n")
            with asked.makefile("r", encoding="ascii") as answer:
                lines = iter(answer.readline, "END\n")
                stats = dict(line.split()[1:3] for line in lines)
        return int(stats["bytes"]) / int(stats["curr_items"])

    def stop(self):
        super().stop()
        self.stage.stop(self.memcached)

    def words(self):
        memcached = f', memcached: {{ servers: ["127.0.0.1:{self.memcached_port}"], after_hits: 0 }}'
        return {**super().words(), "cache_mib": 1, "cold_tiers": memcached}


class Both:
    """Two servers' processes, measured as one."""

    def __init__(self, *children):
        self.children = children

    def cpu_ns(self):
        return sum(child.cpu_ns() for child in self.children)

    def disk_read_bytes(self):
        return sum(child.disk_read_bytes() for child in self.children)

    def output(self):
        return "\n".join(child.output() for child in self.children)


class Member(Edge):
    """An edge of a region. `settings`: its name, and all members as the configuration lists them."""

    def words(self):
        peers = f"peers: {{ self: {self.settings['self']}, members: [ {self.settings['members']} ], hot_copy: 0s }}"
        return {**super().words(), "region": f"region: bench\n{peers}"}


class AskingEdge(Member):
    """Two edges of a region on one core. The one that is asked owns next to no key, and keeps nothing that the other owns:
    each request is a hit in its peer."""

    def __init__(self, stage, settings):
        super().__init__(stage, {**settings, "self": "asker"})
        self.owner = Member(stage, {**settings, "self": "owner"})
        members = (f'{{ name: asker, address: "127.0.0.1:{self.port}", weight: 1 }}, '
                   f'{{ name: owner, address: "127.0.0.1:{self.owner.port}", weight: 1000 }}')
        self.settings["members"] = self.owner.settings["members"] = members

    def start(self):
        self.owner.start()
        super().start()
        self.asker = self.child
        self.child = Both(self.asker, self.owner.child)
        return self

    def on_warm(self):
        """Shows that it is the other edge that answers."""
        says = []
        for number in range(10):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            connection.request("GET", f"/b/1024-{number}", headers={"Host": HOST})
            says.append(connection.getresponse().getheader("Cache-Status") or "")
            connection.close()
        if sum(said.startswith("owner; hit") for said in says) < 9:
            raise BenchError(f"the edge does not ask its peer: {says}")

    def stop(self):
        self.child = self.asker
        super().stop()
        self.owner.stop()


class BareHop(Server):
    """The least that a hop before an edge can cost: bytes moved to it and back, and its hit in memory."""

    name = "hop"
    speaks_tls = False

    def start(self):
        self.edge = Edge(self.stage, dict(self.settings)).start()
        self.hop = self.stage.start([self.settings["build"] / "bare_proxy", "--origin", self.edge.port], "hop",
                                    self.stage.server_core)
        self.port = self.hop.announced_port()
        self.child = Both(self.hop, self.edge.child)
        return self

    def stop(self):
        self.child = self.hop
        super().stop()
        self.edge.stop()


DISK_PEERS = [DiskNginx, DiskVarnish, DiskTrafficServer, Squid]
