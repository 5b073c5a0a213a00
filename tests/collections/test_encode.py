"""A tree kept encoded: what is encoded, what is kept, what is written."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from matryo.collections import CollectionSummary, encode_folder
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, SpaceError


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Content and time of change of every file."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): (p.stat().st_mtime_ns, p.read_bytes()) for p in found}


def counts(one: CollectionSummary) -> tuple[int, ...]:
    return one.n, one.n_new, one.n_changed, one.n_removed, one.n_duplicates, one.n_encoded


def test_each_folder_becomes_a_set_and_equal_texts_are_encoded_once(
    tree: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    encoder = script["Hashing"]()
    made = script["encode"](tree, tmp_path / "out", encoder)
    assert [(one.name, *counts(one)) for one in made.collections] == [
        ("a", 20, 20, 0, 0, 5, 15),
        ("b", 2, 2, 0, 0, 1, 1),
        ("docs", 1, 1, 0, 0, 0, 1),
    ]
    encoded = [text for call in encoder.seen for text in call]
    assert len(encoded) == len(set(encoded)) == 17
    sets = {name: EmbeddingSet.open(tmp_path / "out" / name, space=encoder.space) for name in ("a", "b", "docs")}
    assert sets["a"].ids() == [f"n{i}" for i in range(20)] and sets["a"].texts() == [
        f"text {i % 15}" for i in range(20)
    ]
    a = sets["a"].to_numpy()
    np.testing.assert_array_equal(a[15:], a[:5])
    np.testing.assert_array_equal(sets["b"].to_numpy()[0], a[3])
    assert sets["docs"].ids() == ["top.md#0"] and all(one.verify() == [] for one in sets.values())
    told = json.loads((tmp_path / "out" / "collections.json").read_text())
    assert told["space_id"] == encoder.space.id == made.space_id and told["dim"] == 24
    assert told["collections"]["b"]["n_empty"] == 1 and told["collections"]["a"]["digest"] == sets["a"].digest
    assert made.notes == ("b: 1 empty texts left out",)


def test_a_second_run_over_the_same_writes_nothing_and_encodes_nothing(
    tree: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    before, again = files(tmp_path / "out"), script["Hashing"]()
    made = script["encode"](tree, tmp_path / "out", again)
    assert again.seen == [] and files(tmp_path / "out") == before
    assert [counts(one) for one in made.collections] == [(n, 0, 0, 0, 0, 0) for n in (20, 2, 1)]


def test_only_what_changed_is_encoded_and_one_generation_is_added(
    tree: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    lines = (tree / "a" / "lines.jsonl").read_text().splitlines()
    lines[2] = json.dumps({"id": "n2", "text": "new words"})
    del lines[10]
    (tree / "a" / "lines.jsonl").write_text("\n".join([*lines, '{"id": "moved", "text": "only here"}']))
    (tree / "c").mkdir()
    (tree / "top.md").rename(tree / "c" / "top.md")
    encoder = script["Hashing"]()
    made = {one.name: one for one in script["encode"](tree, tmp_path / "out", encoder).collections}
    assert encoder.seen == [["new words"]]
    assert {name: counts(one) for name, one in made.items()} == {
        "a": (20, 1, 1, 1, 1, 1),
        "b": (2, 0, 0, 0, 0, 0),
        "c": (1, 1, 0, 0, 1, 0),
        "docs": (0, 0, 0, 1, 0, 0),
    }
    assert (made["a"].generation, made["b"].generation, made["docs"].generation) == (2, 1, 2)
    changed = EmbeddingSet.open(tmp_path / "out" / "a")
    old = [f"n{i}" for i in range(20) if i not in (2, 10)]
    assert changed.ids() == [*old, "n2", "moved"] and changed.verify() == []
    np.testing.assert_array_equal(changed.to_numpy()[-1], EmbeddingSet.open(tmp_path / "out" / "b").to_numpy()[1])
    script["encode"](tree, tmp_path / "out", last := script["Hashing"]())
    assert last.seen == []


def test_an_update_is_what_encoding_anew_gives_row_by_row(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    (tree / "b" / "list.json").write_text(json.dumps(["first", "only here", "text 3"]))
    script["encode"](tree, tmp_path / "out", script["Hashing"]())
    script["encode"](tree, tmp_path / "anew", script["Hashing"]())
    for name in ("a", "b", "docs"):
        left, right = (EmbeddingSet.open(tmp_path / out / name) for out in ("out", "anew"))
        texts = dict(left.id_texts())
        assert texts == dict(right.id_texts())
        rows = [left.ids().index(name) for name in right.ids()]
        np.testing.assert_allclose(left.to_numpy()[rows], right.to_numpy(), atol=1e-3)


def test_vanished_texts_alone_need_no_model(tree: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    encode_folder(tree, tiny_model_folder, out=tmp_path / "out")
    (tree / "a" / "lines.jsonl").write_text('{"id": "n0", "text": "text 0"}')

    def load() -> Any:
        raise AssertionError("no model is needed")

    made = encode_folder(tree, tiny_model_folder, out=tmp_path / "out", load=load)
    assert counts(made.collections[0]) == (1, 0, 0, 19, 0, 0)
    before = files(tmp_path / "out")
    encode_folder(tree, tiny_model_folder, out=tmp_path / "out", load=load)
    assert files(tmp_path / "out") == before
    (tree / "a" / "lines.jsonl").write_text('{"id": "n0", "text": "text 0 changed"}')
    with pytest.raises(AssertionError, match="no model is needed"):
        encode_folder(tree, tiny_model_folder, out=tmp_path / "out", load=load)


def test_a_model_whose_files_were_touched_is_loaded_and_recognised(
    tree: Path, tmp_path: Path, script: dict[str, Any], tiny_model_folder: Path
) -> None:
    encode_folder(tree, tiny_model_folder, out=tmp_path / "out")
    job = json.loads((tmp_path / "out" / "job.json").read_text())
    (tmp_path / "out" / "job.json").write_text(json.dumps({**job, "fingerprint": "of another day"}))
    encode_folder(tree, tiny_model_folder, out=tmp_path / "out")
    assert json.loads((tmp_path / "out" / "job.json").read_text()) == job
    with pytest.raises(MatryoError, match=r"hashing and .*out, which .*model encoded, must lie in one space"):
        script["encode"](tree, tmp_path / "out", script["Hashing"]())


def test_other_weights_in_files_of_the_same_size_and_time_are_seen_when_they_are_loaded(
    tree: Path, tmp_path: Path, tiny_model_folder: Path
) -> None:
    model = Path(shutil.copytree(tiny_model_folder, tmp_path / "model"))
    encode_folder(tree, model, out=tmp_path / "out")
    weights = next(model.rglob("model.safetensors"))
    stat, content = weights.stat(), bytearray(weights.read_bytes())
    content[-2] ^= 1
    weights.write_bytes(content)
    os.utime(weights, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (tree / "top.md").write_text("new")
    with pytest.raises(SpaceError, match=r"out, which .*model encoded, must lie in one space"):
        encode_folder(tree, model, out=tmp_path / "out")


def test_tokens_and_long_texts_are_counted_and_the_cut_is_for_keeps(
    tree: Path, tmp_path: Path, tiny_model_folder: Path
) -> None:
    (tree / "top.md").write_text("the cat runs " * 20)
    told: list[str] = []
    made = encode_folder(tree, tiny_model_folder, 16, out=tmp_path / "out", allow_untrained=True, say=told.append)
    top = made.collections[2]
    assert (top.n_tokens, top.n_truncated, made.dim, made.full_width) == (60, 1, 16, 32)
    assert top.saved_bytes == 16 * 4 and made.collections[0].saved_bytes == 20 * 16 * 4
    assert told[0].startswith("about ") and "for 17 texts" in told[0] and "tokens" in told[0]
    assert any("nobody has shown" in note for note in made.notes)
    vectors = EmbeddingSet.open(tmp_path / "out" / "a").to_numpy()
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    with pytest.raises(MatryoError, match="not to be cut to 16 of 32"):
        encode_folder(tree, tiny_model_folder, 16, out=tmp_path / "other")
    for dim, kind in ((None, 32), (8, 8)):
        with pytest.raises(MatryoError, match=rf"holds vectors of dim 16 \(model .*, 32 wide\), got {kind}"):
            encode_folder(tree, tiny_model_folder, dim, out=tmp_path / "out", allow_untrained=True)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_float16_is_stored_and_taken_over_bit_by_bit(
    tree: Path, tmp_path: Path, script: dict[str, Any], dtype: str
) -> None:
    script["encode"](tree, tmp_path / "out", script["Hashing"](), dtype=dtype)
    made = EmbeddingSet.open(tmp_path / "out" / "a")
    assert made.dtype == dtype
    np.testing.assert_array_equal(made.to_numpy()[15:], made.to_numpy()[:5])


def test_what_a_killed_run_encoded_is_kept_though_the_texts_changed(
    tree: Path, tmp_path: Path, script: dict[str, Any]
) -> None:
    class Stops(script["Hashing"]):  # type: ignore[misc]  # the class comes from a script
        def encode(self, texts: Any, *args: Any, **more: Any) -> Any:
            if len(self.seen) == 1:
                raise KeyboardInterrupt
            return super().encode(texts, *args, **more)

    with pytest.raises(KeyboardInterrupt):
        script["encode"](tree, tmp_path / "out", Stops())
    (tree / "a" / "lines.jsonl").write_text((tree / "a" / "lines.jsonl").read_text() + '\n{"id": "z", "text": "z"}')
    encoder = script["Hashing"]()
    made = script["encode"](tree, tmp_path / "out", encoder)
    encoded = [text for call in encoder.seen for text in call]
    assert not {f"text {i}" for i in range(8)} & set(encoded) and len(encoded) == 18 - 8
    assert EmbeddingSet.open(tmp_path / "out" / "a").n_rows == made.collections[0].n == 21


def test_the_table_names_every_collection(tree: Path, tmp_path: Path, script: dict[str, Any]) -> None:
    table = script["encode"](tree, tmp_path / "out", script["Hashing"](), exports=["npy"]).table()
    names = [line.split()[0] for line in table.splitlines()[3:7]]
    assert names == ["a", "b", "docs", "all"] and "unknown" in table and "exported: " in table


def test_without_a_place_the_sets_lie_beside_the_tree(tree: Path, tiny_model_folder: Path) -> None:
    made = encode_folder(tree, tiny_model_folder)
    assert made.out == tree.resolve().with_name("docs-sets") and (made.out / "collections.json").is_file()
