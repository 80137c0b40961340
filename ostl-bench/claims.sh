#!/usr/bin/env bash
# Two published claims at small scale, as tables: several methods, three seeds each, two runs at a time on one thread each.
#
#   bash ostl-bench/claims.sh store-recall     e-prop, random e-prop, OSTL and BPTT on store-recall (Bellec et al. 2020, figure 3)
#   bash ostl-bench/claims.sh jsb DIR          OSTL, OSTL rnd, OSTTP and BPTT on the JSB chorales (Bohnstingl et al. 2022; Ortner et al. 2023)
#
# Needs awk and a release build of ostl; the runs go to a folder of their own under the system's temporary one.
set -euo pipefail
cd "$(dirname "$0")/.."
ostl=target/release/ostl
test -x "$ostl" || cargo build --release -p ostl-cli
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
seeds="0 1 2"

# train NAME CONFIG ARGUMENTS…: one run a seed.
train() {
    local name=$1 config=$2
    shift 2
    for seed in $seeds; do
        printf '%s\0%s\0' "$runs/$name-$seed" "$config --seed $seed $*"
    done
}

# Runs what `train` lists, two at a time.
go() {
    xargs -0 -n 2 -P 2 sh -c '"$0" train $2 --set threads=1 --quiet --out "$1" > "$1.log" 2>&1 || { cat "$1.log" >&2; exit 255; }' "$ostl"
}

store_recall() {
    local config=configs/store-recall-e-prop.toml
    {
        train e_prop "$config" --set method.name=e_prop
        train e_prop,-edge-heard "$config" --set method.name=e_prop --set method.edge=heard
        train e_prop_random "$config" --set method.name=e_prop_random
        train ostl,-K=20 "$config" --set method.name=ostl --set method.window=20
        train bptt "$config" --set method.name=bptt
        train tbptt,-K=20 "$config" --set method.name=tbptt --set method.window=20
    } | go
    echo "| method | first epoch at 95 %, by seed | accuracy on valid after 2 | 4 | 8 | 16 | 40 epochs | s a run |"
    echo "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name in e_prop e_prop,-edge-heard e_prop_random ostl,-K=20 bptt tbptt,-K=20; do
        for seed in $seeds; do echo "run"; tail -n +2 "$runs/$name-$seed/metrics.csv"; done | awk -F, -v name="${name//-/ }" '
            function close_run() { if (n) firsts = firsts (firsts ? ", " : "") (first ? first : "never") }
            $1 == "run" { close_run(); n++; first = 0; next }
            { if ($5 >= 0.95 && !first) first = $1; sum[$1] += $5; seconds += $6 }
            END {
                close_run()
                printf "| %s | %s", name, firsts
                for (i = 1; i <= split("2 4 8 16 40", at, " "); i++) printf " | %.1f %%", 100 * sum[at[i]] / n
                printf " | %.0f |\n", seconds / n
            }'
    done
}

jsb() {
    local data=$1
    for config in ssnu snu; do
        local file=configs/jsb-$config-feedforward.toml
        {
            train $config-ostl $file --data "$data" --set method.name=ostl --set method.window=16
            train $config-ostl_random $file --data "$data" --set method.name=ostl_random --set method.window=16
            train $config-osttp $file --data "$data" --set method.name=osttp --set method.window=16
            train $config-bptt $file --data "$data" --set method.name=bptt
        } | go
    done
    echo "| units | method | valid, nats | test, nats | by seed | s a run |"
    echo "| --- | --- | --- | --- | --- | --- |"
    for config in ssnu snu; do
        for name in ostl ostl_random osttp bptt; do
            for seed in $seeds; do
                tr -d ' \n' < "$runs/$config-$name-$seed/summary.json" | tr ',{}' '\n\n\n'; echo
            done | awk -F: -v units="$config 150" -v name="$name" '
                # The loss of a split comes first, and once more among its metrics.
                /"valid"/ { split_is = "valid" } /"test"/ { split_is = "test" } /"chance"/ { split_is = "" }
                $1 == "\"loss\"" && split_is { sum[split_is] += $2; if (split_is == "test") all = all (all ? ", " : "") sprintf("%.3f", $2); split_is = "" }
                $1 == "\"seconds\"" { seconds += $2; n++ }
                END { printf "| %s | %s | %.3f | %.3f | %s | %.0f |\n", units, name, sum["valid"] / n, sum["test"] / n, all, seconds / n }'
        done
    done
}

case ${1:-} in
    store-recall) store_recall ;;
    jsb) jsb "${2:?the folder with the JSB chorales}" ;;
    *) sed -n '2,7p' "$0" >&2; exit 2 ;;
esac
