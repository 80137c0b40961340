"""Losses, and heads that have one each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class Loss:
    """A loss of one step of one stream."""

    def _spec(self) -> Any:
        raise ValueError(f"loss: expected one of {_listed()}, or one of the classes of ostl.losses")

    @property
    def wants_classes(self) -> bool:
        """Whether targets are classes, and not values."""
        return False


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """−ln softmax(outputs)[class], perhaps with a weight for each class and with smoothed labels."""

    class_weights: Sequence[float] | None = None
    label_smoothing: float = 0.0

    def _spec(self) -> Any:
        weights = None if self.class_weights is None else [float(weight) for weight in self.class_weights]
        return _objective("softmax-cross-entropy", weights, self.label_smoothing)

    @property
    def wants_classes(self) -> bool:
        """Whether targets are classes, and not values."""
        return True


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Σ over outputs of −t ln σ(y) − (1 − t) ln(1 − σ(y)), targets t in 0 to 1."""

    def _spec(self) -> Any:
        return _objective("binary-cross-entropy")


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean over outputs of (y − t)²."""

    def _spec(self) -> Any:
        return _objective("mean-squared-error")


@dataclass(frozen=True)
class Huber(Loss):
    """Half the square of y − t up to ``delta``, a line beyond; mean over outputs."""

    delta: float = 1.0

    def _spec(self) -> Any:
        return {"huber": {"delta": self.delta}}


@dataclass(frozen=True)
class Poisson(Loss):
    """Mean over outputs of e^y − t y, for counts t whose expected value is e^y."""

    def _spec(self) -> Any:
        return "poisson"


@dataclass(frozen=True)
class Head:
    """Some of a network's outputs with a loss of their own; ``weight`` multiplies it beside the losses of other heads."""

    name: str
    outputs: int
    loss: Loss | str = "softmax-cross-entropy"
    weight: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "loss", of(self.loss))

    def _spec(self) -> dict[str, Any]:
        spec = of(self.loss)._spec()
        return {"name": self.name, "outputs": self.outputs, "loss": spec, "weight": float(self.weight)}


_NAMED: dict[str, type[Loss]] = {
    "softmax-cross-entropy": SoftmaxCrossEntropy,
    "binary-cross-entropy": BinaryCrossEntropy,
    "mean-squared-error": MeanSquaredError,
    "huber": Huber,
    "poisson": Poisson,
}


def of(loss: Loss | str) -> Loss:
    """A loss from its name, or itself.

    >>> of("mean_squared_error")
    MeanSquaredError()
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and (named := _NAMED.get(loss.replace("_", "-").lower())) is not None:
        return named()
    raise ValueError(f"loss: expected one of {_listed()}, or one of the classes of ostl.losses; found {loss!r}")


def of_spec(spec: Any) -> Loss:
    """A loss from the words in which a learner saves it."""
    if spec == "poisson":
        return Poisson()
    if "huber" in spec:
        return Huber(spec["huber"]["delta"])
    objective = spec["objective"]
    if objective["loss"] == "softmax-cross-entropy":
        return SoftmaxCrossEntropy(objective["class_weights"], objective["label_smoothing"])
    return of(objective["loss"])


def _objective(loss: str, weights: list[float] | None = None, smoothing: float = 0.0) -> Any:
    return {"objective": {"loss": loss, "class_weights": weights, "label_smoothing": smoothing}}


def _listed() -> str:
    return ", ".join(repr(name) for name in _NAMED)
