import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matryo.errors import MatryoError, ShapeError
from matryo.prefix import (
    block,
    check_dims,
    check_matrix,
    cut,
    prefix_blocks,
    prefix_norms,
    row_norms,
    unit_rows,
)

MATRICES = hnp.arrays(
    np.float32,
    hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


def test_cut_worked_by_hand() -> None:
    x = np.array([[3.0, 4.0, 12.0], [0.0, 0.0, 5.0], [-8.0, 6.0, 0.0]])
    np.testing.assert_allclose(cut(x, 2), [[0.6, 0.8], [0.0, 0.0], [-0.8, 0.6]])
    np.testing.assert_allclose(cut(x, 3)[0], [3 / 13, 4 / 13, 12 / 13])
    np.testing.assert_array_equal(cut(x, 1), [[1.0], [0.0], [-1.0]])


@given(MATRICES, st.data())
def test_cut_of_cut_is_cut(x: np.ndarray, data: st.DataObject) -> None:
    b = data.draw(st.integers(1, x.shape[1]))
    a = data.draw(st.integers(1, b))
    np.testing.assert_allclose(cut(cut(x, b), a), cut(x, a), atol=1e-6)


@given(MATRICES, st.data())
def test_rows_have_length_one_or_zero(x: np.ndarray, data: st.DataObject) -> None:
    dim = data.draw(st.integers(1, x.shape[1]))
    before = x.copy()
    shorter = cut(x, dim)
    lengths = row_norms(shorter)
    zero = ~block(x, 0, dim).any(axis=1)
    np.testing.assert_allclose(lengths[~zero], 1.0, atol=1e-6)
    assert (lengths[zero] == 0.0).all()
    assert shorter.dtype == np.float32
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("scale", [1e-45, 1e-38, 1e-30, 1.0, 1e30, 1e38])
def test_tiny_and_huge_float32_rows_keep_their_direction(scale: float) -> None:
    x = np.array([[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]) * scale
    expected = unit_rows(x.astype(np.float32).astype(np.float64))
    np.testing.assert_allclose(cut(x.astype(np.float32), 3), expected, atol=1e-6)


def test_float16_is_widened_because_its_squares_vanish() -> None:
    x = np.array([[6e-8, 0.0], [3e-4, 4e-4], [6e4, 0.0]], dtype=np.float16)
    found = cut(x, 2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[1.0, 0.0], [0.6, 0.8], [1.0, 0.0]], atol=1e-3)


def test_types_empty_matrices_and_strided_views() -> None:
    assert cut(np.ones((2, 3)), 2).dtype == np.float64
    assert cut(np.empty((0, 5), dtype=np.float32), 3).shape == (0, 3)
    x = np.arange(24.0).reshape(4, 6)
    np.testing.assert_array_equal(cut(x[::-2, ::2], 2), cut(x[::-2, ::2].copy(), 2))


@pytest.mark.parametrize("dim", [0, -1, 4])
def test_cut_refuses_a_dim_out_of_range(dim: int) -> None:
    with pytest.raises(ShapeError, match=r"dim must be at least 1|at least 4 columns, got 3"):
        cut(np.ones((2, 3)), dim)


@pytest.mark.parametrize(
    "x", [np.ones(3), np.ones((2, 3, 1)), np.ones((2, 3), dtype=int), [[1.0, 2.0]], np.ones((2, 3), dtype=complex)]
)
def test_what_is_no_matrix_of_floats_is_refused(x: object) -> None:
    with pytest.raises(ShapeError, match=r"queries must be a float matrix of shape \(n, d\)"):
        check_matrix(x, name="queries")  # type: ignore[arg-type]  # wrong on purpose


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_found(rng: np.random.Generator, dtype: type, bad: float) -> None:
    x = rng.standard_normal((40, 7)).astype(dtype)
    check_matrix(x)
    x[23, 4] = bad
    with pytest.raises(ShapeError, match="row 23 holds NaN or infinity"):
        check_matrix(x)
    x[3, 1] = -bad
    with pytest.raises(ShapeError, match="row 3 holds"):
        cut(x, 2)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_finite_values_whose_sum_overflows_are_accepted(dtype: type) -> None:
    check_matrix(np.full((30, 30), np.finfo(dtype).max, dtype=dtype))


def test_check_dims_sorts() -> None:
    assert check_dims([384, 32, 96], width=384) == (32, 96, 384)
    assert check_dims(iter([3])) == (3,)
    given_as_numpy = check_dims(np.array([8, 4]))
    assert given_as_numpy == (4, 8) and all(type(d) is int for d in given_as_numpy)


@given(st.sets(st.integers(1, 1000), min_size=1), st.randoms())
def test_check_dims_does_not_care_about_order(dims: set[int], random: object) -> None:
    shuffled = list(dims)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis gives a random.Random
    assert check_dims(shuffled, width=1000) == check_dims(sorted(dims)) == tuple(sorted(dims))


@pytest.mark.parametrize(
    ("dims", "words"),
    [
        ([], "whole numbers of at least 1"),
        ([0, 3], "whole numbers of at least 1"),
        ([-2], "whole numbers of at least 1"),
        ([2.0], "whole numbers of at least 1"),
        ([math.nan], "whole numbers of at least 1"),
        ([math.inf], "whole numbers of at least 1"),
        ([True, 2], "whole numbers of at least 1"),
        (["32"], "whole numbers of at least 1"),
        ([4, 2, 4], r"must differ.*\[4\] occurs more than once"),
        ([4, 11], r"within 1\.\.10"),
    ],
)
def test_check_dims_refuses(dims: list[object], words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        check_dims(dims, width=10)  # type: ignore[arg-type]  # wrong on purpose
    assert isinstance(caught.value, MatryoError) and isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


@given(MATRICES, st.data())
def test_prefix_norms_are_the_lengths_of_the_prefixes(x: np.ndarray, data: st.DataObject) -> None:
    dims = tuple(sorted(data.draw(st.sets(st.integers(1, x.shape[1]), min_size=1))))
    found = prefix_norms(x, dims)
    assert found.dtype == np.float64 and found.shape == (len(x), len(dims))
    for at, dim in enumerate(dims):
        np.testing.assert_allclose(found[:, at], np.linalg.norm(x[:, :dim].astype(np.float64), axis=1), rtol=1e-12)


def test_blocks_between_dims() -> None:
    assert prefix_blocks((5,)) == ((0, 5),)
    assert prefix_blocks((2, 3, 7)) == ((0, 2), (2, 3), (3, 7))
    x = np.arange(8.0).reshape(2, 4)
    assert np.shares_memory(block(x, 1, 3), x)
    np.testing.assert_array_equal(block(x, 1, 3), [[1.0, 2.0], [5.0, 6.0]])


@given(MATRICES, MATRICES, st.data())
def test_scores_of_prefixes_add_up(x: np.ndarray, y: np.ndarray, data: st.DataObject) -> None:
    """What every one-pass search and loss stands on."""
    width = min(x.shape[1], y.shape[1])
    dims = tuple(sorted(data.draw(st.sets(st.integers(1, width), min_size=1))))
    a, b = x.astype(np.float64), y.astype(np.float64)
    left, right = prefix_norms(a, dims), prefix_norms(b, dims)
    total = np.zeros((len(a), len(b)))
    for at, (start, stop) in enumerate(prefix_blocks(dims)):
        total += block(a, start, stop) @ block(b, start, stop).T
        lengths = np.outer(left[:, at], right[:, at])
        cosine = np.divide(total, lengths, out=np.zeros_like(total), where=lengths > 0)
        np.testing.assert_allclose(cosine, cut(a, dims[at]) @ cut(b, dims[at]).T, atol=1e-9)
