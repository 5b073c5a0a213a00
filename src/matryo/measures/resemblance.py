"""Does a translated set resemble the space it came from or the one it was to reach: two measures, with intervals."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from matryo.errors import MatryoError, ShapeError
from matryo.measures.cka_jackknife import cka_without_each, pseudo_values
from matryo.measures.intervals import Interval, mean_interval, stack
from matryo.measures.neighbours import mutual_neighbours, nearest_neighbours
from matryo.measures.resample import check_draws, group_numbers, resampled_means
from matryo.prefix import Array, block


@dataclass(frozen=True)
class Resemblance:
    """How a translated set resembles its source's and its target's space.

    Attributes:
        n: rows used.
        k: neighbours compared.
        chance: mutual k-NN of unrelated spaces.
        cka_source: debiased linear CKA with the source's vectors.
        cka_target: the same with the target's.
        cka_difference: target - source; above 0 = more like the target.
        mutual_source: mutual k-NN with the source's vectors.
        mutual_target: the same with the target's.
        mutual_difference: target - source; above 0 = more like the target.
    """

    n: int
    k: int
    chance: float
    cka_source: Interval
    cka_target: Interval
    cka_difference: Interval
    mutual_source: Interval
    mutual_target: Interval
    mutual_difference: Interval


def measure_resemblance(
    translated: Array,
    source: Array,
    target: Array,
    groups: ArrayLike | None = None,
    *,
    k: int = 10,
    max_rows: int | None = 2_000,
    n_draws: int = 10_000,
    level: float = 0.95,
    seed: int,
    lists: tuple[Array, Array, Array] | None = None,
) -> Resemblance:
    """Compare a translated set with both spaces, rows drawn together so that the difference is paired.

    CKA's intervals come from the bootstrap of what each row contributes, neighbours' from the shares of each row, its
    lists held as they are.

    Args:
        translated: (n, q) float, the source's texts as the map gives them.
        source: (n, p) float, the same texts before.
        target: (n, q') float, the same texts as the target's model encodes them.
        groups: (n,) labels of rows that are drawn as a whole, e.g. titles; None = every row by itself.
        k: neighbours compared.
        max_rows: beyond this many a random choice of rows is used; None = all.
        n_draws: bootstrap draws.
        level: of the intervals.
        seed: of that choice and of the draws.
        lists: `nearest_neighbours` of translated, source and target, at least k long, where they are known already; not
            together with a choice of rows.

    Raises: ShapeError if row counts differ; MatryoError if there are fewer than 5 rows or k + 1, or a side is constant.
    Source: question of the plan; mutual k-NN of Huh et al. 2024, CKA of Kornblith et al. 2019.
    """
    n = len(translated)
    if not n == len(source) == len(target):
        raise ShapeError(
            f"translated, source and target must hold the same texts, got {n}, {len(source)} and {len(target)} rows; "
            "join them by id"
        )
    numbers = group_numbers(groups, n)
    if max_rows is not None and n > max_rows:
        if lists is not None:
            raise MatryoError(f"lists are of all {n} rows, got max_rows {max_rows}; pass max_rows=None")
        rows = np.sort(np.random.default_rng(seed).choice(n, max_rows, replace=False))
        translated, source, target, numbers = translated[rows], source[rows], target[rows], numbers[rows]

    check_draws(n_draws, level)

    wholes, rows_of = zip(*(cka_without_each(translated, side) for side in (source, target)), strict=True)
    shares = [pseudo_values(whole, one) for whole, one in zip(wholes, rows_of, strict=True)]
    if not np.isfinite(shares).all():
        raise MatryoError("one side is constant or nearly so, so that it has no CKA; check what was encoded")
    own, *others = (
        [nearest_neighbours(side, k) for side in (translated, source, target)]
        if lists is None
        else [block(one, 0, k) for one in lists]
    )
    mutual = [mutual_neighbours(own, other, (k,))[:, 0] for other in others]
    values = stack([*shares, shares[1] - shares[0], *mutual, mutual[1] - mutual[0]])
    means = resampled_means(values, numbers, n_draws=n_draws, seed=seed)
    found = [mean_interval(values[i], means[:, i], numbers, level) for i in range(len(values))]
    return Resemblance(
        n=len(translated),
        k=k,
        chance=k / (len(translated) - 1),
        cka_source=_moved(found[0], wholes[0]),
        cka_target=_moved(found[1], wholes[1]),
        cka_difference=_moved(found[2], wholes[1] - wholes[0]),
        mutual_source=found[3],
        mutual_target=found[4],
        mutual_difference=found[5],
    )


def _moved(found: Interval, value: float) -> Interval:
    """The interval around the statistic itself instead of the jackknife estimate, a hair beside it."""
    by = value - found.value
    return replace(found, value=value, low=found.low + by, high=found.high + by)
