"""A model is loaded as its card says: what is put before the cut, which prompts are taken, what is refused."""

import logging
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import LayerNorm, Normalize, Pooling
from torch.nn import functional

from matryo.encoders import Card, Cards, cut_encoder, export_model, load_encoder, save_model
from matryo.encoders.cards_file import parse_cards
from matryo.encoders.loading import load_folder
from matryo.errors import MatryoError
from matryo.prefix import cut

TEXTS = ["the cat", "the dog runs", "x y z", "query", "a b c d"]
LAYER_NORM = """\
format: 1
cards:
  lab-model:
    width: 32
    dims: [8, 16]
    status: confirmed
    source: {link: https://example.org/lab, date: 2026-11-20, says: trained at 8 and 16}
    before_cut: layer_norm
    prompts: {query: 'query : ', document: 'x '}
"""


@pytest.fixture
def folder(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A copy whose vectors do not average to zero, as a BERT's own last layer norm would make them."""
    copied = Path(shutil.copytree(tiny_model_folder, tmp_path / "lab-model"))
    weights = load_file(copied / "model.safetensors")
    (bias,) = (name for name in weights if name.endswith("layer.1.output.LayerNorm.bias"))
    weights[bias] += torch.linspace(0.0, 3.0, 32)
    save_file(weights, copied / "model.safetensors", metadata={"format": "pt"})
    return copied


@pytest.fixture
def cards(tmp_path: Path) -> Cards:
    return Cards({"own": parse_cards(LAYER_NORM, tmp_path / "own.yaml")})


def own(**keys: object) -> Cards:
    return Cards({"own": [Card.model_validate({"name": "lab-model", "width": 32, **keys})]})


def by_hand(folder: Path, texts: list[str], dim: int) -> np.ndarray:
    """What the authors of such models write: encode, layer norm, slice, normalise."""
    whole = torch.from_numpy(SentenceTransformer(str(folder), device="cpu").encode(texts))
    return functional.normalize(functional.layer_norm(whole, (32,))[:, :dim], dim=1).numpy()


def test_the_layer_norm_stands_before_the_cut(folder: Path, cards: Cards) -> None:
    encoder = load_encoder(folder, precision="fp32", cards=cards, prompts={"query": "", "document": ""})
    assert encoder.space.before_cut == "layer_norm" and encoder.space.normalize
    for dim in (8, 16, 32):
        assert np.allclose(cut_encoder(encoder, dim).encode(TEXTS), by_hand(folder, TEXTS, dim), atol=1e-5)
    plain = load_encoder(folder, precision="fp32", cards=Cards({}))
    assert plain.space.before_cut == "none" and plain.space != encoder.space
    assert not np.allclose(cut(plain.encode(TEXTS), 8), by_hand(folder, TEXTS, 8), atol=1e-3)


def test_a_model_that_ends_without_normalising_too(folder: Path, cards: Cards) -> None:
    body = load_folder(folder)[0]
    shutil.rmtree(folder)
    SentenceTransformer(modules=[body, Pooling(32)], device="cpu").save_pretrained(str(folder), create_model_card=False)
    encoder = load_encoder(folder, precision="fp32", cards=cards, prompts={"query": "", "document": ""})
    assert isinstance(list(encoder.model)[-1], LayerNorm)
    assert np.allclose(cut_encoder(encoder, 8).encode(TEXTS), by_hand(folder, TEXTS, 8), atol=1e-4)


def test_exported_it_stays_right_without_us(folder: Path, cards: Cards, tmp_path: Path) -> None:
    encoder = load_encoder(folder, precision="fp32", cards=cards, prompts={"query": "", "document": ""})
    export_model(encoder, tmp_path / "cut", 8)
    plain = SentenceTransformer(str(tmp_path / "cut"), device="cpu")
    assert [type(module).__name__ for module in plain][-4:] == ["LayerNorm", "Normalize", "Dense", "Normalize"]
    assert np.allclose(plain.encode(TEXTS), by_hand(folder, TEXTS, 8), atol=1e-5)
    assert load_encoder(tmp_path / "cut").space == cut_encoder(encoder, 8).space


def test_saved_under_the_cards_name_it_is_not_normed_twice(folder: Path, cards: Cards, tmp_path: Path) -> None:
    encoder = load_encoder(folder, precision="fp32", cards=cards)
    for kept in (tmp_path / "a" / "lab-model", tmp_path / "b" / "lab-model"):
        if kept.parent.name == "a":
            save_model(encoder, kept)
        else:
            encoder.model.save_pretrained(str(kept), create_model_card=False)
        again = load_encoder(kept, precision="fp32", cards=cards)
        assert [type(m) for m in again.model].count(LayerNorm) == 1 and isinstance(list(again.model)[-1], Normalize)
        assert again.space == encoder.space
        assert np.allclose(again.encode(TEXTS), encoder.encode(TEXTS), atol=1e-5)


def test_the_cards_prompts_are_taken_where_the_model_names_none(
    folder: Path, cards: Cards, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="matryo"):
        encoder = load_encoder(folder, precision="fp32", cards=cards)
    assert (encoder.prompt("query"), encoder.prompt("document")) == ("query : ", "x ")
    assert "a layer norm before the cut" in caplog.text and "the prompts of the card lab-model" in caplog.text
    bare = load_encoder(folder, precision="fp32", cards=cards, prompts={"query": "", "document": ""})
    assert np.allclose(encoder.encode(["the cat"], "query"), bare.encode(["query : the cat"]), atol=1e-6)
    assert encoder.space == bare.space, "prompts are no part of the space"


def test_the_models_own_prompts_come_first(folder: Path, cards: Cards) -> None:
    model = load_folder(folder)
    model.prompts = {"query": "the ", "document": ""}
    shutil.rmtree(folder)
    model.save_pretrained(str(folder), create_model_card=False)
    encoder = load_encoder(folder, cards=cards)
    assert (encoder.prompt("query"), encoder.prompt("document")) == ("the ", "")


def test_a_card_of_another_width_is_not_followed(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    other = own(width=64, before_cut="layer_norm", similarity="dot", prompts={"query": "q"})
    with caplog.at_level(logging.WARNING, logger="matryo"):
        encoder = load_encoder(folder, cards=other)
    assert encoder.space.before_cut == "none" and encoder.prompt("query") == ""
    assert "is 32 wide and the card says 64; the card is not followed" in caplog.text


def test_models_for_dot_products_are_refused(folder: Path) -> None:
    with pytest.raises(MatryoError, match=r"made for dot products .*card lab-model.*cosine"):
        load_encoder(folder, cards=own(similarity="dot"))
    with pytest.raises(MatryoError, match=r"facebook/contriever is made for dot products .*card contriever"):
        load_encoder("facebook/contriever")


def test_nothing_is_fetched_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: pytest.fail("went to the hub"))
    with pytest.raises(MatryoError, match=r"jina-embeddings-v3 needs Python code .*card jina.*--trust-remote-code"):
        load_encoder("jinaai/jina-embeddings-v3")
    with pytest.raises(MatryoError, match=r"runs at OpenAI only .*\.npy"):
        load_encoder("text-embedding-3-large")


def test_code_that_a_card_speaks_of_is_named_when_loading_fails(folder: Path) -> None:
    listing = (folder / "modules.json").read_text(encoding="utf-8")
    (folder / "modules.json").write_text(listing.replace('"type": "', '"type": "own_code.', 1), encoding="utf-8")
    with pytest.raises(MatryoError, match=r"cannot be loaded.*the card lab-model says that it needs its authors' code"):
        load_encoder(folder, cards=own(remote_code=True))


def test_another_name_of_a_hub_model_finds_it(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    repository = tmp_path / "models--lab--model-one"
    shutil.copytree(tiny_model_folder, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    encoder = load_encoder("lab-model", cards=own(hub="lab/model-one", before_cut="layer_norm"))
    assert encoder.name == "lab-model" and encoder.folder is None and encoder.space.before_cut == "layer_norm"
