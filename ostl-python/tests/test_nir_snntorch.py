"""NIR graphs as snnTorch reads them and as ostl does: the same outputs, step by step, of networks that spike."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import ostl

nir = pytest.importorskip("nir")
torch = pytest.importorskip("torch")
snntorch = pytest.importorskip("snntorch")
pytest.importorskip("nirtorch")

INPUTS, UNITS, OUTPUTS, STEPS, DT = 5, 12, 3, 80, 1e-4
TAU, TAU_SYNAPSE = 2e-3, 1e-3


def neurons(kind: str):
    """Neurons whose weights snnTorch leaves as they are."""
    same = {
        "v_leak": np.zeros(UNITS),
        "v_threshold": np.ones(UNITS),
        "v_reset": np.zeros(UNITS),
        "r": np.full(UNITS, TAU / DT),
    }
    if kind == "LIF":
        return nir.LIF(tau=np.full(UNITS, TAU), **same)
    current = {"tau_syn": np.full(UNITS, TAU_SYNAPSE), "w_in": np.full(UNITS, TAU_SYNAPSE / DT)}
    return nir.CubaLIF(tau_mem=np.full(UNITS, TAU), **current, **same)


def graph(kind: str, random: np.random.Generator, feeds_itself: bool = False):
    """Input, neurons, a readout."""
    nodes = {
        "input": nir.Input(np.array([INPUTS])),
        "in": nir.Affine(0.4 * random.normal(size=(UNITS, INPUTS)), np.zeros(UNITS)),
        "neurons": neurons(kind),
        "out": nir.Affine(random.normal(size=(OUTPUTS, UNITS)), random.normal(size=OUTPUTS)),
        "output": nir.Output(np.array([OUTPUTS])),
    }
    edges = [("input", "in"), ("in", "neurons"), ("neurons", "out"), ("out", "output")]
    if feeds_itself:
        nodes["again"] = nir.Linear(0.3 * random.normal(size=(UNITS, UNITS)))
        edges += [("neurons", "again"), ("again", "neurons")]
    return nir.NIRGraph(nodes, edges)


def ours(of_graph, inputs):
    """What the network made of the graph says, step by step."""
    learner = ostl.Learner(ostl.nir.from_graph(of_graph, dt=DT), "mean-squared-error", method="bptt")
    return learner.predict_batch(inputs[None])[0]


@pytest.mark.parametrize("kind", ["LIF", "CubaLIF"])
def test_graphs_are_read_as_snntorch_reads_them(kind):
    """The same file, given to both."""
    from snntorch.import_nir import import_from_nir

    random = np.random.default_rng(3)
    of_graph, inputs = graph(kind, random), random.normal(size=(STEPS, INPUTS)).astype(np.float32)
    network, state, outputs = import_from_nir(copy.deepcopy(of_graph)), None, []
    for row in inputs:
        output, state = network(torch.tensor(row)[None], state)
        outputs.append(output.detach().numpy()[0])
    expected = np.array(outputs)
    # Only spikes tell the outputs of one step from those of another.
    assert len(np.unique(expected.round(4), axis=0)) > 10
    np.testing.assert_allclose(ours(of_graph, inputs), expected, atol=2e-6)


def test_neurons_that_feed_themselves_do_as_snntorchs():
    """snnTorch's own importer of such graphs loses the feedback with newer versions of nirtorch, so its neurons are built by hand."""
    random = np.random.default_rng(4)
    of_graph, inputs = graph("LIF", random, feeds_itself=True), random.normal(size=(STEPS, INPUTS)).astype(np.float32)
    single = {
        name: torch.tensor(np.asarray(of_graph.nodes[name].weight), dtype=torch.float32) for name in ["in", "again", "out"]
    }
    neuron = snntorch.RLeaky(
        beta=1 - DT / TAU, threshold=1.0, reset_mechanism="zero", reset_delay=False, all_to_all=True, linear_features=UNITS
    )
    with torch.no_grad():
        neuron.recurrent.weight.copy_(single["again"])
        neuron.recurrent.bias.zero_()
        spikes, potential = neuron.init_rleaky()
        outputs, count = [], 0.0
        for row in inputs:
            spikes, potential = neuron(single["in"] @ torch.tensor(row), spikes, potential)
            count += float(spikes.sum())
            outputs.append(single["out"] @ spikes + torch.tensor(of_graph.nodes["out"].bias, dtype=torch.float32))
    assert count > 50
    np.testing.assert_allclose(ours(of_graph, inputs), torch.stack(outputs).numpy(), atol=2e-6)
