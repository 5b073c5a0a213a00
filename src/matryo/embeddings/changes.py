"""Changing a set: every change makes a new generation, which shares the shards of the one before."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import Manifest, Shard, read_manifest, write_manifest
from matryo.embeddings.plan import row_ranges, shard_name
from matryo.embeddings.shards import ids_table, stored_rows, write_shard
from matryo.embeddings.vectors import Vectors
from matryo.embeddings.writing import given
from matryo.errors import MatryoError
from matryo.files import only_writer


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
