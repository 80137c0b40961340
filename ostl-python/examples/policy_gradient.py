"""Policy gradient with memory: a corridor whose end has two doors; the right one was shown at the start, and only there.

Every step the network gives logits of actions and a value. After an episode's steps the error of each step's outputs is known only once the
return is, so the episode is run twice: once to act, once to learn (REINFORCE with a baseline, the errors given by ``backward``).
"""

import sys

import numpy as np

import ostl

BRIEF = "--brief" in sys.argv
EPISODES, LENGTH, TOGETHER = (250 if BRIEF else 600), 5, 16
random = np.random.default_rng(5)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def observations(doors):
    """What is seen at each step: the sign at the start, then the corridor, then the doors."""
    seen = np.zeros((LENGTH, TOGETHER, 4), np.float32)
    seen[0, np.arange(TOGETHER), doors] = 1.0
    seen[1:-1, :, 2] = seen[-1, :, 3] = 1.0
    return seen


def main():
    heads = [ostl.Head("action", 2), ostl.Head("value", 1, "mean-squared-error")]
    network = ostl.Network([ostl.GRU(24)], inputs=4, heads=heads, seed=1)
    # The gradient of whole episodes, carried forward: weights change when an episode ends.
    method = ostl.Method.ostl().with_(update="sequence")
    learner = ostl.Learner(network, method=method, optimizer=ostl.Adam(0.02), streams=TOGETHER)
    returns = []
    for _ in range(EPISODES):
        doors = random.integers(2, size=TOGETHER)
        seen = observations(doors)
        learner.frozen = True
        said = np.stack([learner.predict(step) for step in seen])
        learner.frozen = False
        learner.reset()
        shares = softmax(said[-1, :, :2])
        actions = (random.random(TOGETHER) < shares[:, 1]).astype(int)
        reward = np.where(actions == doors, 1.0, -1.0)
        returns.append(reward.mean())
        for step, x in enumerate(seen):
            outputs = learner.predict(x)
            error = np.zeros_like(outputs)
            # The value is learned at every step; the action is taken at the last.
            error[:, 2] = outputs[:, 2] - reward
            if step == LENGTH - 1:
                advantage = reward - outputs[:, 2]
                error[:, :2] = (softmax(outputs[:, :2]) - np.eye(2)[actions]) * advantage[:, None]
            learner.backward(error)
        learner.finish()
    first, last = np.mean(returns[:20]), np.mean(returns[-20:])
    print(f"mean return {first:+.2f} at first, {last:+.2f} after {EPISODES} times {TOGETHER} episodes (the best is +1)")
    assert last > 0.8


if __name__ == "__main__":
    main()
