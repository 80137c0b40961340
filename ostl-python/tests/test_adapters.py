"""scikit-learn, River, NIR, run directories and pictures; each is skipped with the reason where its package is missing."""

from __future__ import annotations

import copy
import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from conftest import small

import ostl


def sequences(random, count=60, steps=6):
    """Is the sum of the first feature positive?"""
    inputs = random.standard_normal((count, steps, 2))
    return inputs, np.where(inputs[..., 0].sum(axis=1) > 0, "up", "down")


class TestSklearn:
    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: ostl.sklearn is not tested")

    def test_a_classifier(self, random) -> None:
        from sklearn.base import clone

        from ostl.sklearn import SequenceClassifier

        inputs, labels = sequences(random, 120)
        model = SequenceClassifier([ostl.GRU(12)], epochs=30, optimizer=ostl.Adam(0.02))
        assert model.fit(inputs[:90], labels[:90]).score(inputs[90:], labels[90:]) > 0.8
        shares = model.predict_proba(inputs)
        assert np.allclose(shares.sum(axis=1), 1.0) and list(model.classes_) == ["down", "up"]
        assert np.array_equal(model.classes_[shares.argmax(axis=1)], model.predict(inputs))
        again = clone(model).fit(inputs[:90], labels[:90])
        assert np.array_equal(again.decision_function(inputs), model.decision_function(inputs))
        assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(inputs), model.predict(inputs))

    def test_sequences_of_different_lengths(self, random) -> None:
        from ostl.sklearn import SequenceRegressor

        cut = [random.standard_normal((length, 2)) for length in random.integers(1, 8, size=40)]
        model = SequenceRegressor([ostl.GRU(8)], epochs=60, optimizer=ostl.Adam(0.02))
        y = np.array([sequence[:, 0].mean() for sequence in cut])
        assert model.fit(cut, y).score(cut, y) > 0.7 and model.predict(cut).shape == (40,)
        assert model.fit(cut, np.stack([y, -y], axis=1)).predict(cut).shape == (40, 2)
        with pytest.raises(ValueError, match="X: expected 2 features a step, found 3"):
            model.predict(np.ones((2, 4, 3)))
        with pytest.raises(ValueError, match="X: expected shape"):
            model.fit(np.ones((2, 4)), [1.0, 2.0])
        with pytest.raises(ValueError, match="y: expected 2 entries"):
            model.fit(np.ones((2, 4, 1)), [1.0])

    def test_grid_search_in_a_pipeline(self, random) -> None:
        from sklearn.model_selection import GridSearchCV
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import FunctionTransformer

        from ostl.sklearn import SequenceClassifier

        inputs, labels = sequences(random)
        pipeline = make_pipeline(FunctionTransformer(np.tanh), SequenceClassifier(epochs=3))
        grid = {"sequenceclassifier__layers": [[ostl.GRU(6)], [ostl.MinGRU(6)]], "sequenceclassifier__epochs": [1, 8]}
        search = GridSearchCV(pipeline, grid, cv=2).fit(inputs, labels)
        assert len(search.cv_results_["params"]) == 4 and np.isfinite(search.cv_results_["mean_test_score"]).all()
        assert search.best_estimator_.predict(inputs).shape == (60,)


def test_slots() -> None:
    from ostl.slots import Slots

    slots = Slots(4)
    first = slots.vector({"b": 2.0, "a": 4.0, "kind": "red"}, learn=True)
    assert slots.places == {"a": 0, "b": 1, "kind=red": 2} and first.tolist() == [0.0, 0.0, 1.0, 0.0]
    second = slots.vector({"a": 8.0, "ok": True}, learn=True)
    assert second.tolist() == [1.0, 0.0, 0.0, 1.0]
    # All places are taken: new names share them, whatever is known stays.
    third = slots.vector({"z": "new", "a": 6.0}, learn=False)
    assert third.sum() == 1.0 and len(slots.places) == 4
    for missing in (None, np.nan, np.inf):
        assert not slots.vector({"a": missing}, learn=True).any()
    with pytest.raises(ValueError, match="max_features"):
        Slots(0)


class TestRiver:
    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("river", reason="river is not installed: ostl.river is not tested")

    @pytest.mark.parametrize("name", ["Classifier", "Regressor", "Forecaster"])
    def test_rivers_own_checks(self, name) -> None:
        checks = pytest.importorskip("river.checks")
        pytest.importorskip("sklearn", reason="scikit-learn is not installed: River's checks need it")
        pytest.importorskip("pandas", reason="pandas is not installed: River's checks need it")
        from ostl import river

        model = getattr(river, name)()
        done = 0
        for check in checks.yield_checks(model):
            if check.__name__ in model._unit_test_skips():
                continue
            check(model.clone())
            done += 1
        assert done > 5

    def test_a_stream_of_classes_with_memory(self) -> None:
        from ostl.river import Classifier

        random = np.random.default_rng(3)
        model = Classifier([ostl.GRU(16)], optimizer=ostl.Adam(0.02))
        hits, before = [], 0
        for _ in range(1200):
            bit = int(random.integers(2))
            x = {"bit": bit, "noise": random.standard_normal()}
            y = "same" if bit == before else "other"
            hits.append(model.predict_one(x) == y)
            model.learn_one(x, y)
            before = bit
        # Without memory one half is right.
        assert np.mean(hits[-300:]) > 0.9
        assert set(model.predict_proba_one({"bit": 1})) == {"same", "other"}

    def test_asking_twice_is_asking_once(self) -> None:
        from ostl.river import Classifier

        asked, learned = Classifier(), Classifier()
        for step in range(20):
            x = {"a": np.sin(step), f"b{step % 3}": float(step)}
            learned.predict_proba_one(x)
            assert asked.predict_proba_one(x) == asked.predict_proba_one(dict(x))
            for model in (asked, learned):
                model.learn_one(x, step % 2)
        assert asked.predict_proba_one({"a": 0.5}) == learned.predict_proba_one({"a": 0.5})
        with pytest.raises(ValueError, match="max_classes"):
            for label in range(20):
                asked.learn_one({"a": 0.5}, label)

    def test_a_regressor_and_a_forecaster(self) -> None:
        from ostl.river import Forecaster, Regressor

        model = Regressor(optimizer=ostl.Adam(0.02))
        errors, before = [], 0.0
        for step in range(1500):
            now = float(np.sin(step * 1.7))
            # In another unit, and of the row before.
            errors.append(abs(model.predict_one({"x": now}) - (500.0 + 100.0 * before)))
            model.learn_one({"x": now}, 500.0 + 100.0 * before)
            before = now
        assert np.mean(errors[-200:]) < 20.0 < np.mean(errors[:50])
        series = Forecaster(optimizer=ostl.Adam(0.01))
        values = [10.0 + np.sin(step * 0.4) for step in range(1500)]
        for value in values:
            series.learn_one(value)
        said = series.forecast(5)
        truth = [10.0 + np.sin(step * 0.4) for step in range(1500, 1505)]
        assert np.abs(np.subtract(said, truth)).max() < 0.5 and series.forecast(5) == said
        with pytest.raises(ValueError, match="xs: expected 3 rows"):
            series.forecast(3, [{}])


class TestNir:
    @pytest.fixture(autouse=True)
    def needs(self):
        pytest.importorskip("nir", reason="nir is not installed: ostl.nir is not tested")

    def euler(self, graph_nodes, recurrent, inputs, dt):
        """The graph by its differential equations, one Euler step after another, in plain loops."""
        import nir

        outputs = []
        state: dict = {}
        for x in inputs:
            value = x
            for at, node in enumerate(graph_nodes):
                if isinstance(node, nir.Affine):
                    value = node.weight @ value + node.bias
                elif isinstance(node, nir.Linear):
                    value = node.weight @ value
                elif isinstance(node, nir.LI):
                    v = state.get(at, np.zeros_like(node.tau))
                    state[at] = value = v + dt / node.tau * (node.v_leak - v + node.r * value)
                else:
                    v, i, z = state.get(at, (np.zeros_like(node.r),) * 3)
                    value = value + (recurrent[at] @ z if at in recurrent else 0.0)
                    if isinstance(node, nir.CubaLIF):
                        i = i + dt / node.tau_syn * (-i + node.w_in * value)
                        tau, drive = node.tau_mem, i
                    else:
                        tau, drive = node.tau, value
                    v = v + dt / tau * (node.v_leak - v + node.r * drive)
                    value = (v > node.v_threshold).astype(float)
                    state[at] = (np.where(value > 0, 0.0, v), i, value)
            outputs.append(value)
        return np.array(outputs)

    @pytest.mark.parametrize("same", [True, False], ids=["one time constant", "a time constant for each neuron"])
    def test_a_graph_step_by_step(self, random, same, tmp_path) -> None:
        import nir

        dt = 1e-3

        def tau(n):
            return np.full(n, 8e-3) if same else random.uniform(4e-3, 2e-2, n)

        def neuron(n):
            return {"v_leak": np.zeros(n), "v_threshold": random.uniform(0.3, 0.6, n)}

        nodes = [
            nir.Affine(random.standard_normal((6, 3)), random.standard_normal(6) * 0.3),
            nir.LIF(tau=tau(6), r=random.uniform(1, 2, 6), **neuron(6)),
            nir.Linear(random.standard_normal((5, 6)) * 3),
            nir.CubaLIF(
                tau_syn=tau(5), tau_mem=tau(5), r=random.uniform(1, 2, 5), w_in=random.uniform(1, 2, 5), **neuron(5)
            ),
            nir.Affine(random.standard_normal((2, 5)), random.standard_normal(2)),
            nir.LI(tau=tau(2), r=random.uniform(1, 2, 2), v_leak=random.standard_normal(2)),
        ]
        loop = random.standard_normal((5, 5)) * 2
        graph = nir.NIRGraph.from_list(*nodes)
        graph.nodes["loop"] = nir.Linear(loop)
        graph.edges += [("cubalif", "loop"), ("loop", "cubalif")]
        # As the package itself writes and reads it.
        nir.write(tmp_path / "graph.nir", graph)
        network = ostl.nir.from_graph(nir.read(tmp_path / "graph.nir"), dt=dt)
        inputs = random.standard_normal((60, 3)) * 3
        expected = self.euler(nodes, {3: loop}, inputs, dt)
        learner = ostl.Learner(network, "mean-squared-error", method="bptt", dtype="float64")
        found = learner.predict_batch(inputs[None])[0]
        assert np.abs(found - expected).max() < 1e-9 * np.abs(expected).max()
        assert np.abs(np.diff(expected, axis=0)).max() > 0.0
        back = ostl.nir.from_graph(ostl.nir.to_graph(learner, dt=dt), dt=dt)
        again = ostl.Learner(back, "mean-squared-error", method="bptt", dtype="float64").predict_batch(inputs[None])[0]
        assert np.abs(again - expected).max() < 1e-7 * np.abs(expected).max()

    def test_what_does_not_map_is_refused(self) -> None:
        import nir

        one = np.ones(2)
        dense = nir.Affine(np.ones((2, 2)), one)

        def refused(words, *nodes):
            with pytest.raises(ValueError, match=words):
                ostl.nir.from_graph(nir.NIRGraph.from_list(*nodes))

        lif = {"tau": one, "r": one, "v_leak": 0 * one, "v_threshold": one}
        refused("v_reset 0", dense, nir.LIF(**{**lif, "v_reset": -one}), dense)
        refused("v_leak 0", dense, nir.LIF(**{**lif, "v_leak": one}), dense)
        refused("time constants of at least dt", dense, nir.LIF(**{**lif, "tau": 1e-9 * one}), dense)
        refused("readout", dense, nir.LIF(**lif))
        refused("expected a Linear or Affine node before", nir.LIF(**lif), dense)
        refused("expected Linear, Affine, LIF, CubaLIF or LI, found IF", dense, nir.IF(r=one, v_threshold=one), dense)
        for layer, words in [
            (ostl.LSTM(3), "found lstm"),
            (ostl.LIF(3), "expected reset 'zero'"),
            (ostl.Dense(3, "relu"), "activation identity"),
        ]:
            with pytest.raises(ValueError, match=words):
                ostl.nir.to_graph(ostl.Network([layer], inputs=2, outputs=1))


def run_directory(folder: Path) -> ostl.Learner:
    """What the program writes, as far as it is read here."""
    learner = small(dtype="float32")
    learner.save(folder / "last.ckpt")
    learner.save(folder / "best.ckpt")
    (folder / "config.toml").write_text('seed = 3\n[task]\nname = "store-recall"\n')
    (folder / "metrics.csv").write_text("epoch,train_loss,valid_loss,valid_accuracy,note\n1,0.5,0.7,0.25,\n2,0.25,,0.5,a\n")
    (folder / "summary.json").write_text(json.dumps({"epochs": 2}))
    return learner


def test_a_run_directory(tmp_path) -> None:
    learner = run_directory(tmp_path)
    run = ostl.read_run(tmp_path)
    assert run.config["task"]["name"] == "store-recall" and run.summary == {"epochs": 2} and run.name == tmp_path.name
    assert run.metrics["train_loss"].tolist() == [0.5, 0.25] and np.isnan(run.metrics["valid_loss"][1])
    assert run.metrics["note"].tolist() == ["", "a"]
    x = np.ones((2, 3), np.float32)
    for which in ("best", "last"):
        assert np.array_equal(run.learner(which).predict(x), copy.deepcopy(learner).predict(x))
    with pytest.raises(ValueError, match="path: expected a run directory"):
        ostl.read_run(tmp_path / "nothing")
    with pytest.raises(ValueError, match="which"):
        run.learner("first")


def test_a_run_of_the_program() -> None:
    """Of ``ostl train``, the example that needs no data."""
    path = os.environ.get("OSTL_RUN")
    if path is None:
        pytest.skip("OSTL_RUN names no run directory of the program")
    run = ostl.read_run(path)
    assert run.config["task"]["name"] == "store-recall" and run.summary is not None
    assert len(run.metrics["epoch"]) == run.summary["epochs"] and run.metrics["valid_accuracy"].max() > 0.9
    for which in ("best", "last"):
        learner = run.learner(which)
        assert learner.predict(np.zeros((learner.streams, 4))).shape == (learner.streams, 2)
    assert learner.check().holds


@pytest.mark.parametrize("name", ["weights.safetensors", "weights.npz"])
def test_exported_weights(name) -> None:
    """Of ``ostl export``, beside the run's own checkpoint."""
    path = os.environ.get("OSTL_RUN")
    if path is None or not (Path(path) / name).is_file():
        pytest.skip(f"OSTL_RUN names no run directory with {name}, which ostl export makes")
    file = Path(path) / name
    arrays = ostl.safetensors.load_file(file) if file.suffix == ".safetensors" else dict(np.load(file))
    learner = ostl.read_run(path).learner("best")
    own = learner.network.parameters()
    assert set(own) <= set(arrays)
    for block, array in own.items():
        assert np.array_equal(arrays[block], array), block
    fresh = ostl.Network([ostl.LSTM(16)], 4, 2, seed=99)
    fresh.load_parameters({block: array for block, array in arrays.items() if not isinstance(array, str)})
    assert all(np.array_equal(array, own[block]) for block, array in fresh.parameters().items())


def test_pictures(tmp_path) -> None:
    matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed: ostl.plot is not tested")
    matplotlib.use("Agg")
    run_directory(tmp_path)
    axes = ostl.plot.curves([tmp_path], "valid_accuracy")
    assert axes.lines[0].get_ydata().tolist() == [0.25, 0.5] and axes.lines[0].get_xdata().tolist() == [1, 2]
    assert ostl.plot.curves(ostl.read_run(tmp_path)).get_ylabel() == "valid loss"
    with pytest.raises(ValueError, match="column: expected one of epoch"):
        ostl.plot.curves(tmp_path, "valid_error")
    spikes = ostl.plot.spikes([[0, 1], [1, 0], [0, 0]])
    assert spikes.lines[0].get_xdata().tolist() == [0, 1] and spikes.lines[0].get_ydata().tolist() == [1, 0]
    assert len(ostl.plot.traces(np.ones((5, 3))).lines) == 3
