"""Large bodies that are asked for by ranges: what is asked of the origin, and that it is asked once (docs/tiers.md)."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from edge_fixtures import app, edge, scripted  # noqa: F401  (fixtures)
from range_origin import FETCHES, MIB, PATH, SIZE, RangeOrigin, body_of, check, disk, film, known, settled, span  # noqa: F401
from scripted_origin import Gate, Say
from test_tiers import until


# --- what is asked of the origin


def test_the_first_range_goes_as_it_is_and_the_others_as_slices(edge, app, film):
    served = edge(app)
    first = check(served, film, 10, 19)
    assert film.ranges() == ["bytes=10-19"] and "fwd=uri-miss" in first["Cache-Status"]
    got = check(served, film, 3 * MIB + 5, 3 * MIB + 9)
    assert film.ranges()[1:] == [f"bytes={3 * MIB}-{4 * MIB - 1}"]
    assert film.asked[1]["If-Range"] == film.etag
    assert 'fwd=partial; fwd-status=206; stored; detail="0 of 1 slices held"' in got["Cache-Status"]
    settled(served, 1)
    again = check(served, film, 3 * MIB + 100, 4 * MIB - 1)
    assert again.hit and len(film.asked) == 2


def test_a_range_over_several_slices_asks_for_those_that_lack(edge, app, film):
    served = known(edge(app))
    check(served, film, MIB, MIB)
    settled(served, 1)
    got = check(served, film, 100, 3 * MIB + 100)
    assert '"1 of 4 slices held"' in got["Cache-Status"]
    assert sorted(film.ranges()[1:]) == sorted(f"bytes={i * MIB}-{(i + 1) * MIB - 1}" for i in range(4))
    settled(served, 4)
    assert served.metric("meridian_edge_slice_lookups_total", result="hit") == 1


def test_what_the_first_answer_brings_of_whole_slices_is_kept(edge, app, film):
    served = edge(app)
    first = check(served, film, 5, 3 * MIB + 5)
    assert "; stored" in first["Cache-Status"]
    assert check(served, film, MIB, 3 * MIB - 1).hit and len(film.asked) == 1
    check(served, film, 0, 0)
    check(served, film, 3 * MIB, 3 * MIB)
    assert film.ranges()[1:] == ["bytes=0-1048575", f"bytes={3 * MIB}-{4 * MIB - 1}"]


KINDS = {
    "open-ended": ("bytes=6291456-", slice(6 * MIB, None)),
    "suffix": ("bytes=-100", slice(-100, None)),
    "suffix longer than the body": (f"bytes=-{SIZE + 5}", slice(0, None)),
    "beyond the end": (f"bytes={SIZE - 5}-{SIZE + 100}", slice(SIZE - 5, None)),
    "one byte": ("bytes=2097151-2097151", slice(2 * MIB - 1, 2 * MIB)),
    "on the edge of two": ("bytes=2097151-2097152", slice(2 * MIB - 1, 2 * MIB + 1)),
    "everything": ("bytes=0-", slice(0, None)),
}


@pytest.mark.parametrize("given, part", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("first", [True, False], ids=["unknown", "known"])
def test_every_kind_of_range(edge, app, film, given, part, first):
    served = edge(app)
    if not first:
        known(served)
    for _ in range(2):
        got = served.get(PATH, {"Range": given})
        assert got.status == 206 and got.whole and got.body == film.body[part]
        begin, end, _ = part.indices(SIZE)
        assert got["Content-Range"] == f"bytes {begin}-{end - 1}/{SIZE}"


def test_several_ranges_at_once(edge, app, film):
    served = known(edge(app))
    wanted = [(5 * MIB, 5 * MIB + 9), (MIB - 5, MIB + 4), (SIZE - 3, SIZE - 1)]
    got = served.get(PATH, {"Range": "bytes=" + ", ".join(f"{a}-{b}" for a, b in wanted)})
    assert got.status == 206 and got.whole and got["Content-Type"].startswith("multipart/byteranges")
    boundary = got["Content-Type"].split("boundary=")[1].strip('"').encode()
    parts = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in got.body.split(b"--" + boundary)[1:-1]]
    assert parts == [film.body[a:b + 1] for a, b in wanted]
    assert len(film.asked) == 1 + 4


def test_heads_and_conditions_need_no_slice(edge, app, film):
    served = known(edge(app))
    head = served.get(PATH, method="HEAD")
    assert (head.status, head["Content-Length"]) == (200, str(SIZE)) and head.hit and "Content-Range" not in head
    assert served.get(PATH, {"If-None-Match": film.etag}).status == 304
    assert served.get(PATH, {**span(0, 9), "If-None-Match": film.etag}).status == 304
    beyond = served.get(PATH, span(SIZE, SIZE + 10))
    assert (beyond.status, beyond["Content-Range"]) == (416, f"bytes */{SIZE}")
    assert len(film.asked) == 1


def test_if_range(edge, app, film):
    served = known(edge(app))
    same = served.get(PATH, {**span(5, 9), "If-Range": film.etag})
    assert (same.status, same.body) == (206, film.body[5:10])
    other = served.get(PATH, {**span(5, 9), "If-Range": '"other"'})
    assert (other.status, other.body) == (200, film.body)


def test_what_an_origin_leaves_out_for_if_range_is_no_head_for_others(edge, app, film):
    """RFC 9110 section 15.3.7: a client that says what it has is not told again of what type it is."""
    served = edge(app)
    for _ in range(2):
        got = served.get(PATH, {**span(0, 9), "If-Range": film.etag})
        assert (got.status, got.body) == (206, film.body[:10])
        assert served.get(PATH, {**span(MIB, MIB), "If-Range": film.etag}).body == film.body[MIB:MIB + 1]
    assert set(film.ranges()) == {"bytes=0-9", "bytes=1048576-1048576"}
    film.fields.append(("Content-Type", "video/mp4"))
    for at in (2, 3):
        served.get(PATH, {**span(at * MIB, at * MIB), "If-Range": film.etag})
    assert film.ranges()[-1] == f"bytes={3 * MIB}-{4 * MIB - 1}"


def test_answers_for_one_client_are_shared_with_nobody(edge, app, film):
    """RFC 9111 section 3.5: the film may be stored, and its slices as well, but not from answers to credentials."""
    served = known(edge(app))
    for _ in range(2):
        got = served.get(PATH, {**span(MIB, MIB + 9), "Authorization": "Basic eDp5"})
        assert got.status == 206 and got.body == film.body[MIB:MIB + 10]
        assert film.asked[-1]["Authorization"] == "Basic eDp5"
    assert len(film.asked) == 3 and served.metric(FETCHES, outcome="kept") == 0
    check(served, film, MIB, MIB + 9)
    assert len(film.asked) == 4 and "Authorization" not in film.asked[3]


def test_only_if_cached_asks_nobody(edge, app, film):
    served = known(edge(app))
    check(served, film, 0, 9)
    settled(served, 1)
    asked = len(film.asked)
    only = {"Cache-Control": "only-if-cached"}
    assert served.get(PATH, {**span(0, 9), **only}).body == film.body[:10]
    assert served.get(PATH, {**span(MIB, MIB), **only}).status == 504
    assert len(film.asked) == asked


@pytest.mark.parametrize("site", ["cache: { slice: 0 }", "cache: { slice_from: 100MiB }"], ids=["off", "too small"])
def test_policy(edge, app, film, site):
    served = edge(app, site=site)
    for _ in range(2):
        check(served, film, 0, 9)
        check(served, film, MIB, MIB + 9)
    assert set(film.ranges()) == {"bytes=0-9", "bytes=1048576-1048585"}


def test_slices_have_the_size_that_is_asked_for(edge, app, film):
    served = known(edge(app, site="cache: { slice: 200KiB }"))
    check(served, film, 300_000, 300_000)
    # Without a disk, whole multiples of 64 KiB.
    assert film.ranges()[1:] == ["bytes=262144-524287"]


def test_each_variant_has_its_own_slices(edge, app):
    films = {language: RangeOrigin(body_of(language, SIZE), f'"{language}"',
                                   [("Cache-Control", "max-age=3600"), ("Vary", "Accept-Language")])
             for language in ("en", "de")}
    app.say(PATH, lambda connection, asked: films[asked["Accept-Language"]](connection, asked))
    served = edge(app)
    for _ in range(2):
        for language, film in films.items():
            for at in (0, MIB, SIZE - 10):
                got = served.get(PATH, {**span(at, at + 9), "Accept-Language": language})
                assert got.status == 206 and got.body == film.body[at:at + 10]
    assert [len(film.asked) for film in films.values()] == [4, 4]


# --- the whole


def test_a_request_for_the_whole_asks_for_what_lacks(edge, app, film, tmp_path):
    served = known(edge(app, top=disk(tmp_path / "ssd")))
    check(served, film, 2 * MIB, 2 * MIB)
    got = served.get(PATH)
    assert (got.status, got.body) == (200, film.body) and got.whole
    assert len(film.asked) == 1 + 7
    settled(served, 7)
    assert served.get(PATH).hit and len(film.asked) == 8


def test_memory_alone_is_not_filled_by_who_wants_the_whole(edge, app, film):
    served = known(edge(app))
    check(served, film, 2 * MIB, 2 * MIB)
    settled(served, 1)
    assert served.get(PATH).body == film.body
    until(lambda: served.metric(FETCHES, outcome="not-kept") == 6)
    assert served.metric(FETCHES, outcome="kept") == 1 and app.connections <= 2


# --- one fetch for all


@pytest.mark.parametrize("workers", [1, 3])
def test_a_slice_in_flight_is_fetched_once(edge, app, workers):
    body, asked = body_of("film", SIZE), 40
    gate = Gate(first=(f"HTTP/1.1 206 X\r\nCache-Control: max-age=3600\r\nETag: \"one\"\r\nContent-Length: {MIB}\r\n"
                       f"Content-Range: bytes {MIB}-{2 * MIB - 1}/{SIZE}\r\n\r\n").encode() + body[MIB:MIB + 1000],
                rest=body[MIB + 1000:2 * MIB])
    film = RangeOrigin(body, change=lambda number, *_: gate if number == 2 else None)
    app.say(PATH, film)
    served = known(edge(app, workers=workers))
    with ThreadPoolExecutor(asked) as pool:
        got = [pool.submit(served.get, PATH, span(MIB + i, MIB + 100_000 + i)) for i in range(asked)]
        gate.wait_reached()
        until(lambda: served.metric("meridian_edge_followers") == asked - 1)
        gate.open()
        for i, one in enumerate(got):
            assert one.result().status == 206 and one.result().body == body[MIB + i:MIB + 100_001 + i]
    assert len(film.asked) == 2


def test_many_who_open_an_unknown_film_at_once(edge, app):
    body = body_of("film", SIZE)
    gate = Gate(rest=RangeOrigin(body))
    film = RangeOrigin(body, change=lambda number, *_: gate if number == 1 else None)
    app.say(PATH, film)
    served = edge(app)
    with ThreadPoolExecutor(30) as pool:
        got = [pool.submit(served.get, PATH, span(7, 50_000)) for _ in range(30)]
        gate.wait_reached()
        until(lambda: served.metric("meridian_edge_followers") == 29)
        gate.open()
        assert all(one.result().body == body[7:50_001] for one in got)
    assert film.ranges() == ["bytes=7-50000", "bytes=0-1048575"]
