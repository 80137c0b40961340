"""ostl: train recurrent and spiking networks online, with a gradient you can trust.

>>> import ostl
>>> network = ostl.Network([ostl.LSTM(32)], inputs=1, outputs=2, seed=1)
>>> learner = ostl.Learner(network, "softmax-cross-entropy", method=ostl.Method.ostl(), optimizer=ostl.Adam(0.01))
>>> logits = learner.predict([0.5])
>>> score = learner.learn(1)
"""

from importlib import import_module
from typing import Any

from ._ostl import NonFiniteError, Score, set_threads
from .audit import Audit
from .engine import Engine
from .layers import (
    ALIF,
    CELLS,
    ELSTM,
    GRU,
    LI,
    LIF,
    LRU,
    LSTM,
    RNN,
    RTU,
    SNU,
    SSNU,
    Cell,
    Dense,
    Embedding,
    IndRNN,
    Layer,
    MinGRU,
    MinLSTM,
    SynapticLIF,
)
from .learner import Learner
from .losses import BinaryCrossEntropy, Head, Huber, Loss, MeanSquaredError, Poisson, SoftmaxCrossEntropy
from .methods import Method
from .network import Network
from .optimizers import SGD, Adam, AdamW, Momentum, Optimizer, RMSprop
from .runs import read_run

__all__ = [
    "ALIF",
    "CELLS",
    "ELSTM",
    "GRU",
    "LI",
    "LIF",
    "LRU",
    "LSTM",
    "RNN",
    "RTU",
    "SGD",
    "SNU",
    "SSNU",
    "Adam",
    "AdamW",
    "Audit",
    "BinaryCrossEntropy",
    "Cell",
    "Dense",
    "Embedding",
    "Engine",
    "Head",
    "Huber",
    "IndRNN",
    "Layer",
    "Learner",
    "Loss",
    "MeanSquaredError",
    "Method",
    "MinGRU",
    "MinLSTM",
    "Momentum",
    "Network",
    "NonFiniteError",
    "Optimizer",
    "Poisson",
    "RMSprop",
    "Score",
    "SoftmaxCrossEntropy",
    "SynapticLIF",
    "read_run",
    "set_threads",
]

_ADAPTERS = ("nir", "plot", "river", "sklearn", "torch")


def __getattr__(name: str) -> Any:
    """Adapters are imported when they are first asked for: each needs another package."""
    if name in _ADAPTERS:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
