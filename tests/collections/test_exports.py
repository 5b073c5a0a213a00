"""Sets given on as files and to engines, and only when they changed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from matryo.collections.exports import Exports, store_names
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.search.stores import Location


def test_files_of_each_set_hold_its_rows(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    made = script["encode"](tree, tmp_path / "out", script["Hashing"](), exports=["npy", "parquet"])
    assert len(made.exported) == 9
    vectors, folder = EmbeddingSet.open(tmp_path / "out" / "a"), tmp_path / "out" / "exports"
    np.testing.assert_array_equal(np.load(folder / "a.npy"), vectors.to_numpy())
    lines = [json.loads(line) for line in (folder / "a.jsonl").read_text().splitlines()]
    assert [(line["id"], line["text"]) for line in lines] == list(vectors.id_texts())
    table = pq.read_table(folder / "a.parquet")
    assert table.column("id").to_pylist() == vectors.ids()


def test_files_are_written_again_only_where_the_set_changed(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    def run() -> tuple[str, ...]:
        found: tuple[str, ...] = script["encode"](tree, tmp_path / "out", script["Hashing"](), exports=["npy"]).exported
        return found

    run()
    assert run() == ()
    (tree / "b" / "list.json").write_text('["other"]')
    (tmp_path / "out" / "exports" / "docs.npy").unlink()
    (tmp_path / "out" / "exports" / "a.jsonl").unlink()
    assert [Path(path).name for path in run()] == [
        f"{name}.{ending}" for name in ("a", "b", "docs") for ending in ("jsonl", "npy")
    ]


def test_an_engine_holds_each_set_and_follows_it(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    pytest.importorskip("chromadb")
    where = f"chroma:{tmp_path / 'engine'}"

    def run() -> str:
        found: str = script["encode"](tree, tmp_path / "out", script["Hashing"](), exports=[where]).exported[0]
        return found

    assert run() == f"{where} (23 vectors sent)" and run() == f"{where} (0 vectors sent)"
    (tree / "b" / "list.json").write_text('["other"]')
    (tree / "top.md").unlink()
    assert run() == f"{where} (1 vectors sent)"
    stores = Location.parse(where).stores()
    assert sorted(stores) == ["a", "b"]
    assert stores["b"].any.set_digest == EmbeddingSet.open(tmp_path / "out" / "b").digest and stores["b"].complete


def test_an_engine_that_holds_something_else_is_left_alone(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    pytest.importorskip("chromadb")
    where = f"chroma:{tmp_path / 'engine'}"
    script["encode"](tree, tmp_path / "other", script["Hashing"](label="other"), exports=[where])
    with pytest.raises(MatryoError, match="choose another name, or ask to replace it"):
        script["encode"](tree, tmp_path / "out", script["Hashing"](), exports=[where])


def test_what_is_asked_for() -> None:
    asked = Exports.parse(["npy", "milvus:v.db", "npy", "parquet"])
    assert asked == Exports(("npy", "parquet"), (Location("milvus", "v.db"),))
    assert store_names(["a-b", "2024", "x"]) == {"a-b": "a_b", "2024": "c_2024", "x": "x"}
    with pytest.raises(MatryoError, match="both be called 'a_b' in a store"):
        store_names(["a-b", "a_b"])
