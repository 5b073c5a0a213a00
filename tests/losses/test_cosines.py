import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from matryo.losses import cut, scores
from matryo.losses.cosines import measure_with_gradient, sum_over_tiles
from matryo.losses.scores import measure_side

DIMS = (2, 5, 6)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weighted(cosines: list[Tensor], rows: slice) -> Tensor:
    """A function of every cosine and its place, so that none can be left out or moved."""
    places = torch.arange(rows.start, rows.stop, dtype=cosines[0].dtype)[:, None] + torch.arange(cosines[0].shape[1])
    return torch.stack([(x.exp() * (places + 1)).sum() for x in cosines])


@pytest.fixture(params=[1, 3, 100])
def tile_rows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(scores, "MAX_ROWS", request.param)
    yield request.param


def test_equals_cosines_of_cuts_with_torchs_gradient(tile_rows: int) -> None:
    sides = [random(7, 8), random(9, 8, seed=1)]
    ours, theirs = ([x.clone().requires_grad_() for x in sides] for _ in range(2))
    value = sum_over_tiles(weighted, *ours, DIMS)
    expected = weighted([cut(theirs[0], d) @ cut(theirs[1], d).T for d in DIMS], slice(0, 7))
    assert torch.allclose(value, expected, rtol=1e-12)
    (value @ torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)).backward()
    (expected @ torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64)).backward()
    for one, other in zip(ours, theirs, strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.allclose(one.grad, other.grad, rtol=1e-9, atol=1e-12)


def test_the_measured_side_is_the_one_without_gradient() -> None:
    x = random(5, 8) * torch.tensor([1.0, 1e-30, 1e30, 1.0, 0.0], dtype=torch.float64)[:, None]
    x[3, :5] = 0
    for one, other in zip(
        measure_with_gradient(x, DIMS, torch.float64), measure_side(x, DIMS, torch.float64), strict=True
    ):
        assert torch.allclose(one, other, rtol=1e-12, atol=0)


def test_zero_rows_and_zero_prefixes_get_no_gradient() -> None:
    a, b = random(4, 6), random(4, 6, seed=1)
    a[1], b[2, :5] = 0, 0
    left, right = a.requires_grad_(), b.requires_grad_()
    sum_over_tiles(weighted, left, right, DIMS).sum().backward()
    assert left.grad is not None
    assert right.grad is not None
    assert left.grad.isfinite().all()
    assert right.grad.isfinite().all()
    assert not left.grad[1].any()
    assert left.grad[0].all()


@pytest.mark.parametrize("size", [1e-30, 1e30])
def test_tiny_and_huge_float32_rows(size: float) -> None:
    a, b = random(4, 6).float(), random(5, 6, seed=1).float()
    huge = (a * size).requires_grad_()
    value = sum_over_tiles(weighted, huge, b, DIMS)
    assert torch.allclose(value, sum_over_tiles(weighted, a, b, DIMS))
    value.sum().backward()
    assert huge.grad is not None
    assert huge.grad.isfinite().all()


def test_autocast_and_16_bits_compute_in_float32() -> None:
    a, b = random(4, 6).bfloat16().requires_grad_(), random(5, 6, seed=1).bfloat16()
    wide = a.detach().float().requires_grad_()
    expected = sum_over_tiles(weighted, wide, b.float(), DIMS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = sum_over_tiles(weighted, a, b, DIMS)
    assert torch.equal(value, expected)
    value.sum().backward()
    expected.sum().backward()
    assert a.grad is not None
    assert wide.grad is not None
    assert torch.equal(a.grad, wide.grad.bfloat16())


def test_nan_is_not_hidden() -> None:
    a = random(4, 6)
    a[2, 5] = math.nan
    assert sum_over_tiles(weighted, a, random(4, 6, seed=1), DIMS).isnan().all()


class _Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation returned."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # torch's own form
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else (out,):
            if isinstance(x, Tensor):
                self.numel = max(self.numel, x.numel())
        return out


def test_no_tensor_exceeds_one_tile_and_no_tile_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "MAX_ROWS", 16)
    a, b = random(50, 6).requires_grad_(), random(60, 6, seed=1)
    kept = []

    def keep(x: Tensor) -> Tensor:
        kept.append(x.numel())
        return x

    with _Largest() as largest:
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
            value = sum_over_tiles(weighted, a, b, DIMS)
        value.sum().backward()
    assert largest.numel == 16 * 60
    assert max(kept) <= 60 * 6
