import logging
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from matryo.encoders import LsaEncoder, fit_lsa, load_encoder, write_start
from matryo.errors import FormatError, MatryoError


@pytest.fixture
def copied(tiny_model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))


def pickle_weights(folder: Path) -> None:
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"no model folder.*modules\.json") as caught:
        load_encoder(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_file_is_no_folder(copied: Path) -> None:
    with pytest.raises(FormatError, match="is a file"):
        load_encoder(copied / "config.json")


def test_a_path_that_does_not_exist_is_no_hub_id(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="is no folder"):
        load_encoder(tmp_path / "nothing")


def test_pickled_weights_are_read_only_if_allowed(copied: Path) -> None:
    expected = load_encoder(copied).space
    pickle_weights(copied)
    with pytest.raises(FormatError, match=r"pytorch_model\.bin.*safetensors"):
        load_encoder(copied)
    assert load_encoder(copied, allow_pickle=True).space == expected


def test_pickled_weights_of_a_later_module_are_found_too(copied: Path) -> None:
    (copied / "1_Pooling" / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(FormatError, match="1_Pooling"):
        load_encoder(copied)


def test_files_that_nobody_loads_do_not_matter(copied: Path) -> None:
    (copied / "openvino").mkdir()
    (copied / "openvino" / "pytorch_model.bin").write_bytes(b"anything")
    (copied / "training_args.bin").write_bytes(b"anything")
    assert load_encoder(copied).width == 32


@pytest.mark.parametrize("listing", ["{", '{"a": 1}', "[1]", '[{"idx": 0}]'])
def test_a_broken_list_of_modules_is_said(copied: Path, listing: str) -> None:
    (copied / "modules.json").write_text(listing, encoding="utf-8")
    with pytest.raises(FormatError, match=r"modules\.json"):
        load_encoder(copied)


def test_damaged_weights_are_one_line(copied: Path) -> None:
    whole = (copied / "model.safetensors").read_bytes()
    (copied / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="cannot be loaded as a model") as caught:
        load_encoder(copied)
    assert "\n" not in str(caught.value)


def test_code_beside_a_model_is_not_run(copied: Path) -> None:
    listing = (copied / "modules.json").read_text(encoding="utf-8")
    (copied / "modules.json").write_text(listing.replace('"type": "', '"type": "own_code.', 1), encoding="utf-8")
    (copied / "own_code.py").write_text("raise SystemExit('was run')\n", encoding="utf-8")
    with pytest.raises(FormatError, match="cannot be loaded"):
        load_encoder(copied)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of the hub and no way to the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "hub"


def test_an_unknown_name_says_what_is_known(cache: Path) -> None:
    with pytest.raises(MatryoError, match=r"'nobody/nothing'.*minilm, wordllama.*folder.*hub") as caught:
        load_encoder("nobody/nothing")
    assert "\n" not in str(caught.value)


def test_the_hub_is_announced_and_read_from_its_cache(
    cache: Path, tiny_model_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    repository = cache / "models--some--model"
    shutil.copytree(tiny_model_folder, repository / "snapshots" / ("0" * 40))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40, encoding="utf-8")
    with caplog.at_level(logging.WARNING, logger="matryo"):
        encoder = load_encoder("some/model")
    assert "Hugging Face hub" in caplog.text and encoder.name == "some/model"
    assert encoder.space == load_encoder(tiny_model_folder).space


def test_loading_is_quiet(tiny_model_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder(tiny_model_folder).encode(["the cat"])
    load_encoder("minilm")
    assert capfd.readouterr() == ("", "")


def test_an_lsa_folder_is_loaded_by_its_path(tmp_path: Path) -> None:
    fitted = fit_lsa(["the cat runs", "a dog runs", "the cat and the dog"], width=2)
    folder = fitted.save(tmp_path / "words")
    loaded = load_encoder(folder)
    assert isinstance(loaded, LsaEncoder) and loaded.space == fitted.space and loaded.name == "words"
    assert isinstance(load_encoder(str(folder), device="cpu", precision="fp32"), LsaEncoder)
    with pytest.raises(MatryoError, match=r"LSA encoder, which reads whole texts.*max_tokens and prompts"):
        load_encoder(folder, max_tokens=5, prompts={"query": "q: "})
    with pytest.raises(MatryoError, match="only sentence-transformers models"):
        write_start(str(folder), tmp_path / "start")
