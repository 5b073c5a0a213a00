import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.identity import measure_identity
from matryo.evaluation.identity_statistics import (
    Comparison,
    Pair,
    Verdict,
    beats_all,
    bend,
    bends,
    collapses,
    compare,
    corrected,
    not_worse,
    triplets_of,
    two_sided,
    values_of,
)
from matryo.measures.resample import tail
from matryo.measures.statistics import bootstrap_difference


def comparison(difference=0.1, p=0.001, *, low=None, high=None, left=0.5, name="a - b", adjusted=math.nan):
    low = difference - 0.05 if low is None else low
    high = difference + 0.05 if high is None else high
    return Comparison(name, left, left - difference, difference, low, high, p, adjusted, 100, 50, (difference,))


def test_one_seed_equals_the_plain_bootstrap(rng):
    left, right, people = rng.random(60), rng.random(60), np.arange(60) // 2
    (found,) = compare({"x": Pair(left, right, people)}, n_draws=500, seed=4)
    plain = bootstrap_difference(left, right, people, n_draws=500, seed=4)
    assert (found.difference, found.low, found.high) == pytest.approx((plain.value, plain.low, plain.high))
    assert (found.n, found.n_people) == (60, 30)
    assert found.by_seed == pytest.approx((found.difference,))


def test_seeds_and_people_are_resampled_together_as_in_a_slow_loop(rng):
    left, right, people = rng.random((3, 20)) + 0.05, rng.random(20), rng.integers(0, 9, 20)
    (found,) = compare({"x": Pair(left, right, people)}, n_draws=400, seed=2)
    # the spread of three seeds' means is widened by sqrt(3 / 2) first
    differences = left - right
    by_seed = differences.mean(axis=1)
    wide = differences + ((np.sqrt(1.5) - 1) * (by_seed - by_seed.mean()))[:, None]
    assert np.var(wide.mean(axis=1)) == pytest.approx(np.var(by_seed, ddof=1))
    again = np.random.default_rng(2)
    numbers = np.unique(people, return_inverse=True)[1]
    n_people = numbers.max() + 1
    drawn_people = again.integers(0, n_people, size=(400, n_people))
    drawn_seeds = again.integers(0, 3, size=(400, 3))
    slow = []
    for chosen, seeds in zip(drawn_people, drawn_seeds, strict=True):
        queries = np.concatenate([np.flatnonzero(numbers == person) for person in chosen])
        slow.append(np.mean([wide[s, queries].mean() for s in seeds]))
    slow = np.array(slow)
    left_out = tail(0.025, n_people)
    assert found.low == pytest.approx(np.quantile(slow, left_out, method="lower"))
    assert found.high == pytest.approx(np.quantile(slow, 1 - left_out, method="higher"))
    assert found.p == pytest.approx(min(1, 2 * (1 + min((slow <= 0).sum(), (slow >= 0).sum())) / 401))
    assert found.difference == pytest.approx(differences.mean())
    assert found.by_seed == pytest.approx(tuple(by_seed))


def test_p_is_near_that_of_a_t_test(rng):
    pairs, expected = {}, []
    for at, shift in enumerate((0.0, 0.1, 0.2, 0.3)):
        left, right = rng.normal(shift, 1, 200), rng.normal(0, 1, 200)
        pairs[str(at)] = Pair(left, right, np.arange(200))
        expected.append(stats.ttest_rel(left, right).pvalue)
    found = [one.p for one in compare(pairs, seed=0)]
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_p_values_of_no_difference_are_even():
    rng = np.random.default_rng(1)
    pairs = {str(i): Pair(rng.normal(size=(1, 80)), rng.normal(size=80), np.arange(80)) for i in range(300)}
    found = np.array([one.p for one in compare(pairs, n_draws=1_000, seed=0)])
    assert stats.kstest(found, "uniform").pvalue > 0.001
    assert (found < 0.05).mean() < 0.09


def test_pairs_of_different_shapes_keep_their_order(rng):
    pairs = {
        "seeds": Pair(rng.random((3, 10)), rng.random((3, 10)), np.arange(10)),
        "one": Pair(rng.random(10), rng.random(10), np.arange(10)),
        "other people": Pair(rng.random((3, 8)), rng.random(8), np.arange(8) // 2),
        "seeds again": Pair(rng.random((3, 10)), rng.random(10), np.arange(10)),
    }
    found = compare(pairs, n_draws=200, seed=0)
    assert [one.name for one in found] == list(pairs)
    assert [len(one.by_seed) for one in found] == [3, 1, 3, 3]
    for name, pair in pairs.items():
        (alone,) = compare({name: pair}, n_draws=200, seed=0)
        assert repr(alone) == repr(found[list(pairs).index(name)])


def test_certain_differences_reach_the_smallest_p():
    (found,) = compare({"x": Pair(np.ones((2, 30)), np.zeros(30), np.arange(30))}, n_draws=999, seed=0)
    assert found.p == 2 / 1000
    assert two_sided(np.zeros(9)) == 1.0
    assert compare({"x": Pair(np.ones(5), np.ones(5), np.arange(5))}, n_draws=200, seed=0)[0].p == 1.0


def test_a_family_is_corrected():
    found = corrected([comparison(p=0.01), comparison(p=0.04), comparison(p=0.03)])
    assert [one.adjusted for one in found] == pytest.approx([0.03, 0.06, 0.06])
    assert [one.deciding_p for one in found] == [one.adjusted for one in found]
    assert comparison(p=0.01).deciding_p == 0.01


@pytest.mark.parametrize(
    ("differences", "outcome"),
    [
        ([(0.1, 0.001), (0.2, 0.01)], "holds"),
        ([(0.1, 0.001), (0.2, 0.2)], "undecided"),
        ([(0.1, 0.001), (-0.2, 0.01)], "does not hold"),
        ([(0.1, 0.001), (-0.2, 0.3)], "undecided"),
    ],
)
def test_beats_all(differences, outcome):
    found = beats_all("claim", [comparison(d, p) for d, p in differences])
    assert (found.claim, found.outcome) == ("claim", outcome)
    assert "a - b: 0.500 - 0.400 = +0.100 [+0.050, +0.150], p = 0.001" in found.evidence


def test_every_seed_is_told():
    found = beats_all("claim", [replace(comparison(), by_seed=(0.15, 0.05))])
    assert "[+0.050, +0.150] (seeds +0.150, +0.050), p = 0.001" in found.evidence


def test_the_corrected_p_decides():
    found = beats_all("claim", [comparison(0.1, 0.01, adjusted=0.2)])
    assert found.outcome == "undecided"
    assert "corrected p = 0.2" in found.evidence


@pytest.mark.parametrize(
    ("ranks", "transfer", "outcome"),
    [
        ([3.0, 4.0], comparison(), "holds"),
        ([3.0, 30.0], comparison(), "undecided"),
        ([3.0, 4.0], comparison(0.01, 0.5), "undecided"),
        ([25.0, 35.0], comparison(), "undecided"),
        ([30.0, 35.0], comparison(), "does not hold"),
    ],
)
def test_collapse(ranks, transfer, outcome):
    found = collapses("MSE collapses", ranks, [38.0, 42.0], transfer)
    assert found.outcome == outcome
    assert "against 40.0, collapsed below 20.0, standing from 30.0; a - b" in found.evidence


@pytest.mark.parametrize(
    ("left", "difference", "p", "outcome"),
    [
        (0.3, 0.2, 0.001, "holds"),
        (0.3, 0.2, 0.2, "undecided"),
        (0.3, -0.2, 0.2, "undecided"),
        (0.3, -0.2, 0.001, "does not hold"),
        (-0.1, 0.2, 0.001, "does not hold"),
    ],
)
def test_elbow(left, difference, p, outcome):
    assert bends("elbow", comparison(difference, p, left=left)).outcome == outcome


def test_an_elbow_needs_dims_on_both_sides():
    assert bends("elbow", None).outcome == "undecided"


@pytest.mark.parametrize(
    ("intervals", "outcome"),
    [
        ([(-0.019, 0.01), (0.0, 0.1)], "holds"),
        ([(-0.021, 0.01), (0.0, 0.1)], "undecided"),
        ([(-0.1, -0.03), (0.0, 0.1)], "does not hold"),
        ([(math.nan, math.nan)], "undecided"),
    ],
)
def test_non_inferiority(intervals, outcome):
    found = not_worse("no loss", [comparison(low=low, high=high) for low, high in intervals])
    assert found.outcome == outcome
    assert found.evidence.startswith("margin 0.02; a - b")


def test_records_are_read_back():
    for one in (comparison(), comparison(low=math.nan), comparison(adjusted=0.5)):
        assert repr(Comparison.from_json(one.to_json())) == repr(one)
    verdict = Verdict("c", "holds", "e")
    assert Verdict.from_json(verdict.to_json()) == verdict


@pytest.fixture
def runs(make_views, make_vectors):
    views = make_views()
    return [
        measure_identity(
            views, *make_vectors(views, seed), dims=(4, 8, 16, 24), prefix_dim=8, seed=0, sizes=(20, 60),
            n_permutations=20,
        )
        for seed in range(3)
    ]  # fmt: skip


def test_values_of_runs(runs):
    found = values_of(runs, "hit@1", gallery="random 60")
    assert found.values.shape == (3, 120)
    np.testing.assert_array_equal(found.values[2], runs[2].values("hit@1", gallery="random 60").values)
    triplets = triplets_of(runs, "dating", "rest")
    assert triplets.values.shape == (3, 30)
    np.testing.assert_array_equal(triplets.people, runs[0].triplets["dating"].people)


def test_the_bend_is_worked_by_hand(runs):
    found = bend(runs, "MRR", gallery="random 60")
    at, before, after = (values_of(runs, "MRR", f"prefix {dim}", gallery="random 60").values for dim in (8, 4, 16))
    np.testing.assert_allclose(found.values, (at - before) - (after - at), atol=1e-12)
    control = bend(runs, "MRR", columns="shuffled", gallery="random 60")
    assert found.values.mean() > control.values.mean() + 0.1
    assert bend([replace(run, prefix_dim=4) for run in runs]) is None
    assert bend([replace(run, prefix_dim=24) for run in runs]) is None


def test_runs_of_other_views_are_refused(runs):
    with pytest.raises(MatryoError, match="2 kinds among 2 runs"):
        values_of([runs[0], replace(runs[1], digest="other")], "hit@1", gallery="random 60")
    with pytest.raises(MatryoError, match="0 kinds among 0 runs"):
        values_of([], "hit@1")


def test_bad_values():
    with pytest.raises(ShapeError, match="same queries"):
        compare({"x": Pair(np.ones(3), np.ones(4), np.arange(3))})
    with pytest.raises(MatryoError, match="must be finite"):
        compare({"x": Pair(np.array([1.0, np.nan]), np.ones(2), np.arange(2))})
    with pytest.raises(MatryoError, match="n_draws"):
        compare({}, n_draws=5)
