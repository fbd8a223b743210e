#!/usr/bin/env bash
# Puts and linearizable gets with 256 and with 1 outstanding on three processes of this machine, three times in turn.
# usage: perf-results/first-figures.sh DIR    (writes the raw files to DIR, relative to the checkout, prints one line per run)
set -eu
cd "$(dirname "$0")/.."
out=${1:?directory for the raw files}
servers=127.0.0.1:7471,127.0.0.1:7472,127.0.0.1:7473
data=$(mktemp -d)
mkdir -p "$out"

bin/cairn cluster --dir "$data" --base-port 7470 > "$out/cluster.txt" 2>&1 &
cluster=$!
stop() {
    kill -TERM "$cluster" 2>/dev/null || true
    wait "$cluster" || true
    rm -rf "$data"
}
trap stop EXIT
until grep -q '^servers:' "$out/cluster.txt"; do
    kill -0 "$cluster" || { cat "$out/cluster.txt" >&2; exit 1; }
    sleep 1
done
sed -i.bak "s:$data:DIR:g" "$out/cluster.txt" && rm "$out/cluster.txt.bak"

field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p" "$2" | tail -n 1; }

for round in 1 2 3; do
    for run in "put 256" "put 1" "get 256" "get 1"; do
        # shellcheck disable=SC2086
        set -- $run
        name=$1-$2-$round
        mkdir -p "$out/$name"
        bin/cairn load --servers "$servers" --mode "$1" --outstanding "$2" --seconds 10 --warmup 5 --out "$out/$name" \
            > "$out/$name/output.txt.part" 2>&1
        mv "$out/$name/output.txt.part" "$out/$name/output.txt"
        file=$out/$name/output.txt
        printf '%-10s ops/s %10s   p50 us %8s   p99 us %8s   force p50 us %8s   errors %s\n' "$name" \
            "$(field ops_s "$file")" "$(field p50_us "$file")" "$(field p99_us "$file")" \
            "$(field force_p50_us "$file")" "$(field errors "$file")"
    done
done | tee "$out/summary.txt"
