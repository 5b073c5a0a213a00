import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses import cut, nested_info_nce, prefix_distillation, scores


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow_loop(a: Tensor, b: Tensor, dims: tuple[int, ...], temperature: float) -> tuple[Tensor, Tensor]:
    """Row by row: sum of p * log(p / q)."""
    per_dim = []
    for dim in dims:
        losses = []
        for row in a:
            p = ((cut(row[None], dims[-1]) @ cut(b, dims[-1]).T)[0] / temperature).softmax(0).detach()
            q = ((cut(row[None], dim) @ cut(b, dim).T)[0] / temperature).softmax(0)
            losses.append((p * (p / q).log()).sum())
        per_dim.append(torch.stack(losses).mean() if dim < dims[-1] else a.new_zeros(()))
    return torch.stack(per_dim).sum() / max(len(dims) - 1, 1), torch.stack(per_dim)


def test_worked_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0], [0.6, 0.8]], dtype=torch.float64)
    # Full cosines 1 and .6, at dim 1 both are 1: p = (s, 1 - s) against (1/2, 1/2).
    s = 1 / (1 + math.exp(-0.4 / 0.5))
    expected = s * math.log(2 * s) + (1 - s) * math.log(2 * (1 - s))
    result = prefix_distillation(a, b, [2, 1], temperature=0.5)
    assert result.per_dim.tolist() == pytest.approx([expected, 0.0])
    assert result.total.item() == pytest.approx(expected)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equals_the_slow_loop(data: st.DataObject) -> None:
    n, m, width = (data.draw(st.integers(1, k)) for k in (6, 8, 7))
    dims = tuple(sorted(data.draw(st.sets(st.integers(1, width), min_size=2 if width > 1 else 1, max_size=4))))
    temperature = data.draw(st.floats(0.02, 2.0))
    sides = random(n, width, seed=data.draw(st.integers(0, 999))), random(m, width, seed=data.draw(st.integers(0, 999)))
    ours, theirs = ([x.clone().requires_grad_() for x in sides] for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "MAX_ROWS", data.draw(st.integers(1, 7)))
        result = prefix_distillation(*ours, dims, temperature=temperature)
        if len(dims) > 1:
            result.total.backward()
    total, per_dim = slow_loop(*theirs, dims, temperature)
    assert torch.allclose(result.total, total, rtol=1e-9, atol=1e-9)
    assert torch.allclose(result.per_dim, per_dim, rtol=1e-9, atol=1e-9)
    if len(dims) == 1:
        assert not result.total.requires_grad
        return
    total.backward()
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, rtol=1e-8, atol=1e-9)


def test_the_widest_dim_is_the_teacher() -> None:
    """Only columns of shorter dims move: the full cosines are what they are compared to."""
    a = random(5, 6).requires_grad_()
    result = prefix_distillation(a, random(7, 6, seed=1), (2, 4, 6))
    result.total.backward()
    assert a.grad is not None
    assert a.grad[:, :4].all()
    assert not a.grad[:, 4:].any()
    assert not result.per_dim.requires_grad


def test_vectors_whose_prefix_says_it_all_cost_nothing() -> None:
    a, b = random(5, 6).float(), random(7, 6, seed=1).float()
    a[:, 3:] = b[:, 3:] = 0
    assert prefix_distillation(a, b, (3, 6)).per_dim.tolist() == pytest.approx([0.0, 0.0], abs=1e-6)


def test_descent_brings_prefixes_closer_to_the_full_width() -> None:
    a, b = random(40, 16).requires_grad_(), random(40, 16, seed=1).requires_grad_()
    before = prefix_distillation(a, b, (4, 8, 16), temperature=0.2)
    optimizer = torch.optim.SGD([a, b], lr=5.0)
    for _ in range(30):
        optimizer.zero_grad()
        prefix_distillation(a, b, (4, 8, 16), temperature=0.2).total.backward()
        optimizer.step()
    after = prefix_distillation(a, b, (4, 8, 16), temperature=0.2)
    assert (after.per_dim[:2] < 0.6 * before.per_dim[:2]).all()


def test_can_be_added_to_the_nested_loss() -> None:
    a, b = random(5, 6).float().requires_grad_(), random(5, 6, seed=1).float()
    (nested_info_nce(a, b, (2, 6)).total + 0.5 * prefix_distillation(a, b, (2, 6)).total).backward()
    (nested_info_nce(a, b, (6,)).total + 0.5 * prefix_distillation(a, b, (6,)).total).backward()
    assert a.grad is not None
    assert a.grad.all()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"a": np.ones((3, 8))}, ShapeError, "a must be a float tensor"),
        ({"b": torch.ones(4, 7)}, ShapeError, "same width"),
        ({"dims": [2, 9]}, ShapeError, r"within 1\.\.8"),
        ({"temperature": 0.0}, MatryoError, "temperature must be finite and > 0"),
        ({"temperature": math.nan}, MatryoError, "temperature must be finite and > 0"),
        ({"temperature": [0.1, 0.1]}, MatryoError, "temperature must be finite and > 0"),
    ],
)
def test_bad_input(change: dict[str, object], error: type[MatryoError], words: str) -> None:
    arguments: dict[str, object] = {"a": torch.ones(3, 8), "b": torch.ones(4, 8), "dims": [2, 8]} | change
    with pytest.raises(error, match=words) as caught:
        prefix_distillation(**arguments)  # type: ignore[arg-type]  # the point of the test
    assert "\n" not in str(caught.value)
