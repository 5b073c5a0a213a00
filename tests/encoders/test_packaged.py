import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file
from tokenizers import Tokenizer
from wordllama.inference import WordLlamaInference

from matryo.encoders import load_encoder
from matryo.encoders.packaged import MINILM_SHA256, minilm_folder, package_folder, wordllama_model
from matryo.errors import FormatError, MatryoError, MissingExtra

TEXTS = ["hello world", "def f(x): return x+1\n", "café naïve 日本語", "</s> is no end here", "a" * 5000]


def flip_byte(path: Path) -> None:
    with path.open("r+b") as stream:
        stream.seek(-100, 2)
        byte = stream.read(1)
        stream.seek(-100, 2)
        stream.write(bytes([byte[0] ^ 1]))


def test_a_flipped_byte_in_minilm_names_both_digests(tmp_path: Path) -> None:
    shutil.copyfile(minilm_folder() / "model.safetensors", tmp_path / "model.safetensors")
    assert minilm_folder(tmp_path) == tmp_path
    flip_byte(tmp_path / "model.safetensors")
    with pytest.raises(FormatError, match=rf"sha256 (?!{MINILM_SHA256})[0-9a-f]{{64}}, expected {MINILM_SHA256}"):
        minilm_folder(tmp_path)


def test_weights_missing_from_the_package_are_said(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"model\.safetensors is missing"):
        minilm_folder(tmp_path)


def test_a_package_that_is_not_installed_names_the_extra() -> None:
    with pytest.raises(MissingExtra, match=r"minilm needs no-such-thing.*matryo\[demo\]"):
        package_folder("no_such_module_at_all", "no-such-thing", "minilm")


def test_a_flipped_byte_in_wordllama_is_found(tmp_path: Path) -> None:
    installed = package_folder("wordllama", "wordllama", "wordllama")
    for part in ("weights", "tokenizers"):
        shutil.copytree(installed / part, tmp_path / part)
    assert wordllama_model(tmp_path).get_embedding_dimension() == 256
    flip_byte(tmp_path / "tokenizers" / "l2_supercat_tokenizer_config.json")
    with pytest.raises(FormatError, match="expected 93248f2a"):
        wordllama_model(tmp_path)


def test_wordllama_is_what_its_package_computes() -> None:
    folder = package_folder("wordllama", "wordllama", "wordllama")
    table = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    # put together by hand: the package's own loader looks for the tokenizer where it is not and then downloads it
    theirs = WordLlamaInference(
        table, Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    )
    ours = load_encoder("wordllama")
    assert np.allclose(ours.encode(TEXTS), theirs.embed(TEXTS, norm=True), atol=1e-4)
    assert np.allclose(ours.model.encode(TEXTS), theirs.embed(TEXTS), atol=1e-4)
    assert ours.encode([""]).tolist() == [[0.0] * 256]


def test_a_static_table_has_no_bf16_and_no_limit() -> None:
    with pytest.raises(MatryoError, match="bf16"):
        load_encoder("wordllama", precision="bf16")
    with pytest.raises(MatryoError, match="any length"):
        load_encoder("wordllama", max_tokens=10)
    encoder = load_encoder("wordllama")
    assert encoder.space.max_tokens is None and encoder.description["precision"] == "fp32"
    assert encoder.description["counts_truncated"] is True
