"""What tests share."""

from __future__ import annotations

import numpy as np
import pytest

import ostl


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(7)


def same(one: dict, other: dict) -> bool:
    """Whether two dictionaries of arrays and texts are equal to the bit."""
    if one.keys() != other.keys():
        return False
    return all(
        one[name] == other[name]
        if isinstance(one[name], str)
        else one[name].dtype == other[name].dtype and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def small(**options) -> ostl.Learner:
    """A learner of two streams, three inputs and two classes."""
    network = ostl.Network([ostl.LSTM(5)], inputs=3, outputs=2, seed=3)
    settings = {"method": "ostl", "optimizer": ostl.Adam(0.01), "streams": 2, "dtype": "float64"}
    return ostl.Learner(network, "softmax-cross-entropy", **{**settings, **options})
