import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.comparisons import differences, pool_seeds, recommend, share_of, shares
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import Arm, Score
from matryo.measures.statistics import bootstrap_difference, bootstrap_mean, bootstrap_ratio, recommend_dim

N = 60
GROUPS = tuple(f"g{number % 12}" for number in range(N))
GROUPED = Queries(tuple(f"q{number}" for number in range(N)), GROUPS)
ALONE = Queries(GROUPED.ids)


def score(values, map="none", dim=96, seed=None, dataset="d", measure="MRR@10"):
    values = np.asarray(values)
    return Score(dataset, "m", map, dim, measure, values.mean(), 0.0, 1.0, len(values), seed=seed, per_query=values)


@pytest.fixture
def runs(rng):
    """A plain full width, and heads of three seeds at 96."""
    return score(rng.random(N), dim=384), [score(rng.random(N), "head", 96, seed) for seed in (0, 1, 2)]


def test_share_is_the_paired_ratio(runs):
    full, heads = runs
    (found,) = shares([(heads[1], full)], GROUPED)
    direct = bootstrap_ratio(heads[1].per_query, full.per_query, GROUPS, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-12)
    assert (found.n, found.n_groups) == (N, 12)
    assert (found.of, found.base) == (Arm("m", "head", 96, 1), Arm("m", "none", 384))
    assert share_of(heads[1], full, GROUPED) == direct


def test_many_shares_equal_each_alone(runs):
    full, heads = runs
    together = shares([(head, full) for head in heads], ALONE)
    assert together == [shares([(head, full)], ALONE)[0] for head in heads]
    assert [found.n_groups for found in together] == [None] * 3
    assert shares([], ALONE) == []


def test_share_of_an_arm_to_itself_is_one(runs):
    full, _ = runs
    (found,) = shares([(full, full)], GROUPED)
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)


def test_several_seeds_are_resampled_too(runs):
    full, heads = runs
    (found,) = shares([(heads, full)], GROUPED)
    direct = bootstrap_ratio(np.stack([head.per_query for head in heads]), full.per_query, GROUPS, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-12)
    assert found.of == Arm("m", "head", 96)
    backwards = shares([(heads[::-1], full)], GROUPED)
    assert backwards == [found]


def test_difference_is_paired(runs):
    full, heads = runs
    (found,) = differences({"head - plain": (heads, full)}, GROUPED)
    direct = bootstrap_difference(np.stack([head.per_query for head in heads]), full.per_query, GROUPS, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-12)
    assert (found.name, found.left, found.right) == ("head - plain", Arm("m", "head", 96), Arm("m", "none", 384))


def test_pooled_seeds(runs):
    _, heads = runs
    (found,) = pool_seeds(heads, GROUPED)
    direct = bootstrap_mean(np.stack([head.per_query for head in heads]), GROUPS, seed=0)
    assert (found.value, found.low, found.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-12)
    assert (found.seed, found.n_seeds, found.map, found.dim) == (None, 3, "head", 96)
    np.testing.assert_allclose(found.per_query, np.mean([head.per_query for head in heads], axis=0))


def test_pooling_keeps_arms_apart(rng):
    scores = [score(rng.random(N), "head", dim, seed) for seed in (0, 1) for dim in (32, 96)]
    more = [score(rng.random(N), "head", 64, seed) for seed in (0, 1, 2)]
    single = [score(rng.random(N), "head", 16, 5)]
    together = pool_seeds([*scores, *more, *single], ALONE)
    assert [(found.dim, found.n_seeds) for found in together] == [(32, 2), (96, 2), (64, 3), (16, 1)]
    assert [found.value for found in together[2:]] == pytest.approx(
        [np.mean([one.value for one in more]), single[0].value]
    )
    apart = [pool_seeds(runs, ALONE)[0] for runs in (scores[::2], scores[1::2], more, single)]
    for left, right in zip(together, apart, strict=True):
        assert (left.low, left.high) == pytest.approx((right.low, right.high), abs=1e-12)


def test_recommend_reads_the_curve(rng):
    full = rng.random(N) + 0.5
    scores = [score(full * keeps, dim=dim) for dim, keeps in ((384, 1.0), (96, 0.97), (32, 0.5))]
    found = recommend(scores, GROUPED)
    assert found.result == recommend_dim({s.dim: s.per_query for s in scores}, GROUPS)
    assert (found.dataset, found.model, found.map, found.measure) == ("d", "m", "none", "MRR@10")
    assert found.result.dim == 96


def test_recommend_takes_seeds(rng):
    full = rng.random(N) + 0.5
    scores = [score(full * (1 if dim == 384 else 0.99), "head", dim, seed) for seed in (0, 1) for dim in (96, 384)]
    assert recommend(scores, GROUPED).result.dim == 96


def test_records_through_json(runs):
    full, heads = runs
    (share,) = shares([(heads[0], full)], GROUPED)
    assert Share.from_json(share.to_json()) == share
    assert set(share.to_json()) == {"dataset", "of", "base", "measure", "value", "low", "high", "n", "n_groups"}
    (difference,) = differences({"x": (heads[0], full)}, ALONE)
    assert Difference.from_json(difference.to_json()) == difference
    assert "n_groups" not in difference.to_json()
    recommended = recommend([full, score(full.per_query, dim=96)], GROUPED)
    assert Recommended.from_json(recommended.to_json()) == recommended


def test_unlike_sides_are_refused(runs, rng):
    full, heads = runs
    values = rng.random(N)
    for other in (score(values, dataset="e"), score(values, measure="nDCG@10")):
        with pytest.raises(MatryoError, match="share data set and measure"):
            shares([(other, full)], GROUPED)
    with pytest.raises(MatryoError, match=r"same seeds, got \[0, 1, 2\] and \[0, 1\]"):
        shares([(heads, heads[:2])], GROUPED)
    with pytest.raises(MatryoError, match="at least one score"):
        shares([([], full)], GROUPED)


def test_scores_must_carry_values_that_fit(runs):
    full, _ = runs
    with pytest.raises(MatryoError, match="no per-query values"):
        shares([(Score.from_json(full.to_json()), full)], GROUPED)
    with pytest.raises(MatryoError, match=r"\(60,\) for 1 queries"):
        shares([(full, full)], Queries(("q",)))


def test_pooling_refuses_missing_and_repeated_seeds(runs):
    full, heads = runs
    for wrong in ([full], [heads[0], heads[0]]):
        with pytest.raises(MatryoError, match="one seed each"):
            pool_seeds(wrong, GROUPED)


def test_recommend_refuses_two_curves(runs):
    full, heads = runs
    with pytest.raises(MatryoError, match="reads one curve"):
        recommend([full, heads[0]], GROUPED)
    with pytest.raises(MatryoError, match="reads one curve"):
        recommend([], GROUPED)
