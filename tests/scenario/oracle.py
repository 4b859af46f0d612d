"""The function behind meridian-origin's generated bodies, repeated here so that tests know every byte beforehand
(origin/server/oracle.h says the same in C++; tests/origin/oracle_test.cc holds both to the same values)."""

MASK = (1 << 64) - 1
FNV_START = 0xCBF29CE484222325


def fnv1a64(data: bytes, state: int = FNV_START) -> int:
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def key(path: str, seed: int = 0, version: int = 0, varying: str = "") -> int:
    """`varying`: "\\nname:value" for each field that the response varies on."""
    state = fnv1a64((path + varying).encode("latin-1"))
    state = fnv1a64(seed.to_bytes(8, "little"), state)
    return fnv1a64(version.to_bytes(8, "little"), state)


def _word(x: int) -> bytes:
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return (x ^ (x >> 31)).to_bytes(8, "little")


def fill(body_key: int, size: int, offset: int = 0) -> bytes:
    """The bytes [offset, offset + size) of a body."""
    first, last = offset // 8, (offset + size + 7) // 8
    words = b"".join(_word((body_key + i) & MASK) for i in range(first, last))
    return words[offset - first * 8 :][:size]


def body(path: str, size: int, seed: int = 0, version: int = 0, varying: str = "", offset: int = 0) -> bytes:
    return fill(key(path, seed, version, varying), size, offset)
