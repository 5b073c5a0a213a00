"""Ranked lists of ids, one row per query, equally long: checks, and what two of them share at every depth."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array

_CELLS_PER_BLOCK = 1 << 24


def check_lists(a: Array, b: Array) -> int:
    """Refuse lists that do not pair or hold an id twice.

    Args:
        a: (n, K) int ids, best first.
        b: (n, K) int.

    Returns: K.
    Raises: ShapeError if they are no whole numbers of one shape; MatryoError if an id occurs twice in a row or is
        negative, which is how a search marks a missing hit.
    """
    for name, lists in (("a", a), ("b", b)):
        if not isinstance(lists, np.ndarray) or lists.ndim != 2 or lists.dtype.kind not in "iu" or not lists.shape[1]:
            kind = f"{lists.dtype} of shape {lists.shape}" if isinstance(lists, np.ndarray) else type(lists).__name__
            raise ShapeError(f"{name} must be whole numbers of shape (n, k), got {kind}; pass one list of ids per row")
    if a.shape != b.shape:
        raise ShapeError(f"a and b must have one shape, got {a.shape} and {b.shape}; cut both to the same length")
    for name, lists in (("a", a), ("b", b)):
        ordered = np.sort(lists, axis=1)
        twice = np.flatnonzero((ordered[:, 1:] == ordered[:, :-1]).any(axis=1) | (ordered[:, 0] < 0))
        if len(twice):
            raise MatryoError(
                f"row {twice[0]} of {name} holds an id twice or a missing hit (-1), expected different ids; "
                "ask for no more neighbours than there are"
            )
    return int(a.shape[1])


def check_depths(depths: Sequence[int] | None, longest: int) -> NDArray[np.int64]:
    """The list lengths to look at.

    Args:
        depths: whole numbers; None = 1, 2, .. longest.
        longest: largest that fits.

    Raises: MatryoError if there is none or one is not within 1..longest.
    """
    if depths is None:
        return np.arange(1, longest + 1)
    kept = np.asarray(depths)
    if kept.ndim != 1 or not len(kept) or kept.dtype.kind not in "iu" or kept.min() < 1 or kept.max() > longest:
        raise MatryoError(f"depths must be whole numbers within 1..{longest}, got {list(depths)}; cut them to that")
    return kept.astype(np.int64)


def shared_places(a: Array, b: Array) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Where equal ids stand, in blocks of rows.

    Yields: row, place in a, place in b (each from 0) of every id that both lists of a row hold.
    """
    n, longest = a.shape
    rows = max(1, _CELLS_PER_BLOCK // longest**2)
    for start in range(0, n, rows):
        row, in_a, in_b = np.nonzero(a[start : start + rows, :, None] == b[start : start + rows, None, :])
        yield row + start, in_a, in_b


def overlaps(a: Array, b: Array) -> NDArray[np.int64]:
    """How many ids the first d of both lists share, for d = 1 .. K: (n, K) int64."""
    new = np.zeros(a.shape, dtype=np.int64)
    for row, in_a, in_b in shared_places(a, b):
        np.add.at(new, (row, np.maximum(in_a, in_b)), 1)
    return np.asarray(np.cumsum(new, axis=1))
