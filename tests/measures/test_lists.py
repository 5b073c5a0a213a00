import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.lists import check_depths, check_lists, overlaps


def test_overlaps_by_hand():
    a, b = np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), np.array([[2, 1, 9, 3], [5, 0, 6, 1]])
    assert overlaps(a, b).tolist() == [[0, 2, 2, 3], [1, 1, 2, 2]]


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_overlaps_equal_sets(k, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.array([rng.permutation(12)[:k] for _ in range(5)]) for _ in range(2))
    slow = [[len({*x[:d]} & {*y[:d]}) for d in range(1, k + 1)] for x, y in zip(a, b, strict=True)]
    assert overlaps(a, b).tolist() == slow == overlaps(b, a).tolist()


def test_blocks_of_rows_change_nothing(rng, monkeypatch):
    a, b = (np.array([rng.permutation(9)[:4] for _ in range(11)]) for _ in range(2))
    whole = overlaps(a, b)
    monkeypatch.setattr("matryo.measures.lists._CELLS_PER_BLOCK", 3 * 16)
    np.testing.assert_array_equal(overlaps(a, b), whole)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: check_lists(x, x[:, :2]), ShapeError, "one shape, got"),
        (lambda x: check_lists(x, x.astype(float)), ShapeError, "b must be whole numbers"),
        (lambda x: check_lists([[1]], x), ShapeError, "a must be whole numbers of shape .* got list"),
        (lambda x: check_lists(x, np.array([[0, 1, 2], [3, 4, 3]])), MatryoError, "row 1 of b holds an id twice"),
        (lambda x: check_lists(x, np.array([[0, 1, -1], [3, 4, 5]])), MatryoError, "row 0 of b .* missing hit"),
        (lambda x: check_depths((0, 1), 3), MatryoError, "within 1..3"),
        (lambda x: check_depths((4,), 3), MatryoError, "within 1..3"),
        (lambda x: check_depths((), 3), MatryoError, "within 1..3"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call(np.arange(6).reshape(2, 3))
    assert type(caught.value) is error
