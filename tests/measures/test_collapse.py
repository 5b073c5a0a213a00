import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import pdist

from matryo.errors import MatryoError, ShapeError
from matryo.measures.collapse import collapse, dim_stds, effective_rank, mean_cosine


def with_spectrum(rng, n, values):
    """A matrix of n rows with these singular values."""
    left = np.linalg.qr(rng.normal(size=(n, len(values))))[0]
    right = np.linalg.qr(rng.normal(size=(len(values), len(values))))[0]
    return (left * values) @ right.T


@pytest.mark.parametrize("values", [[1.0] * 8, [1.0, 0.5, 0.25, 0.125], [5.0, 1e-3, 1e-3], [3.0, 0.0, 0.0], [2.0, 2.0]])
@pytest.mark.parametrize("n", [40, 8])
def test_effective_rank_of_known_spectra(rng, values, n):
    x = with_spectrum(rng, n, np.array(values))
    # entropy by scipy over the spectrum asked for
    assert effective_rank(x) == pytest.approx(np.exp(stats.entropy(values)), rel=1e-6)


def test_all_directions_alike_and_one_direction(rng):
    assert effective_rank(np.eye(16)) == pytest.approx(16.0)
    one = collapse(np.outer(rng.normal(size=100), rng.normal(size=16)))
    assert one.effective_rank == pytest.approx(1.0)
    assert one.trace > 0.5  # what the trace does not show


def test_one_point(rng):
    found = collapse(np.tile(rng.normal(size=8), (50, 1)).astype(np.float32))
    assert found.trace == pytest.approx(0.0, abs=1e-12)
    assert found.effective_rank == pytest.approx(1.0, abs=1e-5)
    assert found.mean_cosine == pytest.approx(1.0)
    zero = collapse(np.zeros((5, 3)))
    assert (zero.effective_rank, zero.relative_trace, zero.mean_cosine) == (0.0, 0.0, 0.0)


def test_trace_and_deviations_of_a_gaussian_of_known_covariance(rng):
    deviations = np.array([1.0, 2.0, 3.0])
    x = rng.normal(size=(200_000, 3)) * deviations + np.array([0.0, 0.0, 4.0])
    found = collapse(x)
    assert found.trace == pytest.approx(14.0, rel=0.01)
    assert found.relative_trace == pytest.approx(14.0 / 30.0, rel=0.01)
    assert (found.min_std, found.mean_std, found.max_std) == pytest.approx((1.0, 2.0, 3.0), rel=0.01)
    np.testing.assert_allclose(dim_stds(x), deviations, rtol=0.01)


@given(st.integers(2, 12), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_trace_and_cosine_equal_numpy_and_scipy(n, d, seed):
    x = np.random.default_rng(seed).normal(size=(n, d))
    found = collapse(x)
    assert found.trace == pytest.approx(np.trace(np.cov(x.T, bias=True).reshape(d, d)))
    assert found.mean_cosine == pytest.approx(1.0 - pdist(x, "cosine").mean())
    assert 1.0 - 1e-9 <= found.effective_rank <= min(n, d) + 1e-9
    # scale changes the trace only
    scaled = collapse(7.0 * x)
    assert scaled.trace == pytest.approx(49.0 * found.trace)
    assert scaled.relative_trace == pytest.approx(found.relative_trace)
    assert scaled.effective_rank == pytest.approx(found.effective_rank)


@pytest.mark.parametrize("measure", [collapse, mean_cosine])
def test_one_vector_is_refused(measure):
    with pytest.raises(MatryoError, match="at least 2 vectors, got 1"):
        measure(np.ones((1, 3)))


def test_what_is_no_matrix_is_refused():
    with pytest.raises(ShapeError, match="float matrix"):
        collapse(np.ones(3))
