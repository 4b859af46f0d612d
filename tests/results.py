#!/usr/bin/python3
"""Turns the reports of test programs into result lines, and result lines into the summary of tests/run.

A result line is outcome, count, what and why, with tabs between.
"""

import json
import re
import sys
import xml.etree.ElementTree as ElementTree


MOST_TOLD = 40


def line(outcome, count, what, why=""):
    if count:
        print(outcome, count, what, " ".join(why.split())[:300], sep="\t")


def gtest(what, status, path):
    """The cases of one GoogleTest binary. With --gtest_repeat the report is that of the last round."""
    try:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
    except (OSError, ValueError):
        line("failed", 1, what, f"ended with status {status} and left no report")
        return
    passed = failed = 0
    for suite in report["testsuites"]:
        for case in suite["testsuite"]:
            name = f"{what} {suite['name']}.{case['name']}"
            if case.get("failures"):
                failed += 1
                line("failed", 1, name, case["failures"][0]["failure"])
            elif case.get("result") == "SKIPPED":
                messages = case.get("skipped") or [{}]
                line("skipped", 1, name, messages[0].get("message", "says no reason"))
            elif case.get("result") == "COMPLETED":
                passed += 1
    line("passed", passed, what)
    if status != 0 and failed == 0:
        line("failed", 1, what, f"ended with status {status} though no case failed")


def pytest(what, status, path):
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        line("failed", 1, what, f"ended with status {status} and left no report")
        return
    passed = failed = 0
    for case in cases:
        name = f"{what} {case.get('classname')}.{case.get('name')}"
        broken = case.find("failure") if case.find("failure") is not None else case.find("error")
        skip = case.find("skipped")
        if broken is not None:
            failed += 1
            line("failed", 1, name, broken.get("message") or "")
        elif skip is not None:
            line("skipped", 1, name, skip.get("message") or "says no reason")
        else:
            passed += 1
    line("passed", passed, what)
    if status != 0 and failed == 0:
        line("failed", 1, what, f"ended with status {status} though no case failed")


def counted(what, status, path):
    """A program whose last line is "N passed, N failed, N skipped"."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines() or [""]
    found = re.fullmatch(r"(\d+) passed, (\d+) failed, (\d+) skipped", lines[-1].strip())
    if not found:
        line("failed", 1, what, f"ended with status {status} and counted nothing")
        return
    counts = [int(n) for n in found.groups()]
    reason = next((text for text in reversed(lines) if "skip" in text and text != lines[-1]), "says no reason")
    for outcome, count in zip(("passed", "failed", "skipped"), counts):
        line(outcome, count, what, reason if outcome == "skipped" else "")
    if status != 0 and counts[1] == 0:
        line("failed", 1, what, f"ended with status {status} though no case failed")


def summary(path, seconds):
    totals = {"passed": 0, "failed": 0, "skipped": 0}
    told = []
    with open(path, encoding="utf-8") as file:
        for text in file:
            outcome, count, what, why = text.rstrip("\n").split("\t")
            totals[outcome] += int(count)
            if outcome != "passed":
                told.append(f"{outcome}: {what}" + (f": {why}" if why else ""))
    for text in told[:MOST_TOLD]:
        print(text[:200])
    if len(told) > MOST_TOLD:
        print(f"and {len(told) - MOST_TOLD} more, all in {path}")
    print(f"{int(seconds) // 60} min {int(seconds) % 60} s")
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**totals))
    return 1 if totals["failed"] or not totals["passed"] else 0


def main(arguments):
    mode = arguments[0]
    if mode == "summary":
        return summary(arguments[1], arguments[2])
    readers = {"gtest": gtest, "pytest": pytest, "counted": counted}
    readers[mode](arguments[1], int(arguments[2]), arguments[3])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
