"""Whole sequences: layouts, ragged lists, masks, evaluation, gradients, the audit, fitting."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import same, small

import ostl

LENGTHS = [6, 4, 2]


def learner(**options) -> ostl.Learner:
    return small(streams=3, **options)


@pytest.fixture
def batch(random):
    inputs = random.standard_normal((3, 6, 3))
    targets = random.integers(2, size=(3, 6))
    return inputs, targets


def test_a_batch_is_its_streams_step_by_step(batch) -> None:
    inputs, targets = batch
    whole, stepwise = learner(), learner()
    score = whole.learn_batch(inputs, targets)
    for step in range(6):
        stepwise.predict(inputs[:, step])
        stepwise.learn(targets[:, step])
    assert score.targets == 18 and score.steps == 18
    for name, array in whole.parameters().items():
        assert np.allclose(array, stepwise.parameters()[name], rtol=1e-9, atol=1e-12), name


def test_ragged_lists_are_arrays_with_lengths(batch) -> None:
    inputs, targets = batch
    arrays, lists = learner(), learner()
    # What lies past a sequence's end says nothing.
    inputs[1, 4:], inputs[2, 2:] = np.nan, np.nan
    one = arrays.learn_batch(inputs, targets, lengths=LENGTHS)
    cut = [sequence[:length] for sequence, length in zip(inputs, LENGTHS, strict=True)]
    other = lists.learn_batch(cut, [of[:length] for of, length in zip(targets, LENGTHS, strict=True)])
    assert same(arrays.state_dict(), lists.state_dict()) and one.targets == other.targets == 12
    assert same(
        arrays.gradient(inputs, targets, lengths=LENGTHS),
        lists.gradient(cut, [list(t[:n]) for t, n in zip(targets, LENGTHS, strict=True)]),
    )


def test_one_target_a_sequence_is_at_its_last_step(batch) -> None:
    inputs, _ = batch
    last = np.array([1, 0, 1])
    everywhere = np.full((3, 6), -1)
    everywhere[np.arange(3), np.array(LENGTHS) - 1] = last
    one, other = learner(), learner()
    one.learn_batch(inputs, last, lengths=LENGTHS)
    other.learn_batch(inputs, everywhere, lengths=LENGTHS)
    assert same(one.state_dict(), other.state_dict()) and one.updates > 0
    values = small(streams=3, optimizer=ostl.SGD(0.1))
    network = ostl.Network([ostl.GRU(3)], inputs=3, outputs=2)
    by_end, by_step = (ostl.Learner(network, "mean-squared-error", streams=3, dtype="float64") for _ in range(2))
    targets = np.arange(6.0).reshape(3, 2)
    mask = everywhere >= 0
    full = np.where(mask[..., None], targets[:, None, :], np.nan)
    by_end.learn_batch(inputs, targets, lengths=LENGTHS)
    by_step.learn_batch(inputs, full, mask=mask, lengths=LENGTHS)
    assert same(by_end.state_dict(), by_step.state_dict()) and values.updates == 0


def test_masks_weights_and_resets(batch) -> None:
    inputs, targets = batch
    mask = np.zeros((3, 6), dtype=bool)
    mask[0, 2] = mask[1, 5] = True
    masked, negative = learner(), learner()
    masked.learn_batch(inputs, targets, mask=mask)
    negative.learn_batch(inputs, np.where(mask, targets, -1))
    assert same(masked.state_dict(), negative.state_dict())
    weights = np.where(mask, 2.0, 0.0)
    double = learner().gradient(inputs, targets, weights=weights)
    single = learner().gradient(inputs, targets, mask=mask)
    assert all(np.allclose(double[name], 2.0 * single[name]) for name in single)
    resets = np.zeros((3, 6), dtype=bool)
    resets[:, 3] = True
    halves = learner().gradient(inputs[:, :3], targets[:, :3])
    other = learner().gradient(inputs[:, 3:], targets[:, 3:])
    together = learner().gradient(inputs, targets, resets=resets)
    assert all(np.allclose(together[name], halves[name] + other[name]) for name in together)


def test_stretches_go_on(batch) -> None:
    inputs, targets = batch
    whole, parts = learner(), learner()
    whole.learn_next(inputs, targets)
    parts.learn_next(inputs[:, :4], targets[:, :4])
    parts.learn_next(inputs[:, 4:], targets[:, 4:])
    assert same(whole.state_dict(), parts.state_dict())


def test_evaluation_touches_nothing(batch) -> None:
    inputs, targets = batch
    learning = learner()
    learning.predict(inputs[:, 0])
    before = learning.state_dict()
    outputs = learning.predict_batch(inputs, lengths=LENGTHS)
    score = learning.evaluate_batch(inputs, targets, lengths=LENGTHS)
    assert same(learning.state_dict(), before)
    assert outputs.shape == (3, 6, 2) and not outputs[2, 2:].any() and outputs[2, :2].any()
    real = np.arange(6)[None] < np.array(LENGTHS)[:, None]
    logits = outputs - np.log(np.exp(outputs).sum(axis=-1, keepdims=True))
    loss = -np.take_along_axis(logits, targets[..., None], axis=-1)[..., 0][real].sum()
    assert np.isclose(score.loss, loss) and np.isclose(score.accuracy, (outputs.argmax(-1) == targets)[real].mean())


def test_outputs_of_several_heads(random) -> None:
    heads = [ostl.Head("a", 2), ostl.Head("b", 3, "mean-squared-error")]
    learning = ostl.Learner(ostl.Network([ostl.RNN(4)], inputs=3, heads=heads), streams=2, dtype="float64")
    inputs = random.standard_normal((2, 5, 3))
    outputs = learning.predict_batch(inputs)
    for step in range(5):
        assert np.allclose(learning.predict(inputs[:, step]), outputs[:, step])
    start = learning.parameters()
    score = learning.learn_batch(inputs, {"b": random.standard_normal((2, 5, 3)), "a": np.array([1, 0])})
    assert {name: of.targets for name, of in learning.head_scores()} == {"a": 2, "b": 10}
    assert score.targets == 10 and not same(start, learning.parameters())


def test_sequences_of_words(random) -> None:
    network = ostl.Network([ostl.Embedding(4), ostl.GRU(5)], inputs=9, outputs=9)
    words = random.integers(9, size=(2, 8))
    by_number, dense = (ostl.Learner(network, "softmax-cross-entropy", streams=2, dtype="float64") for _ in range(2))
    by_number.learn_batch(words[:, :-1], words[:, 1:])
    dense.learn_batch(np.eye(9)[words[:, :-1]], words[:, 1:])
    for name, array in by_number.parameters().items():
        assert np.allclose(array, dense.parameters()[name], atol=1e-10), name


def test_the_audit(batch) -> None:
    audit = learner(method={"window": 2, "carry": "layer"}).check()
    assert audit.holds and all(row.claim == "exact" for row in audit.rows) and audit.relative_error < 1e-10
    inputs, targets = batch
    rough = learner(method="tbptt").check(inputs, targets, lengths=LENGTHS)
    assert rough.holds  # a window of 20 steps holds these sequences
    rough = learner(method=ostl.Method.tbptt(2)).check(inputs, targets, lengths=LENGTHS)
    claims = {f"layers.{row.layer}.{row.block}": row.claim for row in rough.rows}
    assert claims == learner(method=ostl.Method.tbptt(2)).claims and claims["layers.0.W"] == "approximate"
    errors = {row.block: row.relative_error for row in rough.rows if row.layer == 0}
    assert min(errors.values()) > 1e-3 and rough.residual is not None and rough.firing_rate is None
    table = str(rough).splitlines()
    assert table[0].split() == ["layer", "block", "claim", "error", "cosine", "norm"] and len(table) == 2 + len(rough.rows)
    network = ostl.Network([ostl.LIF(6)], inputs=3, outputs=2)
    assert ostl.Learner(network, "mean-squared-error", method="e_prop").check().firing_rate is not None
    with pytest.raises(ValueError, match="only cross-entropies"):
        ostl.Learner(network, "huber").check()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"inputs": np.ones((3, 6))}, r"inputs: expected shape \(streams, steps, 3\), found \(3, 6\)"),
        ({"inputs": np.ones((3, 6, 2))}, r"inputs: expected shape \(streams, steps, 3\)"),
        ({"inputs": np.ones((4, 6, 3)), "targets": np.ones((4, 6), int)}, "4 given where the network has 3"),
        ({"targets": np.ones((3, 5), int)}, r"targets: expected shape \(3, 6\) \(streams, steps\)"),
        ({"targets": np.full((3, 6), 2)}, "targets: expected a class below 2"),
        ({"lengths": [6, 7, 1]}, "lengths: expected 0 to 6 steps, found 7"),
        ({"lengths": [6, 1]}, r"lengths: expected shape \(3,\)"),
        ({"mask": np.ones((3, 5), bool)}, r"mask: expected shape \(3, 6\)"),
        ({"mask": np.ones((3, 6))}, "mask: expected an array of truth values"),
        ({"weights": -np.ones((3, 6))}, "weights: expected finite numbers of at least 0, found -1"),
        ({"resets": np.ones(3, bool)}, "resets: expected shape"),
        ({"inputs": [np.ones((6, 3)), np.ones((4, 3))], "targets": [np.ones(6, int)]}, "targets: expected 2 sequences"),
        ({"inputs": [np.ones((6, 3)), np.ones((4, 2))]}, "inputs: expected shape"),
        ({"inputs": np.full((3, 6, 3), np.nan)}, "inputs: .*the input is NaN"),
    ],
)
def test_what_does_not_fit_is_named(batch, arguments, words) -> None:
    inputs, targets = batch
    learning = learner()
    before = learning.state_dict()
    for call in (learning.learn_batch, learning.evaluate_batch):
        if call == learning.evaluate_batch and "4 given" in words:
            continue
        with pytest.raises(ValueError, match=words):
            call(**{"inputs": inputs, "targets": targets, **arguments})
    assert same(learning.state_dict(), before)


def test_fitting(random) -> None:
    def batches():
        for _ in range(4):
            bits = random.integers(2, size=(8, 5))
            # The first bit, asked for at the end.
            yield bits[..., None].astype(float), bits[:, 0]

    network = ostl.Network([ostl.LSTM(12)], inputs=1, outputs=2, seed=1)
    learning = ostl.Learner(network, "softmax-cross-entropy", method="bptt", optimizer=ostl.Adam(0.05), streams=8)
    seen, wrapped = [], []

    def progress(iterable):
        wrapped.append(1)
        return iterable

    def stop(epoch, given):
        seen.append((epoch.number, given is learning))
        return epoch.valid_accuracy == 1.0

    validation = [dict(zip(("inputs", "targets"), next(iter(batches())), strict=True))]
    history = learning.fit(batches, 60, validation=validation, callbacks=[stop], progress=progress)
    assert history[-1].valid_accuracy == 1.0 and len(history) < 60 and history[0].loss > 2 * history[-1].loss
    assert seen == [(number + 1, True) for number in range(len(history))] and len(wrapped) == len(history)
    with pytest.raises(ValueError, match="dataset: expected batches that are"):
        learning.fit([7])
