"""What the timing scripts have in common: the cases, the options, the clock, and the JSON line of a row.

Alone, a script prints its rows. With --serve it is a worker: a request a line comes in, {"case": "music", "cell":
"snu", "recurrent": true, "runs": 10}, and its row goes out; what was built for a request is kept for the next like it.
"""

import argparse
import functools
import json
import os
import sys
import time
from pathlib import Path

CASES = {case["name"]: case for case in json.loads((Path(__file__).parents[1] / "src/cases.json").read_text())}
CELLS = (("snu", False), ("snu", True), ("lstm", True))


def options(about):
    """Parses the command line; without --recurrent, the cell snu is the one without H."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--cell", choices=("snu", "lstm", "rnn"))
    parser.add_argument("--recurrent", action="store_true", help="only cells with H")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--runs", type=int, default=10, help="runs after one to warm up, of which the fastest counts")
    parser.add_argument("--serve", action="store_true", help="answer requests from standard input")
    return parser.parse_args()


def names(known):
    """What reads an option's list of known names, `a,b`."""

    def read(text):
        given = text.split(",")
        if unknown := [name for name in given if name not in known]:
            raise argparse.ArgumentTypeError(f"no such name: {', '.join(unknown)}; there are {', '.join(known)}")
        return given

    return read


def keep_to(threads):
    """Lets this process use so many processors only; to be called before JAX, which counts them, is imported."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    return len(os.sched_getaffinity(0))


def fastest(gradient, runs):
    """The fastest of so many runs, milliseconds."""
    times = []
    for _ in range(max(runs, 1)):
        start = time.perf_counter()
        gradient()
        times.append(time.perf_counter() - start)
    return round(1e3 * min(times), 3)


def serve(answer):
    """Answers a request a line, the arguments of `answer` as JSON, until standard input ends."""
    for line in sys.stdin:
        answer(**json.loads(line))


def run(args, build, cells=CELLS, cases=tuple(CASES), once=(), **fields):
    """Prints the rows asked for. `build(case, cell, recurrent)` makes what is timed; `fields` stand in every row.

    `cases` are those of a run without --case; those in `once` take so long that they run once, with no warm-up.
    """
    build = functools.cache(build)

    def answer(case, cell, recurrent, runs):
        gradient = build(case, cell, recurrent)
        if case in once:
            runs = 1
        else:
            gradient()
        row = {**fields, "case": case, "cell": cell, "recurrent": recurrent, "threads": args.threads}
        print(json.dumps({**row, "ms": fastest(gradient, runs)}), flush=True)

    if args.serve:
        return serve(answer)
    for case in [args.case] if args.case else cases:
        for cell, recurrent in cells:
            wanted = recurrent if args.recurrent else not (recurrent and args.cell == "snu")
            if wanted and args.cell in (None, cell):
                answer(case, cell, recurrent, args.runs)
