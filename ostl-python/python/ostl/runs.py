"""Run directories of the program ``ostl``: configuration, metrics, summary and the learner."""

from __future__ import annotations

import csv
import importlib
import json
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from .learner import Array, Learner


@dataclass(frozen=True)
class Run:
    """A run directory as it was read."""

    path: Path
    config: dict[str, Any]
    """The resolved configuration."""
    metrics: dict[str, Array]
    """A column of ``metrics.csv`` each, a value an epoch; NaN where a cell is empty. Columns of words are arrays of ``str``."""
    summary: dict[str, Any] | None
    """``summary.json``; ``None`` while the run has not ended."""

    @property
    def name(self) -> str:
        """The directory's name."""
        return self.path.name

    def learner(self, which: Literal["best", "last"] = "best") -> Learner:
        """The learner as the run left it, with the weights of the best epoch or of the last one.

        ``OSError`` if the run has no such checkpoint yet.
        """
        from . import _ostl
        from .learner import Learner

        learner = Learner.load(self.path / "last.ckpt")
        if which == "best":
            learner.load_parameters(_ostl.read_checkpoint(self.path / "best.ckpt"))
        elif which != "last":
            raise ValueError(f'which: expected "best" or "last", found {which!r}')
        return learner

    def frame(self) -> Any:
        """The metrics as a ``pandas.DataFrame``. ``ImportError`` without pandas."""
        return importlib.import_module("pandas").DataFrame(self.metrics)


def read_run(path: str | PathLike[str]) -> Run:
    """Reads a run directory. ``ValueError`` if it is none."""
    path = Path(path)
    if not (path / "config.toml").is_file():
        raise ValueError(f"path: expected a run directory with a config.toml, found {str(path)!r}")
    config = _toml().loads((path / "config.toml").read_text(encoding="utf-8"))
    summary = path / "summary.json"
    return Run(
        path=path,
        config=config,
        metrics=_columns(path / "metrics.csv"),
        summary=json.loads(summary.read_text(encoding="utf-8")) if summary.is_file() else None,
    )


def _columns(path: Path) -> dict[str, Array]:
    """The columns of a table with a header; none where there is no file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = [row for row in csv.reader(file) if row]
    return {name: _column([row[index] for row in rows]) for index, name in enumerate(header)}


def _column(cells: list[str]) -> Array:
    try:
        return np.asarray([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return np.asarray(cells)


def _toml() -> Any:
    """Python's reader of TOML, which 3.10 does not have yet."""
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError("read_run needs Python 3.11 or the package tomli, to read config.toml")
