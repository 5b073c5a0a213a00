"""Changing a set: every change makes a new generation, which shares the shards of the one before."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import Manifest, Shard, read_manifest, write_manifest
from matryo.embeddings.plan import FORMAT, row_ranges, shard_name
from matryo.embeddings.rows import LiveRows
from matryo.embeddings.shards import ids_table, stored_rows, write_shard
from matryo.embeddings.vectors import Vectors
from matryo.embeddings.writing import Content, given, write_shards
from matryo.errors import MatryoError
from matryo.files import check_fields, check_format, digest_json, only_writer, read_json, write_json

CHANGE_FILE = "change.json"


def append_rows(
    folder: Path,
    base: tuple[Manifest, str],
    live_ids: Sequence[str],
    vectors: Vectors,
    ids: Sequence[str],
    texts: Sequence[str] | None,
) -> None:
    """Write new shards after those of `base` (manifest and its digest) and make them generation n+1.

    The rows have passed `check_given`.

    Raises: MatryoError if an id is there already, the set has moved on since it was opened or the disk is full.
    """
    manifest, _ = base
    plan = manifest.plan
    check_ids(lambda: chain(live_ids, ids))
    with only_writer(folder):
        _check_current(folder, base)
        added = []
        ranges = row_ranges(vectors.n_rows, plan.shard_rows)
        contents = zip(ranges, given(vectors, ids, texts, ranges), strict=True)
        for number, ((first, _), content) in enumerate(contents, start=len(manifest.shards)):
            # A killed append may have left files of this name; no manifest states them, so they are written over.
            table = ids_table(content.ids, content.texts)
            stored = stored_rows(content.vectors(), plan.dtype, first)
            added.append(write_shard(folder, shard_name(number), stored, table, plan))
        _write_next(folder, base, shards=(*manifest.shards, *added), deleted=manifest.deleted)


def delete_rows(folder: Path, base: tuple[Manifest, str], rows: Sequence[int]) -> None:
    """Make generation n+1 without some live rows, numbered as stored.

    Raises: MatryoError if the set has moved on since it was opened or the disk is full.
    """
    manifest, _ = base
    with only_writer(folder):
        _check_current(folder, base)
        deleted = tuple(sorted({*manifest.deleted, *rows}))
        _write_next(folder, base, shards=manifest.shards, deleted=deleted)


@dataclass(frozen=True)
class Change:
    """What decides the bytes of a change; it stands beside the shards until the next generation is there.

    Attributes:
        base: digest of the manifest that is changed.
        removed: digest of the rows that go.
        input_digest: SHA-256 over the ids and texts that come.
        n_rows: how many they are.
        batch_rule: how the encoder makes batches of one shard's texts.
    """

    base: str
    removed: str
    input_digest: str
    n_rows: int
    batch_rule: str


def plan_change(base_digest: str, removed: Collection[int], input_digest: str, n_rows: int, batch_rule: str) -> Change:
    """A change of the set with this manifest; `removed` are row numbers counted over its live rows."""
    return Change(base_digest, digest_json(sorted(removed)), input_digest, n_rows, batch_rule)


def read_change(folder: Path) -> Change | None:
    """The change that a killed attempt left behind, None if there is none.

    Raises: FormatError if it cannot be read.
    """
    path = folder / CHANGE_FILE
    if not path.exists():
        return None
    stored = read_json(path, "the change of a set that is going on")
    check_fields(stored, {"format": int, **Change.__annotations__}, path)
    check_format(stored.pop("format"), FORMAT, path)
    return Change(**stored)


def replace_rows(
    folder: Path,
    base: tuple[Manifest, str],
    live_ids: Sequence[str],
    removed: Collection[int],
    change: Change,
    contents: Callable[[], Iterator[Content]],
    ids: Callable[[], Iterable[str]],
) -> None:
    """Make generation n+1 without some live rows, numbered over the live ones, and with new shards of other texts.

    An attempt that was killed is taken up by the same call; the shards of any other attempt are removed.

    Raises: MatryoError if an id is there already, the set has moved on since it was opened, the texts change while
        they are read or the disk is full; ShapeError and FormatError as `write_shards`.
    """
    manifest, _ = base
    gone = set(removed)

    def names() -> Iterator[str]:
        yield from (name for row, name in enumerate(live_ids) if row not in gone)
        yield from ids()

    n_read = check_ids(names) - (len(live_ids) - len(gone))
    if n_read != change.n_rows:
        raise MatryoError(f"{change.n_rows} texts were counted and {n_read} read; use texts that do not change")
    with only_writer(folder):
        _check_current(folder, base)
        _begin(folder, change, len(manifest.shards))
        ranges = row_ranges(change.n_rows, manifest.plan.shard_rows)
        added = write_shards(folder, manifest.plan, ranges, contents, first_number=len(manifest.shards))
        rows = LiveRows([shard.n_rows for shard in manifest.shards], manifest.deleted)
        deleted = tuple(sorted({*manifest.deleted, *rows.stored(sorted(gone)).tolist()}))
        _write_next(folder, base, shards=(*manifest.shards, *added), deleted=deleted)
        (folder / CHANGE_FILE).unlink()


def _begin(folder: Path, change: Change, n_shards: int) -> None:
    """Note what is going to be written; shards that another attempt left behind go first."""
    if read_change(folder) == change:
        return
    for suffix in (".parquet", ".safetensors"):
        for left in folder.glob(f"shard-*{suffix}"):
            if left.name >= f"{shard_name(n_shards)}{suffix}":
                left.unlink()
    write_json(folder / CHANGE_FILE, {"format": FORMAT, **asdict(change)})


def _write_next(
    folder: Path, base: tuple[Manifest, str], *, shards: tuple[Shard, ...], deleted: tuple[int, ...]
) -> None:
    manifest, digest = base
    changed = replace(manifest, generation=manifest.generation + 1, parent=digest, shards=shards, deleted=deleted)
    write_manifest(folder, changed)


def _check_current(folder: Path, base: tuple[Manifest, str]) -> None:
    current, digest = read_manifest(folder)
    if digest != base[1]:
        raise MatryoError(
            f"{folder} is at generation {current.generation} now, this set was opened at {base[0].generation}; "
            "open it again and repeat the change"
        )
