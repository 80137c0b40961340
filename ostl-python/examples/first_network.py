# %% [markdown]
# # A first network
#
# A bit comes in at every step. The network is asked for the bit of three steps ago, and learns from every answer while the stream goes on:
# nothing is stored but what OSTL carries.

# %%
import sys

import numpy as np

import ostl

STEPS = 2000 if "--brief" in sys.argv else 4000
random = np.random.default_rng(1)
bits = random.integers(2, size=STEPS)

network = ostl.Network([ostl.LSTM(24)], inputs=1, outputs=2, seed=1)
learner = ostl.Learner(network, "softmax-cross-entropy", method=ostl.Method.ostl(), optimizer=ostl.Adam(0.02))
print(network, "-", network.size, "parameters")

# %% [markdown]
# Two calls a step: an output now, from what was seen so far; then what it should have been.

# %%
hits = []
for step in range(3, STEPS // 2):
    logits = learner.predict([float(bits[step])])
    hits.append(int(logits.argmax()) == bits[step - 3])
    learner.learn(bits[step - 3])
print(f"right of the first hundred: {np.mean(hits[:100]):.2f}, of the last: {np.mean(hits[-100:]):.2f}")

# %% [markdown]
# The same for the rest of the stream in one call, which is the faster way where all is there already.

# %%
rest = np.arange(STEPS // 2, STEPS)
outputs, score = learner.learn_many(bits[rest, None].astype(np.float32), bits[rest - 3])
print(f"right of the rest: {score.accuracy:.2f}")
assert score.accuracy > 0.9

# %% [markdown]
# How good is the gradient? The audit holds it to backpropagation through time, block by block.

# %%
print(learner.check())
