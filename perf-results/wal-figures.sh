#!/usr/bin/env bash
# The log by itself, without a cluster: appends without a force, bytes per force, rolls, both writers side by side.
# usage: perf-results/wal-figures.sh DIR [DISK]    (raw output to DIR; the logs are made below DISK, default: DIR, and removed)
# Takes four to five minutes on two processors; nothing else should run meanwhile.
# PERCENT=1 does a little of everything, to see whether it runs to its end; then the figures mean nothing.
set -eu
cd "$(dirname "$0")/.."
out=${1:?directory for the raw files}
mkdir -p "$out"
shots=()
[ "${PERCENT:-100}" = 100 ] || shots=(-wi 1 -i 1)
disk=$(mktemp -d "${2:-$out}/wal-figures.XXXXXX")
trap 'rm -rf "$disk"' EXIT

{
    echo "# $(git rev-parse --short HEAD) $(date -u +%FT%TZ) $(uname -srm) processors=$(getconf _NPROCESSORS_ONLN)"
    bin/cairn measure wal --dir "$disk" --percent "${PERCENT:-100}"
} > "$out/measure-wal.txt.part" 2>&1
mv "$out/measure-wal.txt.part" "$out/measure-wal.txt"
cat "$out/measure-wal.txt"

CAIRN_JAVA_OPTS="${CAIRN_JAVA_OPTS:-} -Djava.io.tmpdir=$disk" \
    bin/cairn bench 'WalAppendBenchmark.append$' -p payloadBytes=256 -f 1 "${shots[@]}" > "$out/jmh.txt.part" 2>&1
mv "$out/jmh.txt.part" "$out/jmh.txt"
sed -n '/^Benchmark  /,$p' "$out/jmh.txt"
