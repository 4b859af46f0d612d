"""What bench/tiers measures of a tier by itself: the benches in C++ that know no peers, their bars, and their plots.
A row is {"name", "value", "unit", "at_most" (0: no bar)}."""

import json
import re
import subprocess

import harness
import plot

# By part of bench/tiers: programs with their options.
PROGRAMS = {
    "index": [("ssd_bench", "--only", "index"), ("tier_bench", "--only", "growth")],
    "recovery": [("ssd_bench", "--only", "recovery")],
    "writes": [("ssd_bench", "--only", "writes")],
    "memcached": [("memcached_bench",)],
}
# File, title, axes, and by the name of a line what its rows are called; the group is x.
PLOTS = [
    ("recovery.svg", "From the start to the first hits", "objects on SSD", "seconds", {
        "after kill -9": r"recovery: seconds to the first hits, (\d+) after kill -9",
        "after a clean end": r"recovery: seconds to the first hits, (\d+) after a clean end"}),
    ("lookup.svg", "A lookup of a random key", "objects", "CPU ns", {
        "SSD: index, hit": r"index: a lookup that hits at (\d+)",
        "SSD: index, miss": r"index: a lookup that misses at (\d+)",
        "RAM: hit, object included": r"ram: a lookup that hits at (\d+)"}),
]


def programs_of(wanted):
    """Their names."""
    return sorted({program for part in wanted for program, *_ in PROGRAMS.get(part, ())})


def _run(build, disk, program, options):
    answer = disk.path / f"{program}.json"
    answer.unlink(missing_ok=True)
    harness.progress(f"{program} {' '.join(options)}")
    folder = ("--dir", str(disk.path)) if program == "ssd_bench" else ()
    done = subprocess.run([build / program, "--json", answer, *options, *folder], capture_output=True, text=True,
                          check=False, cwd=harness.ROOT)
    if done.returncode != 0 or not answer.exists():
        raise harness.BenchError(f"{program} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return json.loads(answer.read_text(encoding="utf-8"))


def measure(build, disk, wanted, quick):
    rows = []
    for part, programs in PROGRAMS.items():
        for program, *options in programs if part in wanted else ():
            rows += _run(build, disk, program, [*options, *(["--quick"] if quick else [])])
    return rows


def judge(rows):
    """The bars that were missed, in words."""
    return [f"{row['name']}: {row['value']:.3g} {row['unit']}, the bar is {row['at_most']:g}" for row in rows
            if row["at_most"] and row["value"] > row["at_most"]]


def show(rows):
    def bar(row):
        if not row["at_most"]:
            return ["-", ""]
        return [f"<= {row['at_most']:g}", "MISSED" if row["value"] > row["at_most"] else "ok"]
    return harness.table(["by itself", "value", "unit", "bar", ""],
                         [[row["name"], f"{row['value']:.3g}" if row["value"] < 100 else f"{row['value']:.0f}",
                           row["unit"], *bar(row)] for row in rows])


def draw(rows, folder):
    """Each plot of which something was measured."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, title, x_name, y_name, lines in PLOTS:
        series = {}
        for name, pattern in lines.items():
            matches = [(re.fullmatch(pattern, row["name"]), row["value"]) for row in rows]
            points = [(int(match.group(1)), value) for match, value in matches if match and value > 0]
            if points:
                series[name] = points
        if series:
            (folder / file).write_text(plot.log_log(title, x_name, y_name, series), encoding="utf-8")
