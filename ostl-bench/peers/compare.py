"""Builds ostl, times it and its peers in turn, and prints the tables of BENCHMARKS.md.

    python ostl-bench/peers/compare.py --write

Every row goes round torch, jax, and ostl with windows of 20, all and 1 steps, --rounds times; a figure is the fastest
of all runs of all rounds. The peers stay up as workers, so that they compile once; whoever is not asked waits.
"""

import argparse
import datetime
import json
import math
import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from rows import CASES, CELLS

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "BENCHMARKS.md"
BEGIN, END = "<!-- compare.py: begin -->", "<!-- compare.py: end -->"

TO_REACH = {  # time with K = 20 over the faster peer's
    ("snu", False): {"music": 0.6, "spikes": 0.4, "digits": 1.0, "wide": 1.0, "long": 0.9},
    ("snu", True): {"music": 0.7, "spikes": 0.6, "digits": 0.9, "wide": 1.0, "long": 1.0},
    ("lstm", True): {"music": 0.8, "spikes": 0.8, "digits": 1.0, "wide": 1.0, "long": 1.0},
}
WINDOWS = {"K = 20": "20", "K = T": "sequence", "K = 1": "1"}
SLOW_ONLINE = ("spikes", "digits", "wide")  # LSTM, K = 1: only with --all
SCALING = ("spikes", "digits", "wide")


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=5, help="runs a round")
    parser.add_argument("--cases", type=lambda names: names.split(","), default=list(CASES), help="such as music,long")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="K = 1 also for the large LSTMs")
    parser.add_argument("--no-braintrace", action="store_true")
    parser.add_argument("--wide-braintrace", action="store_true", help="braintrace on wide too: a minute a gradient")
    parser.add_argument("--raw", help="file for every row, as JSON lines")
    parser.add_argument("--write", action="store_true", help="put the tables into BENCHMARKS.md")
    args = parser.parse_args()
    if unknown := set(args.cases) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    return args


class Worker:
    """A peer's script that answers requests."""

    def __init__(self, script, threads):
        path = Path(__file__).with_name(script)
        command = [sys.executable, "-W", "ignore", path, "--serve", "--threads", str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.communicate()  # the end of its input is the end of it

    def __call__(self, **request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        return json.loads(answer) if answer else sys.exit("a peer ended early; its message is above")


class Refused(Exception):
    """`ostl bench` does not know what it is asked for."""


def ostl(case, cell, recurrent, window, threads, runs):
    command = [ROOT / "target/release/ostl", "bench", "--case", case, "--cell", cell, "--window", window, "--json"]
    command += ["--carry", "local", "--threads", str(threads), "--runs", str(runs)] + ["--recurrent"] * recurrent
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode == 2:
        raise Refused(done.stderr)
    return json.loads(done.stdout) if done.returncode == 0 else sys.exit(done.stderr)


class Figures:
    """The fastest of each, by whatever names it; every row goes to the raw file as it comes."""

    def __init__(self, raw):
        self.raw = open(raw, "w") if raw else None
        self.best = {}

    def add(self, row, *name):
        self.best[name] = min(row["ms"], self.best.get(name, math.inf))
        print(f"{' '.join(str(part) for part in name)}: {row['ms']} ms", file=sys.stderr)
        if self.raw:
            print(json.dumps(row), file=self.raw, flush=True)

    def get(self, *name):
        return self.best.get(name)


def number(value):
    """Three digits."""
    return "–" if value is None else f"{value:,.{max(0, 2 - math.floor(math.log10(value)))}f}"


def ratio(ours, theirs, to_reach):
    value = ours / theirs
    return f"{value:.3f}" if value <= to_reach else f"**{value:.3f} missed**"


def label(cell, recurrent):
    return "SNU without H" if (cell, recurrent) == ("snu", False) else {"snu": "SNU", "lstm": "LSTM"}[cell]


def bptt(args, figures):
    """Everybody's gradient of every case and cell."""
    lines = [
        f"One gradient, ms, {args.threads} threads; torch and jax by BPTT, ours with `local` and windows of K steps. "
        "A ratio is our time over the faster peer's; with K = T, which is BPTT, the ratio to reach is 1.",
        "",
        "| case | cell | torch | jax | K = 20 | ratio | to reach | K = T | ratio | K = 1 |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    with Worker("bptt_torch.py", args.threads) as torch, Worker("bptt_jax.py", args.threads) as jax:
        for case, (cell, recurrent) in ((case, cell) for case in args.cases for cell in CELLS):
            row = {"case": case, "cell": cell, "recurrent": recurrent, "runs": args.runs}
            name = case, label(cell, recurrent)
            skip_online = cell == "lstm" and case in SLOW_ONLINE and not args.all
            for _ in range(args.rounds):
                figures.add(torch(**row), *name, "torch")
                figures.add(jax(**row), *name, "jax")
                for column, window in WINDOWS.items():
                    if not (window == "1" and skip_online):
                        figures.add(ostl(**row, window=window, threads=args.threads), *name, column)
            ms = {column: figures.get(*name, column) for column in ("torch", "jax", *WINDOWS)}
            peer, reach = min(ms["torch"], ms["jax"]), TO_REACH[cell, recurrent][case]
            cells = [*name, number(ms["torch"]), number(ms["jax"])]
            cells += [number(ms["K = 20"]), ratio(ms["K = 20"], peer, reach), str(reach)]
            cells += [number(ms["K = T"]), ratio(ms["K = T"], peer, 1.0), number(ms["K = 1"])]
            lines.append(f"| {' | '.join(cells)} |")
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
                    figures.add(ostl(**row, window="1", threads=args.threads), case, "RNN", "ostl")
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
                figures.add(ostl(case, cell, recurrent, "20", threads, args.runs), *name, "threads", threads)
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
    before, begin, rest = BENCHMARKS.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if args.write and not (begin and end):
        sys.exit(f"{BENCHMARKS} lacks the lines {BEGIN} and {END}")
    if subprocess.run(["cargo", "build", "--release", "-p", "ostl-cli"], cwd=ROOT).returncode:
        sys.exit("ostl does not build")
    figures = Figures(args.raw)
    parts = [[conditions(not args.no_braintrace)], bptt(args, figures)]
    if not args.no_braintrace:
        parts.append(online(args, figures))
    parts.append(scaling(args, figures))
    text = "\n\n".join("\n".join(part) for part in parts if part)
    print(text)
    if args.write:
        BENCHMARKS.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


if __name__ == "__main__":
    main()
