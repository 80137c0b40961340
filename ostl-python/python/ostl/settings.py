"""What goes over to the compiled half: settings as JSON, dtypes by name."""

from __future__ import annotations

import json
from typing import Any

import numpy as np


def written(settings: Any) -> str:
    """Settings as JSON; NumPy's scalars as the numbers that they are.

    >>> written({"units": np.int64(4)})
    '{"units": 4}'
    """
    return json.dumps(settings, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise ValueError(f"expected numbers, texts and lists or dicts of them, found {value!r}")


def dtype_name(dtype: Any) -> str:
    """The name of a dtype, however it is given. ``ValueError`` if it is none."""
    try:
        return str(np.dtype(dtype).name)
    except TypeError as error:
        raise ValueError(f"dtype: expected float32 or float64, found {dtype!r}") from error
