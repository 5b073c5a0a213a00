"""What judgements say of a model's prefixes: the curve beside random dims, suffix and PCA, and what may be cut.

Every mean, share and difference is taken from the same bootstrap draws, so that all of them are paired and the draws
are made once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors, as_vectors
from matryo.encoders.certificate import Quality
from matryo.errors import MatryoError
from matryo.evaluation.probe_quality_arms import (
    RANDOM,
    ROTATION,
    SUFFIX,
    random_order,
    reordered_values,
    rotated_values,
    suffix_order,
    values_per_dim,
)
from matryo.evaluation.probe_quality_enough import check_can_differ, check_enough_queries
from matryo.evaluation.probe_quality_trained import (
    LEVEL,
    PooledDifference,
    Trained,
    among_draws_p,
    bootstrap_p,
    corrected,
    decide,
)
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import PLAIN_CUT, Arm, Score, number_to_json
from matryo.maps import MatrixMap
from matryo.measures.holm import holm
from matryo.measures.intervals import Interval, difference_interval, mean_interval, ratio_interval
from matryo.measures.judged import Judged
from matryo.measures.measure import Measure
from matryo.measures.recommend import recommend_dim
from matryo.measures.resample import resampled_means
from matryo.prefix import Array, check_dims
from matryo.space import Space

SHARES = (0.99, 0.98, 0.95)
N_RANDOM = 10
N_DRAWS = 5_000


@dataclass(frozen=True)
class QualityProbe:
    """What was found.

    Attributes:
        queries: the counted queries.
        scores: prefix at every dim, then random dims, suffix and rotation at those below the width.
        shares: of the full width, for each score below it.
        differences: prefix minus each other choice, at every dim below the width.
        recommendations: share asked -> smallest dim of the prefix shown to keep it.
        rotated: the same for the rotation, at the smallest share asked.
        rotation: the rotation that was fitted on the documents.
        random_spread: dim -> standard deviation between the random draws' means.
        trained: whether the prefix was made to be cut.
    """

    queries: Queries
    scores: tuple[Score, ...]
    shares: tuple[Share, ...]
    differences: tuple[Difference, ...]
    recommendations: Mapping[float, Recommended]
    rotated: Recommended
    rotation: MatrixMap
    random_spread: Mapping[int, float]
    trained: Trained

    def to_certificate(self) -> Quality:
        """What of it belongs on a certificate."""
        at = {(score.map, score.dim): score for score in self.scores}
        shares = {share.of.dim: share for share in self.shares if share.of.map == PLAIN_CUT}
        first = self.scores[0]
        strictest = self.recommendations[max(self.recommendations)].result
        return Quality(
            measure=first.measure,
            n=first.n,
            n_groups=first.n_groups,
            judged_by=first.dataset,
            points=tuple(_point(score, shares.get(score.dim), at) for score in self.scores if score.map == PLAIN_CUT),
            smallest={f"{share:g}": found.result.dim for share, found in self.recommendations.items()},
            detectable=number_to_json(strictest.detectable),
            trained=self.trained.trained,
            why=self.trained.why,
        )


def measure_quality(
    queries: Array,
    documents: Array | Vectors,
    judged: Judged,
    dims: Sequence[int],
    measure: Measure,
    *,
    space: Space,
    groups: Mapping[str, str] | None = None,
    dataset: str,
    model: str,
    declared: str | None = None,
    share: float = 0.95,
    seed: int = 0,
    n_draws: int = N_DRAWS,
) -> QualityProbe:
    """Measure the prefix, random dims, the suffix and a PCA rotation at every dim, and test what may be cut.

    The full width is measured once, for the prefix: in another order or rotated it finds the same.

    Args:
        queries: (n, width) float, in the order of `judged`.
        documents: (m, width) float or a set, in the order of `judged`; the rotation is fitted on them.
        judged: what is relevant.
        dims: prefix lengths in any order; the width is added.
        measure: e.g. nDCG@10.
        space: where the vectors lie.
        groups: query id -> group that the bootstrap draws as a whole; None or empty = every query is its own.
        dataset: name for the scores.
        model: name for the scores.
        declared: who says that the model was trained for prefixes, in words; None if nobody does.
        share: tested beside 99, 98 and 95 %.
        seed: of random dims and bootstrap.
        n_draws: bootstrap draws.

    Raises: MatryoError if fewer than 20 queries count, the full width finds nothing, or the measure is the same for
        every order of the documents; ShapeError for dims or vectors that do not fit.
    """
    width = space.width
    rising = check_dims({*check_dims(dims, width), width}, width)
    if len(rising) == 1:
        raise MatryoError(f"a probe needs a dim below the width {width}, got none; give for example {width // 2}")
    counted = Queries.of(judged.counted_ids, groups)
    check_enough_queries(len(counted), dataset)
    check_can_differ(measure, as_vectors(documents).n_rows, dataset)
    values, draws, rotation = _searched(queries, documents, judged, rising, measure, space, seed)
    table = _Table(values, counted, dataset, model, str(measure), n_draws, seed)
    below = rising[:-1]
    others = (RANDOM, SUFFIX, ROTATION)
    shares = {*SHARES, share}
    groups_or_none = counted.groups or None

    def recommended(name: str, asked: float) -> Recommended:
        per_dim = {dim: values[name, dim] for dim in below} | {width: values[PLAIN_CUT, width]}
        found = recommend_dim(per_dim, groups_or_none, share=asked, level=LEVEL, n_draws=n_draws, seed=seed)
        return Recommended(dataset, model, name, str(measure), found)

    return QualityProbe(
        queries=counted,
        scores=tuple(table.score(*key) for key in values),
        shares=tuple(table.share(name, dim, width) for name, dim in values if dim < width),
        differences=tuple(table.difference(name, dim) for name in others for dim in below),
        recommendations={asked: recommended(PLAIN_CUT, asked) for asked in sorted(shares, reverse=True)},
        rotated=recommended(ROTATION, share),
        rotation=rotation,
        random_spread={dim: float(draws[:, place].mean(axis=1).std(ddof=1)) for place, dim in enumerate(below)},
        trained=_trained(table, draws, below, width, declared),
    )


Key = tuple[str, int]


def _searched(
    queries: Array,
    documents: Array | Vectors,
    judged: Judged,
    dims: tuple[int, ...],
    measure: Measure,
    space: Space,
    seed: int,
) -> tuple[dict[Key, NDArray[np.float64]], NDArray[np.float64], MatrixMap]:
    """Per-query values by (arm, dim), those of the single random draws (m, dims below, n), and the rotation."""
    below = dims[:-1]
    prefix = values_per_dim(queries, documents, judged, dims, measure)
    found = {(PLAIN_CUT, dim): row for dim, row in zip(dims, prefix, strict=True)}
    draws = np.stack(
        [
            reordered_values(queries, documents, judged, below, measure, random_order(space.width, seed + number))
            for number in range(N_RANDOM)
        ]
    )
    suffix = reordered_values(queries, documents, judged, below, measure, suffix_order(space.width))
    rotated, rotation = rotated_values(queries, documents, judged, below, measure, space)
    for name, rows in ((RANDOM, draws.mean(axis=0)), (SUFFIX, suffix), (ROTATION, rotated)):
        found |= {(name, dim): row for dim, row in zip(below, rows, strict=True)}
    return found, draws, rotation


class _Table:
    """Values by (arm, dim) with means drawn together."""

    def __init__(
        self,
        values: dict[Key, NDArray[np.float64]],
        queries: Queries,
        dataset: str,
        model: str,
        measure: str,
        n_draws: int,
        seed: int,
    ) -> None:
        self.keys = {key: place for place, key in enumerate(values)}
        self.values = np.stack(list(values.values()))[:, None, :]
        self.numbers = queries.numbers
        self.n_groups = int(self.numbers.max()) + 1
        self.means = resampled_means(self.values, self.numbers, n_draws=n_draws, seed=seed)
        self._grouped = bool(queries.groups)
        self._dataset, self._model, self._measure = dataset, model, measure

    def score(self, name: str, dim: int) -> Score:
        place = self.keys[name, dim]
        found = mean_interval(self.values[place], self.means[:, place], self.numbers, LEVEL)
        return Score(
            self._dataset, self._model, name, dim, self._measure, found.value, found.low, found.high, found.n,
            n_groups=found.n_groups if self._grouped else None, per_query=self.values[place, 0],
        )  # fmt: skip

    def share(self, name: str, dim: int, width: int) -> Share:
        pair = [self.keys[name, dim], self.keys[PLAIN_CUT, width]]
        found = ratio_interval(self.values[pair], self.means[:, pair], self.numbers, LEVEL)
        return Share(
            self._dataset, Arm(self._model, name, dim), Arm(self._model, PLAIN_CUT, width), self._measure,
            found.value, found.low, found.high, found.n, found.n_groups if self._grouped else None,
        )  # fmt: skip

    def difference(self, name: str, dim: int) -> Difference:
        found = self.pooled(name, (dim,))[0]
        title = f"prefix vs {name} at {dim}"
        return Difference(
            title, self._dataset, Arm(self._model, PLAIN_CUT, dim), Arm(self._model, name, dim), self._measure,
            found.value, found.low, found.high, found.n, found.n_groups if self._grouped else None,
        )  # fmt: skip

    def pooled(self, name: str, dims: tuple[int, ...], level: float = LEVEL) -> tuple[Interval, NDArray[np.float64]]:
        """Prefix minus another choice in the mean over dims: its interval, and the drawn differences."""
        sides = [[self.keys[arm, dim] for dim in dims] for arm in (PLAIN_CUT, name)]
        values = np.stack([self.values[places].mean(axis=0) for places in sides])
        means = np.stack([self.means[:, places].mean(axis=1) for places in sides], axis=1)
        return difference_interval(values, means, self.numbers, level), means[:, 0] - means[:, 1]


def _trained(
    table: _Table, draws: NDArray[np.float64], below: tuple[int, ...], width: int, declared: str | None
) -> Trained:
    """Measure what the rule reads, and apply it."""
    full = float(table.values[table.keys[PLAIN_CUT, width]].mean())
    low = tuple(dim for dim in below if 2 * dim <= width)
    if not low:
        return decide({}, full, declared, ())
    against: dict[str, PooledDifference] = {}
    for name in (RANDOM, SUFFIX, ROTATION):
        difference, drawn = table.pooled(name, low)
        equal = table.pooled(name, low, 2 * LEVEL - 1)[0]
        against[name] = PooledDifference(name, difference, equal.low, equal.high, bootstrap_p(drawn, table.n_groups))
    places = [below.index(dim) for dim in low]
    prefix = float(np.mean([table.values[table.keys[PLAIN_CUT, dim]].mean() for dim in low]))
    lucky = among_draws_p(prefix, draws[:, places].mean(axis=(1, 2)))
    against[RANDOM] = replace(against[RANDOM], p=max(against[RANDOM].p, lucky))
    p = corrected({name: one.p for name, one in against.items()})
    against = {name: replace(one, p=p[name]) for name, one in against.items()}
    at_random = float(draws[:, places].mean())
    return decide(against, full, declared, _worse_at(table, below), at_random=at_random)


def _worse_at(table: _Table, below: tuple[int, ...]) -> tuple[int, ...]:
    """Dims at which the prefix is worse than random dims are on average.

    That a choice may be unlucky among its equals is no excuse here: a trained prefix is none of the equals.
    """
    p = [bootstrap_p(-table.pooled(RANDOM, (dim,))[1], table.n_groups) for dim in below]
    return tuple(dim for dim, adjusted in zip(below, holm(p), strict=True) if adjusted <= 1.0 - LEVEL)


def _point(score: Score, share: Share | None, at: Mapping[Key, Score]) -> dict[str, Any]:
    """One dim of the curve as JSON values; at the full width the others are the prefix itself."""
    others = {
        key: number_to_json(at.get((name, score.dim), score).value)
        for key, name in (("random", RANDOM), ("suffix", SUFFIX), ("pca", ROTATION))
    }
    kept = (1.0, 1.0, 1.0) if share is None else (share.value, share.low, share.high)
    return {
        "dim": score.dim,
        **{name: number_to_json(v) for name, v in (("value", score.value), ("low", score.low), ("high", score.high))},
        **{name: number_to_json(v) for name, v in zip(("share", "share_low", "share_high"), kept, strict=True)},
        **others,
    }
