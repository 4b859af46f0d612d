"""Which bars the edge holds, and the table that says so: for programs that measure the edge beside its peers.

Results are {name: {"title", "figures": {server: {"value"}}, "unit" (optional)}}. A bar is {"against": a column, or
`bytes` for an absolute figure, "at_most": of the ratio, "ahead_of_peers": no peer may have less, but those whose
figure says "in_memory": it is of something else}.
"""

import harness


def judge(results, bars, peers):
    """Adds ratio, bar and verdict to each row; returns the bars that were missed, in words."""
    missed = []
    for name, result in results.items():
        bar, figures = bars.get(name), result["figures"]
        edge = figures.get("edge")
        if bar is None:
            continue
        result["bar"] = bar["at_most"]
        against = bar["against"]
        if edge is None or (against != "bytes" and against not in figures):
            continue
        base = 1.0 if against == "bytes" else figures[against]["value"]
        result["ratio"] = edge["value"] / base
        reasons = []
        if result["ratio"] > bar["at_most"]:
            what = f"{edge['value']:.0f} B" if against == "bytes" else f"{result['ratio']:.2f} x {against}"
            reasons.append(f"{what}, the bar is {bar['at_most']}")
        rivals = [peer.name for peer in peers if bar["ahead_of_peers"] and peer.name in figures
                  and not figures[peer.name].get("in_memory")]
        behind = [peer for peer in rivals if figures[peer]["value"] <= edge["value"]]
        if behind:
            reasons.append("behind " + ", ".join(behind))
        result["ok"] = not reasons
        if reasons:
            missed.append(f"{name}: " + "; ".join(reasons))
    return missed


def show(results, bars, kinds, title="CPU us per request"):
    columns = ["limit", *(kind.name for kind in kinds)]
    rows = []
    for name, result in results.items():
        figures = result["figures"]
        digits = result.get("digits", 1)
        cells = [f"{figures[c]['value']:.{digits}f}" if c in figures else "-" for c in columns]
        bar = bars.get(name)
        in_bytes = bar is not None and bar["against"] == "bytes"
        ratio = f"{result['ratio']:.2f}" if "ratio" in result and not in_bytes else "-"
        limit = "-"
        if bar is not None:
            limit = f"<= {bar['at_most']} B" if in_bytes else f"<= {bar['at_most']} x {bar['against']}"
        verdict = {True: "ok", False: "MISSED", None: "-"}[result.get("ok")]
        rows.append([result["title"], *cells, ratio, limit, verdict])
    return harness.table([title, *columns, "ratio", "bar", ""], rows)
