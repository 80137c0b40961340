"""Named arrays in safetensors files, without another package: eight bytes of length, a header in JSON, the values.

Texts stand among the file's metadata. Arrays of ``uint16`` are bfloat16 by its bits, as in :meth:`ostl.Learner.state_dict`.
"""

from __future__ import annotations

import json
import os
import tempfile
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

_KINDS = {"F32": "<f4", "F64": "<f8", "U8": "u1", "BF16": "<u2", "U32": "<u4", "U64": "<u8", "BOOL": "?"}
_NAMES = {np.dtype(kind).newbyteorder("="): name for name, kind in _KINDS.items()}
# What no header of ours comes near; a longer one is a damaged file.
_LONGEST_HEADER = 100_000_000


def save_file(state: dict[str, Any], path: str | PathLike[str]) -> None:
    """Writes arrays and texts by name. A file that stood there is replaced when the new one is whole.

    ``ValueError`` if an array is of a dtype that such files do not have here.
    """
    header: dict[str, Any] = {"__metadata__": {name: text for name, text in state.items() if isinstance(text, str)}}
    values, offset = [], 0
    for name, array in state.items():
        if isinstance(array, str):
            continue
        array = np.asarray(array)
        kind = _NAMES.get(array.dtype.newbyteorder("="))
        if kind is None:
            raise ValueError(f"state[{name!r}]: expected one of {', '.join(map(str, _NAMES))}, found dtype {array.dtype}")
        data = np.asarray(array, dtype=_KINDS[kind], order="C").tobytes()
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [offset, offset + len(data)]}
        values.append(data)
        offset += len(data)
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path = Path(path)
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(len(head).to_bytes(8, "little") + head)
            file.writelines(values)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def load_file(path: str | PathLike[str]) -> dict[str, Any]:
    """Arrays and texts by name. ``ValueError`` if the file is no such file, or damaged."""
    data = Path(path).read_bytes()
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(_LONGEST_HEADER, len(data) - 8):
        raise ValueError(f"{path}: expected a safetensors file, found {len(data)} bytes with a header of {length}")
    try:
        header = json.loads(data[8 : 8 + length])
        state: dict[str, Any] = {str(name): str(text) for name, text in header.pop("__metadata__", {}).items()}
        body = memoryview(data)[8 + length :]
        for name, entry in header.items():
            dtype, shape = np.dtype(_KINDS[entry["dtype"]]), tuple(int(size) for size in entry["shape"])
            start, end = entry["data_offsets"]
            if not 0 <= start <= end <= len(body) or end - start != dtype.itemsize * int(np.prod(shape, dtype=object)):
                raise ValueError(f"the values of {name!r} are not where the header says")
            array = np.frombuffer(body[start:end], dtype=dtype).reshape(shape)
            state[name] = array.astype(dtype.newbyteorder("="))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: no safetensors file that ostl can read: {error!r}") from error
    return state
