"""What a step of a stream takes from Python: two calls a step, and a whole stream in one call. Prints microseconds a step.

The same work in Rust alone: ``cargo run --release --manifest-path ostl-python/Cargo.toml --example steps``.
"""

import time

import numpy as np

import ostl

INPUTS, CLASSES, STEPS, ROUNDS = 8, 4, 1_000, 40


def best(work) -> float:
    """The least time of several rounds, in microseconds a step."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e6 * min(times) / STEPS


def main() -> None:
    """Times both ways."""
    at = np.arange(STEPS)
    xs = (((at[:, None] * 7 + np.arange(INPUTS) * 13) % 11) / 11.0).astype(np.float32)
    ys = at * 5 % CLASSES
    rows, classes = list(xs), ys.tolist()
    for units in (8, 32, 64):
        network = ostl.Network([ostl.LSTM(units)], INPUTS, CLASSES)
        learner = ostl.Learner(network, "softmax-cross-entropy", method="ostl_without_h")

        def step_by_step(learner=learner) -> None:
            for x, y in zip(rows, classes, strict=True):
                learner.predict(x)
                learner.learn(y)

        one, many = best(step_by_step), best(lambda learner=learner: learner.learn_many(xs, ys))
        print(f"{units} units: predict and learn {one:.2f} µs a step, learn_many {many:.2f}")


if __name__ == "__main__":
    main()
