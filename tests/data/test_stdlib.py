"""Pairs of the running Python's library."""

import ast
import sysconfig
from pathlib import Path

import pytest

from matryo.data.masking import mask_pairs, name_of, share_with_name
from matryo.data.pairs import Pairs
from matryo.data.stdlib import stdlib_pairs
from matryo.errors import MatryoError


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return stdlib_pairs()


def test_no_docstring_remains(pairs: Pairs) -> None:
    for pair in pairs.pairs:
        for node in ast.walk(ast.parse(pair.document)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                assert ast.get_docstring(node) is None, pair.id


def test_size_uniqueness_and_groups(pairs: Pairs) -> None:
    assert 4_000 < len(pairs) < 5_500
    for values in ([p.id for p in pairs.pairs], [p.query for p in pairs.pairs], [p.document for p in pairs.pairs]):
        assert len(set(values)) == len(pairs)
    assert {"asyncio", "argparse", "json"} <= set(pairs.groups)
    assert not {"test", "idlelib", "site-packages"} & set(pairs.groups)
    assert all(p.id.startswith(p.group) and len(p.query.split()) >= 3 for p in pairs.pairs)
    by_id = {p.id: p for p in pairs.pairs}
    assert "def dumps(obj," in by_id["json:dumps"].document
    assert by_id["json:dumps"].query.startswith("Serialize ``obj`` to a JSON formatted")


def test_same_order_each_time() -> None:
    folder = Path(sysconfig.get_path("stdlib")) / "email"
    assert stdlib_pairs(folder=folder) == stdlib_pairs(folder=folder)


def test_names_are_hidden(pairs: Pairs) -> None:
    masked = mask_pairs(pairs)
    assert [p.id for p in masked.pairs] == [p.id for p in pairs.pairs]
    assert masked.name != pairs.name
    for pair in masked.pairs:
        words = set(pair.query.replace(".", " ").split()) | set(pair.document.replace("(", " ").split())
        assert name_of(pair.id) not in words, pair.id
    assert share_with_name(masked) < 0.25 < 0.55 < share_with_name(pairs)


def test_own_folder_counts_what_it_leaves_out(tmp_path: Path) -> None:
    def code(name: str, summary: str, value: int) -> str:
        return f'def {name}():\n    "{summary}"\n    return {value}\n'

    files = {
        "pkg/__init__.py": code("a", "Give the a back.", 1) + code("b", "Two words", 2),
        "pkg/sub.py": code("c", "Same words here.", 3) * 2 + code("d", "Same words here.", 4),
        "pkg/tests/t.py": code("e", "Not of the library.", 5),
        "broken.py": "def",
        "one.py": code("f", "First version of f.", 6) + code("f", "Second version of f.", 7),
    }
    (tmp_path / "pkg" / "tests").mkdir(parents=True)
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    pairs = stdlib_pairs(folder=str(tmp_path))
    assert [(p.id, p.group) for p in pairs.pairs] == [("one:f", "one"), ("one:f#2", "one"), ("pkg:a", "pkg")]
    assert len(pairs.notes) == 3
    assert "broken.py" in pairs.notes[0]
    assert pairs.notes[1].startswith("1 functions whose summary has fewer")
    assert pairs.notes[2].startswith("3 functions whose summary or source occurs")


def test_masking_on_demand(tmp_path: Path) -> None:
    (tmp_path / "m.py").write_text("def twice(x):\n    'Twice the given number.'\n    return 2 * x\n")
    (pair,) = stdlib_pairs(mask_names=True, folder=tmp_path).pairs
    assert (pair.query, pair.document) == ("FUNC the given number.", "def FUNC(x):\n    return 2 * x")


def test_folder_without_modules(tmp_path: Path) -> None:
    with pytest.raises(MatryoError, match="no Python module with documented functions"):
        stdlib_pairs(folder=tmp_path)
