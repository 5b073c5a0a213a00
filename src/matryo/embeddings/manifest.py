"""Manifests: one immutable file per generation of a set, and `manifest.json`, a copy of the current one."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from matryo.embeddings.plan import FORMAT, PLAN_FILE, Plan, read_plan, shard_name
from matryo.errors import FormatError, MatryoError
from matryo.files import check_fields, check_format, read_json_digest, write_json, write_text

MANIFEST_FILE = "manifest.json"
_WHAT = "the manifest of an embedding set"
_STORED = {
    "format": int,
    "generation": int,
    "parent": str,
    "n_rows": int,
    "plan": dict,
    "shards": list,
    "deleted": list,
}


@dataclass(frozen=True)
class Shard:
    """One shard as the manifest states it.

    Attributes:
        name: file name of both files without suffix.
        n_rows: rows stored, deleted ones included.
        vectors_bytes: size of the safetensors file.
        vectors_sha256: its digest.
        ids_bytes: size of the Parquet file.
        ids_sha256: its digest.
    """

    name: str
    n_rows: int
    vectors_bytes: int
    vectors_sha256: str
    ids_bytes: int
    ids_sha256: str


@dataclass(frozen=True)
class Manifest:
    """One generation of a set.

    Attributes:
        generation: 1 for the set as built, then counted up by every change.
        parent: digest of the generation before, "" for the first one.
        plan: the plan of the first generation; its settings hold for all.
        shards: in row order; later generations only add some.
        deleted: rows that no longer count, numbered over all stored rows, rising.
    """

    generation: int
    parent: str
    plan: Plan
    shards: tuple[Shard, ...]
    deleted: tuple[int, ...] = ()

    @property
    def n_stored(self) -> int:
        """Rows in the shards, deleted ones included."""
        return sum(shard.n_rows for shard in self.shards)

    @property
    def n_rows(self) -> int:
        """Live rows."""
        return self.n_stored - len(self.deleted)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {
            "format": FORMAT,
            "generation": self.generation,
            "parent": self.parent,
            "n_rows": self.n_rows,
            "plan": self.plan.to_json(),
            "shards": [asdict(shard) for shard in self.shards],
            "deleted": list(self.deleted),
        }

    @classmethod
    def from_json(cls, stored: Any, path: Path) -> "Manifest":
        """Inverse of `to_json`; `path` is the file for the messages.

        Raises: FormatError if the format is unknown, a field is missing or unknown, or the numbers contradict another.
        """
        if isinstance(stored, dict):
            check_format(stored.get("format"), FORMAT, path)
        check_fields(stored, _STORED, path)
        for shard in stored["shards"]:
            check_fields(shard, Shard.__annotations__, path)
        deleted = stored["deleted"]
        manifest = cls(
            generation=stored["generation"],
            parent=stored["parent"],
            plan=Plan.from_json(stored["plan"], path),
            shards=tuple(Shard(**shard) for shard in stored["shards"]),
            deleted=tuple(deleted),
        )
        whole = all(type(row) is int and 0 <= row < manifest.n_stored for row in deleted)
        named = [shard.name for shard in manifest.shards] == [shard_name(n) for n in range(len(manifest.shards))]
        planned = [last - first for first, last in manifest.plan.shards]
        counted = [shard.n_rows for shard in manifest.shards][: len(planned)] == planned
        if not whole or sorted(set(deleted)) != deleted or manifest.n_rows != stored["n_rows"] or not counted:
            raise FormatError(f"{path} contradicts itself in its numbers of rows; restore it or write the set anew")
        if not named or manifest.generation < 1:
            raise FormatError(f"{path} contradicts itself in its shards or generation; restore it")
        return manifest


def generation_file(generation: int) -> str:
    """File name of one generation's manifest.

    >>> generation_file(3)
    'manifest-000003.json'
    """
    return f"manifest-{generation:06d}.json"


def read_manifest(folder: Path, generation: int | None = None) -> tuple[Manifest, str]:
    """Read the current manifest of a set, or that of an earlier generation.

    Returns: the manifest, and the SHA-256 of its file.
    Raises: FormatError if the folder is no set, the set is unfinished or the manifest cannot be read;
        MatryoError if there is no such generation.
    """
    path = folder / MANIFEST_FILE
    if not path.exists() and (folder / PLAN_FILE).exists():
        n_shards = len(read_plan(folder).shards)
        n_done = len(list(folder.glob("shard-*.parquet")))
        raise FormatError(
            f"{folder} is an unfinished set, {n_done} of {n_shards} shards are there; "
            "run the command that writes it again, finished shards are kept"
        )
    current, digest = _read(path)
    if generation is None or generation == current.generation:
        return current, digest
    if not 1 <= generation < current.generation:
        raise MatryoError(f"{folder} has the generations 1..{current.generation}, got {generation}; choose one of them")
    return _read(folder / generation_file(generation))


def _read(path: Path) -> tuple[Manifest, str]:
    stored, digest = read_json_digest(path, _WHAT)
    return Manifest.from_json(stored, path), digest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a generation's manifest and make it the current one: the last step of every change."""
    own = folder / generation_file(manifest.generation)
    write_json(own, manifest.to_json())
    write_text(folder / MANIFEST_FILE, own.read_text(encoding="utf-8"))
