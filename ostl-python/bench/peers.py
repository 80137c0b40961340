"""A step of a stream from Python, by ostl and by what a user would take instead; thousands of steps a second, one thread.

    python ostl-python/bench/peers.py

Needs torch, snntorch, and for D-RTRL jax, braintrace and optax; whoever is missing is left out. The networks are those of
``ostl-bench/src/online.json``: ``small`` (16 inputs, 64 units, 5 classes) and ``medium`` (64, 128, 10), random inputs, Adam. The script goes round
all of them ``ROUNDS`` times and prints the median.

- LSTM, an update every K steps: ``learn_many`` with the carry ``local`` beside truncated BPTT of K steps in PyTorch (no trace, all
  steps of a window in one call) and, at K = 1, braintrace's D-RTRL.
- Leaky integrate-and-fire neurons without H: BPTT over sequences of 100 steps, an update after each, in snnTorch and here (``learn_batch``),
  and ``learn_many`` with traces at K = 1 and an update at every step.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import ostl

PEERS = Path(__file__).resolve().parents[2] / "ostl-bench/peers"
SIZES = {"small": (16, 64, 5), "medium": (64, 128, 10)}
STEPS, ROUNDS, LEARNING_RATE = 100, 5, 1e-8


def data(inputs: int, outputs: int, streams: int):
    """Inputs as [step, stream, input], and classes as [step, stream]."""
    random = np.random.default_rng(1)
    xs = random.standard_normal((STEPS, streams, inputs)).astype(np.float32)
    return xs, random.integers(outputs, size=(STEPS, streams))


def seconds(work: Callable[[], object]) -> float:
    """The time of a call, over as many as take half a second."""
    work()
    calls, start = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - start < 0.5:
        work()
        calls += 1
    return (time.perf_counter() - start) / calls


def of_ostl(layer: ostl.layers.Layer, size: str, streams: int, window: int) -> Callable[[], object]:
    """A stretch of ``STEPS`` steps, with an update after every window."""
    inputs, _, outputs = SIZES[size]
    network = ostl.Network([layer], inputs, outputs)
    method = {"window": window, "carry": "local", "update": "window"}
    learner = ostl.Learner(
        network, "softmax-cross-entropy", method=method, optimizer=ostl.Adam(LEARNING_RATE), streams=streams
    )
    xs, ys = data(inputs, outputs, streams)
    return lambda: learner.learn_many(xs, ys)


def of_sequences(layer: ostl.layers.Layer, size: str, streams: int) -> Callable[[], object]:
    """BPTT over whole sequences."""
    inputs, _, outputs = SIZES[size]
    network = ostl.Network([layer], inputs, outputs)
    learner = ostl.Learner(
        network, "softmax-cross-entropy", method="bptt", optimizer=ostl.Adam(LEARNING_RATE), streams=streams
    )
    xs, ys = data(inputs, outputs, streams)
    xs, ys = np.ascontiguousarray(xs.swapaxes(0, 1)), np.ascontiguousarray(ys.T)
    return lambda: learner.learn_batch(xs, ys)


def of_snntorch(size: str, streams: int) -> Callable[[], object]:
    """The same in snnTorch."""
    import snntorch
    import torch

    torch.set_num_threads(1)
    inputs, units, outputs = SIZES[size]
    below, above = torch.nn.Linear(inputs, units), torch.nn.Linear(units, outputs)
    neurons = snntorch.Leaky(beta=0.9, spike_grad=snntorch.surrogate.fast_sigmoid())
    optimizer = torch.optim.Adam([*below.parameters(), *above.parameters()], LEARNING_RATE, fused=True)
    xs, ys = data(inputs, outputs, streams)
    xs, ys = torch.tensor(xs), torch.tensor(ys)

    def learn() -> None:
        potential, spikes = neurons.init_leaky(), []
        for current in below(xs):
            spike, potential = neurons(current, potential)
            spikes.append(spike)
        loss = torch.nn.functional.cross_entropy(above(torch.stack(spikes)).flatten(0, 1), ys.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return learn


class Worker:
    """A script of ``ostl-bench/peers`` that answers requests."""

    def __init__(self, script: str) -> None:
        command = [sys.executable, "-W", "ignore", str(PEERS / script), "--serve", "--threads", "1"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def rate(self, **request: object) -> float | None:
        """Steps a second, if it is there."""
        assert self.process.stdin and self.process.stdout
        try:
            print(json.dumps({**request, "quick": True}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            return None
        answer = self.process.stdout.readline()
        return json.loads(answer)["steps_per_second"] if answer else None


def shown(rates: list[float | None]) -> str:
    """The median, in thousands."""
    there = [rate for rate in rates if rate is not None]
    return f"{statistics.median(there) / 1e3:.3g}" if there else "–"


def main() -> None:
    """Prints both tables."""
    torch, drtrl = Worker("online_torch.py"), Worker("online_drtrl.py")
    print("| LSTM | streams | K | ostl | PyTorch, TBPTT | braintrace, D-RTRL |\n| --- | --- | --- | --- | --- | --- |")
    for size, streams, window in [(size, streams, window) for size in SIZES for streams in (1, 16) for window in (1, 20)]:
        work = of_ostl(ostl.LSTM(SIZES[size][1]), size, streams, window)
        request = {"size": size, "cell": "lstm", "streams": streams, "window": window}
        rates: list[list[float | None]] = [[], [], []]
        for _ in range(ROUNDS):
            rates[0].append(STEPS / seconds(work))
            rates[1].append(torch.rate(**request))
            rates[2].append(drtrl.rate(**request) if window == 1 else None)
        print(f"| {size} | {streams} | {window} | {' | '.join(map(shown, rates))} |", flush=True)
    print("\n| LIF | streams | ostl, BPTT | ostl, traces, K = 1 | snnTorch, BPTT |\n| --- | --- | --- | --- | --- |")
    for size, streams in [(size, streams) for size in SIZES for streams in (1, 16)]:
        layer = ostl.LIF(SIZES[size][1], decay=0.9, recurrent=False)
        works = [of_sequences(layer, size, streams), of_ostl(layer, size, streams, 1), of_snntorch(size, streams)]
        rates = [[], [], []]
        for _ in range(ROUNDS):
            for of_one, work in zip(rates, works, strict=True):
                of_one.append(STEPS / seconds(work))
        print(f"| {size} | {streams} | {' | '.join(map(shown, rates))} |", flush=True)


if __name__ == "__main__":
    main()
