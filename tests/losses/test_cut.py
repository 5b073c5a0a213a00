import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from matryo import prefix
from matryo.errors import ShapeError
from matryo.losses.cut import block, cut

NUMBERS = st.floats(-1e3, 1e3, width=32)
MATRICES = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=NUMBERS)


@given(MATRICES, st.data())
def test_equals_the_numpy_twin(x: np.ndarray, data: st.DataObject) -> None:
    dim = data.draw(st.integers(1, x.shape[1]))
    assert np.array_equal(cut(torch.from_numpy(x), dim).numpy(), prefix.cut(x, dim))
    assert np.array_equal(block(torch.from_numpy(x), 0, dim).numpy(), prefix.block(x, 0, dim))


@pytest.mark.parametrize("size", [1e-30, 1e30], ids=["tiny", "huge"])
def test_rows_far_from_length_one(size: float) -> None:
    x = np.array([[3 * size, 4 * size, 1.0], [0.0, 0.0, 5.0]], dtype=np.float32)
    assert np.array_equal(cut(torch.from_numpy(x), 2).numpy(), prefix.cut(x, 2))
    assert cut(torch.from_numpy(x), 2).flatten().tolist() == pytest.approx([0.6, 0.8, 0.0, 0.0])


def test_float64_stays_and_16_bits_are_widened() -> None:
    assert cut(torch.ones(1, 4, dtype=torch.float64), 2).dtype == torch.float64
    tiny = cut(torch.full((1, 4), 1e-6, dtype=torch.float16), 4)
    assert tiny.dtype == torch.float32
    assert tiny.norm().item() == pytest.approx(1.0)


def test_gradient_is_that_of_a_direction_and_zero_for_zero_rows() -> None:
    x = torch.tensor([[3.0, 4.0, 7.0], [0.0, 0.0, 1.0]], dtype=torch.float64, requires_grad=True)
    cut(x, 2)[:, 0].sum().backward()
    # d(x/|x|)/dx at (3, 4), by hand: (1 - .36) / 5 and -.48 / 5; the third number takes no part.
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.tensor([[0.128, -0.096, 0.0], [0.0, 0.0, 0.0]], dtype=torch.float64))
    rows = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(lambda r: cut(r, 3), rows)


@pytest.mark.parametrize("dim", [0, 4, -1])
def test_refuses_dims_out_of_range(dim: int) -> None:
    with pytest.raises(ShapeError, match=r"within 1\.\.3"):
        cut(torch.ones(2, 3), dim)


@pytest.mark.parametrize("bad", [torch.ones(3), torch.ones(2, 3, dtype=torch.int64), np.ones((2, 3)), torch.ones(0, 3)])
def test_refuses_what_is_no_float_matrix(bad: object) -> None:
    with pytest.raises(ShapeError, match="float tensor"):
        cut(bad, 1)  # type: ignore[arg-type]  # the point of the test
