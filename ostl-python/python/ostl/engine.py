"""The gradient alone, for whoever has the error and the update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _ostl
from .learner import Array, widened
from .methods import Method
from .network import Network
from .settings import dtype_name


class Engine(_ostl.Engine):
    """A network's gradient, carried forward in time: the error comes from outside, step by step, and the weights are the caller's to change.

    Each step goes :meth:`predict`, then :meth:`learn` with ∂E/∂y of the step just predicted, or ``None`` where there is no error; it says whether
    this closed a window, whose gradient :meth:`gradient` then has. Arguments as :class:`ostl.Learner`.

    >>> import ostl
    >>> engine = ostl.Engine(ostl.Network([ostl.GRU(4)], inputs=2, outputs=1), dtype="float64")
    >>> y = engine.predict([1.0, 0.5])
    >>> engine.learn(y - 1.0)
    True
    >>> sorted(engine.gradient())[:2]
    ['layers.0.H', 'layers.0.W']
    """

    def __new__(
        cls,
        network: Network,
        *,
        method: Method | str | Mapping[str, Any] = "ostl",
        streams: int = 1,
        dtype: Any = "float32",
    ) -> Engine:
        """See the class."""
        if not isinstance(network, Network):
            raise ValueError(f"network: expected an ostl.Network, found {type(network).__name__}")
        engine: Engine = _ostl.Engine.__new__(cls, network, Method.of(method)._json(), streams, dtype_name(dtype))
        return engine

    def __reduce__(self) -> Any:
        raise TypeError(
            "an ostl.Engine cannot be pickled or copied: ostl.Learner can, and takes errors from outside by backward"
        )

    def traces(self) -> dict[str, Array]:
        """The eligibility traces of all layers by name, the stream first; those kept in sixteen bits as float32."""
        return {name: widened(array) for name, array in super().traces().items()}
