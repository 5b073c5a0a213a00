"""Vectors that were paid for, kept: one file per answered request, written whole before the next thing happens.

A folder holds one sub-folder per space, named by its id, with `space.json` for people and files of safetensors:
`keys`, the SHA-256 of each text as it was sent, and `vectors`. What a service gives twice for one text can differ in
its last bits; with the answers kept, the same texts give the same bytes.
"""

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.api_answer import Answer
from matryo.errors import FormatError
from matryo.files import atomic_path, check_format, digest_bytes, only_writer, read_json, write_json
from matryo.prefix import Array
from matryo.space import Space

_FORMAT = 1
_SPACE_FILE = "space.json"
_KEY_BYTES = 32
_REMOVE = "remove the file, its texts are sent again"


@dataclass(frozen=True)
class Usage:
    """What was asked and counted.

    Attributes:
        n_requests: answered requests.
        n_texts: texts in them.
        n_bytes: size of the texts whose tokens the service counted.
        n_tokens: tokens it counted, what is paid for; 0 if it never tells.
    """

    n_requests: int = 0
    n_texts: int = 0
    n_bytes: int = 0
    n_tokens: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        """Both together."""
        return Usage(
            self.n_requests + other.n_requests,
            self.n_texts + other.n_texts,
            self.n_bytes + other.n_bytes,
            self.n_tokens + other.n_tokens,
        )


@final
class ApiCache:
    """The answers of one model, found by the digest of a text; may be used from several threads."""

    def __init__(self, folder: Path, space: Space) -> None:
        """Open or make the sub-folder of a space.

        Args:
            folder: of all caches.
            space: of the vectors.

        Raises: FormatError if a file there is damaged.
        """
        self._folder = folder / space.id
        self._width = space.width
        self._where: dict[bytes, tuple[Path, int]] = {}
        self._lock = threading.Lock()
        self._usage = Usage()
        about = self._folder / _SPACE_FILE
        if about.exists():
            stored = read_json(about, "the space of cached vectors")
            check_format(stored.get("format") if isinstance(stored, dict) else None, _FORMAT, about)
        else:
            write_json(about, {"format": _FORMAT, "space": space.to_json()})
        self._taken: set[Path] = set()
        self._refresh()

    @property
    def usage(self) -> Usage:
        """Everything that was ever answered into this folder."""
        return self._usage

    def __contains__(self, key: bytes) -> bool:
        """Whether a text's vector is at hand."""
        return key in self._where

    def __len__(self) -> int:
        """Number of vectors at hand."""
        return len(self._where)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep other processes from asking for the same meanwhile, and see first what they were answered before.

        Raises: MatryoError if another process is asking; FormatError if a file is damaged.
        """
        with only_writer(self._folder):
            self._refresh()
            yield

    def put(self, keys: Sequence[bytes], answer: Answer, n_bytes: int) -> Usage:
        """Keep one answer.

        Args:
            keys: of its texts, in order.
            answer: vectors and tokens.
            n_bytes: size of the texts.

        Returns: what it adds to the usage.
        Raises: MatryoError if the disk is full.
        """
        # imported here: settings and estimates need no file format
        from safetensors.numpy import save_file

        joined = b"".join(keys)
        added = Usage(1, len(keys), 0 if answer.n_tokens is None else n_bytes, answer.n_tokens or 0)
        arrays: dict[str, Array] = {
            "keys": np.frombuffer(joined, dtype=np.uint8).reshape(len(keys), _KEY_BYTES),
            "vectors": np.ascontiguousarray(answer.vectors),
        }
        path = self._folder / f"{digest_bytes(joined)[:32]}.safetensors"
        with atomic_path(path) as temporary:
            save_file(arrays, temporary, {"n_bytes": str(added.n_bytes), "n_tokens": str(added.n_tokens)})
        with self._lock:
            self._taken.add(path)
            self._remember(path, keys, added)
        return added

    def get(self, keys: Sequence[bytes]) -> NDArray[np.float32]:
        """Vectors of texts at hand, (n, width) float32, in the order of the keys.

        Raises: FormatError if a file was damaged since it was opened; KeyError if a text is not at hand.
        """
        vectors = np.empty((len(keys), self._width), dtype=np.float32)
        places: dict[Path, list[tuple[int, int]]] = defaultdict(list)
        for place, key in enumerate(keys):
            path, row = self._where[key]
            places[path].append((place, row))
        for path, pairs in places.items():
            found = np.array(pairs)
            with _opened(path) as stored:
                vectors[found[:, 0]] = stored.get_tensor("vectors")[found[:, 1]]
        return vectors

    def _refresh(self) -> None:
        for path in sorted(set(self._folder.glob("*.safetensors")) - self._taken):
            keys, usage = _read_keys(path, self._width)
            self._taken.add(path)
            self._remember(path, keys, usage)

    def _remember(self, path: Path, keys: Sequence[bytes], usage: Usage) -> None:
        for row, key in enumerate(keys):
            # the first answer stays: a text asked for by two processes at once must not change its vector
            self._where.setdefault(key, (path, row))
        self._usage += usage


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as stored:
            yield stored
    except (SafetensorError, OSError) as error:
        raise FormatError(f"{path} cannot be read as cached vectors ({error}); {_REMOVE}") from None


def _read_keys(path: Path, width: int) -> tuple[list[bytes], Usage]:
    """What one file holds, without reading the vectors."""
    with _opened(path) as stored:
        keys, shape = stored.get_tensor("keys"), tuple(stored.get_slice("vectors").get_shape())
        told = stored.metadata() or {}
    if keys.dtype != np.uint8 or keys.shape[1:] != (_KEY_BYTES,) or shape != (len(keys), width):
        raise FormatError(
            f"{path} must hold keys (n, {_KEY_BYTES}) uint8 and vectors (n, {width}), got {keys.shape} {keys.dtype} "
            f"and {shape}; {_REMOVE}"
        )
    if not all(told.get(name, "").isdecimal() for name in ("n_bytes", "n_tokens")):
        raise FormatError(f"{path} does not say what it cost (n_bytes, n_tokens); {_REMOVE}")
    return [row.tobytes() for row in keys], Usage(1, len(keys), int(told["n_bytes"]), int(told["n_tokens"]))
