"""Everything one model of a run has encoded: the searched documents stay on disk, the rest is in memory."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.data.texts import Texts
from matryo.embeddings import EmbeddingSet
from matryo.encoders import Encoder, Role, encode_to_set
from matryo.experiments.run_sample import PairRows, RunSample
from matryo.files import read_json, write_json
from matryo.maps import PairVectors
from matryo.prefix import Array
from matryo.space import Space

_TRUNCATED = "truncated.json"


@dataclass(frozen=True)
class ModelVectors:
    """Vectors of one model.

    Attributes:
        space: where all of them lie.
        documents: the searched documents, on disk.
        queries: (n, d) float32, the measured queries.
        train: aligned pairs that maps are fitted on.
        validation: aligned pairs that heads are stopped on.
        validation_queries: (v, d) float32 queries of the validation part; no rows without one.
        validation_documents: (w, d) float32 documents they search.
        n_truncated: texts that were longer than the model reads, also those that an earlier call encoded.
    """

    space: Space
    documents: EmbeddingSet
    queries: Array
    train: PairVectors
    validation: PairVectors
    validation_queries: Array
    validation_documents: Array
    n_truncated: int = 0


def encode_sample(encoder: Encoder, sample: RunSample, folder: Path, *, progress: bool = False) -> ModelVectors:
    """Encode every text of a run once with one model; finished sets are read instead.

    Args:
        encoder: of the model.
        sample: the texts.
        folder: of this model's sets.
        progress: show rate and time left.

    Raises: MatryoError if the folder holds sets of another model or of other texts.
    """

    truncated: list[int] = []

    def encoded(texts: Texts, name: str, role: Role) -> EmbeddingSet:
        before = encoder.truncated
        made = encode_to_set(encoder, texts, folder / name, role=role, progress=progress)
        truncated.append(_add_up(folder / _TRUNCATED, name, encoder.truncated - before))
        return made

    def further(texts: Texts, name: str, role: Role) -> Array:
        if not texts:
            return np.empty((0, encoder.width), dtype=np.float32)
        # which texts these are depends on what is fitted, so that another evaluation of the run has its own
        return encoded(texts, f"{name}-{texts.digest()[:12]}", role).to_numpy()

    documents = encoded(sample.task.documents, "documents", "document")
    queries = encoded(sample.task.queries, "queries", "query").to_numpy()
    more_documents = further(sample.more_documents, "more-documents", "document")
    every_query = np.concatenate([queries, further(sample.more_queries, "more-queries", "query")])

    def picked(rows: NDArray[np.int64]) -> Array:
        return rows_of(documents, more_documents, rows)

    def pairs(rows: PairRows) -> PairVectors:
        return PairVectors(every_query[rows.queries], picked(rows.documents), rows.groups)

    nothing = np.empty(0, dtype=np.int64)
    search = sample.search
    return ModelVectors(
        space=encoder.space,
        documents=documents,
        queries=queries,
        train=pairs(sample.train),
        validation=pairs(sample.validation),
        validation_queries=every_query[nothing if search is None else search.queries],
        validation_documents=picked(nothing if search is None else search.documents),
        n_truncated=sum(truncated),
    )


def _add_up(path: Path, name: str, n: int) -> int:
    """Texts of a set that were cut off, with those of the calls before: a set that is only read is not counted."""
    counts = dict(read_json(path, "numbers of texts that were cut off")) if path.is_file() else {}
    total = int(counts.get(name, 0)) + n
    if counts.get(name) != total:
        write_json(path, {**counts, name: total})
    return total


def rows_of(stored: EmbeddingSet, more: Array, rows: NDArray[np.int64]) -> Array:
    """Some rows of a set, and, numbered on from its end, of a matrix; of the set only these rows are read.

    Args:
        stored: n rows on disk.
        more: (m, d) float32.
        rows: (k,) int64 within 0..n + m, in any order, repetitions allowed.

    Returns: (k, d) float32.
    """
    result = np.empty((len(rows), stored.width), dtype=np.float32)
    beyond = rows >= stored.n_rows
    result[beyond] = more[rows[beyond] - stored.n_rows]
    wanted, place = np.unique(rows[~beyond], return_inverse=True)
    found = np.empty((len(wanted), stored.width), dtype=np.float32)
    first = 0
    # neighbouring rows are read in one go
    for run in np.split(wanted, np.flatnonzero(np.diff(wanted) != 1) + 1):
        if len(run):
            found[first : first + len(run)] = stored.read(slice(int(run[0]), int(run[-1]) + 1), 0, stored.width)
        first += len(run)
    result[~beyond] = found[place]
    return result
