"""Checking a set on disk: every file read again and compared with what the manifest states."""

from itertools import chain
from pathlib import Path

from matryo.embeddings.ids import check_ids
from matryo.embeddings.manifest import MANIFEST_FILE, Manifest, Shard, generation_file, read_manifest
from matryo.embeddings.plan import read_plan
from matryo.embeddings.shards import check_sizes, ids_file, map_blocks, read_ids, vectors_file
from matryo.errors import FormatError, MatryoError
from matryo.files import digest_file


def verify_set(folder: Path | str) -> list[str]:
    """Find what is damaged in a set.

    Args:
        folder: where the set is.

    Returns: one readable line per problem; none if the set is whole.
    """
    folder = Path(folder)
    try:
        manifest, _ = read_manifest(folder)
    except FormatError as error:
        return [str(error)]
    problems = [*_plan(folder, manifest), *_generations(folder, manifest)]
    damaged = [problem for shard in manifest.shards for problem in _shard(folder, shard, manifest)]
    if damaged:
        return problems + damaged
    deleted = set(manifest.deleted)
    stored = list(chain.from_iterable(read_ids(folder, shard.name, shard.n_rows) for shard in manifest.shards))
    try:
        check_ids(lambda: (name for row, name in enumerate(stored) if row not in deleted))
    except MatryoError as error:
        problems.append(f"{folder}: {error}")
    return problems


def _plan(folder: Path, manifest: Manifest) -> list[str]:
    try:
        same = read_plan(folder) == manifest.plan
    except FormatError as error:
        return [str(error)]
    return [] if same else [f"{folder} has a plan that is not its manifest's; restore both from one copy"]


def _generations(folder: Path, manifest: Manifest) -> list[str]:
    """Every generation states the digest of the one before: the chain must be whole down to the first."""
    problems = []
    child, expected = manifest, digest_file(folder / MANIFEST_FILE)
    for generation in range(manifest.generation, 0, -1):
        path = folder / generation_file(generation)
        if not path.exists() or digest_file(path) != expected:
            state = "differs from its digest" if path.exists() else "is missing"
            problems.append(f"{path} {state}; restore it from a copy")
            break
        if generation > 1:
            child, _ = read_manifest(folder, generation)
            expected = child.parent
    return problems


def _shard(folder: Path, shard: Shard, manifest: Manifest) -> list[str]:
    try:
        check_sizes(folder, [shard])
    except FormatError as error:
        return [str(error)]
    stated = {vectors_file(folder, shard.name): shard.vectors_sha256, ids_file(folder, shard.name): shard.ids_sha256}
    changed = [
        f"{path} was changed since it was written, its digest differs; restore it from a copy or encode again"
        for path, digest in stated.items()
        if digest_file(path) != digest
    ]
    if changed:
        return changed
    # Only bytes that are as they were written go through a parser.
    try:
        map_blocks(folder, shard.name, shard.n_rows, manifest.plan)
        for column in ("id", "text") if manifest.plan.keep_texts else ("id",):
            read_ids(folder, shard.name, shard.n_rows, column)
    except FormatError as error:
        return [str(error)]
    return []
