import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.neighbours import (
    chance_overlap,
    jaccard,
    most_different,
    mutual_neighbours,
    nearest_among,
    nearest_neighbours,
)
from matryo.prefix import unit_rows


def slow_neighbours(x, k):
    # the same products: a value that differs in its last bit may be rounded to another side
    unit = unit_rows(x)
    cosines = np.round(unit @ unit.T, 12)
    others = [[j for j in range(len(x)) if j != i] for i in range(len(x))]
    return [sorted(js, key=lambda j: (-cosines[i, j], j))[:k] for i, js in enumerate(others)]


@settings(deadline=None, max_examples=50)
@given(st.integers(2, 12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_equal_a_slow_loop_with_ties(n, d, seed):
    rng = np.random.default_rng(seed)
    x = rng.integers(1, 4, size=(n, d)).astype(float)
    for k in (1, n - 1):
        assert nearest_neighbours(x, k).tolist() == slow_neighbours(x, k)


def test_equal_texts_do_not_hide_each_other():
    x = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 0.0]])
    # dropping the first hit instead of the row itself would give row 2 itself back
    assert nearest_neighbours(x, 2).tolist() == [[2, 3], [0, 2], [0, 3], [0, 2]]


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_rotation_and_scale_change_nothing_and_rows_move_together(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(20, 5))
    found = nearest_neighbours(x, 6)
    rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    np.testing.assert_array_equal(nearest_neighbours(x @ rotation * rng.uniform(0.5, 2.0, (20, 1)), 6), found)
    order = rng.permutation(20)
    np.testing.assert_array_equal(order[nearest_neighbours(x[order], 6)], found[order])


def test_among_documents_and_in_blocks(rng, monkeypatch):
    queries, documents = rng.normal(size=(9, 4)), rng.normal(size=(30, 4)).astype(np.float32)
    found = nearest_among(queries, documents, 7)
    cosines = queries @ (documents / np.linalg.norm(documents, axis=1, keepdims=True)).T
    np.testing.assert_array_equal(found, np.argsort(-cosines, axis=1)[:, :7])
    own = nearest_neighbours(documents, 7)
    monkeypatch.setattr("matryo.measures.neighbours._CELLS_PER_BLOCK", 90)
    np.testing.assert_array_equal(nearest_among(queries, documents, 7), found)
    np.testing.assert_array_equal(nearest_neighbours(documents, 7), own)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_shares_equal_sets(k, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.array([rng.permutation(10)[:k] for _ in range(3)]) for _ in range(2))
    for d in range(1, k + 1):
        pairs = [({*x[:d]}, {*y[:d]}) for x, y in zip(a, b, strict=True)]
        np.testing.assert_allclose(jaccard(a, b, (d,))[:, 0], [len(x & y) / len(x | y) for x, y in pairs])
        np.testing.assert_allclose(mutual_neighbours(a, b)[:, d - 1], [len(x & y) / d for x, y in pairs])
    np.testing.assert_array_equal(jaccard(a, b), jaccard(b, a))


def test_unrelated_spaces_reach_chance(rng):
    n, k = 400, 20
    shares = [
        mutual_neighbours(
            nearest_neighbours(rng.normal(size=(n, 8)), k), nearest_neighbours(rng.normal(size=(n, 8)), k), (k,)
        ).mean()
        for _ in range(4)
    ]
    assert np.mean(shares) == pytest.approx(chance_overlap((k,), n - 1)[0], rel=0.05)


def test_most_different():
    a = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    b = np.array([[1, 2, 9], [6, 5, 1], [7, 8, 9]])
    found = most_different(a, b, n=2)
    assert (found.rows.tolist(), found.shares.round(3).tolist()) == ([1, 0], [0.667, 0.333])
    assert (found.a.tolist(), found.b.tolist()) == ([[4, 5, 6], [1, 2, 3]], [[6, 5, 1], [1, 2, 9]])
    short = most_different(a, b, n=9, k=2)
    assert (short.rows.tolist(), short.a.shape) == ([1, 0, 2], (3, 2))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: nearest_neighbours(x, 6), MatryoError, r"within 1\.\.5 for 6 rows, got 6"),
        (lambda x: nearest_neighbours(x, 0), MatryoError, "got 0"),
        (lambda x: nearest_among(x, x, 7), MatryoError, r"within 1\.\.6"),
        (lambda x: nearest_among(x, x[:, :2], 1), ShapeError, "equally wide, got 3 and 2"),
        (lambda x: chance_overlap((7,), 6), MatryoError, r"within 1\.\.6"),
        (lambda x: most_different(np.array([[1]]), np.array([[1]]), n=0), MatryoError, "at least 1, got 0"),
    ],
)
def test_bad_input(call, error, words, rng):
    with pytest.raises(error, match=words) as caught:
        call(rng.normal(size=(6, 3)))
    assert type(caught.value) is error
