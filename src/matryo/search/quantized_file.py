"""The files of an index of codes: arrays mapped from one safetensors file, and `index.json`, written last."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path, check_fields, check_format, digest_file, read_json, write_json
from matryo.prefix import Array

INDEX_FILE = "index.json"
_FORMAT = 1
_HEAD = {"format": int, "kind": str, "set_digest": str, "space": dict, "file_bytes": int, "file_sha256": str}
_TYPES = {"I8": "<i1", "F16": "<f2", "F32": "<f4", "U64": "<u8", "I64": "<i8"}
_LENGTH_BYTES = 8
_REPAIR = "restore it from a copy or save the index anew"


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write arrays as one safetensors file."""
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def map_arrays(path: Path) -> dict[str, Array]:
    """The arrays of a safetensors file, mapped into memory: only what is read is loaded, changes stay in memory.

    Raises: FormatError if the file is missing or cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(_LENGTH_BYTES), "little")
            header = json.loads(stream.read(length if length < size else 0))
        header.pop("__metadata__", None)
        # copy on write, because torch takes no read-only arrays
        raw = np.memmap(path, dtype=np.uint8, mode="c").view(np.ndarray)[_LENGTH_BYTES + length :]
        return {
            name: raw[slice(*stored["data_offsets"])].view(_TYPES[stored["dtype"]]).reshape(stored["shape"])
            for name, stored in header.items()
        }
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, a part of this index; {_REPAIR}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FormatError(f"{path} is not readable as safetensors: {error}; {_REPAIR}") from None


def write_index(folder: Path, file: str, stored: Mapping[str, Any], write: Callable[[Path], None]) -> None:
    """Write the file of an index and, as the last step, `index.json` with its size and digest.

    Args:
        folder: where the index goes.
        file: name of the file beside `index.json`.
        stored: what `index.json` states beyond the format and the file.
        write: writes the file to the path it is given.

    Raises: MatryoError if the folder holds another index; saving the same one again changes nothing.
    """
    path = folder / INDEX_FILE
    with atomic_path(folder / file) as temporary:
        write(temporary)
        about = {"file_bytes": temporary.stat().st_size, "file_sha256": digest_file(temporary)}
        complete = {"format": _FORMAT, **stored, **about}
        if path.exists():
            held = read_json(path, "an index")
            if not isinstance(held, dict) or {**held, "build_s": 0.0} != {**complete, "build_s": 0.0}:
                raise MatryoError(f"{folder} holds another index already; choose another folder or delete that one")
    write_json(path, complete)


def read_index(folder: Path, kind: str, fields: Mapping[str, type], file: str) -> dict[str, Any]:
    """Read `index.json` and hold the size of the file beside it against what it states.

    Args:
        folder: the index.
        kind: the kind it must be.
        fields: names and types of what this kind stores beyond what all do; `vectors_digest` may be there or not.
        file: name of the file beside it.

    Raises: FormatError if this is no whole index of this kind.
    """
    path = folder / INDEX_FILE
    stored = read_json(path, "an index")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
        if stored.get("kind") != kind:
            raise FormatError(f"{path} is an index of kind {stored.get('kind')!r}, expected {kind!r}; load it as that")
    # without vectors to rescore with there is no set beside the index, and no word of one
    accompanied = {"vectors_digest": str} if isinstance(stored, dict) and "vectors_digest" in stored else {}
    check_fields(stored, {**_HEAD, **fields, **accompanied}, path)
    try:
        size = (folder / file).stat().st_size
    except FileNotFoundError:
        raise FormatError(f"{folder / file} is missing, a part of this index; {_REPAIR}") from None
    if size != stored["file_bytes"]:
        raise FormatError(f"{folder / file} must have {stored['file_bytes']} bytes, got {size}; {_REPAIR}")
    found: dict[str, Any] = stored
    return found
