"""Files that are either whole or not there: atomic writes, digests, JSON with readable errors."""

import errno
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matryo.errors import FormatError, MatryoError

_READ_BYTES = 1 << 20
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` if the block succeeds, remove it if not.

    A reader sees the old file or the new one, never a part; after a crash a `*.tmp-*` file may stay behind, which
    nothing reads.

    Raises: MatryoError if the disk is full, the quota used up or a limit on file sizes reached.
    """
    temporary = path.with_name(f"{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _to_disk(temporary)
        os.replace(temporary, path)
        _to_disk(path.parent)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise MatryoError(
            f"{path} could not be written: {error.strerror}; files finished before are whole, "
            "make room and run the same command again"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Force a file's content, or a folder's entries, out of the caches: the rename must not overtake the data."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Let one process at a time change a folder, made if missing; the lock dies with the process, also by kill -9.

    Temporary files of writers that died are removed, which is safe only under the lock.

    Raises: MatryoError if another process is writing, or the folder is a file.
    """
    import fcntl  # imported here: reading sets must work where this module is missing

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise MatryoError(f"{folder} must be a folder, a file is in the way; choose another name") from None
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MatryoError(
                f"{folder} is being written by another process; wait until it ends or choose another folder"
            ) from None
        for leftover in folder.glob("*.tmp-*"):
            leftover.unlink()
        yield
    finally:
        os.close(descriptor)


def write_pieces(path: Path, pieces: Iterable[bytes | memoryview]) -> str:
    """Write a binary file atomically, piece by piece.

    Args:
        path: the file.
        pieces: bytes or contiguous memory views, written in this order.

    Returns: the file's SHA-256, computed on the way.
    """
    running = hashlib.sha256()
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        for piece in pieces:
            stream.write(piece)
            running.update(piece)
    return running.hexdigest()


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 file atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, indented, keys in the order given, NaN refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path, what: str) -> Any:
    """Read a JSON file.

    Args:
        path: the file.
        what: what it should be, for the message, e.g. "the manifest of an embedding set".

    Raises: FormatError if it is missing, not UTF-8 or not JSON.
    """
    return read_json_digest(path, what)[0]


def read_json_digest(path: Path, what: str) -> tuple[Any, str]:
    """Read a JSON file and the SHA-256 of the very bytes that were read, though the file be replaced meanwhile.

    Raises: FormatError as `read_json`.
    """
    try:
        content = path.read_bytes()
        return json.loads(content.decode("utf-8")), digest_bytes(content)
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected {what}; check the path or write it anew") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FormatError(f"{path} is not readable as {what}: {error}; restore it or write it anew") from None


def check_format(found: Any, accepted: int, path: Path) -> None:
    """Refuse a stored format number that this version does not know.

    Raises: FormatError.
    """
    if found != accepted:
        raise FormatError(f"{path} has format {found!r}, this version reads {accepted}; write it anew or update matryo")


def check_fields(stored: Any, accepted: Mapping[str, type], path: Path) -> None:
    """Refuse stored JSON that is no object of exactly these fields with values of these types.

    Raises: FormatError, naming what is missing, unknown or of another type.
    """
    if not isinstance(stored, dict):
        raise FormatError(f"{path} must hold a JSON object, got {type(stored).__name__}; write it anew")
    missing = sorted(set(accepted) - set(stored))
    unknown = sorted(set(stored) - set(accepted))
    mistyped = sorted(name for name, kind in accepted.items() if name in stored and type(stored[name]) is not kind)
    if missing or unknown or mistyped:
        raise FormatError(
            f"{path} must have the fields {', '.join(accepted)}; missing: {missing}, unknown: {unknown}, "
            f"of a wrong type: {mistyped}; restore it or write it anew"
        )


def digest_bytes(content: bytes) -> str:
    """SHA-256 of bytes, as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digest_json(value: Any) -> str:
    """SHA-256 of a JSON value, independent of the order of its keys."""
    return digest_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def digest_file(path: Path) -> str:
    """SHA-256 of a file, read in pieces of 1 MiB."""
    running = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_READ_BYTES):
            running.update(piece)
    return running.hexdigest()
