"""meridian-origin as a person would use it: files, conditionals, ranges, paths, life."""

import concurrent.futures
import gzip
import hashlib
import os
import re
import signal
import subprocess

import pytest

import oracle
from conftest import binary, connect, read_all
from origin_client import ask


@pytest.fixture
def site(origin):
    served = origin()
    (served.root / "index.html").write_text("<h1>home</h1>")
    (served.root / "a.txt").write_text("0123456789")
    (served.root / "docs").mkdir()
    (served.root / "docs/index.html").write_text("docs")
    (served.root / "empty").mkdir()
    (served.root / ".secret").write_text("no")
    (served.root / ".well-known").mkdir()
    (served.root / ".well-known/security.txt").write_text("yes")
    return served


def test_serves_files_with_their_metadata(site):
    reply = ask(site.address, "/a.txt")
    assert (reply.status, reply.body) == (200, b"0123456789")
    assert reply["Content-Type"] == "text/plain; charset=utf-8"
    assert reply["Content-Length"] == "10"
    assert re.fullmatch(r'"[0-9a-f]+-a-[0-9a-f]+"', reply["ETag"])
    for date in ("Last-Modified", "Date"):
        assert re.fullmatch(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT", reply[date])
    head = ask(site.address, "/a.txt", "HEAD")
    assert head.body == b""
    drop_date = lambda r: [f for f in r.fields if f[0] != "Date"]
    assert drop_date(head) == drop_date(reply)


def test_index_and_folders(site):
    assert ask(site.address, "/").body == b"<h1>home</h1>"
    moved = ask(site.address, "/docs?x=1")
    assert (moved.status, moved["Location"]) == (301, "/docs/?x=1")
    assert ask(site.address, "/docs/").body == b"docs"
    assert ask(site.address, "/empty/").status == 404
    assert ask(site.address, "/a.txt/").status == 404
    # A path that begins with two slashes must not be answered with a redirect to another host.
    assert ask(site.address, "//docs")["Location"] == "/docs/"


def test_conditionals(site):
    reply = ask(site.address, "/a.txt")
    etag, modified = reply["ETag"], reply["Last-Modified"]
    cases = [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": f'"other", {etag}'}, 304),
        ({"If-Modified-Since": modified}, 304),
        ({"If-None-Match": '"other"', "If-Modified-Since": modified}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": "Mon, 01 Jan 2001 00:00:00 GMT"}, 412),
    ]
    for headers, status in cases:
        assert ask(site.address, "/a.txt", headers=headers).status == status, headers
    (site.root / "a.txt").write_text("changed and longer")
    assert ask(site.address, "/a.txt", headers={"If-None-Match": etag}).status == 200


def test_ranges(site):
    single = ask(site.address, "/a.txt", headers={"Range": "bytes=2-4"})
    assert (single.status, single.body, single["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    several = ask(site.address, "/a.txt", headers={"Range": "bytes=0-0,-2"})
    boundary = re.fullmatch(r"multipart/byteranges; boundary=(\S+)", several["Content-Type"])[1].encode()
    parts = several.body.split(b"--" + boundary)
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]] == [b"0\r\n", b"89\r\n"]
    assert b"Content-Range: bytes 8-9/10" in parts[2]
    beyond = ask(site.address, "/a.txt", headers={"Range": "bytes=10-"})
    assert (beyond.status, beyond["Content-Range"]) == (416, "bytes */10")
    other = ask(site.address, "/a.txt", headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (other.status, other.body) == (200, b"0123456789")


def test_methods(site):
    refused = ask(site.address, "/a.txt", "DELETE")
    assert (refused.status, refused["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert ask(site.address, "/a.txt", "POST", body=b"x" * 100_000).status == 405
    assert ask(site.address, "/a.txt", "BREW").status == 501
    for target in ("/a.txt", "*"):
        options = ask(site.address, target, "OPTIONS")
        assert (options.status, options["Allow"], options.body) == (204, "GET, HEAD, OPTIONS", b"")


def test_nothing_outside_the_root(site, tmp_path):
    (tmp_path / "outside.txt").write_text("outside")
    (site.root / "absolute").symlink_to(tmp_path / "outside.txt")
    (site.root / "climbing").symlink_to("../outside.txt")
    (site.root / "inside").symlink_to("a.txt")
    os.mkfifo(site.root / "pipe")
    targets = {
        "/../outside.txt": 400,
        "/docs/../../outside.txt": 400,
        "/%2e%2e/outside.txt": 400,
        "/..%2foutside.txt": 404,
        "/..%5coutside.txt": 404,
        "/absolute": 404,
        "/climbing": 404,
        "/inside": 200,
        "/pipe": 404,
        "/a.txt%00.html": 400,
        "/%zz": 400,
        "/.secret": 404,
        "/%2esecret": 404,
        "/.well-known/security.txt": 200,
        "/" + "x" * 300: 404,
    }
    for target, status in targets.items():
        reply = ask(site.address, target)
        assert reply.status == status, target
        assert reply.body != b"outside"


def test_symlink_policies(origin, tmp_path):
    (tmp_path / "outside.txt").write_text("outside")
    for policy, inside, outside in (("never", 404, 404), ("inside", 200, 404), ("all", 200, 200)):
        served = origin(config=f"symlinks: {policy}\n")
        (served.root / "a.txt").write_text("a")
        for name, target in (("in", "a.txt"), ("out", tmp_path / "outside.txt")):
            (served.root / name).unlink(missing_ok=True)
            (served.root / name).symlink_to(target)
        assert ask(served.address, "/in").status == inside, policy
        assert ask(served.address, "/out").status == outside, policy


def test_precompressed_siblings(site):
    text = b"body { margin: 0 }" * 100
    (site.root / "a.css").write_bytes(text)
    (site.root / "a.css.gz").write_bytes(gzip.compress(text))
    plain = ask(site.address, "/a.css")
    packed = ask(site.address, "/a.css", headers={"Accept-Encoding": "br;q=0, gzip;q=0.5"})
    assert "Content-Encoding" not in plain and packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body == text
    assert plain["Vary"] == packed["Vary"] == "Accept-Encoding"
    assert plain["Content-Type"] == packed["Content-Type"] == "text/css; charset=utf-8"
    assert plain["ETag"] != packed["ETag"]
    # The tag of one coding does not match the other.
    crossed = {"Accept-Encoding": "gzip", "If-None-Match": plain["ETag"]}
    assert ask(site.address, "/a.css", headers=crossed).status == 200
    assert ask(site.address, "/a.css.gz")["Content-Type"] == "application/gzip"


def test_rules_and_listing_from_a_file(origin):
    served = origin(
        config="""
listing: true
rules:
  - path: /**
    headers: ["X-Frame-Options: DENY"]
  - path: /assets/**
    cache_control: public, max-age=31536000, immutable
    surrogate_key: assets
"""
    )
    (served.root / "assets").mkdir()
    (served.root / "assets/app.js").write_text("1")
    reply = ask(served.address, "/assets/app.js")
    assert reply["Cache-Control"] == "public, max-age=31536000, immutable"
    assert (reply["Surrogate-Key"], reply["X-Frame-Options"]) == ("assets", "DENY")
    fresh = ask(served.address, "/assets/app.js", headers={"If-None-Match": reply["ETag"]})
    assert (fresh.status, fresh["Cache-Control"]) == (304, reply["Cache-Control"])
    listing = ask(served.address, "/")
    assert 'href="./assets/"' in listing.body.decode() and "Cache-Control" not in ask(served.address, "/none")


def test_large_files_arrive_whole(site):
    content = oracle.fill(1, 4096) * 5000
    (site.root / "large.bin").write_bytes(content)
    reply = ask(site.address, "/large.bin")
    assert hashlib.sha256(reply.body).digest() == hashlib.sha256(content).digest()
    middle = ask(site.address, "/large.bin", headers={"Range": "bytes=10000001-10400000"})
    assert middle.body == content[10_000_001:10_400_001]


@pytest.mark.parametrize("change", ["shorter", "written"])
def test_a_file_that_changes_while_it_is_sent_never_passes_for_whole(site, change):
    size = 256 * 1024 * 1024
    path = site.root / "large.bin"
    with path.open("wb") as file:
        file.truncate(size)
    with connect(site.address) as client:
        client.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        first = client.recv(4096)
        assert f"Content-Length: {size}\r\n".encode() in first
        # Nobody can have sent so much yet: the client has not read it.
        if change == "shorter":
            os.truncate(path, 1000)
        else:
            with path.open("r+b") as file:
                file.write(b"changed")
        received = len(first) + len(read_all(client))
    assert received < size
    assert ask(site.address, "/a.txt").status == 200


def test_a_client_that_does_not_read_holds_up_nobody(site):
    with (site.root / "large.bin").open("wb") as file:
        file.truncate(1 << 30)
    with connect(site.address) as lazy:
        lazy.sendall(b"GET /large.bin HTTP/1.1\r\nHost: x\r\n\r\nGET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n")
        lazy.recv(1)
        for _ in range(50):
            assert ask(site.address, "/a.txt").body == b"0123456789"
        # What waits for the lazy client is bounded.
        status = open(f"/proc/{site.process.pid}/status").read()
        assert int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) < 300_000


def test_several_workers_serve_at_once(origin):
    served = origin("--workers", "4")
    (served.root / "a.txt").write_text("0123456789")

    def work(n):
        assert ask(served.address, "/a.txt").body == b"0123456789"
        return ask(served.address, f"/_bytes/{n}").body == oracle.body(f"/_bytes/{n}", n)

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(work, range(200)))


def test_pipelined_requests_are_answered_in_order(site):
    with connect(site.address) as client:
        client.sendall(
            b"GET /a.txt HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /_bytes/3 HTTP/1.1\r\nHost: x\r\n\r\n"
            b"GET /none HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        )
        data = read_all(client)
    assert re.findall(rb"HTTP/1.1 (\d+)", data) == [b"200", b"200", b"404"]
    assert oracle.body("/_bytes/3", 3) in data


def test_bad_requests_are_refused_and_counted(site):
    with connect(site.address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b" 400 " in read_all(client).split(b"\r\n")[0]
    metrics = ask(site.admin, "/metrics").body.decode()
    assert 'meridian_origin_bad_requests_total{reason="cl-with-te"} 1' in metrics


def test_access_log_is_rotated_on_sighup(origin, tmp_path):
    log = tmp_path / "access.log"
    served = origin("--access-log", log)

    def ask_until(condition):
        # Lines are written behind the answers' backs: each round gives the writer the time of a whole exchange.
        for _ in range(10_000):
            ask(served.address, "/_status/204", headers={"User-Agent": 'a"b'})
            if condition():
                return
        pytest.fail("the log was not written")

    ask_until(lambda: log.stat().st_size > 0)
    log.rename(tmp_path / "old.log")
    served.process.signal(signal.SIGHUP)
    ask_until(lambda: log.exists() and log.stat().st_size > 0)
    served.process.stop()
    assert '"GET /_status/204 HTTP/1.1" 204' in (tmp_path / "old.log").read_text()
    assert r'"a\x22b"' in (tmp_path / "old.log").read_text()


def test_sigterm_lets_requests_finish(site):
    with connect(site.address) as client:
        client.sendall(b"GET /_chunked/40?piece=1&interval=10 HTTP/1.1\r\nHost: x\r\n\r\n")
        head = client.recv(65536)
        assert head.startswith(b"HTTP/1.1 200 ")
        site.process.signal(signal.SIGTERM)
        rest = read_all(client)
    assert (head + rest).endswith(b"\r\n0\r\n\r\n")
    assert site.process.wait() == 0
    with pytest.raises(ConnectionRefusedError):
        connect(site.address)


def test_the_drain_has_a_deadline(origin):
    served = origin(config="drain_timeout: 200ms\n")
    with connect(served.address) as client:
        client.sendall(b"GET /_sse HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
        served.process.signal(signal.SIGTERM)
        assert served.process.wait() == 0


def run(*arguments):
    return subprocess.run([binary("meridian-origin"), *map(str, arguments)], capture_output=True, text=True)


def test_help_and_version():
    wanted = run("--help")
    assert wanted.returncode == 0 and "--root" in wanted.stdout and "/faults" in wanted.stdout
    assert re.fullmatch(r"meridian-origin \d+\.\d+\.\d+\n", run("--version").stdout)


def test_mistakes_are_named(tmp_path):
    file = tmp_path / "origin.yaml"
    file.write_text("listen: 127.0.0.1:0\nworkes: 2\nsymlinks: some\nfaults:\n  - { name: x, status: 200 }\n")
    refused = run("--config", file)
    assert refused.returncode == 2
    for line in (f"{file}:2:1: unknown key \"workes\"", f"{file}:3:11: symlinks:", f"{file}:5:24: faults[0].status:"):
        assert line in refused.stderr
    assert "workers" in refused.stderr and "never | inside | all" in refused.stderr
    assert "--listen" in run().stderr
    assert "'nonsense'" in run("--listen", "nonsense").stderr
    assert "No such file" in run("--listen", "127.0.0.1:0", "--root", tmp_path / "none").stderr
    assert run("--listen", "127.0.0.1:0", "--frobnicate").returncode == 2
