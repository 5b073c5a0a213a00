"""What scores say beside each other: shares of a base, paired differences, recommended dims, means over seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import Arm, Score
from matryo.measures.intervals import Interval, difference_interval, mean_interval, ratio_interval, stack
from matryo.measures.recommend import recommend_dim
from matryo.measures.resample import resampled_means

Runs = Score | Sequence[Score]
"""One score, or the scores of several seeds of the same arm."""


def share_of(of: Runs, base: Runs, queries: Queries, *, seed: int = 0, n_draws: int = 10_000) -> Interval:
    """Share of `base` that `of` keeps, as an interval of its own; `shares` does many at once.

    Raises: MatryoError if the two were not measured alike, or the base scores 0.
    """
    (share,) = shares([(of, base)], queries, seed=seed, n_draws=n_draws)
    return Interval(share.value, share.low, share.high, share.n, share.n_groups or share.n)


def shares(
    pairs: Sequence[tuple[Runs, Runs]],
    queries: Queries,
    *,
    seed: int = 0,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> list[Share]:
    """Share of its base that each arm keeps, all in the same draws.

    Args:
        pairs: (of, base); a list of scores stands for the seeds of one arm, which are resampled too, and one with a
            single score is the same for every seed of the other side.
        queries: the counted queries of all these scores, in the order of their per-query values.
        seed: of the draws.
        n_draws: bootstrap draws.
        level: of the two-sided intervals.

    Returns: one share per pair, in order; its arms have a seed only if they are single scores that have one.
    Raises: MatryoError if two sides differ in data set or measure, per-query values are missing, or a base scores 0.
    """
    found = []
    for (of, base), (values, means) in zip(pairs, _paired_draws(pairs, queries, n_draws, seed), strict=True):
        interval = ratio_interval(values, means, queries.numbers, level)
        one = _runs(of)[0]
        found.append(
            Share(
                one.dataset,
                _arm(of),
                _arm(base),
                one.measure,
                interval.value,
                interval.low,
                interval.high,
                interval.n,
                interval.n_groups if queries.groups else None,
            )
        )
    return found


def differences(
    named: Mapping[str, tuple[Runs, Runs]],
    queries: Queries,
    *,
    seed: int = 0,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> list[Difference]:
    """Mean of left minus mean of right for each name, all in the same draws; arguments as in `shares`.

    Raises: MatryoError as `shares`, but for the base.
    """
    pairs = list(named.values())
    found = []
    for name, (left, right), (values, means) in zip(
        named, pairs, _paired_draws(pairs, queries, n_draws, seed), strict=True
    ):
        interval = difference_interval(values, means, queries.numbers, level)
        one = _runs(left)[0]
        found.append(
            Difference(
                name,
                one.dataset,
                _arm(left),
                _arm(right),
                one.measure,
                interval.value,
                interval.low,
                interval.high,
                interval.n,
                interval.n_groups if queries.groups else None,
            )
        )
    return found


def pool_seeds(
    scores: Sequence[Score], queries: Queries, *, seed: int = 0, n_draws: int = 10_000, level: float = 0.95
) -> list[Score]:
    """One score over the seeds of each arm, with an interval that resamples seeds together with the queries.

    Args:
        scores: of several seeds; what shares data set, model, map, dim and measure is pooled, in order of appearance.
        queries: the counted queries of all these scores.
        seed: of the draws.
        n_draws: bootstrap draws.
        level: of the two-sided intervals.

    Returns: scores without a seed, with `n_seeds` and the mean over the seeds as per-query values.
    Raises: MatryoError if a score has no seed, one seed occurs twice, or per-query values are missing.
    """
    pooled: dict[tuple[str, str, str, int, str], list[Score]] = {}
    for score in scores:
        pooled.setdefault((score.dataset, score.model, score.map, score.dim, score.measure), []).append(score)
    for key, runs in pooled.items():
        seeds = [run.seed for run in runs]
        if None in seeds or len(set(seeds)) < len(seeds):
            raise MatryoError(f"scores to pool must have one seed each, got seeds {seeds} for {key}; pool single runs")
    found: dict[tuple[str, str, str, int, str], Score] = {}
    # arms with equally many seeds share one stack and one resampling
    for n_seeds in {len(runs) for runs in pooled.values()}:
        chosen = {key: runs for key, runs in pooled.items() if len(runs) == n_seeds}
        stacked = stack([np.atleast_2d(_values(runs, queries)) for runs in chosen.values()])
        means = resampled_means(stacked, queries.numbers, n_draws=n_draws, seed=seed)
        for place, (key, runs) in enumerate(chosen.items()):
            interval = mean_interval(stacked[place], means[:, place], queries.numbers, level)
            found[key] = replace(
                runs[0],
                value=interval.value,
                low=interval.low,
                high=interval.high,
                n_groups=interval.n_groups if queries.groups else None,
                seed=None,
                n_seeds=n_seeds,
                per_query=stacked[place].mean(axis=0),
            )
    return [found[key] for key in pooled]


def recommend(
    scores: Sequence[Score],
    queries: Queries,
    *,
    share: float = 0.95,
    seed: int = 0,
    n_draws: int = 10_000,
    level: float = 0.95,
) -> Recommended:
    """Recommended dim of one curve, see `measures.recommend.recommend_dim`.

    Args:
        scores: one arm at every dim in one measure, of one or several seeds.
        queries: the counted queries of all these scores.
        share: of the full width's mean that must be kept.
        seed: of the draws.
        n_draws: bootstrap draws.
        level: one-sided level of the tests.

    Raises: MatryoError if the scores are of more than one curve, or as `recommend_dim`.
    """
    curves = {(score.dataset, score.model, score.map, score.measure) for score in scores}
    if len(curves) != 1:
        raise MatryoError(f"a recommendation reads one curve, got scores of {sorted(curves)}; choose one of them")
    by_dim: dict[int, list[Score]] = {}
    for score in scores:
        by_dim.setdefault(score.dim, []).append(score)
    values = {dim: _values(runs, queries) for dim, runs in by_dim.items()}
    result = recommend_dim(values, queries.groups or None, share=share, seed=seed, n_draws=n_draws, level=level)
    return Recommended(*curves.pop(), result=result)


def _runs(runs: Runs) -> list[Score]:
    listed = [runs] if isinstance(runs, Score) else list(runs)
    if not listed:
        raise MatryoError("a side of a comparison needs at least one score, got none")
    return listed


def _arm(runs: Runs) -> Arm:
    one = _runs(runs)[0].arm
    return one if isinstance(runs, Score) or len(runs) == 1 else one._replace(seed=None)


def _values(runs: Runs, queries: Queries) -> NDArray[np.float64]:
    """Per-query values: (n,) of one score, (seeds, n) of several, in rising order of the seeds."""
    listed = sorted(_runs(runs), key=lambda run: -1 if run.seed is None else run.seed)
    rows = []
    for run in listed:
        if run.per_query is None:
            raise MatryoError(f"{run.measure} of {run.arm} has no per-query values; read the results with them")
        if run.per_query.shape != (len(queries),):
            raise MatryoError(
                f"{run.measure} of {run.arm} has values of shape {run.per_query.shape} for {len(queries)} queries; "
                "pass the counted queries of that data set"
            )
        rows.append(run.per_query)
    return rows[0] if len(rows) == 1 else np.stack(rows)


def _paired_draws(
    pairs: Sequence[tuple[Runs, Runs]], queries: Queries, n_draws: int, seed: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """For each pair its values (2, seeds, n) and the drawn means (n_draws, 2)."""
    for sides in pairs:
        judged = {(run.dataset, run.measure) for side in sides for run in _runs(side)}
        if len(judged) > 1:
            raise MatryoError(
                f"two sides must share data set and measure, got {sorted(judged)}; compare like with like"
            )
        seeds = [sorted(run.seed for run in _runs(side) if run.seed is not None) for side in sides]
        if all(len(_runs(side)) > 1 for side in sides) and seeds[0] != seeds[1]:
            raise MatryoError(
                f"two sides must have the same seeds, got {seeds[0]} and {seeds[1]}; run the missing ones"
            )
    if not pairs:
        return []
    # one table of distinct sides: a base that serves many pairs is resampled once
    values = {id(side): _values(side, queries) for pair in pairs for side in pair}
    stacked = stack([*values.values()])
    place = {key: number for number, key in enumerate(values)}
    means = resampled_means(stacked, queries.numbers, n_draws=n_draws, seed=seed)
    chosen = [[place[id(of)], place[id(base)]] for of, base in pairs]
    return [(stacked[both], means[:, both]) for both in chosen]
