#!/usr/bin/env bash
# The generated tasks, each with the smallest network found that solves it: how many steps of training until the validation split reaches the
# task's goal, by windows of one step, by the configuration's windows, by BPTT, and strictly online.
#
#   bash ostl-bench/synthetic.sh [TASK…]     all of them, or those named: store-recall, copy-memory, …
#
# A cell is the mean over the seeds in SEEDS (0 1 2) of steps of all sequences until the first epoch that reaches the goal, and in brackets
# the processor's seconds a run; "2 of 3" stands before it where not all seeds reach it. Needs awk and a release build of ostl, at
# target/release/ostl or $OSTL; runs take one thread each, JOBS (2) at a time, in a folder of their own under the system's temporary one.
set -euo pipefail
cd "$(dirname "$0")/.."
ostl=${OSTL:-target/release/ostl}
test -x "$ostl" || cargo build --release -p ostl-cli
seeds=${SEEDS:-0 1 2}
jobs=${JOBS:-2}
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT

# task | network | what counts, a column of metrics.csv | goal | chance of it | learning rate of updates at every step
tasks='store-recall | LSTM 3 | accuracy | 0.95 | 0.5 | 0.003
copy-memory | LRU 48 | accuracy | 0.99 | 0.125 | 0.001
adding | e-LSTM 2 | loss | 0.01 | 0.167 | 0.01
temporal-xor | LSTM 4 | accuracy | 0.99 | 0.5 | 0.003
evidence-accumulation | ALIF 20, LI | sequence_accuracy | 0.95 | 0.5 | 0.001
pattern-generation | LRU 6 | nrmse | 0.2 | 1 | 0.001
reber | LSTM 8 | frame_accuracy | 0.999 | 0 | 0.003
mackey-glass | LRU 8, tanh 16 | nrmse | 0.1 | 1 | 0.001
lorenz | LRU 4, tanh 8 | nrmse | 0.2 | 1 | 0.001'

# One run: NAME TASK SEED ARGUMENTS…
one() {
    local out=$runs/$1 task=$2 seed=$3
    shift 3
    TIMEFORMAT=%U
    { time "$ostl" train "configs/synthetic/$task.toml" --seed "$seed" --set threads=1 --quiet --out "$out" "$@" > "$out.log" 2>&1; } \
        2> "$out.seconds" || { cat "$out.log" >&2; return 255; }
}
export -f one
export ostl runs

# Steps of a run until the end of the first epoch that reaches the goal, or nothing: NAME COLUMN GOAL. Errors are good when
# they are small.
reached() {
    awk -F, -v column="valid_$2" -v goal="$3" '
        NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; split(column " steps", needed, " "); for (i in needed) if (!(needed[i] in at)) { print "no column " needed[i] > "/dev/stderr"; exit 1 } next }
        column ~ /loss|nrmse/ ? $at[column] <= goal : $at[column] >= goal { print $at["steps"]; exit }' "$runs/$1/metrics.csv"
}

# A cell: TASK VARIANT COLUMN GOAL.
cell() {
    local sum=0 solved=0 all=0 seconds=0 steps
    for seed in $seeds; do
        all=$((all + 1))
        steps=$(reached "$1-$2-$seed" "$3" "$4")
        seconds=$(awk -v a="$seconds" '{ print a + $1 }' "$runs/$1-$2-$seed.seconds")
        if [ -n "$steps" ]; then solved=$((solved + 1)) sum=$((sum + steps)); fi
    done
    awk -v sum="$sum" -v solved="$solved" -v all="$all" -v seconds="$seconds" 'BEGIN {
        if (!solved) { printf "never (%.1f s)", seconds / all; exit }
        printf "%s%.0f thousand (%.1f s)", solved < all ? solved " of " all ": " : "", sum / solved / 1000, seconds / all
    }'
}

echo "| task | network | parameters | goal | chance | K = 1 | K of the configuration | BPTT | K = 1, updates at every step |"
echo "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
while IFS='|' read -r task network column goal chance rate; do
    read -r task column goal chance rate <<< "$task $column $goal $chance $rate"
    if [ $# -gt 0 ] && [[ " $* " != *" $task "* ]]; then continue; fi
    for seed in $seeds; do
        printf '%s\0' "one $task-step-$seed $task $seed --set method.window=1"
        printf '%s\0' "one $task-window-$seed $task $seed"
        printf '%s\0' "one $task-bptt-$seed $task $seed --set method.window=sequence"
        printf '%s\0' "one $task-online-$seed $task $seed --set method.window=1 --set method.update=window --set optimizer.learning_rate=$rate"
    done | xargs -0 -n 1 -P "$jobs" bash -c
    parameters=$(awk -F'[:,]' '/"parameters"/ { print $2 + 0 }' "$runs/$task-window-${seeds%% *}/summary.json")
    printf '| `%s` | %s | %s | %s %s | %s |' "$task" "$(echo $network)" "$parameters" "${column//_/ }" "$goal" "$chance"
    for variant in step window bptt online; do
        printf ' %s |' "$(cell "$task" $variant "$column" "$goal")"
    done
    echo
done <<< "$tasks"
