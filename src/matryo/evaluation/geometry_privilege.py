"""Is the prefix privileged: does it find more of the full width's neighbours than equally many random dims?

If the order of the columns means nothing, then the real order is one of many equally good ones, and a statistic of it
is a draw from the same statistic of random orders: an exact permutation test. The statistic is the advantage at an
eighth, a quarter and a half of the columns, each divided by its spread over random orders, and averaged.

One column of very much energy decides neighbours by itself, and stands among the first eighth of the columns by luck
in one order of eight. So columns of outlying energy are left out before the test, for the prefix and for the random
orders alike. And because many rows make any trifle significant, the advantage must also have a size.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.evaluation.geometry_agreement import Neighbours
from matryo.prefix import Array

N_ORDERS = 200
"""Random orders of the columns; the real one must beat them all."""
SIGMA = 4.0
"""So many standard deviations of the random orders the real one must stand above their mean: p < 4e-5 if normal."""
UNSURE_SIGMA = 3.0
"""From here to `SIGMA` nothing is decided: chance comes so far once in 740 spaces."""
SMALLEST_ADVANTAGE = 0.01
"""Mean over the dims of the share of neighbours found beyond random dims: less than one in a hundred is a trifle."""
LEAST_ROWS = 200
"""Distinct rows below which k neighbours are no neighbourhood but a fair part of all."""
LEAST_COLUMNS = 16
"""Columns below which too few orders differ."""
OUTLIER_ENERGY = 8.0
"""Times the median energy of a column, from which it is left out ..."""
OUTLIER_SHARE = 1 / 32
"""... those of most energy first, at most such a share of the columns (and at least one may be)."""
TEST_ROWS = 2000
TEST_QUERIES = 300
_SHARES = (8, 4, 2)


@dataclass(frozen=True)
class Privilege:
    """What the test found.

    Attributes:
        advantage: mean over the dims of the prefix's agreement minus that of random orders.
        low, high: its 95 % interval over the queries (paired: the same queries for every order), normal.
        over_suffix: mean agreement of the prefix minus that of the suffix.
        sigma: the statistic of the real order in standard deviations of the random orders above their mean.
        rank: random orders at least as good as the real one, 0 = it beats them all.
        n_orders: random orders that were tried.
        dims: of the statistic, counted without the columns that were left out.
        n_outliers: columns left out.
    """

    advantage: float
    low: float
    high: float
    over_suffix: float
    sigma: float
    rank: int
    n_orders: int
    dims: tuple[int, ...]
    n_outliers: int

    @property
    def holds(self) -> bool | None:
        """Whether the prefix is privileged; None where chance is neither excluded nor likely."""
        large = self.advantage >= SMALLEST_ADVANTAGE and self.low > 0 and self.over_suffix >= SMALLEST_ADVANTAGE
        if not large or self.sigma < UNSURE_SIGMA:
            return False
        return True if self.sigma >= SIGMA and self.rank == 0 else None

    def numbers(self) -> Mapping[str, float]:
        """Name -> value."""
        return {
            "advantage": self.advantage,
            "advantage low": self.low,
            "advantage high": self.high,
            "advantage over suffix": self.over_suffix,
            "sigma": self.sigma,
            "orders as good": float(self.rank),
            "orders": float(self.n_orders),
            "columns left out": float(self.n_outliers),
        }


def measure_privilege(rows: Array, k: int, seed: int, *, n_orders: int = N_ORDERS) -> Privilege:
    """Compare the real order of the columns with random orders.

    Args:
        rows: (n, width) float, distinct, in random order, at least `LEAST_ROWS` x `LEAST_COLUMNS`.
        k: neighbours of each query.
        seed: of the random orders.
        n_orders: how many.

    Returns: Privilege.
    Source: permutation tests, Fisher 1935; the statistic and the handling of outlying columns are ours.
    """
    kept = usual_columns(rows)
    space = Neighbours(np.take(rows[:TEST_ROWS], kept, axis=1), min(TEST_QUERIES, len(rows)), k)
    width = len(kept)
    dims = tuple(sorted({max(1, width // share) for share in _SHARES}))
    rng = np.random.default_rng(seed)
    by_query = np.zeros((min(TEST_QUERIES, len(rows)), len(dims)))
    drawn = np.empty((n_orders, len(dims)))
    for i in range(n_orders):
        found = space.agreement(rng.permutation(width), dims)
        by_query += found / n_orders
        drawn[i] = found.mean(axis=0)
    real = space.agreement(np.arange(width), dims)
    suffix = space.agreement(np.arange(width)[::-1], dims)
    sigma, rank = _standing(real.mean(axis=0), drawn)
    ahead = (real - by_query).mean(axis=1)
    error = 1.96 * float(ahead.std(ddof=1)) / np.sqrt(len(ahead))
    advantage = float(ahead.mean())
    return Privilege(
        advantage,
        advantage - error,
        advantage + error,
        float(real.mean() - suffix.mean()),
        sigma,
        rank,
        n_orders,
        dims,
        rows.shape[1] - width,
    )


def usual_columns(rows: Array) -> NDArray[np.int64]:
    """Columns without those of outlying energy, in their order.

    >>> usual_columns(np.array([[1.0, 20.0, 1.0, 1.0]]))
    array([0, 2, 3])
    """
    energy = np.einsum("ij,ij->j", rows, rows, dtype=np.float64)
    most = max(1, int(len(energy) * OUTLIER_SHARE))
    outlying = [j for j in np.argsort(-energy)[:most] if energy[j] > OUTLIER_ENERGY * np.median(energy)]
    return np.setdiff1d(np.arange(len(energy)), outlying)


def _standing(real: NDArray[np.float64], drawn: NDArray[np.float64]) -> tuple[float, int]:
    """Of the real order among the drawn ones: standard deviations above the mean, and how many are as good."""
    spread = drawn.std(axis=0, ddof=1)
    told = spread > 0
    if not told.any():  # every order finds the same neighbours
        return 0.0, len(drawn)
    centre = drawn.mean(axis=0)[told]
    statistic = ((drawn[:, told] - centre) / spread[told]).mean(axis=1)
    own = float(((real[told] - centre) / spread[told]).mean())
    return own / float(statistic.std(ddof=1)), int((statistic >= own).sum())
