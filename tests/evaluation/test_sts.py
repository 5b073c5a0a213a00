import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.sts import prefix_cosines, sts_curve
from matryo.measures.similarity import cosine_rows, spearman
from matryo.prefix import cut


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sets(st.integers(1, 12), min_size=1))
def test_cumulated_cosines_equal_those_of_cuts(seed, dims):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 9, 12))
    a[3] = 0.0
    b[5, :4] = 0.0
    found = prefix_cosines(a, b, list(dims))
    assert list(found) == sorted(dims)
    for dim, cosines in found.items():
        np.testing.assert_allclose(cosines, cosine_rows(cut(a, dim), cut(b, dim)), atol=1e-12)


def test_curve_is_spearman_at_every_dim(rng):
    a = rng.normal(size=(200, 12)).astype(np.float32)
    b = (a + rng.normal(size=a.shape)).astype(np.float32)
    gold = np.round(cosine_rows(a, b) * 5) + rng.integers(0, 2, 200)
    scores = sts_curve(a, b, gold, [12, 4], dataset="stsb", model="m", map="rotation")
    assert [(s.dim, s.measure, s.n, s.map) for s in scores] == [
        (4, "spearman", 200, "rotation"),
        (12, "spearman", 200, "rotation"),
    ]
    for score in scores:
        cosines = cosine_rows(cut(a, score.dim), cut(b, score.dim))
        assert score.value == pytest.approx(spearman(cosines, gold), abs=1e-9)
        assert score.low < score.value < score.high
    # Fisher's approximation for ranks, as a rough outside check of the interval's width
    last = scores[-1]
    half = stats.norm.ppf(0.975) * np.sqrt((1 + last.value**2 / 2) / (200 - 3))
    low, high = np.tanh(np.arctanh(last.value) + np.array([-half, half]))
    assert (last.low, last.high) == pytest.approx((low, high), abs=0.05)


def test_pairs_that_do_not_fit():
    a = np.ones((3, 4))
    with pytest.raises(ShapeError, match="one shape"):
        prefix_cosines(a, np.ones((3, 5)), [2])
    with pytest.raises(ShapeError, match=r"within 1\.\.4"):
        prefix_cosines(a, a, [8])
    with pytest.raises(ShapeError, match="one length"):
        sts_curve(a * [1.0, 2, 3, 4], np.arange(12.0).reshape(3, 4), [1.0, 2.0], [2], dataset="d", model="m")
    with pytest.raises(MatryoError, match="all equal"):
        sts_curve(np.eye(3, 4), np.arange(12.0).reshape(3, 4), [1.0, 1.0, 1.0], [2], dataset="d", model="m")
