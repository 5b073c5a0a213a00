"""The files of an index: what it is made of, whole or not there, and `index.json`, written last."""

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path, check_fields, check_format, digest_file, read_json, write_json
from matryo.prefix import Array

INDEX_FILE = "index.json"
_FORMAT = 1
_HEAD = {"format": int, "kind": str, "set_digest": str, "space": dict, "files": dict}
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


def write_index(folder: Path, stored: Mapping[str, Any], files: Mapping[str, Callable[[Path], None]]) -> None:
    """Write the files of an index and, as the last step, `index.json` with their sizes and digests.

    Args:
        folder: where the index goes.
        stored: what `index.json` states beyond the format and the files.
        files: name -> what writes that file to the path it is given.

    Raises: MatryoError if the folder holds another index; saving the same one again changes nothing.
    """
    path = folder / INDEX_FILE
    with ExitStack() as renamed_at_the_end:
        about = {}
        for name, write in files.items():
            temporary = renamed_at_the_end.enter_context(atomic_path(folder / name))
            write(temporary)
            about[name] = {"bytes": temporary.stat().st_size, "sha256": digest_file(temporary)}
        complete = {"format": _FORMAT, **stored, "files": about}
        if path.exists():
            held = read_json(path, "an index")
            if not isinstance(held, dict) or {**held, "build_s": 0.0} != {**complete, "build_s": 0.0}:
                raise MatryoError(f"{folder} holds another index already; choose another folder or delete that one")
    write_json(path, complete)


def read_index(folder: Path, kind: str, fields: Mapping[str, type], *files: str) -> dict[str, Any]:
    """Read `index.json` and hold the sizes of the files beside it against what it states.

    Args:
        folder: the index.
        kind: the kind it must be.
        fields: names and types of what this kind stores beyond what all do; `vectors_digest` may be there or not.
        files: files that it must have, beyond others that it may have.

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
    for name in (*files, *stored["files"]):
        about = stored["files"].get(name)
        if not isinstance(about, dict) or not isinstance(about.get("bytes"), int):
            raise FormatError(f"{path} must state the size of {name}; {_REPAIR}")
        try:
            size = (folder / name).stat().st_size
        except FileNotFoundError:
            raise FormatError(f"{folder / name} is missing, a part of this index; {_REPAIR}") from None
        if size != about["bytes"]:
            raise FormatError(f"{folder / name} must have {about['bytes']} bytes, got {size}; {_REPAIR}")
    found: dict[str, Any] = stored
    return found
