"""Folds and held-out rows: rows of one group stay together, so that no text is on both sides."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError

Groups = Sequence[Any] | NDArray[Any]


def fold_numbers(n_rows: int, n_folds: int, *, groups: Groups | None = None, seed: int = 0) -> NDArray[np.int64]:
    """Deal rows, or whole groups of rows, out to folds.

    Args:
        n_rows: rows.
        n_folds: folds, >= 2.
        groups: one value per row; rows with equal values come into one fold. None: every row is its own group.
        seed: of the shuffling.

    Returns: (n_rows,) int64, 0..n_folds - 1; numbers of groups per fold differ by at most 1.
    Raises: ShapeError if there is not one group per row; MatryoError if there are fewer groups than folds.
    """
    members = group_numbers(n_rows, groups)
    n_groups = int(members.max()) + 1 if n_rows else 0
    if not 2 <= n_folds <= n_groups:
        raise MatryoError(f"{n_groups} groups of rows make 2 to {n_groups} folds, got {n_folds}; choose fewer folds")
    dealt = np.arange(n_groups) % n_folds
    np.random.default_rng(seed).shuffle(dealt)
    folds: NDArray[np.int64] = dealt[members]
    return folds


def held_out_rows(n_rows: int, share: float, *, groups: Groups | None = None, seed: int = 0) -> NDArray[np.bool_]:
    """Draw rows, or whole groups of rows, to hold out.

    Args:
        n_rows: rows.
        share: of the groups, 0 < share < 1; at least one is held out and one is not.
        groups: as for `fold_numbers`.
        seed: of the drawing.

    Returns: (n_rows,) bool, True where held out.
    Raises: ShapeError if there is not one group per row; MatryoError for a share out of range or a single group.
    """
    members = group_numbers(n_rows, groups)
    n_groups = int(members.max()) + 1 if n_rows else 0
    if not 0.0 < share < 1.0 or n_groups < 2:
        raise MatryoError(
            f"a share between 0 and 1 of at least 2 groups can be held out, got {share!r} of {n_groups}; "
            "give more pairs or another share"
        )
    n_held = min(max(round(share * n_groups), 1), n_groups - 1)
    held: NDArray[np.bool_] = np.isin(members, np.random.default_rng(seed).permutation(n_groups)[:n_held])
    return held


def group_numbers(n_rows: int, groups: Groups | None) -> NDArray[np.int64]:
    """Number of every row's group, from 0, in order of first occurrence.

    >>> group_numbers(3, ["b", "a", "b"])
    array([0, 1, 0])
    """
    if groups is None:
        return np.arange(n_rows)
    if len(groups) != n_rows:
        raise ShapeError(f"groups need one value per row, got {len(groups)} for {n_rows} rows; align them")
    known: dict[Any, int] = {}
    values = groups.tolist() if isinstance(groups, np.ndarray) else groups
    return np.array([known.setdefault(value, len(known)) for value in values], dtype=np.int64)
