"""Losses across domains on the identity prefix: by hand, by a slow loop, and what they do to a small encoder."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses import cut
from matryo.losses.identity import once_each, prefix_info_nce, prefix_mse


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def slow_info_nce(a: Tensor, b: Tensor, dim: int, groups_a: list[int], groups_b: list[int], t: float) -> Tensor:
    """Pair by pair: row i of a against its partner, row i of b, and every row of b of another entity."""
    left, right = cut(a, dim), cut(b, dim)
    losses = []
    for i in range(len(a)):
        columns = [j for j in range(len(b)) if j == i or groups_b[j] != groups_a[i]]
        logits = torch.stack([left[i] @ right[j] / t for j in columns])
        losses.append(-logits.log_softmax(0)[columns.index(i)])
    return torch.stack(losses).mean()


def test_info_nce_worked_by_hand() -> None:
    a = torch.tensor([[2.0, 0.0, 9.0]])
    b = torch.tensor([[3.0, 0.0, -9.0], [0.6, 0.8, 5.0]])
    # on two numbers the cosines are 1 and .6; what comes after them does not count
    expected = -math.log(math.exp(1 / 0.5) / (math.exp(1 / 0.5) + math.exp(0.6 / 0.5)))
    found = prefix_info_nce(a, b, 2, temperature=0.5, symmetric=False)
    assert found.item() == pytest.approx(expected, rel=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_info_nce_equals_the_slow_loop_in_both_directions(data: st.DataObject) -> None:
    n, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 6))
    dim, t = data.draw(st.integers(1, width)), data.draw(st.floats(0.05, 2.0))
    groups = data.draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    a, b = random(n, width, seed=1), random(n, width, seed=2)
    ids = torch.tensor(groups)
    found = prefix_info_nce(a, b, dim, groups_a=ids, groups_b=ids, temperature=t)
    expected = (slow_info_nce(a, b, dim, groups, groups, t) + slow_info_nce(b, a, dim, groups, groups, t)) / 2
    assert found.item() == pytest.approx(expected.item(), rel=1e-9)


def test_the_same_person_twice_is_no_negative_of_itself() -> None:
    a, b = torch.eye(3)[[0, 1, 0]], torch.eye(3)[[0, 1, 0]]
    people = torch.tensor([7, 8, 7])
    masked = prefix_info_nce(a, b, 3, groups_a=people, groups_b=people, temperature=0.1)
    twice = prefix_info_nce(a, b, 3, temperature=0.1)
    assert masked < 1e-4 < twice


def test_info_nce_gives_no_gradient_beyond_the_prefix() -> None:
    a, b = random(4, 6, seed=1).requires_grad_(), random(4, 6, seed=2)
    prefix_info_nce(a, b, 3).backward()
    assert a.grad is not None
    assert (a.grad[:, 3:] == 0).all() and (a.grad[:, :3] != 0).any()


def test_mse_worked_by_hand() -> None:
    a = torch.tensor([[3.0, 4.0, 100.0], [1.0, 0.0, 0.0]])
    b = torch.tensor([[0.0, 2.0, -50.0], [-5.0, 0.0, 0.0]])
    # (.6, .8) to (0, 1): .36 + .04; (1, 0) to (-1, 0): 4
    assert prefix_mse(a, b, 2).item() == pytest.approx((0.4 + 4.0) / 2)


def test_mse_is_two_minus_two_cosines_and_zero_rows_have_no_gradient() -> None:
    a, b = random(5, 8, seed=1), random(5, 8, seed=2)
    cosines = nn.functional.cosine_similarity(a[:, :4], b[:, :4])
    assert prefix_mse(a, b, 4).item() == pytest.approx((2 - 2 * cosines).mean().item())
    zero = torch.zeros(1, 4, requires_grad=True)
    prefix_mse(zero, torch.ones(1, 4), 4).backward()
    assert zero.grad is not None and (zero.grad == 0).all()


def trained(loss: str, steps: int = 300) -> tuple[float, float]:
    """Mean cosine of different people and share of people found, after training an affine encoder with one term."""
    shared = torch.randn(48, 6, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(2, 48, 6, generator=torch.Generator().manual_seed(1))
    # both domains see everybody a little blurred, so that only a constant brings all partners together
    first, second = (shared + 0.2 * one for one in noise)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Linear(6, 8)
    steps_of = torch.optim.Adam(encoder.parameters(), lr=0.1)
    for _ in range(steps):
        a, b = encoder(first), encoder(second)
        value = prefix_mse(a, b, 4) if loss == "mse" else prefix_info_nce(a, b, 4, temperature=0.1)
        steps_of.zero_grad()
        value.backward()
        steps_of.step()
    with torch.no_grad():
        a, b = cut(encoder(first), 4), cut(encoder(second), 4)
    cosines = a @ b.T
    apart = cosines[~torch.eye(48, dtype=torch.bool)].mean().item()
    return apart, (cosines.argmax(1) == torch.arange(48)).float().mean().item()


def test_mse_alone_collapses_and_info_nce_does_not() -> None:
    mse_apart, mse_found = trained("mse")
    nce_apart, nce_found = trained("info_nce")
    assert mse_apart > 0.99
    assert abs(nce_apart) < 0.3
    assert nce_found > 0.7 > 0.1 > mse_found


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_once_each_keeps_the_first_row_of_everybody(numbers: list[int]) -> None:
    rows, places = once_each(torch.tensor(numbers))
    assert rows.tolist() == [numbers.index(number) for number in sorted(set(numbers))]
    assert [numbers[i] for i in rows[places].tolist()] == numbers


@pytest.mark.parametrize(
    ("error", "words", "call"),
    [
        (ShapeError, "dims must lie within 1..4", lambda: prefix_info_nce(random(2, 4), random(2, 4), 5)),
        (ShapeError, "same width", lambda: prefix_mse(random(2, 4), random(2, 3), 2)),
        (ShapeError, "pairs, got 2 and 3 rows", lambda: prefix_mse(random(2, 4), random(3, 4), 2)),
        (ShapeError, "dim must lie within 1..4", lambda: prefix_mse(random(2, 4), random(2, 4), 0)),
        (MatryoError, "finite and > 0", lambda: prefix_info_nce(random(2, 4), random(2, 4), 2, temperature=0.0)),
        (ShapeError, "entities must be an int64", lambda: once_each(torch.ones(3))),
    ],
)
def test_bad_input(error: type[Exception], words: str, call: object) -> None:
    with pytest.raises(error, match=words):
        call()  # type: ignore[operator]
