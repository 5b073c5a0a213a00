"""The objective adds up the terms of a method; who comes twice in a batch is nobody's negative twice."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses import nested_info_nce
from matryo.losses.adversarial import domain_loss
from matryo.losses.identity import prefix_info_nce, prefix_mse
from matryo.training.identity_methods import identity_method
from matryo.training.identity_objective import IdentityObjective
from matryo.training.identity_settings import IdentityTrainSettings

WIDTH, DIMS, K = 16, (4, 8, 16), 8
TRIPLET = ["anchor", "positive", "negative"]
COLUMNS = [*TRIPLET, "cross_a", "cross_b", "cross_negative_1", "twin_a", "twin_b"]
N = 6


class Table(nn.Module):
    """Vectors that are looked up: each column brings the numbers of its rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Parameter(torch.randn(60, WIDTH, generator=torch.Generator().manual_seed(0)))

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sentence_embedding": self.rows[features["input_ids"]]}


def made(name: str = "v3_contrastive", columns: list[str] = COLUMNS, **settings: Any) -> IdentityObjective:
    found = IdentityObjective(
        Table(),
        identity_method(name),
        columns,
        IdentityTrainSettings(**settings),
        dims=DIMS,
        prefix_dim=K,
        seed=0,
        bf16=False,
    )
    found.n_steps = 100
    return found


def batch(n_columns: int = len(COLUMNS)) -> tuple[list[dict[str, Tensor]], Tensor]:
    """Column c has the texts c * N .. c * N + N - 1, each about somebody else, but for pairs."""
    ids = [torch.arange(N) + N * c for c in range(n_columns)]
    people = [x.clone() for x in ids]
    if n_columns > 4:
        people[4] = people[3]
    labels = torch.stack([torch.arange(N), torch.zeros(N, dtype=torch.int64), *people], dim=1)
    return [{"input_ids": x} for x in ids], labels


def part(found: IdentityObjective, *columns: int) -> Tensor:
    rows = found.model.rows
    return torch.cat([rows[c * N : (c + 1) * N] for c in columns])


def within(found: IdentityObjective) -> Tensor:
    return nested_info_nce(part(found, 0), part(found, 1, 2), DIMS, temperatures=0.07).total


def across(found: IdentityObjective) -> Tensor:
    forth = prefix_info_nce(part(found, 3), part(found, 4, 5, 7), K, symmetric=False)
    back = prefix_info_nce(part(found, 4), part(found, 3, 6), K, symmetric=False)
    return (forth + back) / 2


def test_contrastive_is_within_plus_across() -> None:
    found = made(within_domain_weight=0.5, prefix_weight=2.0)
    torch.testing.assert_close(found(*batch()), 0.5 * within(found) + 2.0 * across(found))
    noted = found.drain()
    assert set(noted) == {"within_at_4", "within_at_8", "within_at_16", "cross"}
    assert noted["cross"] == pytest.approx(across(found).item(), rel=1e-5)
    assert sum(noted[f"within_at_{d}"] for d in DIMS) / 3 == pytest.approx(within(found).item(), rel=1e-5)
    assert found.drain() == {}


def test_mse_no_prefix_and_single() -> None:
    mse = made("v3_mse", COLUMNS[:5])
    torch.testing.assert_close(mse(*batch(5)), within(mse) + prefix_mse(part(mse, 3), part(mse, 4), K))
    for name in ("v3_no_prefix", "single_dating"):
        alone = made(name, TRIPLET)
        torch.testing.assert_close(alone(*batch(3)), within(alone))


def test_heads_learn_pairs_on_the_identity_part_and_triplets_on_the_task_part() -> None:
    found = made("projection_heads")
    task = nested_info_nce(part(found, 0)[:, K:], part(found, 1, 2)[:, K:], (8,), temperatures=0.07).total
    torch.testing.assert_close(found(*batch()), task + across(found))
    assert set(found.drain()) == {"within_at_16", "cross"}
    found(*batch()).backward()
    grad = found.model.rows.grad
    assert grad is not None
    assert (grad[: 3 * N, :K] == 0).all() and (grad[: 3 * N, K:] != 0).any()
    assert (grad[3 * N :, K:] == 0).all() and (grad[3 * N :, :K] != 0).any()


def test_adversarial_adds_the_classifier_and_its_strength_rises() -> None:
    plain, found = made(), made("adversarial", adversarial_weight=0.5)
    assert found.classifier is not None
    for step, strength in ((0, 0.0), (50, 0.98661)):
        found.step = step
        found.zero_grad()
        plain.zero_grad()
        hidden = domain_loss(found.classifier, part(found, 3), part(found, 4), strength)
        more = torch.autograd.grad(0.5 * hidden, found.model.rows)[0]
        total = found(*batch())
        torch.testing.assert_close(total, plain(*batch()) + 0.5 * hidden)
        total.backward()
        plain(*batch()).backward()
        torch.testing.assert_close(found.model.rows.grad, plain.model.rows.grad + more, rtol=1e-3, atol=1e-5)
        assert all((p.grad != 0).any() for p in found.classifier.parameters())
    assert {"domain", "cross"} <= set(found.drain())
    assert made("adversarial", reversal="constant").settings.reversal == "constant"


def test_the_same_person_twice_counts_once_and_is_no_negative() -> None:
    found = made(columns=["cross_a", "cross_b"])
    columns = [{"input_ids": torch.tensor([0, 1, 2, 0])}, {"input_ids": torch.tensor([10, 11, 12, 10])}]
    people = torch.tensor([3, 4, 5, 3])
    labels = torch.stack([torch.arange(4), torch.zeros(4, dtype=torch.int64), people, people], dim=1)
    rows = found.model.rows
    once = prefix_info_nce(rows[:3], rows[10:13], K)
    torch.testing.assert_close(found(columns, labels), once)


def test_in_triplets_a_person_is_a_column_once_and_never_their_own_negative() -> None:
    found = made("v3_no_prefix", TRIPLET)
    # person 1 is the positive of both anchors; person 0, an anchor, is the negative of the other
    columns = [{"input_ids": torch.tensor(ids)} for ids in ([0, 2], [1, 1], [3, 0])]
    people = torch.tensor([[0, 1, 3], [2, 1, 0]])
    labels = torch.cat([torch.tensor([[0, 0], [1, 0]]), people], dim=1)
    rows = found.model.rows
    expected = nested_info_nce(
        rows[[0, 2]],
        rows[[1, 3, 0]],
        DIMS,
        positive=torch.tensor([0, 0]),
        groups_a=torch.tensor([0, 2]),
        groups_b=torch.tensor([1, 3, 0]),
        temperatures=0.07,
    )
    torch.testing.assert_close(found(columns, labels), expected.total)


def test_mined_negatives_and_twins_push() -> None:
    found = made(within_domain_weight=0.0)
    found(*batch()).backward()
    grad = found.model.rows.grad
    assert grad is not None
    moved = (grad.view(-1, N, WIDTH) != 0).any(dim=2).all(dim=1).tolist()
    assert moved[: len(COLUMNS)] == [False, False, False, True, True, True, True, True]


def test_without_triplets_or_weights() -> None:
    pairs_only = made(columns=["cross_a", "cross_b"])
    assert len(pairs_only._weighed) == 1
    with pytest.raises(MatryoError, match="v3_no_prefix has no term left to train"):
        made("v3_no_prefix", within_domain_weight=0.0)


def test_bags_of_tokens_are_embedded_in_one_pass() -> None:
    class Bags(nn.Module):
        calls = 0

        def __init__(self) -> None:
            super().__init__()
            self.bag = nn.EmbeddingBag(60, WIDTH)

        def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
            self.calls += 1
            return {"sentence_embedding": self.bag(features["input_ids"], features["offsets"])}

    found = made("v3_no_prefix", TRIPLET)
    plain = found(*batch(3))
    bags = Bags()
    bags.bag.weight = found.model.rows
    found.model = bags
    columns, labels = batch(3)
    torch.testing.assert_close(found([{**c, "offsets": torch.arange(N)} for c in columns], labels), plain)
    assert bags.calls == 1


def test_bad_labels_and_losses() -> None:
    columns, labels = batch()
    with pytest.raises(ShapeError, match=r"labels must be int64 of shape \(6, 10\)"):
        made()(columns, labels[:, :4])
    with pytest.raises(ShapeError, match="a step needs the columns anchor"):
        made()(columns[:2], labels)
    found = made()
    found.step = 41
    with torch.no_grad():
        found.model.rows[2, 0] = torch.nan
    with pytest.raises(MatryoError, match="loss is nan at step 42, in the batch of training rows 0, 1, 2, 3, 4, 5;"):
        found(columns, labels)
