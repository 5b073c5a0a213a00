"""The objective adds up what an arm asks for; every option changes the gradient as it says."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses import nested_info_nce
from matryo.training.methods import METHODS, Arm
from matryo.training.objective import Objective
from matryo.training.settings import LossSettings, TrainSettings

WIDTH = 16
DIMS = (4, 8, 16)


class Table(nn.Module):
    """Vectors that are looked up: each column brings the numbers of its rows."""

    def __init__(self, n: int = 24) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(n, WIDTH, generator=torch.Generator().manual_seed(0)))

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sentence_embedding": self.rows[features["input_ids"]]}


def columns(*starts: int, n: int = 6) -> list[dict[str, Tensor]]:
    return [{"input_ids": torch.arange(start, start + n)} for start in starts]


def labels(n_columns: int = 1, n: int = 6) -> Tensor:
    row = torch.arange(n)
    return torch.stack([row, *(row + 100 * i for i in range(n_columns))], dim=1)


def objective(dims: tuple[int, ...] = DIMS, seed: int = 0, **loss: Any) -> Objective:
    made = Arm("matryoshka", METHODS["matryoshka"], dims, TrainSettings(loss=LossSettings(**loss)))
    found = Objective(Table(), made, WIDTH, seed=seed, bf16=False)
    found.n_steps = 100
    return found


def gradient(found: Objective, *starts: int) -> Tensor:
    found.zero_grad()
    found(columns(*(starts or (0, 6))), labels(len(starts or (0, 6)) - 1)).backward()
    grad = found.model.rows.grad
    assert grad is not None
    return grad.clone()


def direct(found: Objective, **arguments: Any) -> Tensor:
    rows = found.model.rows
    return nested_info_nce(rows[:6], rows[6:12], arguments.pop("dims", DIMS), **arguments).total


def test_it_is_the_nested_loss_of_the_columns() -> None:
    found = objective(temperature=0.1)
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, temperatures=0.1))


def test_full_dim_only_trains_as_plain_info_nce() -> None:
    found = objective(dims=(16,))
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, dims=(16,)))


def test_rows_of_one_group_are_no_negatives() -> None:
    found = objective()
    same = labels()
    same[1, 1] = same[0, 1]
    groups = same[:, 1].contiguous()
    torch.testing.assert_close(
        found(columns(0, 6), same), direct(found, groups_a=groups, groups_b=groups, positive=torch.arange(6))
    )


def test_symmetric() -> None:
    found = objective(symmetric=True)
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, symmetric=True))


def test_weights_and_their_schedule() -> None:
    found = objective(weights={4: 0.0, 8: 0.0}, weights_at_start={16: 0.0})
    found.step = 100
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, dims=(16,)))
    found.step = 0
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, dims=(4, 8)))


def test_sampled_dims() -> None:
    found = objective(sampled_dims=1)
    seen = set()
    for step in range(20):
        found.step = step
        found(columns(0, 6), labels())
        seen.add(tuple(sorted(found.drain())))
    assert seen == {("loss_at_16", "loss_at_4"), ("loss_at_16", "loss_at_8")}


def test_temperature_per_dim_and_learned() -> None:
    found = objective(temperature={4: 0.5})
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, temperatures=[0.5, 0.05, 0.05]))
    learned = objective(learn_temperatures=True)
    learned(columns(0, 6), labels()).backward()
    grad = learned.temperature_offsets.grad
    assert grad is not None and (grad != 0).all()
    assert learned.drain()["temperature_at_4"] == pytest.approx(0.05)
    assert not objective().temperature_offsets.requires_grad


def test_hard_negatives_push_away() -> None:
    without, with_them = gradient(objective()), gradient(objective(), 0, 6, 12)
    assert (without[12:18] == 0).all()
    assert (with_them[12:18] != 0).any(dim=1).all()


def test_a_negative_of_the_queries_group_does_not_push() -> None:
    found = objective()
    own = torch.stack([torch.arange(6)] * 3, dim=1)
    found(columns(0, 6, 12), own).backward()
    grad = found.model.rows.grad
    assert grad is not None
    # the negative of row i is of group i: it pushes the other queries only
    torch.testing.assert_close(
        found(columns(0, 6, 12), own).detach(),
        nested_info_nce(
            found.model.rows[:6],
            found.model.rows[6:18],
            DIMS,
            groups_a=torch.arange(6),
            groups_b=torch.arange(6).repeat(2),
        ).total,
    )


def test_margin_leaves_out_likely_false_negatives() -> None:
    found = objective(margin=0.0)
    with torch.no_grad():
        found.model.rows[7] += 3 * found.model.rows[0]  # document 1 is close to query 0
    plain = objective()
    plain.load_state_dict(found.state_dict())
    filtered, unfiltered = gradient(found), gradient(plain)
    torch.testing.assert_close(found(columns(0, 6), labels()), direct(found, margin=0.0))
    assert (found.model.rows[0] @ (filtered[7] - unfiltered[7])) < 0  # query 0 no longer pushes it away


def test_memory_holds_documents_of_earlier_steps_as_negatives() -> None:
    found = objective(memory=4)
    first = found(columns(0, 6), labels())
    torch.testing.assert_close(first, direct(found))
    assert found.memory.used == 4
    rows = found.model.rows
    other = labels() + 50
    second = found(columns(12, 18), other)
    expected = nested_info_nce(rows[12:18], torch.cat([rows[18:24], found_memory(rows)]), DIMS).total
    torch.testing.assert_close(second, expected)


def found_memory(rows: Tensor) -> Tensor:
    # a memory of four takes the last four of six documents; their order does not matter
    return rows[8:12].detach()


def test_memory_is_left_alone_in_evaluation_and_skips_equal_groups() -> None:
    found = objective(memory=6)
    found.eval()
    found(columns(0, 6), labels())
    assert found.memory.used == 0
    found.train()
    found(columns(0, 6), labels())
    # the same texts again: what the memory holds of a query's own group is no negative of it
    rows, own = found.model.rows, torch.arange(6)
    expected = nested_info_nce(rows[:6], rows[[*range(6, 12)] * 2], DIMS, groups_a=own, groups_b=own.repeat(2))
    torch.testing.assert_close(found(columns(0, 6), labels()), expected.total)


@pytest.mark.parametrize("term", ["distillation", "orthogonality"])
def test_further_terms_add_their_weight(term: str) -> None:
    plain, with_term = objective(), objective(**{term: 2.0})
    more = with_term(columns(0, 6), labels()) - plain(columns(0, 6), labels())
    noted = with_term.drain()
    assert more > 0
    assert {f"{term}_at_{dim}" for dim in DIMS} <= set(noted)
    assert not torch.allclose(gradient(plain), gradient(with_term))


def test_other_columns_train_other_numbers() -> None:
    prefix, random = gradient(objective(dims=(4,))), gradient(objective(dims=(4,), columns="random"))
    strided = gradient(objective(dims=(4,), columns="strided"))
    used = [(grad != 0).any(dim=0).nonzero().flatten().tolist() for grad in (prefix, random, strided)]
    assert used[0] == [0, 1, 2, 3]
    assert len(used[1]) == len(used[2]) == 4
    assert used[1] != used[0] != used[2]
    assert used[2] == [0, 4, 8, 12]


def test_drain_gives_means_and_starts_anew() -> None:
    found = objective()
    values = [found(columns(start, start + 6), labels()).item() for start in (0, 6)]
    noted = found.drain()
    mean = sum(noted[f"loss_at_{dim}"] for dim in DIMS) / 3
    assert mean == pytest.approx(sum(values) / 2, rel=1e-5)
    assert found.drain() == {}


def test_a_loss_that_is_not_finite_names_step_and_rows() -> None:
    found = objective(memory=8)
    found.step = 41
    with torch.no_grad():
        found.model.rows[2, 0] = torch.nan
    with pytest.raises(MatryoError, match=r"loss is nan at step 42, in the batch of training rows 0, 1, 2, 3, 4, 5;"):
        found(columns(0, 6), labels())
    assert found.memory.used == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "got none"),
        (torch.arange(6), r"shape \(6,\)"),
        (labels(2), r"shape \(6, 3\)"),
        (labels().float(), "float32"),
    ],
)
def test_labels_of_another_form_are_refused(given: Tensor | None, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        objective()(columns(0, 6), given)


def test_a_missing_column_is_refused() -> None:
    with pytest.raises(ShapeError, match="queries and documents"):
        objective()(columns(0), labels(0))
