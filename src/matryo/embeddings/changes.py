"""Changing a set: every change makes a new generation, which shares the shards of the one before."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import Manifest, Shard, read_manifest, write_manifest
from matryo.embeddings.plan import row_ranges
from matryo.embeddings.shards import ids_table, shard_name, write_shard
from matryo.embeddings.vectors import Vectors
from matryo.embeddings.writing import check_given, given
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

    Raises: ShapeError if the rows do not fit the set; MatryoError if an id is there already, texts are missing or not
        wanted, or the set has moved on since it was opened.
    """
    manifest, digest = base
    plan = manifest.plan
    check_given(vectors, ids, texts, plan)
    if (texts is not None) != plan.keep_texts:
        has, need = ("stores", "give one per row") if plan.keep_texts else ("stores no", "leave them out")
        raise MatryoError(f"{folder} {has} texts, got {'none' if texts is None else len(texts)}; {need}")
    check_ids(lambda: chain(live_ids, ids))
    with only_writer(folder):
        _check_current(folder, base)
        added = []
        ranges = row_ranges(vectors.n_rows, plan.shard_rows)
        for number, content in enumerate(given(vectors, ids, texts, ranges), start=len(manifest.shards)):
            # A killed append may have left files of this name; no manifest states them, so they are written over.
            table = ids_table(content.ids, content.texts)
            added.append(write_shard(folder, shard_name(number), content.vectors(), table, plan))
        _next(folder, manifest, digest, shards=(*manifest.shards, *added), deleted=manifest.deleted)


def delete_rows(folder: Path, base: tuple[Manifest, str], stored_rows: Sequence[int]) -> None:
    """Make generation n+1 without some live rows, numbered as stored.

    Raises: MatryoError if the set has moved on since it was opened.
    """
    manifest, digest = base
    with only_writer(folder):
        _check_current(folder, base)
        deleted = tuple(sorted({*manifest.deleted, *stored_rows}))
        _next(folder, manifest, digest, shards=manifest.shards, deleted=deleted)


def _next(
    folder: Path, manifest: Manifest, digest: str, *, shards: tuple[Shard, ...], deleted: tuple[int, ...]
) -> None:
    changed = replace(manifest, generation=manifest.generation + 1, parent=digest, shards=shards, deleted=deleted)
    write_manifest(folder, changed)


def _check_current(folder: Path, base: tuple[Manifest, str]) -> None:
    current, digest = read_manifest(folder)
    if digest != base[1]:
        raise MatryoError(
            f"{folder} is at generation {current.generation} now, this set was opened at {base[0].generation}; "
            "open it again and repeat the change"
        )
