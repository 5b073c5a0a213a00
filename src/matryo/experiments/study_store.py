"""A study's vectors in Chroma: one collection for the native vectors of each space, one for each translation.

Held-out texts, or all of them, by the study's choice. What is stored already is not sent again, and what Chroma
answered about it is not asked again.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.embeddings.manifest import MANIFEST_FILE
from matryo.errors import MatryoError
from matryo.evaluation.results import ExtraTable
from matryo.experiments.store_compare import Lists, agreement, drawn_ids, neighbour_lists, values_of
from matryo.experiments.study_config import Job, StoreConfig, StudyConfig
from matryo.experiments.translate_apply import apply_map
from matryo.experiments.translation_note import TranslationNote, note_translation
from matryo.files import digest_json, read_json, write_json
from matryo.maps import check_source, load_map
from matryo.maps.storing import read_manifest
from matryo.progress import progress as show_progress
from matryo.search.stores import ChromaStore, Location, Origin
from matryo.search.stores.chroma import ChromaEngine
from matryo.search.stores.contents import Contents, stores

if TYPE_CHECKING:
    from matryo.experiments.study_spaces import MadeSpace

STORED_FILE = "stored.json"
TABLE = "store"
K = 10
ASKED = 200
_FORMAT = 1
_HELD_OUT = "held-out"
_MAP_FOLDER = "map"
_SET_FOLDER = "set"
_BATCH = 5_000  # rows of one request, fewer where Chroma takes fewer: each costs a commit
_LONGEST_NAME = 190  # a store's name has at most 200 characters


@dataclass(frozen=True)
class StoredStudy:
    """What `store_study` did.

    Attributes:
        location: where the collections are, as the commands `matryo store ...` take it.
        n_collections: how many there are now.
        n_sent: vectors that were sent; 0 if all were there.
        table: each translation beside the native vectors that it imitates, both answered by Chroma.
    """

    location: str
    n_collections: int
    n_sent: int
    table: ExtraTable


@dataclass(frozen=True)
class _Kept:
    """A set and the collection that is to hold it."""

    name: str
    vectors: EmbeddingSet
    origin: Origin


def store_study(
    config: StudyConfig,
    spaces: Mapping[str, "MadeSpace"],
    jobs: Sequence[Job],
    run: Path,
    *,
    held_ids: Sequence[str],
    texts_name: str,
    progress: bool = False,
) -> StoredStudy:
    """Push the native vectors of every space and the translated ones of every job, and ask Chroma about both.

    In a folder of the run, what an earlier config of this study stored and this one does not name is dropped.

    Args:
        config: with `store`.
        spaces: by name, those of all jobs.
        jobs: finished ones, each with its map in its folder; the translated set is written beside the map.
        run: folder of the run.
        held_ids: documents that no translator was fitted on.
        texts_name: name of the texts.
        progress: show collections and time left.

    Raises: MatryoError if the study has no store, Chroma does not answer, or a server holds another run's vectors under
        one of the names; MissingExtra if chromadb is not installed.
    """
    if config.store is None:
        raise MatryoError("the study's config has no store, so that nothing can be stored; add `store: {}` to it")
    location = study_location(config.store, run)
    names = _Names(config, texts_name)
    rows = config.store.rows
    held = set(held_ids) if rows == _HELD_OUT else None
    engine = ChromaEngine(location.place)
    found = stores(engine)
    n_sent, native, translated = 0, dict[str, _Kept](), list[_Kept]()
    with show_progress("store", len(spaces) + len(jobs), "collections", shown=progress) as advance:
        for name, space in spaces.items():
            native[name] = _native(names, space, run, held, texts_name, rows)
            n_sent += _push(engine, found, native[name], location)
            advance(1)
        for job in jobs:
            translated.append(_translated(names, job, spaces, run, held, texts_name, rows))
            n_sent += _push(engine, found, translated[-1], location)
            advance(1)
    if not _is_server(location):
        _drop_others(engine, found, {kept.name for kept in (*native.values(), *translated)}, texts_name)
    table = _table(engine, config.store, jobs, translated, native, run)
    return StoredStudy(str(location), len(native) + len(translated), n_sent, table)


def study_location(store: StoreConfig, run: Path) -> Location:
    """Where a study's collections are: a folder inside the run's, or a server.

    >>> str(study_location(StoreConfig(), Path("runs/fast")))
    'chroma:runs/fast/chroma'
    """
    given = Location.parse(store.location)
    return given if _is_server(given) else Location(given.engine, str(run / given.place))


def store_name(*parts: str) -> str:
    """Name of a store made of parts that may hold any character.

    >>> store_name("stdlib", "minilm", "my-model", "mlp1-8x", "seed0")
    'stdlib__minilm__my_model__mlp1_8x__seed0'
    """
    name = "__".join(re.sub(r"[^A-Za-z0-9]+", "_", part).strip("_") for part in parts)
    name = name if name[:1].isalpha() else f"texts_{name}"
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 17]}_{digest_json(name)[:16]}"


def translated_set(job: Job, source: EmbeddingSet, run: Path, held: set[str] | None) -> EmbeddingSet:
    """The translated vectors of a job as a set beside its map; written only where it is not there already.

    Args:
        job: finished.
        source: every document in the space that the job translates from.
        run: folder of the run.
        held: ids to translate; None = all, with their texts.

    Raises: SpaceError if the map reads another space than the source's.
    """
    folder = job.folder(run) / _SET_FOLDER
    target_id = read_manifest(job.folder(run) / _MAP_FOLDER)["target_id"]
    ids = [id for id in source.ids() if held is None or id in held]
    if (folder / MANIFEST_FILE).exists():
        there = EmbeddingSet.open(folder)
        if there.space.id == target_id and there.ids() == ids:
            return there
    # of an earlier map or other texts; nothing else lies there
    shutil.rmtree(folder, ignore_errors=True)
    fitted = load_map(job.folder(run) / _MAP_FOLDER)
    if held is None:
        apply_map(fitted, source.folder, folder, toward_name=job.target)
    else:
        check_source(fitted, source.space)
        places = np.array([row for row, id in enumerate(source.ids()) if id in held], dtype=np.int64)
        EmbeddingSet.from_numpy(
            folder, fitted.apply(source.take(places, 0, source.width)), ids, space=fitted.target, role=source.role,
            prompt=source.prompt,
        )  # fmt: skip
    note_translation(folder, TranslationNote.of(fitted, job.source, job.target))
    return EmbeddingSet.open(folder)


class _Names:
    """Names of a study's stores; on a server, which others use too, the study's own name comes first."""

    def __init__(self, config: StudyConfig, texts_name: str) -> None:
        server = config.store is not None and "://" in config.store.location
        self._first = (config.name, texts_name) if server else (texts_name,)

    def native(self, space: str) -> str:
        return store_name(*self._first, space)

    def translated(self, job: Job) -> str:
        return store_name(*self._first, job.source, job.target, job.translator.slug, f"seed{job.seed}")


def _is_server(location: Location) -> bool:
    return "://" in location.place


def _native(names: _Names, space: "MadeSpace", run: Path, held: set[str] | None, texts_name: str, rows: str) -> _Kept:
    given = space.documents
    vectors = given if held is None else _held_set(given, run / "spaces" / space.name / _HELD_OUT, held)
    id = given.space.id
    return _Kept(names.native(space.name), vectors, Origin(texts_name, space.name, id, space.name, id, rows=rows))


def _held_set(documents: EmbeddingSet, folder: Path, held: set[str]) -> EmbeddingSet:
    """Held-out rows of a space as a set of their own."""
    ids = [id for id in documents.ids() if id in held]
    if (folder / MANIFEST_FILE).exists():
        there = EmbeddingSet.open(folder)
        if there.space.id == documents.space.id and there.ids() == ids:
            return there
    shutil.rmtree(folder, ignore_errors=True)
    places = np.array([row for row, id in enumerate(documents.ids()) if id in held], dtype=np.int64)
    return EmbeddingSet.from_numpy(
        folder, documents.take(places, 0, documents.width), ids, space=documents.space, role=documents.role,
        prompt=documents.prompt,
    )  # fmt: skip


def _translated(
    names: _Names, job: Job, spaces: Mapping[str, "MadeSpace"], run: Path, held: set[str] | None, texts_name: str,
    rows: str,
) -> _Kept:  # fmt: skip
    source, target = spaces[job.source].documents, spaces[job.target].documents
    vectors = translated_set(job, source, run, held)
    origin = Origin(
        texts_name, job.source, source.space.id, job.target, target.space.id, job.translator.name,
        vectors.space.maps[-1].rpartition(":")[2], str(job.seed), rows,
    )  # fmt: skip
    return _Kept(names.translated(job), vectors, origin)


def _push(engine: ChromaEngine, found: Mapping[str, Contents], kept: _Kept, location: Location) -> int:
    """Push a set unless it is there; how many vectors were sent.

    In a folder of the run an earlier run's vectors of the same name are replaced, on a server they may be another's.
    """
    own = not _is_server(location)
    there = found.get(kept.name)
    if there is not None and there.any.set_digest == kept.vectors.digest:
        if there.complete and there.any.origin == kept.origin:
            return 0
    elif there is not None and not own:
        raise MatryoError(
            f"{location} has a store {kept.name} of another run; drop it with `matryo store drop {location} "
            f"{kept.name}`, or give the study another name"
        )
    store = ChromaStore(engine, kept.name)
    return store.push(kept.vectors, batch=_BATCH, replace=own, origin=kept.origin).n_sent


def _drop_others(engine: ChromaEngine, found: Mapping[str, Contents], wanted: set[str], texts_name: str) -> None:
    """Drop collections of translators or spaces that the study has no more: they would stand beside others' vectors."""
    for name, contents in found.items():
        origin = contents.any.origin
        if name in wanted or origin is None or origin.texts != texts_name:
            continue
        ways = () if origin.native else (origin.target, origin.map, f"seed{origin.seed}")
        # under another name somebody else has put it there
        if name == store_name(texts_name, origin.source, *ways):
            ChromaStore(engine, name).drop()


def _table(
    engine: ChromaEngine,
    store: StoreConfig,
    jobs: Sequence[Job],
    translated: Sequence[_Kept],
    native: Mapping[str, _Kept],
    run: Path,
) -> ExtraTable:
    """What Chroma answers about each translation; answers about the same vectors are read from the run's folder."""
    known, lists = _read_answers(run / STORED_FILE), dict[str, Lists]()
    answers: dict[str, Any] = {}
    lines = []
    for job, kept in zip(jobs, translated, strict=True):
        beside = native[job.target]
        k = min(K, kept.vectors.n_rows - 1)
        asked = drawn_ids(sorted(kept.vectors.ids()), ASKED, 0)
        what = [kept.vectors.digest, beside.vectors.digest, k, len(asked), store.location]
        answer = known.get(kept.name)
        if answer is None or answer["of"] != what:
            if job.target not in lists:
                lists[job.target] = neighbour_lists(ChromaStore(engine, beside.name), beside.name, asked, k)
            ours = neighbour_lists(ChromaStore(engine, kept.name), kept.name, asked, k)
            compared = agreement(ours, lists[job.target], n_candidates=kept.vectors.n_rows - 1)
            mutual = values_of(compared)["mutual neighbours"]
            answer = {"of": what, **asdict(mutual), "chance": float(compared.chance[-1])}
        answers[kept.name] = answer
        lines.append(
            (
                kept.name,
                job.source,
                job.target,
                job.translator.name,
                job.seed,
                store.rows,
                answer["value"],
                answer["low"],
                answer["high"],
                answer["chance"],
            )
        )
    write_json(run / STORED_FILE, {"format": _FORMAT, "answers": answers})
    measure = f"mutual neighbours@{K}"
    return ExtraTable(
        TABLE,
        "Collections of translated vectors beside the native ones, both answered by Chroma",
        ("name", "from", "to", "map", "seed", "rows", measure, f"{measure} low", f"{measure} high", "chance"),
        tuple(lines),
        (f"at most {ASKED} texts ask for {K} neighbours each by their own vectors in {store.location}",),
    )


def _read_answers(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    stored = read_json(path, "what Chroma answered about a study")
    if not isinstance(stored, dict) or stored.get("format") != _FORMAT:
        return {}
    return dict(stored["answers"])
