"""Networks from NIR graphs and back. Needs the package nir.

A graph is a chain of ``Linear``, ``Affine``, ``LIF``, ``CubaLIF`` and ``LI`` nodes between an ``Input`` and an ``Output``, each neuron after a
``Linear`` or ``Affine``; a ``LIF`` or ``CubaLIF`` may feed itself through one more ``Linear``, which acts a step later.

NIR's neurons are differential equations; here they go in steps of ``dt`` by Euler's forward rule, as snnTorch and Norse take them:
d = 1 − dt/τ, and what comes in counts dt/τ · R. That factor goes into the weights. A spike is sent where the potential is above its threshold, and
sets it to zero at the next step. What does not map onto our cells exactly is refused, with the reason: a reset to anything but zero, a leak of
spiking neurons to anything but zero, branches, and nodes of other kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from .layers import LI, LIF, Dense, Layer, SynapticLIF
from .network import Network

Array = npt.NDArray[np.float64]


@dataclass
class _Part:
    """A layer, and its weights."""

    layer: Layer
    weights: dict[str, Array]


def from_graph(graph: Any, *, dt: float = 1e-4) -> Network:
    """A network like a NIR graph, in steps of ``dt`` seconds. A graph that ends in spiking neurons gets no readout: it is refused.

    Decays and the thresholds of neurons are kept as they are in the graph; both can be learned if a network is built anew.
    """
    chain = _chain(graph)
    parts: list[_Part] = []
    weight: Array | None = None
    bias: Array | None = None
    for name, node, recurrent in chain:
        if isinstance(node, nir.Linear | nir.Affine):
            if weight is not None:
                parts.append(_dense(weight, bias))
            weight = _matrix(name, node.weight)
            bias = np.asarray(node.bias, np.float64) if isinstance(node, nir.Affine) else None
            continue
        if weight is None:
            raise ValueError(f"{name}: expected a Linear or Affine node before a {type(node).__name__}")
        if isinstance(node, nir.LI):
            parts.append(_leaky(name, node, weight, bias, dt))
        elif isinstance(node, nir.LIF | nir.CubaLIF):
            if bias is not None and bias.any():
                # Our spiking cells sum inputs alone: what is constant comes from a layer below.
                parts.append(_dense(weight, bias))
                weight = np.eye(len(bias))
            parts.append(_spiking(name, node, weight, recurrent, dt))
        else:
            raise ValueError(f"{name}: expected Linear, Affine, LIF, CubaLIF or LI, found {type(node).__name__}")
        weight = bias = None
    if weight is not None:
        parts.append(_dense(weight, bias))
    if not parts or isinstance(parts[-1].layer, LIF | SynapticLIF):
        raise ValueError("graph: expected a Linear, Affine or LI node at its end: the readout")
    network = Network([part.layer for part in parts[:-1]], parts[0].weights["W"].shape[1], readout=parts[-1].layer)
    own = network.parameters()
    for index, part in enumerate(parts):
        own |= {f"layers.{index}.{block}": array for block, array in part.weights.items()}
    network.load_parameters(own)
    return network


def to_graph(network: Any, *, dt: float = 1e-4) -> Any:
    """The NIR graph of a network's, a learner's or an engine's weights, in steps of ``dt`` seconds.

    ``ValueError`` names the layer that NIR has no node for, and why.
    """
    parameters = {name: np.asarray(array, np.float64) for name, array in network.parameters().items()}
    network = network if isinstance(network, Network) else network.network
    plan = network.plan
    nodes: dict[str, Any] = {"input": nir.Input(np.array([plan["inputs"]]))}
    edges: list[tuple[str, str]] = []
    last = "input"

    def add(name: str, node: Any) -> str:
        nonlocal last
        nodes[name] = node
        edges.append((last, name))
        last = name
        return name

    for index, layer in enumerate(plan["layers"]):
        of = {name.split(".", 2)[2]: array for name, array in parameters.items() if name.startswith(f"layers.{index}.")}
        if layer["dropout"]:
            raise ValueError(f"layers[{index}]: expected no dropout, which NIR does not have")
        kind = layer["kind"]
        if "dense" in kind:
            if kind["dense"] != "identity":
                raise ValueError(
                    f"layers[{index}]: expected the activation identity, which is all that NIR has, found {kind['dense']}"
                )
            add(f"affine_{index}", nir.Affine(of["W"], of["b"][:, 0]))
            continue
        if "recurrent" not in kind:
            raise ValueError(f"layers[{index}]: expected a dense layer or a cell, found an embedding")
        _add_neurons(index, kind["recurrent"]["cell"], of, dt, add)
        if "H" in of:
            recurrent = f"recurrent_{index}"
            nodes[recurrent] = nir.Linear(of["H"])
            edges += [(last, recurrent), (recurrent, last)]
    nodes["output"] = nir.Output(np.array([plan["layers"][-1]["units"]]))
    edges.append((last, "output"))
    return nir.NIRGraph(nodes, edges)


def _chain(graph: Any) -> list[tuple[str, Any, Array | None]]:
    """The nodes from input to output, each with the matrix by which it feeds itself."""
    following: dict[str, list[str]] = {}
    for source, target in graph.edges:
        if target not in following.setdefault(source, []):
            following[source].append(target)
    starts = [name for name, node in graph.nodes.items() if isinstance(node, nir.Input)]
    if len(starts) != 1:
        raise ValueError(f"graph: expected one Input, found {len(starts)}")
    chain: list[tuple[str, Any, Array | None]] = []
    name = starts[0]
    while True:
        after = following.get(name, [])
        loops = [other for other in after if name in following.get(other, []) and isinstance(graph.nodes[other], nir.Linear)]
        ahead = [other for other in after if other not in loops]
        if chain and loops:
            if len(loops) > 1 or len(following[loops[0]]) > 1:
                raise ValueError(f"{name}: expected at most one Linear node back to it, which goes nowhere else")
            chain[-1] = (*chain[-1][:2], _matrix(loops[0], graph.nodes[loops[0]].weight))
        if len(ahead) != 1:
            raise ValueError(f"{name}: expected one node after it, found {len(ahead)}: {', '.join(ahead) or 'none'}")
        name = ahead[0]
        node = graph.nodes[name]
        if isinstance(node, nir.Output):
            return chain
        if any(name == seen for seen, _, _ in chain):
            raise ValueError(f"{name}: expected a chain, found a circle")
        chain.append((name, node, None))


def _matrix(name: str, weight: Any) -> Array:
    matrix = np.asarray(weight, np.float64)
    if matrix.ndim != 2:
        raise ValueError(f"{name}: expected a weight of two dimensions, found shape {matrix.shape}")
    return matrix


def _dense(weight: Array, bias: Array | None) -> _Part:
    b = np.zeros(len(weight)) if bias is None else bias
    return _Part(Dense(len(weight), "identity"), {"W": weight, "b": b[:, None]})


def _steps(name: str, tau: Any, dt: float) -> tuple[Array, Array]:
    """d = 1 − dt/τ of each neuron, and dt/τ."""
    tau = np.asarray(tau, np.float64).reshape(-1)
    if not (tau >= dt).all():
        raise ValueError(f"{name}: expected time constants of at least dt, {dt} s, found {tau.min()}")
    return 1.0 - dt / tau, dt / tau


def _same(decay: Array) -> bool:
    return bool((decay == decay[0]).all())


def _decay_block(decay: Array, name: str) -> Array:
    """Where a learnable decay σ(a) stands."""
    if not ((decay > 0.0) & (decay < 1.0)).all():
        raise ValueError(f"{name}: expected decays other than 0 where they differ from neuron to neuron")
    return (np.log(decay) - np.log1p(-decay))[:, None]


def _leaky(name: str, node: Any, weight: Array, bias: Array | None, dt: float) -> _Part:
    decay, share = _steps(name, node.tau, dt)
    gain = share * np.asarray(node.r, np.float64).reshape(-1)
    b = (np.zeros(len(weight)) if bias is None else bias) * gain + share * np.asarray(node.v_leak, np.float64).reshape(-1)
    weights = {"W": weight * gain[:, None], "b": b[:, None]}
    if _same(decay):
        return _Part(LI(len(weight), decay=float(decay[0])), weights)
    return _Part(LI(len(weight), learn_decay=True, frozen=["decay"]), {**weights, "decay": _decay_block(decay, name)})


def _spiking(name: str, node: Any, weight: Array, recurrent: Array | None, dt: float) -> _Part:
    for field in ("v_leak", "v_reset"):
        if np.asarray(getattr(node, field)).any():
            raise ValueError(f"{name}: expected {field} 0, which is all that our spiking cells have")
    n = len(weight)
    threshold = np.asarray(node.v_threshold, np.float64).reshape(-1)
    if not (threshold > 0.0).all():
        raise ValueError(f"{name}: expected positive thresholds, found {threshold.min()}")
    resistance = np.asarray(node.r, np.float64).reshape(-1)
    options: dict[str, Any] = {"recurrent": recurrent is not None, "reset": "zero", "threshold": float(threshold[0])}
    if isinstance(node, nir.LIF):
        decay, share = _steps(name, node.tau, dt)
        gain = share * resistance
        named = {"decay": decay}
    else:
        decay, share = _steps(name, node.tau_mem, dt)
        synaptic, synaptic_share = _steps(name, node.tau_syn, dt)
        gain = share * resistance * synaptic_share * np.asarray(node.w_in, np.float64).reshape(-1)
        named = {"synaptic_decay": synaptic, "decay": decay}
    weights = {"W": weight * gain[:, None], "threshold": -threshold[:, None]}
    if recurrent is not None:
        weights["H"] = recurrent * gain[:, None]
    if all(map(_same, named.values())):
        options |= {block: float(of[0]) for block, of in named.items()}
    else:
        options |= {"learn_decay": True, "frozen": list(named)}
        weights |= {block: _decay_block(of, name) for block, of in named.items()}
    kind = LIF if isinstance(node, nir.LIF) else SynapticLIF
    return _Part(kind(n, **options), weights)


def _add_neurons(index: int, cell: dict[str, Any], of: dict[str, Array], dt: float, add: Any) -> None:
    """The nodes of a layer of neurons."""
    import json

    place = f"layers[{index}]"
    options = json.loads(cell["settings"] or "{}")
    name = cell["name"]
    if options.get("cell") not in ("lif", "synaptic-lif", "li"):
        raise ValueError(f"{place}: expected lif, synaptic-lif, li or a dense layer, found {name}")
    n = len(of["W"])

    def decay(block: str, usual: float) -> Array:
        if block in of:
            return 1.0 / (1.0 + np.exp(-of[block][:, 0]))
        given = options.get(block)
        return np.full(n, usual if given is None else float(given))

    def tau(d: Array) -> Array:
        if not (d < 1.0).all():
            raise ValueError(f"{place}: expected decays below 1")
        return dt / (1.0 - d)

    d = decay("decay", 0.9)
    gain = (1.0 - d) if options.get("scaled_input") else np.ones(n)
    if options["cell"] == "li":
        add(f"affine_{index}", nir.Affine(of["W"], of["b"][:, 0]))
        add(f"li_{index}", nir.LI(tau=tau(d), r=gain / (1.0 - d), v_leak=np.zeros(n)))
        return
    for option, wanted in (("reset", "zero"), ("output", "step"), ("refractory", 0)):
        if options.get(option, wanted) != wanted:
            raise ValueError(f"{place}: expected {option} {wanted!r}, which is all that NIR has, found {options[option]!r}")
    neuron = {"v_leak": np.zeros(n), "v_threshold": -of["threshold"][:, 0], "v_reset": np.zeros(n)}
    add(f"linear_{index}", nir.Linear(of["W"]))
    if options["cell"] == "lif":
        add(f"lif_{index}", nir.LIF(tau=tau(d), r=gain / (1.0 - d), **neuron))
        return
    a = decay("synaptic_decay", 0.8)
    add(
        f"cuba_lif_{index}",
        nir.CubaLIF(tau_syn=tau(a), tau_mem=tau(d), r=1.0 / (1.0 - d), w_in=1.0 / (1.0 - a), **neuron),
    )
