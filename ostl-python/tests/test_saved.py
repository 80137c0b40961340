"""Checkpoints, dictionaries, pickles, copies and safetensors: bit for bit, also in mid-window."""

from __future__ import annotations

import copy
import json
import pickle
import struct

import numpy as np
import pytest
from conftest import same, small

import ostl
from ostl import safetensors

METHODS = [
    "ostl",
    "bptt",
    "uoro",
    {"window": 4, "carry": "local", "update": "window"},
    {"window": 3, "carry": "local", "trace": "bf16"},
]


def in_mid_window(**options) -> ostl.Learner:
    """A learner seven steps into two streams, the last of which is only predicted."""
    learner = small(**options)
    random = np.random.default_rng(1)
    for step in range(7):
        learner.predict(random.standard_normal((2, 3)))
        if step < 6:
            learner.learn([step % 2, None])
    return learner


def goes_on(learner: ostl.Learner) -> list:
    random = np.random.default_rng(2)
    learner.learn([1, 1])
    said = []
    for _ in range(9):
        said.append(learner.predict(random.standard_normal((2, 3))).tobytes())
        learner.learn([0, 1])
    learner.finish()
    return [said, learner.state_dict()]


def by_file(learner, folder):
    learner.save(folder / "a.ckpt")
    return ostl.Learner.load(folder / "a.ckpt")


def by_safetensors(learner, folder):
    learner.save_safetensors(folder / "a.safetensors")
    return ostl.Learner.load_safetensors(folder / "a.safetensors")


def by_dictionary(learner, folder):
    other = small(method=learner.method, dtype=learner.dtype)
    other.load_state_dict(learner.state_dict())
    return other


WAYS = {
    "pickle": lambda learner, _: pickle.loads(pickle.dumps(learner)),
    "deepcopy": lambda learner, _: copy.deepcopy(learner),
    "file": by_file,
    "safetensors": by_safetensors,
    "dictionary": by_dictionary,
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS, ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_a_copy_goes_on_bit_for_bit(tmp_path, way, method, dtype) -> None:
    learner = in_mid_window(method=method, dtype=dtype)
    copied = WAYS[way](learner, tmp_path)
    assert copied is not learner and same(copied.state_dict(), learner.state_dict())
    assert copied.method == learner.method and copied.dtype == dtype
    traced = {name for name in learner.state_dict() if name.startswith("traces.")}
    assert bool(traced) == (method != "bptt") or traced == {"traces.fresh"}
    said, state = goes_on(copied)
    assert [said, True] == [(expected := goes_on(learner))[0], same(state, expected[1])]


def test_heads_and_own_attributes_come_along() -> None:
    heads = [ostl.Head("a", 2, ostl.SoftmaxCrossEntropy([1.0, 2.0])), ostl.Head("b", 1, ostl.Huber(0.5), weight=3.0)]
    learner = ostl.Learner(ostl.Network([ostl.GRU(3)], inputs=2, heads=heads))
    learner.note = ["mine"]
    copied = copy.deepcopy(learner)
    assert copied.network.heads == heads and copied.note == ["mine"] and copied.note is not learner.note


def test_the_learners_network_has_its_weights() -> None:
    learner = in_mid_window()
    assert same(learner.network.parameters(), learner.parameters())
    other = small()
    assert not same(other.parameters(), learner.parameters())
    other.load_parameters(learner.parameters())
    assert same(other.parameters(), learner.parameters())


def test_an_engine_says_that_it_is_not_saved() -> None:
    engine = ostl.Engine(ostl.Network([ostl.GRU(3)], inputs=2, outputs=1))
    for call in (copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match=r"ostl\.Learner can"):
            call(engine)


def test_a_state_of_something_else_is_refused() -> None:
    learner = in_mid_window()
    before = learner.state_dict()
    for change, words in [
        ({"layers.0.W": np.full((20, 3), np.nan)}, r"layers.0.W\[0\]\[0\] = NaN"),
        ({"layers.0.W": np.zeros((2, 2))}, "layers.0.W"),
        ({"streams": "3"}, "streams"),
        ({"scalar": "f32"}, "scalar"),
        ({"layers.9.W": np.zeros(2)}, "layers.9.W"),
    ]:
        with pytest.raises(ValueError, match=words):
            learner.load_state_dict({**before, **change})
    missing = dict(before)
    del missing["steps_seen"]
    with pytest.raises(ValueError, match="steps_seen"):
        learner.load_state_dict(missing)
    assert same(learner.state_dict(), before)


def test_files_that_are_none(tmp_path) -> None:
    with pytest.raises(OSError, match=r"missing\.ckpt"):
        ostl.Learner.load(tmp_path / "missing.ckpt")
    path = tmp_path / "a.ckpt"
    in_mid_window().save(path)
    whole = path.read_bytes()
    for damaged in (whole[:-7], whole[: len(whole) // 2], b"text", whole[:100] + bytes([whole[100] ^ 1]) + whole[101:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.ckpt"):
            ostl.Learner.load(path)
    with pytest.raises(OSError):
        in_mid_window().save(tmp_path / "no" / "folder" / "a.ckpt")


def test_safetensors_by_hand(tmp_path) -> None:
    path = tmp_path / "a.safetensors"
    state = {
        "w": np.arange(6, dtype=np.float32).reshape(2, 3),
        "n": np.array(7, np.uint64),
        "bits": np.array([0x3F80], np.uint16),
        "text": "é",
    }
    safetensors.save_file(state, path)
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0 and header["__metadata__"] == {"text": "é"}
    assert header["w"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]} and header["bits"]["dtype"] == "BF16"
    assert np.frombuffer(data[8 + length :][:24], "<f4").tolist() == [0, 1, 2, 3, 4, 5]
    assert same(safetensors.load_file(path), state)
    for damaged in (b"", data[:5], data[:40], data[:-1], b"\xff" * 64, data[:8] + b"[" + data[9:]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"a\.safetensors"):
            safetensors.load_file(path)
    with pytest.raises(ValueError, match=r"state\['w'\]: expected one of"):
        safetensors.save_file({"w": np.zeros(2, complex)}, path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.safetensors"]


def test_the_package_safetensors_reads_what_is_written(tmp_path) -> None:
    package = pytest.importorskip("safetensors.numpy", reason="the package safetensors is not installed")
    path = tmp_path / "a.safetensors"
    learner = in_mid_window(dtype="float32")
    learner.save_safetensors(path)
    arrays = {name: array for name, array in learner.state_dict().items() if not isinstance(array, str)}
    assert same(dict(package.load_file(path)), arrays)
