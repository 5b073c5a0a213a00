"""The retrieval task that a translation is judged by: documents of two sets, queries of both models, judgements."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.data import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.translation_retrieval import Asked
from matryo.experiments.encoding import noted_model, open_task
from matryo.experiments.translate_inputs import Inputs
from matryo.maps import SpaceRows
from matryo.measures.judged import Judged, judge


@dataclass(frozen=True, eq=False)
class Task:
    """A retrieval task in both spaces.

    Attributes:
        name: of the data set.
        a: in the map's source space.
        b: in the space that it imitates.
        judged: what is relevant.
        groups: query id -> group that the bootstrap draws as a whole.
        notes: what was left out.
    """

    name: str
    a: Asked
    b: Asked
    judged: Judged
    groups: dict[str, str]
    notes: tuple[str, ...]


def open_translated_task(
    inputs: Inputs,
    data: Path,
    queries: tuple[Path | None, Path | None] = (None, None),
    *,
    split: str | None = None,
    search_all: bool = False,
    skip_bad: bool = False,
    progress: bool = False,
) -> Task:
    """Bind judgements to two sets, and get the queries in both spaces.

    Only documents are searched that the map was not fitted on: those that it was come out better than any text that is
    translated later, which would flatter it as answers and hold it down as rivals of answers.

    Args:
        inputs: the map and the sets of the documents.
        data: folder of a retrieval task, or the word stdlib.
        queries: sets of its queries, for the source and for the target; where one is None the model that is noted
            beside the documents' set encodes them.
        split: which judgements; None = test, else dev.
        search_all: search all documents, those that were fitted on too.
        skip_bad: leave out malformed lines and count them.
        progress: show rate and time left of the encoding.

    Raises: MatryoError if the sets hold none of the relevant documents, or queries are missing.
    """
    task = open_task(data, split, skip_bad=skip_bad)
    rows = np.arange(len(inputs.ids)) if search_all else inputs.held_rows
    searched = [inputs.ids[row] for row in rows.tolist()]
    judgements = _judgements_among(task, set(searched))
    if not judgements:
        example = next(document for grades in task.judgements.values() for document in grades)
        raise MatryoError(
            f"none of the {len(searched):,} documents searched is relevant to a query of {task.name}, which names ids "
            f"like {example!r}, the sets ids like {searched[0]!r}; encode its documents (matryo encode MODEL {data} "
            "SET), or search those fitted on too (--search all)"
        )
    ids = list(judgements)
    left, right = (
        Asked(name, side.chosen(rows), _queries(task, data, ids, one, given, letter, progress))
        for name, side, one, given, letter in zip(
            inputs.names, (inputs.a, inputs.b), inputs.sets, queries, ("a", "b"), strict=True
        )
    )
    groups = {query: task.groups[query] for query in ids} if task.groups else {}
    notes = (*task.notes, *_notes(inputs, task, judgements, rows))
    return Task(task.name, left, right, judge(judgements, ids, searched), groups, notes)


def _judgements_among(task: Retrieval, documents: set[str]) -> dict[str, dict[str, int]]:
    """Judgements of some documents, of those queries that have a relevant one among them."""
    among = {
        query: {document: grade for document, grade in grades.items() if document in documents}
        for query, grades in task.judgements.items()
    }
    return {query: grades for query, grades in among.items() if max(grades.values(), default=0) > 0}


def _notes(
    inputs: Inputs, task: Retrieval, judgements: dict[str, dict[str, int]], rows: NDArray[np.int64]
) -> list[str]:
    n_asked, n_judged = len(task.judgements), sum(map(len, judgements.values()))
    told = [
        f"{len(judgements):,} of {n_asked:,} queries have a relevant document among the {len(rows):,} searched; "
        f"{n_judged:,} of {task.n_judgements:,} judgements count"
    ]
    n_fitted = np.isin(rows, inputs.fitted_rows).sum()
    if n_fitted:
        told.append(
            f"{n_fitted:,} of the documents searched were fitted on; texts that are translated later come out worse"
        )
    elif inputs.fitted_rows.size:
        told.append(
            f"the {inputs.fitted_rows.size:,} documents that were fitted on are not searched, so that values are "
            "higher than in the whole collection, in every row of the tables"
        )
    return told


def _queries(
    task: Retrieval,
    data: Path,
    ids: list[str],
    documents: EmbeddingSet,
    given: Path | None,
    letter: str,
    progress: bool,
) -> SpaceRows:
    """Vectors of some queries in the space of a set of documents, in the order asked."""
    if given is not None:
        stored = EmbeddingSet.open(given, space=documents.space)
        rows = {name: row for row, name in enumerate(stored.ids())}
        missing = [name for name in ids if name not in rows]
        if missing:
            raise MatryoError(
                f"{given} lacks {len(missing)} of {len(ids)} queries of {task.name}, e.g. {missing[:3]}; encode them: "
                f"matryo encode MODEL {data} SET --role query"
            )
        return SpaceRows(stored, rows=np.array([rows[name] for name in ids], dtype=np.int64))
    model = noted_model(documents.folder, documents.space.id)
    if model is None:
        raise MatryoError(
            f"no model is noted beside {documents.folder}, so that nothing can encode the queries; "
            f"give a set of them with --queries-{letter}"
        )
    encoder = model.load()
    if encoder.space.id != documents.space.id:
        raise MatryoError(
            f"{model.name} is another revision than the one that made {documents.folder}; "
            f"give the set of its queries with --queries-{letter}"
        )
    texts = {text.id: text.text for text in task.queries}
    return SpaceRows(encoder.encode([texts[name] for name in ids], "query", progress=progress), documents.space)
