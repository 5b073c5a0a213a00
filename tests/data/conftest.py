"""Small collections, written anew for each test."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

Files = Mapping[str, str | bytes | Sequence[Mapping[str, object]]]
Write = Callable[[Files], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write files into a folder "task": text, bytes, or objects as JSON Lines; gives the folder."""

    def write_files(files: Files) -> Path:
        folder = tmp_path / "task"
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                content = content.encode()
            elif not isinstance(content, bytes):
                content = "".join(json.dumps(record) + "\n" for record in content).encode()
            path.write_bytes(content)
        return folder

    return write_files
