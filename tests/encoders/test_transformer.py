from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer

from matryo.encoders import ModelEncoder, load_encoder
from matryo.encoders.loading import load_folder
from matryo.errors import MatryoError

WORDS = ["the", "cat", "dog", "runs", "x", "query"]


@pytest.fixture
def texts(rng: np.random.Generator) -> list[str]:
    return [" ".join(rng.choice(WORDS, size=n)) for n in rng.integers(0, 40, size=520)]


def test_it_gives_what_sentence_transformers_gives(tiny_model_folder: Path, texts: list[str]) -> None:
    encoder = load_encoder(tiny_model_folder, precision="fp32")
    reference = SentenceTransformer(str(tiny_model_folder), device="cpu").encode(texts, batch_size=7)
    assert np.allclose(encoder.encode(texts), reference, atol=1e-5)


def test_bf16_stays_close_and_leaves_the_model_alone(tiny_model_folder: Path, texts: list[str]) -> None:
    encoder = load_encoder(tiny_model_folder, precision="bf16")
    reference = load_encoder(tiny_model_folder, precision="fp32").encode(texts)
    narrow = encoder.encode(texts)
    assert np.allclose(np.linalg.norm(narrow, axis=1), 1.0, atol=1e-6)
    assert (narrow * reference).sum(axis=1).min() >= 0.9995
    assert not np.array_equal(narrow, reference)
    assert encoder.model.dtype == torch.float32


def test_minilm_in_bf16_is_within_the_promise() -> None:
    texts = ["", "def f(x):\n    return x + 1", "quantum field theory " * 60, "a", "The cat sat on the mat. " * 9]
    wide, narrow = (load_encoder("minilm", precision=p).encode(texts) for p in ("fp32", "bf16"))
    assert (wide * narrow).sum(axis=1).min() >= 0.9995


def test_fewer_tokens_may_be_read(tiny_model_folder: Path) -> None:
    short, whole = load_encoder(tiny_model_folder, max_tokens=6), load_encoder(tiny_model_folder)
    assert short.space.max_tokens == 6 and whole.space.max_tokens == 24
    text = "the cat runs to the dog"
    assert np.allclose(short.encode([text]), whole.encode(["the cat runs t"]), atol=1e-2)
    assert short.truncated == 1
    for wrong in (0, 25):
        with pytest.raises(MatryoError, match=rf"1\.\.24.*{wrong}"):
            load_encoder(tiny_model_folder, max_tokens=wrong)


def test_padding_on_the_left_does_not_move_a_text(tiny_model_folder: Path, texts: list[str]) -> None:
    model = load_folder(tiny_model_folder)
    model.tokenizer.padding_side = "left"
    left = ModelEncoder(model, name="left", precision="fp32")
    # learned positions: behind padding, each text would start at another one in every batch
    assert np.allclose(left.encode(texts), load_encoder(tiny_model_folder, precision="fp32").encode(texts), atol=1e-5)
    assert model.tokenizer.padding_side == "left"


def test_padding_stays_where_modules_of_others_expect_it(tiny_model_folder: Path) -> None:
    class LastColumn(torch.nn.Module):
        def forward(self, features: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
            seen.append(features["attention_mask"].clone())
            return features

    seen: list[torch.Tensor] = []
    model = load_folder(tiny_model_folder)
    model.tokenizer.padding_side = "left"
    model.insert(2, LastColumn())
    ModelEncoder(model, name="left", precision="fp32").encode(["the cat runs to the dog", "cat"])
    assert seen[-1][:, 0].tolist() == [1, 0] and seen[-1][:, -1].tolist() == [1, 1]


def test_weights_stored_in_bf16_can_compute_in_fp32(tiny_model_folder: Path) -> None:
    model = load_folder(tiny_model_folder).to(torch.bfloat16)
    wide = ModelEncoder(model, name="narrow weights", precision="fp32")
    narrow = ModelEncoder(model, name="narrow weights", precision="bf16")
    assert wide.space == narrow.space and model.dtype == torch.bfloat16
    assert (wide.encode(["the cat"]) * narrow.encode(["the cat"])).sum() >= 0.9995


def test_a_model_told_to_truncate_is_as_wide_as_it_says(tiny_model_folder: Path) -> None:
    model = load_folder(tiny_model_folder)
    whole = ModelEncoder(model, name="whole", precision="fp32").encode(["the cat"])
    model.truncate_dim = 8
    encoder = ModelEncoder(model, name="narrow", precision="fp32")
    expected = whole[:, :8] / np.linalg.norm(whole[:, :8])
    assert encoder.width == 8 and np.allclose(encoder.encode(["the cat"]), expected, atol=1e-6)


def test_the_number_of_threads_does_not_change_a_byte(tiny_model_folder: Path, texts: list[str]) -> None:
    encoder, n_threads = load_encoder(tiny_model_folder), torch.get_num_threads()
    try:
        found = []
        for n in (1, 2, 3):
            torch.set_num_threads(n)
            found.append(encoder.encode(texts).tobytes())
            assert torch.get_num_threads() == n
    finally:
        torch.set_num_threads(n_threads)
    assert found[0] == found[1] == found[2]
