"""Who says that a model was made to be cut."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from matryo.experiments.probe_declared import Word, declared_for


@pytest.fixture(autouse=True)
def no_cards_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MATRYO_CARDS", raising=False)


def test_cards_and_files_that_speak_for_a_model(tiny_model_folder: Path, tmp_path: Path) -> None:
    assert declared_for("minilm").says is None
    word = declared_for("wordllama")
    assert word.says is not None and "card of wordllama" in word.says
    folder = copytree(tiny_model_folder, tmp_path / "model")
    assert declared_for(str(folder)) == Word()
    config = json.loads((folder / "config.json").read_text())
    claimed = {**config, "is_matryoshka": True, "matryoshka_dimensions": [8, 16]}
    (folder / "config.json").write_text(json.dumps(claimed))
    word = declared_for(str(folder))
    assert word.says is not None and "config.json" in word.says and word.dims == (8, 16)
    # what this package wrote itself names dims to use, which is no claim of training
    (folder / "matryo.json").write_text(json.dumps({"format": 1, "matryoshka_dims": [8, 16]}))
    assert declared_for(str(folder)) == Word(None, (8, 16))
