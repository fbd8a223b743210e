#!/usr/bin/env python3
"""Prints the tables of docs/scaling.md that follow from one run: scaling-model.py DIR, with DIR/scale-*.jsonl of bin/cairn scale.

The rules stand in docs/scaling.md, section "The model". All processes share PROCESSORS processors.
"""

import json
import pathlib
import sys

PROCESSORS = 2
KEY_BYTES = 16
VALUE_AT_DISK_LIMIT = 65536
THREADS = ("loop_us", "log_sync_us", "apply_us", "other_us")


def points(directory, axis):
    lines = (directory / f"scale-{axis}.jsonl").read_text().splitlines()
    return {point["at"]: point for point in map(json.loads, lines) if not point["proxied"]}


def together(point):
    """Processor time of nodes and load, us per put."""
    return point["put_nodes_cpu_ms_per_1000"] + point["put_load_cpu_ms_per_1000"]


def written(point):
    """Bytes that all nodes make their disks write, per put."""
    return point["put_leader_disk_bytes_per_op"] + (point["nodes"] - 1) * point["put_follower_disk_bytes_per_op"]


def cell(microseconds):
    return f"{microseconds:.0f}" if microseconds >= 30 else f"{microseconds:.1f}"


def print_costs(outstanding):
    print("Processor time per put, us: leader (loop, log sync, apply, other), follower (the same), client, all together")
    for at, point in outstanding.items():
        shares = [point[f"put_{node}_{thread}"] for node in ("leader", "follower") for thread in THREADS]
        shares.append(point["put_load_cpu_ms_per_1000"])
        print(f"| {at} | " + " | ".join(map(cell, shares)) + f" | {together(point):.1f} |")


def print_prediction(name, predicted, seen):
    print(f"| {name} | {predicted:.0f}/s | {seen:.0f}/s | {100 * (predicted / seen - 1):+.0f} % |")


def print_closed_loop(outstanding):
    alone = 1e6 / outstanding[1]["put_ops_s"]
    cost = together(outstanding[4096])
    print(f"Closed loop: T1 = {alone:.0f} us, C = {cost:.1f} us")
    for at in (4, 16, 64, 256, 1024):
        predicted = 1e6 * at / (alone + (at - 1) * cost / PROCESSORS)
        print_prediction(f"{at} outstanding", predicted, outstanding[at]["put_ops_s"])


def print_nodes(outstanding, nodes):
    base = outstanding[256]
    leader = base["put_leader_cpu_us"] + base["put_load_cpu_ms_per_1000"]
    follower = base["put_follower_cpu_us"]
    share = nodes[3]["put_ops_s"] * (leader + 2 * follower)
    print(f"Nodes: leader and client {leader:.1f} us, follower {follower:.1f} us; share as with 3 nodes")
    for at in (1, 5, 7):
        print_prediction(f"{at} nodes", share / (leader + (at - 1) * follower), nodes[at]["put_ops_s"])
    print("the leader's part: " + ", ".join(f"{at}: {nodes[at]['put_leader_cpu_us']:.1f} us" for at in nodes))


def print_values(values):
    print("Values: put/s, MB/s on all disks, bytes written on all disks and on each per byte of key and value, mean force us")
    for at, point in values.items():
        row = at + KEY_BYTES
        print(
            f"| {at} | {point['put_ops_s']:.0f} | {written(point) * point['put_ops_s'] / 1e6:.0f}"
            f" | {written(point) / row:.1f} | {written(point) / row / point['nodes']:.1f}"
            f" | {point['put_leader_force_us']:.0f} |"
        )
    base = values[VALUE_AT_DISK_LIMIT]
    for at in (4096, 1048576):
        predicted = base["put_ops_s"] * (VALUE_AT_DISK_LIMIT + KEY_BYTES) / (at + KEY_BYTES)
        print_prediction(f"values of {at}", predicted, values[at]["put_ops_s"])


def main():
    directory = pathlib.Path(sys.argv[1])
    outstanding = points(directory, "outstanding")
    print_costs(outstanding)
    print_closed_loop(outstanding)
    print_nodes(outstanding, points(directory, "nodes"))
    print_values(points(directory, "value"))


if __name__ == "__main__":
    main()
