"""Seconds for one training epoch on the JSB chorales in PyTorch: what the example jsb_epoch of ostl-bench is held against.

    python ostl-bench/peers/jsb_epoch.py JSON_FILE [THREADS]      (default: 1 thread)

The same work: one recurrent layer of 150 units and a readout of 88 keys, batches of 8 chorales in a new order every epoch,
padded to the longest, backpropagation through the whole sequence, Adam at 0.003. Prints the fastest of the epochs, one JSON
line a cell. Batches are built within the time, as in the example.

    ssnu-without-h    s = W x + 0.4 s' (1 - y'),  y = sigmoid(s + b)
    lstm              PyTorch's own
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.nn.utils.rnn import pad_sequence

LOWEST_NOTE, KEYS, UNITS, STREAMS, EPOCHS, RATE, DECAY = 21, 88, 150, 8, 6, 0.003, 0.4


class SoftSnu(nn.Module):
    """The feed-forward soft spiking neural unit over a padded batch (steps, streams, keys)."""

    def __init__(self):
        super().__init__()
        self.input = nn.Linear(KEYS, UNITS, bias=False)
        self.bias = nn.Parameter(torch.zeros(UNITS))

    def forward(self, x):
        s = y = x.new_zeros(x.shape[1], UNITS)
        ys = []
        # The product with W does not wait for the past: one for all steps. The loop keeps what must be in order.
        for current in self.input(x).unbind():
            s = torch.addcmul(current, s, 1 - y, value=DECAY)
            y = torch.sigmoid(s + self.bias)
            ys.append(y)
        return torch.stack(ys)


class Lstm(nn.Module):
    """PyTorch's LSTM, outputs only."""

    def __init__(self):
        super().__init__()
        self.layer = nn.LSTM(KEYS, UNITS)

    def forward(self, x):
        return self.layer(x)[0]


def read(path):
    """The training chorales as 0/1 matrices, a row a chord."""
    rolls = []
    for chords in json.loads(Path(path).read_text())["train"]:
        roll = torch.zeros(len(chords), KEYS)
        for row, notes in zip(roll, chords):
            row[[note - LOWEST_NOTE for note in notes]] = 1
        rolls.append(roll)
    return rolls


def train(network, optimiser, rolls):
    """One epoch. Returns the mean over steps of the loss, summed over keys."""
    loss_sum, steps = 0.0, 0
    for chosen in torch.randperm(len(rolls)).split(STREAMS):
        sequences = [rolls[i] for i in chosen]
        # A chord is the target of the chord before it.
        chords = pad_sequence(sequences)
        lengths = torch.tensor([len(sequence) - 1 for sequence in sequences])
        there = torch.arange(len(chords) - 1)[:, None] < lengths
        logits = network(chords[:-1])
        # The mask is a weight on every key of a step that does not exist: 0 for none of it.
        loss = binary_cross_entropy_with_logits(logits, chords[1:], there[:, :, None].float(), reduction="sum")
        count = int(lengths.sum())
        optimiser.zero_grad()
        (loss / count).backward()
        optimiser.step()
        loss_sum, steps = loss_sum + loss.item(), steps + count
    return loss_sum / steps


def main():
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    torch.set_num_threads(threads)
    rolls = read(sys.argv[1])
    for cell, layer in (("ssnu-without-h", SoftSnu), ("lstm", Lstm)):
        torch.manual_seed(1)
        network = nn.Sequential(layer(), nn.Linear(UNITS, KEYS))
        optimiser = torch.optim.Adam(network.parameters(), lr=RATE)
        fastest = float("inf")
        for _ in range(EPOCHS):
            start = time.perf_counter()
            loss = train(network, optimiser, rolls)
            fastest = min(fastest, time.perf_counter() - start)
        row = {"cell": cell, "library": f"PyTorch {torch.__version__}", "threads": threads}
        print(json.dumps(row | {"seconds": round(fastest, 4), "loss": round(loss, 3)}), flush=True)


if __name__ == "__main__":
    main()
