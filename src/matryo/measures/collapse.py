"""Have vectors collapsed: how far they spread, over how many directions, and how alike they are."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.prefix import Array, check_matrix, unit_rows


@dataclass(frozen=True)
class Collapse:
    """How far a set of vectors has collapsed.

    Attributes:
        n: vectors.
        dim: numbers of each.
        trace: trace of the covariance; it falls to 0 when all vectors meet in one point.
        relative_trace: trace over the mean squared length, 0 to 1: free of scale.
        effective_rank: directions the vectors use, 1 to dim; it falls when they lie on few of them, which the trace
            does not show. 0 if all are zero.
        mean_std: mean over the dims of the standard deviation.
        min_std: smallest one.
        max_std: largest one.
        mean_cosine: mean cosine of two different vectors; 1 when all point one way.
    """

    n: int
    dim: int
    trace: float
    relative_trace: float
    effective_rank: float
    mean_std: float
    min_std: float
    max_std: float
    mean_cosine: float


def collapse(x: Array) -> Collapse:
    """Measure the collapse of a set of vectors, as they are: cut them first.

    Args:
        x: (n, d) float, at least 2 rows.

    Raises: ShapeError if x is no finite float matrix; MatryoError if it has fewer than 2 rows.

    >>> found = collapse(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]))
    >>> round(found.relative_trace, 6), round(found.effective_rank, 6), round(found.mean_cosine, 6)
    (1.0, 2.0, -0.333333)
    """
    check_matrix(x)
    if len(x) < 2:
        raise MatryoError(f"collapse is measured on at least 2 vectors, got {len(x)}; encode more texts")
    wide = x.astype(np.float64)
    variances = wide.var(axis=0)
    trace = float(variances.sum())
    length = float((wide**2).sum(axis=1).mean())
    deviations = np.sqrt(variances)
    return Collapse(
        n=len(x),
        dim=x.shape[1],
        trace=trace,
        relative_trace=trace / length if length > 0 else 0.0,
        effective_rank=effective_rank(wide),
        mean_std=float(deviations.mean()),
        min_std=float(deviations.min()),
        max_std=float(deviations.max()),
        mean_cosine=mean_cosine(wide),
    )


def dim_stds(x: Array) -> NDArray[np.float64]:
    """Standard deviation of every column, (n, d) -> (d,), divided by n.

    >>> dim_stds(np.array([[1.0, 5.0], [3.0, 5.0]]))
    array([1., 0.])
    """
    check_matrix(x)
    return np.asarray(x.astype(np.float64).std(axis=0))


def effective_rank(x: Array) -> float:
    """Exponential of the entropy of the singular values, each as a share of their sum; 0 for a zero matrix.

    Args:
        x: (n, d) float, not centred: vectors that share one direction and little else have a rank near 1.

    Source: RankMe, Garrido et al. 2023; effective rank of Roy and Vetterli 2007.

    >>> round(effective_rank(np.diag([2.0, 2.0, 0.0])), 6)
    2.0
    """
    check_matrix(x)
    wide = x.astype(np.float64)
    small = wide if wide.shape[0] < wide.shape[1] else wide.T
    squares = np.linalg.eigvalsh(small @ small.T)
    # what is left of a zero singular value after squaring is rounding, and its root would count
    kept = squares[squares > squares[-1] * len(squares) * np.finfo(np.float64).eps]
    if not len(kept):
        return 0.0
    shares = np.sqrt(kept)
    shares /= shares.sum()
    return math.exp(-float((shares * np.log(shares)).sum()))


def mean_cosine(x: Array) -> float:
    """Mean cosine of all pairs of two different rows; a zero row has cosine 0 with every other.

    Raises: MatryoError if there are fewer than 2 rows.

    >>> mean_cosine(np.array([[2.0, 0.0], [0.0, 1.0], [5.0, 0.0]])) # one pair of three is parallel
    0.3333333333333333
    """
    if len(x) < 2:
        raise MatryoError(f"a mean cosine needs at least 2 vectors, got {len(x)}")
    unit = unit_rows(x.astype(np.float64))
    n = len(unit)
    total = unit.sum(axis=0)
    return float((total @ total - (unit**2).sum()) / (n * (n - 1)))
