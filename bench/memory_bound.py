"""A bound on a server's memory with its page cache: a memory control group (version 1 or 2) of its own. Without one
the page cache of a machine with idle memory holds every file that a server has, and its hits never see the disk."""

import contextlib
import os
import pathlib
import re
import time

CGROUPS = pathlib.Path("/sys/fs/cgroup")


class MemoryBound:
    """A group for one server and what it starts. enter() is for the child, before exec. Its page cache is unbounded
    until bound()."""

    def __init__(self, folder, version):
        self.folder, self.version = folder, version

    @classmethod
    def make(cls, name):
        """None where the kernel, or a lack of rights, lets us make none."""
        for parent, version in _parents():
            folder = parent / f"meridian-bench-{os.getpid()}-{name}"
            with contextlib.suppress(OSError):
                folder.mkdir()
                if (folder / cls._LIMIT[version]).exists():
                    return cls(folder, version)
                folder.rmdir()
        return None

    _LIMIT = {1: "memory.limit_in_bytes", 2: "memory.max"}

    def enter(self):
        (self.folder / "cgroup.procs").write_text(str(os.getpid()), encoding="ascii")

    def needed_bytes(self):
        """What it cannot give back: heap, shared memory, and the kernel's objects for it."""
        stat = dict(line.split() for line in (self.folder / "memory.stat").read_text(encoding="ascii").splitlines())
        if self.version == 2:
            return sum(int(stat.get(name, 0)) for name in ("anon", "shmem", "kernel"))
        kernel = self.folder / "memory.kmem.usage_in_bytes"
        return (int(stat["total_rss"]) + int(stat.get("total_shmem", 0)) +
                (int(kernel.read_text(encoding="ascii")) if kernel.exists() else 0))

    def bound(self, page_cache_bytes):
        """What it needs now, and so much page cache; the rest of its page cache goes at once."""
        # Pages that the disk does not have yet cannot go.
        for attempt in range(20):
            os.sync()
            limit = self.needed_bytes() + page_cache_bytes
            try:
                (self.folder / self._LIMIT[self.version]).write_text(str(limit), encoding="ascii")
                return limit
            except OSError:
                if attempt == 19:
                    raise
                time.sleep(0.1)
        return None

    def remove(self):
        # A process that has ended may be in it for a moment.
        for _ in range(100):
            try:
                self.folder.rmdir()
                return
            except FileNotFoundError:
                return
            except OSError:
                time.sleep(0.02)


def _parents():
    """Where groups can be made: below our own of version 1, beside all others of version 2."""
    own = pathlib.Path("/proc/self/cgroup").read_text(encoding="ascii")
    if found := re.search(r"^\d+:(?:\S*,)?memory(?:,\S*)?:/(.*)$", own, re.M):
        yield CGROUPS / "memory" / found.group(1), 1
    with contextlib.suppress(OSError):
        if "memory" in (CGROUPS / "cgroup.subtree_control").read_text(encoding="ascii").split():
            yield CGROUPS, 2
