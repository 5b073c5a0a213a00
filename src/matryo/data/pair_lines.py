"""Write pairs as JSON Lines, the form that every reader of pairs takes."""

from pathlib import Path

from matryo.data.beir import json_line
from matryo.data.pairs import Pairs
from matryo.files import atomic_path


def write_pairs(pairs: Pairs, path: str | Path) -> None:
    """Write one object per pair with id, query, document and group, atomically.

    Args:
        pairs: what to write.
        path: the file; replaced if it is there.
    """
    with atomic_path(Path(path)) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        for pair in pairs.pairs:
            record: dict[str, object] = {
                "id": pair.id,
                "query": pair.query,
                "document": pair.document,
                "group": pair.group,
            }
            stream.write(json_line(record))
