"""Estimators for sequences in scikit-learn's manner. Needs scikit-learn.

``X`` is sequences × steps × features, or a list of sequences, steps × features, of different lengths. ``GridSearchCV``, ``Pipeline``, ``clone`` and the
like work as with any estimator; steps before it in a pipeline have to pass arrays of three dimensions through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from .batches import arranged
from .layers import LSTM, Layer
from .learner import Learner
from .losses import Loss
from .methods import Method
from .network import Network
from .optimizers import Adam, Optimizer

Array = npt.NDArray[Any]


class _Sequences(BaseEstimator):
    """What both estimators share.

    ``layers``
        Layers below the readout; one of 32 LSTM units if left out.
    ``readout``
        A readout with options; dense if left out.
    ``method``, ``optimizer``, ``dtype``
        As :class:`ostl.Learner` has them; BPTT and Adam at 0.01 if left out.
    ``epochs``, ``batch_size``
        How often, and how many sequences at a time, are learned from.
    ``random_state``
        Seed of the starting weights and of the order of sequences.
    """

    def __init__(
        self,
        layers: Sequence[Layer] | None = None,
        *,
        readout: Layer | None = None,
        method: Method | str | Mapping[str, Any] = "bptt",
        optimizer: Optimizer | None = None,
        loss: Loss | str | None = None,
        epochs: int = 20,
        batch_size: int = 16,
        random_state: int = 0,
        dtype: str = "float32",
    ) -> None:
        self.layers = layers
        self.readout = readout
        self.method = method
        self.optimizer = optimizer
        self.loss = loss
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.dtype = dtype

    def _fit(self, X: Any, y: Array, outputs: int, loss: Loss | str) -> None:
        inputs, lengths = _sequences(X)
        if len(y) != len(inputs):
            raise ValueError(f"y: expected {len(inputs)} entries, one for each sequence, found {len(y)}")
        layers = [LSTM(32)] if self.layers is None else list(self.layers)
        network = Network(
            layers,
            inputs.shape[2],
            outputs if self.readout is None else None,
            readout=self.readout,
            seed=self.random_state,
        )
        if network.outputs != outputs:
            raise ValueError(f"readout: expected {outputs} units, found {network.outputs}")
        self.n_features_in_ = network.inputs
        self.learner_ = Learner(
            network,
            loss if self.loss is None else self.loss,
            method=self.method,
            optimizer=Adam(0.01) if self.optimizer is None else self.optimizer,
            streams=max(1, min(self.batch_size, len(inputs))),
            dtype=self.dtype,
        )
        random = np.random.default_rng(self.random_state)

        def batches() -> Iterator[tuple[Array, Array, Array]]:
            order = random.permutation(len(inputs))
            for start in range(0, len(order), self.learner_.streams):
                part = order[start : start + self.learner_.streams]
                # The engine is fastest when the longest sequences come first.
                part = part[np.argsort(-lengths[part], kind="stable")]
                yield inputs[part], y[part], lengths[part]

        self.history_ = self.learner_.fit(batches, self.epochs)

    def _outputs(self, X: Any) -> Array:
        """The outputs at each sequence's last step."""
        check_is_fitted(self, "learner_")
        inputs, lengths = _sequences(X)
        if inputs.shape[2] != self.n_features_in_:
            raise ValueError(f"X: expected {self.n_features_in_} features a step, found {inputs.shape[2]}")
        outputs = self.learner_.predict_batch(inputs, lengths=lengths)
        last: Array = outputs[np.arange(len(inputs)), lengths - 1].astype(np.float64)
        return last


class SequenceClassifier(ClassifierMixin, _Sequences):
    """A class for each sequence, told and asked for at its last step. Parameters as above."""

    def fit(self, X: Any, y: Any) -> SequenceClassifier:
        """Learns from sequences and a label for each."""
        labels = np.asarray(y)
        if labels.ndim != 1:
            raise ValueError(f"y: expected a label for each sequence, found shape {labels.shape}")
        self.classes_, classes = np.unique(labels, return_inverse=True)
        self._fit(X, classes.astype(np.int64), len(self.classes_), "softmax-cross-entropy")
        return self

    def decision_function(self, X: Any) -> Array:
        """The outputs, sequences × classes."""
        return self._outputs(X)

    def predict_proba(self, X: Any) -> Array:
        """The probability of each class, sequences × classes."""
        outputs = self._outputs(X)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares: Array = powers / powers.sum(axis=1, keepdims=True)
        return shares

    def predict(self, X: Any) -> Array:
        """The likeliest label of each sequence."""
        chosen: Array = self.classes_[self._outputs(X).argmax(axis=1)]
        return chosen


class SequenceRegressor(RegressorMixin, _Sequences):
    """A value, or several, for each sequence, told and asked for at its last step. Parameters as above."""

    def fit(self, X: Any, y: Any) -> SequenceRegressor:
        """Learns from sequences and a value, or a row of values, for each."""
        values = np.asarray(y, dtype=np.float64)
        self._is_flat = values.ndim == 1
        values = values.reshape(len(values), -1)
        self._fit(X, values, values.shape[1], "mean-squared-error")
        return self

    def predict(self, X: Any) -> Array:
        """The value or the values of each sequence."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._is_flat else outputs


def _sequences(X: Any) -> tuple[Array, Array]:
    """All sequences in one array, and their lengths."""
    inputs, _, lengths, *_ = arranged(X if isinstance(X, np.ndarray) else list(X), None, None, None, None, None)
    inputs = np.asarray(inputs)
    if inputs.ndim != 3 or 0 in inputs.shape:
        raise ValueError(f"X: expected shape (sequences, steps, features), none of them 0, found {inputs.shape}")
    lengths = np.full(len(inputs), inputs.shape[1]) if lengths is None else lengths
    if lengths.min() == 0:
        raise ValueError(f"X: expected sequences of at least one step, sequence {int(lengths.argmin())} has none")
    return inputs, lengths
