"""Writing a set: plan first, then shard by shard, the manifest last; a second run goes on where the first ended."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import MANIFEST_FILE, Manifest, Shard, read_manifest, write_manifest
from matryo.embeddings.plan import Plan, check_plan, shard_name, write_plan
from matryo.embeddings.shards import check_rows, ids_file, ids_table, kept_shard, stored_rows, vectors_file, write_shard
from matryo.embeddings.texts_like import TextsLike
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
        shards = write_shards(folder, plan, plan.shards, contents, progress=progress)
        write_manifest(folder, Manifest(generation=1, parent="", plan=plan, shards=tuple(shards)))


def write_shards(
    folder: Path,
    plan: Plan,
    ranges: Sequence[tuple[int, int]],
    contents: Callable[[], Iterator[Content]],
    *,
    first_number: int = 0,
    progress: bool = False,
) -> list[Shard]:
    """Write shards, except those that an earlier run of the same plan or change has finished.

    Args:
        folder: the set.
        plan: of the set.
        ranges: rows of each shard, counted from 0.
        contents: gives the contents of these shards, in order.
        first_number: number of the first of them.
        progress: show rate and time left.

    Returns: what the manifest states about them.
    Raises: MatryoError if other numbers of texts come than are due, or the disk is full; ShapeError for vectors that do
        not fit; FormatError if a shard that is there is damaged.
    """
    names = [shard_name(number) for number in range(first_number, first_number + len(ranges))]
    missing = sum(
        last - first
        for name, (first, last) in zip(names, ranges, strict=True)
        if not (vectors_file(folder, name).exists() and ids_file(folder, name).exists())
    )
    shards = []
    with show_progress(f"write {folder.name}", missing, "texts", shown=progress) as advance:
        for name, (first, last), content in zip(names, ranges, contents(), strict=True):
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
    return shards


def from_texts(
    texts: TextsLike, encode: Callable[[list[str]], Array], shards: Sequence[tuple[int, int]], keep_texts: bool
) -> Callable[[], Iterator[Content]]:
    """Contents of shards whose vectors are made from texts, one shard in memory at a time."""

    def contents() -> Iterator[Content]:
        rows = iter(texts)
        for first, last in shards:
            piece = list(islice(rows, last - first))
            words = [row.text for row in piece]
            yield Content([row.id for row in piece], words if keep_texts else None, partial(encode, words))

    return contents


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
