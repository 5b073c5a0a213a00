from pathlib import Path

import pytest

from matryo.data.texts import Texts
from matryo.encoders import encode_to_set, load_encoder
from matryo.errors import MatryoError

TEXTS = Texts.of([f"d{i}" for i in range(7)], ["the cat", "dog " * 40, "", "x y", "cat " * 50, "runs", "a b c"])


def test_the_prompt_and_the_texts_too_long_are_reported(tiny_model_folder: Path, tmp_path: Path) -> None:
    encoder = load_encoder(tiny_model_folder, prompts={"query": "query: "})
    made = encode_to_set(encoder, TEXTS, tmp_path / "set", role="query", shard_rows=3)
    assert made.prompt == "query: " and made.n_rows == 7
    assert encoder.truncated == 2


def test_a_finished_set_is_not_encoded_again(tiny_model_folder: Path, tmp_path: Path) -> None:
    first, second = load_encoder(tiny_model_folder), load_encoder(tiny_model_folder)
    made = encode_to_set(first, TEXTS, tmp_path / "set", shard_rows=3)
    again = encode_to_set(second, TEXTS, tmp_path / "set", shard_rows=3)
    assert again.digest == made.digest and second.truncated == 0


def test_another_precision_is_another_plan(tiny_model_folder: Path, tmp_path: Path) -> None:
    encode_to_set(load_encoder(tiny_model_folder, precision="fp32"), TEXTS, tmp_path / "set")
    with pytest.raises(MatryoError, match="batch_rule"):
        encode_to_set(load_encoder(tiny_model_folder, precision="bf16"), TEXTS, tmp_path / "set")


def test_progress_counts_texts(tiny_model_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    encode_to_set(load_encoder(tiny_model_folder), TEXTS, tmp_path / "set", progress=True)
    assert capsys.readouterr().out == ""


def test_an_unknown_role_is_refused_before_anything_is_written(tiny_model_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="role"):
        encode_to_set(load_encoder(tiny_model_folder), TEXTS, tmp_path / "set", role="passage")  # type: ignore[arg-type]  # as a caller without types
    assert not (tmp_path / "set").exists()
