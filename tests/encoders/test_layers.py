from pathlib import Path

import numpy as np
import pytest
import torch

from matryo.encoders import ModelEncoder, build_tiny, layer_encoder, load_encoder, save_model
from matryo.encoders.saving import known_of
from matryo.errors import MatryoError

TEXTS = ["the cat runs to the dog", "", "dog", "a cat and a dog and a cat " * 4]
N_LAYERS = 3


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> ModelEncoder:
    plain = tmp_path_factory.mktemp("layers") / "plain"
    build_tiny([*TEXTS, "the cat runs to the dog"], plain, width=64, layers=N_LAYERS)
    # with a head behind the pooling and with claims about prefixes, neither of which holds for an inner layer
    return load_encoder(save_model(load_encoder(plain), plain.with_name("whole"), dims=[16, 64]), precision="fp32")


def by_hand(encoder: ModelEncoder, layer: int) -> np.ndarray:
    model = encoder.model
    read = model.preprocess(TEXTS)
    with torch.no_grad():
        states = (
            model[0]
            .auto_model(input_ids=read["input_ids"], attention_mask=read["attention_mask"], output_hidden_states=True)
            .hidden_states
        )
    counted = read["attention_mask"][..., None]
    mean = ((states[layer] * counted).sum(dim=1) / counted.sum(dim=1)).numpy()
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


@pytest.mark.parametrize("layer", range(N_LAYERS + 1))
def test_it_gives_the_hidden_state_pooled_by_hand(whole: ModelEncoder, layer: int) -> None:
    assert np.allclose(layer_encoder(whole, layer).encode(TEXTS), by_hand(whole, layer), atol=1e-6)


def test_every_layer_is_a_space_of_its_own(whole: ModelEncoder) -> None:
    encoders = [layer_encoder(whole, layer) for layer in range(N_LAYERS + 1)]
    assert len({encoder.space.id for encoder in [*encoders, whole]}) == N_LAYERS + 2
    assert encoders[1].space.pooling == "mean of layer 1" and whole.space.pooling == "mean"
    assert encoders[1].name == "whole layer 1"
    assert np.allclose(encoders[-1].encode(TEXTS), whole.encode(TEXTS), atol=1e-6)
    assert not np.allclose(encoders[1].encode(TEXTS), whole.encode(TEXTS), atol=1e-2)


def test_saved_and_loaded_it_is_the_same(whole: ModelEncoder, tmp_path: Path) -> None:
    inner = layer_encoder(whole, 1)
    again = load_encoder(save_model(inner, tmp_path / "inner"), precision="fp32")
    assert again.space == inner.space
    assert np.allclose(again.encode(TEXTS), inner.encode(TEXTS), atol=1e-6)
    (tmp_path / "inner" / "matryo.json").unlink()
    assert load_encoder(tmp_path / "inner").space.id == inner.space.id != whole.space.id


def test_weights_are_shared_and_the_model_is_left_alone(whole: ModelEncoder) -> None:
    before = whole.encode(TEXTS)
    inner = layer_encoder(whole, 1)
    inner.encode(TEXTS)
    assert [p.data_ptr() for p in inner.model[0].parameters()] == [p.data_ptr() for p in whole.model[0].parameters()]
    assert whole.encode(TEXTS).tobytes() == before.tobytes() and whole.space.pooling == "mean"


def test_claims_about_prefixes_do_not_pass_to_a_layer(whole: ModelEncoder) -> None:
    assert known_of(whole).dims == (16, 64) and known_of(layer_encoder(whole, 1)).dims is None
    assert known_of(whole).dims == (16, 64)


def test_it_reads_as_the_model_does(whole: ModelEncoder) -> None:
    prompted = ModelEncoder(whole.model, name="prompted", prompts={"query": "dog "}, precision="bf16")
    inner = layer_encoder(prompted, 2)
    assert inner.prompt("query") == "dog " and inner.prompt("document") == ""
    assert inner.description["precision"] == "bf16" and inner.space.max_tokens == whole.space.max_tokens
    assert np.allclose(inner.encode(["cat"], "query"), layer_encoder(whole, 2).encode(["dog cat"]), atol=2e-2)


@pytest.mark.parametrize("layer", [-1, N_LAYERS + 1, 1.5, True])
def test_a_layer_that_is_not_there_is_refused(whole: ModelEncoder, layer: int) -> None:
    with pytest.raises(MatryoError, match=rf"0\.\.{N_LAYERS}.*{layer}"):
        layer_encoder(whole, layer)


def test_a_static_model_has_no_layers() -> None:
    with pytest.raises(MatryoError, match="StaticEmbedding"):
        layer_encoder(load_encoder("wordllama"), 1)
