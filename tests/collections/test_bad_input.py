"""What a user can get wrong, and what can go wrong around him: one readable error, and nothing lost."""

import json
import resource
from pathlib import Path
from typing import Any

import pytest

from matryo.collections import encode_folder, is_tree
from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.files import only_writer


def test_out_and_tree_must_lie_apart(tree: Path, script: dict[str, Any]) -> None:
    for source, out in ((tree, tree / "out"), (tree, tree), (tree / "a", tree)):
        with pytest.raises(MatryoError, match="must not lie within each other"):
            script["encode"](source, out, script["Hashing"]())


def test_out_that_holds_something_else(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    with pytest.raises(MatryoError, match=r"holds thesis\.tex and no job\.json; give an empty folder"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())


def test_out_of_another_model_or_layout(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    with pytest.raises(SpaceError, match=r"another and .*out, which hashing encoded, must lie in one space"):
        script["encode"](tree, tmp_path / "out", script["Hashing"](label="another"))
    with pytest.raises(MatryoError, match=r"holds numbers of type float32 .* got float16"):
        script["encode"](tree, tmp_path / "out", script["Hashing"](), dtype="float16")
    with pytest.raises(MatryoError, match="holds pieces of --split-tokens 0"):
        script["encode"](tree, tmp_path / "out", script["Hashing"](), split_tokens=4)
    with pytest.raises(ShapeError, match="dims must lie within"):
        script["encode"](tree, tmp_path / "other", script["Hashing"](), dim=99)


def test_an_empty_collection(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    (tree / "void").mkdir()
    (tree / "void" / "list.json").write_text('[" ", ""]')
    with pytest.raises(FormatError, match=r"collection void \(.*void\) has no text; remove the folder or skip it"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())
    made = script["encode"](tree, tmp_path / "out", script["Hashing"](), skip_bad=True)
    assert [one.name for one in made.collections] == ["a", "b", "docs"] and "void: 2 empty texts left out" in made.notes


def test_two_collections_of_one_name_and_ids_that_repeat(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    (tree / "a" / "more.jsonl").write_text('{"id": "n3", "text": "again"}')
    with pytest.raises(FormatError, match=r"collection a: the id 'n3' stands in .*lines\.jsonl and again in .*more\.j"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())
    (tree / "docs").mkdir()
    (tree / "docs" / "x.txt").write_text("x")
    with pytest.raises(FormatError, match="would both be the collection 'docs'"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())


def test_binary_files_stop_a_run_or_are_counted(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    (tree / "b" / "music.txt").write_bytes(b"ID3\0\x01")
    (tree / "b" / "image.png").write_bytes(b"\x89PNG")
    with pytest.raises(FormatError, match=r"image\.png is none of"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())
    made = script["encode"](tree, tmp_path / "out", script["Hashing"](), skip_bad=True)
    assert made.collections[1].n == 2
    notes = " ".join(made.notes)
    assert "1 files skipped" in notes and "image.png is none of" in notes and "music.txt is binary" in notes


def test_a_text_of_10_mb_is_read_truncated_and_counted(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    (tree / "top.md").write_text("long words " * 950_000)
    made = script["encode"](tree, tmp_path / "out", script["Hashing"]())
    assert (made.collections[2].n, made.collections[2].n_truncated) == (1, 1)
    assert len(next(EmbeddingSet.open(tmp_path / "out" / "docs").id_texts())[1]) == 11 * 950_000


def test_a_disk_that_fills_keeps_what_was_finished(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    class Fills(script["Hashing"]):  # type: ignore[misc]  # the class comes from a script
        def encode(self, texts: Any, *args: Any, **more: Any) -> Any:
            if self.seen:
                resource.setrlimit(resource.RLIMIT_FSIZE, (900, limits[1]))
            return super().encode(texts, *args, **more)

    try:
        with pytest.raises(MatryoError, match=r"shard-00001\.safetensors could not be written: .*make room"):
            script["encode"](tree, tmp_path / "out", Fills())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    encoder = script["Hashing"]()
    script["encode"](tree, tmp_path / "out", encoder)
    assert "text 0" not in encoder.seen[0] and len(encoder.seen[0]) == 7


def test_two_processes_at_once(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    with (
        only_writer(tmp_path / "out"),
        pytest.raises(MatryoError, match="out is being written by another process"),
    ):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())


def test_texts_that_change_while_they_are_read(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    class Meddles(script["Hashing"]):  # type: ignore[misc]  # the class comes from a script
        def encode(self, texts: Any, *args: Any, **more: Any) -> Any:
            (tree / "b" / "list.json").write_text('["other", "only here"]')
            return super().encode(texts, *args, **more)

    with pytest.raises(MatryoError, match=r"text 'b/list\.json#0' of collection b changed while it was read"):
        script["encode"](tree, tmp_path / "out", Meddles())
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    assert EmbeddingSet.open(tmp_path / "out" / "b").texts() == ["other", "only here"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dtype": "int8"}, "dtype must be one of float32, float16"),
        ({"overlap": 3}, "pieces need at least 1 token"),
        ({"split_tokens": 8, "overlap": 8}, "an overlap below their size, got 8 and 8"),
        ({"split_tokens": 8}, "hashing has no tokenizer"),
        ({"exports": ["csv"]}, "an export is npy, parquet, chroma:PLACE or milvus:PLACE, got 'csv'"),
        ({"exports": ["redis:here"]}, "a location is chroma:FOLDER"),
    ],
)
def test_choices_that_nobody_can_follow(
    tree: Path, tmp_path: Path, script: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(MatryoError, match=words):
        encode_folder(tree, script["Hashing"](), out=tmp_path / "out", **changes)


def test_a_damaged_note_of_the_folder(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    path = tmp_path / "out" / "job.json"
    told = json.loads(path.read_text())
    for broken, words in (({**told, "format": 9}, "has format 9"), ({**told, "space_id": "x"}, "contradicts itself")):
        path.write_text(json.dumps(broken))
        with pytest.raises(FormatError, match=words):
            script["encode"](tree, tmp_path / "out", script["Hashing"]())


def test_what_is_a_tree(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "beir").mkdir()
    for name in ("corpus.jsonl", "queries.jsonl"):
        (tmp_path / "beir" / name).write_text("{}")
    assert is_tree(tree, tmp_path / "out") and not is_tree(tmp_path / "beir", tmp_path / "out")
    assert not is_tree(tree / "top.md", tmp_path / "out") and not is_tree(tmp_path / "missing", tmp_path / "out")
