"""Imports only point down: every file is parsed and held against the table of levels."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "matryo"

LEVELS = {
    **dict.fromkeys(("config", "errors", "prefix", "space", "hits", "files", "progress"), 0),
    **dict.fromkeys(("embeddings", "data", "losses", "measures"), 1),
    **dict.fromkeys(("maps", "search"), 2),
    "encoders": 3,
    "evaluation": 4,
    "training": 5,
    "reports": 6,
    **dict.fromkeys(("experiments", "collections"), 7),
    **dict.fromkeys(("cli", "__main__", "__init__"), 8),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def part_of(path: Path) -> str:
    """First part of a module's name below the package: `search` for search/exact.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(tree: ast.AST) -> set[str]:
    """Parts of this package that a file imports, also inside functions and under TYPE_CHECKING."""
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError("relative imports hide the level; write the full name")
    return {name.split(".")[1] for name in names if name.startswith("matryo.")}


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    part = part_of(path)
    for other in imported_parts(ast.parse(path.read_text(encoding="utf-8"))) - {part}:
        if LEVELS[part] == 8:
            continue
        inside_level_0 = LEVELS[part] == LEVELS[other] == 0
        assert LEVELS[other] < LEVELS[part] or inside_level_0, f"{part} (level {LEVELS[part]}) imports {other}"


def test_the_checker_sees_a_wrong_import() -> None:
    tree = ast.parse("def f():\n    from matryo.search import exact\n    import matryo.cli\n")
    assert imported_parts(tree) == {"search", "cli"}


def test_every_file_says_what_it_is() -> None:
    silent = [p for p in FILES if ast.get_docstring(ast.parse(p.read_text(encoding="utf-8"))) is None]
    assert silent == []
