"""Which dim may be used: the smallest one shown to keep a stated share of the full width's quality."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from numpy.typing import ArrayLike

from matryo.errors import MatryoError
from matryo.measures.intervals import Interval, ratio_interval, stack
from matryo.measures.resample import check_draws, group_numbers, resampled_means

_POWER = 0.8


@dataclass(frozen=True)
class DimTest:
    """One step of the sequence from the widest dim down.

    Attributes:
        dim: prefix length.
        ratio: mean at this dim over the mean at full width, with a two-sided interval.
        lower_bound: one-sided lower bound of the ratio, what the test compares with the share asked.
        passed: whether lower_bound > share; None if a wider dim failed before, so that this one was not tested.
        detectable: smallest loss of share that a dim with this spread would be cleared of, see `recommend_dim`.
    """

    dim: int
    ratio: Interval
    lower_bound: float
    passed: bool | None
    detectable: float


@dataclass(frozen=True)
class Recommendation:
    """The smallest dim shown to keep a share of the full width's quality.

    Attributes:
        dim: the recommended dim; the full width if none below it passed.
        full_dim: the widest dim, which all others are compared with.
        share: the share asked, e.g. 0.95.
        level: one-sided level of each test.
        n: queries.
        n_groups: groups resampled.
        tested: every dim below the full width, widest first.
        detectable: `DimTest.detectable` of the first dim below the full width; NaN if there is none.
    """

    dim: int
    full_dim: int
    share: float
    level: float
    n: int
    n_groups: int
    tested: tuple[DimTest, ...]
    detectable: float

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, NaN as null; each tested dim is one flat object."""
        return {
            "dim": self.dim,
            "full_dim": self.full_dim,
            "share": self.share,
            "level": self.level,
            "n": self.n,
            "n_groups": self.n_groups,
            "detectable": _or_null(self.detectable),
            "tested": [
                {
                    "dim": step.dim,
                    "value": step.ratio.value,
                    "low": _or_null(step.ratio.low),
                    "high": _or_null(step.ratio.high),
                    "lower_bound": _or_null(step.lower_bound),
                    "passed": step.passed,
                    "detectable": _or_null(step.detectable),
                }
                for step in self.tested
            ],
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Recommendation":
        """Inverse of `to_json`."""
        n, n_groups = int(stored["n"]), int(stored["n_groups"])
        tested = tuple(
            DimTest(
                int(step["dim"]),
                Interval(float(step["value"]), _or_nan(step["low"]), _or_nan(step["high"]), n, n_groups),
                _or_nan(step["lower_bound"]),
                step["passed"],
                _or_nan(step["detectable"]),
            )
            for step in stored["tested"]
        )
        return cls(
            int(stored["dim"]),
            int(stored["full_dim"]),
            float(stored["share"]),
            float(stored["level"]),
            n,
            n_groups,
            tested,
            _or_nan(stored["detectable"]),
        )


def recommend_dim(
    per_query: Mapping[int, ArrayLike],
    groups: ArrayLike | None = None,
    *,
    share: float = 0.95,
    level: float = 0.95,
    n_draws: int = 10_000,
    seed: int = 0,
) -> Recommendation:
    """Smallest dim shown to keep `share` of the full width's mean: a fixed-sequence test of non-inferiority.

    From the widest dim down each dim is tested at the one-sided level: it passes if the lower bound of its ratio to
    the full width is above `share`. The first failure ends the sequence, and the smallest dim that passed is
    recommended. Because the order is fixed beforehand, the chance to recommend any dim that keeps less than `share`
    is at most 1 - level in all, without a correction for the number of dims.

    A bootstrap draws from the queries that are there; if none of them loses anything it knows of no loss, and its bound
    stands at 100 %, with twenty queries as with a thousand. So a share is shown only by at least `queries_for` of them.

    What n can detect, for each dim: (ratio - lower_bound) (1 + z(0.8) / z(level)), z the normal quantile. A dim that
    truly equals the full width, with the paired spread observed here, passes with probability 0.8 if the share asked
    is 1 minus this.

    Args:
        per_query: dim -> (n,) or (seeds, n) values of the same queries; the largest dim is the full width.
        groups: (n,) labels of groups that are resampled as a whole; None = every query is its own group.
        share: what must be kept, 0 < share < 1.
        level: one-sided level of each test; the intervals shown beside are two-sided at the same level.
        n_draws: bootstrap draws.
        seed: of the draws.

    Raises: MatryoError if there are no dims, the share is out of range, or the full width scores 0 on average.
    Source: Maurer, Hothorn and Lehmacher 1995 for fixed sequences; the ratio form is ours, because a share is what
        users ask for.

    >>> full, quarter = [1.0, 0.5, 0.6, 0.9] * 20, [0.1, 0.0, 0.2, 0.1] * 20
    >>> recommend_dim({4: full, 2: full, 1: quarter}).dim
    2
    >>> recommend_dim({4: full[:40], 2: full[:40]}).dim
    4
    """
    check_draws(n_draws, level)
    if not per_query:
        raise MatryoError("a recommendation needs values at one dim at least, got none; measure the full width too")
    if not 0.0 < share < 1.0:
        raise MatryoError(f"share must lie between 0 and 1, got {share}; 0.95 keeps 95 % of the full width")
    dims = sorted(per_query, reverse=True)
    stacked = stack([per_query[dim] for dim in dims])
    numbers = group_numbers(groups, stacked.shape[2])
    means = resampled_means(stacked, numbers, n_draws=n_draws, seed=seed)
    z_level, z_power = NormalDist().inv_cdf(level), NormalDist().inv_cdf(_POWER)
    tested: list[DimTest] = []
    n = stacked.shape[2]
    recommended, going_on = dims[0], True
    enough = n >= queries_for(share, level)
    # the most that n queries of which none loses anything leave open
    least = 1.0 - (1.0 - level) ** (1.0 / n)
    for place, dim in enumerate(dims[1:], start=1):
        pair = [place, 0]
        ratio = ratio_interval(stacked[pair], means[:, pair], numbers, level)
        # a two-sided interval of level 2 level - 1 leaves 1 - level below its lower end
        lower_bound = ratio_interval(stacked[pair], means[:, pair], numbers, 2 * level - 1).low
        passed = enough and lower_bound > share if going_on else None  # NaN is above nothing, so that it fails
        if going_on and passed:
            recommended = dim
        going_on = going_on and bool(passed)
        detectable = max((ratio.value - lower_bound) * (1.0 + z_power / z_level), least)
        tested.append(DimTest(dim, ratio, lower_bound, passed, detectable))
    return Recommendation(
        dim=recommended,
        full_dim=dims[0],
        share=share,
        level=level,
        n=n,
        n_groups=int(numbers.max()) + 1,
        tested=tuple(tested),
        detectable=tested[0].detectable if tested else math.nan,
    )


def queries_for(share: float, level: float = 0.95) -> int:
    """Queries below which a share is not shown though none of them loses anything.

    If 1 - share of all queries lost everything, a sample of so many would hit none of them once in 1 / (1 - level)
    times; a smaller one more often than the test may err.

    >>> [queries_for(share) for share in (0.95, 0.98, 0.99)]
    [59, 149, 299]
    """
    return math.ceil(math.log(1.0 - level) / math.log(share))


def _or_null(value: float) -> float | None:
    return None if math.isnan(value) else value


def _or_nan(stored: Any) -> float:
    return math.nan if stored is None else float(stored)
