"""Was a model trained so that its prefixes can be used? A rule that was fixed before it was applied.

Yes if the prefix is better than random dims, than the suffix and than the PCA order, each in the mean over the dims up
to half the width, at the one-sided level 95 % after Holm's correction for three comparisons. "Better" means that the
paired bootstrap over queries (groups of them where there are groups) says so; for random dims also that the prefix
stands out from the draws themselves, because among equal dims one choice is luckier than another.

Also yes if the model's own files or a card say so and nothing here contradicts: at no dim is the prefix worse than
random dims on average (same level, Holm over the dims), and it was not shown to be equal to them.

No if the prefix equals random dims: the 90 % interval of the mean difference lies within 3 % of the full width's value,
and random dims lose more than these 3 %. Where any numbers answer every query, equal ones are no sign of anything.

Else it stays open, with the reason. A prefix that beats random dims and suffix but not the PCA order is what sorting
by variance gives, with or without training.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.measures.holm import holm
from matryo.measures.intervals import Interval
from matryo.measures.resample import ends

LEVEL = 0.95
MARGIN = 0.03
_STEPS = 40


@dataclass(frozen=True)
class PooledDifference:
    """Prefix minus another choice of numbers, in the mean over the dims up to half the width.

    Attributes:
        other: "random dims", "suffix" or "rotation".
        difference: with its two-sided 95 % interval.
        equal_low: lower end of the 90 % interval, for the test of equality.
        equal_high: its upper end.
        p: one-sided, that the prefix is not better; corrected for the three comparisons.
    """

    other: str
    difference: Interval
    equal_low: float
    equal_high: float
    p: float


@dataclass(frozen=True)
class Trained:
    """The answer.

    Attributes:
        trained: yes, no, or None for not decided.
        why: the reason, one sentence.
        against: the comparisons it rests on; () where no dim up to half the width was measured.
    """

    trained: bool | None
    why: str
    against: tuple[PooledDifference, ...] = ()


def bootstrap_p(draws: NDArray[np.float64], n_groups: int) -> float:
    """One-sided p value that a difference is not above 0: the level at which the lower end of its interval reaches 0.

    Args:
        draws: (n_draws,) drawn differences.
        n_groups: groups resampled; with one there is no spread and the answer is 1.

    >>> bootstrap_p(np.linspace(-1.0, 3.0, 1001), n_groups=10_000) < 0.26
    True
    """
    low, high = 1.0 / (len(draws) + 1), 0.5 - 1e-9
    if not ends(draws, draws, high, n_groups)[0] > 0.0:
        return 1.0
    if ends(draws, draws, low, n_groups)[0] > 0.0:
        return low
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if ends(draws, draws, middle, n_groups)[0] > 0.0 else (middle, high)
    return high


def among_draws_p(value: float, draws: NDArray[np.float64]) -> float:
    """One-sided p value that a value is one more draw of the same kind: Student's t of a prediction.

    Args:
        value: e.g. the prefix's mean.
        draws: (m,) means of m random choices, m >= 2.

    >>> round(among_draws_p(2.0, np.array([0.9, 1.0, 1.1])), 3)
    0.007
    """
    from scipy.special import stdtr

    spread = float(draws.std(ddof=1)) * math.sqrt(1.0 + 1.0 / len(draws))
    if spread == 0.0:
        return 0.0 if value > draws[0] else 1.0
    return float(stdtr(len(draws) - 1, -(value - float(draws.mean())) / spread))


def decide(
    against: Mapping[str, PooledDifference],
    full: float,
    declared: str | None,
    worse_at: tuple[int, ...],
    *,
    at_random: float = 0.0,
) -> Trained:
    """Apply the rule at the top of this module.

    Args:
        against: name of the other choice -> comparison; empty where no dim up to half the width was measured.
        full: the full width's value, what the margin is a share of.
        declared: who says that the model was trained for prefixes, None if nobody does.
        worse_at: dims at which the prefix is worse than random dims.
        at_random: the value of random dims, in the mean over the dims up to half the width.
    """
    compared = tuple(against.values())
    if not compared:
        return _undecided("no dim up to half the width was measured, where a trained prefix shows", declared, compared)
    beaten = [one.other for one in compared if one.p <= 1.0 - LEVEL]
    if len(beaten) == len(compared):
        return Trained(
            True, f"in the mean over the dims up to half the width the prefix beats {_and(beaten)}", compared
        )
    to_random = against["random dims"]
    loses = full - at_random > MARGIN * full
    equal = loses and -MARGIN * full < to_random.equal_low and to_random.equal_high < MARGIN * full
    if declared is not None:
        if not worse_at and not equal:
            return Trained(True, f"{declared}, and nothing measured here contradicts", compared)
        found = f"is worse than random dims at {', '.join(map(str, worse_at))}" if worse_at else "equals random dims"
        return Trained(None, f"{declared}, but measured here the prefix {found}", compared)
    if equal:
        why = f"its first numbers are as good as any others: the prefix equals random dims within {100 * MARGIN:g} %"
        return Trained(False, f"{why} of the full width's value", compared)
    if not loses:
        easy = f"random dims lose no more than {100 * MARGIN:g} % of the full width's value: harder queries would tell"
        return _undecided(easy, None, compared)
    missing = [one.other for one in compared if one.p > 1.0 - LEVEL]
    if missing == ["rotation"]:
        return _undecided(
            "the prefix beats random dims and suffix but not the PCA order, as sorting by variance alone does",
            declared,
            compared,
        )
    return _undecided(f"the prefix was not shown to beat {_and(missing)}, nor to equal random dims", declared, compared)


def _undecided(why: str, declared: str | None, compared: tuple[PooledDifference, ...]) -> Trained:
    return Trained(None, why if declared is None else f"{why}; {declared}", compared)


def _and(names: list[str]) -> str:
    spelled = ["the PCA order" if name == "rotation" else name for name in names]
    return spelled[0] if len(spelled) == 1 else f"{', '.join(spelled[:-1])} and {spelled[-1]}"


def corrected(p: Mapping[str, float]) -> dict[str, float]:
    """Holm's correction by name."""
    return dict(zip(p, holm(list(p.values())).tolist(), strict=True))
