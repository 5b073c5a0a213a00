"""Linear CKA of paired vectors: biased, debiased, and beside what unpaired vectors give.

The biased estimate of two independent sets of p numbers is about p / (p + n), so that it rises with the dim whether the
sets have to do with each other or not. Use the debiased one, and the permutation null.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array, check_matrix

_FEWEST = 4
_GRAM_ROWS = 4_096  # 128 MiB per Gram matrix
_GRAM_GAIN = 40  # products in a row-permuted Gram matrix cost as much as so many in a feature product
_GATHERED_CELLS = 100_000  # of a permuted Gram matrix at a time: they stay in the cache until they are multiplied
Path = Literal["auto", "gram", "features"]


@dataclass(frozen=True)
class CkaTest:
    """CKA of paired rows and of rows paired at random.

    Attributes:
        n: rows used.
        dim: numbers of each row of x.
        biased: linear CKA; rises with the dim for unrelated data too.
        debiased: estimate that is 0 on average for unrelated data; may be slightly negative. NaN if one side is
            constant, here and in what follows.
        p_value: share of permutations, the identity among them, whose debiased value is at least the observed one.
        null_mean: mean debiased value over the permutations.
        null_low: 2.5 % quantile of it.
        null_high: 97.5 % quantile of it.
        biased_null_mean: mean biased value over the permutations: what the biased value owes to n and dim alone.
        n_permutations: how many.
    """

    n: int
    dim: int
    biased: float
    debiased: float
    p_value: float
    null_mean: float
    null_low: float
    null_high: float
    biased_null_mean: float
    n_permutations: int


def linear_cka(x: Array, y: Array, *, debiased: bool = False, path: Path = "auto") -> float:
    """Linear CKA of paired rows.

    Args:
        x: (n, p) float.
        y: (n, q) float, row i belongs to row i of x.
        debiased: whether to use the unbiased HSIC, which needs at least 4 rows.
        path: "gram" goes through (n, n), "features" through (p, q); "auto" takes the smaller.

    Returns: 1 for equal sides, up to rotation, scale and shift; NaN if one side is constant.
    Raises: ShapeError if row counts differ; MatryoError if there are fewer than 4 rows.
    Source: Kornblith et al. 2019; unbiased HSIC of Song et al. 2012, equation 5.

    >>> x = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 1.0], [1.0, 5.0], [2.0, 2.0]])
    >>> round(linear_cka(x, 3.0 * x + 1.0, debiased=True), 9)
    1.0
    """
    left, right = _pair(x, y)
    smaller = "gram" if len(x) < max(x.shape[1], y.shape[1]) else "features"
    product = _gram_product if (smaller if path == "auto" else path) == "gram" else _feature_product
    both, own_left, own_right = (
        product(one, other, debiased) for one, other in ((left, right), (left, left), (right, right))
    )
    return _share(both, own_left, own_right, left, right)


def cka_test(x: Array, y: Array, *, n_permutations: int = 200, max_rows: int | None = 1_000, seed: int) -> CkaTest:
    """CKA of paired rows beside the CKA of the same rows paired at random.

    Args:
        x: (n, p) float.
        y: (n, q) float, row i belongs to row i of x.
        n_permutations: random pairings.
        max_rows: beyond this many a random choice of rows is used, in the estimate as in the null; None = all.
        seed: of that choice and of the permutations.

    Raises: as `linear_cka`; MatryoError if there are fewer than 20 permutations, which give no band.
    """
    if n_permutations < 20:
        raise MatryoError(f"n_permutations must be at least 20, got {n_permutations}; 200 is usual")
    rng = np.random.default_rng(seed)
    if max_rows is not None and len(x) == len(y) > max_rows:
        rows = np.sort(rng.choice(len(x), max_rows, replace=False))
        x, y = x[rows], y[rows]
    left, right = _pair(x, y)
    u, v = _Features.of(left), _Features.of(right)
    if len(left) <= _GRAM_ROWS and left.shape[1] * right.shape[1] > _GRAM_GAIN * len(left):
        u, v = u.with_gram(), v.with_gram()
    observed, own_left, own_right = _products(u, v), _products(u, u), _products(v, v)
    drawn = np.array([_products(u, v, rng.permutation(len(left))) for _ in range(n_permutations)])
    biased, debiased = (
        _shares(np.concatenate(([observed[kind]], drawn[:, kind])), own_left[kind], own_right[kind], left, right)
        for kind in (0, 1)
    )
    null = debiased[1:]
    defined = not math.isnan(debiased[0])
    # a random pairing that is the true one differs by rounding only
    reached = int((null >= debiased[0] - 1e-12).sum())
    low, high = np.quantile(null, (0.025, 0.975))
    return CkaTest(
        n=len(left),
        dim=left.shape[1],
        biased=float(biased[0]),
        debiased=float(debiased[0]),
        p_value=(1 + reached) / (1 + n_permutations) if defined else math.nan,
        null_mean=float(null.mean()),
        null_low=float(low),
        null_high=float(high),
        biased_null_mean=float(biased[1:].mean()),
        n_permutations=n_permutations,
    )


class _Features(NamedTuple):
    """Centred rows, and what the unbiased HSIC needs of their Gram matrix without its diagonal."""

    x: NDArray[np.float64]
    diagonal: NDArray[np.float64]
    row_sums: NDArray[np.float64]
    gram: NDArray[np.float64] | None = None

    def with_gram(self) -> "_Features":
        """The same, to be multiplied through the Gram matrix: cheaper for wide rows, once per permutation."""
        return self._replace(gram=self.x @ self.x.T)

    @classmethod
    def of(cls, centred: NDArray[np.float64]) -> "_Features":
        diagonal = np.einsum("ij,ij->i", centred, centred)
        return cls(centred, diagonal, centred @ centred.sum(axis=0) - diagonal)


def _products(u: _Features, v: _Features, order: NDArray[np.int64] | None = None) -> tuple[float, float]:
    """Biased and unbiased HSIC, both up to one constant, of u with v's rows, in some order or as they are."""
    diagonal, row_sums = (part if order is None else part[order] for part in (v.diagonal, v.row_sums))
    if u.gram is None or v.gram is None:
        crossed = u.x.T @ (v.x if order is None else v.x[order])
        whole = float(np.vdot(crossed, crossed))
    else:
        whole = float(np.vdot(u.gram, v.gram)) if order is None else _permuted_product(u.gram, v.gram, order)
    n = len(u.x)
    total = u.row_sums.sum() * row_sums.sum() / ((n - 1) * (n - 2))
    apart = whole - u.diagonal @ diagonal
    return whole, float(apart + total - 2.0 / (n - 2) * (u.row_sums @ row_sums))


def _permuted_product(k: NDArray[np.float64], m: NDArray[np.float64], order: NDArray[np.int64]) -> float:
    """Sum of k times m with rows and columns in some order, both symmetric: only the upper half is gathered."""
    n = len(k)
    rows = max(1, _GATHERED_CELLS // n)
    total = 0.0
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        part = m[order[start:stop]].take(order[start:], axis=1)
        total += 2.0 * float(np.vdot(k[start:stop, start:], part))
        # the square on the diagonal holds both halves already
        total -= float(np.vdot(k[start:stop, start:stop], part[:, : stop - start]))
    return total


def _feature_product(left: NDArray[np.float64], right: NDArray[np.float64], debiased: bool) -> float:
    return _products(_Features.of(left), _Features.of(right))[int(debiased)]


def _gram_product(left: NDArray[np.float64], right: NDArray[np.float64], debiased: bool) -> float:
    k, m = left @ left.T, right @ right.T
    if not debiased:
        return float((k * m).sum())  # rows are centred, so that both Gram matrices are
    np.fill_diagonal(k, 0.0)
    np.fill_diagonal(m, 0.0)
    n = len(k)
    total = k.sum() * m.sum() / ((n - 1) * (n - 2))
    return float((k * m).sum() + total - 2.0 / (n - 2) * (k.sum(axis=0) @ m.sum(axis=0)))


def _share(
    both: float, own_left: float, own_right: float, left: NDArray[np.float64], right: NDArray[np.float64]
) -> float:
    return float(_shares(np.array([both]), own_left, own_right, left, right)[0])


def _shares(
    both: NDArray[np.float64],
    own_left: float,
    own_right: float,
    left: NDArray[np.float64],
    right: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Products over the geometric mean of both sides' own; NaN where a side is constant."""
    if not left.any() or not right.any() or own_left <= 0 or own_right <= 0:
        return np.full(len(both), np.nan)
    return np.asarray(both / math.sqrt(own_left) / math.sqrt(own_right))


def _pair(x: Array, y: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sides centred, in float64; a column that is constant but for rounding is made 0."""
    check_matrix(x, name="x")
    check_matrix(y, name="y")
    if len(x) != len(y):
        raise ShapeError(f"x and y must be paired row by row, got {len(x)} and {len(y)} rows; keep matched rows only")
    if len(x) < _FEWEST:
        raise MatryoError(f"CKA needs at least {_FEWEST} pairs, got {len(x)}; encode more texts")
    sides = []
    for side in (x.astype(np.float64), y.astype(np.float64)):
        centred = side - side.mean(axis=0)
        constant = np.abs(centred).max(axis=0) <= 1e-15 * np.abs(side).max(axis=0)
        centred[:, constant] = 0.0
        sides.append(centred)
    return sides[0], sides[1]
