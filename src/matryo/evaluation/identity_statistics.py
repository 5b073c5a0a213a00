"""Whether one system finds people better than another, and what that says of each claim.

A draw takes people with replacement, and seeds with replacement. Few seeds resampled understate the spread between them
by sqrt((s - 1) / s), so that the seeds' means are first moved apart by its inverse. Measured on 600 made comparisons of
300 people without a difference, p < .05 (p < .01) came out in:

    spread of seeds / error from people   0.35            1               2.6             9
    three seeds                           3.8 (0.7) %     6.3 (1.0) %     9.2 (3.7) %     17.3 (13.0) %
    five seeds                            3.7 (0.7) %     4.8 (0.5) %     8.2 (2.0) %     11.2 (5.3) %

So a small p of few seeds that differ much proves little: every seed's difference is told beside. One seed speaks of the
one model that it trained.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.evaluation.identity_measures import BOTH, MAIN_GALLERY, IdentityMeasures, PerQuery
from matryo.evaluation.score import number_from_json, number_to_json
from matryo.measures.holm import holm
from matryo.measures.intervals import stack
from matryo.measures.resample import check_draws, ends, group_numbers, resampled_means

Outcome = Literal["holds", "does not hold", "undecided"]
LEVEL = 0.05
NON_INFERIORITY = 0.02
"""Triplet accuracy that a method may lose and still count as not worse."""
COLLAPSED, STANDING = 0.5, 0.75
"""Share of the other's effective rank below which a prefix counts as collapsed."""


class Pair(NamedTuple):
    """Two systems with values of the same queries.

    Attributes:
        left: (n,) or (seeds, n).
        right: (n,) or (seeds, n); a side without seeds is the same for each of the other's.
        people: (n,) who each query is about; values of one person are resampled together.
    """

    left: NDArray[np.float64]
    right: NDArray[np.float64]
    people: NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """How much better left is than right.

    Attributes:
        name: what is compared, "LEFT - RIGHT".
        left: mean over queries and seeds.
        right: the same of the other side.
        difference: left minus right.
        low: lower end of the 95 % interval, NaN with a single person.
        high: upper end.
        p: two-sided, of no difference; never below 2 / (draws + 1).
        adjusted: p after Holm's correction over its family; NaN before it.
        n: queries.
        n_people: people resampled.
        by_seed: difference of every seed, in order; more of one sign than of the other does not make a proof.
    """

    name: str
    left: float
    right: float
    difference: float
    low: float
    high: float
    p: float
    adjusted: float
    n: int
    n_people: int
    by_seed: tuple[float, ...]

    @property
    def deciding_p(self) -> float:
        """The corrected p value, the plain one before the correction."""
        return self.p if math.isnan(self.adjusted) else self.adjusted

    def told(self) -> str:
        """One clause with the numbers."""
        kind = "p" if math.isnan(self.adjusted) else "corrected p"
        return f"{self.difference_told()}, {kind} = {self.deciding_p:.2g}"

    def difference_told(self) -> str:
        """The same without the p value."""
        seeds = f" (seeds {', '.join(f'{one:+.3f}' for one in self.by_seed)})" if len(self.by_seed) > 1 else ""
        return (
            f"{self.name}: {self.left:.3f} - {self.right:.3f} = {self.difference:+.3f} "
            f"[{self.low:+.3f}, {self.high:+.3f}]{seeds}"
        )

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, NaN as null."""
        fields = {
            name: number_to_json(value) if isinstance(value, float) else value for name, value in asdict(self).items()
        }
        return {**fields, "by_seed": list(self.by_seed)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Comparison":
        """Inverse of `to_json`."""
        numbers = ("left", "right", "difference", "low", "high", "p", "adjusted")
        read = {**stored, **{name: number_from_json(stored[name]) for name in numbers}}
        return cls(**{**read, "by_seed": tuple(stored["by_seed"])})


@dataclass(frozen=True)
class Verdict:
    """What the numbers say of one claim.

    Attributes:
        claim: the claim in one line.
        outcome: "holds", "does not hold" or "undecided".
        evidence: why, with the numbers.
    """

    claim: str
    outcome: Outcome
    evidence: str

    def to_json(self) -> dict[str, str]:
        """Fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Verdict":
        """Inverse of `to_json`."""
        return cls(stored["claim"], stored["outcome"], stored["evidence"])


def compare(
    pairs: Mapping[str, Pair], *, n_draws: int = 10_000, level: float = 0.95, seed: int = 0
) -> list[Comparison]:
    """Difference of the means of each pair, with interval and p value.

    Args:
        pairs: name -> two sides; pairs of the same people and number of seeds share their draws.
        n_draws: bootstrap draws.
        level: of the two-sided intervals.
        seed: of the draws.

    Returns: one comparison per pair, in order, not yet corrected.
    Raises: MatryoError, ShapeError if values are not finite or of other shapes.
    Source: percentile bootstrap with expanded ends (Hesterberg 2015); the widening of the seeds is ours.

    >>> pair = Pair(np.array([1.0, 1.0, 0.0, 1.0]), np.zeros(4), np.arange(4))
    >>> compare({"a - b": pair}, seed=1)[0].difference
    0.75
    """
    check_draws(n_draws, level)
    sides = {name: stack([pair.left, pair.right]) for name, pair in pairs.items()}
    alike: dict[tuple[int, bytes], list[str]] = {}
    for name, values in sides.items():
        people = group_numbers(pairs[name].people, values.shape[2])
        alike.setdefault((values.shape[1], people.tobytes()), []).append(name)
    found: dict[str, Comparison] = {}
    for names in alike.values():
        people = group_numbers(pairs[names[0]].people, len(pairs[names[0]].people))
        differences = np.stack([sides[name][0] - sides[name][1] for name in names])
        drawn = resampled_means(widened(differences), people, n_draws=n_draws, seed=seed)
        n_people = int(people.max()) + 1
        for place, name in enumerate(names):
            draws, (left, right) = drawn[:, place], sides[name].mean(axis=(1, 2))
            low, high = ends(draws, draws, (1.0 - level) / 2, n_people)
            found[name] = Comparison(
                name=name,
                left=float(left),
                right=float(right),
                difference=float(left - right),
                low=low,
                high=high,
                p=two_sided(draws),
                adjusted=math.nan,
                n=len(people),
                n_people=n_people,
                by_seed=tuple(float(value) for value in differences[place].mean(axis=1)),
            )
    return [found[name] for name in pairs]


def two_sided(draws: NDArray[np.float64]) -> float:
    """Two-sided p value of no difference from drawn differences, the observed one counted as a draw.

    >>> two_sided(np.array([1.0, 2.0, -1.0]))
    1.0
    """
    fewer = min(int((draws <= 0.0).sum()), int((draws >= 0.0).sum()))
    return min(1.0, 2.0 * (1 + fewer) / (1 + len(draws)))


def corrected(family: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with p values corrected by Holm over all of them."""
    adjusted = holm([one.p for one in family])
    return [replace(one, adjusted=float(value)) for one, value in zip(family, adjusted, strict=True)]


def values_of(
    runs: Sequence[IdentityMeasures],
    measure: str,
    column: str | None = None,
    *,
    gallery: str = MAIN_GALLERY,
    direction: str = BOTH,
) -> PerQuery:
    """Values (seeds, n) of the runs of one system; arguments as in `IdentityMeasures.values`.

    Raises: MatryoError if there are no runs, or they were not asked the same.
    """
    check_alike(runs)
    found = [run.values(measure, column, gallery=gallery, direction=direction) for run in runs]
    return PerQuery(np.stack([one.values for one in found]), found[0].people)


def triplets_of(runs: Sequence[IdentityMeasures], domain: str, column: str | None = None) -> PerQuery:
    """Triplet hits (seeds, t) of the runs of one system; arguments as in `IdentityMeasures.triplet_values`.

    Raises: as `values_of`.
    """
    check_alike(runs)
    found = [run.triplet_values(domain, column) for run in runs]
    return PerQuery(np.stack([one.values for one in found]), found[0].people)


def check_alike(runs: Sequence[IdentityMeasures]) -> None:
    """Refuse runs that were measured on other views or in other galleries.

    Raises: MatryoError.
    """
    digests = {run.digest for run in runs}
    if len(digests) != 1:
        raise MatryoError(
            f"runs to compare must be measured on the same views, seed and galleries, got {len(digests)} kinds among "
            f"{len(runs)} runs; measure all of them alike"
        )


def bend(
    runs: Sequence[IdentityMeasures],
    measure: str = "hit@1",
    *,
    columns: str = "prefix",
    gallery: str = MAIN_GALLERY,
    direction: str = BOTH,
) -> PerQuery | None:
    """How sharply the curve bends at K: gain from the dim before K to K, minus gain from K to the dim after it.

    Args:
        runs: of one system.
        measure: whose curve.
        columns: "prefix", or "shuffled" for the control.
        gallery: see `values_of`.
        direction: see `values_of`.

    Returns: values (seeds, n), or None if K is the first or last of the dims, where nothing can bend.
    """
    dims, place = runs[0].dims, runs[0].dims.index(runs[0].prefix_dim)
    if not 0 < place < len(dims) - 1:
        return None
    before, at, after = (
        values_of(runs, measure, f"{columns} {dim}", gallery=gallery, direction=direction)
        for dim in dims[place - 1 : place + 2]
    )
    return PerQuery(2.0 * at.values - before.values - after.values, at.people)


def beats_all(claim: str, comparisons: Sequence[Comparison], level: float = LEVEL) -> Verdict:
    """Verdict on a claim that holds if the left side is better in every comparison.

    It holds if every difference is above 0 with p < level, does not hold if one is below 0 with p < level, and is
    undecided else.
    """
    won = all(one.difference > 0 and one.deciding_p < level for one in comparisons)
    lost = any(one.difference < 0 and one.deciding_p < level for one in comparisons)
    outcome: Outcome = "holds" if won else "does not hold" if lost else "undecided"
    return Verdict(claim, outcome, "; ".join(one.told() for one in comparisons))


def collapses(
    claim: str,
    ranks: Sequence[float],
    other_ranks: Sequence[float],
    transfer: Comparison,
    level: float = LEVEL,
) -> Verdict:
    """Verdict on a method collapsing, beside one that does not.

    It holds if in every seed the effective rank is below half of the other's mean and the other transfers better with
    p < level; it does not hold if every seed's rank is at least three quarters, and is undecided else.

    Args:
        claim: in one line.
        ranks: effective rank of the method's prefix in every seed.
        other_ranks: the same of the other method.
        transfer: the other method's transfer accuracy minus the method's.
        level: of the test.
    """
    other = float(np.mean(other_ranks))
    below, stands = [rank < COLLAPSED * other for rank in ranks], [rank >= STANDING * other for rank in ranks]
    worse = transfer.difference > 0 and transfer.deciding_p < level
    outcome: Outcome = "holds" if all(below) and worse else "does not hold" if all(stands) else "undecided"
    evidence = (
        f"effective rank {np.mean(ranks):.1f} (seeds {', '.join(f'{rank:.1f}' for rank in ranks)}) against "
        f"{other:.1f}, collapsed below {COLLAPSED * other:.1f}, standing from {STANDING * other:.1f}; {transfer.told()}"
    )
    return Verdict(claim, outcome, evidence)


def bends(claim: str, comparison: Comparison | None, level: float = LEVEL) -> Verdict:
    """Verdict on an elbow at K: the curve bends there (left) by more than that of shuffled columns does (right).

    It holds if the bend is above 0 and above the control's with p < level, does not hold if it is not above 0 or is
    below the control's with p < level, and is undecided else, also where K has no dims on both sides (None).
    """
    if comparison is None:
        return Verdict(claim, "undecided", "K is the first or the last of the dims, so that no bend can be measured")
    sure = comparison.deciding_p < level
    outcome: Outcome = "undecided"
    if comparison.left <= 0 or (comparison.difference < 0 and sure):
        outcome = "does not hold"
    elif comparison.difference > 0 and sure:
        outcome = "holds"
    return Verdict(claim, outcome, comparison.told())


def not_worse(claim: str, comparisons: Sequence[Comparison], margin: float = NON_INFERIORITY) -> Verdict:
    """Verdict on a claim of non-inferiority: left may lose no more than the margin in any comparison.

    It holds if every interval lies above -margin, does not hold if one lies below it, and is undecided else. All must
    pass, so that no correction is needed (intersection-union test).
    """
    passed = all(one.low > -margin for one in comparisons)
    failed = any(one.high < -margin for one in comparisons)
    outcome: Outcome = "holds" if passed else "does not hold" if failed else "undecided"
    told = "; ".join(one.difference_told() for one in comparisons)
    return Verdict(claim, outcome, f"margin {margin:g}; {told}")


def widened(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values (m, seeds, n) with the means of the seeds moved apart by sqrt(s / (s - 1)).

    Few seeds, resampled with replacement, spread less than seeds do.
    """
    n_seeds = differences.shape[1]
    if n_seeds == 1:
        return differences
    by_seed = differences.mean(axis=2, keepdims=True)
    apart = by_seed - by_seed.mean(axis=1, keepdims=True)
    wide: NDArray[np.float64] = differences + (math.sqrt(n_seeds / (n_seeds - 1)) - 1.0) * apart
    return wide
