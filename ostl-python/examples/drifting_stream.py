# %% [markdown]
# # A stream that drifts
#
# Rows of features in a dictionary, a class for each. What decides it is the row before; halfway through, the rule turns around and a feature
# goes away. A learner that goes on learning follows; one that stopped does not.

# %%
import copy
import sys

import numpy as np

import ostl
from ostl.slots import Slots

ROWS = 2400 if "--brief" in sys.argv else 8000
random = np.random.default_rng(4)


def rows():
    before = 0.0
    for step in range(ROWS):
        drifted = step >= ROWS // 2
        x = {"level": random.standard_normal(), "kind": str(random.choice(["a", "b"]))}
        if not drifted:
            x["noise"] = random.standard_normal()
        yield x, int((before > 0.0) != drifted)
        before = x["level"]


# %% [markdown]
# The engine alone: `Slots` turns dictionaries into vectors, so that River is not needed. With River, `ostl.river.Classifier` does both.

# %%
slots = Slots(8)
network = ostl.Network([ostl.GRU(16)], inputs=8, outputs=2, seed=1)
learner = ostl.Learner(network, "softmax-cross-entropy", method="ostl", optimizer=ostl.Adam(0.02))
stopped, hits = None, {"learning": [], "stopped": []}
for step, (x, y) in enumerate(rows()):
    if step == ROWS // 2:
        stopped = copy.deepcopy(learner)
        stopped.frozen = True
    vector = slots.vector(x, learn=True)
    hits["learning"].append(int(learner.predict(vector).argmax()) == y)
    learner.learn(y)
    if stopped is not None:
        hits["stopped"].append(int(stopped.predict(vector).argmax()) == y)
last = ROWS // 8
for name, of in hits.items():
    print(f"{name}: {np.mean(of[-last:]):.2f} right of the last {last}")
assert np.mean(hits["learning"][-last:]) > 0.8 > 0.4 > np.mean(hits["stopped"][-last:])

# %%
try:
    from river import metrics

    from ostl.river import Classifier
except ImportError:
    print("river is not installed: its estimator is not shown")
else:
    model, accuracy = Classifier([ostl.GRU(16)], optimizer=ostl.Adam(0.02)), metrics.Accuracy()
    for x, y in rows():
        accuracy.update(y, model.predict_one(x))
        model.learn_one(x, y)
    print(accuracy)
