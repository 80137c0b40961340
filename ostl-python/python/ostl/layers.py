"""Layers of a network: cells with their options, named as in configurations, and stateless layers.

Every layer takes its number of units first, everything else by name. An option that is left out has the cell's default;
what an option means, and its range, stands in the documentation of ``ostl-cells``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

PseudoDerivative = Literal["tanh", "fast-sigmoid", "triangle", "arctan", "sigmoid"]
Reset = Literal["subtract", "zero", "none"]
Output = Literal["step", "sigmoid"]
StateFunction = Literal["identity", "relu"]
Nonlinearity = Literal["relu", "tanh"]
Activation = Literal["identity", "tanh", "sigmoid", "relu"]


@dataclass(frozen=True)
class Layer:
    """What all layers have.

    ``units``
        Number of units.
    ``dropout``
        Share of what the layer reads from below that is left out while learning, 0 up to, not including, 1.
    ``learning_rate_scale``
        A factor to the learning rate, 1e-6 to 1e6, or one for each of some blocks: ``{"H": 0.1}``.
    ``frozen``
        ``True`` for the whole layer, or a list of blocks: ``["W", "H"]``. What is frozen keeps no trace.
    """

    units: int
    dropout: float = field(default=0.0, kw_only=True)
    learning_rate_scale: float | Mapping[str, float] | None = field(default=None, kw_only=True)
    frozen: bool | Sequence[str] = field(default=False, kw_only=True)

    _cell: ClassVar[str | None] = None

    def _spec(self) -> dict[str, Any]:
        """The layer as a configuration has it."""
        spec = {item.name: getattr(self, item.name) for item in fields(self)}
        spec = {name: value for name, value in spec.items() if value is not None}
        if not spec["frozen"]:
            del spec["frozen"]
        elif spec["frozen"] is not True:
            spec["frozen"] = list(spec["frozen"])
        if isinstance(spec.get("learning_rate_scale"), Mapping):
            spec["learning_rate_scale"] = dict(spec["learning_rate_scale"])
        if not spec["dropout"]:
            del spec["dropout"]
        if self._cell is not None:
            spec["cell"] = self._cell
        return spec


@dataclass(frozen=True)
class Cell(Layer):
    """What all layers of recurrent units have.

    ``density``
        Share of the connections of H that exist, 0 to 1; all if left out. Only for cells with an H.
    ``activity``
        What the layer's own activity adds to the error: ``{"rate": {"target": 0.02, "weight": 1.0}}`` pulls firing rates (spikes a step)
        towards a target, ``{"voltage": {"bound": 2.0, "weight": 0.1}}`` potentials into a band.
    """

    density: float | None = field(default=None, kw_only=True)
    activity: Mapping[str, Mapping[str, float]] | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class SNU(Cell):
    """The spiking neural unit."""

    recurrent: bool = field(default=True, kw_only=True)
    decay: float = field(default=0.8, kw_only=True)
    learn_decay: bool = field(default=False, kw_only=True)
    state_function: StateFunction = field(default="identity", kw_only=True)
    pseudo_derivative: PseudoDerivative = field(default="tanh", kw_only=True)
    initial_bias: float | None = field(default=None, kw_only=True)
    _cell: ClassVar[str | None] = "snu"


@dataclass(frozen=True)
class SSNU(Cell):
    """The soft spiking neural unit, with a logistic output."""

    recurrent: bool = field(default=True, kw_only=True)
    decay: float = field(default=0.8, kw_only=True)
    learn_decay: bool = field(default=False, kw_only=True)
    state_function: StateFunction = field(default="identity", kw_only=True)
    initial_bias: float | None = field(default=None, kw_only=True)
    _cell: ClassVar[str | None] = "ssnu"


@dataclass(frozen=True)
class LIF(Cell):
    """Leaky integrate and fire. ``decay`` (0.9), or ``time_constant`` in the unit of ``step``."""

    recurrent: bool = field(default=True, kw_only=True)
    decay: float | None = field(default=None, kw_only=True)
    time_constant: float | None = field(default=None, kw_only=True)
    step: float = field(default=1.0, kw_only=True)
    learn_decay: bool = field(default=False, kw_only=True)
    reset: Reset = field(default="subtract", kw_only=True)
    detach_reset: bool = field(default=False, kw_only=True)
    scaled_input: bool = field(default=False, kw_only=True)
    threshold: float = field(default=1.0, kw_only=True)
    refractory: int = field(default=0, kw_only=True)
    output: Output = field(default="step", kw_only=True)
    pseudo_derivative: PseudoDerivative = field(default="tanh", kw_only=True)
    _cell: ClassVar[str | None] = "lif"


@dataclass(frozen=True)
class SynapticLIF(Cell):
    """Leaky integrate and fire with a synaptic current: ``synaptic_decay`` (0.8) and ``decay`` (0.9), or time constants."""

    recurrent: bool = field(default=True, kw_only=True)
    synaptic_decay: float | None = field(default=None, kw_only=True)
    synaptic_time_constant: float | None = field(default=None, kw_only=True)
    decay: float | None = field(default=None, kw_only=True)
    time_constant: float | None = field(default=None, kw_only=True)
    step: float = field(default=1.0, kw_only=True)
    learn_decay: bool = field(default=False, kw_only=True)
    reset: Reset = field(default="subtract", kw_only=True)
    detach_reset: bool = field(default=False, kw_only=True)
    threshold: float = field(default=1.0, kw_only=True)
    output: Output = field(default="step", kw_only=True)
    pseudo_derivative: PseudoDerivative = field(default="tanh", kw_only=True)
    _cell: ClassVar[str | None] = "synaptic-lif"


@dataclass(frozen=True)
class ALIF(Cell):
    """Adaptive leaky integrate and fire: a spike raises the threshold by ``adaptation``, which decays (``adaptation_decay``, 0.98)."""

    recurrent: bool = field(default=True, kw_only=True)
    decay: float | None = field(default=None, kw_only=True)
    time_constant: float | None = field(default=None, kw_only=True)
    adaptation_decay: float | None = field(default=None, kw_only=True)
    adaptation_time_constant: float | None = field(default=None, kw_only=True)
    step: float = field(default=1.0, kw_only=True)
    adaptation: float = field(default=0.2, kw_only=True)
    detach_reset: bool = field(default=False, kw_only=True)
    threshold: float = field(default=1.0, kw_only=True)
    output: Output = field(default="step", kw_only=True)
    pseudo_derivative: PseudoDerivative = field(default="tanh", kw_only=True)
    _cell: ClassVar[str | None] = "alif"


@dataclass(frozen=True)
class LI(Cell):
    """The leaky integrator: a readout that remembers. ``decay`` (0.9), or ``time_constant`` in the unit of ``step``."""

    decay: float | None = field(default=None, kw_only=True)
    time_constant: float | None = field(default=None, kw_only=True)
    step: float = field(default=1.0, kw_only=True)
    learn_decay: bool = field(default=False, kw_only=True)
    scaled_input: bool = field(default=False, kw_only=True)
    _cell: ClassVar[str | None] = "li"


@dataclass(frozen=True)
class RNN(Cell):
    """The tanh unit; with a ``leak`` below 1, or a ``time_constant``, the leaky rate unit."""

    recurrent: bool = field(default=True, kw_only=True)
    leak: float | None = field(default=None, kw_only=True)
    time_constant: float | None = field(default=None, kw_only=True)
    step: float = field(default=1.0, kw_only=True)
    _cell: ClassVar[str | None] = "rnn"


@dataclass(frozen=True)
class LSTM(Cell):
    """Long short-term memory."""

    recurrent: bool = field(default=True, kw_only=True)
    forget_bias: float = field(default=1.0, kw_only=True)
    _cell: ClassVar[str | None] = "lstm"


@dataclass(frozen=True)
class GRU(Cell):
    """The gated recurrent unit, reset after the product, as in cuDNN and PyTorch."""

    recurrent: bool = field(default=True, kw_only=True)
    _cell: ClassVar[str | None] = "gru"


@dataclass(frozen=True)
class IndRNN(Cell):
    """The independently recurrent unit."""

    nonlinearity: Nonlinearity = field(default="relu", kw_only=True)
    largest_weight: float = field(default=1.0, kw_only=True)
    _cell: ClassVar[str | None] = "ind-rnn"


@dataclass(frozen=True)
class ELSTM(Cell):
    """The LSTM with element-wise recurrence."""

    forget_bias: float = field(default=0.0, kw_only=True)
    _cell: ClassVar[str | None] = "e-lstm"


@dataclass(frozen=True)
class LRU(Cell):
    """The linear recurrent unit; at the start |λ| is in ``r_min`` to ``r_max``, the phase up to ``max_phase``."""

    r_min: float = field(default=0.0, kw_only=True)
    r_max: float = field(default=1.0, kw_only=True)
    max_phase: float | None = field(default=None, kw_only=True)
    _cell: ClassVar[str | None] = "lru"


@dataclass(frozen=True)
class RTU(Cell):
    """The recurrent trace unit."""

    nonlinearity: Nonlinearity = field(default="relu", kw_only=True)
    nonlinear_recurrence: bool = field(default=False, kw_only=True)
    r_min: float = field(default=0.0, kw_only=True)
    r_max: float = field(default=1.0, kw_only=True)
    max_phase: float | None = field(default=None, kw_only=True)
    _cell: ClassVar[str | None] = "rtu"


@dataclass(frozen=True)
class MinGRU(Cell):
    """The minimal GRU."""

    _cell: ClassVar[str | None] = "min-gru"


@dataclass(frozen=True)
class MinLSTM(Cell):
    """The minimal LSTM."""

    forget_bias: float = field(default=0.0, kw_only=True)
    _cell: ClassVar[str | None] = "min-lstm"


@dataclass(frozen=True)
class Dense(Layer):
    """A stateless layer: y = f(W x + b)."""

    activation: Activation = "tanh"

    def _spec(self) -> dict[str, Any]:
        spec = super()._spec()
        spec["dense"] = spec.pop("activation")
        return spec


@dataclass(frozen=True)
class Embedding(Layer):
    """A table of vectors, one for each input; the first layer, of inputs that are whole numbers."""

    def _spec(self) -> dict[str, Any]:
        return {**super()._spec(), "embedding": True}


CELLS: tuple[type[Cell], ...] = (
    SNU, SSNU, LIF, SynapticLIF, ALIF, LI, RNN, LSTM, GRU, IndRNN, ELSTM, LRU, RTU, MinGRU, MinLSTM,
)  # fmt: skip
"""Every cell."""
