"""Similarity of pairs of vectors, and how well similarities follow human scores."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.measures.intervals import Interval
from matryo.measures.resample import check_draws, draw_counts, ends, group_numbers
from matryo.prefix import Array, check_matrix, row_norms

_CELLS_PER_BLOCK = 1 << 19


def cosine_rows(a: Array, b: Array) -> NDArray[np.float64]:
    """Cosine of each row of a with the same row of b; 0 where one of them is a zero row.

    Args:
        a: (n, d) float.
        b: (n, d) float.

    Returns: (n,) float64.
    Raises: ShapeError if the shapes differ or a number is not finite.

    >>> cosine_rows(np.array([[3.0, 4.0], [0.0, 0.0]]), np.array([[6.0, 8.0], [1.0, 0.0]]))
    array([1., 0.])
    """
    check_matrix(a, name="a")
    check_matrix(b, name="b")
    if a.shape != b.shape:
        raise ShapeError(f"a and b must have one shape, got {a.shape} and {b.shape}; pair them row by row")
    dots = np.einsum("ij,ij->i", a, b, dtype=np.float64)
    norms = row_norms(a) * row_norms(b)
    cosines: NDArray[np.float64] = np.divide(dots, norms, out=np.zeros(len(a)), where=norms > 0)
    return cosines


def average_ranks(x: ArrayLike) -> NDArray[np.float64]:
    """Ranks from 1, ties sharing the average of theirs.

    >>> average_ranks([0.3, 0.1, 0.3])
    array([2.5, 1. , 2.5])
    """
    _, place, counts = np.unique(np.asarray(x, dtype=np.float64), return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (np.cumsum(counts) - (counts - 1) / 2.0)[place]
    return ranks


def pearson(a: ArrayLike, b: ArrayLike) -> float:
    """Linear correlation of two lists of numbers.

    Args:
        a: (n,) numbers.
        b: (n,) numbers of the same things.

    Raises: ShapeError if the lengths differ; MatryoError if there are fewer than 2, one is not finite, or all of one
        side are equal.

    >>> round(pearson([1, 2, 3], [2, 4, 7]), 6)
    0.993399
    """
    x, y = _two_lists(a, b)
    x, y = x - x.mean(), y - y.mean()
    return float(np.clip((x @ y) / np.sqrt((x @ x) * (y @ y)), -1.0, 1.0))


def spearman(a: ArrayLike, b: ArrayLike) -> float:
    """Correlation of ranks, ties at their average rank; arguments and errors as in `pearson`.

    >>> round(spearman([1, 2, 3, 4], [10, 20, 40, 30]), 6)
    0.8
    """
    x, y = _two_lists(a, b)
    return pearson(average_ranks(x), average_ranks(y))


def spearman_intervals(
    rated: ArrayLike,
    gold: ArrayLike,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 2_000,
    level: float = 0.95,
    seed: int,
) -> list[Interval]:
    """Spearman correlation of several ratings with one gold list, each with a bootstrap interval over the items.

    A draw is a count of each item; ranks within a draw follow from cumulated counts, so that nothing is sorted twice.

    Args:
        rated: (m, n), e.g. one row of cosines per dim.
        gold: (n,) scores given by people.
        groups: (n,) labels of groups that are resampled as a whole; None = every item is its own group.
        n_draws: bootstrap draws, shared by all m.
        level: of the two-sided intervals.
        seed: of the draws.

    Returns: one interval per row of `rated`.
    Raises: ShapeError, MatryoError as `pearson`.
    """
    check_draws(n_draws, level)
    rows = np.atleast_2d(np.asarray(rated, dtype=np.float64))
    values = [spearman(row, gold) for row in rows]
    numbers = group_numbers(groups, rows.shape[1])
    n_groups = int(numbers.max()) + 1
    gold_ties, rated_ties = _Ties(np.asarray(gold, dtype=np.float64)), [_Ties(row) for row in rows]
    draws = np.empty((len(rows), n_draws))
    rng = np.random.default_rng(seed)
    done = 0
    for counts in draw_counts(n_groups, n_draws, rng, max_cells=_CELLS_PER_BLOCK * n_groups // rows.shape[1]):
        weights = counts if groups is None else counts[:, numbers]
        gold_ranks, gold_spread = gold_ties.centred_ranks(weights)
        weighted = weights * gold_ranks
        for row, ties in enumerate(rated_ties):
            ranks, spread = ties.centred_ranks(weights)
            draws[row, done : done + len(counts)] = _over(
                np.einsum("bn,bn->b", weighted, ranks), np.sqrt(gold_spread * spread)
            )
        done += len(counts)
    found = []
    for value, drawn in zip(values, draws, strict=True):
        undefined = np.isnan(drawn)
        low, high = ends(
            np.where(undefined, -np.inf, drawn), np.where(undefined, np.inf, drawn), (1.0 - level) / 2, n_groups
        )
        found.append(Interval(value, low, high, rows.shape[1], n_groups))
    return found


class _Ties:
    """A list sorted once, to rank its items in any draw of them."""

    def __init__(self, x: NDArray[np.float64]) -> None:
        self._order = np.argsort(x, kind="stable")
        ordered = x[self._order]
        new = np.concatenate(([True], ordered[1:] != ordered[:-1]))
        self._starts = np.flatnonzero(new)
        self._tie = np.empty(len(x), dtype=np.int64)
        self._tie[self._order] = np.cumsum(new) - 1

    def centred_ranks(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Average ranks minus their mean (b, n) and their sum of squares (b,), each item counted by its weight."""
        sizes = np.add.reduceat(weights[:, self._order], self._starts, axis=1)
        reached = np.cumsum(sizes, axis=1)
        ranks = reached - sizes / 2.0 - reached[:, -1:] / 2.0
        return ranks[:, self._tie], np.einsum("bu,bu,bu->b", sizes, ranks, ranks)


def _over(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotient, NaN where the bottom is 0."""
    quotient: NDArray[np.float64] = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return quotient


def _two_lists(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ShapeError(f"a and b must be two lists of one length, got shapes {x.shape} and {y.shape}; pair them")
    if len(x) < 2:
        raise MatryoError(f"a correlation needs at least 2 pairs, got {len(x)}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise MatryoError("a correlation needs finite numbers, got NaN or infinity; leave out what was not measured")
    if x.min() == x.max() or y.min() == y.max():
        raise MatryoError("a correlation needs numbers that differ, got one side all equal; check what was measured")
    return x, y
