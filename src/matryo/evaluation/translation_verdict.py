"""Bridge or do not bridge: the rule, and what a translation wins between keeping the old model and re-encoding.

The rule is stated before any number is seen:

    Bridge only if all three are shown at 95 % (lower end of the paired interval above 0): that the new model, with
    every text encoded anew, is better than the old one; that the translation is better than keeping the old one; and
    that it is better than the swap, where the new model asks the old vectors as they are: that costs nothing, and
    between two revisions of one model it can be worth more than a translation.
    Whatever else comes out, do not bridge.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matryo.measures.intervals import Interval
from matryo.measures.statistics import bootstrap_difference, bootstrap_ratio

RULE = (
    "Bridge only if three things are shown at 95 %, each by a paired interval that lies above 0: that the new model, "
    "with every text encoded anew, is better than the old one, that the translation is better than keeping the old "
    "one, and that it is better than a swap, where the new model asks the old vectors as they are."
)


@dataclass(frozen=True)
class Bridging:
    """What a translation wins.

    Attributes:
        bridge: the verdict of the rule.
        gap: new model minus old one.
        gain: translation minus old model.
        lost: translation minus new model.
        over_swap: translation minus swap, None if nobody swapped.
        swap_gain: swap minus old model: where it is above 0, a swap is an option of its own.
        recovered: gain over gap, None where the gap is not above 0.
        kept: translation over old model, None if the old model finds nothing.
    """

    bridge: bool
    gap: Interval
    gain: Interval
    lost: Interval
    over_swap: Interval | None
    swap_gain: Interval | None
    recovered: Interval | None
    kept: Interval | None

    def sentence(self, old: str, new: str, measure: str) -> str:
        """The verdict in words.

        Args:
            old: name of the old model.
            new: name of the new one.
            measure: what judges.
        """
        gap, gain = _signed(self.gap), _signed(self.gain)
        if self.bridge:
            return (
                f"Bridge: the translation is better than keeping {old} by {gain} {measure}, "
                f"{self.share_in_words()}; encoding everything anew with {new} gives "
                f"{_signed(self.lost, turned=True)} more"
            )
        if not self.gap.low > 0.0:
            better = "is worse than" if self.gap.high < 0.0 else "is not shown to be better than"
            return (
                f"Do not bridge: {new}, with everything encoded anew, {better} {old} on these texts ({gap} {measure}), "
                f"so that there is nothing to bridge to; the translation gives {gain} against keeping {old}"
            )
        if self.gain.low > 0.0 and self.over_swap is not None:
            worse = "is worse than" if self.over_swap.high < 0.0 else "is not shown to be better than"
            return (
                f"Do not bridge: the translation is better than keeping {old} by {gain} {measure}, but {worse} a swap, "
                f"where {new} asks the vectors of {old} as they are ({_signed(self.over_swap)}), which costs nothing; "
                f"encoding everything anew is better than keeping {old} by {gap}"
            )
        worse = "is worse than" if self.gain.high < 0.0 else "is not shown to be better than"
        return (
            f"Do not bridge: the translation {worse} keeping {old} ({gain} {measure}), while {new}, with everything "
            f"encoded anew, is better by {gap}; keep {old} until you encode anew"
        )

    def share_in_words(self) -> str:
        """The share of the gap that is recovered, or why there is none."""
        if self.recovered is None:
            return "the share of the gap is undefined, because the gap is not above 0"
        found = self.recovered
        if not np.isfinite(found.low + found.high):
            return f"which recovers {100 * found.value:.0f} % of the gap (no interval: the gap is too uncertain)"
        return (
            f"which recovers {100 * found.value:.0f} % of the gap [{100 * found.low:.0f} to {100 * found.high:.0f} %]"
        )


def judge_bridging(
    old: NDArray[np.float64],
    translated: NDArray[np.float64],
    new: NDArray[np.float64],
    groups: Sequence[str] | None = None,
    *,
    swapped: NDArray[np.float64] | None = None,
    n_draws: int = 10_000,
    seed: int,
) -> Bridging:
    """Hold a translation against keeping the old model, a swap, and encoding everything anew.

    Args:
        old: (n,) one value per query: old model asks, old vectors answer.
        translated: (n,) the same queries, with translated vectors on one side.
        new: (n,) the same queries: new model on both sides.
        groups: (n,) labels of queries that are drawn as a whole.
        swapped: (n,) the same queries: new model asks, old vectors answer, nothing translated; None = nobody swapped.
        n_draws: bootstrap draws.
        seed: of the draws.

    >>> old, new = np.array([0.1, 0.2] * 10), np.array([0.5, 0.6] * 10)
    >>> found = judge_bridging(old, np.array([0.3, 0.4] * 10), new, seed=0)
    >>> found.bridge, round(found.recovered.value, 3)
    (True, 0.5)
    """
    draws = {"n_draws": n_draws, "seed": seed}
    gap = bootstrap_difference(new, old, groups, **draws)
    gain = bootstrap_difference(translated, old, groups, **draws)
    over_swap = None if swapped is None else bootstrap_difference(translated, swapped, groups, **draws)
    return Bridging(
        bridge=gap.low > 0.0 and gain.low > 0.0 and (over_swap is None or over_swap.low > 0.0),
        gap=gap,
        gain=gain,
        lost=bootstrap_difference(translated, new, groups, **draws),
        over_swap=over_swap,
        swap_gain=None if swapped is None else bootstrap_difference(swapped, old, groups, **draws),
        recovered=bootstrap_ratio(translated - old, new - old, groups, **draws) if gap.value > 0.0 else None,
        kept=bootstrap_ratio(translated, old, groups, **draws) if old.mean() > 0.0 else None,
    )


def _signed(found: Interval, *, turned: bool = False) -> str:
    sign = -1.0 if turned else 1.0
    low, high = sorted((sign * found.low, sign * found.high))
    return f"{sign * found.value:+.3f} [{low:+.3f}, {high:+.3f}]"
