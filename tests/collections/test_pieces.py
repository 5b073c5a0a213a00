"""Long texts in pieces: ids, vectors, and a second run that needs no model."""

from pathlib import Path
from typing import Any

import pytest

from matryo.collections import encode_folder
from matryo.collections.pieces import Splitter
from matryo.embeddings import EmbeddingSet
from matryo.encoders import load_encoder
from matryo.encoders.tokens import Tokens
from matryo.errors import FormatError


def test_pieces_are_stored_with_ids_and_split_once(tree: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    (tree / "top.md").write_text("the cat runs, the dog runs, the cat")
    split = {"split_tokens": 4, "overlap": 1}
    made = encode_folder(tree, tiny_model_folder, out=tmp_path / "out", **split)  # type: ignore[arg-type]  # one dict of numbers
    docs = EmbeddingSet.open(tmp_path / "out" / "docs")
    assert list(docs.id_texts()) == [
        ("top.md#0#0", "the cat runs, "),
        ("top.md#0#1", ", the dog runs"),
        ("top.md#0#2", "runs, the cat"),
    ]
    a = EmbeddingSet.open(tmp_path / "out" / "a")
    assert a.ids()[0] == "n0#0" and made.collections[0].n == a.n_rows == len(a.ids())

    def load() -> Any:
        raise AssertionError("no model is needed")

    again = encode_folder(tree, tiny_model_folder, out=tmp_path / "out", load=load, **split)  # type: ignore[arg-type]
    assert [one.n_new + one.n_changed + one.n_removed for one in again.collections] == [0, 0, 0]
    (tmp_path / "out" / "pieces.json").unlink()
    again = encode_folder(tree, tiny_model_folder, out=tmp_path / "out", **split)  # type: ignore[arg-type]
    assert [one.n_encoded for one in again.collections] == [0, 0, 0] and (tmp_path / "out" / "pieces.json").exists()


def test_a_text_that_shrinks_loses_pieces(tree: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    (tree / "top.md").write_text("the cat runs, the dog runs, the cat")
    encode_folder(tree, tiny_model_folder, out=tmp_path / "out", split_tokens=4)
    (tree / "top.md").write_text("the cat runs, the dog")
    made = encode_folder(tree, tiny_model_folder, out=tmp_path / "out", split_tokens=4).collections[2]
    assert (made.n, made.n_new, made.n_changed, made.n_removed) == (2, 0, 1, 1)
    assert EmbeddingSet.open(tmp_path / "out" / "docs").ids() == ["top.md#0#0", "top.md#0#1"]


def test_borders_that_cannot_be_read(tmp_path: Path, tiny_model_folder: Path) -> None:
    (tmp_path / "pieces.json").write_text("[]")
    tokens = Tokens.of(load_encoder(tiny_model_folder))
    with pytest.raises(FormatError, match=r"pieces\.json must hold an object; delete it"):
        Splitter(tmp_path, 4, 0, lambda: tokens)  # type: ignore[arg-type,return-value]  # never asked for
