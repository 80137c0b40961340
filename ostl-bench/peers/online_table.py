"""The table of steps of streams, peers beside ours: a part of compare.py."""

import contextlib
import itertools

from online_rows import PLAN
from workers import Worker, number, ostl

BPTT = {"torch": "online_torch.py", "jax": "online_jax.py"}
DRTRL, DRTRL_CELLS = "online_drtrl.py", ("lstm", "gru")
CARRIES = ("none", "local", "layer")


def go_round(args, figures, workers, cell, size):
    """Everybody once: a peer after another, then ours."""
    for column, worker in workers.items():
        for streams, window in itertools.product(PLAN["streams"], PLAN["windows"]):
            if column in BPTT or (window == 1 and cell in DRTRL_CELLS):
                row = worker(size=size, cell=cell, streams=streams, window=window, quick=args.quick)
                figures.add(row, cell, size, streams, window, column)
    for row in ostl("--online", "--cells", cell, "--sizes", size, *["--quick"] * args.quick, threads=args.threads):
        figures.add(row, cell, size, row["streams"], row["window"], row["carry"])


def line(figures, *name):
    """A row of the table."""
    torch, jax, drtrl = (figures.get(*name, column) for column in (*BPTT, "braintrace"))
    cells = [*map(str, name), number(torch), number(jax), number(drtrl)]
    for carry in CARRIES:
        ours = figures.get(*name, carry)
        cells += [number(ours), number(ours and ours / min(torch, jax))]
    return f"| {' | '.join(cells)} |"


def table(args, figures):
    """A step of every cell, size, number of streams and window by everybody."""
    lines = [
        f"A step of B streams, µs, {args.threads} {'thread' if args.threads == 1 else 'threads'}, with an update by Adam every K steps. "
        "torch and jax: BPTT within the window, all of its steps in one call; braintrace: D-RTRL, about what `local` carries; "
        "ours step by step, with each carry. A ratio is our time over the faster of torch and jax, which do what `none` does.",
        "",
        "| cell | size | B | K | torch | jax | braintrace | none | ratio | local | ratio | layer | ratio |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    scripts = BPTT if args.no_braintrace else {**BPTT, "braintrace": DRTRL}
    with contextlib.ExitStack() as stack:
        workers = {column: stack.enter_context(Worker(script, args.threads)) for column, script in scripts.items()}
        for cell, size in itertools.product(args.cells, args.sizes):
            for _ in range(args.rounds):
                go_round(args, figures, workers, cell, size)
            rows = itertools.product(PLAN["streams"], PLAN["windows"])
            lines += [line(figures, cell, size, streams, window) for streams, window in rows]
    return lines
