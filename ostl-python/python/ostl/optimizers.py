"""Update rules with their settings, named as in configurations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Optimizer:
    """What all rules have: a learning rate, and perhaps a norm that the gradient is clipped to."""

    learning_rate: float
    clip_norm: float | None = field(default=None, kw_only=True)

    def _rule(self) -> Any:
        raise ValueError("optimizer: expected one of ostl.SGD, Momentum, Adam, AdamW and RMSprop")

    def _spec(self) -> dict[str, Any]:
        """The settings as a learner saves them."""
        return {"rule": self._rule(), "learning_rate": float(self.learning_rate), "clip_norm": self.clip_norm}


@dataclass(frozen=True)
class SGD(Optimizer):
    """Plain gradient descent."""

    def _rule(self) -> Any:
        return "Sgd"


@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum."""

    momentum: float = field(default=0.9, kw_only=True)

    def _rule(self) -> Any:
        return {"Momentum": {"momentum": self.momentum}}


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam."""

    beta1: float = field(default=0.9, kw_only=True)
    beta2: float = field(default=0.999, kw_only=True)
    epsilon: float = field(default=1e-8, kw_only=True)

    def _rule(self) -> Any:
        return {"Adam": {"beta1": self.beta1, "beta2": self.beta2, "epsilon": self.epsilon}}


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay."""

    weight_decay: float = field(default=0.01, kw_only=True)

    def _rule(self) -> Any:
        return {"AdamW": {**super()._rule()["Adam"], "weight_decay": self.weight_decay}}


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop, perhaps centred or with momentum."""

    alpha: float = field(default=0.99, kw_only=True)
    epsilon: float = field(default=1e-8, kw_only=True)
    momentum: float = field(default=0.0, kw_only=True)
    centred: bool = field(default=False, kw_only=True)

    def _rule(self) -> Any:
        settings = {"alpha": self.alpha, "epsilon": self.epsilon, "momentum": self.momentum, "centred": self.centred}
        return {"RmsProp": settings}
