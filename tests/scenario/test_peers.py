"""Several edges as one cache: owners and shields, and what passes through them (docs/peers.md). What happens when an edge is gone,
frozen or lies is in test_peers_failing.py."""

import asyncio
import re
import threading

import oracle
from conftest import ROOT
from edge_fixtures import *  # noqa: F401,F403  (fixtures)
from fleet import ask_all, caches, certificates, fleet, key_of  # noqa: F401  (fixtures)
from scripted_origin import Gate, Say

FRESH = [("Cache-Control", "max-age=3600"), ("ETag", '"one"')]
REQUESTS = "meridian_edge_peer_requests_total"


def say(app, path, fields=FRESH, size=5000, version=0):
    body = oracle.body(path, size, version=version)
    app.say(path, Say(200, fields, body))
    return body


def test_a_miss_comes_from_the_owner_and_one_request_from_the_region(fleet, app):
    region = fleet([3])
    for i in range(12):
        path = f"/object-{i}"
        body = say(app, path)
        for edge in region.edges.values():
            got = edge.get(path)
            assert (got.status, got.body) == (200, body), got["Cache-Status"]
        assert len(app.asked_for(path)) == 1
    assert region.total(REQUESTS, outcome="answered", role="peer") == 24
    assert region.total(REQUESTS) == 24
    assert region.total("meridian_edge_served_total", tier="peer") == 24
    assert region.total("meridian_edge_peer_served_total", role="peer") == 24


def test_connections_between_edges_are_kept(fleet, app):
    region = fleet([2])
    for i in range(30):
        say(app, f"/object-{i}")
        region["r1-e1"].get(f"/object-{i}")
    accepted = region["r1-e2"].metric("meridian_edge_connections_accepted_total")
    assert region["r1-e1"].metric(REQUESTS) > 5 and accepted == 1


def test_cache_status_names_each_cache_and_tier(fleet, app):
    world = fleet([2, 2], shield="r2")
    path = key_of(world, app, "r1-e2", "r1-e1")
    body = say(app, path)
    got = world["r1-e1"].get(path)
    assert got.body == body
    (shield, first), (owner, second), (asker, third) = caches(got)
    assert shield.startswith("r2-") and (owner, asker) == ("r1-e2", "r1-e1"), got["Cache-Status"]
    assert "fwd=uri-miss" in first and "stored" in first and "detail" not in first
    assert "fwd=uri-miss" in second and "stored" in second and "detail=shield" in second
    assert "fwd=uri-miss" in third and "stored" in third and "detail=peer" in third
    name, again = caches(world["r1-e1"].get(path))[-1]
    assert name == "r1-e1" and "; hit" in again


def test_one_asker_at_the_origin_for_the_whole_fleet(fleet, app):
    world = fleet([3, 3, 3], shield="r2", workers=2)
    body = oracle.body("/cold", 100_000)
    gate = Gate(b"", Say(200, FRESH, body))
    app.say("/cold", gate, Say(500, [], "asked twice"))
    addresses = list(world.addresses.values())
    opener = threading.Thread(target=lambda: (gate.wait_reached(), gate.open()))
    opener.start()
    wrong = asyncio.run(ask_all(addresses, "/cold", 1000, body))
    opener.join()
    assert not wrong, (len(wrong), wrong[:5])
    assert len(app.asked_for("/cold")) == 1
    assert world.total(REQUESTS) == world.total(REQUESTS, outcome="answered")
    # And a second crowd asks nobody.
    assert not asyncio.run(ask_all(addresses, "/cold", 200, body))
    assert len(app.asked_for("/cold")) == 1


def test_a_slow_origin_is_not_taken_for_a_dead_edge(fleet, app):
    """The owner says that it is at it; r1-e3 is this test, which counts how often."""
    region = fleet([3], peers=", first_byte_timeout: 60ms", site="cache: { hit_for_miss: 0s }", but=["r1-e3"])
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = oracle.body(path, 3000)
    gate = Gate(b"", Say(200, FRESH, body))
    app.say(path, gate, Say(500, [], "asked twice"))
    answer = {}
    asker = threading.Thread(target=lambda: answer.update(got=region["r1-e1"].get(path)))
    asker.start()
    gate.wait_reached()
    with region.as_edge("r1-e3", "r1-e2") as hop:
        hop.request(path, fields=region.hop_fields("r1-e3"))
        signs = [hop._read_head().status for _ in range(8)]  # four times as long as an edge may be silent
        gate.open()
        assert hop.read_response().body == body
    asker.join()
    assert signs == [102] * 8
    assert (answer["got"].status, answer["got"].body) == (200, body)
    assert len(app.asked_for(path)) == 1
    assert region["r1-e1"].metric(REQUESTS, outcome="failed") == 0


def test_age_and_freshness_pass_unchanged(fleet, app):
    world = fleet([3, 1], shield="r2", site="cache: { hit_for_miss: 0s }", but=["r1-e3"])
    path = key_of(world, app, "r1-e2", "r1-e1")
    fields = [("Age", "100"), ("Cache-Control", "max-age=1000, stale-while-revalidate=7, stale-if-error=8"),
              ("CDN-Cache-Control", "max-age=2000, stale-while-revalidate=9"),
              ("Meridian-Cache-Control", "max-age=3000, stale-while-revalidate=11, stale-if-error=12")]
    say(app, path, fields)
    got = world["r1-e1"].get(path)
    assert 100 <= got.age <= 100 + 60
    assert "Meridian-Cache-Control" not in got and "Meridian-Fill" not in got
    with world.as_edge("r1-e3", "r1-e2") as hop:
        told = hop.ask(path, fields=world.hop_fields("r1-e3"))
    fill = dict(item.split("=") for item in told["Meridian-Fill"].split(";"))
    assert (fill["seq"], fill["lifetime"], fill["swr"], fill["sie"], fill["keep"]) == ("0", "3000", "11", "12", "yes")
    assert 100 <= int(fill["age"]) <= 160 and told["Meridian-Cache-Control"] == fields[-1][1]
    # The owner keeps it for as long as it is fresh, the asker for a moment.
    ttl = {name: int(re.search(r"ttl=(\d+)", caches(world[name].get(path))[-1][1])[1]) for name in ("r1-e1", "r1-e2")}
    assert ttl["r1-e1"] <= 5 < 2000 < ttl["r1-e2"]


def test_a_hot_copy_is_validated_with_the_owner(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = say(app, path, [("Cache-Control", "max-age=3600"), ("ETag", '"one"')])
    assert region["r1-e1"].get(path).body == body
    got = region["r1-e1"].get(path, [("Cache-Control", "max-age=0")])
    assert (got.status, got.body) == (200, body)
    assert app.asked_for(path)[-1]["If-None-Match"] == '"one"', "no-cache and its like go to the origin"
    app.say(path, Say(304, [("ETag", '"one"'), ("Cache-Control", "max-age=0")]))
    before = len(app.asked_for(path))
    for _ in range(2):
        got = region["r1-e1"].get(path, [("Cache-Control", "no-cache")])
        assert (got.status, got.body) == (200, body)
    assert len(app.asked_for(path)) == before + 2
    assert region["r1-e1"].metric("meridian_edge_revalidations_total", outcome="not-modified") >= 2


def test_without_hot_copies_the_owner_is_asked_each_time(fleet, app):
    region = fleet([2], peers=", hot_copy: 0s", site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = say(app, path)
    for _ in range(3):
        got = region["r1-e1"].get(path)
        assert got.body == body and "detail=other-edge" in caches(got)[-1][1]
    assert len(app.asked_for(path)) == 1


def test_a_hot_copy_goes_to_no_disk(fleet, app, tmp_path):
    def top(name):
        (tmp_path / name).mkdir()
        return f"cache: {{ ram: 1MiB, ssd: {{ path: {tmp_path / name}, size: 64MiB, admission: all }} }}\n"

    region = fleet([2], top=top, site="cache: { hit_for_miss: 0s }", peers=", hot_copy: 1d")
    paths = key_of(region, app, "r1-e2", "r1-e1", 60)
    for path in paths:
        body = say(app, path, size=40_000)
        assert region["r1-e1"].get(path).body == body
    for path in paths:
        assert region["r1-e1"].get(path).body == oracle.body(path, 40_000)
    assert all(len(app.asked_for(path)) == 1 for path in paths)
    put = "meridian_edge_ssd_bytes_total"
    assert region["r1-e1"].metric("meridian_edge_cache_evictions_total", tier="ram") > 0
    assert region["r1-e1"].metric(put, direction="put") == 0 < region["r1-e2"].metric(put, direction="put")


def test_what_is_too_large_for_memory_streams_through(fleet, app, tmp_path):
    def top(name):
        (tmp_path / name).mkdir()
        return f"cache: {{ ram: 1MiB, ssd: {{ path: {tmp_path / name}, size: 64MiB, admission: all }} }}\n"

    region = fleet([2], top=top, site="cache: { hit_for_miss: 10s }")
    paths = [f"/large-{i}" for i in range(6)]
    for path in paths:
        body = say(app, path, size=600_000)
        for edge in region.edges.values():
            for _ in range(2):
                assert edge.get(path).body == body
        assert region["r1-e1"].get(path, [("Range", "bytes=300000-300099")]).body == body[300_000:300_100]
        assert len(app.asked_for(path)) == 1
    assert 0 < region.total("meridian_edge_peer_requests_total", outcome="answered")


def test_ranges(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    cold, warm = key_of(region, app, "r1-e2", "r1-e1", 2)
    part = oracle.body(cold, 5000)[1000:1100]
    fields = [*FRESH, ("Content-Range", "bytes 1000-1099/5000")]
    app.say(cold, Say(206, fields, part))
    got = region["r1-e1"].get(cold, [("Range", "bytes=1000-1099")])
    assert (got.status, got.body, got["Content-Range"]) == (206, part, "bytes 1000-1099/5000")
    body = say(app, warm)
    assert region["r1-e2"].get(warm).body == body
    before = len(app.asked_for(warm))
    got = region["r1-e1"].get(warm, [("Range", "bytes=10-19")])
    assert (got.status, got.body) == (206, body[10:20])
    assert region["r1-e1"].get(warm).body == body
    assert len(app.asked_for(warm)) == before


def test_variants(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    for version, language in enumerate(["en", "de", "fr"]):
        body = say(app, path, [*FRESH, ("Vary", "Accept-Language")], version=version)
        assert region["r1-e1"].get(path, [("Accept-Language", language)]).body == body
    app.say(path, Say(500, [], "asked once more"))
    for version, language in enumerate(["en", "de", "fr"]):
        for edge in region.edges.values():
            assert edge.get(path, [("Accept-Language", language)]).body == oracle.body(path, 5000, version=version)


def test_what_is_private_is_kept_nowhere_and_releases_its_followers(fleet, app):
    world = fleet([2, 2], shield="r2")
    path = key_of(world, app, "r1-e2", "r1-e1")
    gate = Gate(b"", Say(200, [("Cache-Control", "private")], "for one"))
    app.say(path, gate, Say(200, [("Cache-Control", "private")], "for one"))
    opener = threading.Thread(target=lambda: (gate.wait_reached(), gate.open()))
    opener.start()
    wrong = asyncio.run(ask_all(list(world.addresses.values()), path, 40, b"for one"))
    opener.join()
    assert not wrong, wrong[:3]
    assert len(app.asked_for(path)) == 40
    asked = world.total(REQUESTS)
    assert not world["r1-e1"].get(path).hit
    assert world.total(REQUESTS) == asked, "the next ones ask the origin at once"


def test_only_what_may_be_shared_goes_to_other_edges(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    say(app, path)
    asked = region.total(REQUESTS)
    edge = region["r1-e1"]
    edge.get(path, method="POST", body=b"x")
    edge.get(path, [("Authorization", "Basic eDp5")])
    edge.get(path, body=b"x")
    edge.get(path, [("If-Match", '"one"')])
    assert region.total(REQUESTS) == asked
    assert edge.get(path, method="HEAD").status == 200
    assert region.total(REQUESTS) == asked + 1


def test_what_was_written_here_is_seen_here(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    old = say(app, path, version=1)
    assert all(edge.get(path).body == old for edge in region.edges.values())
    app.say(path, Say(204, []), Say(200, FRESH, oracle.body(path, 5000, version=2)))
    assert region["r1-e1"].get(path, method="PUT", body=b"new").status == 204
    for name in ("r1-e1", "r1-e2"):
        assert region[name].get(path).body == oracle.body(path, 5000, version=2), name


def test_errors_and_stale_answers_pass(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s, stale_if_error: 0s }")
    missing, old = key_of(region, app, "r1-e2", "r1-e1", 2)
    app.say(missing, Say(404, [("Cache-Control", "max-age=60")], "not here"))
    for _ in range(2):
        assert [edge.get(missing).status for edge in region.edges.values()] == [404, 404]
    assert len(app.asked_for(missing)) == 1
    body = say(app, old, [("Cache-Control", "max-age=10, stale-if-error=600"), ("Age", "20"), ("ETag", '"old"')])
    assert region["r1-e1"].get(old).body == body
    app.say(old, Say(503, [], "down"))
    for edge in region.edges.values():
        got = edge.get(old)
        assert (got.status, got.body) == (200, body), got["Cache-Status"]


def test_the_origin_sees_the_client_and_not_the_edges(fleet, app):
    world = fleet([2, 1], shield="r2",
                  site="forwarding: { request_id_response: true, forwarded: true }\ncache: { hit_for_miss: 0s }")
    path = key_of(world, app, "r1-e2", "r1-e1")
    say(app, path)
    got = world["r1-e1"].get(path, [("X-Forwarded-For", "192.0.2.9"), ("CDN-Loop", "elsewhere")])
    asked = app.asked_for(path)[-1]
    assert asked["X-Forwarded-For"] == "127.0.0.1" and asked["X-Forwarded-Proto"] == "http"
    assert asked["Forwarded"].startswith("for=127.0.0.1;") and "," not in asked["Forwarded"]
    assert asked["X-Request-ID"] == got["X-Request-ID"] != ""
    assert asked["CDN-Loop"] == "elsewhere, meridian"
    assert asked["Via"] == "1.1 meridian, 1.1 meridian, 1.1 meridian"
    assert "Meridian-Hop" not in asked and "Meridian-Fill" not in got


def test_nobody_but_an_edge_speaks_for_an_edge(fleet, app):
    region = fleet([2], site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = say(app, path, [*FRESH, ("Meridian-Fill", "seq=9;age=9;lifetime=9;key=9")])
    forged = [("Meridian-Hop", "role=shield-peer;edge=r1-e2;client=192.0.2.1;scheme=https;id=forged;least-seq=99")]
    got = region["r1-e1"].get(path, forged)
    assert (got.status, got.body) == (200, body)
    assert "Meridian-Fill" not in got and "Meridian-Hop" not in got
    asked = app.asked_for(path)[-1]
    assert "Meridian-Hop" not in asked and asked["X-Forwarded-For"] == "127.0.0.1" and asked["X-Request-ID"] != "forged"
    assert len(caches(got)) == 2, "as any client's request"
    assert region["r1-e1"].metric("meridian_edge_peer_refused_total", reason="stranger") == 1
    looped = region["r1-e1"].get(path, [("CDN-Loop", "meridian, meridian")])
    assert looped.status == 508 and region.total("meridian_edge_loops_total") == 1
    assert region["r1-e1"].get(path, [("CDN-Loop", "meridian, elsewhere")]).status == 200


def test_what_an_edge_says_wrongly_is_refused(fleet, app):
    region = fleet([3], but=["r1-e3"])
    say(app, "/page")
    with region.as_edge("r1-e3", "r1-e2") as hop:
        for said in ("role=boss;edge=r1-e3", "", "role=peer;edge=r1-e3;edge=r1-e3"):
            assert hop.ask("/page", fields=[("Meridian-Hop", said)]).status == 400
        assert hop.ask("/page", fields=[*region.hop_fields("r1-e3"), *region.hop_fields("r1-e3")]).status == 400
        behind = hop.ask("/page", fields=[("Meridian-Hop", "role=peer;edge=r1-e3;least-seq=1")])
        assert (behind.status, behind["Meridian-Fill"]) == (503, "refused=behind")
        assert hop.ask("/page", fields=region.hop_fields("r1-e3")).status == 200
    assert region["r1-e2"].metric("meridian_edge_peer_refused_total", reason="malformed") == 4


def test_a_request_goes_no_further_than_its_role_allows(fleet, app):
    world = fleet([3, 2], shield="r2", but=["r1-e3"], site="cache: { hit_for_miss: 0s }")
    path = key_of(world, app, "r1-e2", "r1-e1")
    for role, wanted in (("peer", 2), ("shield", 2), ("shield-peer", 1)):
        say(app, path, [("Cache-Control", "no-store")])
        with world.as_edge("r1-e3", "r1-e1") as hop:
            got = hop.ask(path, fields=world.hop_fields("r1-e3", role))
        assert got.status == 200 and len(caches(got)) == wanted, (role, got["Cache-Status"])


def test_edges_that_know_each_other_by_certificate(fleet, app, certificates):
    region = fleet([2], tls=certificates, site="cache: { hit_for_miss: 0s }")
    path = key_of(region, app, "r1-e2", "r1-e1")
    body = say(app, path)
    got = region["r1-e1"].get(path)
    assert got.body == body and [name for name, _ in caches(got)] == ["r1-e2", "r1-e1"], got["Cache-Status"]
    assert region.total(REQUESTS, outcome="answered") == region.total(REQUESTS) > 0
    # An address proves nothing then, and nobody comes in without a certificate of theirs.
    with region.as_edge("r1-e2", "r1-e1") as hop:
        assert "Meridian-Fill" not in hop.ask(path, fields=region.hop_fields("r1-e2"))
    for name, proven in (("r1-e2", True), ("stranger", False), (None, False)):
        assert certificates.is_let_in(region.peer_addresses["r1-e1"], name) == proven, name


def test_the_guides_files_are_taken_as_pasted(start, tmp_path):
    guide = (ROOT / "docs/guide.md").read_text().split("## Several edges, several regions")[1].split("\n## ")[0]
    files = re.findall(r"```yaml\n(.*?)```", guide, re.S)
    assert len(files) == 3
    for number, text in enumerate(files[:2]):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        check = start("meridian-edge", "--config", file, "--check")
        assert check.wait() == 0, check.stderr
