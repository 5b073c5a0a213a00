"""Ids of a file that streams by: duplicates and unknown ids are found with 16 bytes per id, the texts are not held."""

from array import array
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import final

import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = 8  # among 10 million ids two different ones meet with a probability of 3 in a million


@final
class Ids:
    """Digests of the ids seen, and where each stood."""

    def __init__(self) -> None:
        """Start with none."""
        self._digests = array("Q")
        self._lines = array("Q")
        self._files: list[tuple[int, Path]] = []
        self._sorted: NDArray[np.uint64] | None = None

    def add(self, id: str, path: Path, line: int) -> None:
        """Remember one more."""
        if not self._files or self._files[-1][1] != path:
            self._files.append((len(self), path))
        self._digests.append(_digest(id))
        self._lines.append(line)
        self._sorted = None

    def __len__(self) -> int:
        """Number of ids seen, equal ones included."""
        return len(self._digests)

    def repeats(self) -> Iterator[tuple[tuple[Path, int], tuple[Path, int]]]:
        """Places of each id that was seen before, with the place where it was seen first; in order of appearance."""
        digests = np.frombuffer(self._digests, dtype=np.uint64)
        order = np.argsort(digests, kind="stable")
        ranked = digests[order]
        again = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
        first = np.searchsorted(ranked, ranked[again], side="left")
        for later, earlier in sorted(zip(order[again].tolist(), order[first].tolist(), strict=True)):
            yield self._place(earlier), self._place(later)

    def unknown(self, ids: Iterable[str]) -> list[str]:
        """Those of the given ids that were not seen, in their order."""
        asked = list(ids)
        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._digests, dtype=np.uint64))
        digests = np.array([_digest(i) for i in asked], dtype=np.uint64)
        places = np.searchsorted(self._sorted, digests)
        found = np.zeros(len(asked), dtype=bool)
        inside = places < len(self._sorted)
        found[inside] = self._sorted[places[inside]] == digests[inside]
        return [i for i, known in zip(asked, found.tolist(), strict=True) if not known]

    def _place(self, position: int) -> tuple[Path, int]:
        path = next(path for start, path in reversed(self._files) if start <= position)
        return path, self._lines[position]


def _digest(id: str) -> int:
    return int.from_bytes(blake2b(id.encode(), digest_size=_DIGEST_BYTES).digest(), "little")
