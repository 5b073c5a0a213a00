"""What a probe is given: a model or bare vectors, with texts, with judgements, or with neither."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.data import Retrieval, Texts, open_texts
from matryo.embeddings import EmbeddingSet, as_vectors
from matryo.encoders import PACKAGED, Encoder, encode_to_set
from matryo.encoders.certificate import ProbedTexts
from matryo.errors import FormatError, MatryoError
from matryo.evaluation.geometry import MOST_ROWS
from matryo.evaluation.probe_quality_enough import check_enough_queries
from matryo.experiments.encoding import STDLIB, noted_model, open_task, truncation_note
from matryo.experiments.settings import ModelSettings
from matryo.files import digest_file
from matryo.measures.judged import Judged, judge
from matryo.prefix import Array, check_matrix, row_norms
from matryo.space import Space, same_space

_UNIT = 1e-2


@dataclass(frozen=True)
class Asked:
    """Queries with what answers them.

    Attributes:
        vectors: (n, width) float32, in the order of `judged`.
        judged: what is relevant, in rows of the documents.
        groups: query id -> group; {} = every query is its own.
        dataset: name.
    """

    vectors: Array
    judged: Judged
    groups: Mapping[str, str]
    dataset: str


@dataclass(frozen=True)
class Probed:
    """What is measured.

    Attributes:
        name: of the model or the vectors.
        space: where all vectors lie.
        documents: a set on disk, or a matrix.
        texts: what they are vectors of.
        own: whether the texts are the user's, not the standard library's.
        asked: queries and judgements, None for the geometry alone.
        folder: of the model, where its certificate belongs; None = the user's data folder.
        findable: whether a certificate of this space can be found again; a bare file's space is only its content.
        encoder: None for vectors.
        notes: what a reader must know, one sentence each.
    """

    name: str
    space: Space
    documents: EmbeddingSet | NDArray[Any]
    texts: ProbedTexts
    own: bool
    asked: Asked | None = None
    folder: Path | None = None
    findable: bool = True
    encoder: Encoder | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def n(self) -> int:
        """Documents."""
        return as_vectors(self.documents).n_rows

    def sample(self, n: int, seed: int) -> Array:
        """At most n of the documents' vectors, (m, width) float32, drawn at random, in their order."""
        if self.n <= n:
            return as_vectors(self.documents).read(slice(0, self.n), 0, self.space.width)
        rows = np.sort(np.random.default_rng(seed).permutation(self.n)[:n])
        if isinstance(self.documents, EmbeddingSet):
            return self.documents.take(rows, 0, self.space.width)
        return self.documents[rows].astype(np.float32, copy=False)


def probed_model(
    model: ModelSettings,
    texts: str | None,
    folder: Path,
    *,
    split: str | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    progress: bool = False,
) -> Probed:
    """Load a model and encode what it is to be probed on.

    Args:
        model: the model.
        texts: a file of texts (geometry only), a folder of a retrieval task, the word stdlib, or None for stdlib.
        folder: where the sets are kept; a second call reads them.
        split: which judgements.
        skip_bad: leave out malformed lines and count them.
        seed: of the sample, where a file holds very many texts.
        progress: show rate and time left.

    Raises: MatryoError, FormatError for anything that cannot be read.
    """
    source = texts or STDLIB
    task = None if Path(source).is_file() else _task(source, split, skip_bad)
    read, notes = (task.documents, task.notes) if task else _some(open_texts(source, skip_bad=skip_bad), seed)
    encoder = model.load()
    documents = encode_to_set(encoder, read, folder / "sets" / "documents", progress=progress)
    asked = None
    if task is not None:
        queries = encode_to_set(encoder, task.queries, folder / "sets" / "queries", role="query", progress=progress)
        asked = _asked(task, queries.to_numpy(), documents.ids())
    own_folder = Path(model.name) if model.name not in PACKAGED and Path(model.name).is_dir() else None
    return Probed(
        name=encoder.name,
        space=encoder.space,
        documents=documents,
        texts=ProbedTexts(task.name if task else read.name, read.digest(), documents.n_rows),
        own=source != STDLIB,
        asked=asked,
        # a model that is read with fewer tokens lies in another space than the folder's own
        folder=own_folder if model.max_tokens is None else None,
        encoder=encoder,
        notes=(*notes, *(asked.judged.notes if asked else ()), *truncation_note(encoder)),
    )


def probed_vectors(
    vectors: Path,
    texts: str | None,
    folder: Path,
    *,
    queries: Path | None = None,
    split: str | None = None,
    skip_bad: bool = False,
    progress: bool = False,
) -> Probed:
    """Take vectors as they are, with judgements if they are those of a retrieval task's documents.

    Args:
        vectors: a .npy file or the folder of an embedding set.
        texts: a folder of a retrieval task whose documents the set holds, by their ids; None = geometry only.
        folder: where queries are encoded to, if they are.
        queries: set of the task's queries; None = encoded by the model that is noted beside the documents' set.
        split: which judgements.
        skip_bad: leave out malformed lines and count them.
        progress: show rate and time left.

    Raises: MatryoError if the vectors are not finite rows of length 1, or do not belong to the task.
    """
    if not vectors.is_dir():
        if texts is not None or queries is not None:
            raise MatryoError(
                f"{vectors} holds no ids, so that judgements cannot be bound to its rows; make a set of it with "
                "EmbeddingSet.from_numpy(folder, vectors, ids, space=...), or leave the judgements out"
            )
        matrix = _matrix(vectors)
        digest = digest_file(vectors)
        space = Space(digest, matrix.shape[1])
        return Probed(
            vectors.stem, space, matrix, ProbedTexts(vectors.name, digest, len(matrix)), own=True, findable=False
        )
    stored = EmbeddingSet.open(vectors)
    _check_unit(stored.to_numpy(), vectors)
    asked: Asked | None = None
    notes: tuple[str, ...] = ()
    if texts is not None:
        task = _task(texts, split, skip_bad)
        asked = _asked_of_set(task, stored, queries, folder, progress)
        notes = task.notes
    elif queries is not None:
        raise MatryoError(f"--queries {queries} needs the folder of the task that says what answers them; name it too")
    return Probed(
        vectors.resolve().name,
        stored.space,
        stored,
        ProbedTexts(vectors.resolve().name, stored.digest, stored.n_rows),
        own=texts != STDLIB,
        asked=asked,
        notes=(*notes, *(asked.judged.notes if asked else ())),
    )


def _task(source: str, split: str | None, skip_bad: bool) -> Retrieval:
    task = open_task(Path(source), split, skip_bad=skip_bad)
    check_enough_queries(len(task.queries), task.name)
    return task


def _some(texts: Texts, seed: int) -> tuple[Texts, tuple[str, ...]]:
    """At most `MOST_ROWS` texts: the geometry needs no more."""
    n = len(texts)
    if n <= MOST_ROWS:
        return texts, texts.notes
    chosen = set(np.random.default_rng(seed).permutation(n)[:MOST_ROWS].tolist())
    kept = [text for row, text in enumerate(texts) if row in chosen]
    note = f"{MOST_ROWS:,} of {n:,} texts were drawn at random: the geometry needs no more"
    return Texts.of([t.id for t in kept], [t.text for t in kept], name=texts.name), (*texts.notes, note)


def _asked(task: Retrieval, vectors: Array, document_ids: Sequence[str]) -> Asked:
    return Asked(vectors, judge(task.judgements, task.queries.ids(), document_ids), task.groups, task.name)


def _asked_of_set(
    task: Retrieval, documents: EmbeddingSet, queries: Path | None, folder: Path, progress: bool
) -> Asked:
    """Queries of a task that a set holds the documents of."""
    needed, there = set(task.documents.ids()), set(documents.ids())
    if needed != there:
        raise MatryoError(
            f"the set {documents.folder} must hold the documents of {task.name}, by their ids; it lacks "
            f"{len(needed - there):,} of {len(needed):,} and has {len(there - needed):,} others; encode this task's "
            "documents, or leave the folder out for the geometry alone"
        )
    if queries is not None:
        given = EmbeddingSet.open(queries)
        same_space(given.space, documents.space, "queries and documents")
        row_of = {name: row for row, name in enumerate(given.ids())}
        lost = [name for name in task.queries.ids() if name not in row_of]
        if lost:
            raise MatryoError(
                f"{queries} must hold the queries of {task.name}, it lacks {len(lost):,}, e.g. {lost[0]!r}; encode "
                "them with `matryo encode MODEL FOLDER OUT --role query`"
            )
        rows = np.array([row_of[name] for name in task.queries.ids()], dtype=np.int64)
        return _asked(task, given.take(rows, 0, given.width), documents.ids())
    noted = noted_model(documents.folder, documents.space.id)
    if noted is None:
        raise MatryoError(
            f"nobody noted which model made {documents.folder}, so that the queries of {task.name} cannot be encoded; "
            "give them as a set: --queries SET"
        )
    encoder = noted.load()
    same_space(encoder.space, documents.space, "queries of the noted model and the documents")
    made = encode_to_set(encoder, task.queries, folder / "sets" / "queries", role="query", progress=progress)
    return _asked(task, made.to_numpy(), documents.ids())


def _matrix(path: Path) -> NDArray[Any]:
    try:
        matrix = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise FormatError(f"{path} does not exist; give a .npy file or the folder of an embedding set") from None
    except (ValueError, EOFError) as error:
        raise FormatError(f"{path} is no .npy file of numbers ({error}); write it with numpy.save") from None
    check_matrix(matrix, name=str(path))
    _check_unit(matrix, path)
    return np.asarray(matrix, dtype=np.float32)


def _check_unit(matrix: Array, path: Path) -> None:
    """Refuse rows whose lengths carry meaning: cosine would throw it away without a word."""
    lengths = row_norms(matrix)
    wrong = np.abs(lengths - 1.0) > _UNIT
    # a text without any known token gives a zero row, which is no vector of another length
    wrong &= lengths > 0.0
    if wrong.any():
        raise MatryoError(
            f"{path} must hold rows of length 1, got {int(wrong.sum()):,} of {len(lengths):,} of other lengths "
            f"({lengths.min():.3g} to {lengths.max():.3g}); divide each row by its length if the model is compared by "
            "cosine; vectors meant for raw dot products cannot be cut"
        )
