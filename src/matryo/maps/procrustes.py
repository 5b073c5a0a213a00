"""Orthogonal translators: the rotation that brings one space closest to another."""

import numpy as np

from matryo.errors import MatryoError
from matryo.maps.affine import AffineMap
from matryo.maps.pairs import PairPass
from matryo.maps.sides import Side
from matryo.prefix import block, check_dims


def fit_procrustes(
    source: Side,
    target: Side,
    *,
    centre: bool = False,
    target_dim: int | None = None,
    allow_degenerate: bool = False,
) -> AffineMap:
    """Orthogonal translator: min ||X R - Y|| over R with R^T R = 1, from one pass over the rows.

    It keeps every similarity within the source, so it can only turn the source's view of the texts, not change it.
    Unequal widths are filled up with zeros: from a narrow space into a wide one nothing is lost (rows of the matrix are
    orthonormal), the other way the columns are. Unlike ridge it does not nest: the fit toward a target prefix is not
    the prefix of the fit, because all columns are solved together.

    Args:
        source: (n, d) unit rows of the space to translate from: a set, or `SpaceRows`.
        target: (n, d2) unit rows of the same texts in the same order.
        centre: turn about the means instead of the origin, which gives an offset.
        target_dim: fit toward the first `target_dim` target columns only; None for all.
        allow_degenerate: take fewer rows than source columns, or constant columns: the rotation is then one of several
            that fit equally well.

    Returns: AffineMap of kind "procrustes".
    Raises: as `fit_ridge`; MatryoError too if the rows leave the rotation open.
    Source: Schoenemann 1966.
    """
    rows = PairPass(source, target)
    width = rows.source.width
    n_columns = rows.target.width if target_dim is None else check_dims([target_dim], rows.target.width)[0]
    crossed, x_sum, y_sum = np.zeros((width, n_columns)), np.zeros(width), np.zeros(n_columns)
    for _, x, y in rows.blocks():
        wide, columns = x.astype(np.float64), block(y, 0, n_columns).astype(np.float64)
        crossed += wide.T @ columns
        x_sum += wide.sum(axis=0)
        y_sum += columns.sum(axis=0)
    facts = rows.check_decided(allow_degenerate)
    n = rows.source.n_rows
    if centre:
        crossed -= np.outer(x_sum, y_sum) / n
    # of the square matrix filled up with zeros, only the directions of the smaller width have a say in this part
    left, strengths, right = np.linalg.svd(crossed, full_matrices=False)
    # vectors are float32: what is weaker than their rounding says nothing
    rank = int(np.count_nonzero(strengths > strengths[0] * np.finfo(np.float32).eps))
    if rank < len(strengths) and not allow_degenerate:
        raise MatryoError(
            f"the rows decide a rotation in {rank} of {len(strengths)} directions only; give more pairs, or "
            "allow_degenerate=True for one of the rotations that fit"
        )
    matrix = left @ right
    offset = (y_sum - x_sum @ matrix) / n if centre else np.zeros(n_columns)
    settings = {**facts, "centre": centre, "rank": rank}
    spaces = rows.source.space, rows.target.space
    return AffineMap(matrix.astype(np.float32), offset.astype(np.float32), *spaces, "procrustes", settings)
