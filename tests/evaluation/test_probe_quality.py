"""Quality of prefixes: the arms, the rule for "trained", the tests of what may be cut."""

import math

import numpy as np
import pytest
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.probe_quality import QualityProbe, measure_quality
from matryo.evaluation.probe_quality_arms import ReorderedVectors, reordered_values, suffix_order, values_per_dim
from matryo.evaluation.probe_quality_trained import (
    PooledDifference,
    among_draws_p,
    bootstrap_p,
    corrected,
    decide,
)
from matryo.maps import fit_rotation
from matryo.measures.intervals import Interval
from matryo.measures.judged import Judged, judge
from matryo.measures.measure import Measure
from matryo.prefix import Array, unit_rows
from matryo.space import Space

WIDTH, N = 16, 400
DIMS = (2, 4, 8, 12, 16)
SPACE = Space("space of a test", WIDTH)
NDCG = Measure("nDCG", 10)
IDS = [str(i) for i in range(N)]
JUDGED = judge({i: {i: 1} for i in IDS}, IDS, IDS)


def plain_pairs(rng: np.random.Generator, noise: float = 0.55) -> tuple[Array, Array]:
    """Queries and documents that share every dim alike: no choice of dims is better than another."""
    shared = rng.normal(size=(N, WIDTH))
    sides = [unit_rows((shared + noise * rng.normal(size=shared.shape)).astype(np.float32)) for _ in range(2)]
    return sides[0], sides[1]


def first_pairs(rng: np.random.Generator) -> tuple[Array, Array]:
    """The first half is shared and small, the rest is loud and says nothing: what PCA takes for the best."""
    shared, sides = rng.normal(size=(N, WIDTH // 2)), []
    for _ in range(2):
        loud = 1.5 * rng.normal(size=shared.shape)
        sides.append(unit_rows(np.hstack([shared + 0.1 * rng.normal(size=shared.shape), loud]).astype(np.float32)))
    return sides[0], sides[1]


def probed(queries: Array, documents: Array, judged: Judged = JUDGED, **settings: object) -> QualityProbe:
    given: dict[str, object] = {"dims": DIMS, "measure": NDCG, "n_draws": 500, **settings}
    return measure_quality(queries, documents, judged, space=SPACE, dataset="d", model="m", **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def plain() -> QualityProbe:
    return probed(*plain_pairs(np.random.default_rng(1)))


@pytest.fixture(scope="module")
def first() -> QualityProbe:
    return probed(*first_pairs(np.random.default_rng(2)))


def test_reordered_vectors_read_like_the_indexed_matrix(rng: np.random.Generator) -> None:
    x = rng.normal(size=(7, 5)).astype(np.float32)
    order = np.array([3, 0, 4, 1, 2])
    seen = ReorderedVectors(x, order)
    assert (seen.n_rows, seen.width) == (7, 5)
    np.testing.assert_array_equal(seen.read(slice(2, 6), 1, 4), x[2:6, [0, 4, 1]])


@pytest.mark.parametrize("order", [[0, 1], [0, 0, 1], [1, 2, 3]])
def test_an_order_names_every_column_once(order: list[int]) -> None:
    with pytest.raises(ShapeError, match="each of 3 columns once"):
        ReorderedVectors(np.eye(3, dtype=np.float32), np.array(order))


def test_suffix_is_what_the_last_columns_give(rng: np.random.Generator) -> None:
    queries, documents = plain_pairs(rng)
    found = reordered_values(queries, documents, JUDGED, (4,), NDCG, suffix_order(WIDTH))
    np.testing.assert_allclose(
        found, values_per_dim(queries[:, -4:].copy(), documents[:, -4:].copy(), JUDGED, (4,), NDCG)
    )


def test_every_arm_is_measured_at_every_dim_below_the_width(plain: QualityProbe) -> None:
    dims: dict[str, list[int]] = {}
    for score in plain.scores:
        dims.setdefault(score.map, []).append(score.dim)
    below = list(DIMS[:-1])
    assert dims == {"none": list(DIMS), "random dims": below, "suffix": below, "rotation": below}
    assert len(plain.differences) == 3 * len(below)
    assert {found.result.share for found in plain.recommendations.values()} == {0.99, 0.98, 0.95}


def test_shares_and_points_agree_with_the_scores(plain: QualityProbe) -> None:
    quality = plain.to_certificate()
    prefix = {score.dim: score.value for score in plain.scores if score.map == "none"}
    assert [point["dim"] for point in quality.points] == list(DIMS)
    for point in quality.points:
        assert point["value"] == pytest.approx(prefix[point["dim"]])
        assert point["share"] == pytest.approx(prefix[point["dim"]] / prefix[WIDTH])
        assert point["low"] <= point["value"] <= point["high"]
    full = quality.points[-1]
    assert full["random"] == full["suffix"] == full["pca"] == full["value"]
    assert quality.smallest == {f"{s:g}": found.result.dim for s, found in plain.recommendations.items()}


def test_equal_dims_are_not_trained(plain: QualityProbe) -> None:
    assert plain.trained.trained is False
    assert "equals random dims within 3 %" in plain.trained.why


def test_a_prefix_that_beats_all_three_is_trained(first: QualityProbe) -> None:
    assert first.trained.trained is True
    assert {one.other for one in first.trained.against} == {"random dims", "suffix", "rotation"}
    assert all(one.p <= 0.05 and one.difference.low > 0 for one in first.trained.against)
    # the loud half only disturbs: fewer numbers find more
    assert first.to_certificate().points[2]["share"] > 2
    assert first.recommendations[0.99].result.dim <= 4


def test_pca_order_alone_is_not_called_trained(rng: np.random.Generator) -> None:
    shared = rng.normal(size=(N, WIDTH)) * np.geomspace(1.0, 0.1, WIDTH)
    sides = [unit_rows((shared + 0.15 * rng.normal(size=shared.shape)).astype(np.float32)) for _ in range(2)]
    turned = fit_rotation(sides[1], SPACE)
    found = probed(turned.apply(sides[0]), turned.apply(sides[1])).trained
    assert found.trained is None
    assert "but not the PCA order" in found.why


def test_the_word_of_the_model_counts_unless_the_measurement_contradicts(rng: np.random.Generator) -> None:
    queries, documents = first_pairs(rng)
    says = "its card says so"
    reversed_ = probed(queries[:, ::-1].copy(), documents[:, ::-1].copy(), declared=says).trained
    assert reversed_.trained is None
    assert reversed_.why.startswith(says) and "worse than random dims at 2, 4, 8" in reversed_.why


def test_groups_are_resampled_as_a_whole(rng: np.random.Generator) -> None:
    queries, documents = plain_pairs(rng)
    alone = probed(queries, documents, dims=(4,))
    grouped = probed(queries, documents, dims=(4,), groups={i: str(int(i) // 20) for i in IDS})
    assert grouped.to_certificate().n_groups == 20 and alone.to_certificate().n_groups is None
    assert grouped.scores[0].value == pytest.approx(alone.scores[0].value)


def test_one_group_decides_nothing(rng: np.random.Generator) -> None:
    found = probed(*first_pairs(rng), groups=dict.fromkeys(IDS, "one"))
    assert found.trained.trained is None
    assert found.to_certificate().smallest["0.95"] == WIDTH
    assert found.to_certificate().points[0]["low"] is None


def test_few_queries_are_refused_with_the_number_needed(rng: np.random.Generator) -> None:
    queries, documents = plain_pairs(rng)
    judged = judge({i: {i: 1} for i in IDS[:19]}, IDS[:19], IDS)
    with pytest.raises(MatryoError, match=r"at least 20 queries .*got 19"):
        probed(queries[:19], documents, judged)


def test_a_measure_that_every_order_satisfies_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(MatryoError, match=r"recall@400 is the same for every order of 400 documents"):
        probed(*plain_pairs(rng), measure=Measure("recall", 400))


def test_where_nothing_is_lost_nothing_is_decided() -> None:
    easy = np.eye(WIDTH, dtype=np.float32)[:, [1, *range(1, WIDTH)]]
    easy = unit_rows(np.repeat(easy, 2, axis=0) + 0.5)
    ids = [str(i) for i in range(len(easy))]
    judged = judge({i: dict.fromkeys(ids, 1) for i in ids}, ids, ids)
    found = measure_quality(
        easy, easy, judged, (4, 8), Measure("P", 5), space=SPACE, dataset="d", model="m", n_draws=200
    )
    assert found.trained.trained is None and "harder queries would tell" in found.trained.why
    # 32 queries without a loss do not show 95 %, which 59 would
    assert found.to_certificate().smallest == {"0.99": WIDTH, "0.98": WIDTH, "0.95": WIDTH}


def test_a_dim_below_the_width_is_needed(rng: np.random.Generator) -> None:
    with pytest.raises(MatryoError, match="below the width 16"):
        probed(*plain_pairs(rng), dims=(16,))
    with pytest.raises(ShapeError, match=r"within 1\.\.16"):
        probed(*plain_pairs(rng), dims=(8, 32))


def test_without_a_short_dim_the_question_stays_open(rng: np.random.Generator) -> None:
    found = probed(*first_pairs(rng), dims=(12,)).trained
    assert found.trained is None and found.against == () and "up to half the width" in found.why


def test_bootstrap_p_is_the_share_of_draws_below_0_where_groups_abound(rng: np.random.Generator) -> None:
    draws = rng.normal(1.0, 1.0, size=20_000)
    assert bootstrap_p(draws, n_groups=100_000) == pytest.approx(float((draws <= 0).mean()), abs=2e-3)
    # few groups: t instead of normal quantiles, so that the same draws say less
    assert bootstrap_p(draws, n_groups=5) > bootstrap_p(draws, n_groups=100_000) + 0.02
    assert bootstrap_p(-draws, n_groups=1000) == 1.0
    assert bootstrap_p(draws, n_groups=1) == 1.0


def test_one_more_draw_of_the_same_kind(rng: np.random.Generator) -> None:
    draws = rng.normal(size=10)
    t = (1.5 - draws.mean()) / (draws.std(ddof=1) * math.sqrt(1.1))
    assert among_draws_p(1.5, draws) == pytest.approx(stats.t.sf(t, 9))
    assert among_draws_p(1.0, np.ones(3)) == 1.0


def compared(**p: float) -> dict[str, PooledDifference]:
    """Comparisons with given p values, equality with random dims just outside the margin of a full value of 1."""
    names = {"random": "random dims", "suffix": "suffix", "rotation": "rotation"}
    interval = Interval(0.02, 0.0, 0.04, 50, 50)
    return {name: PooledDifference(name, interval, 0.001, 0.04, p[key]) for key, name in names.items()}


@pytest.mark.parametrize(
    ("p", "declared", "worse", "trained", "why"),
    [
        ((0.01, 0.02, 0.05), None, (), True, "beats random dims, suffix and the PCA order"),
        ((0.01, 0.02, 0.05), "X says so", (4,), True, "beats"),
        ((0.01, 0.02, 0.20), None, (), None, "but not the PCA order"),
        ((0.20, 0.02, 0.20), None, (), None, "not shown to beat random dims and the PCA order"),
        ((0.01, 0.02, 0.20), "X says so", (), True, "nothing measured here contradicts"),
        ((0.90, 0.90, 0.90), "X says so", (4, 8), None, "worse than random dims at 4, 8"),
    ],
)
def test_the_rule(
    p: tuple[float, float, float], declared: str | None, worse: tuple[int, ...], trained: bool | None, why: str
) -> None:
    found = decide(compared(random=p[0], suffix=p[1], rotation=p[2]), 1.0, declared, worse)
    assert found.trained is trained
    assert why in found.why


def test_the_margin_of_equality_is_a_share_of_the_full_value() -> None:
    # 0.04 lies outside 3 % of 1 and inside 3 % of 1.5
    against = compared(random=0.5, suffix=0.5, rotation=0.5)
    assert decide(against, 1.0, None, ()).trained is None
    assert decide(against, 1.5, None, ()).trained is False
    assert decide(against, 1.5, "X says so", ()).trained is None
    # 1.46 of 1.5 is kept by any numbers: that the prefix equals them is no sign of anything
    assert decide(against, 1.5, None, (), at_random=1.46).trained is None
    assert decide(against, 1.5, "X says so", (), at_random=1.46).trained is True


def test_three_comparisons_are_corrected() -> None:
    assert corrected({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
