"""What a killed run has finished, kept although the run that comes after it wants something else."""

from dataclasses import asdict, replace
from pathlib import Path

from matryo.embeddings.changes import CHANGE_FILE, Change, read_change
from matryo.embeddings.manifest import MANIFEST_FILE, Manifest, Shard, read_manifest, write_manifest
from matryo.embeddings.plan import PLAN_FILE, Plan, read_plan, shard_name, write_plan
from matryo.embeddings.rows import LiveRows
from matryo.embeddings.shards import finished_shard, ids_file, read_ids, vectors_file
from matryo.files import digest_json, only_writer


def adopt_build(folder: Path, wanted: Plan) -> bool:
    """Make a set of the whole shards of an unfinished first generation, if that was to become another one.

    Args:
        folder: of the set.
        wanted: plan of the build that comes; one with the same texts goes on by itself and is left alone.

    Returns: whether the folder is a set now, with fewer rows than were planned.
    Raises: FormatError if the plan cannot be read.
    """
    if (folder / MANIFEST_FILE).exists() or not (folder / PLAN_FILE).exists():
        return False
    planned = read_plan(folder)
    if planned == wanted or replace(planned, input_digest=wanted.input_digest, n_rows=wanted.n_rows) != wanted:
        return False  # the same, or another model, which the build will refuse
    with only_writer(folder):
        shards = _whole_shards(folder, 0, planned)
        if not shards:
            _remove_shards(folder, 0)
            (folder / PLAN_FILE).unlink()
            return False
        _remove_shards(folder, len(shards))
        stated = digest_json([asdict(shard) for shard in shards])
        plan = replace(planned, input_digest=stated, n_rows=sum(shard.n_rows for shard in shards))
        write_plan(folder, plan)
        write_manifest(folder, Manifest(generation=1, parent="", plan=plan, shards=tuple(shards)))
    return True


def adopt_change(folder: Path, wanted: Change) -> bool:
    """Make a generation of the whole shards of an unfinished change, if another change comes.

    Rows whose ids come again in these shards go; rows that were to go without coming again stay, for the change that
    comes to decide.

    Args:
        folder: of the set.
        wanted: the change that comes.

    Returns: whether the set is at a new generation now.
    Raises: FormatError if the note of the change cannot be read.
    """
    pending = read_change(folder)
    if pending is None or pending == wanted:
        return False
    with only_writer(folder):
        manifest, digest = read_manifest(folder)
        shards = [] if pending.base != digest else _whole_shards(folder, len(manifest.shards), manifest.plan)
        _remove_shards(folder, len(manifest.shards) + len(shards))
        if shards:
            new = {name for shard in shards for name in read_ids(folder, shard.name, shard.n_rows)}
            deleted = tuple(sorted({*manifest.deleted, *_live_rows(folder, manifest, new)}))
            write_manifest(
                folder,
                replace(
                    manifest,
                    generation=manifest.generation + 1,
                    parent=digest,
                    shards=(*manifest.shards, *shards),
                    deleted=deleted,
                ),
            )
        (folder / CHANGE_FILE).unlink()
    return bool(shards)


def clear_leftovers(folder: Path) -> None:
    """Remove what a killed run left in a finished set that need not change: notes and shards that no manifest states.

    Nothing reads them, but they take room, and the folder is not byte for byte that of a run which nobody disturbed.

    Raises: FormatError if the manifest cannot be read; MatryoError if another process writes there.
    """
    if not (folder / CHANGE_FILE).exists() and not any(folder.glob("*.tmp-*")):
        return
    with only_writer(folder):  # which removes the temporary files
        manifest, _ = read_manifest(folder)
        _remove_shards(folder, len(manifest.shards))
        (folder / CHANGE_FILE).unlink(missing_ok=True)


def _whole_shards(folder: Path, first_number: int, plan: Plan) -> list[Shard]:
    """Finished shards from a number on, up to the first one that is not."""
    found: list[Shard] = []
    while (shard := finished_shard(folder, shard_name(first_number + len(found)), plan)) is not None:
        found.append(shard)
    return found


def _remove_shards(folder: Path, first_number: int) -> None:
    """Remove shards from a number on; ids first, so that no half of one is taken for whole."""
    numbers = {int(path.stem.removeprefix("shard-")) for path in folder.glob("shard-*.*")}
    for number in sorted(number for number in numbers if number >= first_number):
        ids_file(folder, shard_name(number)).unlink(missing_ok=True)
        vectors_file(folder, shard_name(number)).unlink(missing_ok=True)


def _live_rows(folder: Path, manifest: Manifest, names: set[str]) -> list[int]:
    """Stored rows of the live ones among some ids."""
    rows = LiveRows([shard.n_rows for shard in manifest.shards], manifest.deleted)
    found: list[int] = []
    before = 0
    for number, shard in enumerate(manifest.shards):
        live = rows.within(number)
        chosen = range(shard.n_rows) if live is None else live.tolist()
        ids = read_ids(folder, shard.name, shard.n_rows)
        found += [before + row for row in chosen if ids[row] in names]
        before += shard.n_rows
    return found
