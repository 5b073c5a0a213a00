"""How well translated vectors predict the native ones: squared error, R2, cosine, at every prefix of the target.

The squared error of one target must not be held against that of another: unit vectors of 384 numbers have a variance
of about 1/384 per number, those of 3,072 one eight times smaller, so that the wider target has the smaller error
whatever the map is worth. R2 divides by the error of the best constant guess for that target and is free of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from matryo.errors import ShapeError
from matryo.measures.intervals import Interval
from matryo.measures.similarity import cosine_rows
from matryo.measures.statistics import bootstrap_ratio
from matryo.prefix import Array, block, check_dims, check_matrix, prefix_blocks

_BLOCK_ROWS = 4_096


@dataclass(frozen=True, eq=False)
class Regression:
    """Errors of predicted vectors.

    Attributes:
        n: rows.
        dims: prefixes of the target, rising, the last one is its width; prefixes as they are, not renormalised.
        mse: (len(dims),) mean squared error per number. Not comparable between targets.
        r2: (len(dims),) 1 - squared error / squared deviation from the training mean, both summed over rows and
            prefix. 1 is perfect, 0 as good as the training mean, below 0 worse. NaN if the prefix does not vary.
        r2_per_dim: (width,) the same of each number alone; NaN where it does not vary.
        cosines: (n,) cosine of each row with its native one; 0 for a zero row.
        errors: (n, len(dims)) squared error of each row's prefix.
        spreads: (n, len(dims)) squared deviation of each row's native prefix from the training mean.
    """

    n: int
    dims: tuple[int, ...]
    mse: NDArray[np.float64]
    r2: NDArray[np.float64]
    r2_per_dim: NDArray[np.float64]
    cosines: NDArray[np.float64]
    errors: NDArray[np.float64]
    spreads: NDArray[np.float64]

    @property
    def mean_cosine(self) -> float:
        """Mean of the cosines. High by itself where all native vectors point one way: look at R2 too."""
        return float(self.cosines.mean())

    @property
    def n_constant(self) -> int:
        """How many numbers of the target do not vary, so that they have no R2."""
        return int(np.isnan(self.r2_per_dim).sum())


def measure_regression(
    predicted: Array, target: Array, training_mean: ArrayLike, dims: Sequence[int] | None = None
) -> Regression:
    """Measure predicted vectors against the native ones of the same texts.

    Args:
        predicted: (n, width) float, as the map gives them.
        target: (n, width) float, native vectors.
        training_mean: (width,) mean of the target's vectors that the map was fitted on: the best constant guess before
            the test rows are seen. Their own mean would be a stronger opponent, which no user has.
        dims: prefixes of the target in any order; None = the width only. The width is always among them.

    Raises: ShapeError if shapes differ, a number is not finite, there is no row, or dims do not fit.
    Source: R2 of several outputs weighted by their variance, as in Hastie, Tibshirani and Friedman 2009, section 3.2;
        the training mean as reference: ours.

    >>> native = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> found = measure_regression(np.array([[1.0, 0.0], [0.0, 0.0]]), native, training_mean=[0.5, 0.5], dims=(1,))
    >>> found.dims, found.r2.tolist(), found.cosines.tolist()
    ((1, 2), [1.0, 0.0], [1.0, 0.0])
    """
    check_matrix(predicted, name="predicted")
    check_matrix(target, name="target")
    if predicted.shape != target.shape:
        raise ShapeError(
            f"predicted and target must have one shape, got {predicted.shape} and {target.shape}; pair them row by row"
        )
    n, width = target.shape
    if not n:
        raise ShapeError("predicted and target have no rows, expected at least one; give the rows of the test texts")
    mean = np.asarray(training_mean, dtype=np.float64)
    if mean.shape != (width,) or not np.isfinite(mean).all():
        raise ShapeError(
            f"training_mean must be {width} finite numbers, got shape {mean.shape}; average the fitted rows"
        )
    rising = check_dims({*(dims or ()), width}, width)
    parts = prefix_blocks(rising)
    errors, spreads = np.empty((n, len(rising))), np.empty((n, len(rising)))
    error_per_dim, spread_per_dim = np.zeros(width), np.zeros(width)
    for start in range(0, n, _BLOCK_ROWS):
        rows = slice(start, start + _BLOCK_ROWS)
        native = target[rows].astype(np.float64)
        error, spread = (predicted[rows] - native) ** 2, (native - mean) ** 2
        error_per_dim += error.sum(axis=0)
        spread_per_dim += spread.sum(axis=0)
        for kept, whole in ((errors, error), (spreads, spread)):
            kept[rows] = np.cumsum([block(whole, low, high).sum(axis=1) for low, high in parts], axis=0).T
    total = errors.sum(axis=0)
    return Regression(
        n=n,
        dims=rising,
        mse=total / (n * np.array(rising)),
        r2=_r2(total, spreads.sum(axis=0)),
        r2_per_dim=_r2(error_per_dim, spread_per_dim),
        cosines=cosine_rows(predicted, target),
        errors=errors,
        spreads=spreads,
    )


def r2_interval(
    found: Regression,
    dim: int | None = None,
    groups: ArrayLike | None = None,
    *,
    n_draws: int = 10_000,
    level: float = 0.95,
    seed: int,
) -> Interval:
    """R2 at one prefix with a bootstrap interval over the rows, errors and deviations drawn together.

    Args:
        found: of `measure_regression`.
        dim: one of its dims; None = the width.
        groups: (n,) labels of rows that are drawn as a whole, e.g. titles; None = every row by itself.
        n_draws: bootstrap draws.
        level: of the interval.
        seed: of the draws.

    Raises: ShapeError if the dim was not measured; MatryoError if the prefix does not vary.
    """
    if dim is not None and dim not in found.dims:
        raise ShapeError(f"dim must be one of those measured, {found.dims}, got {dim}; measure it too")
    column = found.dims.index(found.dims[-1] if dim is None else dim)
    left = bootstrap_ratio(
        found.errors[:, column], found.spreads[:, column], groups, n_draws=n_draws, level=level, seed=seed
    )
    return Interval(1.0 - left.value, 1.0 - left.high, 1.0 - left.low, left.n, left.n_groups)


def _r2(error: NDArray[np.float64], spread: NDArray[np.float64]) -> NDArray[np.float64]:
    shares: NDArray[np.float64] = np.divide(error, spread, out=np.full(len(error), np.nan), where=spread > 0)
    return 1.0 - shares
