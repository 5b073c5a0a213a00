"""Replacing rows in one change, and what is kept of changes that were killed."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet, build_set
from matryo.embeddings.adopting import adopt_build, adopt_change, clear_leftovers
from matryo.embeddings.changes import plan_change, read_change
from matryo.embeddings.plan import read_plan
from matryo.errors import FormatError, MatryoError
from matryo.files import digest_file, digest_json
from matryo.prefix import Array
from matryo.space import Space

SPACE = Space.declared("a", 5)


class Row(NamedTuple):
    id: str
    text: str


class Rows(list[Row]):
    """Texts in memory."""

    @classmethod
    def of(cls, **texts: str) -> "Rows":
        return cls(Row(name, text) for name, text in texts.items())

    def digest(self) -> str:
        return digest_json([list(row) for row in self])


def encode(texts: list[str]) -> Array:
    rows = [np.random.default_rng(list(text.encode())).standard_normal(5) for text in texts]
    return np.stack([row / np.linalg.norm(row) for row in rows]).astype(np.float32)


def stops_after(n: int) -> Callable[[list[str]], Array]:
    left = [n]

    def once(texts: list[str]) -> Array:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return encode(texts)

    return once


def build(folder: Path, texts: Rows, encode: Callable[[list[str]], Array] = encode) -> EmbeddingSet:
    return build_set(
        folder, texts, encode, space=SPACE, role="document", prompt="", batch_rule="r", shard_rows=2, keep_texts=True
    )


OLD = Rows.of(a="1", b="2", c="3", d="4", e="5")
NEW = Rows.of(b="2 changed", f="6", g="7", h="8", i="9")


def replaced(folder: Path, encode: Callable[[list[str]], Array] = encode, rule: str = "r") -> EmbeddingSet:
    return EmbeddingSet.open(folder).replace(["b", "d"], NEW, encode, batch_rule=rule)


def files(folder: Path) -> dict[str, str]:
    return {path.name: digest_file(path) for path in folder.iterdir()}


def test_rows_are_replaced_in_one_generation(tmp_path: Path) -> None:
    before = build(tmp_path / "s", OLD)
    after = replaced(tmp_path / "s")
    assert (before.generation, after.generation) == (1, 2)
    assert after.ids() == ["a", "c", "e", "b", "f", "g", "h", "i"]
    texts = ["1", "3", "5", "2 changed", "6", "7", "8", "9"]
    assert after.texts() == texts and list(after.id_texts()) == list(zip(after.ids(), texts, strict=True))
    np.testing.assert_array_equal(after.to_numpy(), encode(texts))
    assert before.ids() == ["a", "b", "c", "d", "e"] and after.verify() == []
    assert read_change(tmp_path / "s") is None


def test_nothing_to_replace_writes_nothing(tmp_path: Path) -> None:
    made = build(tmp_path / "s", OLD)
    before = files(tmp_path / "s")
    assert made.replace([], Rows(), encode, batch_rule="r") is made and files(tmp_path / "s") == before


@pytest.mark.parametrize("n_shards", [0, 1, 2])
def test_a_stopped_change_goes_on_to_the_same_bytes(tmp_path: Path, n_shards: int) -> None:
    for name in ("whole", "stopped"):
        build(tmp_path / name, OLD)
    replaced(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path / "stopped", stops_after(n_shards))
    assert EmbeddingSet.open(tmp_path / "stopped").generation == 1
    replaced(tmp_path / "stopped", stops_after(3 - n_shards))  # one call more would stop it again
    assert files(tmp_path / "stopped") == files(tmp_path / "whole")


def test_shards_of_another_change_are_not_taken_up(tmp_path: Path) -> None:
    build(tmp_path / "s", OLD)
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path / "s", stops_after(2), rule="another")
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path / "s", stops_after(2))
    assert replaced(tmp_path / "s").verify() == []


def test_a_change_that_cannot_be_made(tmp_path: Path) -> None:
    opened = build(tmp_path / "s", OLD)
    with pytest.raises(MatryoError, match="both have 'a'"):
        opened.replace(["b"], Rows.of(a="again"), encode, batch_rule="r")
    with pytest.raises(MatryoError, match="unknown"):
        opened.replace(["z"], Rows(), encode, batch_rule="r")
    opened.delete(["a"])
    with pytest.raises(MatryoError, match="generation 2 now, this set was opened at 1"):
        opened.replace(["b"], Rows(), encode, batch_rule="r")
    (tmp_path / "s" / "change.json").write_text("{}")
    with pytest.raises(FormatError, match=r"change\.json must have the fields"):
        EmbeddingSet.open(tmp_path / "s").replace(["b"], Rows(), encode, batch_rule="r")


def test_texts_of_a_set_without_texts(tmp_path: Path) -> None:
    made = EmbeddingSet.from_numpy(tmp_path / "s", encode(["1"]), ["a"], space=SPACE)
    with pytest.raises(MatryoError, match="stores no texts"):
        next(made.id_texts())


def test_what_an_unfinished_build_has_encoded_is_kept_for_other_texts(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "s", OLD, stops_after(2))
    build(tmp_path / "now", Rows.of(a="1", b="2", z="10"))
    wanted, same = read_plan(tmp_path / "now"), read_plan(tmp_path / "s")
    assert not adopt_build(tmp_path / "s", same)
    assert adopt_build(tmp_path / "s", wanted)
    kept = EmbeddingSet.open(tmp_path / "s")
    assert kept.texts() == ["1", "2", "3", "4"] and kept.verify() == []
    np.testing.assert_array_equal(kept.to_numpy(), encode(["1", "2", "3", "4"]))
    assert not adopt_build(tmp_path / "s", wanted)


def test_an_unfinished_build_without_a_whole_shard_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "s", OLD, stops_after(0))
    (tmp_path / "s" / "shard-00000.safetensors").write_bytes(b"half")
    build(tmp_path / "now", Rows.of(a="1"))
    assert not adopt_build(tmp_path / "s", read_plan(tmp_path / "now"))
    assert list((tmp_path / "s").iterdir()) == []


def test_what_an_unfinished_change_has_encoded_is_kept_for_another_one(tmp_path: Path) -> None:
    made = build(tmp_path / "s", OLD)
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path / "s", stops_after(1))
    pending = read_change(tmp_path / "s")
    assert pending is not None and not adopt_change(tmp_path / "s", pending)
    assert adopt_change(tmp_path / "s", plan_change(made.digest, [0], "other", 1, "r"))
    kept = EmbeddingSet.open(tmp_path / "s")
    assert (kept.generation, kept.ids()) == (2, ["a", "c", "d", "e", "b", "f"])
    assert kept.texts() == ["1", "3", "4", "5", "2 changed", "6"] and kept.verify() == []
    assert read_change(tmp_path / "s") is None


def test_what_nobody_needs_of_a_killed_change_goes(tmp_path: Path) -> None:
    build(tmp_path / "s", OLD)
    before = {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()}
    with pytest.raises(KeyboardInterrupt):
        replaced(tmp_path / "s", stops_after(1))
    (tmp_path / "s" / "summary.json.tmp-1").write_text("half")
    clear_leftovers(tmp_path / "s")
    assert {path.name: path.read_bytes() for path in (tmp_path / "s").iterdir()} == before
