import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors, Vectors, as_vectors
from matryo.errors import ShapeError


@given(st.data(), st.integers(0, 6), st.integers(1, 5), st.sampled_from(["f2", "f4", "f8"]))
def test_reads_as_numpy_slices(data: st.DataObject, n: int, width: int, dtype: str) -> None:
    x = np.arange(n * width).reshape(n, width).astype(dtype)
    start = data.draw(st.integers(0, width - 1))
    stop = data.draw(st.integers(start + 1, width))
    bound = st.none() | st.integers(-8, 8)
    rows = slice(data.draw(bound), data.draw(bound))
    found = ArrayVectors(x).read(rows, start, stop)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, x[rows][:, start:stop])


def test_a_float32_matrix_is_not_copied(rng: np.random.Generator) -> None:
    x = rng.standard_normal((5, 4), dtype=np.float32)
    assert np.shares_memory(ArrayVectors(x).read(slice(1, 3), 1, 4), x)


def test_vectors_pass_through_and_matrices_are_wrapped() -> None:
    wrapped = as_vectors(np.eye(2))
    assert isinstance(wrapped, ArrayVectors) and isinstance(wrapped, Vectors)
    assert as_vectors(wrapped) is wrapped
    assert (wrapped.n_rows, wrapped.width) == (2, 2)


@pytest.mark.parametrize("bad", [[[1.0]], np.eye(2, dtype=int), np.ones(3), None, np.array([[np.nan, 1.0]])])
def test_what_is_no_matrix_is_refused(bad: object) -> None:
    with pytest.raises(ShapeError, match="vectors must be"):
        as_vectors(bad)  # type: ignore[arg-type]  # bad input is what this test is about


def test_values_beyond_float32_are_refused() -> None:
    with pytest.raises(ShapeError, match="must fit float32"):
        ArrayVectors(np.array([[1.0, -1e39]]))


@pytest.mark.parametrize(("start", "stop"), [(0, 4), (-1, 2), (2, 2), (2, 1)])
def test_columns_outside_are_refused(start: int, stop: int) -> None:
    with pytest.raises(ShapeError, match=r"within 0\.\.3"):
        ArrayVectors(np.eye(3)).read(slice(None), start, stop)


def test_a_step_is_refused() -> None:
    with pytest.raises(ShapeError, match="step 2"):
        ArrayVectors(np.eye(3)).read(slice(0, 3, 2), 0, 3)
