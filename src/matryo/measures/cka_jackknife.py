"""Debiased linear CKA without each row in turn: what intervals of CKA are made of.

Drawing rows with replacement would put copies of a row among the pairs of different rows that the debiased estimate is
built on, and raise it. Leaving rows out does not.
"""

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import Array, check_matrix


def cka_without_each(x: Array, y: Array) -> tuple[float, NDArray[np.float64]]:
    """Debiased linear CKA of all rows, and of all but row i for every i, in the time of a few plain ones.

    Args:
        x: (n, p) float.
        y: (n, q) float, row i belongs to row i of x; at least 5 rows.

    Returns: the value, and (n,) values; NaN where one side is constant.
    Raises: ShapeError if row counts differ; MatryoError if there are fewer than 5 rows.
    Source: unbiased HSIC of Song et al. 2012, equation 5; its sums without one row: ours.
    """
    check_matrix(x, name="x")
    check_matrix(y, name="y")
    if len(x) != len(y):
        raise ShapeError(f"x and y must be paired row by row, got {len(x)} and {len(y)} rows; keep matched rows only")
    if len(x) < 5:
        raise MatryoError(f"CKA without each row needs at least 5 pairs, got {len(x)}; encode more texts")
    left, right = (side.astype(np.float64) - side.mean(axis=0, dtype=np.float64) for side in (x, y))
    both, own_left, own_right = (_hsic(a, b) for a, b in ((left, right), (left, left), (right, right)))
    product = np.maximum(own_left, 0.0) * np.maximum(own_right, 0.0)
    values = np.divide(both, np.sqrt(product), out=np.full(len(x) + 1, np.nan), where=product > 0)
    return float(values[0]), values[1:]


def pseudo_values(whole: float, without_each: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each row contributes to a statistic: n whole - (n - 1) without it; their mean is the jackknife estimate.

    Source: Tukey 1958; their bootstrap is that of the statistic to first order.
    """
    n = len(without_each)
    return np.asarray(n * whole - (n - 1) * without_each)


def _hsic(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unbiased HSIC, up to a factor that depends on n only, of all rows and without each: (1 + n,).

    k and m are the Gram matrices without their diagonals; only sums over their rows are needed.
    """
    n = len(x)
    diagonal_x, diagonal_y = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)
    k, m = x @ x.sum(axis=0) - diagonal_x, y @ y.sum(axis=0) - diagonal_y
    both = np.einsum("ij,ij->i", x @ (x.T @ y), y) - diagonal_x * diagonal_y
    k_of_m, m_of_k = x @ (x.T @ m) - diagonal_x * m, y @ (y.T @ k) - diagonal_y * k
    whole = _combined(both.sum(), k.sum(), m.sum(), k @ m, n)
    crossed = k @ m - k * m - k_of_m - m_of_k + both
    without = _combined(both.sum() - 2 * both, k.sum() - 2 * k, m.sum() - 2 * m, crossed, n - 1)
    return np.concatenate(([whole], np.asarray(without)))


def _combined(
    both: NDArray[np.float64],
    all_k: NDArray[np.float64],
    all_m: NDArray[np.float64],
    crossed: NDArray[np.float64],
    n: int,
) -> NDArray[np.float64]:
    return np.asarray(both + all_k * all_m / ((n - 1) * (n - 2)) - 2.0 / (n - 2) * crossed)
