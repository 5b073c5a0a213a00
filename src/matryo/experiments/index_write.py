"""Building the folder of an index: in a place of its own beside the target, and renamed when it is whole."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from matryo.data.texts import Texts
from matryo.embeddings import EmbeddingSet
from matryo.embeddings.manifest import read_manifest
from matryo.errors import MatryoError
from matryo.experiments.index_build import make_index
from matryo.experiments.index_folder import (
    CALIBRATED_FILE,
    PASSAGES_FILE,
    SEARCH_FILE,
    IndexNote,
    read_note,
    set_model,
)
from matryo.experiments.index_queries import Calibration, calibration_queries, load_model
from matryo.experiments.index_settings import IndexSettings
from matryo.experiments.settings import ModelSettings
from matryo.files import only_writer, write_json, write_text
from matryo.search import Index, Passages, build_passages


@dataclass(frozen=True)
class BuiltIndex:
    """What `build_folder` made or found.

    Attributes:
        name: label of the index.
        n_rows: rows indexed.
        there: whether it was there already.
        build_s: seconds that the building took.
        plan: shortlists or settings that were chosen, in words; "" if none.
        notes: what a reader must know, one sentence each.
    """

    name: str
    n_rows: int
    there: bool
    build_s: float
    plan: str
    notes: tuple[str, ...]


def build_folder(
    set_folder: Path,
    out: Path,
    settings: IndexSettings,
    *,
    queries: Path | None = None,
    model: ModelSettings | None = None,
    passages: Path | None = None,
    k: int = 10,
    seed: int = 0,
    progress: bool = False,
) -> BuiltIndex:
    """Build an index of a set as a folder that can be searched by text.

    The folder is there as a whole or, empty, not at all. The same call on a finished folder changes nothing.

    Args:
        set_folder: the set.
        out: where the index goes.
        settings: what to build.
        queries: for a recall: a set of queries, a retrieval folder, "stdlib" or a file of texts; None = rows of the
            set stand in.
        model: how to run the model of the set; an empty name, or None, stands for the one noted beside the set.
        passages: file of passages for a set that stores no texts.
        k: hits per query that the recall is of.
        seed: of the draw of sample queries.
        progress: show steps on stderr.

    Raises: MatryoError if the set is empty, the folder holds something else, or another process builds there; what
        `make_index` and `calibration_queries` raise.
    """
    started = perf_counter()
    documents = EmbeddingSet.open(set_folder)
    if documents.n_rows == 0:
        raise MatryoError(f"{set_folder} is an empty set, an index needs at least one row; encode some texts")
    chosen = set_model(documents, model)
    if passages is not None:
        _check_passages(passages, documents)
    with _building(out) as temporary:
        sample = None
        if settings.recall is not None:
            sample = calibration_queries(documents, queries, chosen, seed=seed, progress=progress)
        elif queries is not None:
            raise MatryoError(f"sample queries are used to reach a recall, got {queries} and no recall; give --recall")
        elif model is not None and model.name:
            load_model(model, str(set_folder), documents.space)
        note = _note(documents, settings, chosen, passages, sample, k)
        notes = () if sample is None else sample.notes
        if any(out.iterdir()):
            held = _held(out, note)
            return BuiltIndex(settings.name, documents.n_rows, True, held.build_s, "", ())
        index = make_index(
            settings,
            documents,
            calibration=None if sample is None else sample.queries,
            own_rows=None if sample is None else sample.own_rows,
            k=k,
            progress=progress,
        )
        index.save(temporary)
        if sample is not None and sample.texts:
            write_text(temporary / CALIBRATED_FILE, "\n".join(sample.texts) + "\n")
        finished = IndexNote(**{**vars(note), "build_s": perf_counter() - started})
        _write_passages(documents, note, temporary, progress)
        write_json(temporary / SEARCH_FILE, finished.to_json())
        temporary.rename(out.resolve())
    return BuiltIndex(settings.name, documents.n_rows, False, finished.build_s, _plan(index, settings), notes)


def _check_passages(path: Path, documents: EmbeddingSet) -> None:
    """Refuse a file that lacks the set's first or last text."""
    with Passages.open(path) as passages:
        ids = documents.ids()
        passages.texts([ids[0], ids[-1]])


def _note(
    documents: EmbeddingSet,
    settings: IndexSettings,
    model: ModelSettings | None,
    passages: Path | None,
    sample: Calibration | None,
    k: int,
) -> IndexNote:
    stored = read_manifest(documents.folder)[0].plan.keep_texts and passages is None
    name = "" if model is None else str(Path(model.name).resolve()) if Path(model.name).is_dir() else model.name
    return IndexNote(
        set=str(documents.folder.resolve()),
        set_digest=documents.digest,
        space_id=documents.space.id,
        settings=settings.model_dump(mode="json"),
        k=k,
        model=name,
        max_tokens=0 if model is None else model.max_tokens or 0,
        model_dim=0 if model is None else model.dim or 0,
        passages=PASSAGES_FILE if stored else "" if passages is None else str(passages.resolve()),
        calibration={} if sample is None else sample.to_json(),
        build_s=0.0,
    )


@contextmanager
def _building(out: Path) -> Iterator[Path]:
    """Lock a folder, made if missing, and give the name of a folder beside it to build in.

    On failure the locked folder stays, empty: removing it would let two others lock two folders of the same name.
    """
    target = out.resolve()
    temporary = target.with_name(f"{target.name}.tmp-index")
    with only_writer(out):
        try:
            # what a killed build left behind; nobody else builds under this name while the lock is held
            shutil.rmtree(temporary, ignore_errors=True)
            yield temporary
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _held(out: Path, note: IndexNote) -> IndexNote:
    """The note of a finished folder that is the one asked for.

    Raises: MatryoError if it is another one, or no index at all.
    """
    if not (out / SEARCH_FILE).exists():
        names = ", ".join(sorted(path.name for path in out.iterdir())[:3])
        raise MatryoError(f"{out} must be empty, missing or a finished index, it holds {names}; choose another folder")
    held = read_note(out)
    if not held.same_index(note):
        changed = [name for name in vars(note) if name != "build_s" and vars(note)[name] != vars(held)[name]]
        if "set_digest" in changed:
            why = "its set has changed since" if held.set == note.set else "it is of another set"
        else:
            why = f"it differs in {', '.join(sorted(changed))}"
        raise MatryoError(
            f"{out} holds another index already, {held.name} of {held.set}, {why}; delete it or choose another folder"
        )
    return held


def _write_passages(documents: EmbeddingSet, note: IndexNote, folder: Path, progress: bool) -> None:
    if note.passages != PASSAGES_FILE:
        return
    texts = Texts.of(documents.ids(), documents.texts() or [], name=documents.folder.name)
    build_passages(texts, folder / PASSAGES_FILE, progress=progress).close()


def _plan(index: Index, settings: IndexSettings) -> str:
    """What was chosen for the recall, in words."""
    if settings.recall is None:
        return ""
    facts = index.facts().settings
    if plan := facts.get("plan"):
        stages = " -> ".join(f"{size:,}@{dim}" for dim, size in plan["stages"])
        return f"{stages}; recall@{plan['k']} at least {plan['recall_lower']:.4f}, {plan['confidence']:.0%} confidence"
    chosen = [f"{name}={value:g}" for name, value in facts.get("settings", {}).items()]
    return ", ".join([*chosen, f"shortlist {facts['shortlist'] or 'as usual'}"])
