#!/usr/bin/env bash
# Compares two commits: bin/cairn compare-commits BASE [HEAD] [options]. Builds each in a worktree of its own, runs the same loads on
# both in turn, each with fresh nodes and its own client, and judges the ratios: docs/benchmarks.md has the rule.
# Exit codes: 0; 1 something has become worse; 2 usage, a build or a run failed.
set -eu

usage() {
    cat <<'TEXT'
usage: cairn compare-commits BASE [HEAD] [--repetitions N] [--workloads W,W] [--seconds S] [--warmup S] [--threshold SHARE]
                             [--dir DIR] [--out DIR]
  BASE, HEAD      commits; HEAD of the checkout when there is only one. What is not committed is not measured.
  --repetitions   5, at least 3: each runs both commits, the one that comes first changes
  --workloads     put-o1,put-o64,put-o256,put-r1000,get-o256, as of compare
  --seconds 4, --warmup 4
  --threshold     0.1: a median change beyond it counts, if each repetition is on the wrong side
  --dir           cairn-commits: worktrees and data, must not exist, is removed at the end
  --out           cairn-commits-results: raw files and ratios.md, must not exist
TEXT
}

fail() {
    printf 'cairn compare-commits: %s\n' "$*" >&2
    exit 2
}

root=$(cd "$(dirname "$0")/.." && pwd -P)
repetitions=5 workloads=put-o1,put-o64,put-o256,put-r1000,get-o256 seconds=4 warmup=4 threshold=0.1
dir=cairn-commits out=cairn-commits-results
commits=()
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help)
            usage
            exit 0
            ;;
        --repetitions | --workloads | --seconds | --warmup | --threshold | --dir | --out)
            [ $# -ge 2 ] || fail "$1 needs a value"
            declare "${1#--}=$2"
            shift 2
            ;;
        -*) fail "unknown option $1" ;;
        *)
            commits+=("$1")
            shift
            ;;
    esac
done
[ "${#commits[@]}" -ge 1 ] && [ "${#commits[@]}" -le 2 ] || {
    usage >&2
    exit 2
}
[[ $repetitions =~ ^[0-9]+$ ]] && [ "$repetitions" -ge 3 ] || fail "--repetitions $repetitions: at least 3 are needed"
[ -d "$root/.git" ] || [ -f "$root/.git" ] || fail "$root is no checkout"
base=$(git -C "$root" rev-parse --verify --quiet "${commits[0]}^{commit}") || fail "there is no commit ${commits[0]}"
head=$(git -C "$root" rev-parse --verify --quiet "${commits[1]:-HEAD}^{commit}") || fail "there is no commit ${commits[1]}"
[ ! -e "$dir" ] || fail "$dir exists; name another --dir or remove it"
[ ! -e "$out" ] || fail "$out exists; name another --out or remove it"
mkdir -p "$dir" "$out"
dir=$(cd "$dir" && pwd -P)
out=$(cd "$out" && pwd -P)

clean() {
    for side in base head; do
        [ ! -e "$dir/$side" ] || git -C "$root" worktree remove --force "$dir/$side"
    done
    rm -rf "$dir"
}
trap clean EXIT
trap 'exit 2' INT TERM

for side in base head; do
    git -C "$root" worktree add --quiet --detach "$dir/$side" "${!side}" >&2
    "$dir/$side/bin/cairn" report --help >/dev/null || fail "$side (${!side}) cannot be built"
done
{
    printf '# base %s\n# head %s\n' "$(git -C "$root" log -1 --format='%h %s' "$base")" \
        "$(git -C "$root" log -1 --format='%h %s' "$head")"
    printf '# %s repetitions of %s, %s s after %s s\n' "$repetitions" "$workloads" "$seconds" "$warmup"
} | tee "$out/commits.txt"

for ((i = 1; i <= repetitions; i++)); do
    order="base head"
    [ $((i % 2)) -eq 1 ] || order="head base"
    for side in $order; do
        echo "# repetition $i: $side"
        "$dir/$side/bin/cairn" compare --systems cairn --workloads "$workloads" --repetitions 1 --seconds "$seconds" \
            --warmup "$warmup" --dir "$dir/data" --out "$out/$side/$i" >"$dir/said.txt" 2>&1 || {
            cat "$dir/said.txt" >&2
            fail "repetition $i of $side failed"
        }
    done
done

code=0
"$root/bin/cairn" judge "$out" --threshold "$threshold" || code=$?
exit "$code"
