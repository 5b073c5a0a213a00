import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.losses import column_order, nested_info_nce, reorder


@given(st.integers(1, 1100), st.sampled_from(["random", "strided"]), st.integers(0, 9))
def test_every_order_holds_every_column_once(width: int, kind: str, seed: int) -> None:
    order = column_order(width, kind, seed)  # type: ignore[arg-type]  # drawn from the accepted words
    assert order is not None
    assert order.dtype == torch.int64
    assert sorted(order.tolist()) == list(range(width))
    assert torch.equal(order, column_order(width, kind, seed))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [384, 768, 1024])
@pytest.mark.parametrize("share", [1, 2, 4, 8, 16])
def test_strided_takes_every_second_fourth_and_so_on(width: int, share: int) -> None:
    order = column_order(width, "strided")
    assert order is not None
    assert sorted(order[: width // share].tolist()) == list(range(0, width, share))


@given(st.integers(2, 600), st.data())
def test_strided_columns_are_evenly_spaced_at_any_dim(width: int, data: st.DataObject) -> None:
    """No gap is more than twice as long as another, the one behind the last column included."""
    dim = data.draw(st.integers(2, width))
    order = column_order(width, "strided")
    assert order is not None
    columns = order[:dim].sort().values
    gaps = columns.diff()
    assert columns[0] == 0
    assert gaps.max() <= 2 * gaps.min()
    assert width - columns[-1] <= 2 * gaps.max()


def test_random_depends_on_the_seed_only() -> None:
    state = torch.get_rng_state()
    one, other = column_order(64, "random", 1), column_order(64, "random", 2)
    assert torch.equal(torch.get_rng_state(), state)
    assert one is not None
    assert other is not None
    assert not torch.equal(one, other)


def test_prefix_leaves_vectors_as_they_are() -> None:
    x = torch.ones(2, 3)
    assert column_order(3, "prefix") is None
    assert reorder(x, None) is x


def test_training_a_prefix_of_the_reordered_trains_the_subspace() -> None:
    """The gradient reaches the drawn columns of the original and no others."""
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(5, 8, generator=generator).requires_grad_() for _ in range(2))
    order = column_order(8, "random", 3)
    assert order is not None
    nested_info_nce(reorder(a, order), reorder(b, order), (2, 3)).total.backward()
    assert a.grad is not None
    drawn = torch.zeros(8, dtype=torch.bool).index_fill(0, order[:3], True)
    assert a.grad[:, drawn].all()
    assert not a.grad[:, ~drawn].any()


def test_bad_input() -> None:
    with pytest.raises(MatryoError, match="prefix, random, strided, got 'last'"):
        column_order(8, "last")  # type: ignore[arg-type]  # the point of the test
    with pytest.raises(ShapeError, match="width must be at least 1"):
        column_order(0, "random")
    with pytest.raises(ShapeError, match=r"order must be int64 of shape \(4,\)"):
        reorder(torch.ones(2, 4), column_order(3, "random"))
    with pytest.raises(ShapeError, match="vectors must be a float tensor"):
        reorder(torch.ones(4), column_order(4, "random"))
