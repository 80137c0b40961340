"""Features that come and go, as the inputs of a network: a bounded number of places, and values in a unit of their own.

Works without River; :mod:`ostl.river` is built on it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt


class Slots:
    """Dictionaries of features as vectors of ``size`` values.

    A feature gets the next free place when it is first seen, those of one row in alphabetical order; when all are taken, new ones share places by a
    hash of their names. Numbers are measured in standard deviations from their mean so far, a truth is 0 or 1, a text has a place for each of its
    values, what is missing is 0. What is not finite counts as missing.
    """

    def __init__(self, size: int, scale: bool = True) -> None:
        if size < 1:
            raise ValueError(f"max_features: expected at least 1, found {size}")
        self.size = size
        self.scale = scale
        self.places: dict[str, int] = {}
        self._count = [0] * size
        self._mean = [0.0] * size
        self._square = [0.0] * size

    def vector(self, x: Mapping[Any, Any], learn: bool) -> npt.NDArray[np.float64]:
        """The values of a row; means and deviations learn from it first if ``learn`` says so."""
        values = np.zeros(self.size)
        found: list[tuple[str, float, bool]] = []
        for name, value in x.items():
            if isinstance(value, str):
                found.append((f"{name}={value}", 1.0, False))
            elif value is not None and math.isfinite(number := float(value)):
                found.append((str(name), number, not isinstance(value, bool | np.bool_)))
        if any(name not in self.places for name, _, _ in found):
            found.sort()
        for name, number, is_measured in found:
            place = self._place(name)
            if self.scale and is_measured:
                if learn:
                    self._follow(place, number)
                number = self._scaled(place, number)
            values[place] += number
        return values

    def _place(self, name: str) -> int:
        place = self.places.get(name)
        if place is None:
            taken = len(self.places)
            if taken < self.size:
                self.places[name] = place = taken
            else:
                # Not remembered: names may go on for ever.
                place = zlib.crc32(name.encode()) % self.size
        return place

    def _follow(self, place: int, number: float) -> None:
        """Welford's mean and sum of squares."""
        self._count[place] += 1
        difference = number - self._mean[place]
        self._mean[place] += difference / self._count[place]
        self._square[place] += difference * (number - self._mean[place])

    def _scaled(self, place: int, number: float) -> float:
        count = self._count[place]
        variance = self._square[place] / count if count else 0.0
        if not variance > 0.0 or not math.isfinite(variance):
            return 0.0 if count else math.tanh(number)
        # What lies far out says that it does, and no more.
        return max(-10.0, min(10.0, (number - self._mean[place]) / math.sqrt(variance)))


class Scale:
    """A target measured in standard deviations from its mean so far."""

    def __init__(self) -> None:
        self.count, self.mean, self._square = 0, 0.0, 0.0

    def follow(self, value: float) -> None:
        """Mean and deviation learn from a value."""
        self.count += 1
        difference = value - self.mean
        self.mean += difference / self.count
        self._square += difference * (value - self.mean)

    @property
    def deviation(self) -> float:
        """The standard deviation; 1 where there is none yet."""
        deviation = math.sqrt(self._square / self.count) if self.count else 0.0
        return deviation if deviation > 0.0 and math.isfinite(deviation) else 1.0

    def scaled(self, value: float) -> float:
        """A value in standard deviations from the mean, at most 10 of them."""
        return max(-10.0, min(10.0, (value - self.mean) / self.deviation))

    def back(self, scaled: float) -> float:
        """The value of a number of standard deviations."""
        return self.mean + self.deviation * scaled
