"""A tree of collections kept encoded: what is new or changed is encoded, the rest is left as it is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from matryo.collections.estimate import estimate
from matryo.collections.exports import Exports, export_files, push_sets, store_names
from matryo.collections.filling import SHARD_ROWS, Filler, Spent
from matryo.collections.job import JOB_FILE, Job, Layout, check_layout, check_space, read_job, write_job
from matryo.collections.model import RunModel
from matryo.collections.pieces import Splitter
from matryo.collections.summary import (
    CollectionSummary,
    summarise,
    write_collections,
    write_summary,
)
from matryo.collections.survey import Survey, Work, survey
from matryo.collections.table import collections_table
from matryo.data.chunk_tree import Left, find_collections
from matryo.data.open import is_retrieval
from matryo.embeddings import EmbeddingSet
from matryo.embeddings.adopting import clear_leftovers
from matryo.embeddings.manifest import MANIFEST_FILE
from matryo.embeddings.plan import DTYPES
from matryo.encoders.base import Encoder
from matryo.encoders.tokens import Tokens, check_split
from matryo.errors import MatryoError
from matryo.files import only_writer
from matryo.progress import Advance
from matryo.progress import progress as show_progress

Say = Callable[[str], None]


@dataclass(frozen=True)
class EncodedFolder:
    """What a run left in its folder.

    Attributes:
        out: folder of the sets.
        model: that encoded them.
        space_id: of their vectors.
        dim: numbers per vector.
        full_width: numbers per vector before the cut.
        collections: one summary each, by name.
        notes: what a reader must know, one sentence each.
        exported: files written and places pushed to.
    """

    out: Path
    model: str
    space_id: str
    dim: int
    full_width: int
    collections: tuple[CollectionSummary, ...]
    notes: tuple[str, ...]
    exported: tuple[str, ...]

    def table(self) -> str:
        """The summaries as a table for a terminal, with what was exported below."""
        return collections_table(self.collections, self.exported)


def encode_folder(
    folder: Path | str,
    model: str | Path | Encoder,
    dim: int | None = None,
    *,
    out: Path | str | None = None,
    load: Callable[[], Encoder] | None = None,
    max_tokens: int | None = None,
    allow_untrained: bool = False,
    cards: Path | None = None,
    dtype: str = "float32",
    split_tokens: int = 0,
    overlap: int = 0,
    exports: Sequence[str] = (),
    token: str | None = None,
    skip_bad: bool = False,
    shard_rows: int = SHARD_ROWS,
    say: Say | None = None,
    progress: bool = False,
) -> EncodedFolder:
    """Encode a tree of folders of chunked documents, one embedding set per folder, and keep them up to date.

    Called again it encodes only texts that are new or changed, takes out those that are gone, and writes nothing if
    nothing has changed; then the model is not even loaded. Equal texts are encoded once. Killed and called again it
    ends with the same bytes.

    Args:
        folder: the tree, see `find_collections`.
        model: name of a packaged model, a folder, a hub id, or an encoder.
        dim: prefix length to which the vectors are cut for keeps; None = full width.
        out: where the sets go, one folder each, with `collections.json`; not within the tree; None = beside the tree,
            in a folder of its name with "-sets" behind it.
        load: how the model is loaded when it is needed; None = `load_encoder(model, max_tokens=max_tokens)`.
        max_tokens: read at most this many tokens.
        allow_untrained: cut although nobody has shown that the model's prefix is good.
        cards: file with cards of models, besides the built-in ones.
        dtype: "float32" or "float16", as stored.
        split_tokens: split texts into pieces of so many of the model's tokens; 0 = do not.
        overlap: tokens that neighbouring pieces share.
        exports: "npy", "parquet", "chroma:PLACE", "milvus:PLACE".
        token: key of a Milvus cluster.
        skip_bad: leave out what cannot be read, count and list it, instead of stopping.
        shard_rows: texts per shard of new sets, the unit of memory and of resuming.
        say: told what is expected of a long run.
        progress: show rate and time left on stderr.

    Returns: a summary of each collection.
    Raises: FormatError for what cannot be read; SpaceError if `out` holds vectors of another model; MatryoError if it
        holds another dim or something else, another process writes there, the disk is full, or the model may not be
        cut to this dim.
    """
    folder = Path(folder)
    out = folder.resolve().with_name(f"{folder.resolve().name}-sets") if out is None else Path(out)
    _check_choices(folder, out, dtype, split_tokens, overlap)
    wanted, layout = Exports.parse(exports), Layout(dim, dtype, split_tokens, overlap)
    tree = Left(skip_bad)
    collections = find_collections(folder, tree)
    run = RunModel(model, load, dim=dim, max_tokens=max_tokens, cards=cards, allow_untrained=allow_untrained)
    with only_writer(out):
        job = _job(out, run, layout)
        gone = [name for name in _sets(out) if name not in {collection.name for collection in collections}]
        if wanted.stores:
            store_names([*(collection.name for collection in collections), *gone])
        splitter = None
        if split_tokens:
            splitter = Splitter(out, split_tokens, overlap, lambda: _tokens(run))
        look = partial(survey, collections, gone, out, skip_bad=skip_bad, pieces=splitter)
        filler = partial(_filler, out=out, job=job, run=run, skip_bad=skip_bad, pieces=splitter, shard_rows=shard_rows)
        found = look()
        if splitter is not None:
            splitter.save()
        if _keep_unfinished(found, filler):
            found = look()
        made = _bring_up_to_date(found, filler, run, job, say, progress)
        write_collections(out, job, made)
        names = [one.name for one in made]
        exported = [str(path) for path in export_files(out, names, wanted.files)] if wanted.files else []
        for location in wanted.stores:
            n_sent = push_sets(out, names, location, token, progress=progress)
            exported.append(f"{location} ({n_sent:,} vectors sent)")
    notes = [*run.notes, *tree.notes, *(f"{work.name}: {note}" for work in found.works for note in work.notes)]
    return EncodedFolder(
        out, job.model, job.space.id, job.space.width, job.full_width, tuple(made), tuple(notes), tuple(exported)
    )


def _check_choices(folder: Path, out: Path, dtype: str, split_tokens: int, overlap: int) -> None:
    tree, sets = folder.resolve(), out.resolve()
    if sets.is_relative_to(tree) or tree.is_relative_to(sets):
        raise MatryoError(f"{out} and {folder} must not lie within each other; choose a folder beside the texts")
    if dtype not in DTYPES:
        raise MatryoError(f"dtype must be one of {', '.join(DTYPES)}, got {dtype!r}; choose one of these")
    if split_tokens or overlap:
        check_split(split_tokens, overlap)


def _job(out: Path, run: RunModel, layout: Layout) -> Job:
    """What the folder is for: as it was noted, or as this run notes it.

    The model is loaded if nothing says that it is the one of last time.
    """
    job = read_job(out)
    if job is not None:
        check_layout(out, job, layout)
        if run.fingerprint and run.fingerprint == job.fingerprint:
            return job
        check_space(out, job, run.encoder.space, run.name)
        if job.fingerprint != run.fingerprint:
            job = replace(job, fingerprint=run.fingerprint)
            write_job(out, job)
        return job
    job = Job(run.name, run.fingerprint, run.encoder.space, run.full.width, layout)
    write_job(out, job)
    return job


def _sets(out: Path) -> list[str]:
    return sorted(path.parent.name for path in out.glob(f"*/{MANIFEST_FILE}"))


def _tokens(run: RunModel) -> Tokens:
    if run.tokens is None:
        raise MatryoError(f"{run.name} has no tokenizer that can be asked; leave --split-tokens out")
    return run.tokens


def _filler(
    found: Survey, *, out: Path, job: Job, run: RunModel, skip_bad: bool, pieces: Splitter | None, shard_rows: int
) -> Filler:
    # files of the same names, sizes and times can hold other weights; now that they are loaded it is seen
    check_space(out, job, run.encoder.space, run.name)
    return Filler(
        found.works,
        found.known,
        run.encoder,
        run.tokens,
        dtype=job.layout.dtype,
        skip_bad=skip_bad,
        pieces=pieces,
        shard_rows=shard_rows,
    )


def _keep_unfinished(found: Survey, make: Callable[[Survey], Filler]) -> bool:
    """Keep what a killed run has encoded of texts that have changed since; whether a set has."""
    fresh = [work for work in found.works if work.fresh]
    if not fresh:
        return False
    filler = make(found)
    return any([filler.adopt(work) for work in fresh])  # every one, not up to the first


def _bring_up_to_date(
    found: Survey, make: Callable[[Survey], Filler], run: RunModel, job: Job, say: Say | None, progress: bool
) -> list[CollectionSummary]:
    """Write what has to be written, and summarise every collection that has a set."""
    n_encode = sum(work.n_encode for work in found.works)
    n_fresh = sum(len(work.fresh) for work in found.works)
    filler = make(found) if n_fresh else None
    n_done = 0 if filler is None else sum(filler.n_kept(work, place) for place, work in enumerate(found.works))
    if n_encode > n_done and say is not None:
        say(str(estimate(run.encoder, run.tokens, found.sample, n_fresh, job.layout.dtype, n_done)))
    made = []
    with show_progress("encode", n_encode, "texts", shown=progress and n_encode > 0, done=n_done) as advance:
        for number, work in enumerate(found.works):
            spent = _bring_set(work, number, filler, advance)
            if work.stored.base is None and not work.fresh:
                continue  # nothing in it that can be read, which its notes say
            made.append(summarise(work, spent, job))
            if not work.idle:
                write_summary(work.stored.folder, made[-1])
    return made


def _bring_set(work: Work, number: int, filler: Filler | None, advance: Advance) -> Spent:
    if filler is not None and not work.idle:
        return filler.write(work, number, advance)
    if work.stored.base is not None:
        clear_leftovers(work.stored.folder)
    if work.idle:
        return Spent()
    # rows that go need no model
    live = list(work.stored.live())
    EmbeddingSet.open(work.stored.folder).delete([live[row] for row in work.removed])
    return Spent()


def is_tree(folder: Path, out: Path) -> bool:
    """Whether a folder is meant as a tree of collections: `out` has been made from one, or it is no retrieval task."""
    return folder.is_dir() and ((out / JOB_FILE).exists() or not is_retrieval(folder))
