"""Times one gradient by backpropagation through time in PyTorch; rows and options as rows.py has them.

    python ostl-bench/peers/bptt_torch.py --case music --cell snu --recurrent --threads 1
"""

import math

import torch
from torch.nn.functional import cross_entropy

import rows


class Spike(torch.autograd.Function):
    """Heaviside step with the fast-sigmoid pseudo-derivative."""

    @staticmethod
    def forward(ctx, v):
        ctx.save_for_backward(v)
        return (v > 0).float()

    @staticmethod
    def backward(ctx, grad):
        (v,) = ctx.saved_tensors
        return grad / (1 + v.abs()) ** 2


def data(case):
    """Inputs and target classes, a row a step."""
    shape = (case["steps"], case["batch"], case["inputs"])
    x = torch.randn(shape) if case["active"] == 1.0 else (torch.rand(shape) < case["active"]).float()
    return x, torch.randint(0, case["outputs"], shape[:2])


def snu(case, recurrent):
    """The SNU with decay 0.9, written out; the input product is taken over all steps at once."""
    m, n, o = case["inputs"], case["units"], case["outputs"]
    w, h, v = ((torch.randn(a, b) / math.sqrt(b)).requires_grad_() for a, b in ((n, m), (n, n), (o, n)))
    b = torch.full((n,), -0.5, requires_grad=True)
    x, target = data(case)

    def logits():
        s = y = torch.zeros(case["batch"], n)
        current, outputs = x @ w.t(), []
        for t in range(case["steps"]):
            s = current[t] + 0.9 * s * (1 - y) + (y @ h.t() if recurrent else 0.0)
            y = Spike.apply(s + b)
            outputs.append(y)
        return torch.stack(outputs) @ v.t()

    return logits, target, [w, b, v, h] if recurrent else [w, b, v]


def lstm(case, _recurrent):
    """PyTorch's own LSTM and a linear readout."""
    core = torch.nn.LSTM(case["inputs"], case["units"])
    readout = torch.nn.Linear(case["units"], case["outputs"])
    x, target = data(case)
    return lambda: readout(core(x)[0]), target, [*core.parameters(), *readout.parameters()]


def build(case, cell, recurrent):
    logits, target, parameters = {"snu": snu, "lstm": lstm}[cell](rows.CASES[case], recurrent)
    return lambda: torch.autograd.grad(cross_entropy(logits().flatten(0, 1), target.flatten()), parameters)


if __name__ == "__main__":
    args = rows.options(__doc__)
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    rows.run(args, build, peer=f"torch {torch.__version__}")
