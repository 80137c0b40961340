"""Step by step: predictions, targets, errors from outside; layouts and dtypes; what is refused."""

from __future__ import annotations

import _thread
import itertools
import threading
import time

import numpy as np
import pytest
from conftest import same, small

import ostl


def stream(random: np.random.Generator, steps: int = 20):
    return random.standard_normal((steps, 2, 3)), random.integers(2, size=(steps, 2))


def test_learning_lowers_the_loss() -> None:
    network = ostl.Network([ostl.LSTM(16)], inputs=1, outputs=2, seed=1)
    learner = ostl.Learner(network, "softmax-cross-entropy", optimizer=ostl.Adam(0.02))
    losses = []
    for step in range(600):
        bit = (step // 3) % 2
        learner.predict([float(bit)])
        # What was the input three steps ago?
        losses.append(learner.learn(((step - 3) // 3) % 2).loss)
    assert np.mean(losses[-50:]) < 0.2 * np.mean(losses[:50])
    assert learner.updates == learner.steps_seen == 600


def test_shapes_of_predictions() -> None:
    assert small().predict(np.ones((2, 3))).shape == (2, 2)
    one = small(streams=1)
    assert one.predict(np.ones(3)).shape == (2,) and one.predict(np.ones((1, 3))).shape == (1, 2)
    assert small(dtype="float32").predict(np.ones((2, 3))).dtype == np.float32


def test_layouts_and_dtypes_say_the_same(random) -> None:
    x = random.integers(-3, 4, size=(2, 3)).astype(np.float64)
    expected = small().predict(x)
    wide = np.zeros((4, 6))
    wide[::2, ::2] = x
    byte_swapped = x.astype(x.dtype.newbyteorder())
    for given in (
        x.T.copy().T,
        wide[::2, ::2],
        x[::-1].copy()[::-1],
        x.astype(np.float32),
        x.astype(np.int8),
        x.tolist(),
        byte_swapped,
    ):
        assert np.array_equal(small().predict(given), expected)
    x.flags.writeable = False
    assert np.array_equal(small().predict(x), expected)


def test_ways_to_give_a_class() -> None:
    def learned(y) -> dict:
        learner = small()
        learner.predict(np.ones((2, 3)))
        learner.learn(y)
        return learner.parameters()

    start = small().parameters()
    expected = learned([1, 0])
    assert not same(expected, start)
    for y in (np.array([1, 0]), np.array([1, 0], dtype=np.uint8), (1, 0)):
        assert same(learned(y), expected)
    only_first = learned([1, None])
    assert same(only_first, learned(np.array([1, -1]))) and not same(only_first, expected)
    assert same(learned(None), start) and same(learned([None, None]), start)


def test_ways_to_give_values() -> None:
    def learned(y, streams: int, outputs: int) -> dict:
        network = ostl.Network([ostl.GRU(4)], inputs=3, outputs=outputs, seed=2)
        learner = ostl.Learner(network, "mean-squared-error", streams=streams, dtype="float64", optimizer=ostl.SGD(0.1))
        learner.predict(np.ones((streams, 3)))
        learner.learn(y)
        return learner.parameters()

    assert same(learned([[1.0, 2.0], [3.0, 4.0]], 2, 2), learned(np.array([[1, 2], [3, 4]]), 2, 2))
    assert same(learned([None, [3.0, 4.0]], 2, 2), learned([None, np.array([3, 4])], 2, 2))
    assert same(learned(0.5, 1, 1), learned([[0.5]], 1, 1)) and same(
        learned([0.5, 1.0], 2, 1), learned([[0.5], [1.0]], 2, 1)
    )
    assert not same(learned(0.5, 1, 1), learned(0.6, 1, 1))


def test_weights_of_targets() -> None:
    def moved(**options):
        learner = small(optimizer=ostl.SGD(0.1))
        start = learner.parameters()["layers.1.b"]
        learner.predict(np.ones((2, 3)))
        learner.learn([1, None], **options)
        return learner.parameters()["layers.1.b"] - start

    assert np.allclose(moved(weight=[2.0, 7.0]), 2.0 * moved()) and np.abs(moved()).max() > 0.01


def test_an_error_from_outside_is_the_loss_by_hand(random) -> None:
    by_loss, outside = small(), small()
    for x, y in zip(*stream(random), strict=True):
        logits = by_loss.predict(x)
        by_loss.learn(y)
        told = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True) - np.eye(2)[y]
        outside.predict(x)
        outside.backward(told)
    for name, array in by_loss.parameters().items():
        assert np.allclose(array, outside.parameters()[name], rtol=1e-9, atol=1e-12), name


def test_the_gathered_gradient(random) -> None:
    learner = small(method=ostl.Method.ostl().with_(update="sequence", block=1))
    for x, y in zip(*stream(random, 5), strict=True):
        learner.predict(x)
        learner.learn(y)
    gathered = learner.gradient()
    assert gathered["layers.0.H"].shape == (20, 5) and np.abs(gathered["layers.0.H"]).max() > 0.0
    learner.finish()
    assert all(not array.any() for array in learner.gradient().values())


def test_an_engine_gives_the_gradient_and_takes_weights(random) -> None:
    network = ostl.Network([ostl.GRU(4)], inputs=3, outputs=1, seed=2)
    engine = ostl.Engine(network, method={"window": 2, "carry": "layer"}, dtype="float64")
    x = random.standard_normal((40, 3))
    errors = []
    for step in x:
        error = engine.predict(step) - step.sum()
        errors.append(float(error[0] ** 2))
        if engine.learn(error):
            gradient = engine.gradient()
            engine.load_parameters({name: array - 0.05 * gradient[name] for name, array in engine.parameters().items()})
            engine.clear_gradient()
            assert not engine.gradient()["layers.0.W"].any()
    assert np.mean(errors[-10:]) < 0.5 * np.mean(errors[:10])
    assert engine.state(0).shape == (1, 1, 4) and engine.output(1).shape == (1, 1)
    assert engine.traces()["traces.layers.0.influence"].shape[0] == 1
    engine.predict(x[0])
    engine.signal_hidden(0, np.ones(4))
    assert engine.learn(None) is False
    engine.finish()
    assert np.abs(engine.gradient()["layers.0.W"]).max() > 0.0


def test_heads() -> None:
    heads = [ostl.Head("class", 3, weight=0.5), ostl.Head("value", 1, "mean-squared-error")]
    network = ostl.Network([ostl.LSTM(6)], inputs=2, heads=heads)
    learner = ostl.Learner(network, streams=1, dtype="float64")
    assert learner.predict([0.0, 1.0]).shape == (4,)
    score = learner.learn({"class": 2, "value": 0.5})
    by_head = dict(learner.head_scores())
    assert by_head["class"].targets == by_head["value"].targets == 1
    assert np.isclose(score.loss, 0.5 * by_head["class"].loss + by_head["value"].loss)
    learner.predict([0.0, 1.0])
    learner.learn({"value": 0.5})
    assert dict(learner.head_scores())["class"].targets == 0
    learner.predict([0.0, 1.0])
    with pytest.raises(ValueError, match=r'y: no head "clas", expected class, value'):
        learner.learn({"clas": 1})
    with pytest.raises(ValueError, match=r"y: expected a dict"):
        learner.learn(1)


def test_resets_and_finish(random) -> None:
    xs, _ = stream(random, 4)
    learner = small()
    first = learner.predict(xs[0])
    learner.predict(xs[1])
    learner.reset(0)
    again = learner.predict(xs[0])
    assert np.array_equal(again[0], first[0]) and not np.array_equal(again[1], first[1])
    learner.finish()
    assert np.array_equal(learner.predict(xs[0]), first)


def test_states_outputs_and_traces(random) -> None:
    learner = small()
    for x, y in zip(*stream(random, 3), strict=True):
        outputs = learner.predict(x)
        learner.learn(y)
    assert learner.state(0).shape == (2, 1, 5) and np.abs(learner.state(0)).max() > 0.0
    assert np.array_equal(learner.output(1), outputs) and learner.output(0).shape == (2, 5)
    assert learner.state(1) is None
    assert set(learner.trace(0)) == {"influence"} and learner.trace(0)["influence"].any() and learner.trace(1) == {}
    assert learner.trace_bytes > 0
    half = small(method={"window": 1, "carry": "local", "trace": "bf16"})
    full = small(method={"window": 1, "carry": "local"})
    for x in stream(random, 3)[0]:
        for one in (half, full):
            one.predict(x)
            one.learn([0, 1])
    assert set(full.trace(0)) == {"W", "H", "b.cell", "b.forget", "b.input"} and full.trace(0)["W"].shape[0] == 2
    rounded = half.trace(0)["W"]
    assert rounded.dtype == np.float32 and np.allclose(rounded, full.trace(0)["W"], rtol=0.1, atol=0.01) and rounded.any()


def test_frozen_and_learning_rate(random) -> None:
    learner = small()
    start = learner.parameters()
    learner.frozen = True
    assert learner.frozen
    xs, ys = stream(random, 5)
    learner.learn_many(xs, ys)
    assert same(learner.parameters(), start)
    learner.frozen = False
    learner.learning_rate = 0.0
    learner.learn_many(xs, ys)
    assert same(learner.parameters(), start)
    learner.learning_rate = 0.5
    learner.clip_norm = 1.0
    assert (learner.learning_rate, learner.clip_norm) == (0.5, 1.0)
    learner.learn_many(xs, ys)
    assert not same(learner.parameters(), start)
    with pytest.raises(ValueError, match="learning_rate = -1"):
        learner.learning_rate = -1.0


@pytest.mark.parametrize("method", ["ostl", {"window": 3, "carry": "local", "update": "window"}])
def test_a_whole_stream_in_one_call_is_step_by_step(random, method) -> None:
    xs, ys = stream(random, 17)
    mask = random.random((17, 2)) < 0.7
    resets = random.random((17, 2)) < 0.2
    weights = random.random((17, 2))
    one, many = small(method=method), small(method=method)
    outputs, loss = [], 0.0
    for step, x in enumerate(xs):
        for at in np.nonzero(resets[step])[0]:
            one.reset(int(at))
        outputs.append(one.predict(x))
        loss += one.learn(np.where(mask[step], ys[step], -1), weight=weights[step]).loss
    found, score = many.learn_many(xs, ys, mask=mask, weights=weights, resets=resets)
    assert np.array_equal(found, outputs) and np.isclose(score.loss, loss) and score.targets == mask.sum()
    assert same(one.state_dict(), many.state_dict())


def test_one_stream_needs_no_dimension_for_it(random) -> None:
    network = ostl.Network([ostl.RNN(3)], inputs=2, outputs=1)
    xs, ys = random.standard_normal((9, 2)), random.standard_normal(9)
    ys[3] = np.nan
    learner = ostl.Learner(network, "mean-squared-error")
    outputs, score = learner.learn_many(xs, ys, mask=np.arange(9) != 3)
    assert outputs.shape == (9, 1) and score.targets == 8
    with pytest.raises(ValueError, match="ys: expected finite numbers, found NaN at row 3"):
        learner.learn_many(xs, ys)
    assert learner.steps_seen == 9


def test_events_are_the_one_input_that_is_one() -> None:
    network = ostl.Network([ostl.Embedding(4), ostl.LSTM(5)], inputs=7, outputs=7, seed=1)
    words = np.array([3, 1, 6, 6, 0, 2])

    def learner():
        return ostl.Learner(network, "softmax-cross-entropy", dtype="float64")

    by_number, dense, many = learner(), learner(), learner()
    for word, following in itertools.pairwise(words):
        assert np.allclose(by_number.predict(word), dense.predict(np.eye(7)[word]))
        by_number.learn(following)
        dense.learn(following)
    many.learn_many(words[:-1], words[1:])
    assert same(by_number.parameters(), many.parameters())
    with pytest.raises(ValueError, match="x: expected the number of an input, 0 to 6, found 7"):
        by_number.predict(7)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (np.ones(3), r"x: expected shape \(2, 3\) \(streams, inputs\), found \(3,\)"),
        (np.ones((2, 4)), r"x: expected shape \(2, 3\).*found \(2, 4\)"),
        (np.ones((2, 3), complex), "x: expected an array of real numbers, found dtype complex128"),
        ([["a", "b", "c"]] * 2, "x: expected an array of real numbers, found dtype <U1"),
        (None, "x: expected an array of real numbers, found dtype object"),
        ([[1.0, np.nan, 0.0]] * 2, "x: stream 0, feature 1: the input is NaN"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, -np.inf]], "x: stream 1, feature 2: the input is -inf"),
        ([[1.0], [2.0, 3.0]], "x: expected an array of real numbers; NumPy says"),
    ],
)
def test_inputs_that_do_not_fit(x, words: str) -> None:
    learner = small()
    before = learner.state_dict()
    with pytest.raises(ValueError, match=words):
        learner.predict(x)
    assert same(learner.state_dict(), before)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1, 2], "y: expected a class below 2, or -1 or None for no target, found 2"),
        ([1, -2], "found -2"),
        ([0.0, 1.0], "y: expected an array of whole numbers, found dtype float64"),
        ([1], r"y: expected shape \(2,\) \(a class for each stream\), found \(1,\)"),
        ([None], "y: expected 2 entries, one for each stream, found 1"),
        ([None, "a"], "y: expected a class below 2 or None, found a"),
        (1, r"y: expected shape \(2,\)"),
    ],
)
def test_targets_that_do_not_fit(y, words: str) -> None:
    learner = small()
    learner.predict(np.ones((2, 3)))
    before = learner.state_dict()
    with pytest.raises(ValueError, match=words):
        learner.learn(y)
    assert same(learner.state_dict(), before)
    learner.learn([1, 0])


def test_calls_at_the_wrong_time_or_place() -> None:
    learner = small()
    with pytest.raises(RuntimeError, match="without a predict"):
        learner.learn([0, 1])
    for call in (
        lambda: learner.reset(2),
        lambda: learner.state(2),
        lambda: learner.signal_hidden(0, np.ones(5), stream=2),
    ):
        with pytest.raises(IndexError, match="expected 0 to 1"):
            call()
    learner.predict(np.ones((2, 3)))
    with pytest.raises(ValueError, match="layer = 1"):
        learner.signal_hidden(1, np.ones(2))
    with pytest.raises(ValueError, match="dy: "):
        learner.backward(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match=r"dy: expected shape \(2, 2\)"):
        learner.backward(np.ones(2))
    with pytest.raises(ValueError, match="streams = 0"):
        small(streams=0)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, found int64"):
        small(dtype=int)
    with pytest.raises(ValueError, match="dtype: expected float32 or float64, found 'float7'"):
        small(dtype="float7")
    with pytest.raises(ValueError, match="settings: "):
        small(streams=-1)


def test_numbers_that_break_are_told_apart() -> None:
    network = ostl.Network([ostl.RNN(3)], inputs=1, outputs=1)
    learner = ostl.Learner(network, "mean-squared-error", optimizer=ostl.SGD(1e30))
    with pytest.raises(ostl.NonFiniteError, match="not finite") as caught:
        for _ in range(10):
            learner.predict([1.0])
            learner.learn([1e18])
    assert isinstance(caught.value, RuntimeError)
    assert all(np.isfinite(array).all() for array in learner.parameters().values())
    learner.learning_rate = 1e-3
    learner.predict([1.0])
    learner.learn([1.0])


def test_other_threads_run_while_it_learns(random) -> None:
    network = ostl.Network([ostl.LSTM(64)], inputs=16, outputs=4)
    learner = ostl.Learner(network, "softmax-cross-entropy", method=ostl.Method.tbptt(10))
    xs, ys = random.standard_normal((6000, 16)).astype(np.float32), random.integers(4, size=6000)
    thread = threading.Thread(target=learner.learn_many, args=(xs, ys))
    thread.start()
    turns = 0
    while thread.is_alive():
        turns += 1
    thread.join()
    # Without letting go of the interpreter there would be none but the first few.
    assert turns > 1000 and learner.steps_seen == 6000


def test_a_long_stream_can_be_ended(random) -> None:
    learner = small()
    xs, ys = random.standard_normal((400_000, 2, 3)), random.integers(2, size=(400_000, 2))
    timer = threading.Timer(0.05, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        learner.learn_many(xs, ys)
        # Where the machine was faster than the timer.
        timer.join()
        time.sleep(1.0)
    assert 0 < learner.steps_seen < 400_000
    learner.predict(xs[0])


def test_two_threads_on_one_learner_take_turns(random) -> None:
    learner = small()
    xs, ys = stream(random, 300)
    threads = [threading.Thread(target=learner.learn_many, args=(xs, ys)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert learner.steps_seen == 900
