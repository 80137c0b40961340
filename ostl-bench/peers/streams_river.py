"""Streams learned by River's learners and by an online ridge regression, each row predicted before it is learned from.

    python ostl-bench/peers/streams_river.py DIR [--seeds 0,1,2]

DIR holds electricity.csv and machine-temperature.csv. Needs river (0.23 or later) and numpy. Prints a Markdown table: what `ostl stream`
reports on the same rows, by others. "late" is electricity with labels 48 rows late, as river.evaluate's `delay` has it; "fed back" has the
last known label among the inputs. The ridge regression forecasts how far the temperature will have moved in 12 steps, as `ostl stream` does,
from the last `--lags` values, by recursive least squares with a forgetting factor.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from river import forest, linear_model, preprocessing

LATE = 48
HORIZON = 12


def electricity(path: Path, fed_back: bool, late: int) -> Iterator[tuple[dict[str, float], bool]]:
    """Inputs and label of each row; the last label known by then is an input if it is fed back."""
    known: deque[float] = deque([0.0] * (late + 1), maxlen=late + 1)
    with path.open() as file:
        for row in csv.DictReader(file):
            label = float(row.pop("class"))
            inputs = {name: float(value) for name, value in row.items()}
            if fed_back:
                inputs["last"] = known[0]
            known.append(label)
            yield inputs, label == 1.0


def right(model, rows, late: int) -> float:
    """The share of rows that were predicted as they came to be; each is learned from `late` rows later."""
    waiting: deque[tuple[dict[str, float], bool]] = deque()
    hits = count = 0
    for inputs, label in rows:
        hits += model.predict_one(inputs) == label
        count += 1
        waiting.append((inputs, label))
        if len(waiting) > late:
            model.learn_one(*waiting.popleft())
    return hits / count


def classifiers(seed: int):
    yield "logistic regression", preprocessing.StandardScaler() | linear_model.LogisticRegression()
    yield "adaptive random forest, 10 trees", forest.ARFClassifier(n_models=10, seed=seed)


def temperatures(path: Path) -> np.ndarray:
    with path.open() as file:
        return np.array([float(row["value"]) for row in csv.DictReader(file)])


def ridge(values: np.ndarray, lags: int, forgetting: float, strength: float) -> np.ndarray:
    """The error of every forecast of a recursive least squares whose target is known `HORIZON` rows later."""
    size = lags + 1
    weights, inverse = np.zeros(size), np.eye(size) / strength
    inputs_of, errors = {}, []
    for row in range(lags - 1, len(values)):
        # How far each earlier value lies from the present one.
        inputs = np.concatenate([[1.0], values[row - lags + 1 : row + 1] - values[row]])
        inputs[-1] = values[row] - values[: row + 1].mean()
        inputs_of[row] = inputs
        then = row - HORIZON
        if then in inputs_of:
            earlier = inputs_of.pop(then)
            gain = inverse @ earlier / (forgetting + earlier @ inverse @ earlier)
            weights = weights + gain * (values[row] - values[then] - earlier @ weights)
            inverse = (inverse - np.outer(gain, earlier @ inverse)) / forgetting
        if row + HORIZON < len(values):
            errors.append(abs(values[row] + inputs @ weights - values[row + HORIZON]))
    return np.array(errors)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    path = arguments.folder / "electricity.csv"
    print("| stream | learner | accuracy, % | seconds |\n| --- | --- | --- | --- |")
    for what, fed_back, late in [("known at once", False, 0), ("fed back", True, 0), ("late", False, LATE), ("late, fed back", True, LATE)]:
        for name in dict(classifiers(0)):
            figures = []
            for seed in seeds if "forest" in name else seeds[:1]:
                start = time.perf_counter()
                share = right(dict(classifiers(seed))[name], electricity(path, fed_back, late), late)
                figures.append((f"{100 * share:.2f}", f"{time.perf_counter() - start:.1f}"))
            shares, seconds = (" ".join(column) for column in zip(*figures, strict=True))
            print(f"| {what} | {name} | {shares} | {seconds} |", flush=True)
    values = temperatures(arguments.folder / "machine-temperature.csv")
    same = np.abs(values[HORIZON:] - values[:-HORIZON])
    print("\n| forecast | mean error | of the last 1000 | seconds |\n| --- | --- | --- | --- |")
    print(f"| same as now | {same.mean():.3f} | {same[-1000:].mean():.3f} | |")
    for lags in [1, 12, 36]:
        for forgetting in [1.0, 0.9995]:
            start = time.perf_counter()
            errors = ridge(values, lags, forgetting, 1.0)
            took = time.perf_counter() - start
            name = f"ridge, {lags} values" + (f", forgetting {forgetting}" if forgetting < 1 else "")
            print(f"| {name} | {errors.mean():.3f} | {errors[-1000:].mean():.3f} | {took:.1f} |", flush=True)


if __name__ == "__main__":
    main()
