"""Learning from a data set for some epochs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ._ostl import Score

if TYPE_CHECKING:
    from .learner import Learner


@dataclass(frozen=True)
class Epoch:
    """What an epoch came to."""

    number: int
    """Counted from 1."""
    loss: float
    """Loss a target while learning; NaN without one."""
    accuracy: float
    """Share of classes that were hit while learning; 0 where targets are values."""
    valid_loss: float | None
    """The same of the validation data, after the epoch."""
    valid_accuracy: float | None


def fit(
    learner: Learner,
    dataset: Iterable[Any] | Callable[[], Iterable[Any]],
    epochs: int = 1,
    *,
    validation: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
    callbacks: Iterable[Callable[[Epoch, Learner], Any]] = (),
    progress: Callable[[Iterable[Any]], Iterable[Any]] | None = None,
) -> list[Epoch]:
    """Learns from a data set, batch by batch, and gives what each epoch came to.

    ``dataset``
        Something to iterate over once an epoch (a list, a ``torch.utils.data.DataLoader``), or a function that makes such. A batch is
        ``(inputs, targets)``, ``(inputs, targets, lengths)``, or a dict of the arguments of :meth:`ostl.Learner.learn_batch`.
    ``validation``
        The same, evaluated after every epoch.
    ``callbacks``
        Called with the epoch and the learner after every epoch; one that returns ``True`` ends the training.
    ``progress``
        Wraps the batches of an epoch, as ``tqdm.tqdm`` does.
    """
    history: list[Epoch] = []
    callbacks = list(callbacks)
    for number in range(1, epochs + 1):
        batches = _batches(dataset)
        train = _sum(learner.learn_batch(**_arguments(batch)) for batch in (progress(batches) if progress else batches))
        valid = None
        if validation is not None:
            valid = _sum(learner.evaluate_batch(**_arguments(batch)) for batch in _batches(validation))
        epoch = Epoch(number, *train, *(valid or (None, None)))
        history.append(epoch)
        # All are called, whatever the others say.
        if sum(callback(epoch, learner) is True for callback in callbacks):
            break
    return history


def _batches(dataset: Iterable[Any] | Callable[[], Iterable[Any]]) -> Iterable[Any]:
    return dataset() if callable(dataset) else dataset


def _arguments(batch: Any) -> dict[str, Any]:
    """A batch as arguments by name."""
    if isinstance(batch, Mapping):
        return dict(batch)
    if isinstance(batch, tuple | list) and len(batch) in (2, 3):
        return dict(zip(("inputs", "targets", "lengths"), batch, strict=False))
    raise ValueError(
        "dataset: expected batches that are (inputs, targets), (inputs, targets, lengths) or a dict of arguments, "
        f"found {type(batch).__name__}"
    )


def _sum(scores: Iterable[Score]) -> tuple[float, float]:
    """Loss and hits a target over several scores."""
    loss = weight = 0.0
    targets = correct = 0
    for score in scores:
        loss, weight = loss + score.loss, weight + score.weight
        targets, correct = targets + score.targets, correct + score.correct
    nan = float("nan")
    return (loss / weight if weight else nan, correct / targets if targets else nan)
