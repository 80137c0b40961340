"""What the scripts that time a step of a stream have in common: the sizes, the options, the clock, and a row's JSON line.

Alone, a script prints its rows. With --serve it is a worker: a request a line comes in, {"size": "small", "cell":
"lstm", "streams": 16, "window": 20, "quick": true}, and its row goes out; what was built is kept for the next like it.
"""

import argparse
import functools
import itertools
import json
import statistics
import time
from pathlib import Path

import rows

PLAN = json.loads((Path(__file__).parents[1] / "src/online.json").read_text())
SIZES = {size["name"]: size for size in PLAN["sizes"]}
CELLS = ("lstm", "gru", "snu", "lru")
LEARNING_RATE = 1e-8  # so slow that a network stays what it is, however often its steps are repeated


def add_choice(parser):
    """Options that choose rows, also of `compare.py`."""
    parser.add_argument("--sizes", type=rows.names(SIZES), default=list(SIZES), help="such as small,events")
    parser.add_argument("--cells", type=rows.names(CELLS), default=list(CELLS), help="such as lstm,gru")
    parser.add_argument("--quick", action="store_true", help="samples a tenth as long, nothing of ours at a second a step")


def parser(about):
    """The command line of a script."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_choice(parser)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--serve", action="store_true", help="answer requests from standard input")
    return parser


def case(size, streams):
    """The size and its streams as a case like those of `rows.CASES`; its steps come again and again."""
    return {**SIZES[size], "steps": PLAN["steps"], "batch": streams}


def median_us(call, quick):
    """Microseconds a call, as `ostl bench --online` measures: the median of five samples after one to warm up."""
    sample = 0.02 if quick else 0.2
    call()  # compiles, where there is something to compile
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < sample:
        call()
        calls += 1
    times = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(calls):
            call()
        times.append((time.perf_counter() - start) / calls)
    return 1e6 * statistics.median(times)


def run(args, build, cells=CELLS, windows=tuple(PLAN["windows"]), **fields):
    """Prints the requested rows; `fields` stand in every row.

    `build(case, cell, window)` makes a function that learns from the next window of all streams.
    """

    @functools.cache
    def built(size, cell, streams, window):
        return build(case(size, streams), cell, window)

    def answer(size, cell, streams, window, quick):
        us = median_us(built(size, cell, streams, window), quick) / window
        row = {**fields, "size": size, "cell": cell, "streams": streams, "window": window, "threads": args.threads}
        print(json.dumps({**row, "us": round(us, 3), "steps_per_second": round(1e6 / us, 3)}), flush=True)

    if args.serve:
        return rows.serve(answer)
    for cell, size in itertools.product((cell for cell in cells if cell in args.cells), args.sizes):
        for streams, window in itertools.product(PLAN["streams"], windows):
            answer(size, cell, streams, window, args.quick)
