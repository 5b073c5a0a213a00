import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError
from matryo.measures.edits import edit_counts, edit_shares


def slow(a, b):
    """The textbook table."""
    table = [[i + j if i * j == 0 else 0 for j in range(len(b) + 1)] for i in range(len(a) + 1)]
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            swap = table[i - 1][j - 1] + (a[i - 1] != b[j - 1])
            table[i][j] = min(table[i - 1][j] + 1, table[i][j - 1] + 1, swap)
    return table[-1][-1]


def test_worked_by_hand():
    a = np.array([[1, 2, 3, 4]])
    assert edit_counts(a, np.array([[1, 2, 3, 4]])).tolist() == [[0, 0, 0, 0]]
    assert edit_counts(a, np.array([[5, 6, 7, 8]])).tolist() == [[1, 2, 3, 4]]
    # one id put in at the front, the last one pushed out
    assert edit_counts(a, np.array([[9, 1, 2, 3]])).tolist() == [[1, 2, 2, 2]]
    assert edit_counts(a, np.array([[2, 1, 3, 4]]), (2, 4)).tolist() == [[2, 2]]
    assert edit_shares(a, np.array([[9, 1, 2, 3]]), (1, 4)).tolist() == [[1.0, 0.5]]


@settings(deadline=None)
@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_equals_a_slow_loop_at_every_k(k, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.array([rng.permutation(12)[:k] for _ in range(4)]) for _ in range(2))
    expected = [[slow(x[:d], y[:d]) for d in range(1, k + 1)] for x, y in zip(a.tolist(), b.tolist(), strict=True)]
    assert edit_counts(a, b).tolist() == expected == edit_counts(b, a).tolist()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_names_do_not_matter_and_triangles_close(seed):
    rng = np.random.default_rng(seed)
    a, b, c = (rng.permutation(12)[None, :6] for _ in range(3))
    names = rng.permutation(12)
    np.testing.assert_array_equal(edit_counts(names[a], names[b]), edit_counts(a, b))
    assert (edit_counts(a, c) <= edit_counts(a, b) + edit_counts(b, c)).all()


def test_2000_queries_at_k_50_take_seconds_at_most(rng):
    a, b = (np.argsort(rng.random((2_000, 80)), axis=1)[:, :50] for _ in range(2))
    start = time.perf_counter()
    found = edit_counts(a, b)
    assert time.perf_counter() - start < 5.0  # 0.1 s on a quiet core
    assert found.shape == (2_000, 50)


def test_depths_are_checked():
    with pytest.raises(MatryoError, match=r"within 1\.\.2"):
        edit_shares(np.array([[1, 2]]), np.array([[1, 2]]), (3,))
