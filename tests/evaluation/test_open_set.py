import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from matryo.errors import MatryoError
from matryo.evaluation.open_set import auc_interval, open_set
from matryo.measures.identity import Columns, Cosines
from matryo.prefix import cut

_SCORES = st.lists(st.integers(0, 6), min_size=2, max_size=20)


@given(_SCORES, _SCORES)
def test_auc_equals_sklearn(matched, unmatched):
    auc, low, high = auc_interval(np.array(matched, float), np.array(unmatched, float))
    truth = [1] * len(matched) + [0] * len(unmatched)
    assert auc == pytest.approx(roc_auc_score(truth, matched + unmatched))
    assert 0.0 <= low <= auc <= high <= 1.0


def test_delong_interval_equals_its_definition(rng):
    x, y = rng.normal(1, 1, 40), rng.normal(0, 1, 50)
    won = np.array([[float(a > b) for b in y] for a in x])
    spread = np.sqrt(won.mean(axis=1).var(ddof=1) / 40 + won.mean(axis=0).var(ddof=1) / 50)
    auc, low, high = auc_interval(x, y)
    assert auc == pytest.approx(won.mean())
    assert (low, high) == pytest.approx((auc - 1.959964 * spread, auc + 1.959964 * spread), abs=1e-6)


def test_rows_without_a_partner_are_the_unmatched_ones(rng):
    n, m = 300, 60
    a, b = rng.normal(size=(n, 6)), rng.normal(size=(m, 6))
    entities_a, entities_b = rng.permutation(400)[:n], rng.permutation(200)[:m]
    a[np.isin(entities_a, entities_b)] *= 3.0
    for at, entity in enumerate(entities_a):
        a[at] += sum(2.0 * b[row] for row in range(m) if entities_b[row] == entity)
    (found,) = open_set(Cosines(a, b, [Columns(("4",), (4,))]), entities_a, entities_b, direction="a->b", seed=0)
    scores = cut(a, 4) @ cut(b, 4).T
    matched = np.isin(entities_a, entities_b)
    top = scores.max(axis=1)
    assert found.auc == pytest.approx(roc_auc_score(matched, top), abs=1e-9)
    assert (found.n_matched, found.n_unmatched, found.held_out) == (matched.sum(), (~matched).sum(), False)
    bar = np.quantile(top[~matched], 0.95, method="higher")
    right = (entities_b[scores.argmax(axis=1)] == entities_a) & (top > bar)
    assert found.linked == pytest.approx(right[matched].mean())


def test_where_all_are_matched_half_of_the_partners_leave(rng):
    a = rng.normal(size=(200, 8)).astype(np.float32)
    b = (a + 0.1 * rng.normal(size=a.shape)).astype(np.float32)
    noise = rng.normal(size=a.shape).astype(np.float32)
    number = np.arange(200)
    columns = [Columns(("8",), (8,))]
    (found,) = open_set(Cosines(a, b, columns), number, number, direction="a->b", seed=0)
    assert (found.n_matched, found.n_unmatched, found.held_out) == (100, 100, True)
    assert found.auc > 0.98
    assert found.low > 0.95
    assert found.linked > 0.8
    (unrelated,) = open_set(Cosines(a, noise, columns), number, number, direction="a->b", seed=0)
    assert unrelated.low < 0.5 < unrelated.high
    assert unrelated.linked < 0.05
    assert found == open_set(Cosines(a, b, columns), number, number, direction="a->b", seed=0)[0]


def test_too_few(rng):
    x = rng.normal(size=(2, 3))
    with pytest.raises(MatryoError, match="1 queries with and 1 without"):
        open_set(Cosines(x, x, [Columns(("3",), (3,))]), np.arange(2), np.arange(2), direction="a->b", seed=0)
    with pytest.raises(MatryoError, match="got 1 and 3"):
        auc_interval(np.ones(1), np.ones(3))
