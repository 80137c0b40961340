"""Pictures of runs, spikes and traces. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .runs import Run, read_run

if TYPE_CHECKING:
    from .learner import Array


def _axes(axes: Any) -> Any:
    if axes is not None:
        return axes
    import matplotlib.pyplot as plt

    return plt.subplots()[1]


def curves(
    runs: Run | str | PathLike[str] | Iterable[Run | str | PathLike[str]],
    column: str | None = None,
    *,
    axes: Any = None,
) -> Any:
    """A column of the metrics of several runs over epochs; gives the axes that were drawn on.

    ``column`` is the name of one in ``metrics.csv``; the first that begins with ``valid_`` if left out. ``ValueError`` if a run does not have it.
    """
    several = [runs] if isinstance(runs, Run | str | PathLike) else list(runs)
    axes = _axes(axes)
    for run in several:
        run = run if isinstance(run, Run) else read_run(run)
        name = column or next((name for name in run.metrics if name.startswith("valid_")), None)
        if name is None or name not in run.metrics:
            raise ValueError(f"column: expected one of {', '.join(run.metrics) or 'none'}, found {name!r} (of {run.path})")
        values = run.metrics[name]
        axes.plot(run.metrics.get("epoch", np.arange(1, len(values) + 1)), values, label=run.name)
        axes.set_ylabel(name.replace("_", " "))
    axes.set_xlabel("epoch")
    axes.legend()
    return axes


def spikes(outputs: Array, *, axes: Any = None) -> Any:
    """A mark for each spike: ``outputs`` is steps × units, a spike where it is other than zero. Gives the axes."""
    outputs = np.asarray(outputs)
    if outputs.ndim != 2:
        raise ValueError(f"outputs: expected shape (steps, units), found {outputs.shape}")
    axes = _axes(axes)
    step, unit = np.nonzero(outputs)
    axes.plot(step, unit, "|", markersize=4, color="black")
    axes.set(xlabel="step", ylabel="unit", xlim=(0, len(outputs)), ylim=(-0.5, outputs.shape[1] - 0.5))
    return axes


def traces(values: Array, *, axes: Any = None) -> Any:
    """Lines over steps, one for each column of ``values``, which is steps × lines. Gives the axes."""
    values = np.asarray(values)
    if values.ndim != 2:
        raise ValueError(f"values: expected shape (steps, lines), found {values.shape}")
    axes = _axes(axes)
    axes.plot(values, linewidth=0.8)
    axes.set(xlabel="step", ylabel="trace", xlim=(0, len(values)))
    return axes
