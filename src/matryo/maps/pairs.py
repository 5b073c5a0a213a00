"""One pass over joined vectors in bounded memory, and what every fit refuses on the way."""

import gc
from collections.abc import Iterator
from typing import Any

import numpy as np

from matryo.errors import MatryoError, ShapeError
from matryo.maps.sides import Side, SpaceRows, as_rows
from matryo.maps.translator import check_unit_rows
from matryo.prefix import Array

BLOCK_ROWS = 4096
# What a set has mapped counts as memory of the process until the set is gone, so that sets are opened anew at times.
_ROWS_UNTIL_REOPENED = 32_768
_CONSTANT = 1e-6


def check_sides(source: Side, target: Side) -> tuple[SpaceRows, SpaceRows]:
    """Two sides whose rows belong together.

    Raises: ShapeError if they have different numbers of rows, or none; MatryoError if both are sets and a row's ids
        differ.
    """
    left, right = as_rows(source), as_rows(target)
    if left.n_rows != right.n_rows or not left.n_rows:
        raise ShapeError(
            f"a translator is fitted on as many source rows as target rows, got {left.n_rows} and {right.n_rows}; "
            "join the sets by id (matryo.maps.joined_sides)"
        )
    names, others = left.ids(), right.ids()
    if names is not None and others is not None and names != others:
        row, (a, b) = next((i, pair) for i, pair in enumerate(zip(names, others, strict=True)) if pair[0] != pair[1])
        raise MatryoError(
            f"row {row} is {a!r} in the source and {b!r} in the target, a row must be one text in both; "
            "join the sets by id (matryo.maps.joined_sides)"
        )
    return left, right


class Seen:
    """What has been seen of one side: sum and range of every column."""

    def __init__(self, name: str, width: int) -> None:
        """Nothing yet; `name` is for the messages."""
        self.name = name
        self._n = 0
        self._low = np.full(width, np.inf)
        self._high = np.full(width, -np.inf)

    def look(self, x: Array) -> None:
        """Take in some more rows.

        Raises: ShapeError if a row is neither of length 1 nor zero, or not finite.
        """
        check_unit_rows(x, f"the {self.name}", self._n)
        self._n += len(x)
        np.minimum(self._low, x.min(axis=0), out=self._low)
        np.maximum(self._high, x.max(axis=0), out=self._high)

    def constant(self) -> list[int]:
        """Columns that hold one number in all rows."""
        size = np.maximum(np.abs(self._low), np.abs(self._high))
        return np.flatnonzero(self._high - self._low <= _CONSTANT * size).tolist()


class PairPass:
    """Reads two sides block by block, and refuses at the end what does not decide a map."""

    def __init__(self, source: Side, target: Side) -> None:
        """Check that the rows belong together; see `check_sides`."""
        self.source, self.target = check_sides(source, target)
        self._seen = Seen("source", self.source.width), Seen("target", self.target.width)

    def blocks(self) -> Iterator[tuple[int, Array, Array]]:
        """Number of the first row, (rows, d) of the source, (rows, d2) of the target, float32, up to 4,096 rows."""
        left, right = self.source, self.target
        for start in range(0, left.n_rows, BLOCK_ROWS):
            if start and start % _ROWS_UNTIL_REOPENED == 0:
                left, right = left.reopened(), right.reopened()
                gc.collect()  # a set refers to itself: without this it would stay until the interpreter cares to look
            rows = slice(start, min(start + BLOCK_ROWS, left.n_rows))
            x, y = left.read(rows, 0, left.width), right.read(rows, 0, right.width)
            for seen, part in zip(self._seen, (x, y), strict=True):
                seen.look(part)
            yield start, x, y

    def check_decided(self, allow_degenerate: bool, reads: int | None = None) -> dict[str, Any]:
        """Refuse, after all blocks, what leaves a map open: fewer rows than columns, or constant columns.

        Args:
            allow_degenerate: take it, with the smallest of the maps that fit.
            reads: source columns that the map reads, None for all.

        Returns: facts for the record: rows and constant columns.
        Raises: MatryoError.
        """
        n_columns = reads or self.source.width
        constant = {seen.name: seen.constant() for seen in self._seen}
        if not allow_degenerate:
            if self.source.n_rows <= n_columns:
                raise MatryoError(
                    f"a map from {n_columns} columns needs more rows than that, got {self.source.n_rows}; "
                    "give more pairs, or allow_degenerate=True for the smallest map that fits them"
                )
            for name, columns in constant.items():
                if columns:
                    raise MatryoError(
                        f"column {columns[0]} of the {name} holds one number in all {self.source.n_rows} rows "
                        f"({len(columns)} such columns); look at what made these vectors, or pass "
                        "allow_degenerate=True to go on without what they cannot tell"
                    )
        return {
            "n_rows": self.source.n_rows,
            "constant_columns": {name: len(columns) for name, columns in constant.items()},
            "sets": [self.source.digest(), self.target.digest()],
        }
