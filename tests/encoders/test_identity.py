import shutil
from pathlib import Path

import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, LayerNorm, Normalize, Pooling

from matryo.encoders import load_encoder
from matryo.encoders.identity import before_cut_of, pooling_of, space_of, weights_digest
from matryo.encoders.loading import load_folder
from matryo.errors import MatryoError


def test_a_copy_elsewhere_is_the_same_space(tiny_model_folder: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model_folder, tmp_path / "elsewhere")
    here, there = load_encoder(tiny_model_folder), load_encoder(tmp_path / "elsewhere")
    assert here.space.id == there.space.id
    assert here.name == "model" and there.name == "elsewhere"


def test_the_precision_of_computing_is_no_part_of_the_space(tiny_model_folder: Path) -> None:
    wide, narrow = (load_encoder(tiny_model_folder, precision=p) for p in ("fp32", "bf16"))
    assert wide.space == narrow.space
    assert wide.description["precision"] == "fp32" and narrow.description["precision"] == "bf16"


def test_one_changed_weight_is_another_space(tiny_model_folder: Path) -> None:
    model = load_folder(tiny_model_folder)
    before = weights_digest(model)
    with torch.no_grad():
        weight = next(iter(model.parameters()))
        weight[0, 0] += 1e-6
    assert weights_digest(model) != before


def test_pooling_length_and_operations_are_part_of_the_space(tiny_model_folder: Path) -> None:
    model = load_folder(tiny_model_folder)
    body = model[0]

    def space(*rest: torch.nn.Module) -> str:
        return space_of(SentenceTransformer(modules=[body, *rest], device="cpu"), normalize=True).id

    square = Dense(32, 32, bias=False)
    ids = [space_of(model, normalize=True).id]
    assert space(Pooling(32, "mean"), Normalize()) == ids[0]
    assert space(Pooling(32, "mean")) == ids[0], "the encoder itself normalizes"
    ids += [space(Pooling(32, "cls")), space(Pooling(32, ("cls", "mean"))), space(Pooling(32), LayerNorm(32))]
    ids += [space(Pooling(32), square)]
    model.max_seq_length = 12
    ids += [space_of(model, normalize=True).id]
    assert len(set(ids)) == len(ids)


def test_modules_are_named(tiny_model_folder: Path) -> None:
    body = load_folder(tiny_model_folder)[0]
    pooling = Pooling(32, ("cls", "mean"), include_prompt=False)
    linear = Dense(64, 8, activation_function=None)
    model = SentenceTransformer(modules=[body, pooling, LayerNorm(64), linear, Dense(8, 8)], device="cpu")
    assert pooling_of(model) == "cls+mean without prompt"
    assert before_cut_of(model) == "layer_norm+dense+dense(Tanh)"


def test_without_normalisation_rows_keep_their_length(tiny_model_folder: Path) -> None:
    body = load_folder(tiny_model_folder)[0]
    raw = SentenceTransformer(modules=[body, Pooling(32)], device="cpu")
    assert not space_of(raw, normalize=False).normalize and space_of(raw, normalize=True).normalize
    assert load_encoder(tiny_model_folder, normalize=False).space.normalize, "the model itself normalizes"


def test_a_model_for_dot_products_is_refused(tiny_model_folder: Path) -> None:
    body = load_folder(tiny_model_folder)[0]
    raw = SentenceTransformer(modules=[body, Pooling(32)], device="cpu", similarity_fn_name="dot")
    with pytest.raises(MatryoError, match=r"dot.*cosine"):
        space_of(raw, normalize=True)
    unit = SentenceTransformer(modules=[body, Pooling(32), Normalize()], device="cpu", similarity_fn_name="dot")
    assert space_of(unit, normalize=True).width == 32, "on vectors of length 1 dot products are cosines"
