"""Learning methods: window × carry × feedback × update, by name or part by part."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from . import _ostl
from .settings import written


@dataclass(frozen=True)
class Method:
    """A learning method, every part of it determined.

    ``window``
        Steps seen at once: a number, ``"sequence"`` (BPTT), ``"rolling-20"`` (the last 20, from every step) or ``"rolling-20-by-5"``.
    ``carry``
        What is carried from window to window: ``"none"``, ``"local"``, ``"layer"``, ``"network"``, ``"snap-2"``, ``"uoro"``, ``"local+uoro"``,
        ``"uoro-4"`` (the mean of four), ``"kf-rtrl"``,
        ``"presynaptic"``, ``"postsynaptic"``.
    ``feedback``
        ``"symmetric"``, ``"random"``, ``"direct"`` or ``"target-projection"``.
    ``update``
        When the weights change: after every ``"window"``, or at the end of a ``"sequence"``.
    ``edge``
        Whether a window's error reaches the step before it through H: ``"heard"`` or ``"cut"``.
    ``trace``
        ``"full"``, or ``"bf16"`` to keep traces in sixteen bits.
    ``block``
        Steps after which traces are read out and moved on; ``None`` to have that chosen.
    ``seed``
        Of random feedback and random carries.

    >>> Method.e_prop().carry
    'local'
    >>> Method.of({"window": 5, "carry": "layer"}).with_(update="window").window
    5
    """

    window: int | str
    carry: str
    feedback: str = "symmetric"
    update: str = "sequence"
    edge: str = "heard"
    trace: str = "full"
    block: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        parts = {name: value for name, value in asdict(self).items() if value is not None}
        found = json.loads(_ostl.resolve_method(written(parts)))
        window = found["window"]
        found["window"] = int(window) if window.isdigit() else window
        for name, value in found.items():
            object.__setattr__(self, name, value)

    @classmethod
    def of(cls, method: Method | str | Mapping[str, Any]) -> Method:
        """A method from its name, or from its parts as a configuration has them (``name`` among them), or itself."""
        if isinstance(method, Method):
            return method
        if isinstance(method, str):
            method = {"name": method}
        if not isinstance(method, Mapping):
            raise ValueError(
                f"method: expected an ostl.Method, a name or a dict of its parts, found {type(method).__name__}"
            )
        return cls(**json.loads(_ostl.resolve_method(written(dict(method)))))

    @staticmethod
    def names() -> list[str]:
        """The names of all named methods."""
        return _ostl.method_names()

    def with_(self, **parts: Any) -> Method:
        """The same with other parts."""
        return replace(self, **parts)

    def _json(self) -> str:
        return written({**asdict(self), "window": str(self.window)})

    @classmethod
    def ostl(cls) -> Method:
        """OSTL with H: the layer's whole influence, one step at a time."""
        return cls.of("ostl")

    @classmethod
    def ostl_without_h(cls) -> Method:
        """OSTL without H: each unit's own influence, at the cost of BPTT."""
        return cls.of("ostl_without_h")

    @classmethod
    def ostl_random(cls) -> Method:
        """OSTL with fixed random feedback from layer to layer."""
        return cls.of("ostl_random")

    @classmethod
    def osttp(cls) -> Method:
        """OSTL with target projection."""
        return cls.of("osttp")

    @classmethod
    def rtrl(cls) -> Method:
        """Real-time recurrent learning of the whole network."""
        return cls.of("rtrl")

    @classmethod
    def bptt(cls) -> Method:
        """Backpropagation through time over the whole sequence."""
        return cls.of("bptt")

    @classmethod
    def tbptt(cls, steps: int) -> Method:
        """Truncated BPTT in chunks of ``steps`` steps."""
        return cls.of({"name": "tbptt", "window": steps})

    @classmethod
    def rolling_tbptt(cls, steps: int) -> Method:
        """Truncated BPTT over the last ``steps`` steps, from every step."""
        return cls.of({"name": "rolling_tbptt", "window": steps})

    @classmethod
    def snap(cls, order: int) -> Method:
        """SnAp-n: what a parameter reaches within ``order`` steps."""
        return cls.of({"name": "snap", "order": order})

    @classmethod
    def d_rtrl(cls) -> Method:
        """D-RTRL as BrainTrace calls it."""
        return cls.of("d_rtrl")

    @classmethod
    def uoro(cls) -> Method:
        """Unbiased online recurrent optimisation."""
        return cls.of("uoro")

    @classmethod
    def kf_rtrl(cls) -> Method:
        """Kronecker-factored RTRL."""
        return cls.of("kf_rtrl")

    @classmethod
    def rflo(cls) -> Method:
        """Random feedback local online learning."""
        return cls.of("rflo")

    @classmethod
    def e_prop(cls) -> Method:
        """E-prop with symmetric feedback."""
        return cls.of("e_prop")

    @classmethod
    def e_prop_random(cls) -> Method:
        """E-prop with fixed random feedback."""
        return cls.of("e_prop_random")

    @classmethod
    def ottt(cls) -> Method:
        """Online training through time, of spiking layers."""
        return cls.of("ottt")

    @classmethod
    def otpe(cls) -> Method:
        """Online training with postsynaptic estimates."""
        return cls.of("otpe")
