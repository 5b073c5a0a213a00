"""What the commands `matryo store ...` do: push a set into a store, ask a question, list, drop."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matryo.embeddings import EmbeddingSet
from matryo.experiments.encoding import truncation_note
from matryo.experiments.index_queries import load_model
from matryo.experiments.settings import ModelSettings
from matryo.experiments.translation_note import origin_of, with_names
from matryo.search.passages import Passages
from matryo.search.stores import Location, Origin, Pushed
from matryo.search.stores.base import BATCH, MISSING
from matryo.search.stores.contents import Contents


@dataclass(frozen=True)
class Answer:
    """One hit of a question.

    Attributes:
        rank: 1 for the best.
        score: cosine at the dim that was searched.
        id: name of the text.
        text: the text, "" if no passages were given.
    """

    rank: int
    score: float
    id: str
    text: str


@dataclass(frozen=True)
class Answers:
    """What was found, and what a reader must know, one sentence each."""

    hits: tuple[Answer, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class StoreFacts:
    """A store as a line of a list.

    Attributes:
        name: of the store.
        n_rows: rows of the set that was pushed.
        dims: dims that can be searched.
        width: numbers of a vector before it was cut.
        space_id: identity of the space.
        set_digest: digest of the pushed set's manifest.
        generation: generation of that set.
        complete: whether the push came to its end.
        origin: models and map that the vectors come from, None if nobody told.
    """

    name: str
    n_rows: int
    dims: tuple[int, ...]
    width: int
    space_id: str
    set_digest: str
    generation: int
    complete: bool
    origin: Origin | None = None


def push_to_store(
    vectors: Path,
    location: Location,
    name: str,
    *,
    dims: Sequence[int] | None = None,
    batch: int = BATCH,
    replace: bool = False,
    texts: str = "",
    token: str | None = None,
    progress: bool = False,
) -> Pushed:
    """Push the embedding set in a folder; the same call goes on where an interrupted one was.

    The notes beside the set tell which model encoded it and, of a translated set, by which map; the name of the model
    that it imitates is that of a native store in the same place. `texts` names the texts, "" if that is not told.

    Raises: MatryoError and MissingExtra as `Store.push`; FormatError if the folder is no finished set.
    """
    opened = EmbeddingSet.open(vectors)
    origin = origin_of(opened, texts, "all")
    if not origin.native and not origin.target:
        origin = with_names(origin, _native_names(location.stores(token)))
    store = location.store(name, token)
    return store.push(opened, dims=dims, batch=batch, replace=replace, progress=progress, origin=origin)


def ask_store(
    location: Location,
    name: str,
    question: str,
    model: ModelSettings,
    *,
    k: int = 10,
    dim: int | None = None,
    passages: Path | None = None,
    token: str | None = None,
) -> Answers:
    """Encode a question and search for it.

    Args:
        location: where the store is.
        name: of the store.
        question: any text.
        model: the model that encoded the pushed set; of a translated set the one that it imitates, which a note says.
        k: hits.
        dim: prefix length to compare, None for the largest that was pushed.
        passages: SQLite file with the texts, None to show ids alone.
        token: key of a Milvus cluster.

    Raises: SpaceError if the model's space is not the store's; MatryoError as `Store.search`.
    """
    store = location.store(name, token)
    stored = store.space
    encoder, notes = load_model(model, f"the store {name}", stored)
    hits = store.search(encoder.encode([question], "query"), k, dim)
    ids = [id for id in hits.ids[0].tolist() if id != MISSING]
    texts = [""] * len(ids)
    if passages is not None:
        with Passages.open(passages) as opened:
            texts = opened.texts(ids)
    scores = hits.scores[0].tolist()
    found = [
        Answer(rank, scores[rank - 1], id, text) for rank, (id, text) in enumerate(zip(ids, texts, strict=True), 1)
    ]
    return Answers(tuple(found), (*notes, *truncation_note(encoder)))


def list_stores(location: Location, *, token: str | None = None) -> list[StoreFacts]:
    """Every store of an engine, by name.

    Raises: MatryoError if the engine does not answer.
    """
    found = location.stores(token)
    names = _native_names(found)
    return [
        StoreFacts(
            name,
            contents.any.n_rows,
            contents.any.dims,
            contents.any.space.width,
            contents.any.space.id,
            contents.any.set_digest,
            contents.any.generation,
            contents.complete,
            contents.any.origin and with_names(contents.any.origin, names),
        )
        for name, contents in found.items()
    ]


def _native_names(found: dict[str, Contents]) -> dict[str, str]:
    """Space id -> name of the model, of stores that hold its native vectors."""
    origins = [contents.any.origin for contents in found.values()]
    return {origin.source_space: origin.source for origin in origins if origin and origin.native and origin.source}


def drop_store(location: Location, name: str, *, token: str | None = None) -> None:
    """Remove a store.

    Raises: MatryoError if there is none of this name, or the engine does not answer.
    """
    location.store(name, token).drop()
