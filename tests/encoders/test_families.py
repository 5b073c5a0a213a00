"""Encoders of T5 kind and decoders: built from their configs, they keep the promises that a BERT keeps."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from matryo.encoders import ModelEncoder, layer_encoder, load_encoder
from matryo.encoders.loading import load_folder

TEXTS = ["the cat runs", "a", "the dog runs to the cat and the cat to the dog", "def f(x): return x", "the cat runs"]
FAMILIES = ["tiny_t5_folder", "tiny_decoder_folder", "tiny_gpt2_folder"]


@pytest.fixture(params=FAMILIES)
def folder(request: pytest.FixtureRequest) -> Path:
    found: Path = request.getfixturevalue(request.param)
    return found


def alone(encoder: ModelEncoder, texts: list[str]) -> np.ndarray:
    return np.concatenate([encoder.encode([text]) for text in texts])


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_vector_does_not_depend_on_its_batch(folder: Path, side: str, precision: str) -> None:
    model = load_folder(folder)
    model.tokenizer.padding_side = side
    encoder = ModelEncoder(model, name="tiny", precision=precision)
    together = encoder.encode(TEXTS)
    # each text by itself has no padding at all, which is what padding must not change
    expected = alone(load_encoder(folder, precision="fp32"), TEXTS)
    assert (together * expected).sum(axis=1).min() >= (1 - 1e-6 if precision == "fp32" else 0.9995)


def test_it_gives_what_sentence_transformers_gives_for_one_text(folder: Path) -> None:
    reference = SentenceTransformer(str(folder), device="cpu")
    expected = np.concatenate([reference.encode([text]) for text in TEXTS])
    assert np.allclose(load_encoder(folder, precision="fp32").encode(TEXTS), expected, atol=1e-6)


def test_a_t5_is_embedded_by_its_encoder_alone(tiny_t5_folder: Path) -> None:
    encoder = load_encoder(tiny_t5_folder)
    assert type(encoder.model[0].auto_model).__name__ == "T5EncoderModel" and encoder.space.pooling == "mean"


def test_a_decoder_pools_its_last_token(tiny_decoder_folder: Path) -> None:
    encoder = load_encoder(tiny_decoder_folder, precision="fp32")
    assert encoder.space.pooling == "lasttoken"
    read = encoder.model.tokenizer(TEXTS[:1], return_tensors="pt")
    with torch.no_grad():
        last = encoder.model[0].auto_model(input_ids=read["input_ids"]).last_hidden_state[0, -1].numpy()
    assert np.allclose(encoder.encode(TEXTS)[0], last / np.linalg.norm(last), atol=1e-6)


@pytest.mark.parametrize(("name", "n_own"), [("tiny_t5_folder", 1), ("tiny_gpt2_folder", 0)])
def test_texts_that_lose_tokens_are_counted(name: str, n_own: int, request: pytest.FixtureRequest) -> None:
    encoder = load_encoder(request.getfixturevalue(name))
    encoder.encode(["cat " * (24 - n_own), "cat"])
    assert encoder.truncated_last == 0
    encoder.encode(["cat " * (25 - n_own), "cat", "cat " * 99])
    assert encoder.truncated_last == 2


@pytest.mark.parametrize("texts", [[""], ["", "cat", ""], ["", ""]])
def test_a_text_without_a_token_is_a_zero_row(tiny_gpt2_folder: Path, texts: list[str]) -> None:
    encoder = load_encoder(tiny_gpt2_folder, precision="fp32")
    done: list[int] = []
    lengths = np.linalg.norm(encoder.encode(texts, progress=done.append), axis=1)
    assert np.allclose(lengths, [float(text != "") for text in texts], atol=1e-6) and sum(done) == len(texts)


def test_an_inner_layer_of_each_is_a_source(folder: Path) -> None:
    whole = load_encoder(folder, precision="fp32")
    inner, last = layer_encoder(whole, 1), layer_encoder(whole, 2)
    assert len({whole.space.id, inner.space.id, last.space.id}) == 3
    assert np.allclose(inner.encode(TEXTS), alone(inner, TEXTS), atol=1e-5)
    # the last hidden state comes with the model's final normalisation
    assert np.allclose(last.encode(TEXTS), whole.encode(TEXTS), atol=1e-6)
    assert not np.allclose(inner.encode(TEXTS), whole.encode(TEXTS), atol=1e-2)
