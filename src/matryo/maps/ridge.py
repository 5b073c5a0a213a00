"""Ridge translators: least squares with a penalty chosen by cross-validation, from one pass over the rows."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.maps.affine import AffineMap
from matryo.maps.folds import Groups, fold_numbers
from matryo.maps.moments import Matrix, Moments, total
from matryo.maps.pairs import PairPass
from matryo.maps.ridge_path import RidgePath, cross_validated
from matryo.maps.sides import Side
from matryo.prefix import block, check_dims, cut

# Shares of the mean energy of a source direction; 0 is plain least squares.
PENALTIES = (0.0, 1e-5, 1e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 3.0, 10.0)


@dataclass(frozen=True)
class RidgeSettings:
    """How a ridge translator is fitted.

    Attributes:
        penalties: to choose from, >= 0, each a share of the mean energy of a source direction; a single one is taken as
            it is, without cross-validation; 0 = plain least squares.
        n_folds: of the cross-validation.
        intercept: fit an offset.
        seed: of the folds.
    """

    penalties: tuple[float, ...] = PENALTIES
    n_folds: int = 5
    intercept: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse penalties below 0; put them in rising order."""
        given = list(self.penalties)
        if not given or not all(isinstance(p, int | float) and math.isfinite(p) and p >= 0 for p in given):
            raise MatryoError(f"penalties must be numbers >= 0, got {given}; give for example 0,0.01,0.1,1")
        object.__setattr__(self, "penalties", tuple(sorted({float(p) for p in given})))


def fit_ridge(
    source: Side,
    target: Side,
    *,
    settings: RidgeSettings | None = None,
    groups: Groups | None = None,
    target_dim: int | None = None,
    allow_degenerate: bool = False,
) -> AffineMap:
    """Linear translator by least squares with an L2 penalty on the matrix, not on the offset.

    The rows are read once, in blocks, into float64 sums per fold; memory does not grow with their number. The penalty
    with the best R2 on left-out folds is kept, the larger one among equals.

    Args:
        source: (n, d) unit rows of the space to translate from: a set, or `SpaceRows`.
        target: (n, d2) unit rows of the same texts in the same order.
        settings: penalties, folds, intercept.
        groups: one value per row; rows with equal values are never on both sides, e.g. paragraphs of one title.
        target_dim: fit toward the first `target_dim` target columns only; None for all. With one penalty this equals
            `to_prefix(target_dim)` of the full map.
        allow_degenerate: take fewer rows than source columns, or constant columns, with the smallest map that fits.

    Returns: AffineMap of kind "ridge"; its settings hold the penalty, and R2 on left-out folds at each.
    Raises: MatryoError for too few rows, constant columns or ids that differ; ShapeError for row counts that differ or
        rows that are not of length 1.
    Source: Hoerl and Kennard 1970; folds from differences of sums: ours.
    """
    dims, chosen = (source.width,), settings or RidgeSettings()
    return _fit(PairPass(source, target), dims, chosen, groups, target_dim, allow_degenerate)[source.width]


def fit_nested_ridge(
    source: Side,
    target: Side,
    source_dims: Iterable[int],
    *,
    renormalise: bool = True,
    settings: RidgeSettings | None = None,
    groups: Groups | None = None,
    allow_degenerate: bool = False,
) -> dict[int, AffineMap]:
    """Ridge translators from several source prefixes, from one pass over the rows.

    Args:
        source: as for `fit_ridge`.
        target: as for `fit_ridge`.
        source_dims: prefix lengths of the source, in any order.
        renormalise: True: from prefixes as they are cut everywhere, scaled to length 1, which needs sums of their own
            per dim. A map reads vectors of that many numbers, or whole ones, which it cuts. False: from the first
            numbers as they lie in the whole vector, whose sums are principal submatrices of one and the same matrix:
            cheaper, and the length of the prefix remains as a hint, but such a map needs whole vectors to read from; it
            is given at full width, with rows of 0 for the columns that it leaves out.
        settings: as for `fit_ridge`; the penalty is chosen for every dim on its own.
        groups: as for `fit_ridge`.
        allow_degenerate: as for `fit_ridge`.

    Returns: dim -> AffineMap of kind "ridge".
    Raises: as `fit_ridge`; ShapeError for dims beyond the source's width.
    Source: ours.
    """
    rows, dims = PairPass(source, target), check_dims(source_dims, source.width)
    return _fit(rows, dims, settings or RidgeSettings(), groups, None, allow_degenerate, as_stored=not renormalise)


def _fit(
    rows: PairPass,
    dims: tuple[int, ...],
    settings: RidgeSettings,
    groups: Groups | None,
    target_dim: int | None,
    allow_degenerate: bool,
    *,
    as_stored: bool = False,
) -> dict[int, AffineMap]:
    """Read once, then solve for every source dim."""
    n, n_columns = rows.source.n_rows, rows.target.width
    if target_dim is not None:
        (n_columns,) = check_dims([target_dim], n_columns)
    chooses = len(settings.penalties) > 1
    # one fold holds all rows where there is nothing to choose
    folds = fold_numbers(n, settings.n_folds, groups=groups, seed=settings.seed) if chooses else np.zeros(n, np.int64)
    sums = _sums(rows, folds, (dims[-1],) if as_stored else dims, n_columns, as_stored)
    facts = rows.check_decided(allow_degenerate, dims[-1]) | {
        "intercept": settings.intercept,
        "renormalise": not as_stored,
    }
    if chooses:
        facts |= {"n_folds": settings.n_folds, "seed": settings.seed, "grouped": groups is not None}
    fitted = {}
    for dim in dims:
        parts = [fold.of_prefix(dim) for fold in sums[dims[-1]]] if as_stored else sums[dim]
        matrix, offset, found = _solve(parts, settings)
        if as_stored:
            matrix = np.concatenate([matrix, np.zeros((rows.source.width - dim, n_columns))])
        numbers = matrix.astype(np.float32), offset.astype(np.float32)
        found = {**facts, **found, "source_dim": dim}
        fitted[dim] = AffineMap(*numbers, rows.source.space, rows.target.space, "ridge", found)
    return fitted


def _sums(
    rows: PairPass, folds: NDArray[np.int64], dims: tuple[int, ...], n_columns: int, as_stored: bool
) -> dict[int, list[Moments]]:
    """Sums per source dim and fold."""
    n_folds = int(folds.max()) + 1
    sums = {dim: [Moments.nothing(dim, n_columns) for _ in range(n_folds)] for dim in dims}
    for start, x, y in rows.blocks():
        columns, fold_of = block(y, 0, n_columns), folds[start : start + len(x)]
        for dim in dims:
            whole = as_stored or dim == x.shape[1]
            part = block(x, 0, dim) if whole else cut(x, dim)
            for fold, moments in enumerate(sums[dim]):
                chosen = slice(None) if n_folds == 1 else np.flatnonzero(fold_of == fold)
                moments.add(part[chosen], columns[chosen])
    return sums


def _solve(parts: list[Moments], settings: RidgeSettings) -> tuple[Matrix, Matrix, dict[str, Any]]:
    """Choose the penalty on left-out folds and solve on all rows: matrix, offset, what was found."""
    grid = settings.penalties
    penalty, found = grid[0], {}
    if len(grid) > 1:
        scores = cross_validated(parts, grid, intercept=settings.intercept)
        best = int(len(grid) - 1 - np.argmax(scores[::-1]))
        penalty = grid[best]
        found = {"penalties": list(grid), "r2_left_out": scores.round(8).tolist(), "at_edge": best == len(grid) - 1}
    path = RidgePath.of(total(parts), intercept=settings.intercept)
    return *path.solve(penalty), {**found, "penalty": penalty, "alpha": path.absolute(penalty), "rank": path.rank}
