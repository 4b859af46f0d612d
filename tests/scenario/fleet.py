"""Several regions of edges on loopback addresses: edge E of region R listens on 127.0.R.E, so that edges know each other by
address and clients, who come from 127.0.0.1, are nobody."""

import json
import socket

import pytest

from edge_fixtures import Edge


def free_port(address):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class Fleet:
    """`shape`: how many edges each region has. edges["r1-e2"] is the second one of region r1."""

    def __init__(self, start, folder, app, shape, shield="", site="", peers="", top="", tls=None, workers=1):
        self.app, self.folder, self._start = app, folder, start
        self.shield, self.site, self.peers, self.top, self.tls, self.workers = shield, site, peers, top, tls, workers
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
        self.edges = {}

    def members(self, region):
        return [{"name": name, "address": "%s:%d" % self.peer_addresses[name]} for name in self.regions[region]]

    def write(self, name):
        """The file of one edge. Flow style YAML is JSON."""
        region = name.split("-")[0]
        tls = f", tls: {json.dumps(self.tls(name))}" if self.tls else ""
        file = self.folder / f"{name}.yaml"
        others = json.dumps([{"name": r, "edges": self.members(r)} for r in self.regions])
        shield = f"    shield: {self.shield}\n" if self.shield else ""
        site = "".join(f"    {line}\n" for line in self.site.strip("\n").splitlines() if line)
        file.write_text(
            "listen: [ { address: \"%s:%d\" } ]\n" % self.addresses[name] +
            "admin: { address: 127.0.0.1:0 }\n"
            f"workers: {self.workers}\n{self.top}"
            f"region: {region}\n"
            f"peers: {{ self: {name}, members: {json.dumps(self.members(region))}{tls}{self.peers} }}\n"
            f"regions: {others}\n"
            "sites:\n"
            '  - hosts: ["*"]\n'
            f'    origins: [ {{ url: "{self.app.url}" }} ]\n' + shield + site)
        return file

    def begin(self, *names):
        for name in names or [name for region in self.regions.values() for name in region]:
            file = self.write(name)
            self.edges[name] = Edge(self._start("meridian-edge", "--config", file), file, admin=True)
        return self

    def __getitem__(self, name) -> Edge:
        return self.edges[name]

    def reload(self, *names):
        """Gives these edges their files anew, and waits until they are in force."""
        for name in names:
            process, edge = self.edges[name].process, self.edges[name]
            self.write(name)
            said = len(process.stderr)
            process.signal(1)
            process.wait_for_error("is in force", said)
            edge.get("/reloaded")

    def total(self, metric, *names, **labels):
        return sum(self.edges[name].metric(metric, **labels) for name in names or self.edges)


@pytest.fixture
def fleet(start, tmp_path, app):
    """fleet([3, 3], ...) -> Fleet in front of one scripted origin, all of it running."""

    def make(shape, begin=True, **options):
        made = Fleet(start, tmp_path, app, shape, **options)
        return made.begin() if begin else made

    return make
