"""Sequences side by side: lists of different lengths made into one array."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def arranged(
    inputs: Any, targets: Any, lengths: Any, mask: Any, weights: Any, resets: Any
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """A batch as arrays. Lists of sequences of different lengths are filled up with zeros, which ``lengths`` leaves out."""
    if not (isinstance(inputs, list | tuple) and len(inputs) and _is_sequence(inputs[0])):
        return inputs, targets, lengths, mask, weights, resets
    if lengths is not None:
        raise ValueError("lengths: expected to be left out where inputs are a list of sequences, which have their own")
    found = [len(sequence) for sequence in inputs]

    def beside(name: str, given: Any) -> Any:
        if isinstance(given, dict):
            return {head: beside(f"{name}[{head!r}]", of_head) for head, of_head in given.items()}
        if not (isinstance(given, list | tuple) and len(given) and _is_sequence(given[0])):
            return given
        if len(given) != len(inputs):
            raise ValueError(f"{name}: expected {len(inputs)} sequences, as many as of inputs, found {len(given)}")
        if isinstance(given[0], np.ndarray) and given[0].ndim == 1 and [len(row) for row in given] != found:
            # One row of values for each sequence.
            return given
        return _filled(name, given, found)

    return (
        _filled("inputs", inputs, found),
        beside("targets", targets),
        np.asarray(found, dtype=np.int64),
        beside("mask", mask),
        beside("weights", weights),
        beside("resets", resets),
    )


def _is_sequence(given: Any) -> bool:
    return np.ndim(given) >= 1


def _filled(name: str, sequences: Any, lengths: list[int]) -> npt.NDArray[Any]:
    """All sequences in one array, zeros after their ends."""
    arrays = [np.asarray(sequence) for sequence in sequences]
    for index, (array, length) in enumerate(zip(arrays, lengths, strict=True)):
        if len(array) != length:
            raise ValueError(f"{name}: expected {length} steps in sequence {index}, as in inputs, found {len(array)}")
        if array.shape[1:] != arrays[0].shape[1:]:
            expected = ("steps", *arrays[0].shape[1:])
            raise ValueError(f"{name}: expected shape {expected} of sequence {index}, found {array.shape}")
    shape = (len(arrays), max(lengths), *arrays[0].shape[1:])
    filled = np.zeros(shape, dtype=np.result_type(*arrays))
    for row, array in zip(filled, arrays, strict=True):
        row[: len(array)] = array
    return filled
