"""Embedding in packs and with gradient caching: the vectors and gradients of the whole batch."""

import pytest
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError
from matryo.losses import nested_info_nce
from matryo.training.embedding import embed
from matryo.training.packing import packs_of


class MeanOfTokens(nn.Module):
    """A small encoder with dropout, so that the random state matters."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.out = nn.Embedding(50, 16), nn.Linear(16, 12)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        mask = features["attention_mask"][..., None]
        mean = (self.dropout(self.table(features["input_ids"])) * mask).sum(1) / mask.sum(1)
        features["sentence_embedding"] = self.out(self.dropout(torch.tanh(mean)))
        return features


def columns(n: int = 9) -> list[dict[str, Tensor]]:
    rng = torch.Generator().manual_seed(1)
    made = []
    for _ in range(2):
        lengths = torch.randint(1, 8, (n,), generator=rng)
        mask = (torch.arange(int(lengths.max()))[None] < lengths[:, None]).long()
        made.append({"input_ids": torch.randint(1, 50, mask.shape, generator=rng) * mask, "attention_mask": mask})
    return made


def gradients(model: nn.Module, budget: int, cached: bool, scale: float = 1.0) -> tuple[Tensor, dict[str, Tensor]]:
    model.zero_grad()
    torch.manual_seed(2)
    vectors = embed(model, packs_of(columns(), budget, 0), cached=cached)
    total = nested_info_nce(vectors[:9], vectors[9:], (4, 12)).total
    (total * scale).backward()
    return vectors.detach(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize("budget", [0, 8, 30, 1000])
def test_packs_change_neither_vectors_nor_gradients(budget: int) -> None:
    model = MeanOfTokens(dropout=0.0)
    whole, expected = gradients(model, 0, cached=False)
    vectors, found = gradients(model, budget, cached=False)
    torch.testing.assert_close(vectors, whole)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("budget", [8, 30])
def test_the_cached_gradient_is_that_of_the_whole_batch_under_the_same_dropout(budget: int) -> None:
    model = MeanOfTokens(dropout=0.3)
    whole, expected = gradients(model, budget, cached=False)
    vectors, found = gradients(model, budget, cached=True)
    torch.testing.assert_close(vectors, whole, rtol=0, atol=0)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-7)


def test_without_replayed_dropout_the_gradient_would_differ() -> None:
    model = MeanOfTokens(dropout=0.3)
    _, expected = gradients(model, 8, cached=False)
    model.zero_grad()
    torch.manual_seed(3)
    vectors = embed(model, packs_of(columns(), 8, 0))
    nested_info_nce(vectors[:9], vectors[9:], (4, 12)).total.backward()
    assert not torch.allclose(expected["out.weight"], model.out.weight.grad, rtol=1e-2)


def test_a_scaled_loss_scales_the_cached_gradient() -> None:
    model = MeanOfTokens(dropout=0.3)
    _, one = gradients(model, 8, cached=True)
    _, half = gradients(model, 8, cached=True, scale=0.5)
    torch.testing.assert_close({name: g / 2 for name, g in one.items()}, half)


def test_the_random_state_goes_on_as_if_embedded_once() -> None:
    model = MeanOfTokens(dropout=0.3)
    gradients(model, 8, cached=False)
    after = torch.rand(3)
    gradients(model, 8, cached=True)
    torch.testing.assert_close(torch.rand(3), after, rtol=0, atol=0)


def test_no_graph_is_kept_and_a_second_gradient_is_refused() -> None:
    model = MeanOfTokens(dropout=0.0)
    vectors = embed(model, packs_of(columns(), 8, 0), cached=True)
    vectors.sum().backward(retain_graph=True)
    with pytest.raises(MatryoError, match="asked for twice"):
        vectors.sum().backward()


def test_bf16_keeps_gradients_through_both_passes() -> None:
    model = MeanOfTokens(dropout=0.0)
    model.zero_grad()
    vectors = embed(model, packs_of(columns(), 8, 0), cached=True, dtype=torch.bfloat16)
    assert vectors.dtype == torch.float32
    nested_info_nce(vectors[:9], vectors[9:], (4, 12)).total.backward()
    found = model.out.weight.grad.clone()
    _, expected = gradients(model, 8, cached=False)
    similarity = torch.nn.functional.cosine_similarity(found.flatten(), expected["out.weight"].flatten(), dim=0)
    assert similarity > 0.999


def test_without_gradients_nothing_is_embedded_twice() -> None:
    model = MeanOfTokens(dropout=0.0)
    with torch.no_grad():
        vectors = embed(model, packs_of(columns(), 8, 0), cached=True)
    assert not vectors.requires_grad
