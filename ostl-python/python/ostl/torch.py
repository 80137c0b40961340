"""Networks from PyTorch modules and back. Needs torch.

A stack is ``nn.RNN``, ``nn.LSTM``, ``nn.GRU`` (of any number of layers, one direction) and ``nn.Linear``, with ``nn.Tanh``, ``nn.Sigmoid``,
``nn.ReLU`` and ``nn.Dropout`` between, the last one an ``nn.Linear``: the readout. Biases that PyTorch keeps twice are added up;
on the way back the second one is zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from .layers import GRU, LSTM, RNN, Dense, Layer
from .losses import Head
from .network import Network

# Which of PyTorch's gates stand where in ours: W and b, then H.
_GATES: dict[type[nn.Module], tuple[type[Layer], str]] = {
    nn.RNN: (RNN, "rnn"),
    nn.LSTM: (LSTM, "lstm"),
    nn.GRU: (GRU, "gru"),
}
_ACTIVATIONS: dict[type[nn.Module], Literal["tanh", "sigmoid", "relu"]] = {
    nn.Tanh: "tanh",
    nn.Sigmoid: "sigmoid",
    nn.ReLU: "relu",
}

Weights = dict[str, "np.ndarray[Any, Any]"]


def from_module(module: nn.Module | Iterable[nn.Module], *, heads: list[Head] | None = None) -> Network:
    """A network with the weights of a PyTorch stack, whose outputs are equal to its outputs but for rounding.

    ``ValueError`` names the part that does not map onto a layer, and why.
    """
    parts = _flattened(module)
    stack: list[tuple[Layer, Weights]] = []
    dropout = 0.0
    for index, part in enumerate(parts):
        if isinstance(part, nn.Dropout):
            dropout = float(part.p)
        elif type(part) in _ACTIVATIONS:
            _activate(stack, index, _ACTIVATIONS[type(part)])
        elif isinstance(part, nn.Linear):
            weights = {"W": _array(part.weight), "b": _column(part.bias, part.out_features)}
            stack.append((Dense(part.out_features, "identity", dropout=dropout), weights))
            dropout = 0.0
        elif type(part) in _GATES:
            stack.extend(_recurrent(part, index, dropout))
            dropout = 0.0
        else:
            raise ValueError(
                f"module[{index}]: expected RNN, LSTM, GRU, Linear, Tanh, Sigmoid, ReLU or Dropout, found {part}"
            )
    if not stack or not isinstance(stack[-1][0], Dense) or stack[-1][0].activation != "identity" or dropout:
        raise ValueError("module: expected an nn.Linear as the last part: it is the readout")
    inputs = stack[0][1]["W"].shape[1]
    layers = [layer for layer, _ in stack]
    readout = layers.pop() if heads is None else None
    if heads is not None and layers.pop().units != sum(head.outputs for head in heads):
        raise ValueError("heads: expected as many outputs in all as the last nn.Linear has")
    network = Network(layers, inputs, readout=readout, heads=heads)
    network.load_parameters({f"layers.{at}.{name}": array for at, (_, of) in enumerate(stack) for name, array in of.items()})
    return network


def to_module(network: Any, *, dtype: torch.dtype | None = None) -> nn.ModuleList:
    """The PyTorch stack of a network's, a learner's or an engine's weights: a list of modules, to be applied by :func:`apply`.

    ``ValueError`` names the layer that PyTorch has none for.
    """
    parameters = {name: torch.from_numpy(array.astype(np.float64)) for name, array in network.parameters().items()}
    network = network if isinstance(network, Network) else network.network
    dtype = dtype or torch.get_default_dtype()
    plan = network.plan
    width: int = plan["inputs"]
    modules = nn.ModuleList()
    for index, layer in enumerate(plan["layers"]):
        of = {name.split(".", 2)[2]: array for name, array in parameters.items() if name.startswith(f"layers.{index}.")}
        units: int = layer["units"]
        if layer["dropout"]:
            modules.append(nn.Dropout(layer["dropout"]))
        modules.extend(_modules(index, layer["kind"], of, (width, units)))
        width = units
    return modules.to(dtype)


def apply(modules: Iterable[nn.Module], inputs: torch.Tensor) -> torch.Tensor:
    """Runs a stack over whole sequences, streams × steps × inputs, each from rest."""
    for module in modules:
        inputs = module(inputs)[0] if isinstance(module, nn.RNNBase) else module(inputs)
    return inputs


def _flattened(module: nn.Module | Iterable[nn.Module]) -> list[nn.Module]:
    """The parts of a stack in the order in which they are applied."""
    if isinstance(module, nn.Sequential | nn.ModuleList):
        return [part for inner in module for part in _flattened(inner)]
    if isinstance(module, nn.Module):
        return [module]
    return [part for inner in module for part in _flattened(inner)]


def _activate(stack: list[tuple[Layer, Weights]], index: int, activation: Literal["tanh", "sigmoid", "relu"]) -> None:
    """Gives the dense layer added last its activation."""
    last = stack[-1][0] if stack else None
    if not isinstance(last, Dense) or last.activation != "identity":
        raise ValueError(f"module[{index}]: expected an activation after an nn.Linear, found {activation} elsewhere")
    stack[-1] = (Dense(last.units, activation, dropout=last.dropout), stack[-1][1])


def _array(tensor: torch.Tensor) -> np.ndarray[Any, Any]:
    array: np.ndarray[Any, Any] = tensor.detach().cpu().to(torch.float64).numpy()
    return array


def _column(tensor: torch.Tensor | None, rows: int) -> np.ndarray[Any, Any]:
    return np.zeros((rows, 1)) if tensor is None else _array(tensor).reshape(rows, 1)


def _recurrent(part: Any, index: int, dropout: float) -> list[tuple[Layer, Weights]]:
    """The layers of a recurrent module."""
    problem = (
        "bidirectional: a network that learns online does not know what comes"
        if part.bidirectional
        else "with projections"
        if getattr(part, "proj_size", 0)
        else "with ReLU for tanh"
        if getattr(part, "nonlinearity", "tanh") != "tanh"
        else None
    )
    if problem:
        raise ValueError(f"module[{index}]: expected a plain recurrent module, found one {problem}")
    kind, name = _GATES[type(part)]
    layers: list[tuple[Layer, Weights]] = []
    for at in range(part.num_layers):
        w, h = _array(getattr(part, f"weight_ih_l{at}")), _array(getattr(part, f"weight_hh_l{at}"))
        rows = len(w)
        b, c = (_column(getattr(part, f"bias_{of}_l{at}", None), rows) for of in ("ih", "hh"))
        own = dropout if at == 0 else float(part.dropout)
        layers.append((kind(part.hidden_size, dropout=own), _ours(name, part.hidden_size, w, h, b, c)))
    return layers


def _ours(name: str, n: int, w: Any, h: Any, b: Any, c: Any) -> Weights:
    """A layer's weights in our order of gates."""
    if name != "gru":
        return {"W": w, "H": h, "b": b + c}
    # PyTorch: reset, update, candidate. Ours: W and b of candidate, reset, update; H of reset, update, memory; the memory's constant alone.
    (w_r, w_z, w_n), (b_r, b_z, b_n), (c_r, c_z, c_n) = (np.split(array, 3) for array in (w, b, c))
    bias = np.concatenate([b_n, b_r + c_r, b_z + c_z])
    weights = {"W": np.concatenate([w_n, w_r, w_z]), "H": h}
    return {**weights, "b": np.concatenate([bias, c_n])}


def _modules(index: int, kind: Any, of: dict[str, torch.Tensor], size: tuple[int, int]) -> list[nn.Module]:
    """The modules of one layer."""
    inputs, units = size
    if "dense" in kind:
        linear = nn.Linear(inputs, units, dtype=torch.float64)
        _set(linear.weight, of["W"])
        _set(linear.bias, of["b"][:, 0])
        activation = {named: module for module, named in _ACTIVATIONS.items()}.get(kind["dense"])
        return [linear] if activation is None else [linear, activation()]
    cell = kind["recurrent"]["cell"]["name"] if "recurrent" in kind else "embedding"
    module = {name: module for module, (_, name) in _GATES.items()}.get(cell)
    if module is None or "H" not in of or not _is_plain(kind):
        raise ValueError(
            f"layers[{index}]: expected a recurrent rnn without leak, lstm or gru, or a dense layer, found {cell}"
        )
    recurrent: Any = module(inputs, units, batch_first=True, dtype=torch.float64)
    w, h, b = of["W"], of["H"], of["b"][:, 0]
    second = torch.zeros_like(b[: len(w)])
    if cell == "gru":
        (w_n, w_r, w_z), (b_n, b_r, b_z, c_n) = torch.split(w, units), torch.split(b, units)
        w, b = torch.cat([w_r, w_z, w_n]), torch.cat([b_r, b_z, b_n])
        second = torch.cat([torch.zeros_like(c_n), torch.zeros_like(c_n), c_n])
    for name, value in (("weight_ih", w), ("weight_hh", h), ("bias_ih", b), ("bias_hh", second)):
        _set(getattr(recurrent, f"{name}_l0"), value)
    return [recurrent]


def _is_plain(kind: Any) -> bool:
    """Whether a tanh unit has no leak."""
    import json

    settings = json.loads(kind["recurrent"]["cell"]["settings"] or "{}")
    return settings.get("leak") in (None, 1.0) and settings.get("time_constant") is None


def _set(parameter: torch.Tensor, value: torch.Tensor) -> None:
    with torch.no_grad():
        parameter.copy_(value)
