"""The fused pass and its gradient against a plain loop, in float64."""

from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from matryo.errors import MatryoError
from matryo.losses import fused, nested_info_nce, scores


def slow_loop(
    a: Tensor,
    b: Tensor,
    dims: tuple[int, ...],
    positive: list[int],
    groups: tuple[list[int], list[int]] | None,
    weights: list[float],
    temperatures: Tensor,
    symmetric: bool,
    margin: float | None,
) -> tuple[Tensor, Tensor]:
    """Row by row, with torch's own derivative."""
    left_out = no_negatives(a, b, dims[-1], positive, groups, margin)
    per_dim = []
    for dim, temperature in zip(dims, temperatures, strict=True):
        units = [
            [row[:dim] / row[:dim].norm() if row[:dim].any() else row[:dim] * 0 for row in side] for side in (a, b)
        ]
        z = torch.stack(units[0]) @ torch.stack(units[1]).T / temperature
        losses = []
        for i, j in enumerate(positive):
            row = [z[i, k] for k in range(len(b)) if k != j and (i, k) not in left_out]
            loss = torch.stack([z[i, j], *row]).logsumexp(0) - z[i, j]
            if symmetric:
                column = [z[r, j] for r in range(len(a)) if positive[r] != j and (r, j) not in left_out]
                loss = (loss + torch.stack([z[i, j], *column]).logsumexp(0) - z[i, j]) / 2
            losses.append(loss)
        per_dim.append(torch.stack(losses).mean())
    stacked = torch.stack(per_dim)
    shares = torch.tensor(weights, dtype=a.dtype)
    return shares @ stacked / shares.sum(), stacked


def no_negatives(
    a: Tensor,
    b: Tensor,
    widest: int,
    positive: list[int],
    groups: tuple[list[int], list[int]] | None,
    margin: float | None,
) -> set[tuple[int, int]]:
    """Pairs of equal group and those that the false-negative filter takes, one by one."""
    pairs = [(i, k) for i in range(len(a)) for k in range(len(b))]
    left_out = {(i, k) for i, k in pairs if groups and groups[0][i] == groups[1][k]}
    if margin is not None:
        cosines = torch.nn.functional.cosine_similarity(a[:, None, :widest], b[None, :, :widest], dim=2).tolist()
        left_out |= {(i, k) for i, k in pairs if cosines[i][k] > cosines[i][positive[i]] - margin}
    return left_out


@dataclass(frozen=True)
class Case:
    """One drawn call of the loss; `tile_rows` forces several tiles, the last one shorter."""

    a: Tensor
    b: Tensor
    dims: tuple[int, ...]
    positive: list[int]
    groups: tuple[list[int], list[int]] | None
    weights: list[float]
    temperatures: Tensor
    symmetric: bool
    margin: float | None
    tile_rows: int

    def ours(self, a: Tensor, b: Tensor, temperatures: Tensor) -> tuple[Tensor, Tensor]:
        ids = [None, None] if self.groups is None else [torch.tensor(g) for g in self.groups]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scores, "MAX_ROWS", self.tile_rows)
            result = nested_info_nce(
                a,
                b,
                self.dims,
                positive=torch.tensor(self.positive),
                groups_a=ids[0],
                groups_b=ids[1],
                weights=self.weights,
                temperatures=temperatures,
                symmetric=self.symmetric,
                margin=self.margin,
            )
        return result.total, result.per_dim

    def theirs(self, a: Tensor, b: Tensor, temperatures: Tensor) -> tuple[Tensor, Tensor]:
        return slow_loop(
            a,
            b,
            self.dims,
            self.positive,
            self.groups,
            self.weights,
            temperatures,
            symmetric=self.symmetric,
            margin=self.margin,
        )

    def leaves(self) -> list[Tensor]:
        return [x.clone().requires_grad_() for x in (self.a, self.b, self.temperatures)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    n, m, width = draw(st.integers(1, 6)), draw(st.integers(1, 8)), draw(st.integers(1, 7))
    dims = tuple(sorted(draw(st.sets(st.integers(1, width), min_size=1, max_size=4))))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**16)))
    a, b = (torch.randn(k, width, dtype=torch.float64, generator=generator) for k in (n, m))
    if draw(st.booleans()):
        a[draw(st.integers(0, n - 1))] = 0
    if draw(st.booleans()):
        b[draw(st.integers(0, m - 1)), : draw(st.integers(1, width))] = 0
    ids = st.integers(-1, 2)
    groups = st.tuples(st.lists(ids, min_size=n, max_size=n), st.lists(ids, min_size=m, max_size=m))
    per_dim = {"min_size": len(dims), "max_size": len(dims)}
    weights = st.lists(st.sampled_from([0.0, 0.5, 1.0, 3.0]), **per_dim).filter(any)
    return Case(
        a,
        b,
        dims,
        draw(st.lists(st.integers(0, m - 1), min_size=n, max_size=n)),
        draw(st.none() | groups),
        draw(weights),
        torch.tensor(draw(st.lists(st.floats(0.01, 2.0), **per_dim)), dtype=torch.float64),
        draw(st.booleans()),
        draw(st.sampled_from([None, -0.213, 0.0137, 0.5321, 1.171])),
        draw(st.integers(1, 7)),
    )


@settings(max_examples=150, deadline=None)
@given(cases())
def test_equals_the_slow_loop(case: Case) -> None:
    ours, theirs = case.leaves(), case.leaves()
    total, per_dim = case.ours(*ours)
    expected_total, expected_per_dim = case.theirs(*theirs)
    assert torch.allclose(total, expected_total, rtol=1e-9, atol=1e-9)
    assert torch.allclose(per_dim, expected_per_dim, rtol=1e-9, atol=1e-9)
    total.backward()
    expected_total.backward()
    for mine, reference in zip(ours, theirs, strict=True):
        assert mine.grad is not None
        assert reference.grad is not None
        assert torch.allclose(mine.grad, reference.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("n_rows", [1, 5])
@pytest.mark.parametrize("margin", [None, 0.1])
def test_gradcheck(symmetric: bool, n_rows: int, margin: float | None) -> None:
    generator = torch.Generator().manual_seed(5)
    a, b = (torch.randn(k, 6, dtype=torch.float64, generator=generator, requires_grad=True) for k in (n_rows, 7))
    temperatures = torch.tensor([0.3, 0.7], dtype=torch.float64, requires_grad=True)
    ids = torch.tensor([0, 1, 1, 2, 3, 4, 4])

    def loss(a: Tensor, b: Tensor, temperatures: Tensor) -> Tensor:
        return nested_info_nce(
            a,
            b,
            (2, 5),
            groups_a=ids[:n_rows],
            groups_b=ids,
            weights=[1.0, 2.0],
            temperatures=temperatures,
            symmetric=symmetric,
            margin=margin,
        ).total

    assert torch.autograd.gradcheck(loss, (a, b, temperatures))


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("temperature", [0.002, 0.01, 0.05, 1.0])
def test_float32_keeps_up_with_float64(temperature: float, symmetric: bool) -> None:
    """Also where exp(2 / temperature) is far beyond float32, and where a pair is nearly perfect."""
    generator = torch.Generator().manual_seed(6)
    a = torch.randn(40, 16, dtype=torch.float64, generator=generator)
    b = torch.cat([-a[:20], a[20:] + 0.01, torch.randn(9, 16, dtype=torch.float64, generator=generator)])
    results = []
    for dtype in (torch.float64, torch.float32):
        leaves = [x.detach().to(dtype, copy=True).requires_grad_() for x in (a, b)]
        result = nested_info_nce(*leaves, (4, 16), temperatures=temperature, symmetric=symmetric)
        result.total.backward()
        results.append([result.total.double(), *(x.grad.double() for x in leaves if x.grad is not None)])
    for exact, single in zip(*results, strict=True):
        assert (exact - single).norm() <= 1e-5 / temperature**0.5 * exact.norm()


@pytest.mark.parametrize("wanted", [(True, False, False), (False, True, False), (False, False, True)])
def test_only_the_gradient_that_is_wanted(wanted: tuple[bool, bool, bool]) -> None:
    generator = torch.Generator().manual_seed(7)
    values = (torch.randn(4, 6, generator=generator), torch.randn(5, 6, generator=generator), torch.tensor(0.1))
    alone = [x.clone().requires_grad_(want) for x, want in zip(values, wanted, strict=True)]
    together = [x.clone().requires_grad_() for x in values]
    for a, b, temperature in (alone, together):
        nested_info_nce(a, b, (2, 6), temperatures=temperature).total.backward()
    for one, reference, want in zip(alone, together, wanted, strict=True):
        assert reference.grad is not None
        assert one.grad is None if not want else torch.equal(one.grad, reference.grad)  # type: ignore[arg-type]


def test_backward_scales_and_can_be_repeated() -> None:
    generator = torch.Generator().manual_seed(8)
    a, b = (torch.randn(4, 6, generator=generator).requires_grad_() for _ in range(2))
    total = nested_info_nce(a, b, (2, 6)).total
    (once,) = torch.autograd.grad(total, a, retain_graph=True)
    (thrice,) = torch.autograd.grad(3 * total, a, retain_graph=True)
    (again,) = torch.autograd.grad(total, a)
    assert torch.allclose(thrice, 3 * once)
    assert torch.equal(again, once)


def test_per_dim_is_detached_and_there_is_no_second_derivative() -> None:
    a = torch.randn(3, 4, generator=torch.Generator().manual_seed(9)).requires_grad_()
    result = nested_info_nce(a, a, (2, 4))
    assert not result.per_dim.requires_grad
    with pytest.raises(MatryoError, match="first derivatives only"):
        torch.autograd.grad(result.total, a, create_graph=True)


def test_nothing_is_computed_for_gradients_nobody_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("gradient work")

    a = torch.randn(3, 4, generator=torch.Generator().manual_seed(10))
    monkeypatch.setattr(fused, "_Gradient", fail)
    plain = nested_info_nce(a, a.flip(0), (2, 4)).total
    a.requires_grad_()
    with torch.no_grad():
        assert torch.equal(nested_info_nce(a, a.flip(0), (2, 4)).total, plain)
    with pytest.raises(AssertionError, match="gradient work"):
        nested_info_nce(a, a, (2, 4))


class _Largest(TorchDispatchMode):
    """Remembers the size of the largest tensor that any operation returned."""

    numel = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]  # torch's own form
        out = func(*args, **(kwargs or {}))
        for x in out if isinstance(out, tuple | list) else (out,):
            if isinstance(x, Tensor):
                self.numel = max(self.numel, x.numel())
        return out


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("n_groups", [1, 100])
@pytest.mark.parametrize("margin", [None, 0.1, 2.0])
def test_no_tensor_exceeds_one_tile(
    symmetric: bool, n_groups: int, margin: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "MAX_ROWS", 16)
    ids = torch.arange(50) % n_groups
    a = torch.randn(50, 8, generator=torch.Generator().manual_seed(11)).requires_grad_()
    with _Largest() as largest:
        nested_info_nce(
            a, a.flip(0), (1, 2, 4, 8), groups_a=ids, groups_b=ids, symmetric=symmetric, margin=margin
        ).total.backward()
    assert largest.numel == 16 * 50
