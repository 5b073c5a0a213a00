"""The rule: bridge only if the new model is shown to be better, and the translation than keeping the old one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.evaluation.translation_verdict import judge_bridging

N = 40


def judged(old: float, translated: float, new: float, noise: float = 0.05, seed: int = 0):
    rng = np.random.default_rng(seed)
    return judge_bridging(
        *(level + noise * rng.normal(size=N) for level in (old, translated, new)), n_draws=400, seed=0
    )


def test_half_of_the_gap_by_hand() -> None:
    old, new = np.array([0.0, 0.2] * 20), np.array([0.4, 0.6] * 20)
    found = judge_bridging(old, np.array([0.2, 0.4] * 20), new, n_draws=200, seed=0)
    assert found.bridge
    assert (found.gap.value, found.gain.value, found.lost.value) == pytest.approx((0.4, 0.2, -0.2))
    assert found.recovered is not None and found.recovered.value == pytest.approx(0.5)
    assert found.kept is not None and found.kept.value == pytest.approx(3.0)
    assert found.sentence("old", "new", "nDCG@10").startswith(
        "Bridge: the translation is better than keeping old by +0.200 [+0.200, +0.200] nDCG@10, which recovers 50 % of "
        "the gap [50 to 50 %]; encoding everything anew with new gives +0.200"
    )


def test_without_a_gap_there_is_nothing_to_bridge_to() -> None:
    found = judged(0.5, 0.6, 0.4)
    assert not found.bridge and found.recovered is None
    assert "Do not bridge: new, with everything encoded anew, is worse than old" in found.sentence("old", "new", "m")
    level = judged(0.5, 0.6, 0.5, noise=0.2)
    assert not level.bridge and "is not shown to be better than old" in level.sentence("old", "new", "m")
    assert "undefined" in found.share_in_words()


def test_a_translation_must_beat_the_old_model() -> None:
    worse, level = judged(0.5, 0.3, 0.8), judged(0.5, 0.5, 0.8, noise=0.2)
    assert not worse.bridge and "the translation is worse than keeping old" in worse.sentence("old", "new", "m")
    assert worse.recovered is not None and worse.recovered.value < 0.0
    assert not level.bridge and "is not shown to be better than keeping old" in level.sentence("old", "new", "m")


def test_a_translation_must_beat_the_swap_that_costs_nothing() -> None:
    rng = np.random.default_rng(0)
    old, translated, new = (level + 0.05 * rng.normal(size=N) for level in (0.3, 0.5, 0.8))
    found = {
        name: judge_bridging(old, translated, new, swapped=translated + shift, n_draws=400, seed=0)
        for name, shift in (("lower", -0.2), ("equal", 0.0), ("higher", 0.1))
    }
    assert [one.bridge for one in found.values()] == [True, False, False]
    assert all(one.gain.low > 0.0 for one in found.values())
    assert "but is worse than a swap" in found["higher"].sentence("old", "new", "m")
    assert "but is not shown to be better than a swap" in found["equal"].sentence("old", "new", "m")
    assert found["higher"].over_swap.value == pytest.approx(-0.1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(0, 5))
def test_the_verdict_follows_the_intervals_alone(old: float, translated: float, new: float, seed: int) -> None:
    found = judged(old, translated, new, seed=seed)
    assert found.bridge == (found.gap.low > 0 and found.gain.low > 0)
    assert (found.recovered is None) == (found.gap.value <= 0)
    assert found.sentence("a", "b", "m").startswith("Bridge" if found.bridge else "Do not bridge")


def test_an_old_model_that_finds_nothing_keeps_no_share() -> None:
    zero = np.zeros(N)
    found = judge_bridging(zero, zero + 0.2, zero + 0.4, n_draws=200, seed=0)
    assert found.kept is None and found.bridge


def test_what_a_swap_wins_over_the_old_model_is_measured_by_itself() -> None:
    old, new = np.linspace(0.1, 0.4, N), np.linspace(0.6, 0.9, N)
    found = judge_bridging(old, old, new, swapped=old + 0.1, n_draws=100, seed=0)
    assert (found.swap_gain.value, found.swap_gain.low) == pytest.approx((0.1, 0.1))
    assert judge_bridging(old, old, new, n_draws=100, seed=0).swap_gain is None
