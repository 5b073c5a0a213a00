"""The module against sentence-transformers' own loss, on a tiny static model built here."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, SentenceTransformerTrainingArguments
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses import NestedLoss, nested_info_nce

WIDTH, DIMS = 32, [32, 16, 8]
WORDS = [f"w{i}" for i in range(60)]


def tiny_model() -> SentenceTransformer:
    """A table of random vectors, always the same."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0} | {w: i + 1 for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    table = torch.randn(len(WORDS) + 1, WIDTH, generator=torch.Generator().manual_seed(3))
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table)], device="cpu")


@pytest.fixture
def model() -> SentenceTransformer:
    return tiny_model()


def columns(n: int, n_columns: int = 2) -> list[list[str]]:
    """Texts of two words; those of one row share the first."""
    return [[f"{WORDS[i]} {WORDS[(7 * i + 11 * c + 13) % 60]}" for i in range(n)] for c in range(n_columns)]


def features(model: SentenceTransformer, texts: list[list[str]]) -> list[dict[str, Tensor]]:
    return [model.preprocess(column) for column in texts]


def value_and_gradient(loss: nn.Module, texts: list[list[str]], labels: Tensor | None = None) -> tuple[Tensor, Tensor]:
    loss.zero_grad()
    value = loss(features(loss.model, texts), labels)
    value.backward()
    (table,) = loss.parameters()
    assert table.grad is not None
    return value.detach(), table.grad.clone()


@pytest.mark.parametrize("n_columns", [2, 3, 5])
@pytest.mark.parametrize("weights", [None, [1.0, 0.5, 2.0]])
@pytest.mark.parametrize("symmetric", [False, True])
def test_equals_matryoshka_loss(
    model: SentenceTransformer, n_columns: int, weights: list[float] | None, symmetric: bool
) -> None:
    ways: dict[str, Any] = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    base = MultipleNegativesRankingLoss(model, **ways) if symmetric else MultipleNegativesRankingLoss(model)
    texts = columns(12, n_columns)
    theirs = value_and_gradient(MatryoshkaLoss(model, base, DIMS, weights), texts)
    ours = value_and_gradient(NestedLoss(model, DIMS, weights=weights, symmetric=symmetric), texts)
    for one, other in zip(ours, theirs, strict=True):
        assert torch.allclose(one, other / sum(weights or [1, 1, 1]), rtol=1e-5, atol=1e-6)


def test_scale_is_one_over_temperature(model: SentenceTransformer) -> None:
    base = MultipleNegativesRankingLoss(model, scale=50.0)
    theirs = value_and_gradient(MatryoshkaLoss(model, base, [16]), columns(12))
    ours = value_and_gradient(NestedLoss(model, [16], temperature=0.02), columns(12))
    assert torch.allclose(ours[0], theirs[0], rtol=1e-5)
    assert torch.allclose(ours[1], theirs[1], rtol=1e-4, atol=1e-6)


def test_equal_labels_are_no_negatives(model: SentenceTransformer) -> None:
    loss = NestedLoss(model, [16])
    texts = columns(3)
    labels = torch.tensor([[900], [-4], [900]])
    masked = loss(features(model, texts), labels)
    a, b = (nn.functional.normalize(model(f)["sentence_embedding"][:, :16]) for f in features(model, texts))
    logits = a @ b.T / 0.05
    logits[0, 2] = logits[2, 0] = -torch.inf
    assert masked.item() == pytest.approx(nn.functional.cross_entropy(logits, torch.arange(3)).item(), rel=1e-5)
    assert loss(features(model, texts), labels[:, 0]).item() == masked.item()
    assert loss(features(model, texts), torch.tensor([1, 2, 3])).item() == loss(features(model, texts)).item()


def test_mined_negatives_stay_negatives_whatever_the_labels(model: SentenceTransformer) -> None:
    """Even of the rows that share a label with the row they were mined for; the label 0 is no exception."""
    loss = NestedLoss(model, [16])
    texts = columns(3, 3)
    same = loss(features(model, texts), torch.zeros(3, dtype=torch.int64))
    a, *b = (nn.functional.normalize(model(f)["sentence_embedding"][:, :16]) for f in features(model, texts))
    logits = a @ torch.cat(b).T / 0.05
    logits[:, :3].masked_fill_(~torch.eye(3, dtype=torch.bool), -torch.inf)
    assert same.item() == pytest.approx(nn.functional.cross_entropy(logits, torch.arange(3)).item(), rel=1e-5)


def test_labels_can_be_ignored(model: SentenceTransformer) -> None:
    loss = NestedLoss(model, [16], labels_are_groups=False)
    plain = loss(features(model, columns(4)))
    for labels in (torch.zeros(4, dtype=torch.int64), torch.rand(4)):
        assert torch.equal(loss(features(model, columns(4)), labels), plain)


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (torch.rand(4), "int64 ids of shape"),
        (torch.arange(3), "int64 ids of shape"),
        (torch.zeros(4, 2, dtype=torch.int64), "int64 ids of shape"),
        (torch.full((4,), 5), "every label of this batch is 5"),
    ],
)
def test_labels_that_are_no_ids(model: SentenceTransformer, labels: Tensor, words: str) -> None:
    with pytest.raises(MatryoError, match=words) as caught:
        NestedLoss(model, [16])(features(model, columns(4)), labels)
    assert "labels_are_groups=False" in str(caught.value)


def test_margin_reaches_the_loss(model: SentenceTransformer) -> None:
    texts = columns(6)
    texts[1][4] = texts[0][1]  # closer to anchor 1 than its own document
    filtered, plain = (NestedLoss(model, [16, 32], margin=m)(features(model, texts)).item() for m in (0.0, None))
    a, b = (model(f)["sentence_embedding"] for f in features(model, texts))
    assert filtered == nested_info_nce(a, b, [16, 32], margin=0.0).total.item()
    assert filtered < plain
    with pytest.raises(MatryoError, match="margin must lie within"):
        NestedLoss(model, [16], margin=3.0)


def test_dims_are_held_against_the_model(model: SentenceTransformer) -> None:
    with pytest.raises(ShapeError, match=r"within 1\.\.32"):
        NestedLoss(model, [8, 64])


def test_one_column_is_refused(model: SentenceTransformer) -> None:
    with pytest.raises(ShapeError, match="anchor and a positive"):
        NestedLoss(model, [8])(features(model, columns(4, 1)))


class OlderModel(nn.Module):
    """What models looked like before the method was renamed."""

    def get_sentence_embedding_dimension(self) -> int:
        return 4

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        return {"sentence_embedding": features["x"]}


def test_models_with_the_older_name_or_none() -> None:
    with pytest.raises(ShapeError, match=r"within 1\.\.4"):
        NestedLoss(OlderModel(), [5])
    with pytest.raises(ShapeError, match=r"within 1\.\.4"):
        NestedLoss(nn.Identity(), [5])([{"sentence_embedding": torch.ones(2, 4)}] * 2)  # width unknown until now


def test_loss_at_each_dim_is_left_for_callbacks(model: SentenceTransformer) -> None:
    loss = NestedLoss(model, DIMS, weights=[3, 2, 1])
    assert loss.last_per_dim is None
    total = loss(features(model, columns(4)))
    assert loss.last_per_dim is not None
    assert not loss.last_per_dim.requires_grad
    assert total.item() == pytest.approx((loss.last_per_dim @ torch.tensor([1.0, 2.0, 3.0])).item() / 6)


def test_a_parameter_as_temperature_is_trained(model: SentenceTransformer) -> None:
    loss = NestedLoss(model, DIMS, temperature=nn.Parameter(torch.tensor([0.05, 0.05, 0.1])))
    loss(features(model, columns(4))).backward()
    assert isinstance(loss.temperature, nn.Parameter)
    assert loss.temperature.grad is not None
    assert loss.temperature.grad.all()
    assert "temperature" in dict(loss.named_parameters())


def test_settings_can_be_written_as_json(model: SentenceTransformer) -> None:
    loss = NestedLoss(model, DIMS, weights=[3, 2, 1], temperature=torch.tensor([0.5, 0.25, 0.125]), symmetric=True)
    assert json.loads(json.dumps(loss.get_config_dict())) == {
        "dims": DIMS,
        "weights": [3.0, 2.0, 1.0],
        "temperature": [0.5, 0.25, 0.125],
        "symmetric": True,
        "margin": None,
        "labels_are_groups": True,
    }


def test_trains_with_the_trainer_of_sentence_transformers(model: SentenceTransformer, tmp_path: Path) -> None:
    texts = columns(48, 3)
    data = Dataset.from_dict(dict(zip(("anchor", "positive", "negative"), texts, strict=True)))
    before = NestedLoss(model, DIMS)(features(model, texts)).item()
    theirs = MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), DIMS)(features(model, texts), None)
    assert before == pytest.approx(theirs.item() / len(DIMS), rel=1e-5)
    loss = NestedLoss(model, DIMS)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(tmp_path),
        per_device_train_batch_size=48,
        max_steps=30,
        learning_rate=0.1,
        logging_steps=10,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        seed=1,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("error", module=r"matryo")
        trainer = SentenceTransformerTrainer(model=model, args=arguments, train_dataset=data, loss=loss)
        trainer.train()
    after = loss(features(model, texts)).item()
    assert after < before / 2
    assert loss.last_per_dim is not None
    assert len(loss.last_per_dim) == len(DIMS)
    model.save(str(tmp_path / "model"))
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert "NestedLoss" in card
    assert '"labels_are_groups": true' in card
