"""Ridge maps for every penalty from one eigendecomposition, and their error on rows that were left out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.maps.moments import Matrix, Moments, total


@dataclass(frozen=True, eq=False)
class RidgePath:
    """All ridge maps of some rows.

    A penalty is a share of the mean energy of a source direction (the mean eigenvalue of the centred sum of x x^T), so
    that one list of penalties fits any number of rows and any width; `absolute` gives what is added to the diagonal.

    Attributes:
        x_mean: (d,), 0 without an intercept.
        y_mean: (d2,), 0 without an intercept.
        energies: (d,) eigenvalues of the centred sum of x x^T, 0 where they are nothing but rounding.
        directions: (d, d) its eigenvectors, one per column.
        projected: (d, d2) directions^T times the centred sum of x y^T.
    """

    x_mean: Matrix
    y_mean: Matrix
    energies: Matrix
    directions: Matrix
    projected: Matrix

    @classmethod
    def of(cls, moments: Moments, *, intercept: bool = True) -> "RidgePath":
        """Decompose once; every penalty is cheap from then on."""
        x_mean, y_mean = moments.x / moments.n, moments.y / moments.n
        if not intercept:
            x_mean, y_mean = np.zeros_like(x_mean), np.zeros_like(y_mean)
        xx, xy = _centred(moments, x_mean, y_mean)
        energies, directions = np.linalg.eigh(xx)
        # float64 resolves an eigenvalue to about its own epsilon times the largest one; a smaller one is rounding
        smallest = max(energies[-1], 0.0) * 10 * len(energies) * np.finfo(np.float64).eps
        return cls(x_mean, y_mean, np.where(energies > smallest, energies, 0.0), directions, directions.T @ xy)

    @property
    def rank(self) -> int:
        """Directions in which the source rows differ."""
        return int(np.count_nonzero(self.energies))

    def absolute(self, penalty: float) -> float:
        """What a penalty adds to the diagonal of the sum of x x^T: scikit-learn's alpha."""
        return float(penalty * self.energies.mean())

    def gains(self, penalty: float) -> Matrix:
        """(d,) what each direction's projection is multiplied by: 1 / (energy + penalty), 0 where there is no energy.

        At penalty 0 this is the pseudo-inverse, so the map is the smallest of all that fit best.
        """
        seen = self.energies > 0.0
        gains = np.zeros_like(self.energies)
        gains[seen] = 1.0 / (self.energies[seen] + self.absolute(penalty))
        return gains

    def solve(self, penalty: float) -> tuple[Matrix, Matrix]:
        """Matrix (d, d2) and offset (d2,) at one penalty."""
        matrix = self.directions @ (self.gains(penalty)[:, None] * self.projected)
        return matrix, self.y_mean - self.x_mean @ matrix

    def errors(self, held_out: Moments, penalties: Sequence[float]) -> Matrix:
        """Sum of squared errors on other rows at every penalty, without forming a single map.

        In the basis of the directions a map is gains * projected, so the error is a quadratic form in the gains.
        """
        xx, xy = _centred(held_out, self.x_mean, self.y_mean)
        n, y, mean = held_out.n, held_out.y, self.y_mean
        yy = float((held_out.yy - 2.0 * mean * y + n * mean**2).sum())
        form = (self.directions.T @ xx @ self.directions) * (self.projected @ self.projected.T)
        linear = (self.projected * (self.directions.T @ xy)).sum(axis=1)
        gains = [self.gains(penalty) for penalty in penalties]
        return np.array([yy - 2.0 * linear @ g + g @ form @ g for g in gains])


def cross_validated(folds: Sequence[Moments], penalties: Sequence[float], *, intercept: bool = True) -> Matrix:
    """R2 on left-out folds at every penalty, against the target's mean over the rows that were fitted on.

    Args:
        folds: sums over the rows of each fold.
        penalties: >= 0.
        intercept: as in the fit.

    Returns: (len(penalties),) float64, 1 = no error, 0 = as good as the mean.
    """
    every = total(list(folds))
    errors, spread = np.zeros(len(penalties)), 0.0
    for fold in folds:
        rest = every.plus(fold, -1)
        errors += RidgePath.of(rest, intercept=intercept).errors(fold, penalties)
        mean = rest.y / rest.n
        spread += float((fold.yy - 2.0 * mean * fold.y + fold.n * mean**2).sum())
    scores: NDArray[np.float64] = 1.0 - errors / max(spread, np.finfo(np.float64).tiny)
    return scores


def _centred(moments: Moments, x_mean: Matrix, y_mean: Matrix) -> tuple[Matrix, Matrix]:
    """Sums of (x - x_mean)(x - x_mean)^T and of (x - x_mean)(y - y_mean)^T."""
    n, x, y = moments.n, moments.x, moments.y
    crossed = np.outer(x, x_mean)
    xx = moments.xx - crossed - crossed.T + n * np.outer(x_mean, x_mean)
    xy = moments.xy - np.outer(x, y_mean) - np.outer(x_mean, y) + n * np.outer(x_mean, y_mean)
    return xx, xy
