"""Writing a set: plan first, then shard by shard, the manifest last; a second run goes on where the first ended."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import MANIFEST_FILE, Manifest, read_manifest, write_manifest
from matryo.embeddings.plan import Plan, check_plan, shard_name, write_plan
from matryo.embeddings.shards import check_rows, ids_file, ids_table, kept_shard, stored_rows, vectors_file, write_shard
from matryo.embeddings.vectors import Vectors
from matryo.errors import MatryoError, ShapeError
from matryo.files import only_writer
from matryo.prefix import Array
from matryo.progress import progress as show_progress


@dataclass(frozen=True)
class Content:
    """What goes into one shard; the vectors are a function, so that those of a finished shard are never computed."""

    ids: Sequence[str]
    texts: Sequence[str] | None
    vectors: Callable[[], Array]


def fill(
    folder: Path,
    plan: Plan,
    contents: Callable[[], Iterator[Content]],
    ids: Callable[[], Iterable[str]],
    *,
    progress: bool = False,
) -> None:
    """Bring a folder to the finished first generation of a plan, whatever part of it is there already.

    Args:
        folder: where the set goes.
        plan: what to write.
        contents: gives the contents of all shards, in order.
        ids: gives all ids, in order.
        progress: show rate and time left.

    Raises: what `build_set` raises.
    """
    with only_writer(folder):
        planned = check_plan(folder, plan)
        if (folder / MANIFEST_FILE).exists():
            manifest, _ = read_manifest(folder)
            if manifest.generation > 1:
                raise MatryoError(
                    f"{folder} was changed since it was built, it is at generation {manifest.generation}; "
                    "open it with EmbeddingSet.open, or build in another folder"
                )
            return
        n_ids = check_ids(ids)
        if n_ids != plan.n_rows:
            raise MatryoError(f"{plan.n_rows} texts were counted and {n_ids} read; use texts that do not change")
        if not planned:
            write_plan(folder, plan)
        names = [shard_name(number) for number in range(len(plan.shards))]
        missing = sum(
            last - first
            for name, (first, last) in zip(names, plan.shards, strict=True)
            if not (vectors_file(folder, name).exists() and ids_file(folder, name).exists())
        )
        shards = []
        with show_progress(f"write {folder.name}", missing, "texts", shown=progress) as advance:
            for name, (first, last), content in zip(names, plan.shards, contents(), strict=True):
                if len(content.ids) != last - first:
                    raise MatryoError(
                        f"{last - first} texts were due, {len(content.ids)} came; use texts that do not change"
                    )
                # The table comes first: text that cannot be stored is found before hours of encoding, not after.
                table = ids_table(content.ids, content.texts)
                shard = kept_shard(folder, name, table, plan)
                if shard is None:
                    vectors = content.vectors()
                    check_rows(vectors, plan, last - first, first)
                    stored = stored_rows(vectors, plan.dtype, first)
                    shard = write_shard(folder, name, stored, table, plan)
                    advance(last - first)
                shards.append(shard)
        write_manifest(folder, Manifest(generation=1, parent="", plan=plan, shards=tuple(shards)))


def given(
    vectors: Vectors, ids: Sequence[str], texts: Sequence[str] | None, shards: Sequence[tuple[int, int]]
) -> Iterator[Content]:
    """Contents of shards for vectors that exist already."""
    for first, last in shards:

        def read(first: int = first, last: int = last) -> Array:
            return vectors.read(slice(first, last), 0, vectors.width)

        yield Content(ids[first:last], None if texts is None else texts[first:last], read)


def check_given(vectors: Vectors, ids: Sequence[str], texts: Sequence[str] | None, plan: Plan) -> None:
    """Refuse vectors, ids and texts that do not fit each other or the plan, before anything is written.

    Raises: ShapeError if a count or the width differs, or a row does not fit the space.
    """
    for what, rows in (("ids", ids), ("texts", texts)):
        if rows is not None and (isinstance(rows, str) or len(rows) != vectors.n_rows):
            raise ShapeError(f"{vectors.n_rows} vectors need as many {what}, got {len(rows)}; give one per row")
    for row, text in enumerate(texts or ()):
        if not isinstance(text, str):
            raise ShapeError(f"texts must be strings, row {row} has {text!r}; give '' for a row without text")
    for first in range(0, vectors.n_rows, plan.shard_rows):
        piece = vectors.read(slice(first, first + plan.shard_rows), 0, vectors.width)
        check_rows(piece, plan, len(piece), first)
        stored_rows(piece, plan.dtype, first)
    if vectors.n_rows == 0 and vectors.width != plan.space.width:
        raise ShapeError(f"this space has width {plan.space.width}, got vectors of {vectors.width}; pass its vectors")


def given_digest(vectors: Vectors, ids: Sequence[str], texts: Sequence[str] | None) -> str:
    """SHA-256 over ids, texts and vectors, each string with its length before it; rows are read in pieces."""
    running = hashlib.sha256()
    for column in (ids, [] if texts is None else texts):
        running.update(len(column).to_bytes(8, "little"))
        for value in column:
            content = value.encode("utf-8", "surrogatepass")
            running.update(len(content).to_bytes(8, "little") + content)
    for first in range(0, vectors.n_rows, 4096):
        piece = np.ascontiguousarray(vectors.read(slice(first, first + 4096), 0, vectors.width), dtype="<f4")
        running.update(piece.reshape(-1).view(np.uint8).data)
    return running.hexdigest()
