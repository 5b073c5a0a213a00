"""What a run did, collection by collection, and the file that keeps it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from matryo.collections.filling import Spent
from matryo.collections.job import Job
from matryo.collections.survey import Work
from matryo.embeddings.manifest import read_manifest
from matryo.files import read_json, write_json

SUMMARY_FILE = "summary.json"
COLLECTIONS_FILE = "collections.json"
FORMAT = 1


@dataclass(frozen=True)
class CollectionSummary:
    """One collection after a run.

    Attributes:
        name: of its set.
        n: texts in it now.
        n_new: texts with an id that was not there.
        n_changed: texts whose id was there with another text.
        n_removed: texts that are gone.
        n_duplicates: new and changed texts that are equal to another one of the tree, whose vector they got.
        n_empty: empty texts left out.
        n_encoded: texts that went through the model in this run.
        n_tokens: tokens of these, None if unknown.
        n_truncated: how many of these were longer than the model reads.
        seconds: time that encoding and writing took.
        n_bytes: size of the set's files, vectors and texts.
        saved_bytes: what the vectors would take more if they were not cut.
        generation: of the set.
        digest: of the set's manifest.
    """

    name: str
    n: int
    n_new: int
    n_changed: int
    n_removed: int
    n_duplicates: int
    n_empty: int
    n_encoded: int
    n_tokens: int | None
    n_truncated: int
    seconds: float
    n_bytes: int
    saved_bytes: int
    generation: int
    digest: str


def summarise(work: Work, spent: Spent, job: Job) -> CollectionSummary:
    """What a run did to one collection; its set is finished."""
    manifest, digest = read_manifest(work.stored.folder)
    cut = (job.full_width - job.space.width) * np.dtype(job.layout.dtype).itemsize
    return CollectionSummary(
        name=work.name,
        n=manifest.n_rows,
        n_new=len(work.fresh) - work.n_changed,
        n_changed=work.n_changed,
        n_removed=len(work.removed) - work.n_changed,
        n_duplicates=len(work.fresh) - work.n_encode,
        n_empty=work.n_empty,
        n_encoded=spent.n_encoded,
        n_tokens=spent.n_tokens,
        n_truncated=spent.n_truncated,
        seconds=round(spent.seconds, 2),
        n_bytes=sum(shard.vectors_bytes + shard.ids_bytes for shard in manifest.shards),
        saved_bytes=manifest.n_rows * cut,
        generation=manifest.generation,
        digest=digest,
    )


def write_summary(folder: Path, made: CollectionSummary) -> None:
    """Keep the summary of a set's last change beside it."""
    write_json(folder / SUMMARY_FILE, {"format": FORMAT, **asdict(made)})


def write_collections(out: Path, job: Job, made: Sequence[CollectionSummary]) -> bool:
    """Write what lies in a folder of collections, each with the summary of its last change: the last file of a run.

    Returns: whether it had to be written.
    """
    told = {one.name: _last_change(out / one.name, one) for one in made}
    content = {
        "format": FORMAT,
        "model": job.model,
        "space_id": job.space.id,
        "dim": job.space.width,
        "full_width": job.full_width,
        "dtype": job.layout.dtype,
        "split_tokens": job.layout.split_tokens,
        "overlap": job.layout.overlap,
        "collections": told,
    }
    path = out / COLLECTIONS_FILE
    if path.exists() and read_json(path, "the summary of a folder of collections") == content:
        return False
    write_json(path, content)
    return True


def _last_change(folder: Path, made: CollectionSummary) -> dict[str, Any]:
    """The summary that was written when the set changed last; that of this run if it is lost."""
    path = folder / SUMMARY_FILE
    stored = read_json(path, "the summary of a collection") if path.exists() else None
    if not isinstance(stored, dict) or stored.get("digest") != made.digest:
        stored = asdict(made)
    return {key: value for key, value in stored.items() if key not in ("format", "name")}
