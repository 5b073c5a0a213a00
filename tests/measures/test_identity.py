import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.identity import (
    Columns,
    Cosines,
    Ranks,
    Rivals,
    identity_columns,
    partner_ranks,
    rank_partners,
    triplet_hits,
    with_partner,
)
from matryo.prefix import cut

_SMALL = st.integers(0, 2**32 - 1)


def slow_ranks(scores, entities_a, entities_b, query, rivals, extra=()):
    """Above, tied and margin of one query by a loop over its rivals."""
    best = max(scores[row] for row in range(len(entities_b)) if entities_b[row] == entities_a[query])
    others = [scores[row] for row in rivals if entities_b[row] != entities_a[query]] + list(extra)
    above = sum(other > best + 1e-6 for other in others)
    tied = sum(abs(other - best) <= 1e-6 for other in others)
    return above, tied, best - max(others) if others else np.nan


def test_ranks_equal_a_slow_loop_over_cut_vectors(rng):
    # few values, so that there are ties; an entity with several partners, and some with none
    a, b = rng.integers(-1, 2, (30, 6)).astype(float), rng.integers(-1, 2, (40, 6)).astype(float)
    entities_a, entities_b = rng.integers(0, 25, 30), rng.integers(0, 25, 40)
    columns = identity_columns(6, (2, 4, 6), 2, n_random=2, seed=3)
    found = partner_ranks(a, b, entities_a, entities_b, columns)
    assert found.queries.tolist() == [q for q in range(30) if entities_a[q] in entities_b]
    assert found.above.sum() and found.tied.sum()
    place = 0
    for chosen in columns:
        for dim in chosen.dims:
            left, right = cut(chosen.of(a), dim), cut(chosen.of(b), dim)
            for at, query in enumerate(found.queries):
                slow = slow_ranks(right @ left[query], entities_a, entities_b, query, range(40))
                got = found.above[place, at], found.tied[place, at], found.margin[place, at]
                assert got[:2] == slow[:2]
                assert got[2] == pytest.approx(slow[2], abs=1e-6)
            place += 1
    assert place == len(found.above)


def test_galleries_and_extra_rivals_equal_a_slow_loop(rng):
    a, b, extra = (rng.normal(size=(n, 5)).astype(np.float32) for n in (600, 50, 8))  # three blocks of queries
    entities_a, entities_b = rng.integers(0, 60, 600), rng.permutation(60)[:50]
    queries = with_partner(entities_a, entities_b)[::2]
    rows = rng.integers(-1, 50, (len(queries), 7))
    twin = rng.integers(0, 8, len(queries))
    alone = np.full((len(queries), 0), -1)
    columns = [Columns(("3", "5"), (3, 5))]
    found = rank_partners(
        Cosines(a, b, columns, extra),
        entities_a,
        entities_b,
        {"some": Rivals(queries, rows, twin), "pair": Rivals(queries, alone, twin), "none": Rivals(queries, alone)},
    )
    for place, dim in enumerate((3, 5)):
        left, right, beside = cut(a, dim), cut(b, dim), cut(extra, dim)
        for at, query in enumerate(queries):
            scores, twin_score = right @ left[query], float(beside[twin[at]] @ left[query])
            rivals = [row for row in rows[at] if row >= 0]
            for name, among in (("some", rivals), ("pair", [])):
                slow = slow_ranks(scores, entities_a, entities_b, query, among, [twin_score])
                got = found[name]
                assert (got.above[place, at], got.tied[place, at]) == slow[:2]
                assert got.margin[place, at] == pytest.approx(slow[2], abs=1e-6)
    assert (found["none"].rank == 1).all()
    assert np.isnan(found["none"].margin).all()


def test_worked_by_hand():
    a = np.array([[1.0, 0.0], [0.6, 0.8]])
    b = np.array([[0.8, 0.6], [0.0, 1.0], [1.0, 0.0]])
    found = partner_ranks(a, b, np.array([0, 1]), np.array([0, 1, 7]), [Columns(("2",), (2,))])
    # a0 . b = .8, 0, 1: partner second; a1 . b = .96, .8, .6: partner second
    assert found.rank.tolist() == [[2.0, 2.0]]
    np.testing.assert_allclose(found.margin, [[-0.2, -0.16]], atol=1e-6)
    assert found.hit(1).tolist() == [[0.0, 0.0]]
    assert found.hit(2).tolist() == [[1.0, 1.0]]
    assert found.reciprocal.tolist() == [[0.5, 0.5]]


def test_ties_are_settled_by_expectation():
    # one rival above, two beside: places 2, 3, 4 with equal chance
    found = Ranks(np.array([0]), np.array([[1]]), np.array([[2]]), np.zeros((1, 1)))
    assert found.rank.item() == 3.0
    assert found.hit(1).item() == 0.0
    assert found.hit(3).item() == pytest.approx(2 / 3)
    assert found.hit(4).item() == 1.0
    assert found.reciprocal.item() == pytest.approx((1 / 2 + 1 / 3 + 1 / 4) / 3)


def test_a_collapsed_model_scores_as_chance_does():
    a, b = np.ones((20, 4), np.float32), np.full((20, 4), 0.3, np.float32)
    found = partner_ranks(a, b, np.arange(20), np.arange(20), [Columns(("4",), (4,))])
    np.testing.assert_allclose(found.hit(1), 1 / 20)
    np.testing.assert_allclose(found.hit(5), 5 / 20)
    np.testing.assert_allclose(found.rank, 10.5)
    np.testing.assert_allclose(found.reciprocal, sum(1 / r for r in range(1, 21)) / 20)


@given(_SMALL)
def test_order_of_the_gallery_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-2, 3, (8, 4)).astype(float), rng.integers(-2, 3, (9, 4)).astype(float)
    entities_a, entities_b = np.arange(8), np.arange(9) % 8
    columns = identity_columns(4, (2, 4), 2, n_random=1, seed=0)
    order = rng.permutation(9)
    one = partner_ranks(a, b, entities_a, entities_b, columns)
    other = partner_ranks(a, b[order], entities_a, entities_b[order], columns)
    np.testing.assert_array_equal(one.above, other.above)
    np.testing.assert_array_equal(one.tied, other.tied)
    # all of one vector's scores grow alike with its length
    longer = partner_ranks(3.0 * a, b * rng.uniform(0.5, 2.0, (9, 1)), entities_a, entities_b, columns)
    np.testing.assert_array_equal(one.rank, longer.rank)


def test_shuffled_columns_keep_the_full_width(rng):
    a, b = rng.normal(size=(30, 8)), rng.normal(size=(30, 8))
    columns = identity_columns(8, (2, 4, 8), 4, n_random=3, seed=1)
    names = [name for chosen in columns for name in chosen.names]
    assert names == [
        *("prefix 2", "prefix 4", "prefix 8", "rest", "random 4 #0", "random 4 #1", "random 4 #2"),
        *("shuffled 2", "shuffled 4", "shuffled 8"),
    ]
    found = partner_ranks(a, b, np.arange(30), np.arange(30), columns)
    np.testing.assert_array_equal(found.rank[names.index("prefix 8")], found.rank[names.index("shuffled 8")])
    assert not np.array_equal(found.rank[0], found.rank[names.index("shuffled 2")])
    assert sorted(columns[-1].order) == list(range(8))
    assert columns[1].order.tolist() == [4, 5, 6, 7]


def test_without_a_rest_there_is_no_such_column():
    assert [c.names[0] for c in identity_columns(4, [2, 4], 4, n_random=0, seed=0)] == ["prefix 2", "shuffled 2"]


def test_triplets_equal_a_slow_loop(rng):
    x = rng.integers(-1, 2, (20, 6)).astype(np.float32)
    triplets = rng.integers(0, 20, (200, 3))
    columns = identity_columns(6, (3, 6), 3, n_random=0, seed=0)[:2]
    found = triplet_hits(x, triplets, columns)
    assert 0.5 in found
    for place, vectors in enumerate((cut(x, 3), cut(x, 6), cut(x[:, 3:], 3))):
        for at, (anchor, positive, negative) in enumerate(triplets):
            gain = vectors[anchor] @ vectors[positive] - vectors[anchor] @ vectors[negative]
            assert found[place, at] == (0.5 if abs(gain) <= 1e-6 else float(gain > 0))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: identity_columns(4, [2, 4], 3, seed=0), ShapeError, "must be one of the dims"),
        (lambda x: identity_columns(4, [2, 8], 2, seed=0), ShapeError, "within 1..4"),
        (lambda x: partner_ranks(x, x[:, :2], np.arange(3), np.arange(3), []), ShapeError, "one width"),
        (
            lambda x: partner_ranks(x, x, np.arange(3), np.arange(3) + 9, [Columns(("2",), (2,))]),
            MatryoError,
            "0 queries",
        ),
        (
            lambda x: rank_partners(
                Cosines(x, x, [Columns(("2",), (2,))]),
                np.arange(3),
                np.array([0, 0, 0]),
                {"g": Rivals(np.arange(3))},
            ),
            MatryoError,
            "2 of them without a partner",
        ),
        (
            lambda x: rank_partners(
                Cosines(x, x, [Columns(("2",), (2,))]),
                np.arange(3),
                np.arange(3),
                {"g": Rivals(np.arange(3), None, np.arange(3))},
            ),
            MatryoError,
            "no extra vectors",
        ),
        (lambda x: triplet_hits(x, np.array([[0, 1, 3]]), [Columns(("2",), (2,))]), ShapeError, "within 0..2"),
        (lambda x: Columns(("9",), (9,)).of(x), ShapeError, "at least 9"),
        (lambda x: Ranks(np.arange(1), np.zeros((1, 1)), np.zeros((1, 1)), x).hit(0), MatryoError, "at least 1"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(np.ones((3, 4)))
    assert type(caught.value) is error
