import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from matryo.errors import MatryoError, ShapeError
from matryo.losses import cut, global_orthogonality, scores


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow_loop(
    a: Tensor, b: Tensor, dims: tuple[int, ...], positive: list[int], groups: tuple[list[int], list[int]] | None
) -> tuple[Tensor, Tensor]:
    """Pair by pair."""
    pairs = [
        (i, j)
        for i in range(len(a))
        for j in range(len(b))
        if j != positive[i] and not (groups and groups[0][i] == groups[1][j])
    ]
    per_dim = []
    for dim in dims:
        left, right = cut(a, dim), cut(b, dim)
        cosines = torch.stack([left[i] @ right[j] for i, j in pairs]) if pairs else (a * 0).sum(1)
        per_dim.append(cosines.mean() ** 2 + (cosines.square().mean() - 1 / dim).clamp(min=0))
    return torch.stack(per_dim).mean(), torch.stack(per_dim)


def test_worked_by_hand() -> None:
    a = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    b = torch.tensor([[1.0, 0.0], [0.6, 0.8], [-0.6, 0.8]], dtype=torch.float64)
    # Unrelated are (0, 1), (0, 2), (1, 0), (1, 2): at full width .6, -.6, 0, .8, whose squares sum to 1.36.
    result = global_orthogonality(a, b, [2])
    assert result.total.item() == pytest.approx(0.2**2)  # 1.36 / 4 lies below 1 / 2
    # Of one group with row 0: row 2. Left are .6, 0, .8.
    grouped = global_orthogonality(a, b, [2], groups_a=torch.tensor([7, 8]), groups_b=torch.tensor([1, 2, 7]))
    assert grouped.total.item() == pytest.approx((1.4 / 3) ** 2)
    # Dim 1: the second row of a has no length, the others' cosines are 1, -1, and 0 where it takes part.
    assert global_orthogonality(a, b, [1]).total.item() == pytest.approx(0.0)
    # Positive of both is row 0: .6, -.6, .8, .8; the squares' mean is .5.
    other = global_orthogonality(a, b, [2], positive=torch.tensor([0, 0]))
    assert other.total.item() == pytest.approx(0.4**2)
    third = global_orthogonality(torch.cat([b[:1], b[:1]]), b[:2], [2], positive=torch.tensor([0, 0]))
    assert third.total.item() == pytest.approx(0.6**2)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_equals_the_slow_loop(data: st.DataObject) -> None:
    n, m, width = (data.draw(st.integers(1, k)) for k in (6, 8, 7))
    dims = tuple(sorted(data.draw(st.sets(st.integers(1, width), min_size=1, max_size=4))))
    positive = data.draw(st.lists(st.integers(0, m - 1), min_size=n, max_size=n))
    ids = st.integers(-1, 2)
    groups = data.draw(
        st.none() | st.tuples(st.lists(ids, min_size=n, max_size=n), st.lists(ids, min_size=m, max_size=m))
    )
    sides = random(n, width, seed=data.draw(st.integers(0, 999))), random(m, width, seed=data.draw(st.integers(0, 999)))
    ours, theirs = ([x.clone().requires_grad_() for x in sides] for _ in range(2))
    given_ids = [None, None] if groups is None else [torch.tensor(g) for g in groups]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scores, "MAX_ROWS", data.draw(st.integers(1, 7)))
        result = global_orthogonality(
            *ours, dims, positive=torch.tensor(positive), groups_a=given_ids[0], groups_b=given_ids[1]
        )
        result.total.backward()
    total, per_dim = slow_loop(*theirs, dims, positive, groups)
    total.backward()
    assert torch.allclose(result.total, total, rtol=1e-9, atol=1e-9)
    assert torch.allclose(result.per_dim, per_dim, rtol=1e-9, atol=1e-9)
    assert not result.per_dim.requires_grad
    for one, other in zip(ours, theirs, strict=True):
        mine, reference = (torch.zeros_like(x) if x.grad is None else x.grad for x in (one, other))
        assert torch.allclose(mine, reference, rtol=1e-8, atol=1e-9)


def test_no_unrelated_pair_costs_nothing() -> None:
    a = random(3, 4).requires_grad_()
    same = torch.zeros(3, dtype=torch.int64)
    result = global_orthogonality(a, random(3, 4, seed=1), (2, 4), groups_a=same, groups_b=same)
    result.total.backward()
    assert result.total.item() == 0.0
    assert a.grad is not None
    assert not a.grad.any()


def test_random_directions_cost_next_to_nothing_and_a_narrow_cone_much() -> None:
    a, b = random(400, 32), random(400, 32, seed=1)
    assert global_orthogonality(a, b, (8, 32)).total.item() < 1e-3
    assert global_orthogonality(a + 2, b + 2, (8, 32)).total.item() > 0.5


def test_descent_opens_a_narrow_cone_at_every_dim() -> None:
    a, b = ((random(40, 16, seed=s) + 1).requires_grad_() for s in (0, 1))
    before = global_orthogonality(a, b, (4, 16))
    optimizer = torch.optim.SGD([a, b], lr=20.0)
    for _ in range(60):
        optimizer.zero_grad()
        global_orthogonality(a, b, (4, 16)).total.backward()
        optimizer.step()
    assert (global_orthogonality(a, b, (4, 16)).per_dim < 0.1 * before.per_dim).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": torch.ones(4, 7)}, "same width"),
        ({"b": torch.ones(2, 8)}, "at least as many rows"),
        ({"dims": [0]}, "at least 1"),
        ({"positive": torch.tensor([0, 1, 4])}, r"within 0\.\.3"),
        ({"groups_a": torch.tensor([1, 2, 3])}, "given together"),
    ],
)
def test_bad_input(change: dict[str, object], words: str) -> None:
    arguments: dict[str, object] = {"a": torch.ones(3, 8), "b": torch.ones(4, 8), "dims": [2, 8]} | change
    with pytest.raises(ShapeError, match=words) as caught:
        global_orthogonality(**arguments)  # type: ignore[arg-type]  # the point of the test
    assert isinstance(caught.value, MatryoError)
    assert "\n" not in str(caught.value)
