"""A small tree, and an encoder that needs no model."""

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("slow_encode.py")


@pytest.fixture(scope="session")
def script() -> dict[str, Any]:
    """Names of slow_encode.py: `Hashing`, `encode`."""
    return runpy.run_path(str(SCRIPT))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two folders and a file: 20 lines of which the last five repeat, 3 strings, and a text."""
    root = tmp_path / "docs"
    for name in ("a", "b"):
        (root / name).mkdir(parents=True)
    lines = [{"id": f"n{i}", "text": f"text {i % 15}"} for i in range(20)]
    (root / "a" / "lines.jsonl").write_text("\n".join(map(json.dumps, lines)))
    (root / "b" / "list.json").write_text(json.dumps(["text 3", "only here", "  "]))
    (root / "top.md").write_text("# top\n\nwords")
    return root
