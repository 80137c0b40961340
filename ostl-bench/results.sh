#!/usr/bin/env bash
# Real data: OSTL beside BPTT at the same settings, updates and seeds, as rows of a table.
#
#   bash ostl-bench/results.sh DIR                 all tasks; hours on two cores
#   bash ostl-bench/results.sh DIR fsdd-lstm …     those named, as the configurations in configs/ are
#
# SEEDS (0 1 2) are the seeds; JOBS (2) runs go side by side, each on one thread; SET="key=value …" changes settings of every run alike, such as a
# budget; RUNS keeps the run directories there, and takes over those that have finished. A cell is the mean over the seeds and, in brackets,
# the lowest and the highest. Needs awk and a release build of ostl, at target/release/ostl or $OSTL.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$1
shift
ostl=${OSTL:-target/release/ostl}
test -x "$ostl" || cargo build --release -p ostl-cli
seeds=${SEEDS:-0 1 2}
if [ -n "${RUNS:-}" ]; then runs=$RUNS; mkdir -p "$runs"; else runs=$(mktemp -d); trap 'rm -rf "$runs"' EXIT; fi
export ostl data runs
settings=
for setting in ${SET:-}; do settings="$settings --set $setting"; done
export settings

# Configuration, figure in summary.json, split it is of, factor for the table, its unit.
figures='shakespeare-lstm bits-per-character valid 1 bits
shakespeare-ssnu bits-per-character valid 1 bits
wikitext2-lstm perplexity test 1 perplexity
fsdd-lstm sequence-accuracy test 100 %
fsdd-snu sequence-accuracy test 100 %
mnist-rate-snu sequence-accuracy test 100 %
mnist-rows-lstm accuracy test 100 %
mnist-pixels-lru accuracy test 100 %
nmnist-snu sequence-accuracy test 100 %'

# The variants of a configuration: a name, and what it sets. The first is the configuration itself.
variants() {
    echo "ostl"
    case $1 in
        wikitext2-lstm) echo "tbptt method.carry=none" ;;
        mnist-pixels-lru) echo "ostl-K=1 method.window=1"; echo "bptt method.window=sequence" ;;
        *) echo "bptt method.window=sequence" ;;
    esac
}

# One run: CONFIG VARIANT SEED SETTING….
one() {
    local out=$runs/$1-$2-$3 config=configs/$1.toml seed=$3
    shift 3
    grep -qs '"finished"' "$out/summary.json" && return
    local sets=
    for setting in "$@"; do sets="$sets --set $setting"; done
    # shellcheck disable=SC2086
    "$ostl" train "$config" --data "$data" --seed "$seed" --set threads=1 $settings $sets --quiet --force --out "$out" > "$out.log" 2>&1 ||
        { cat "$out.log" >&2; return 255; }
}
export -f one

# A number of a summary: RUN SECTION KEY, the section empty for the outermost.
number() {
    awk -v section="$2" -v key="\"$3\":" '
        $1 ~ /^"(valid|test|chance|goal)":$/ && $2 == "{" { gsub(/[":]/, "", $1); at = $1 }
        /^  }/ { at = "" }
        at == section && $1 == key { gsub(/,/, "", $2); value = $2 }
        END { print value }' "$1/summary.json"
}

# Mean and range over the seeds: NAME SECTION KEY FACTOR DIGITS.
spread() {
    for seed in $seeds; do number "$runs/$1-$seed" "$2" "$3"; done | awk -v factor="$4" -v digits="$5" '
        { x = $1 * factor; sum += x; if (NR == 1 || x < low) low = x; if (NR == 1 || x > high) high = x }
        END {
            number = "%." digits "f"
            printf number, sum / NR
            if (NR > 1) printf " (" number "–" number ")", low, high
        }'
}

tasks=${*:-$(awk '{ print $1 }' <<< "$figures")}
for task in $tasks; do
    grep -q "^$task " <<< "$figures" || { echo "no task $task; there are: $(awk '{ printf "%s ", $1 }' <<< "$figures")" >&2; exit 2; }
    for seed in $seeds; do
        variants "$task" | while read -r name sets; do printf '%s\0' "$task $name $seed $sets"; done
    done
done | xargs -0 -n 1 -P "${JOBS:-2}" bash -c 'one $0'

echo "| configuration | variant | figure | result | best epoch, mean | train s a run | trace MB |"
echo "| --- | --- | --- | --- | --- | --- | --- |"
for task in $tasks; do
    read -r _ figure split factor unit <<< "$(grep "^$task " <<< "$figures")"
    variants "$task" | while read -r name _; do
        run=$task-$name
        first=$runs/$run-${seeds%% *}
        printf '| %s | %s | %s %s, %s | %s | %s | %s | %s |\n' "$task" "$name" "$split" "$figure" "$unit" \
            "$(spread "$run" "$split" "$figure" "$factor" $([ "$factor" = 1 ] && echo 3 || echo 2))" \
            "$(spread "$run" "" best_epoch 1 1)" "$(spread "$run" "" train_seconds 1 0)" \
            "$(number "$first" "" trace_bytes | awk '{ printf "%.1f", $1 / 1e6 }')"
    done
done
