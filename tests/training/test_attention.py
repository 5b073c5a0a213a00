from pathlib import Path

import pytest
import torch

from matryo.encoders import load_encoder
from matryo.training.attention import plain_attention


def implementation(model: object) -> str:
    return str(model.transformers_model.config._attn_implementation)  # type: ignore[attr-defined]


def test_the_way_changes_and_the_vectors_do_not(tiny_model_folder: Path) -> None:
    model = load_encoder(tiny_model_folder, device="cpu", precision="fp32").model
    texts = ["the cat runs", "a dog", "the dog runs to the cat and back"]
    before = model.encode(texts, convert_to_tensor=True)
    assert implementation(model) == "sdpa"
    with plain_attention(model, "cpu"):
        assert implementation(model) == "eager"
        torch.testing.assert_close(model.encode(texts, convert_to_tensor=True), before, atol=1e-5, rtol=1e-5)
    assert implementation(model) == "sdpa"
    assert torch.equal(model.encode(texts, convert_to_tensor=True), before)


def test_it_is_taken_back_after_an_error(tiny_model_folder: Path) -> None:
    model = load_encoder(tiny_model_folder, device="cpu", precision="fp32").model
    with pytest.raises(RuntimeError), plain_attention(model, "cpu"):
        raise RuntimeError
    assert implementation(model) == "sdpa"


def test_gpus_and_models_without_attention_are_left_alone(tiny_model_folder: Path) -> None:
    model = load_encoder(tiny_model_folder, device="cpu", precision="fp32").model
    with plain_attention(model, "cuda"):
        assert implementation(model) == "sdpa"
    static = load_encoder("wordllama").model
    with plain_attention(static, "cpu"):
        assert static.encode(["a"]).shape == (1, 256)


def test_a_model_saved_meanwhile_loads_as_ever(tiny_model_folder: Path, tmp_path: Path) -> None:
    model = load_encoder(tiny_model_folder, device="cpu", precision="fp32").model
    with plain_attention(model, "cpu"):
        model.save_pretrained(str(tmp_path / "model"))
    assert implementation(load_encoder(tmp_path / "model", device="cpu", precision="fp32").model) == "sdpa"
