"""Geometry of a space: what any texts, without judgements, say of its prefixes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.geometry_agreement import Neighbours
from matryo.evaluation.geometry_kinks import find_kinks
from matryo.evaluation.geometry_order import variance_orders
from matryo.evaluation.geometry_privilege import measure_privilege
from matryo.evaluation.geometry_result import Geometry, GeometryPoint
from matryo.evaluation.geometry_verdict import judge_privilege, judge_variance, sentences, too_small
from matryo.prefix import Array, check_dims, check_matrix, prefix_norms, row_norms, unit_rows

__all__ = ["MOST_ROWS", "Geometry", "GeometryPoint", "measure_geometry"]

MOST_ROWS = 10_000
"""Of more rows so many are drawn at random: neighbours among more take longer and decide nothing else."""
_PAIRED = 2  # a row and one other is the least that can have a neighbour


def measure_geometry(
    vectors: Array,
    dims: Sequence[int] | None = None,
    *,
    n_queries: int = 500,
    k: int = 10,
    n_draws: int = 8,
    seed: int = 0,
) -> Geometry:
    """Measure what prefixes hold, and judge whether they are privileged and whether the order is that of variance.

    Privileged means that the first numbers find more of the full width's neighbours than others do, by an exact
    permutation test (`geometry_privilege`); variance-ordered that the numbers are the axes of a PCA of such texts, also
    if it was fitted on others of the kind (`geometry_order`). Neither says what a model was trained for: a rotation of
    any vectors is privileged. Kinks are looked for in privileged spaces that are not variance-ordered.

    Args:
        vectors: (n, width) float, a row per text; rows are scaled to length 1, zero rows and repeated rows are left
            out, and of more than 10,000 rows so many are drawn.
        dims: prefix lengths of the curve in any order, None for usual ones; the width is always added.
        n_queries: rows whose neighbours the curve looks for, at most all.
        k: neighbours of each.
        n_draws: draws of random dims for the curve.
        seed: of every draw: equal arguments give an equal result, to rounding.

    Returns: Geometry.
    Raises: ShapeError if the vectors are no finite matrix, dims do not fit, or no more than k distinct rows are left;
        MatryoError if k, n_queries or n_draws is below 1 (n_draws: 2).
    Source: ours; the parts name theirs.

    >>> rng = np.random.default_rng(0)
    >>> found = measure_geometry(rng.normal(size=(300, 32)) * np.geomspace(1, 0.05, 32), dims=(8,), n_draws=2)
    >>> found.privileged, found.variance_ordered, found.dims
    (True, True, (8, 32))
    """
    check_matrix(vectors)
    for name, value, least in (("k", k, 1), ("n_queries", n_queries, 1), ("n_draws", n_draws, 2)):
        if value < least:
            raise MatryoError(f"{name} must be at least {least}, got {value}; leave it out for the default")
    width = vectors.shape[1]
    curve_dims = check_dims({*(usual_curve(width) if dims is None else check_dims(dims, width)), width}, width)
    rows = _distinct_rows(vectors, np.random.default_rng(seed))
    n = len(rows)
    if n < max(k + 1, _PAIRED):
        raise ShapeError(
            f"{k} neighbours of a row need more than {k} distinct rows that are not zero, got {n} of {len(vectors)}; "
            "give more texts or a smaller k"
        )
    points = _curve(rows, curve_dims, min(n_queries, n), k, n_draws, seed)
    small = too_small(n, width)
    numbers: dict[str, float] = {}
    kinks: tuple[int, ...] = ()
    searched = False
    if small is None:
        test, orders = measure_privilege(rows, k, seed), variance_orders(rows)
        privilege, variance = judge_privilege(test), judge_variance(orders, n, width)
        numbers = {**test.numbers(), **orders[0].numbers(), **orders[1].numbers()}
        searched = privilege.holds is True and variance.holds is False
        kinks = find_kinks(rows) if searched else ()
    else:
        privilege = variance = small
    return Geometry(
        width,
        n,
        len(vectors),
        min(n_queries, n),
        k,
        seed,
        points,
        privilege.holds,
        privilege.why,
        variance.holds,
        variance.why,
        kinks,
        sentences(privilege, variance, kinks, searched),
        numbers,
    )


def usual_curve(width: int) -> tuple[int, ...]:
    """Dims of a curve where none are asked for: powers of two from 32 on, and simple shares of the width.

    >>> usual_curve(384)
    (32, 48, 64, 96, 128, 192, 256, 288, 384)
    """
    powers = {2**i for i in range(5, width.bit_length())}
    return tuple(sorted(powers | {max(1, width * a // 8) for a in (1, 2, 4, 6, 8)}))


def _distinct_rows(vectors: Array, rng: np.random.Generator) -> Array:
    """Rows of length 1 in random order, each once, none of them zero."""
    drawn = vectors[rng.permutation(len(vectors))[:MOST_ROWS]]
    rows = unit_rows(drawn[row_norms(drawn) > 0].astype(np.float32, copy=False))
    _, first = np.unique(rows, axis=0, return_index=True)
    return rows[np.sort(first)]


def _curve(
    rows: Array, dims: tuple[int, ...], n_queries: int, k: int, n_draws: int, seed: int
) -> tuple[GeometryPoint, ...]:
    """Energy and agreement of prefix, random dims, suffix and PCA at every dim."""
    width = rows.shape[1]
    # another stream than that of the test, so that a curve and a verdict are not two views of the same draws
    rng = np.random.default_rng([seed, 1])
    space = Neighbours(rows, n_queries, k)
    order = np.arange(width)
    energies, axes = np.linalg.eigh(rows.T.astype(np.float64) @ rows)
    largest = np.clip(energies[::-1], 0, None).cumsum() / max(float(energies.sum()), 1e-300)
    rotated = rows @ axes[:, ::-1].astype(np.float32)
    prefix = space.agreement(order, dims).mean(axis=0)
    suffix = space.agreement(order[::-1], dims).mean(axis=0)
    pca = space.agreement_of(rotated, dims).mean(axis=0)
    random = np.stack([space.agreement(rng.permutation(width), dims).mean(axis=0) for _ in range(n_draws)])
    held, held_last = _energy(rows, dims), _energy(np.flip(rows, axis=1), dims)
    return tuple(
        GeometryPoint(
            dim,
            float(held[i]),
            dim / width,
            float(held_last[i]),
            float(largest[dim - 1]),
            float(prefix[i]),
            float(random[:, i].mean()),
            float(random[:, i].std(ddof=1)),
            float(suffix[i]),
            float(pca[i]),
        )
        for i, dim in enumerate(dims)
    )


def _energy(rows: Array, dims: tuple[int, ...]) -> NDArray[np.float64]:
    """Share of the squared length in each prefix, over all rows."""
    squares: NDArray[np.float64] = (prefix_norms(rows, dims) ** 2).mean(axis=0)
    return squares
