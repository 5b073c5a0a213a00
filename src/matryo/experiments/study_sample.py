"""A sample of a study's documents that keeps queries answerable."""

from dataclasses import replace

import numpy as np

from matryo.data.texts import Text, Texts
from matryo.experiments.study_source import StudySource


def sample_study(source: StudySource, n: int | None, seed: int) -> StudySource:
    """At most n documents: first those that are relevant to a query, then others at random.

    Where the relevant ones alone are too many, queries are taken in random order, each with all its relevant documents,
    as long as these still fit; the other queries are left out and counted.

    Args:
        source: all texts.
        n: documents to keep; None = all.
        seed: of what is drawn.
    """
    ids = source.documents.ids()
    if n is None or len(ids) <= n:
        return source
    rng = np.random.default_rng(seed)
    relevant = _relevant(source)
    asked: list[str] = []
    kept: set[str] = set()
    queries = list(relevant)
    for query in (queries[place] for place in rng.permutation(len(queries)).tolist()):
        new = relevant[query] - kept
        if len(kept) + len(new) <= n:
            asked.append(query)
            kept |= new
    others = [id for id in ids if id not in kept]
    kept |= {others[place] for place in rng.permutation(len(others))[: n - len(kept)].tolist()}
    notes = [*source.notes, f"{n:,} of {len(ids):,} documents are taken, drawn with seed {seed}"]
    if left_out := len(relevant) - len(asked):
        notes.append(f"{left_out:,} of {len(relevant):,} queries are left out with their relevant documents")
    return replace(
        _with_queries(source, set(asked), kept),
        documents=_chosen(source.documents, kept),
        labels={id: label for id, label in source.labels.items() if id in kept},
        notes=tuple(notes),
    )


def _relevant(source: StudySource) -> dict[str, set[str]]:
    """Relevant documents of every query."""
    return {
        query: {document for document, grade in grades.items() if grade > 0}
        for query, grades in (source.judgements or {}).items()
    }


def _with_queries(source: StudySource, asked: set[str], documents: set[str]) -> StudySource:
    if source.queries is None or source.judgements is None:
        return source
    if not asked:
        return replace(source, queries=None, judgements=None, groups={})
    judgements = {
        query: {document: grade for document, grade in grades.items() if document in documents}
        for query, grades in source.judgements.items()
        if query in asked
    }
    groups = {query: group for query, group in source.groups.items() if query in asked}
    return replace(source, queries=_chosen(source.queries, asked), judgements=judgements, groups=groups)


def _chosen(texts: Texts, ids: set[str]) -> Texts:
    held: list[Text] = [text for text in texts if text.id in ids]
    return Texts(lambda: iter(held), texts.name, n=len(held), notes=texts.notes)
