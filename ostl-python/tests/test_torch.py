"""Beside PyTorch: gradients in double precision, and modules there and back."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: gradients are not compared with torch.autograd")

import ostl  # noqa: E402
from ostl import torch as bridge  # noqa: E402

nn = torch.nn
STREAMS, STEPS, INPUTS, CLASSES = 3, 12, 4, 3
WHOLE = {"window": STEPS, "carry": "none"}
BY_LAYER = [{"window": window, "carry": "layer", "update": "sequence"} for window in (1, 3, 5)]


def data():
    random = np.random.default_rng(5)
    return random.standard_normal((STREAMS, STEPS, INPUTS)), random.integers(CLASSES, size=(STREAMS, STEPS))


def autograd(modules, inputs, targets) -> dict[str, np.ndarray]:
    """The gradient of the summed loss, by our names; two biases that are added up have one gradient."""
    outputs = bridge.apply(modules, torch.from_numpy(inputs))
    loss = nn.functional.cross_entropy(outputs.flatten(0, 1), torch.from_numpy(targets).flatten(), reduction="sum")
    loss.backward()
    found = {}
    layer = 0
    for module in modules:
        if isinstance(module, nn.RNNBase):
            w, h = module.weight_ih_l0.grad, module.weight_hh_l0.grad
            b, c = module.bias_ih_l0.grad, module.bias_hh_l0.grad
            if isinstance(module, nn.GRU):
                (w_r, w_z, w_n), (b_r, b_z, b_n), (_, _, c_n) = w.chunk(3), b.chunk(3), c.chunk(3)
                w, b = torch.cat([w_n, w_r, w_z]), torch.cat([b_n, b_r, b_z, c_n])
            found |= {f"layers.{layer}.W": w, f"layers.{layer}.H": h, f"layers.{layer}.b": b[:, None]}
        elif isinstance(module, nn.Linear):
            found |= {f"layers.{layer}.W": module.weight.grad, f"layers.{layer}.b": module.bias.grad[:, None]}
        else:
            continue
        layer += 1
    return {name: gradient.numpy() for name, gradient in found.items()}


def compare(layers, methods, tolerance=1e-10) -> None:
    inputs, targets = data()
    network = ostl.Network(layers, inputs=INPUTS, outputs=CLASSES, seed=4)
    # Constants that are not zero, so that their place counts.
    random = np.random.default_rng(3)
    network.load_parameters({name: w + 0.1 * random.standard_normal(w.shape) for name, w in network.parameters().items()})
    truth = autograd(bridge.to_module(network, dtype=torch.float64), inputs, targets)
    for method in methods:
        learner = ostl.Learner(network, "softmax-cross-entropy", method=method, streams=STREAMS, dtype="float64")
        found = learner.gradient(inputs, targets)
        assert found.keys() == truth.keys()
        for name, gradient in truth.items():
            error = np.linalg.norm(found[name] - gradient) / np.linalg.norm(gradient)
            assert error < tolerance, (method, name, error)


@pytest.mark.parametrize("cell", [ostl.RNN, ostl.LSTM, ostl.GRU])
def test_gradients_of_one_layer_are_those_of_autograd(cell) -> None:
    compare([cell(6)], [WHOLE, *BY_LAYER])


@pytest.mark.parametrize("cell", [ostl.RNN, ostl.LSTM, ostl.GRU])
def test_gradients_of_stacks_are_those_of_autograd(cell) -> None:
    compare([ostl.Dense(5, "relu"), cell(6), cell(4), ostl.Dense(5)], [WHOLE, {"window": 1, "carry": "network"}])


def test_the_comparison_can_fail() -> None:
    with pytest.raises(AssertionError):
        compare([ostl.LSTM(6)], [{"window": 1, "carry": "local"}])


def modules():
    torch.manual_seed(1)
    return {
        "lstm": [nn.LSTM(INPUTS, 7, batch_first=True), nn.Linear(7, CLASSES)],
        "gru": [nn.GRU(INPUTS, 7, num_layers=2, batch_first=True), nn.Linear(7, CLASSES)],
        "rnn": [nn.RNN(INPUTS, 7, bias=False, batch_first=True), nn.Linear(7, CLASSES, bias=False)],
        "stack": [nn.Linear(INPUTS, 5), nn.Tanh(), nn.GRU(5, 6, batch_first=True), nn.LSTM(6, 4, batch_first=True), nn.Linear(4, 8), nn.ReLU(),
                  nn.Linear(8, CLASSES)],
    }  # fmt: skip


@pytest.mark.parametrize("name", modules())
def test_modules_there_and_back(name) -> None:
    stack = nn.ModuleList(modules()[name])
    inputs = torch.randn(STREAMS, STEPS, INPUTS)
    with torch.no_grad():
        expected = bridge.apply(stack, inputs).numpy()
    network = bridge.from_module(stack)
    learner = ostl.Learner(network, "softmax-cross-entropy", streams=STREAMS)
    assert np.abs(learner.predict_batch(inputs.numpy()) - expected).max() < 1e-6
    with torch.no_grad():
        back = bridge.apply(bridge.to_module(learner), inputs).numpy()
    assert np.abs(back - expected).max() < 1e-6
    learner.learn_batch(inputs.numpy(), np.zeros((STREAMS, STEPS), int))
    with torch.no_grad():
        learned = bridge.apply(bridge.to_module(learner), inputs).numpy()
    assert np.abs(learned - expected).max() > 1e-5
    assert np.abs(learner.predict_batch(inputs.numpy()) - learned).max() < 1e-5


def test_heads_dropout_and_tensors() -> None:
    stack = nn.Sequential(nn.LSTM(2, 4, num_layers=2, dropout=0.25, batch_first=True), nn.Dropout(0.5), nn.Linear(4, 3))
    heads = [ostl.Head("a", 2), ostl.Head("b", 1, "mean-squared-error")]
    network = bridge.from_module(stack, heads=heads)
    assert [layer["dropout"] for layer in network.plan["layers"]][:2] == [0.0, 0.25] and network.heads == heads
    learner = ostl.Learner(
        bridge.from_module(nn.Sequential(nn.GRU(2, 4), nn.Linear(4, 2))), "softmax-cross-entropy", streams=5
    )
    batches = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.randn(20, 6, 2), torch.randint(2, (20, 6))), batch_size=5
    )
    assert learner.fit(batches, 2)[-1].number == 2


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        ([nn.LSTM(2, 3, bidirectional=True), nn.Linear(6, 1)], r"module\[0\].*bidirectional"),
        ([nn.LSTM(2, 3, proj_size=2), nn.Linear(2, 1)], "projections"),
        ([nn.RNN(2, 3, nonlinearity="relu"), nn.Linear(3, 1)], "ReLU"),
        ([nn.LSTM(2, 3)], "expected an nn.Linear as the last part"),
        ([nn.LSTM(2, 3), nn.Tanh(), nn.Linear(3, 1)], r"module\[1\]: expected an activation after an nn.Linear"),
        ([nn.Conv1d(2, 3, 1), nn.Linear(3, 1)], r"module\[0\]: expected RNN"),
    ],
)
def test_what_does_not_map_is_refused(stack, words) -> None:
    with pytest.raises(ValueError, match=words):
        bridge.from_module(stack)


def test_layers_that_pytorch_does_not_have() -> None:
    for layer in (ostl.LIF(3), ostl.RNN(3, leak=0.5), ostl.LSTM(3, recurrent=False)):
        with pytest.raises(ValueError, match=r"layers\[0\]: expected"):
            bridge.to_module(ostl.Network([layer], inputs=2, outputs=1))
