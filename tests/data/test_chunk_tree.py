import json
import os
from pathlib import Path

import pytest

from matryo.data.chunk_tree import Left, collection_name, collection_texts, find_collections
from matryo.data.open import is_retrieval
from matryo.data.toy import write_toy
from matryo.errors import FormatError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "docs"
    for name, content in {
        "top.txt": "top",
        "a/one.md": "one",
        "a/two.jsonl": '{"id": "own", "text": "x"}\n{"text": ""}\n"y"',
        "a/b c/three.json": '["p", "q"]',
        ".hidden/no.txt": "no",
        "a/.no.txt": "no",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def ids(root: Path, left: Left | None = None) -> dict[str, list[str]]:
    left = left or Left()
    return {c.name: [text.id for _, text in collection_texts(c, left)] for c in find_collections(root, left)}


def test_folders_are_collections_and_ids_are_own_or_places(tree: Path) -> None:
    left = Left()
    assert ids(tree, left) == {
        "a": ["a/one.md#0", "own", "a/two.jsonl#2"],
        "a_b_c": ["a/b c/three.json#0", "a/b c/three.json#1"],
        "docs": ["top.txt#0"],
    }
    assert left.n_empty == 1 and left.notes == ("1 empty texts left out",)


def test_the_order_in_which_files_are_listed_does_not_matter(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, scan = ids(tree), os.scandir
    monkeypatch.setattr(os, "scandir", lambda place: iter(list(scan(place))[::-1]))
    assert ids(tree) == before


def test_links_are_followed_to_files_of_the_tree_only(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("secret")
    (tree / "a" / "leads_out.txt").symlink_to(tmp_path / "out.txt")
    (tree / "a" / "loop").symlink_to(tree)
    (tree / "a" / "inside.txt").symlink_to(tree / "top.txt")
    left = Left()
    assert ids(tree, left)["a"] == ["a/inside.txt#0", "a/one.md#0", "own", "a/two.jsonl#2"]
    assert "2 links to folders or out of the tree not followed: leads_out.txt; loop" in left.notes


def test_a_link_that_leads_to_itself_is_no_file(tree: Path) -> None:
    (tree / "a" / "round.txt").symlink_to("round.txt")
    with pytest.raises(FormatError, match=r"round\.txt is no file that can be read"):
        find_collections(tree, Left())


@pytest.mark.parametrize("inside", [b"bad\xff.txt", b"bad\xff/x.txt"])
def test_names_that_are_no_text_are_no_ids(tree: Path, inside: bytes) -> None:
    path = tree / "a" / os.fsdecode(inside)
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    except OSError:
        pytest.skip("this file system takes names in UTF-8 only")
    with pytest.raises(FormatError, match=r"bad\\xff.* has a name that is no UTF-8; rename it"):
        find_collections(tree, Left())
    left = Left(skip_bad=True)
    assert ids(tree, left)["a"] == ["a/one.md#0", "own", "a/two.jsonl#2"]
    assert any("bad\\xff" in note and "rename" not in note for note in left.notes)


def test_a_name_that_no_folder_can_have(tree: Path) -> None:
    place = tree / ("x" * 120) / ("y" * 120)
    place.mkdir(parents=True)
    (place / "z.txt").write_text("z")
    with pytest.raises(FormatError, match=r"name of 241 bytes, at most 200 .*shorten"):
        find_collections(tree, Left())


def test_two_folders_of_one_name(tree: Path) -> None:
    (tree / "a" / "b_c").mkdir()
    (tree / "a" / "b_c" / "x.txt").write_text("x")
    with pytest.raises(FormatError, match=r"b c and .*b_c would both be the collection 'a_b_c'; rename"):
        find_collections(tree, Left())
    (tree / "docs").mkdir()
    (tree / "docs" / "x.txt").write_text("x")
    (tree / "a" / "b_c" / "x.txt").unlink()
    (tree / "a" / "b_c").rmdir()
    with pytest.raises(FormatError, match="would both be the collection 'docs'"):
        find_collections(tree, Left())


def test_files_that_are_no_text_and_empty_folders(tree: Path) -> None:
    (tree / "a" / "image.png").write_bytes(b"\x89PNG")
    (tree / "empty").mkdir()
    with pytest.raises(FormatError, match=r"image\.png is none of .*--skip-bad"):
        find_collections(tree, Left())
    (tree / "a" / "image.png").unlink()
    with pytest.raises(FormatError, match="empty holds no file"):
        find_collections(tree, Left())
    os.mkfifo(tree / "a" / "pipe.txt")
    (tree / "a" / "bad.txt").write_bytes(b"\0")
    left = Left(skip_bad=True)
    assert ids(tree, left)["a"] == ["a/one.md#0", "own", "a/two.jsonl#2"]
    note = next(note for note in left.notes if "files skipped" in note)
    assert note.startswith("3 files skipped") and all(name in note for name in ("pipe.txt", "empty", "bad.txt"))


def test_a_missing_folder_a_file_and_an_empty_tree(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for name, words in {"no": "missing", "file": "a file"}.items():
        with pytest.raises(FormatError, match=words):
            find_collections(tmp_path / name, Left())
    (tmp_path / "empty").mkdir()
    with pytest.raises(FormatError, match="holds no file"):
        find_collections(tmp_path / "empty", Left())


def test_names_are_safe() -> None:
    names = [("a", "b"), ("Ünïcode",), ("..x",), ("exports",), ("(1)", "x y")]
    assert [collection_name(parts) for parts in names] == ["a_b", "Ünïcode", "x", "exports_", "1_x_y"]


def test_a_retrieval_task_is_no_tree(tree: Path, tmp_path: Path) -> None:
    assert not is_retrieval(tree)
    write_toy(tmp_path / "toy")
    assert is_retrieval(tmp_path / "toy")
    (tmp_path / "smart").mkdir()
    (tmp_path / "smart" / "cran.all").write_text(".I 1\n.W\ntext\n")
    assert is_retrieval(tmp_path / "smart")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "corpus.jsonl").write_text(json.dumps({"_id": "a", "text": "b"}))
    assert not is_retrieval(tmp_path / "corpus")
