import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist
from sklearn.metrics.pairwise import rbf_kernel

from matryo.errors import MatryoError, ShapeError
from matryo.measures.kernels import kernel_matrix, kernel_pair, median_distance


def test_worked_by_hand():
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    assert kernel_matrix(x, x, "dot").tolist() == [[0.0, 0.0], [0.0, 25.0]]
    assert kernel_matrix(x, x, "rbf", 5.0)[0].tolist() == [1.0, np.exp(-0.5)]
    pair = kernel_pair(x, x * 2.0)
    assert (pair.alignment, pair.difference) == (1.0, 75.0 / 2.0)
    assert np.isnan(pair.bandwidth_a)


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 12), st.integers(1, 6), st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
def test_equals_scipy_and_scikit_learn(n, d, shift, seed):
    x = np.random.default_rng(seed).normal(size=(n, d)) + shift
    assert median_distance(x) == pytest.approx(np.median(pdist(x)), rel=1e-9)
    pair = kernel_pair(x, x, "rbf")
    assert pair.bandwidth_a == pair.bandwidth_b == median_distance(x)
    np.testing.assert_allclose(pair.a, rbf_kernel(x, x, gamma=0.5 / pair.bandwidth_a**2), atol=1e-8)
    np.testing.assert_array_equal(np.diag(pair.a), 1.0)


def test_rbf_knows_no_scale_and_no_rotation(rng):
    x = rng.normal(size=(10, 4))
    rotation = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    pair = kernel_pair(x, 7.0 * x @ rotation + 1.0, "rbf")
    np.testing.assert_allclose(pair.a, pair.b, atol=1e-10)
    assert pair.bandwidth_b == pytest.approx(7.0 * pair.bandwidth_a)
    assert pair.difference == pytest.approx(0.0, abs=1e-10)


def test_queries_against_documents_of_two_widths(rng):
    a, b, more_a, more_b = (rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (3, 6), (5, 4), (5, 6)))
    pair = kernel_pair(a, b, "rbf", others_a=more_a, others_b=more_b)
    assert pair.a.shape == pair.b.shape == (3, 5)
    assert (pair.a.dtype, pair.bandwidth_a) == (np.float64, median_distance(more_a))
    np.testing.assert_allclose(kernel_pair(a, b, others_a=more_a, others_b=more_b).b, b @ more_b.T, rtol=1e-5)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: kernel_pair(x, x[:2]), ShapeError, "same texts, got 4 and 2"),
        (lambda x: kernel_pair(x, x, others_a=x), ShapeError, "both or neither"),
        (lambda x: kernel_matrix(x, x[:, :1], "dot"), ShapeError, "equally wide, got 3 and 1"),
        (lambda x: kernel_matrix(x, x, "cosine"), MatryoError, "got 'cosine'"),
        (lambda x: kernel_matrix(x, x, "rbf"), MatryoError, "above 0, got nan"),
        (lambda x: median_distance(x[:1]), MatryoError, "at least 2 rows, got 1"),
        (lambda x: kernel_pair(np.ones((5, 3)), x, "rbf"), ShapeError, "5 and 4"),
        (lambda x: kernel_pair(np.full((4, 3), 0.1), x, "rbf"), MatryoError, "the median distance is 0"),
    ],
)
def test_bad_input(call, error, words, rng):
    with pytest.raises(error, match=words) as caught:
        call(rng.normal(size=(4, 3)))
    assert type(caught.value) is error
