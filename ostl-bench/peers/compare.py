"""Builds ostl, times it and its peers in turn, and prints the tables of BENCHMARKS.md.

    python ostl-bench/peers/compare.py --write
    python ostl-bench/peers/compare.py --online --write

Every row goes round torch, jax, and ostl with windows of 20, all and 1 steps, --rounds times; a figure is the fastest
of all runs of all rounds. The peers stay up as workers, so that they compile once; whoever is not asked waits. With
--online the rows are those of online_table.py, and a figure is the median of the rounds.
"""

import argparse
import datetime
import os
import platform
import shlex
import statistics
import subprocess
import sys
from importlib.metadata import version

import online_rows
import online_table
from rows import CASES, CELLS, names
from workers import ROOT, Figures, Refused, Worker, number, ostl

BENCHMARKS = ROOT / "BENCHMARKS.md"

# Of our time: with K = 20 and K = T over the faster peer's, with K = 20 and K = 1 over that with K = T.
TO_REACH = {"peer": 1.0, "K = 20": 1.15, "K = 1": 1.2}
MEDIAN_TO_REACH = 0.6
WINDOWS = {"K = 20": "20", "K = T": "sequence", "K = 1": "1"}
SCALING = ("spikes", "digits", "wide")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, help="2 if left out, with --online 1")
    parser.add_argument("--no-braintrace", action="store_true")
    parser.add_argument("--raw", help="file for every row, as JSON lines")
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    of_gradients = parser.add_argument_group("of one gradient")
    of_gradients.add_argument("--runs", type=int, default=5, help="runs a round")
    of_gradients.add_argument("--cases", type=names(CASES), default=list(CASES), help="such as music,long")
    of_gradients.add_argument("--wide-braintrace", action="store_true", help="on wide too: a minute a gradient")
    of_streams = parser.add_argument_group("of a step of a stream")
    of_streams.add_argument("--online", action="store_true", help="time these steps instead of gradients")
    online_rows.add_choice(of_streams)
    args = parser.parse_args()
    args.threads = args.threads or (1 if args.online else 2)
    return args


def gradient(case, cell, recurrent, window, threads, runs):
    """Our row of one gradient."""
    options = ["--case", case, "--cell", cell, "--window", window, "--carry", "local", "--runs", str(runs)]
    return ostl(*options, *["--recurrent"] * recurrent, threads=threads)[0]


def ratio(ours, theirs, to_reach):
    value = ours / theirs
    return f"{value:.3f}" if value <= to_reach else f"**{value:.3f} missed**"


def label(cell, recurrent):
    return "SNU without H" if (cell, recurrent) == ("snu", False) else {"snu": "SNU", "lstm": "LSTM"}[cell]


def bptt(args, figures):
    """Everybody's gradient of every case and cell."""
    lines = [
        f"One gradient, ms, {args.threads} threads; torch and jax by BPTT, ours with `local` and windows of K steps, weights fixed "
        "within the sequence. Ratios: our time over the faster peer's, to reach 1; and our time over ours with K = T, to reach "
        f"{TO_REACH['K = 20']} with K = 20 and {TO_REACH['K = 1']} with K = 1.",
        "",
        "| case | cell | torch | jax | K = 20 | of the peer's | of K = T | K = T | of the peer's | K = 1 | of K = T |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    of_peers = []
    with Worker("bptt_torch.py", args.threads) as torch, Worker("bptt_jax.py", args.threads) as jax:
        for case, (cell, recurrent) in ((case, cell) for case in args.cases for cell in CELLS):
            row = {"case": case, "cell": cell, "recurrent": recurrent, "runs": args.runs}
            name = case, label(cell, recurrent)
            for _ in range(args.rounds):
                figures.add(torch(**row), *name, "torch")
                figures.add(jax(**row), *name, "jax")
                for column, window in WINDOWS.items():
                    figures.add(gradient(**row, window=window, threads=args.threads), *name, column)
            ms = {column: figures.get(*name, column) for column in ("torch", "jax", *WINDOWS)}
            peer, whole = min(ms["torch"], ms["jax"]), ms["K = T"]
            of_peers.append(ms["K = 20"] / peer)
            cells = [*name, number(ms["torch"]), number(ms["jax"])]
            cells += [number(ms["K = 20"]), ratio(ms["K = 20"], peer, TO_REACH["peer"]), ratio(ms["K = 20"], whole, TO_REACH["K = 20"])]
            cells += [number(whole), ratio(whole, peer, TO_REACH["peer"])]
            cells += [number(ms["K = 1"]), ratio(ms["K = 1"], whole, TO_REACH["K = 1"])]
            lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"K = 20 of the faster peer's time: median {ratio(statistics.median(of_peers), 1.0, MEDIAN_TO_REACH)}."]
    return lines


def online(args, figures):
    """braintrace's online gradient of a tanh RNN, and ours."""
    cases = [case for case in args.cases if case in ("music", "long") or (case == "wide" and args.wide_braintrace)]
    lines = [
        f"One online gradient of a tanh RNN, ms, {args.threads} threads. The two rules are not the same: "
        "braintrace's OSTLRecurrent carries the diagonal of ∂h/∂h⁻; our `local` leaves out H, and with it "
        "all of this cell's memory.",
        "",
        "| case | braintrace | ostl, K = 1 | times as fast |",
        "| --- | --- | --- | --- |",
    ]
    note = []
    with Worker("online_braintrace.py", args.threads) as braintrace:
        for case in cases:
            row = {"case": case, "cell": "rnn", "recurrent": True, "runs": args.runs}
            for turn in range(args.rounds):
                if turn == 0 or case != "wide":
                    figures.add(braintrace(**row), case, "RNN", "braintrace")
                try:
                    figures.add(gradient(**row, window="1", threads=args.threads), case, "RNN", "ostl")
                except Refused as reason:
                    note = ["", "`ostl bench` refuses the cell `rnn`."]
                    print(f"{note[1]} {reason}", file=sys.stderr)
            theirs, ours = figures.get(case, "RNN", "braintrace"), figures.get(case, "RNN", "ostl")
            lines.append(f"| {case} | {number(theirs)} | {number(ours)} | {number(ours and theirs / ours)} |")
    return lines + note if cases else []


def scaling(args, figures):
    """What a second thread is worth to us."""
    cases = [case for case in args.cases if case in SCALING]
    lines = [
        "Ours with K = 20, ms, on one thread and on two.",
        "",
        "| case | cell | 1 thread | 2 threads | times as fast |",
        "| --- | --- | --- | --- | --- |",
    ]
    for case, (cell, recurrent) in ((case, cell) for case in cases for cell in CELLS):
        name = case, label(cell, recurrent)
        for _ in range(args.rounds):
            for threads in (1, 2):
                figures.add(gradient(case, cell, recurrent, "20", threads, args.runs), *name, "threads", threads)
        one, two = figures.get(*name, "threads", 1), figures.get(*name, "threads", 2)
        lines.append(f"| {' | '.join(name)} | {number(one)} | {number(two)} | {one / two:.2f} |")
    return lines if cases else []


def conditions(braintrace):
    """The machine, the day, the versions and the command."""
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    rustc = subprocess.check_output(["rustc", "--version"], cwd=ROOT, text=True).split()[1]
    packages = ", ".join(f"{name} {version(name)}" for name in ("torch", "jax", *["braintrace"] * braintrace))
    command = shlex.join(["python", "ostl-bench/peers/compare.py", *sys.argv[1:]])
    python, cores, today = platform.python_version(), len(os.sched_getaffinity(0)), datetime.date.today()
    return f"{model}, {cores} cores; {today}; rustc {rustc}, Python {python}, {packages}; `{command}`"


def main():
    args = options()
    name = "compare.py --online" if args.online else "compare.py"
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, has_begin, rest = BENCHMARKS.read_text().partition(begin)
    _, has_end, after = rest.partition(end)
    if args.write and not (has_begin and has_end):
        sys.exit(f"{BENCHMARKS} lacks the lines {begin} and {end}")
    if subprocess.run(["cargo", "build", "--release", "-p", "ostl-cli"], cwd=ROOT).returncode:
        sys.exit("ostl does not build")
    parts = [[conditions(not args.no_braintrace)]]
    if args.online:
        parts.append(online_table.table(args, Figures(args.raw, "us", statistics.median)))
    else:
        figures = Figures(args.raw, "ms", min)
        parts.append(bptt(args, figures))
        if not args.no_braintrace:
            parts.append(online(args, figures))
        parts.append(scaling(args, figures))
    text = "\n\n".join("\n".join(part) for part in parts if part)
    print(text)
    if args.write:
        BENCHMARKS.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


if __name__ == "__main__":
    main()
