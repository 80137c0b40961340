# %% [markdown]
# # E-prop on store–recall, with pictures
#
# A bit is shown beside a "store" signal; some steps later "recall" asks for it. Adaptive spiking units below a leaky readout, learned by e-prop:
# each unit keeps its own eligibility trace, and nothing is sent back through time.

# %%
import sys

import numpy as np

import ostl

BRIEF = "--brief" in sys.argv
STREAMS, STEPS, UNITS = 32, 24, 40
random = np.random.default_rng(2)


def batch():
    """Inputs (two lines for the bit, store, recall), and the bit at the step of recall."""
    inputs = np.zeros((STREAMS, STEPS, 4), np.float32)
    targets = np.full((STREAMS, STEPS), -1)
    bits = random.integers(2, size=(STREAMS, STEPS))
    store = random.integers(0, 5, size=STREAMS)
    recall = store + random.integers(6, 16, size=STREAMS)
    rows = np.arange(STREAMS)
    for step in range(STEPS):
        inputs[rows, step, bits[:, step]] = 1.0
    inputs[rows, store, 2] = inputs[rows, recall, 3] = 1.0
    targets[rows, recall] = bits[rows, store]
    return inputs, targets


network = ostl.Network(
    [ostl.ALIF(UNITS, detach_reset=True, adaptation=0.5, adaptation_decay=0.95)],
    inputs=4,
    readout=ostl.LI(2, decay=0.8),
    seed=3,
)
method = ostl.Method.e_prop().with_(update="sequence")
learner = ostl.Learner(network, "softmax-cross-entropy", method=method, optimizer=ostl.Adam(0.005), streams=STREAMS)
history = learner.fit(lambda: (batch() for _ in range(10)), epochs=4 if BRIEF else 60)
print(f"loss {history[0].loss:.2f} at first, {history[-1].loss:.2f} after {len(history)} epochs")
print(f"accuracy {learner.evaluate_batch(*batch()).accuracy:.2f}")

# %% [markdown]
# One sequence, step by step: what the units say, and what their traces of the weight from "store" are.

# %%
inputs, targets = batch()
learner.frozen = False
learner.reset()
spikes, traces = [], []
for step in range(STEPS):
    learner.predict(inputs[:, step])
    learner.learn(targets[:, step])
    spikes.append(learner.output(0)[0])
    # Stream, variable, gate, unit, column.
    traces.append(learner.trace(0)["W"][0, 0, 0, :, 2])
spikes, traces = np.array(spikes), np.array(traces)
print(f"{spikes.mean():.2f} spikes a unit and step; the largest trace is {np.abs(traces).max():.2f}")
assert spikes.any() and np.abs(traces).max() > 0.0

# %%
try:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
except ImportError:
    print("matplotlib is not installed: no pictures")
else:
    figure, (above, below) = plt.subplots(2, sharex=True)
    ostl.plot.spikes(spikes, axes=above)
    ostl.plot.traces(traces, axes=below)
    figure.savefig("store_recall.svg")
    print("store_recall.svg has spikes and traces")
