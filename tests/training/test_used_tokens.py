"""A static model trained on the tokens it needs is the model trained whole."""

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
from tokenizers import Tokenizer, models, pre_tokenizers

from matryo.errors import MatryoError
from matryo.training.used_tokens import used_tokens_only

TEXTS = ["red green", "green blue", "blue", "", "red red blue green"]


def static(width: int = 8) -> SentenceTransformer:
    words = ["[UNK]", "black", "red", "white", "green", "grey", "blue", "pink"]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(0).normal(size=(len(words), width)).astype(np.float32)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=table), Normalize()], device="cpu")


def train(model: SentenceTransformer, weight_decay: float) -> None:
    """A few steps towards a target, clipped, with momentum."""
    optimiser = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=weight_decay)
    for step in range(5):
        texts = TEXTS[step % 2 :]
        vectors = model(dict(model.preprocess(texts)))["sentence_embedding"]
        loss = (vectors - torch.eye(8)[: len(texts)]).square().sum()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()


@pytest.mark.parametrize("weight_decay", [0.0, 0.5])
def test_equals_training_the_whole_table(weight_decay: float) -> None:
    whole, part = static(), static()
    before = part[0].embedding.weight.detach().clone()
    train(whole, weight_decay)
    with used_tokens_only(part, TEXTS):
        assert part[0].embedding.weight.shape == (3, 8)
        train(part, weight_decay)
    found, expected = part[0].embedding.weight.detach(), whole[0].embedding.weight.detach()
    used = [2, 4, 6]
    torch.testing.assert_close(found[used], expected[used], rtol=0, atol=0)
    unused = [0, 1, 3, 5, 7]
    torch.testing.assert_close(found[unused], before[unused], rtol=0, atol=0)
    assert torch.equal(found, expected) == (weight_decay == 0.0)


def test_vectors_are_the_same_meanwhile_and_the_model_is_whole_afterwards(tmp_path: object) -> None:
    model = static()
    expected = model.encode(TEXTS)
    with used_tokens_only(model, TEXTS):
        np.testing.assert_array_equal(model.encode(TEXTS), expected)
        model.save_pretrained(str(tmp_path), create_model_card=False)
        assert SentenceTransformer(str(tmp_path), device="cpu")[0].num_embeddings == 3
    assert model[0].num_embeddings == 8
    np.testing.assert_array_equal(model.encode([*TEXTS, "pink"])[:-1], expected)


def test_restored_after_an_error_with_what_was_learned() -> None:
    model = static()
    with pytest.raises(RuntimeError), used_tokens_only(model, TEXTS):
        with torch.no_grad():
            model[0].embedding.weight += 1
        raise RuntimeError
    torch.testing.assert_close(model[0].embedding.weight - static()[0].embedding.weight, _ones([2, 4, 6]))


def _ones(rows: list[int]) -> torch.Tensor:
    found = torch.zeros(8, 8)
    found[rows] = 1
    return found


def test_prompts_are_part_of_the_texts() -> None:
    model = static()
    expected = model(dict(model.preprocess(["red"], prompt="blue ")))["sentence_embedding"]
    with used_tokens_only(model, ["red"], "blue "):
        found = model(dict(model.preprocess(["red"], prompt="blue ")))["sentence_embedding"]
    torch.testing.assert_close(found, expected)


def test_an_unknown_text_is_refused() -> None:
    model = static()
    with used_tokens_only(model, TEXTS), pytest.raises(MatryoError, match=r"not of this training.*'pink'"):
        model.encode(["pink"])
