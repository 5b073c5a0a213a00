"""Sets given on: as NumPy and JSON Lines files, as Parquet, and to Chroma or Milvus."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from matryo.data.chunk_tree import RESERVED
from matryo.embeddings import EmbeddingSet
from matryo.embeddings.manifest import generation_file
from matryo.errors import MatryoError
from matryo.files import atomic_path, digest_file, read_json, write_json

if TYPE_CHECKING:
    from matryo.search.stores import Location

FILES = ("npy", "parquet")
_MADE_FILE = "exports.json"
_NO_NAME = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True)
class Exports:
    """Where the sets of a run go.

    Attributes:
        files: kinds of files, some of "npy" and "parquet".
        stores: engines with their places.
    """

    files: tuple[str, ...] = ()
    stores: tuple["Location", ...] = ()

    @classmethod
    def parse(cls, asked: Sequence[str]) -> "Exports":
        """Read what a user asks for: npy, parquet, chroma:FOLDER, chroma:http://..., milvus:FILE.db, milvus:http://...

        Raises: MatryoError for anything else.
        """
        files = tuple(dict.fromkeys(word for word in asked if word in FILES))
        others = [word for word in asked if word not in FILES]
        if not others:
            return cls(files)
        strange = [word for word in others if ":" not in word]
        if strange:
            raise MatryoError(f"an export is {', '.join(FILES)}, chroma:PLACE or milvus:PLACE, got {strange[0]!r}")
        # imported here: engines are libraries of their own
        from matryo.search.stores import Location

        return cls(files, tuple(Location.parse(word) for word in others))


def store_names(names: Sequence[str]) -> dict[str, str]:
    """What each collection is called in an engine, which takes letters, digits and "_" after a letter.

    Raises: MatryoError if two would have one name.

    >>> store_names(["papers-2024", "7"])
    {'papers-2024': 'papers_2024', '7': 'c_7'}
    """
    found: dict[str, str] = {}
    for name in names:
        called = _NO_NAME.sub("_", name)
        called = called if called[0].isalpha() else f"c_{called}"
        if called in found.values():
            raise MatryoError(f"two collections would both be called {called!r} in a store; rename a folder")
        found[name] = called
    return found


def export_files(out: Path, names: Sequence[str], kinds: Sequence[str]) -> list[Path]:
    """Write each set as files under `exports`, unless they are there already for this state of the set.

    Returns: the files written.
    """
    folder, written = out / RESERVED, []
    made_path = folder / _MADE_FILE
    made = dict(read_json(made_path, "the list of exports")) if made_path.exists() else {}
    for name in names:
        vectors = EmbeddingSet.open(out / name)
        for kind in kinds:
            path, lines = folder / f"{name}.{kind}", folder / f"{name}.jsonl"
            whole = path.exists() and (kind != "npy" or lines.exists())
            if whole and made.get(path.name) == vectors.digest:
                continue
            if kind == "npy":
                vectors.export_npy(path)
                _write_lines(lines, vectors)
                written.append(lines)
            else:
                vectors.export_parquet(path)
            written.append(path)
            made[path.name] = vectors.digest
    if written:
        write_json(made_path, made)
    return written


def _write_lines(path: Path, vectors: EmbeddingSet) -> None:
    """Ids and texts, one object per line, in the order of the rows."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        for name, text in vectors.id_texts():
            stream.write(json.dumps({"id": name, "text": text}, ensure_ascii=False) + "\n")


def push_sets(out: Path, names: Sequence[str], location: "Location", token: str | None, *, progress: bool) -> int:
    """Bring an engine to hold each set at its full width; what earlier states of the same set left there is replaced.

    Returns: how many vectors were sent.
    Raises: MatryoError if the engine holds something else under a name, does not answer, or cannot take it.
    """
    there, n_sent = location.stores(token), 0
    for name, called in store_names(names).items():
        vectors = EmbeddingSet.open(out / name)
        store = location.store(called, token)
        earlier = called in there and there[called].any.set_digest in _generations(vectors)
        if vectors.n_rows:
            n_sent += store.push(vectors, replace=earlier, progress=progress).n_sent
        elif earlier:
            store.drop()
    return n_sent


def _generations(vectors: EmbeddingSet) -> set[str]:
    """Digests of all states that a set has had."""
    files = (vectors.folder / generation_file(number) for number in range(1, vectors.generation + 1))
    return {digest_file(path) for path in files if path.exists()}
