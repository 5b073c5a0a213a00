"""Is the order of the columns the order of variance, that is: are these the axes of a PCA of such texts?

A rotation onto principal axes has two marks in the second moment of the vectors it makes: the energies of the columns
fall, and the columns are uncorrelated. On other texts than those it was fitted on neither holds exactly. How far they
may miss is known: if n1 rows were fitted and n other rows of the same kind are measured, then to first order every
squared correlation of two columns is (1/n1 + 1/n) on average, times their fourth moment E[x^2 y^2] / (E[x^2] E[y^2]),
whichever columns they are (Anderson 1963 gives the sampling error of principal axes; the factors of the eigenvalues
cancel). So the deviation that is allowed is that of a rotation fitted on 1,000 rows, or on half as many as are
measured if those are fewer. Anything farther is not the order of variance of texts like these, though it may be that
of others.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.prefix import Array

FIT_ROWS = 1000
"""A rotation fitted on fewer rows than this is told from the real order of variance."""
NEAR = 8
"""Columns so close in the order are also judged by themselves: mixing neighbours hides in the mean over all pairs."""
BEND_SIGMA = 6.0
"""No later column may hold more energy than an earlier one by so many standard errors; 384 columns are 73,536 pairs."""
SMALLEST_FALL = 1.2
"""The first quarter of the columns must hold so many times the energy of the last: equal energies have no order."""
DIFFERENT = 3.0
"""The columns' energies must differ by so many squared standard errors on average: else any order is theirs ..."""
EXPLAINED = 2 / 3
"""... and a curve that falls along the order must explain such a share of what they differ by."""
ROWS_PER_COLUMN = 2
"""With fewer rows per column PCA of other texts cannot be told from what resembles it."""
_DEAD = 1e-6  # share of the mean energy below which a column holds rounding errors


@dataclass(frozen=True)
class VarianceOrder:
    """How one kind of PCA fits the columns.

    Attributes:
        kind: "uncentred" (energies) or "centred" (variances).
        differing: mean squared distance of the energies from their mean, in squared standard errors.
        falls: first quarter's energy over the last quarter's.
        worst_rise: largest rise of the energy from an earlier to a later column, in standard errors.
        roughness: mean squared distance of the energies from the best falling curve, in squared standard errors.
        correlation: mean squared correlation of two columns over what a rotation of enough other rows leaves.
        near: the same of columns at most 8 apart.
        slack: what these two ratios may reach.
    """

    kind: str
    differing: float
    falls: float
    worst_rise: float
    roughness: float
    correlation: float
    near: float
    slack: float

    @property
    def holds(self) -> bool:
        """Whether the columns are the axes of this PCA, in its order."""
        return (
            self.falls_along
            and self.worst_rise <= BEND_SIGMA
            and self.roughness <= self.slack
            and self.correlation <= self.slack
            and self.near <= self.slack
        )

    @property
    def falls_along(self) -> bool:
        """Whether the energies fall by and large, however rough the fall and however correlated the columns."""
        return self.falls >= SMALLEST_FALL and self.differing >= DIFFERENT and self.explained >= EXPLAINED

    @property
    def explained(self) -> float:
        """Share of the differences of the energies that a curve falling along the order explains."""
        return 1.0 - self.roughness / self.differing if self.differing > 0 else 0.0

    def numbers(self) -> Mapping[str, float]:
        """Name -> value, the kind in each name."""
        names = ("differing", "explained", "falls", "worst_rise", "roughness", "correlation", "near")
        return {f"{self.kind} {name.replace('_', ' ')}": float(getattr(self, name)) for name in names}


def variance_orders(rows: Array) -> tuple[VarianceOrder, VarianceOrder]:
    """Compare the columns with the axes of an uncentred and of a centred PCA.

    Args:
        rows: (n, width) float, n >= 2.

    Returns: uncentred, centred.
    Source: ours; the sampling error of principal axes is Anderson 1963.
    """
    x = rows.astype(np.float64)
    return _compare("uncentred", x), _compare("centred", x - x.mean(axis=0))


def fit_rows(n: int) -> int:
    """Rows that a rotation must have been fitted on to pass for the order of variance, where n are measured.

    >>> fit_rows(600), fit_rows(5000)
    (300, 1000)
    """
    return max(1, min(n // 2, FIT_ROWS))


def _compare(kind: str, x: NDArray[np.float64]) -> VarianceOrder:
    n = len(x)
    energy = (x * x).mean(axis=0)
    alive = energy > _DEAD * energy.mean()
    x, energy = np.compress(alive, x, axis=1), energy[alive]
    width = len(energy)
    if width < 4:
        return VarianceOrder(kind, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    moment = x.T @ x / n
    squares = x * x
    fourth = (squares.T @ squares / n) / np.outer(energy, energy)
    squared = moment**2 / np.outer(energy, energy)
    error = 1 / n + 1 / fit_rows(n)
    apart = np.abs(np.subtract.outer(np.arange(width), np.arange(width)))
    near = (apart > 0) & (apart <= NEAR)
    far = apart > 0
    variance = np.clip(np.diag(fourth) - 1.0, 1e-9, None) * error  # of the log of a column's energy
    logs = np.log(energy)
    quarter = max(1, width // 4)
    return VarianceOrder(
        kind,
        differing=_roughness(logs, variance, falling=False),
        falls=float(energy[:quarter].mean() / energy[-quarter:].mean()),
        worst_rise=_worst_rise(logs, variance),
        roughness=_roughness(logs, variance),
        correlation=float(squared[far].mean() / (fourth[far].mean() * error)),
        near=float(squared[near].mean() / (fourth[near].mean() * error)),
        slack=1.0 + 3.0 * np.sqrt(2.0 / (NEAR * width)),
    )


def _worst_rise(logs: NDArray[np.float64], variance: NDArray[np.float64]) -> float:
    """Largest (later - earlier) over its standard error."""
    rise = (logs[None, :] - logs[:, None]) / np.sqrt(variance[None, :] + variance[:, None])
    return float(rise[np.triu_indices(len(logs), 1)].max())


def _roughness(logs: NDArray[np.float64], variance: NDArray[np.float64], *, falling: bool = True) -> float:
    """Mean squared distance from the best falling curve, or from the best level, in squared standard errors."""
    from scipy.optimize import isotonic_regression

    if falling:
        fitted = isotonic_regression(logs, weights=1 / variance, increasing=False).x
    else:
        fitted = np.average(logs, weights=1 / variance)
    return float(np.mean((logs - fitted) ** 2 / variance))
