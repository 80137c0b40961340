"""Times a step of a stream in PyTorch: BPTT within windows of K steps, and an update by Adam after each.

    python ostl-bench/peers/online_torch.py --sizes small --cells lstm,gru

The state goes on from window to window, but no derivative does. A window's steps are given to the layer together, which
is faster than one at a time and cannot predict before the window is full. Rows and options as online_rows.py has them.
"""

import itertools

import torch
from torch import nn
from torch.nn.functional import cross_entropy

import online_rows
from bptt_torch import data
from torch_cells import CELLS, detached

START = {"input": "uniform", "recurrent": "uniform"}
OPTIONS = {"snu": {"decay": 0.9, "initial_bias": -0.5, "pseudo_derivative": "fast-sigmoid"}}


def build(case, cell, window, compiled):
    """Learns from one window after another."""
    m, n = case["inputs"], case["units"]
    core = nn.GRU(m, n) if cell == "gru" else CELLS[cell](m, n, START, **OPTIONS.get(cell, {}))
    readout = nn.Linear(n, case["outputs"])
    learned = [p for p in (*core.parameters(), *readout.parameters()) if p.requires_grad]
    optimizer = torch.optim.Adam(learned, online_rows.LEARNING_RATE, fused=True)
    windows = itertools.cycle(list(zip(*(values.split(window) for values in data(case)))))
    state = None

    def forward(x, target, state):
        y, state = core(x, state)
        return cross_entropy(readout(y).flatten(0, 1), target.flatten()), state

    if compiled:
        torch.compiler.reset()  # or the rows before this one count against the number of recompilations
        forward = torch.compile(forward)

    def learn():
        nonlocal state
        loss, state = forward(*next(windows), state)
        state = detached(state)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return learn


if __name__ == "__main__":
    parser = online_rows.parser(__doc__)
    parser.add_argument("--compile", action="store_true", help="by torch.compile, which needs a C++ compiler")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    peer = f"torch {torch.__version__}{' compiled' if args.compile else ''}"
    online_rows.run(args, lambda *work: build(*work, args.compile), peer=peer)
