#!/usr/bin/env python3
"""Prints the table of README.md, section "Trend", from the compare.jsonl of the folders beside it, and fails when README.md has another one.

Medians of the repetitions; a ratio is the median of the repetitions' own ratios. Folders in the order in which they were measured.
"""

import json
import pathlib
import re
import statistics
import sys

HEAD = """\
| run | commit | put, 1: rate / floor's | put, 64: per s | put, 256: per s | / etcd's | p99 ms | CPU ms per 1 000 | get, 256: per s | 5 000/s: p50, p99 ms |
|---|---|---|---|---|---|---|---|---|---|
"""


def begin(folder):
    """Of its first measurement, from the names of the raw files."""
    return min(re.findall(r"-(\d{8}T\d+Z)", " ".join(path.name for path in folder.rglob("*.hlog"))))


def row(folder):
    lines = [json.loads(line) for line in (folder / "compare.jsonl").read_text().splitlines()]
    runs = {(run["repetition"], run["workload"], run["system"]): run for run in lines}
    repetitions = sorted({run["repetition"] for run in lines})

    def values(workload, system, field):
        return [runs[r, workload, system][field] for r in repetitions if (r, workload, system) in runs]

    def median(workload, field):
        return statistics.median(values(workload, "cairn", field))

    def ratio(workload, system):
        pairs = zip(values(workload, "cairn", "ops_s"), values(workload, system, "ops_s"))
        return statistics.median(ours / theirs for ours, theirs in pairs)

    commit = re.search(r"[Cc]ommit ([0-9a-f]{7})", (folder / "README.md").read_text())
    return " | ".join((
        f"| [{folder.name}]({folder.name})",
        commit.group(1) if commit else "?",
        f"{ratio('put-o1', 'floor'):.2f}",
        f"{median('put-o64', 'ops_s'):,.0f}".replace(",", " "),
        f"{median('put-o256', 'ops_s'):,.0f}".replace(",", " "),
        f"{ratio('put-o256', 'etcd'):.1f}",
        f"{median('put-o256', 'p99_us') / 1000:.1f}",
        f"{median('put-o256', 'server_cpu_ms_per_1000'):.1f}",
        f"{median('get-o256', 'ops_s'):,.0f}".replace(",", " "),
        f"{median('put-r5000', 'p50_us') / 1000:.2f}, {median('put-r5000', 'p99_us') / 1000:.1f} |\n",
    ))


here = pathlib.Path(__file__).parent
folders = sorted((path.parent for path in here.glob("*/compare.jsonl")), key=begin)
table = HEAD + "".join(row(folder) for folder in folders)
print(table, end="")
if table not in (here / "README.md").read_text():
    sys.exit("perf-results/README.md has another table")
