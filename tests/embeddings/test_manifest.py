import json
from collections.abc import Callable
from pathlib import Path

import pytest

from matryo.embeddings import EmbeddingSet
from matryo.embeddings.manifest import read_manifest, write_manifest
from matryo.errors import FormatError, MatryoError
from matryo.prefix import Array

Small = tuple[EmbeddingSet, Array]


def test_a_generation_is_written_twice_with_the_same_bytes(small: Small) -> None:
    folder = small[0].folder
    assert (folder / "manifest.json").read_bytes() == (folder / "manifest-000001.json").read_bytes()


def test_a_manifest_comes_back_as_written(small: Small, tmp_path: Path) -> None:
    manifest, digest = read_manifest(small[0].folder)
    write_manifest(tmp_path / "copy", manifest)
    assert read_manifest(tmp_path / "copy") == (manifest, digest)
    assert digest == small[0].digest


def test_earlier_generations_are_read_and_later_ones_refused(small: Small) -> None:
    changed = small[0].delete(["i1"])
    assert read_manifest(changed.folder, 1) == read_manifest(small[0].folder, 1)
    assert read_manifest(changed.folder)[0].parent == small[0].digest
    for generation in (0, 3):
        with pytest.raises(MatryoError, match=r"generations 1\.\.2"):
            read_manifest(changed.folder, generation)


def _shards(change: Callable[[list[dict[str, object]]], object]) -> Callable[[dict[str, object]], object]:
    return lambda stored: change(stored["shards"])  # type: ignore[arg-type]  # JSON of a known shape


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda m: m.update(format=9), "format 9"),
        (lambda m: m.update(colour="red"), r"unknown: \['colour'\]"),
        (lambda m: m.pop("parent"), r"missing: \['parent'\]"),
        (lambda m: m.update(n_rows=9), "numbers of rows"),
        (lambda m: m.update(deleted=[3, 1], n_rows=8), "numbers of rows"),
        (lambda m: m.update(deleted=[10], n_rows=9), "numbers of rows"),
        (lambda m: m.update(deleted=["1"], n_rows=9), "numbers of rows"),
        (lambda m: m.update(generation=0), "generation"),
        (_shards(lambda s: s[0].update(name="../other")), "shards"),
        (_shards(lambda s: s[0].update(n_rows="4")), "wrong type"),
        (_shards(lambda s: s[0].pop("ids_sha256")), "missing"),
        (_shards(lambda s: s.pop()), "numbers of rows"),
    ],
)
def test_a_manifest_that_contradicts_itself(small: Small, damage: Callable[[object], object], words: str) -> None:
    path = small[0].folder / "manifest.json"
    stored = json.loads(path.read_text())
    damage(stored)
    path.write_text(json.dumps(stored))
    with pytest.raises(FormatError, match=words):
        EmbeddingSet.open(small[0].folder)


def test_no_set_and_an_unfinished_one(small: Small, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"manifest\.json is missing"):
        EmbeddingSet.open(tmp_path / "nothing")
    (small[0].folder / "manifest.json").unlink()
    (small[0].folder / "shard-00002.parquet").unlink()
    with pytest.raises(FormatError, match="unfinished set, 2 of 3 shards"):
        EmbeddingSet.open(small[0].folder)
