"""Methods, losses and optimisers by name and part by part."""

from __future__ import annotations

import json

import pytest

import ostl
from ostl import Method


def test_every_named_method_has_a_constructor() -> None:
    arguments = {"tbptt": (20,), "rolling_tbptt": (20,), "snap": (1,)}
    for name in Method.names():
        assert getattr(Method, name)(*arguments.get(name, ())) == Method.of(name)
    assert len(set(Method.names())) == 17


def test_parts() -> None:
    assert Method.of({"window": 7, "carry": "layer"}) == Method(7, "layer")
    assert Method.of({"name": "e-prop", "feedback": "random"}) == Method.e_prop().with_(feedback="random")
    assert Method.snap(3).carry == "snap-3" and Method.snap(3).edge == "heard" and Method.snap(1).edge == "cut"
    assert Method.bptt().window == "sequence" and Method.rolling_tbptt(4).window == "rolling-4"
    deep = Method.of({"name": "rolling_tbptt", "window": "rolling-20-by-5", "carry": "local+uoro-4"})
    assert (deep.window, deep.carry, deep.update) == ("rolling-20-by-5", "local+uoro-4", "window")
    assert Method.of({"window": "rolling-6", "carry": "layer"}).with_(carry="local").window == "rolling-6"
    assert Method.tbptt(5).update == "window" and Method(5, "none").update == "sequence"
    assert Method.ostl().with_(seed=3) != Method.ostl()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("e_porp", 'unknown name "e_porp"'),
        ({"carry": "layer"}, "expected a `window`"),
        ({"window": 0, "carry": "layer"}, "unknown window `0`"),
        ({"window": 3, "carry": "layers"}, "unknown carry `layers`"),
        ({"window": "rolling-3-by-4", "carry": "local"}, "1 to 3 steps"),
        ({"window": 3, "cary": "layer"}, "unknown field `cary`"),
        ({"window": 3, "carry": "network", "feedback": "random"}, "feedback = random"),
        ({"name": "snap", "order": 0}, "order 0"),
        (7, "found int"),
    ],
)
def test_refusals(given, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Method.of(given)


def test_settings_of_optimisers_arrive() -> None:
    network = ostl.Network([ostl.RNN(3)], inputs=2, outputs=1)
    for optimizer, moments in [
        (ostl.SGD(0.1), set()),
        (ostl.Momentum(0.1, momentum=0.5), {"velocity"}),
        (ostl.Adam(0.1, beta1=0.5, clip_norm=1.0), {"first", "second"}),
        (ostl.AdamW(0.1, weight_decay=0.2), {"first", "second"}),
        (ostl.RMSprop(0.1, centred=True, momentum=0.3), {"square", "mean", "velocity"}),
    ]:
        learner = ostl.Learner(network, "mean-squared-error", optimizer=optimizer)
        state = learner.state_dict()
        kept = {name.split(".")[1] for name in state if name.startswith("optimizer.") and ".layers." in name}
        assert kept == moments
        saved = json.loads(state["optimizer.settings"])
        rule = saved.pop("rule")
        assert vars(optimizer) == {**saved, **(next(iter(rule.values())) if isinstance(rule, dict) else {})}
        assert learner.learning_rate == 0.1 and learner.clip_norm == optimizer.clip_norm
    for wrong, words in [
        (ostl.SGD(-1.0), "learning_rate = -1"),
        (ostl.Adam(0.1, beta1=1.0), "beta1 = 1"),
        ("adam", "optimizer"),
    ]:
        with pytest.raises(ValueError, match=words):
            ostl.Learner(network, "mean-squared-error", optimizer=wrong)


def test_losses() -> None:
    network = ostl.Network([ostl.RNN(3)], inputs=2, outputs=2)
    for loss in (
        ostl.SoftmaxCrossEntropy([1.0, 3.0], 0.1),
        ostl.BinaryCrossEntropy(),
        ostl.MeanSquaredError(),
        ostl.Huber(0.5),
        ostl.Poisson(),
    ):
        assert ostl.Learner(network, loss).loss == loss
    assert ostl.Learner(network, "Mean_Squared_Error").loss == ostl.MeanSquaredError()
    for wrong, words in [
        ("mse", "expected one of 'softmax-cross-entropy'"),
        (None, "missing"),
        (ostl.Huber(0.0), "delta = 0"),
        (ostl.SoftmaxCrossEntropy([1.0]), "class_weights"),
    ]:
        with pytest.raises(ValueError, match=words):
            ostl.Learner(network, wrong)
