"""Agreement with human similarity scores (STS) at every dim, in one pass over the pairs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from matryo.errors import ShapeError
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.measures.similarity import spearman_intervals
from matryo.prefix import Array, block, check_dims, check_matrix, prefix_blocks, prefix_norms


def prefix_cosines(a: Array, b: Array, dims: Sequence[int]) -> dict[int, Array]:
    """Cosine of each row of a with the same row of b at every dim, from cumulated dot products and norms.

    Args:
        a: (n, width) float.
        b: (n, width) float.
        dims: prefix lengths in any order.

    Returns: dim (rising) -> (n,) float64; 0 where one of the prefixes is all zero.
    Raises: ShapeError if shapes or dims do not fit or a number is not finite.

    >>> prefix_cosines(np.array([[1.0, 0.0]]), np.array([[3.0, 4.0]]), [1, 2])
    {1: array([1.]), 2: array([0.6])}
    """
    check_matrix(a, name="a")
    check_matrix(b, name="b")
    if a.shape != b.shape:
        raise ShapeError(f"a and b must have one shape, got {a.shape} and {b.shape}; pair them row by row")
    rising = check_dims(dims, a.shape[1])
    norms = prefix_norms(a, rising) * prefix_norms(b, rising)
    dots = np.zeros(len(a))
    found = {}
    for place, (dim, (start, stop)) in enumerate(zip(rising, prefix_blocks(rising), strict=True)):
        dots += np.einsum("ij,ij->i", block(a, start, stop), block(b, start, stop), dtype=np.float64)
        found[dim] = np.divide(dots, norms[:, place], out=np.zeros(len(a)), where=norms[:, place] > 0)
    return found


def sts_curve(
    a: Array,
    b: Array,
    gold: ArrayLike,
    dims: Sequence[int],
    *,
    dataset: str,
    model: str,
    map: str = PLAIN_CUT,
    trained_seed: int | None = None,
    seed: int = 0,
    n_draws: int = 2_000,
    level: float = 0.95,
) -> list[Score]:
    """Spearman correlation of cosine with human scores at every dim.

    Args:
        a: (n, width) float, the first text of each pair.
        b: (n, width) float, the second.
        gold: (n,) human scores on any scale.
        dims: prefix lengths in any order.
        dataset: name for the scores.
        model: name for the scores.
        map: name for the scores, "none" for the plain cut.
        trained_seed: seed of a trained map, for the scores.
        seed: of the bootstrap over pairs.
        n_draws: bootstrap draws, shared by all dims.
        level: of the intervals.

    Returns: one score per dim, rising, measure "spearman" on the scale -1..1; a correlation has no per-query values.
    Raises: ShapeError if shapes or dims do not fit; MatryoError if there are fewer than 2 pairs or all gold scores
        are equal.
    """
    cosines = prefix_cosines(a, b, dims)
    intervals = spearman_intervals(np.stack(list(cosines.values())), gold, n_draws=n_draws, level=level, seed=seed)
    return [
        Score(
            dataset=dataset,
            model=model,
            map=map,
            dim=dim,
            measure="spearman",
            value=interval.value,
            low=interval.low,
            high=interval.high,
            n=interval.n,
            seed=trained_seed,
        )
        for dim, interval in zip(cosines, intervals, strict=True)
    ]
