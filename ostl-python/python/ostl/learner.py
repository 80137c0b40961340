"""A network that learns online."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _ostl, fitting, losses, safetensors
from ._ostl import Score
from .audit import Audit
from .batches import arranged
from .losses import Loss
from .methods import Method
from .network import Network
from .optimizers import Adam, Optimizer
from .settings import dtype_name, written

Array = npt.NDArray[Any]


class Learner(_ostl.Learner):
    """Learns online: :meth:`predict` an output for one step's inputs, then :meth:`learn` from the target; memory does not grow.

    ``network``
        A :class:`ostl.Network`. The learner has a copy of its weights.
    ``loss``
        A name (``"softmax-cross-entropy"``, ``"binary-cross-entropy"``, ``"mean-squared-error"``, ``"huber"``, ``"poisson"``) or one of the
        classes in :mod:`ostl.losses`. Left out where the network has heads.
    ``method``
        An :class:`ostl.Method`, a name such as ``"e_prop"``, or a dict of its parts.
    ``optimizer``
        ``ostl.Adam(1e-3)`` or another of :mod:`ostl.optimizers`.
    ``streams``
        Streams side by side. With one stream, a step may be a vector; with more it has a row for each.
    ``dtype``
        ``"float32"`` or ``"float64"``.

    Arrays of whatever layout and kind of real number are taken; one of the learner's dtype in C order is read where it lies. The
    interpreter is free for other threads while the learner works. What does not fit raises ``ValueError``, before anything has changed;
    a number that breaks on the way raises :class:`ostl.NonFiniteError`, and the streams start anew.

    >>> import ostl
    >>> network = ostl.Network([ostl.LSTM(16)], inputs=2, outputs=3)
    >>> learner = ostl.Learner(network, "softmax-cross-entropy", method="ostl", optimizer=ostl.Adam(0.01))
    >>> learner.predict([0.0, 1.0]).shape
    (3,)
    >>> learner.learn(2).targets
    1
    """

    def __new__(
        cls,
        network: Network,
        loss: Loss | str | None = None,
        *,
        method: Method | str | Mapping[str, Any] = "ostl",
        optimizer: Optimizer | None = None,
        streams: int = 1,
        dtype: Any = "float32",
    ) -> Learner:
        """See the class."""
        if not isinstance(network, Network):
            raise ValueError(f"network: expected an ostl.Network, found {type(network).__name__}")
        optimizer = Adam(1e-3) if optimizer is None else optimizer
        if not isinstance(optimizer, Optimizer):
            raise ValueError(f"optimizer: expected one such as ostl.Adam(1e-3), found {optimizer!r}")
        settings = {
            "loss": None if loss is None else losses.of(loss)._spec(),
            "method": json.loads(Method.of(method)._json()),
            "optimizer": optimizer._spec(),
            "streams": streams,
            "dtype": dtype_name(dtype),
        }
        learner: Learner = _ostl.Learner.__new__(cls, network, written(settings))
        return learner

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Learner:
        """The learner that :meth:`save` wrote, or the program ``ostl`` (a ``.ckpt`` of a run), to go on bit for bit.

        ``OSError`` if the file cannot be read, ``ValueError`` if it is damaged or holds something else.
        """
        learner: Learner = _ostl.Learner.__new__(cls, path=path)
        return learner

    @classmethod
    def _of_bytes(cls, checkpoint: bytes) -> Learner:
        learner: Learner = _ostl.Learner.__new__(cls, checkpoint=checkpoint)
        return learner

    def save_safetensors(self, path: str | PathLike[str]) -> None:
        """Writes :meth:`state_dict` as a safetensors file: arrays as tensors, texts as metadata."""
        safetensors.save_file(self.state_dict(), path)

    @classmethod
    def load_safetensors(cls, path: str | PathLike[str]) -> Learner:
        """The learner that :meth:`save_safetensors` wrote, to go on bit for bit."""
        return cls._of_bytes(_ostl.encode_checkpoint(safetensors.load_file(path)))

    def __reduce__(self) -> Any:
        return _remade, (type(self), self._checkpoint()), self.__dict__ or None

    @property
    def network(self) -> Network:
        """A copy of the network with its present weights."""
        described, parameters = self._described()
        network = Network._of(json.loads(described))
        network.load_parameters(parameters)
        return network

    @property
    def method(self) -> Method:
        """The learning method."""
        return Method(**json.loads(self._settings()[0]))

    @property
    def loss(self) -> Loss | None:
        """The loss; ``None`` where there are heads with losses of their own."""
        loss = self._settings()[2]
        return None if loss is None else losses.of_spec(json.loads(loss))

    def learn_batch(
        self,
        inputs: Any,
        targets: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        weights: Any = None,
        resets: Any = None,
    ) -> Score:
        """Learns from whole sequences, each from a fresh state. Streams in progress start anew.

        ``inputs``
            Streams × steps × inputs, or a list of sequences, steps × inputs, of different lengths.
        ``targets``
            Classes: streams × steps, -1 where there is none, or one for each sequence, at its last step. Values: streams × steps × outputs,
            or streams × outputs, at the last step. A dict by head where there are heads.
        ``lengths``
            Steps of each sequence; all if left out.
        ``mask``
            Streams × steps, ``True`` where there is a target.
        ``weights``
            Streams × steps, how much each target counts.
        ``resets``
            Streams × steps, ``True`` before which steps a stream starts anew.
        """
        score: Score = self._batch("learn", *arranged(inputs, targets, lengths, mask, weights, resets))
        return score

    def learn_next(
        self,
        inputs: Any,
        targets: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        weights: Any = None,
        resets: Any = None,
    ) -> Score:
        """Learns from the next stretch of every stream, which goes on where the last one ended. Arguments as :meth:`learn_batch`."""
        score: Score = self._batch("learn_next", *arranged(inputs, targets, lengths, mask, weights, resets))
        return score

    def evaluate_batch(
        self,
        inputs: Any,
        targets: Any,
        *,
        lengths: Any = None,
        mask: Any = None,
        weights: Any = None,
        resets: Any = None,
    ) -> Score:
        """The score of whole sequences without learning and without touching the streams. Arguments as :meth:`learn_batch`."""
        score: Score = self._batch("evaluate", *arranged(inputs, targets, lengths, mask, weights, resets))
        return score

    def predict_batch(self, inputs: Any, *, lengths: Any = None, resets: Any = None) -> Array:
        """The outputs of whole sequences, streams × steps × outputs, without learning; zero after a sequence's end."""
        inputs, _, lengths, _, _, resets = arranged(inputs, None, lengths, None, None, resets)
        outputs: Array = self._batch("outputs", inputs, None, lengths, None, None, resets)
        return outputs

    def gradient(
        self,
        inputs: Any = None,
        targets: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        weights: Any = None,
        resets: Any = None,
    ) -> dict[str, Array]:
        """A gradient by the names of the parameters, divided by nothing.

        Without arguments what the next update is made of so far: everything that windows closed over since the last one. With a batch the
        gradient of its summed loss at the present weights; streams in progress then start anew. Arguments as :meth:`learn_batch`.
        """
        if inputs is None:
            return self._gathered()
        found: tuple[Score, dict[str, Array]] = self._batch(
            "gradient", *arranged(inputs, targets, lengths, mask, weights, resets)
        )
        return found[1]

    def trace(self, layer: int) -> dict[str, Array]:
        """The eligibility traces of a layer's blocks as they stood when the last window closed, the stream first.

        Those of carries that keep one trace for the whole network are among :meth:`traces`.
        """
        start = f"traces.layers.{layer}."
        return {name.removeprefix(start): array for name, array in self.traces().items() if name.startswith(start)}

    def traces(self) -> dict[str, Array]:
        """The eligibility traces of all layers by name, the stream first; those kept in sixteen bits as float32."""
        return {name: widened(array) for name, array in super().traces().items()}

    def check(
        self,
        inputs: Any = None,
        targets: Any = None,
        *,
        lengths: Any = None,
        mask: Any = None,
        weights: Any = None,
        resets: Any = None,
        seed: int = 0,
    ) -> Audit:
        """The gradient audit: the method's gradient at the present weights beside that of BPTT, in double precision, block by block.

        Without a batch it is made on three random sequences of up to 12 steps, drawn from ``seed``. Arguments as :meth:`learn_batch`.
        """
        if inputs is None:
            inputs, targets, lengths = self._random_batch(seed)
        return Audit._of(self._audit(*arranged(inputs, targets, lengths, mask, weights, resets)))

    def _random_batch(self, seed: int) -> tuple[Array, Any, Array]:
        random = np.random.default_rng(seed)
        network = self.network
        streams, steps = 3, 12
        inputs = random.standard_normal((streams, steps, network.inputs))
        loss = self.loss
        targets = (
            random.integers(network.outputs, size=(streams, steps))
            if loss is None or loss.wants_classes
            else random.random((streams, steps, network.outputs))
        )
        return inputs, targets, np.asarray([12, 9, 5])

    def fit(
        self,
        dataset: Iterable[Any] | Callable[[], Iterable[Any]],
        epochs: int = 1,
        *,
        validation: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
        callbacks: Iterable[Callable[[fitting.Epoch, Learner], Any]] = (),
        progress: Callable[[Iterable[Any]], Iterable[Any]] | None = None,
    ) -> list[fitting.Epoch]:
        """Learns from a data set, batch by batch, for some epochs; see :func:`ostl.fitting.fit`."""
        return fitting.fit(self, dataset, epochs, validation=validation, callbacks=callbacks, progress=progress)

    def __repr__(self) -> str:
        return f"<ostl.Learner {self.network.description}, {self.dtype}, {self.streams} streams>"


def widened(array: Array) -> Array:
    """An array of bfloat16, which is held by its bits, as float32; any other as it is."""
    if array.dtype != np.uint16:
        return array
    return (array.astype(np.uint32) << 16).view(np.float32)


def _remade(cls: type[Learner], checkpoint: bytes) -> Learner:
    """A learner as it was pickled."""
    return cls._of_bytes(checkpoint)
