import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from sentence_transformers import SentenceTransformer

from matryo.data.toy import toy
from matryo.encoders import load_encoder, read_matryoshka, save_model
from matryo.encoders.start import write_start
from matryo.errors import FormatError, MatryoError, ShapeError

TEXTS = [text.text for text in toy().train.documents]
ASKED = ["the cat runs", "a dog", ""]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def modules_of(folder: Path) -> list[str]:
    return [type(module).__name__ for module in SentenceTransformer(str(folder), device="cpu")]


@pytest.fixture
def copied(tiny_model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def test_tiny_with_projection(tmp_path: Path) -> None:
    folder = write_start("tiny", tmp_path / "start", texts=TEXTS, projection=768, normalize=True)
    assert modules_of(folder) == ["Transformer", "Pooling", "Dense", "Normalize"]
    model = SentenceTransformer(str(folder), device="cpu")
    dense = model[2]
    assert dense.linear.weight.shape == (768, 128) and dense.linear.bias is not None
    assert type(dense.activation_function) is torch.nn.Identity
    vectors = model.encode(TEXTS[:5])
    assert vectors.shape == (5, 768) and np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert np.allclose(load_encoder(folder, precision="fp32").encode(TEXTS[:5]), vectors, atol=1e-6)


def test_same_seed_same_bytes_other_seed_other_weights(tmp_path: Path) -> None:
    given = {"texts": TEXTS, "projection": 96, "max_tokens": 32}
    first = bytes_of(write_start("tiny", tmp_path / "a", seed=5, **given))
    assert bytes_of(write_start("tiny", tmp_path / "b", seed=5, **given)) == first
    other = bytes_of(write_start("tiny", tmp_path / "c", seed=6, **given))
    differing = {name for name in first if other[name] != first[name]}
    assert differing == {"model.safetensors", "2_Dense/model.safetensors", "matryo.json"}
    assert load_encoder(tmp_path / "a").space.max_tokens == 32


def test_writing_again_replaces_it(tmp_path: Path) -> None:
    write_start("tiny", tmp_path / "start", texts=TEXTS)
    write_start("tiny", tmp_path / "start", texts=TEXTS, projection=64)
    assert load_encoder(tmp_path / "start").width == 64
    assert [p.name for p in tmp_path.iterdir()] == ["start"]


def test_other_files_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "diary.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(MatryoError, match="not empty"):
        write_start("tiny", tmp_path, texts=TEXTS)
    assert (tmp_path / "diary.txt").is_file()


def test_a_model_without_changes_gives_its_own_vectors(tiny_model_folder: Path, tmp_path: Path) -> None:
    folder = write_start(str(tiny_model_folder), tmp_path / "start")
    assert modules_of(folder) == ["Transformer", "Pooling", "Normalize"]
    assert load_encoder(folder).space == load_encoder(tiny_model_folder).space
    assert np.array_equal(load_encoder(folder).encode(ASKED), load_encoder(tiny_model_folder).encode(ASKED))


def test_normalisation_comes_last_or_not_at_all(tiny_model_folder: Path, tmp_path: Path) -> None:
    name = str(tiny_model_folder)
    assert modules_of(write_start(name, tmp_path / "a", normalize=False)) == ["Transformer", "Pooling"]
    assert modules_of(write_start(name, tmp_path / "b", projection=8)) == [
        "Transformer",
        "Pooling",
        "Dense",
        "Normalize",
    ]
    assert modules_of(write_start(name, tmp_path / "c", projection=8, normalize=False))[-1] == "Dense"
    with_head = SentenceTransformer(str(tmp_path / "c"), device="cpu")
    pooled = SentenceTransformer(str(tmp_path / "a"), device="cpu").encode(ASKED, convert_to_tensor=True)
    with torch.inference_mode():
        expected = with_head[2].linear(pooled)
    assert torch.allclose(with_head.encode(ASKED, convert_to_tensor=True), expected, atol=1e-5)


def test_prompts_and_fewer_tokens_are_kept(copied: Path, tmp_path: Path) -> None:
    path = copied / "config_sentence_transformers.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    settings["prompts"] = {"query": "query : ", "passage": "the : ", "other": "cat "}
    path.write_text(json.dumps(settings), encoding="utf-8")
    folder = write_start(str(copied), tmp_path / "start", max_tokens=12, projection=16)
    encoder = load_encoder(folder)
    assert encoder.prompt("query") == "query : " and encoder.prompt("document") == "the : "
    assert encoder.model.prompts["other"] == "cat " and encoder.space.max_tokens == 12
    with pytest.raises(MatryoError, match=r"1\.\.24"):
        write_start(str(copied), tmp_path / "more", max_tokens=25)


def test_what_was_said_about_prefixes_is_dropped(tiny_model_folder: Path, tmp_path: Path) -> None:
    source = save_model(load_encoder(tiny_model_folder), tmp_path / "cut", dims=[8, 32], curve=[{"dim": 8, "value": 1}])
    assert read_matryoshka(source).dims == (8, 32)
    folder = write_start(str(source), tmp_path / "start")
    assert read_matryoshka(folder).dims is None and read_matryoshka(folder).curve is None
    assert "matryoshka" not in (folder / "config.json").read_text(encoding="utf-8")


def test_half_precision_weights_become_float32(copied: Path, tmp_path: Path) -> None:
    weights = load_file(copied / "model.safetensors")
    save_file({k: v.half() for k, v in weights.items()}, copied / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((copied / "config.json").read_text(encoding="utf-8"))
    (copied / "config.json").write_text(json.dumps({**config, "dtype": "float16"}), encoding="utf-8")
    assert SentenceTransformer(str(copied), device="cpu").dtype == torch.float16
    folder = write_start(str(copied), tmp_path / "start", projection=8)
    assert {p.dtype for p in SentenceTransformer(str(folder), device="cpu").parameters()} == {torch.float32}


def test_static_models(tmp_path: Path) -> None:
    folder = write_start("wordllama", tmp_path / "start", projection=96)
    assert modules_of(folder) == ["StaticEmbedding", "Dense", "Normalize"]
    encoder = load_encoder(folder)
    assert encoder.width == 96 and np.isfinite(encoder.encode(ASKED)).all()
    with pytest.raises(MatryoError, match="static model"):
        write_start("wordllama", tmp_path / "short", max_tokens=10)


def test_minilm_keeps_its_space(tmp_path: Path) -> None:
    folder = write_start("minilm", tmp_path / "start", max_tokens=128)
    assert load_encoder(folder).space == load_encoder("minilm", max_tokens=128).space


def test_pickles_and_code_stay_refused(copied: Path, tmp_path: Path) -> None:
    torch.save(load_file(copied / "model.safetensors"), copied / "pytorch_model.bin")
    (copied / "model.safetensors").unlink()
    with pytest.raises(FormatError, match=r"pytorch_model\.bin.*safetensors"):
        write_start(str(copied), tmp_path / "start")
    assert not (tmp_path / "start").exists()
    folder = write_start(str(copied), tmp_path / "start", allow_pickle=True)
    assert not list(folder.rglob("*.bin")) and load_encoder(folder).width == 32


def test_a_projection_needs_a_width(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="projection must be a width of at least 1, got 0"):
        write_start("tiny", tmp_path / "start", texts=TEXTS, projection=0)
