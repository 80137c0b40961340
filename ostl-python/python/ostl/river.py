"""Estimators for streams of dictionaries in River's manner. Needs river.

A row that is predicted is a row of the stream: the network goes on by it, once, whatever is asked about it again, and learns from it if
``learn_one`` has the same row next. So rows come in their order, each predicted and then learned, or only learned.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from river import base, time_series

from .layers import LSTM, Layer
from .learner import Learner
from .losses import Loss
from .methods import Method
from .network import Network
from .optimizers import Adam, Optimizer
from .slots import Scale, Slots

_DEFAULT_METHOD = {"window": 1, "carry": "local", "update": "window"}


class _Stream:
    """A learner of one stream of dictionaries."""

    def __init__(self, given: Any, inputs: int, outputs: int, loss: Loss | str) -> None:
        layers = [LSTM(16)] if given.layers is None else list(given.layers)
        network = Network(layers, inputs, outputs, seed=given.seed)
        optimizer = Adam(0.01) if given.optimizer is None else given.optimizer
        method = _DEFAULT_METHOD if given.method is None else given.method
        self.learner = Learner(network, loss, method=method, optimizer=optimizer)
        self.slots = Slots(inputs, given.scale)
        # The row that was predicted last and not learned from.
        self.row: dict[Any, Any] | None = None
        self.outputs: list[float] = []

    def predict(self, x: Mapping[Any, Any], learn: bool = False) -> list[float]:
        """The outputs of a row, the network going on by it the first time."""
        if self.row is None or self.row != x:
            if self.row is not None:
                self.learner.learn(None)
            self.outputs = self.learner.predict(self.slots.vector(x, learn)).tolist()
            self.row = dict(x)
        return self.outputs

    def learn(self, x: Mapping[Any, Any], y: Any) -> None:
        if self.row is None or self.row != x:
            self.predict(x, learn=True)
        else:
            self.slots.vector(x, learn=True)
        self.row = None
        self.learner.learn(y)


class Classifier(base.Classifier):
    """Classes of a stream, of which there may be new ones at any time.

    ``layers``, ``method``, ``optimizer``
        As :class:`ostl.Learner` has them; 16 LSTM units with their own influence, one step at a time, and Adam at 0.01 if left out.
    ``max_features``
        Inputs of the network; features beyond share them.
    ``max_classes``
        Outputs of the network. A class beyond raises ``ValueError``.
    ``scale``
        Whether numbers are measured in standard deviations from their mean so far.
    ``seed``
        Of the starting weights.
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        method: Method | str | Mapping[str, Any] | None = None,
        optimizer: Optimizer | None = None,
        max_features: int = 64,
        max_classes: int = 16,
        scale: bool = True,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.method = method
        self.optimizer = optimizer
        self.max_features = max_features
        self.max_classes = max_classes
        self.scale = scale
        self.seed = seed
        self._classes: dict[Any, int] = {}
        self._stream = _Stream(self, max_features, max_classes, "softmax-cross-entropy")

    @property
    def _multiclass(self) -> bool:
        return True

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from a row and its class."""
        index = self._classes.get(y)
        if index is None:
            index = len(self._classes)
            if index == self.max_classes:
                raise ValueError(f"y: expected at most {self.max_classes} classes (max_classes), found one more: {y!r}")
            self._classes[y] = index
        self._stream.learn(x, index)

    def learn_many(self, X: Any, y: Iterable[Any]) -> None:
        """Learns from rows in their order: a ``DataFrame`` and a ``Series``, or dictionaries and classes."""
        for row, label in zip(_rows(X), y, strict=True):
            self.learn_one(row, label)

    def predict_proba_one(self, x: Mapping[Any, Any], **_: Any) -> dict[Any, float]:
        """The probability of each class seen so far."""
        if not self._classes:
            return {}
        outputs = self._stream.predict(x)[: len(self._classes)]
        most = max(outputs)
        powers = [math.exp(output - most) for output in outputs]
        total = sum(powers)
        return {label: powers[index] / total for label, index in self._classes.items()}


class Regressor(base.Regressor):
    """A value for each row of a stream, measured by itself in standard deviations from its mean so far. Parameters as :class:`Classifier`."""

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        method: Method | str | Mapping[str, Any] | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | str = "mean-squared-error",
        max_features: int = 64,
        scale: bool = True,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.method = method
        self.optimizer = optimizer
        self.loss = loss
        self.max_features = max_features
        self.scale = scale
        self.seed = seed
        self._target = Scale()
        self._stream = _Stream(self, max_features, 1, loss)

    def learn_one(self, x: Mapping[Any, Any], y: float) -> None:
        """Learns from a row and its value."""
        self._target.follow(float(y))
        self._stream.learn(x, self._target.scaled(float(y)))

    def learn_many(self, X: Any, y: Iterable[float]) -> None:
        """Learns from rows in their order: a ``DataFrame`` and a ``Series``, or dictionaries and values."""
        for row, value in zip(_rows(X), y, strict=True):
            self.learn_one(row, value)

    def predict_one(self, x: Mapping[Any, Any], **_: Any) -> float:
        """The value expected of a row; 0 before the first was learned."""
        return self._target.back(self._stream.predict(x)[0]) if self._target.count else 0.0


class Forecaster(time_series.base.Forecaster):
    """The next values of a series, from its last one and, if there are, further features of each step. Parameters as :class:`Classifier`."""

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        method: Method | str | Mapping[str, Any] | None = None,
        optimizer: Optimizer | None = None,
        loss: Loss | str = "mean-squared-error",
        max_features: int = 16,
        scale: bool = True,
        seed: int = 0,
    ) -> None:
        self.layers = layers
        self.method = method
        self.optimizer = optimizer
        self.loss = loss
        self.max_features = max_features
        self.scale = scale
        self.seed = seed
        self._target = Scale()
        self._last = 0.0
        self._slots = Slots(max_features, scale)
        layers = [LSTM(16)] if layers is None else list(layers)
        self._learner = Learner(
            Network(layers, max_features + 1, 1, seed=seed),
            loss,
            method=_DEFAULT_METHOD if method is None else method,
            optimizer=Adam(0.01) if optimizer is None else optimizer,
        )

    def _input(self, x: Mapping[Any, Any] | None, last: float, learn: bool) -> Any:
        features = np.zeros(self.max_features) if x is None else self._slots.vector(x, learn)
        return np.append(features, self._target.scaled(last) if self._target.count else 0.0)

    def learn_one(self, y: float, x: Mapping[Any, Any] | None = None) -> None:
        """Learns from the next value of the series, and the features of its step."""
        step = self._input(x, self._last, learn=True)
        self._target.follow(float(y))
        self._learner.predict(step)
        self._learner.learn(self._target.scaled(float(y)))
        self._last = float(y)

    def forecast(self, horizon: int, xs: Sequence[Mapping[Any, Any]] | None = None) -> list[float]:
        """The next values expected, each from the one before it; a copy of the network goes on by them."""
        if xs is not None and len(xs) != horizon:
            raise ValueError(f"xs: expected {horizon} rows, as many as the horizon, found {len(xs)}")
        ahead = copy.deepcopy(self._learner)
        ahead.frozen = True
        last, said = self._last, []
        for step in range(horizon):
            outputs = ahead.predict(self._input(None if xs is None else xs[step], last, learn=False))
            last = self._target.back(float(outputs[0]))
            said.append(last)
        return said


def _rows(X: Any) -> Iterable[Mapping[Any, Any]]:
    """The rows of a ``DataFrame``, or dictionaries as they are."""
    if not hasattr(X, "to_dict"):
        return X  # type: ignore[no-any-return]
    rows: Iterable[Mapping[Any, Any]] = X.to_dict(orient="records")
    return rows
