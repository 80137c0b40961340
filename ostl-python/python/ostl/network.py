"""A network: layers, a readout, and weights."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from . import _ostl
from .layers import Dense, Embedding, Layer
from .losses import Head, of_spec
from .settings import written

Initialization = Literal["glorot", "orthogonal", "uniform", "embedding"]


class Network(_ostl.Network):
    """A stack of layers and a readout.

    ``layers``
        From the input upwards, the readout left out: ``[ostl.LSTM(64), ostl.Dense(32)]``.
    ``inputs``
        Values that a step has.
    ``outputs``
        Outputs of a plain dense readout.
    ``readout``
        A readout instead, with options: ``ostl.LI(2, decay=0.95)``, ``ostl.Dense(2, "identity", frozen=["b"])``.
    ``heads``
        Several :class:`ostl.Head` side by side in the outputs, each with a loss and a weight of its own.
    ``seed``
        Of the starting weights, of sparse connections and of dropout.
    ``initialization``
        How W and H start.
    ``events``
        Inputs may be given as whole numbers, each the one input that is 1; so they are where the first layer is an embedding.
    ``tied``
        The readout's weights are the embedding's.

    A network keeps its weights in double precision; a learner takes a copy of its own. It pickles with them.

    >>> from ostl import LSTM
    >>> network = Network([LSTM(8)], inputs=3, outputs=2, seed=1)
    >>> network.description
    '3 > lstm 8 recurrent > readout 2'
    >>> network.parameters()["layers.1.W"].shape
    (2, 8)
    """

    def __new__(
        cls,
        layers: Sequence[Layer],
        inputs: int,
        outputs: int | None = None,
        *,
        readout: Layer | None = None,
        heads: Sequence[Head] | None = None,
        seed: int = 0,
        initialization: tuple[Initialization, Initialization] = ("glorot", "orthogonal"),
        events: bool = False,
        tied: bool = False,
    ) -> Network:
        """See the class."""
        stack = [*layers, _readout(outputs, readout, heads)]
        for index, layer in enumerate(stack):
            if not isinstance(layer, Layer):
                raise ValueError(f"layers[{index}]: expected a layer such as ostl.LSTM(64), found {layer!r}")
        network = {
            "inputs": inputs,
            "seed": seed,
            "input_weights": initialization[0],
            "recurrent_weights": initialization[1],
            "events": events or isinstance(stack[0], Embedding),
            "tied": tied,
            "layers": [layer._spec() for layer in stack],
        }
        return cls._of({"network": network, "heads": [head._spec() for head in heads or ()]})

    @classmethod
    def _of(cls, described: Any) -> Network:
        """A network of a description."""
        network: Network = _ostl.Network.__new__(cls, written(described))
        return network

    @property
    def inputs(self) -> int:
        """Values that a step has."""
        return self._sizes()[0]

    @property
    def outputs(self) -> int:
        """Values that the readout has."""
        return self._sizes()[1]

    @property
    def depth(self) -> int:
        """Layers, the readout among them."""
        return self._sizes()[2]

    @property
    def size(self) -> int:
        """Parameters in all."""
        return self._sizes()[3]

    @property
    def heads(self) -> list[Head]:
        """The heads; none where the readout is one as a whole."""
        heads = json.loads(self._described())["heads"]
        return [Head(head["name"], head["outputs"], of_spec(head["loss"]), head["weight"]) for head in heads]

    @property
    def plan(self) -> dict[str, Any]:
        """How the network was built: inputs, seeds, and the layers with the readout last."""
        plan: dict[str, Any] = json.loads(self._described())["plan"]
        return plan

    def __reduce__(self) -> Any:
        return _remade, (type(self), self._described(), self.parameters())

    def __repr__(self) -> str:
        return f"<ostl.Network {self.description}>"


def _readout(outputs: int | None, readout: Layer | None, heads: Sequence[Head] | None) -> Layer:
    """The last layer."""
    total = sum(head.outputs for head in heads) if heads else outputs
    if heads and outputs is not None and outputs != total:
        raise ValueError(f"outputs: expected {total}, those of all heads, or left out; found {outputs}")
    if readout is None:
        if total is None:
            raise ValueError("outputs: expected a number, or a readout, or heads")
        return Dense(total, "identity")
    if isinstance(readout, Dense) and readout.activation != "identity":
        raise ValueError(f'readout: expected the activation "identity", found {readout.activation!r}')
    if total is not None and readout.units != total:
        raise ValueError(f"readout: expected {total} units, as many as outputs, found {readout.units}")
    return readout


def _remade(cls: type[Network], described: str, parameters: dict[str, Any]) -> Network:
    """A network as it was pickled."""
    network = cls._of(json.loads(described))
    network.load_parameters(parameters)
    return network
