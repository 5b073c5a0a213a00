import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.hits import MISSING, Hits, best, check_k, merge

SCORES = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 0.5, 1.0, np.inf])


def hits(rows: list[list[int]], scores: list[list[float]]) -> Hits:
    return Hits(np.array(rows, dtype=np.int64), np.array(scores, dtype=np.float32))


@st.composite
def parts(draw: st.DrawFn) -> list[Hits]:
    """Hits of two queries over disjoint rows, whole per part, in any order of the parts."""
    rows = draw(st.permutations(range(12)))
    edges = sorted(draw(st.lists(st.integers(0, 12), min_size=2, max_size=4)))
    result = []
    for start, stop in zip([0, *edges], [*edges, 12], strict=True):
        part = np.array([rows[start:stop]] * 2, dtype=np.int64).reshape(2, -1)
        scores = np.array([[draw(SCORES) for _ in range(stop - start)] for _ in range(2)], dtype=np.float32)
        result.append(best(part, scores.reshape(2, -1), 12))
    return result


def one_sort(given_parts: list[Hits], k: int) -> list[list[int]]:
    """Rows by (-score, row), in plain Python."""
    expected = []
    for query in range(2):
        pairs = [
            (-float(score), int(row))
            for part in given_parts
            for row, score in zip(part.rows[query], part.scores[query], strict=True)
            if row != MISSING
        ]
        found = [row for _, row in sorted(pairs)][:k]
        expected.append(found + [MISSING] * (k - len(found)))
    return expected


def same(left: Hits, right: Hits) -> None:
    np.testing.assert_array_equal(left.rows, right.rows)
    np.testing.assert_array_equal(left.scores, right.scores)


@given(parts(), st.integers(1, 15))
def test_merge_equals_one_sort(given_parts: list[Hits], k: int) -> None:
    assert merge(given_parts, k).rows.tolist() == one_sort(given_parts, k)


@given(parts(), st.integers(1, 15), st.data())
def test_merge_is_associative_and_commutative(given_parts: list[Hits], k: int, data: st.DataObject) -> None:
    whole = merge(given_parts, k)
    at = data.draw(st.integers(1, len(given_parts) - 1))
    same(merge([merge(given_parts[:at], k), merge(given_parts[at:], k)], k), whole)
    same(merge(data.draw(st.permutations(given_parts)), k), whole)
    same(merge([part.first(k) if part.k > k else part for part in given_parts], k), whole)


def test_best_orders_by_score_then_row() -> None:
    found = best(np.array([[9, 2, 7, 4]]), np.array([[0.5, 0.9, 0.5, 0.1]], dtype=np.float32), 3)
    assert found.rows.tolist() == [[2, 7, 9]]
    np.testing.assert_array_equal(found.scores, np.array([[0.9, 0.5, 0.5]], dtype=np.float32))


def test_both_zeros_are_one_score() -> None:
    assert best(np.array([[3, 1]]), np.array([[0.0, -0.0]], dtype=np.float32), 2).rows.tolist() == [[1, 3]]


def test_a_real_row_beats_a_missing_one_even_at_minus_infinity() -> None:
    found = best(np.array([[MISSING, 5, MISSING]]), np.array([[2.0, -np.inf, 1.0]], dtype=np.float32), 4)
    assert found.rows.tolist() == [[5, -1, -1, -1]]
    assert np.isneginf(found.scores).all()


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(MatryoError, match="NaN"):
        best(np.array([[4, 5]]), np.array([[0.1, np.nan]], dtype=np.float32), 1)
    found = best(np.array([[MISSING, 5]]), np.array([[np.nan, 0.1]], dtype=np.float32), 2)
    assert found.rows.tolist() == [[5, -1]]


def test_no_queries_and_no_candidates() -> None:
    assert best(np.empty((0, 4), dtype=np.int64), np.empty((0, 4), dtype=np.float32), 2).rows.shape == (0, 2)
    nothing = best(np.empty((2, 0), dtype=np.int64), np.empty((2, 0), dtype=np.float32), 2)
    assert nothing.rows.tolist() == [[-1, -1], [-1, -1]]


def test_first_and_length() -> None:
    found = hits([[4, 2, -1]], [[0.5, 0.1, -np.inf]])
    assert (len(found), found.k, found.first(2).rows.tolist(), found.first(9).k) == (1, 3, [[4, 2]], 3)
    with pytest.raises(MatryoError, match="k must be at least 1"):
        found.first(0)


def test_inputs_stay_as_they_are() -> None:
    rows, scores = np.array([[3, MISSING, 1]]), np.array([[0.1, 0.2, 0.3]], dtype=np.float32)
    best(rows, scores, 2)
    assert rows.tolist() == [[3, -1, 1]]
    np.testing.assert_array_equal(scores, np.array([[0.1, 0.2, 0.3]], dtype=np.float32))


@pytest.mark.parametrize("k", [0, -5])
def test_k_below_one_is_refused(k: int) -> None:
    for call in (lambda: check_k(k), lambda: merge([hits([[1]], [[0.5]])], k)):
        with pytest.raises(MatryoError, match=f"k must be at least 1, got {k}"):
            call()


def test_arrays_that_do_not_fit_are_refused() -> None:
    rows, scores = np.zeros((2, 3), dtype=np.int64), np.zeros((2, 3), dtype=np.float32)
    for wrong in ((rows, scores[:1]), (rows[0], scores[0])):
        with pytest.raises(ShapeError, match=r"one shape \(n, k\)"):
            Hits(*wrong)
    for wrong in ((rows.astype(np.int32), scores), (rows, scores.astype(np.float64))):
        with pytest.raises(ShapeError, match="int64 rows, float32 scores"):
            Hits(*wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_parts_that_do_not_fit_are_refused() -> None:
    with pytest.raises(MatryoError, match="at least one part"):
        merge([], 3)
    with pytest.raises(ShapeError, match="same queries"):
        merge([hits([[1]], [[0.5]]), hits([[1], [2]], [[0.5], [0.1]])], 3)
