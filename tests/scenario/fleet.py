"""Several regions of edges on loopback addresses: edge E of region R listens on 127.0.R.E, so that edges know each other by
address and clients, who come from 127.0.0.1, are nobody."""

import asyncio
import json
import socket
import ssl
import subprocess

import pytest

from conftest import PATIENCE_S
from edge_client import Client
from edge_fixtures import Edge
from scripted_origin import Say


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Fleet:
    """`shape`: how many edges each region has. edges["r1-e2"] is the second one of region r1. Those of `but` are members
    that do not run: the test may play their part."""

    def __init__(self, start, folder, app, shape, shield="", site="", peers="", top="", tls=None, but=(), workers=1):
        self.app, self.folder, self._start = app, folder, start
        self.shield, self.site, self.peers, self.tls, self.but = shield, site, peers, tls, but
        self.addresses = {}  # of clients
        self.peer_addresses = {}  # of other edges
        self.regions = {}
        for r, count in enumerate(shape, 1):
            names = [f"r{r}-e{e}" for e in range(1, count + 1)]
            self.regions[f"r{r}"] = names
            for e, name in enumerate(names, 1):
                ip = f"127.0.{r}.{e}"
                self.addresses[name] = (ip, free_port(ip))
                self.peer_addresses[name] = (ip, free_port(ip)) if tls else self.addresses[name]
        self.workers = workers
        self.tops = {name: top(name) if callable(top) else top for name in self.addresses}
        self.edges = {}

    def members(self, region):
        return [{"name": name, "address": "%s:%d" % self.peer_addresses[name]} for name in self.regions[region]]

    def write(self, name):
        """The file of one edge. Flow style YAML is JSON."""
        region = name.split("-")[0]
        tls = f", tls: {json.dumps(self.tls.of(name))}" if self.tls else ""
        file = self.folder / f"{name}.yaml"
        others = json.dumps([{"name": r, "edges": self.members(r)} for r in self.regions])
        shield = f"    shield: {self.shield}\n" if self.shield else ""
        site = "".join(f"    {line}\n" for line in self.site.strip("\n").splitlines() if line)
        file.write_text(
            "listen: [ { address: \"%s:%d\" } ]\n" % self.addresses[name] +
            "admin: { address: 127.0.0.1:0 }\n"
            f"workers: {self.workers}\n{self.tops[name]}"
            f"region: {region}\n"
            f"peers: {{ self: {name}, members: {json.dumps(self.members(region))}{tls}{self.peers} }}\n"
            f"regions: {others}\n"
            "sites:\n"
            '  - hosts: ["*"]\n'
            f'    origins: [ {{ url: "{self.app.url}" }} ]\n' + shield + site)
        return file

    def begin(self, *names):
        for name in names or [name for region in self.regions.values() for name in region if name not in self.but]:
            file = self.write(name)
            self.edges[name] = Edge(self._start("meridian-edge", "--config", file), file, admin=True)
        return self

    def __getitem__(self, name) -> Edge:
        return self.edges[name]

    def reload(self, *names):
        """Gives these edges their files anew, and waits until they are in force."""
        for name in names:
            process = self.edges[name].process
            self.write(name)
            said = len(process.stderr)
            process.signal(1)
            process.wait_for_error("is in force", said)

    def total(self, metric, *names, **labels):
        return sum(self.edges[name].metric(metric, **labels) for name in names or self.edges)

    def as_edge(self, name, to):
        """A connection to an edge from the address of another one."""
        return Client(self.addresses[to], source=(self.peer_addresses[name][0], 0))

    @staticmethod
    def hop_fields(name, role="peer"):
        return [("Meridian-Hop", f"role={role};edge={name};client=192.0.2.1;scheme=http")]


def caches(got):
    """The members of Cache-Status as (name, all of it), the origin's first."""
    members = [member.strip() for member in got["Cache-Status"].split(",")]
    return [(member.split(";")[0], member) for member in members]


def key_of(fleet, app, owner, asker, count=None):
    """A path that `owner` owns, as `asker` sees it; with a count so many. It is found out by asking, and
    the answer is an error that nobody keeps, so that the key is as cold as before."""
    found = []
    number = 0
    while len(found) < (count or 1):
        path = f"/key-{number}"
        number += 1
        app.say(path, Say(503, [("Cache-Control", "no-store")], "who?"))
        names = [name for name, _ in caches(fleet[asker].get(path))]
        app.forget(path)
        region = asker.split("-")[0]
        if [name for name in names if name.startswith(region)] == ([owner, asker] if owner != asker else [owner]):
            found.append(path)
    return found if count else found[0]


async def ask_all(addresses, path, count, expected):
    """`count` clients at once, spread over the addresses. Returns what was not as expected."""
    wrong = []

    async def one(address):
        try:
            reader, writer = await asyncio.open_connection(*address)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: www.example.test\r\nConnection: close\r\n\r\n".encode())
            data = await asyncio.wait_for(reader.read(-1), PATIENCE_S)
            writer.close()
        except (OSError, asyncio.TimeoutError) as error:
            wrong.append(repr(error))
            return
        head, _, body = data.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200 ") or body != expected:
            wrong.append((head[:300], len(body)))

    await asyncio.gather(*(one(addresses[i % len(addresses)]) for i in range(count)))
    return wrong


class Certificates:
    """An authority of the edges, and one of nobody's."""

    def __init__(self, folder):
        self.folder = folder
        for authority in ("ca", "other-ca"):
            self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                          "-subj", f"/CN={authority}", "-keyout", f"{authority}.key", "-out", f"{authority}.pem")
        self.make("stranger", "other-ca")

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True, timeout=PATIENCE_S)

    def make(self, name, authority="ca"):
        if (self.folder / f"{name}.pem").exists():
            return
        (self.folder / f"{name}.ext").write_text(f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.pem", "-CAkey", f"{authority}.key",
                      "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem")

    def of(self, name):
        """The `peers.tls` of an edge."""
        self.make(name)
        return {"certificate": str(self.folder / f"{name}.pem"), "key": str(self.folder / f"{name}.key"),
                "ca": str(self.folder / "ca.pem")}

    def is_let_in(self, address, name):
        """Whether a client with this certificate (None: none) gets an answer."""
        context = ssl.create_default_context(cafile=str(self.folder / "ca.pem"))
        context.check_hostname = False
        if name:
            context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        try:
            with Client(address, wrap=lambda s: context.wrap_socket(s)) as client:
                got = client.ask("/who", fields=Fleet.hop_fields("r1-e2"))
                return got is not None and "Meridian-Fill" in got
        except OSError:
            return False


@pytest.fixture
def certificates(tmp_path):
    folder = tmp_path / "certificates"
    folder.mkdir()
    return Certificates(folder)


@pytest.fixture
def fleet(start, tmp_path, app):
    """fleet([3, 3], ...) -> Fleet in front of one scripted origin, all of it running."""

    def make(shape, begin=True, **options):
        made = Fleet(start, tmp_path, app, shape, **options)
        return made.begin() if begin else made

    return make
