"""A row predicted and learned by ``ostl.river.Classifier``, beside River's logistic regression: microseconds a row. Needs river."""

import time

from river import datasets, linear_model, preprocessing

import ostl
from ostl.river import Classifier


def main() -> None:
    """Times both on the same rows."""
    rows = list(datasets.Phishing())
    models = {
        "river.linear_model.LogisticRegression": lambda: preprocessing.StandardScaler() | linear_model.LogisticRegression(),
        "ostl.river.Classifier, 16 LSTM units": Classifier,
        "ostl.river.Classifier, 16 GRU units": lambda: Classifier([ostl.GRU(16)]),
        "the same with 16 features": lambda: Classifier([ostl.GRU(16)], max_features=16, max_classes=2),
    }
    for name, make in models.items():
        times = []
        for _ in range(3):
            model, hits = make(), 0
            start = time.perf_counter()
            for x, y in rows:
                hits += model.predict_one(x) == y
                model.learn_one(x, y)
            times.append(time.perf_counter() - start)
        print(f"{name}: {1e6 * min(times) / len(rows):.1f} µs a row, {hits / len(rows):.3f} right")


if __name__ == "__main__":
    main()
