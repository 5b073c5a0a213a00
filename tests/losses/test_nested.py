import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses import NestedResult, cut, nested_info_nce

DIMS = (2, 3, 8)


def rows(n: int, seed: int = 0, width: int = 8) -> Tensor:
    return torch.randn(n, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def close(one: NestedResult, other: NestedResult) -> bool:
    return torch.allclose(one.total, other.total, atol=1e-12) and torch.allclose(one.per_dim, other.per_dim, atol=1e-12)


def test_worked_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[2.0, 0.0], [-3.0, 3.0], [0.0, 5.0]], dtype=torch.float64)
    # dim 1: cosines (1, -1, 0) for both rows. dim 2: (1, -r, 0) and (r, 0, r) with r = sqrt(1/2).
    e, r = math.e, math.sqrt(0.5)
    sum_1 = e + 1 / e + 1
    at_1 = (math.log(sum_1 / e) + math.log(sum_1 * e)) / 2
    sums_2 = math.exp(1) + math.exp(-r) + 1, 2 * math.exp(r) + 1
    at_2 = (math.log(sums_2[0]) - 1 + math.log(sums_2[1])) / 2
    result = nested_info_nce(a, b, [1, 2], weights=[1, 3], temperatures=1.0)
    assert result.per_dim.tolist() == pytest.approx([at_1, at_2])
    assert result.total.item() == pytest.approx(at_1 / 4 + 3 * at_2 / 4)
    # The second row of b leaves the first row's denominator; it stays the second row's positive although ids are equal.
    masked = nested_info_nce(
        a, b, [1], groups_a=torch.tensor([7, 7]), groups_b=torch.tensor([0, 7, 1]), temperatures=1.0
    )
    assert masked.total.item() == pytest.approx((math.log((e + 1) / e) + math.log(sum_1 * e)) / 2)


def test_symmetric_worked_by_hand() -> None:
    a = torch.tensor([[1.0], [-1.0]], dtype=torch.float64)
    b = torch.tensor([[1.0], [1.0], [-1.0]], dtype=torch.float64)
    # Rows: cosines (1, 1, -1) and (-1, -1, 1), positives 0 and 2. Columns 0 and 2 over both rows: (1, -1) and (-1, 1).
    forward = (math.log(2 * math.e + 1 / math.e) - 1 + math.log(2 / math.e + math.e) - 1) / 2
    backward = math.log(math.e + 1 / math.e) - 1
    result = nested_info_nce(a, b, [1], positive=torch.tensor([0, 2]), temperatures=1.0, symmetric=True)
    assert result.total.item() == pytest.approx((forward + backward) / 2)


def test_one_row_without_negatives_costs_nothing() -> None:
    for symmetric in (False, True):
        a, b = rows(1).requires_grad_(), rows(1, seed=1)
        result = nested_info_nce(a, b, DIMS, symmetric=symmetric)
        result.total.backward()
        assert result.per_dim.tolist() == [0.0, 0.0, 0.0]
        assert a.grad is not None
        assert not a.grad.any()


def test_one_full_dim_is_plain_info_nce() -> None:
    a, b = rows(6), rows(9, seed=1)
    plain = torch.nn.functional.cross_entropy(cut(a, 8) @ cut(b, 8).T / 0.05, torch.arange(6))
    assert nested_info_nce(a, b, [8]).total.item() == pytest.approx(plain.item(), rel=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(7)), st.booleans(), st.booleans())
def test_order_of_the_rows_of_b_does_not_matter(order: list[int], symmetric: bool, grouped: bool) -> None:
    a, b, positive = rows(5), rows(7, seed=1), torch.tensor([6, 2, 2, 0, 1])
    ids = torch.tensor([0, 1, 1, 2, 0]), torch.tensor([2, 0, 1, 5, 6, 1, 0])
    new_place = torch.tensor(order).argsort()
    groups = {"groups_a": ids[0], "groups_b": ids[1]} if grouped else {}
    moved = {"groups_a": ids[0], "groups_b": ids[1][order]} if grouped else {}
    assert close(
        nested_info_nce(a, b, DIMS, positive=positive, symmetric=symmetric, **groups),
        nested_info_nce(a, b[order], DIMS, positive=new_place[positive], symmetric=symmetric, **moved),
    )


@settings(max_examples=30, deadline=None)
@given(st.floats(-100, 100), st.floats(-100, 100))
def test_length_of_rows_does_not_matter(power_a: float, power_b: float) -> None:
    a, b = rows(5), rows(5, seed=1)
    assert close(nested_info_nce(a * 10**power_a, b * 10**power_b, DIMS), nested_info_nce(a, b, DIMS))


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_tiny_and_huge_float32_rows(size: float) -> None:
    a, b = rows(5).float(), rows(5, seed=1).float()
    assert nested_info_nce(a * size, b, DIMS).total.item() == pytest.approx(nested_info_nce(a, b, DIMS).total.item())


def test_masking_equals_dropping_the_columns() -> None:
    a, b = rows(4), rows(9, seed=1)
    ids = torch.tensor([5, 5, 5, 5]), torch.tensor([1, 2, 3, 4, 5, 6, 5, 7, 8])
    kept = torch.tensor([0, 1, 2, 3, 5, 7, 8])
    assert close(nested_info_nce(a, b, DIMS, groups_a=ids[0], groups_b=ids[1]), nested_info_nce(a, b[kept], DIMS))


def test_all_pairs_masked_leaves_nothing_to_learn() -> None:
    a, same = rows(4).requires_grad_(), torch.zeros(4, dtype=torch.int64)
    for symmetric in (False, True):
        result = nested_info_nce(a, rows(4, seed=1), DIMS, groups_a=same, groups_b=same, symmetric=symmetric)
        assert result.total.item() == 0.0


def test_false_negatives_by_hand() -> None:
    """Cosines at full width of row 0: 1 (positive), .6, 0; of row 1: 0, .8 (positive), 1."""
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]], dtype=torch.float64)
    e = math.exp
    whole = e(1) + e(0.6) + 1, 1 + e(0.8) + e(1)
    # Row 2 of b is closer to row 1 of a than its positive; row 1 of b lies .4 below the positive of row 0 of a.
    left = {None: whole, 0.0: (whole[0], 1 + e(0.8)), 0.5: (e(1) + 1, 1 + e(0.8)), 1.5: (e(1), e(0.8))}
    for margin, sums in left.items():
        at_2 = (math.log(sums[0]) - 1 + math.log(sums[1]) - 0.8) / 2
        result = nested_info_nce(a, b, [2], temperatures=1.0, margin=margin)
        assert result.total.item() == pytest.approx(at_2, abs=1e-12)
    # A margin below 0 asks for more than the positive has: 1 does not exceed .8 + .3.
    assert close(nested_info_nce(a, b, [2], margin=-0.3), nested_info_nce(a, b, [2]))


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_planted_false_negative_loses_its_gradient(symmetric: bool) -> None:
    """Row 6 of b says the same as row 2, but nobody says so: without the filter it is pushed off row 2 of a."""
    a, b = rows(6, width=32), rows(7, seed=1, width=32)
    b[:6] = a + 0.3 * b[:6]
    b[6] = a[2] + 0.3 * b[6]
    pull = {}
    for margin in (None, 0.2):
        leaf = b.clone().requires_grad_()
        nested_info_nce(
            a[2:3], leaf, (8, 32), positive=torch.tensor([2]), symmetric=symmetric, margin=margin
        ).total.backward()
        assert leaf.grad is not None
        pull[margin] = leaf.grad
    assert pull[None][6].any()
    assert not pull[0.2][6].any()
    assert pull[0.2][0].any()  # a true negative keeps its gradient
    assert pull[None][6].norm() > pull[None][0].norm()


def test_the_filter_looks_at_the_widest_dim_only() -> None:
    """A row that equals the positive in its first two numbers stays a negative at dim 2 if the whole row differs."""
    a = torch.tensor([[1.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.1, 1.0, 0.0], [1.0, 0.0, 0.0, 3.0]], dtype=torch.float64)
    filtered, plain = nested_info_nce(a, b, [2, 4], margin=0.3), nested_info_nce(a, b, [2, 4])
    assert close(filtered, plain)
    assert not nested_info_nce(a, b, [2], margin=0.3).total.any()  # here dim 2 is the widest


def test_dims_in_any_order_keep_their_weights_and_temperatures() -> None:
    a, b = rows(5), rows(5, seed=1)
    assert close(
        nested_info_nce(a, b, [8, 2, 3], weights=[1, 2, 0], temperatures=[0.1, 0.2, 0.3]),
        nested_info_nce(a, b, [2, 3, 8], weights=[2, 0, 1], temperatures=[0.2, 0.3, 0.1]),
    )


def test_temperature_gets_one_gradient_or_one_per_dim() -> None:
    a, b = rows(5), rows(5, seed=1)
    shared = torch.tensor(0.1, requires_grad=True)
    each = torch.full((3,), 0.1, requires_grad=True)
    nested_info_nce(a, b, [8, 2, 3], weights=[1, 1, 0], temperatures=shared).total.backward()
    nested_info_nce(a, b, [8, 2, 3], weights=[1, 1, 0], temperatures=each).total.backward()
    assert shared.grad is not None
    assert each.grad is not None
    assert each.grad[2] == 0
    assert each.grad[:2].all()
    assert shared.grad.item() == pytest.approx(each.grad.sum().item())


def test_zero_rows_and_zero_prefixes_get_no_gradient() -> None:
    a, b = rows(4).float(), rows(4, seed=1).float()
    a[1], b[2, :3] = 0, 0
    for symmetric in (False, True):
        left, right = a.clone().requires_grad_(), b.clone().requires_grad_()
        result = nested_info_nce(left, right, DIMS, symmetric=symmetric)
        result.total.backward()
        assert left.grad is not None
        assert right.grad is not None
        assert left.grad.isfinite().all()
        assert right.grad.isfinite().all()
        assert not left.grad[1].any()
        assert left.grad[0].all()
        # Rows 0..3 of b share 8 numbers; those of row 2 that are zero at dims 2 and 3 still belong to dim 8.
        assert right.grad[2, 3:].all()
    # A zero row is equally far from everything: log of the number of candidates, when only its own row counts.
    alone = nested_info_nce(a[1:2], b, DIMS)
    assert alone.per_dim.tolist() == pytest.approx([math.log(4)] * 3)


def test_columns_beyond_the_widest_dim_take_no_part() -> None:
    a, b = rows(4).requires_grad_(), rows(4, seed=1)
    nested_info_nce(a, b, [2, 3]).total.backward()
    assert a.grad is not None
    assert a.grad[:, :3].all()
    assert not a.grad[:, 3:].any()


def test_nan_is_not_hidden() -> None:
    a = rows(4)
    a[2, 1] = math.nan
    assert nested_info_nce(a, rows(4, seed=1), DIMS).total.isnan()
    a[2, 1] = math.inf
    assert nested_info_nce(a, rows(4, seed=1), DIMS).total.isnan()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_autocast_and_16_bits_compute_in_float32(dtype: torch.dtype) -> None:
    a, b = (rows(32, seed=s, width=64).to(dtype) for s in (0, 1))
    wide = [x.float().clone().requires_grad_() for x in (a, b)]
    expected = nested_info_nce(*wide, (16, 64))
    expected.total.backward()
    narrow = [x.clone().requires_grad_() for x in (a, b)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = nested_info_nce(*narrow, (16, 64))
    result.total.backward()
    assert result.total.dtype == torch.float32
    assert result.total.item() == expected.total.item()
    for x, reference in zip(narrow, wide, strict=True):
        assert x.grad is not None
        assert reference.grad is not None
        assert x.grad.dtype == dtype
        assert torch.equal(x.grad, reference.grad.to(dtype))


def test_one_side_in_float64_makes_it_float64() -> None:
    assert nested_info_nce(rows(3), rows(3).float(), DIMS).total.dtype == torch.float64
    assert nested_info_nce(rows(3).float(), rows(3), DIMS).total.dtype == torch.float64


def test_works_on_what_is_not_contiguous() -> None:
    a, b = rows(8)[:5], rows(8, seed=1)
    assert close(nested_info_nce(a, b.T, DIMS), nested_info_nce(a, b.T.contiguous(), DIMS))


def ids(*numbers: int) -> Tensor:
    return torch.tensor(numbers)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"a": np.ones((3, 8))}, ShapeError, "a must be a float tensor"),
        ({"a": torch.ones(3, 8, dtype=torch.int64)}, ShapeError, "a must be a float tensor"),
        ({"b": torch.ones(0, 8)}, ShapeError, "b must be a float tensor"),
        ({"b": torch.ones(4, 7)}, ShapeError, "same width"),
        ({"b": torch.ones(2, 8)}, ShapeError, "at least as many rows"),
        ({"dims": [2, 9]}, ShapeError, r"within 1\.\.8"),
        ({"dims": [2, 2]}, ShapeError, "differ"),
        ({"dims": []}, ShapeError, "at least 1"),
        ({"positive": ids(0, 1)}, ShapeError, r"positive must be an int64 tensor of shape \(3,\)"),
        ({"positive": torch.zeros(3)}, ShapeError, "positive must be an int64 tensor"),
        ({"positive": ids(0, 1, 4)}, ShapeError, r"within 0\.\.3"),
        ({"positive": ids(0, -1, 2)}, ShapeError, r"within 0\.\.3"),
        ({"groups_a": ids(1, 2, 3)}, ShapeError, "given together"),
        ({"groups_b": ids(1, 2, 3, 4)}, ShapeError, "given together"),
        ({"groups_a": ids(1, 2, 3), "groups_b": ids(1, 2, 3)}, ShapeError, r"groups_b .* shape \(4,\)"),
        ({"groups_a": [1, 2, 3], "groups_b": ids(1, 2, 3, 4)}, ShapeError, "groups_a .* got list"),
        ({"weights": [1.0]}, ShapeError, "weights must be 2 numbers"),
        ({"weights": [1.0, -1.0]}, MatryoError, "weights must be finite"),
        ({"weights": [0.0, 0.0]}, MatryoError, "not all 0"),
        ({"weights": [1.0, math.nan]}, MatryoError, "weights must be finite"),
        ({"temperatures": [0.1, 0.1, 0.1]}, ShapeError, "temperatures must be one number or 2"),
        ({"temperatures": 0.0}, MatryoError, "temperatures must be finite and > 0"),
        ({"temperatures": [0.1, -0.1]}, MatryoError, "temperatures must be finite and > 0"),
        ({"margin": 2.5}, MatryoError, r"margin must lie within -2\.\.2"),
        ({"margin": math.nan}, MatryoError, "margin must lie"),
        ({"margin": "0.1"}, MatryoError, "margin must lie"),
        ({"temperatures": math.inf}, MatryoError, "temperatures must be finite and > 0"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[MatryoError], words: str) -> None:
    arguments: dict[str, object] = {"a": torch.ones(3, 8), "b": torch.ones(4, 8), "dims": [2, 8]} | change
    with pytest.raises(error, match=words) as caught:
        nested_info_nce(**arguments)  # type: ignore[arg-type]  # the point of the test
    assert "\n" not in str(caught.value)
