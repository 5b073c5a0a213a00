import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer

from matryo.encoders import (
    MappedEncoder,
    Matryoshka,
    ModelEncoder,
    export_model,
    load_encoder,
    read_matryoshka,
    save_model,
)
from matryo.encoders.loading import load_folder
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.maps import fit_rotation
from matryo.prefix import cut

TEXTS = ["the cat", "the dog runs", "x y z", "query", "a b c d"]
CURVE = [{"dim": 8, "value": 0.5}, {"dim": 16, "value": 0.75}]


@pytest.fixture
def mapped(tiny_model_folder: Path) -> MappedEncoder:
    encoder = load_encoder(tiny_model_folder, precision="fp32")
    return MappedEncoder(encoder, fit_rotation(encoder.encode(TEXTS), encoder.space))


def config(folder: Path) -> dict[str, object]:
    return dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))


def test_dims_and_curve_survive_a_re_save_by_sentence_transformers(mapped: MappedEncoder, tmp_path: Path) -> None:
    save_model(mapped, tmp_path / "ours", dims=[16, 8], curve=CURVE)
    SentenceTransformer(str(tmp_path / "ours"), device="cpu").save_pretrained(str(tmp_path / "theirs"))
    assert not (tmp_path / "theirs" / "matryo.json").exists()
    for folder in (tmp_path / "ours", tmp_path / "theirs"):
        assert config(folder)["is_matryoshka"] is True and config(folder)["matryoshka_dimensions"] == [8, 16]
        assert read_matryoshka(folder) == Matryoshka((8, 16), tuple(CURVE))


def test_what_nobody_measured_is_unknown(mapped: MappedEncoder, tiny_model_folder: Path, tmp_path: Path) -> None:
    assert read_matryoshka(tiny_model_folder) == Matryoshka(None, None)
    save_model(mapped, tmp_path / "model")
    assert read_matryoshka(tmp_path / "model") == Matryoshka(None, None)
    assert "is_matryoshka" not in config(tmp_path / "model")


def test_a_map_makes_old_dims_unknown_and_a_plain_save_keeps_them(tiny_model_folder: Path, tmp_path: Path) -> None:
    save_model(load_encoder(tiny_model_folder), tmp_path / "known", dims=[8, 16], curve=CURVE)
    known = load_encoder(tmp_path / "known", precision="fp32")
    save_model(known, tmp_path / "again")
    assert read_matryoshka(tmp_path / "again").dims == (8, 16)
    save_model(MappedEncoder(known, fit_rotation(known.encode(TEXTS), known.space)), tmp_path / "mapped")
    assert read_matryoshka(tmp_path / "mapped") == Matryoshka(None, None)
    assert "matryoshka_dimensions" not in config(tmp_path / "mapped")


def test_cut_for_keeps_it_knows_the_dims_that_are_left(tiny_model_folder: Path, tmp_path: Path) -> None:
    save_model(load_encoder(tiny_model_folder), tmp_path / "known", dims=[8, 16, 32], curve=CURVE)
    export_model(load_encoder(tmp_path / "known"), tmp_path / "cut", 12)
    assert read_matryoshka(tmp_path / "cut") == Matryoshka((8,), (CURVE[0],))


def test_static_models_have_no_config_and_still_remember(tmp_path: Path) -> None:
    save_model(load_encoder("wordllama"), tmp_path / "model", dims=[64, 128])
    assert not (tmp_path / "model" / "config.json").exists()
    assert read_matryoshka(tmp_path / "model").dims == (64, 128)


def test_weights_on_disk_are_float32_safetensors(mapped: MappedEncoder, tmp_path: Path) -> None:
    export_model(mapped, tmp_path / "cut", 8)
    found = sorted(tmp_path.glob("cut/**/*.safetensors"))
    assert len(found) == 2 and not list(tmp_path.glob("cut/**/*.bin"))
    assert {str(numbers.dtype) for path in found for numbers in load_file(path).values()} == {"float32"}


def test_dims_must_fit_and_points_need_a_dim(mapped: MappedEncoder, tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="64"):
        save_model(mapped, tmp_path / "model", dims=[8, 64])
    with pytest.raises(FormatError, match="dim"):
        save_model(mapped, tmp_path / "model", curve=[{"value": 0.5}])
    assert list(tmp_path.iterdir()) == []


def test_only_our_own_models_are_overwritten(mapped: MappedEncoder, tmp_path: Path) -> None:
    save_model(mapped, tmp_path / "model", dims=[8])
    with pytest.raises(MatryoError, match="pass overwrite"):
        save_model(mapped, tmp_path / "model", dims=[16])
    save_model(mapped, tmp_path / "model", dims=[16], overwrite=True)
    assert read_matryoshka(tmp_path / "model").dims == (16,)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(MatryoError, match="not written by matryo"):
        save_model(mapped, tmp_path / "other", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model", "other"]


def test_a_failed_save_leaves_nothing(mapped: MappedEncoder, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="JSON"):
        save_model(mapped, tmp_path / "model", extra={"share": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_changed_weights_lose_the_noted_space(mapped: MappedEncoder, tmp_path: Path) -> None:
    save_model(mapped, tmp_path / "model")
    assert load_encoder(tmp_path / "model").space == mapped.space
    assert load_encoder(tmp_path / "model", max_tokens=8).space != mapped.space
    path = next(tmp_path.glob("model/*_Dense/model.safetensors"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert load_encoder(tmp_path / "model").space != mapped.space


def test_a_truncating_model_is_saved_with_vectors_of_length_1(tiny_model_folder: Path, tmp_path: Path) -> None:
    model = load_folder(tiny_model_folder)
    whole = ModelEncoder(model, name="whole", precision="fp32").encode(TEXTS)
    model.truncate_dim = 12
    save_model(ModelEncoder(model, name="narrow", precision="fp32"), tmp_path / "model")
    plain = SentenceTransformer(str(tmp_path / "model"), device="cpu")
    assert np.allclose(plain.encode(TEXTS), cut(whole, 12), atol=1e-5)


def test_unreadable_notes_are_said(tiny_model_folder: Path, tmp_path: Path) -> None:
    save_model(load_encoder(tiny_model_folder), tmp_path / "model", dims=[8])
    notes = tmp_path / "model" / "matryo.json"
    notes.write_text(notes.read_text(encoding="utf-8").replace('"format": 1', '"format": 9'), encoding="utf-8")
    with pytest.raises(FormatError, match="format 9"):
        load_encoder(tmp_path / "model")
    notes.write_text('{"matryoshka_dims": ["eight"]}', encoding="utf-8")
    with pytest.raises(FormatError, match="eight"):
        read_matryoshka(tmp_path / "model")
