"""What the window costs step by step while the weights stay: a sequence by `predict` and `learn`, with K = 1, 20 and T. Prints milliseconds a sequence.

python ostl-python/bench/fixed_weights.py
"""

import time

import numpy as np

import ostl

CELLS = {"LSTM": ostl.LSTM, "GRU": ostl.GRU, "SNU": ostl.SNU}
#: Inputs, units, outputs and steps.
SIZES = [(64, 128, 10, 100), (128, 256, 32, 300)]
ROUNDS = 8


def learner(cell: str, size: tuple[int, int, int, int], window: int | str) -> ostl.Learner:
    """One that changes its weights at the end of a sequence."""
    inputs, units, outputs, _ = size
    method = {"window": window, "carry": "none" if window == "sequence" else "local", "update": "sequence"}
    network = ostl.Network([CELLS[cell](units)], inputs, outputs)
    return ostl.Learner(network, "softmax-cross-entropy", method=method, optimizer=ostl.Adam(1e-8))


def main() -> None:
    """Goes round the three windows, so that none has the machine at its best."""
    random = np.random.default_rng(0)
    for cell in CELLS:
        # Recurrent SNUs of 256 units have gradients that explode within 300 steps.
        for size in SIZES[:1] if cell == "SNU" else SIZES:
            inputs, units, outputs, steps = size
            xs = list(random.standard_normal((steps, inputs)).astype(np.float32))
            ys = random.integers(outputs, size=steps).tolist()
            learners = {window: learner(cell, size, window) for window in (1, 20, "sequence")}
            least = dict.fromkeys(learners, float("inf"))
            for _ in range(ROUNDS):
                for window, of_window in learners.items():
                    start = time.perf_counter()
                    for x, y in zip(xs, ys, strict=True):
                        of_window.predict(x)
                        of_window.learn(y)
                    of_window.finish()
                    least[window] = min(least[window], 1e3 * (time.perf_counter() - start))
            ratios = [least[window] / least["sequence"] for window in (1, 20)]
            print(
                f"{cell} {units}, {steps} steps: K = 1 {least[1]:.2f} ms ({ratios[0]:.2f} of K = T), "
                f"K = 20 {least[20]:.2f} ({ratios[1]:.2f}), K = T {least['sequence']:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
