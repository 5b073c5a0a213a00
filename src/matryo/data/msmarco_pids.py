"""Numbers of passages that stream by: repeated and unknown ones are found exactly, with 12 bytes per passage."""

from array import array
from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray


@final
class Pids:
    """Passage numbers in the order of the file, and the line of each."""

    def __init__(self) -> None:
        """Start with none."""
        self._pids = array("q")
        self._lines = array("I")
        self._sorted: NDArray[np.int64] | None = None

    def add(self, pid: int, line: int) -> None:
        """Remember one more."""
        self._pids.append(pid)
        self._lines.append(line)
        self._sorted = None

    def __len__(self) -> int:
        """Number of passages, repeated ones included."""
        return len(self._pids)

    def repeats(self) -> list[tuple[int, int, int, int]]:
        """Each passage whose number was there before: its position, the number, its line and the first one's line."""
        pids = np.frombuffer(self._pids, dtype=np.int64)
        if (pids[1:] > pids[:-1]).all():  # as in the official file, where nothing has to be sorted
            return []
        order = np.argsort(pids, kind="stable")
        ranked = pids[order]
        again = np.flatnonzero(ranked[1:] == ranked[:-1]) + 1
        first = np.searchsorted(ranked, ranked[again], side="left")
        pairs = sorted(zip(order[again].tolist(), order[first].tolist(), strict=True))
        return [(later, self._pids[later], self._lines[later], self._lines[earlier]) for later, earlier in pairs]

    def unknown(self, pids: Sequence[int]) -> list[int]:
        """Those of the given numbers that no passage has, in their order."""
        if self._sorted is None:
            self._sorted = np.sort(np.frombuffer(self._pids, dtype=np.int64))
        asked = np.array(pids, dtype=np.int64)
        known = np.zeros(len(asked), dtype=bool)
        places = np.searchsorted(self._sorted, asked)
        inside = places < len(self._sorted)
        known[inside] = self._sorted[places[inside]] == asked[inside]
        return [int(p) for p in asked[~known]]
