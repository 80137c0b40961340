"""Networks: every cell and option, readouts, heads, what is refused."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest
from conftest import same

import ostl

# For each cell other values than the defaults, so that every option is seen to arrive.
OPTIONS = {
    "SNU": {"recurrent": False, "decay": 0.5, "learn_decay": True, "state_function": "relu", "pseudo_derivative": "arctan",
            "initial_bias": -0.25},
    "SSNU": {"recurrent": False, "decay": 0.5, "learn_decay": True, "state_function": "relu", "initial_bias": 0.5},
    "LIF": {"recurrent": False, "time_constant": 12.0, "step": 2.0, "learn_decay": True, "reset": "zero", "detach_reset": True,
            "scaled_input": True, "threshold": 0.5, "refractory": 2, "pseudo_derivative": "triangle"},
    "SynapticLIF": {"recurrent": False, "synaptic_decay": 0.5, "time_constant": 9.0, "step": 2.0, "learn_decay": True,
                    "reset": "none", "detach_reset": True, "threshold": 0.5, "output": "sigmoid"},
    "ALIF": {"recurrent": False, "decay": 0.7, "adaptation_time_constant": 80.0, "step": 2.0, "adaptation": 0.4,
             "detach_reset": True, "threshold": 0.5, "output": "sigmoid"},
    "LI": {"time_constant": 7.0, "step": 2.0, "learn_decay": True, "scaled_input": True},
    "RNN": {"recurrent": False, "time_constant": 3.0, "step": 2.0},
    "LSTM": {"recurrent": False, "forget_bias": 2.0},
    "GRU": {"recurrent": False},
    "IndRNN": {"nonlinearity": "tanh", "largest_weight": 0.5},
    "ELSTM": {"forget_bias": 2.0},
    "LRU": {"r_min": 0.2, "r_max": 0.9, "max_phase": 1.0},
    "RTU": {"nonlinearity": "tanh", "nonlinear_recurrence": True, "r_min": 0.2, "r_max": 0.9, "max_phase": 1.0},
    "MinGRU": {},
    "MinLSTM": {"forget_bias": 2.0},
}  # fmt: skip


def settings(network: ostl.Network, layer: int = 0) -> str:
    return network.plan["layers"][layer]["kind"]["recurrent"]["cell"]["settings"]


@pytest.mark.parametrize("cell", ostl.CELLS, ids=lambda cell: cell.__name__)
def test_every_cell_with_every_option(cell: type[ostl.Cell]) -> None:
    options = OPTIONS[cell.__name__]
    plain = ostl.Network([cell(4)], inputs=3, outputs=2)
    given = ostl.Network([cell(4, **options)], inputs=3, outputs=2)
    assert plain.depth == 2 and plain.outputs == 2
    if options:
        assert settings(plain) != settings(given)
    own = {field.name for field in dataclasses.fields(cell)} - {field.name for field in dataclasses.fields(ostl.Cell)}
    assert options.keys() <= own
    learner = ostl.Learner(given, "mean-squared-error", method={"window": 3, "carry": "local"}, dtype="float64")
    before = learner.parameters()
    for step in range(6):
        learner.predict([np.sin(step), np.cos(step), 1.0])
        learner.learn([1.0, -1.0])
    learner.finish()
    assert any(not np.array_equal(before[name], after) for name, after in learner.parameters().items())


def test_names_of_options_are_those_of_the_cells() -> None:
    for cell in ostl.CELLS:
        for name in OPTIONS[cell.__name__]:
            assert name in {field.name for field in dataclasses.fields(cell)}
    with pytest.raises(TypeError, match="forget_bais"):
        ostl.LSTM(4, forget_bais=1.0)


def test_options_of_every_layer() -> None:
    layers = [
        ostl.LSTM(6, density=0.5, learning_rate_scale={"H": 0.1}, frozen=["b"], dropout=0.2),
        ostl.Dense(5, "relu", learning_rate_scale=0.5),
        ostl.ALIF(4, activity={"rate": {"target": 0.1, "weight": 2.0}, "voltage": {"bound": 1.0, "weight": 0.5}}),
    ]
    network = ostl.Network(layers, inputs=3, readout=ostl.LI(2, decay=0.8, frozen=True), seed=5)
    plan = network.plan["layers"]
    assert plan[0]["dropout"] == 0.2 and plan[0]["kind"]["recurrent"]["density"] == 0.5
    assert plan[0]["learning_rates"] == {"layer": 1.0, "blocks": {"H": 0.1, "b": 0.0}}
    assert plan[1]["learning_rates"]["layer"] == 0.5 and plan[1]["kind"] == {"dense": "relu"}
    assert plan[2]["kind"]["recurrent"]["activity"]["rate"]["target"] == 0.1
    assert plan[3]["learning_rates"]["layer"] == 0.0
    h = network.parameters()["layers.0.H"]
    assert 0.2 < np.mean(h != 0.0) < 0.8
    learner = ostl.Learner(network, "mean-squared-error", method="e_prop")
    assert learner.claims["layers.0.b"] == "frozen" and learner.claims["layers.3.W"] == "frozen"


def test_seeds_and_initialisation() -> None:
    def weights(**options):
        return ostl.Network([ostl.RNN(6)], inputs=3, outputs=2, **options).parameters()

    assert same(weights(seed=1), weights(seed=1)) and not same(weights(seed=1), weights(seed=2))
    h = weights()["layers.0.H"]
    assert np.allclose(h @ h.T, np.eye(6))
    assert np.abs(weights(initialization=("uniform", "uniform"))["layers.0.H"]).max() <= 6**-0.5


def test_numbers_of_numpy_are_numbers() -> None:
    plain = ostl.Network([ostl.RNN(4, leak=0.5)], inputs=3, outputs=2, seed=7)
    layers = [ostl.RNN(np.int64(4), leak=np.float32(0.5))]
    numpy = ostl.Network(layers, inputs=np.int16(3), outputs=np.uint8(2), seed=np.int64(7))
    assert same(plain.parameters(), numpy.parameters()) and plain.plan == numpy.plan
    assert ostl.Learner(numpy, "poisson", streams=np.int64(2), optimizer=ostl.SGD(np.float64(0.1))).streams == 2


def test_a_network_pickles_and_copies() -> None:
    heads = [ostl.Head("class", 3, weight=0.5), ostl.Head("value", 1, ostl.Huber(2.0))]
    network = ostl.Network([ostl.GRU(4)], inputs=2, heads=heads, seed=9)
    changed = {name: array + 1.0 for name, array in network.parameters().items()}
    network.load_parameters(changed)
    for copied in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert same(copied.parameters(), changed) and copied.description == network.description
        assert copied.heads == heads


def test_what_does_not_fit_is_named() -> None:
    def refused(words: str, *layers, **options) -> None:
        with pytest.raises(ValueError, match=words):
            ostl.Network(list(layers), **{"inputs": 3, "outputs": 2, **options})

    refused(r"layers\[0\]: expected a layer", 64)
    refused(r"decay = 1.5 is out of range", ostl.LIF(4, decay=1.5))
    refused(r"decay and time_constant exclude each other", ostl.LIF(4, decay=0.5, time_constant=3.0))
    refused(r"layers\[1\].*unknown variant `sigmoids`", ostl.LSTM(4), ostl.LIF(4, output="sigmoids"))
    refused("units of layer 0 = 0", ostl.LSTM(0))
    refused("inputs = 0", ostl.LSTM(4), inputs=0)
    refused("density", ostl.LRU(4, density=0.5))
    refused("outputs: expected a number", ostl.LSTM(4), outputs=None)
    refused('readout: expected the activation "identity"', ostl.LSTM(4), readout=ostl.Dense(2, "tanh"))
    refused("readout: expected 2 units", ostl.LSTM(4), readout=ostl.LI(3))
    refused("outputs: expected 4", ostl.LSTM(4), heads=[ostl.Head("a", 3), ostl.Head("b", 1)])
    refused('name of head 1 = "a"', ostl.LSTM(4), outputs=None, heads=[ostl.Head("a", 3), ostl.Head("a", 1)])
    network = ostl.Network([ostl.LSTM(4)], inputs=3, outputs=2)
    parameters = network.parameters()
    with pytest.raises(ValueError, match=r"layers.0.W"):
        network.load_parameters({**parameters, "layers.0.W": np.zeros((2, 2))})
    with pytest.raises(ValueError, match=r"layers.1.b"):
        network.load_parameters({name: array for name, array in parameters.items() if name != "layers.1.b"})
    with pytest.raises(ValueError, match=r"parameters\[\"layers.0.W\"\]: expected float32"):
        network.load_parameters({**parameters, "layers.0.W": parameters["layers.0.W"].astype(complex)})
    assert same(network.parameters(), parameters)
