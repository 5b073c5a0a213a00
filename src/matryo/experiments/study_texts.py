"""The texts of a translation study: documents, perhaps queries with judgements, and which documents are held out."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from matryo.data import Retrieval, Text, Texts, open_retrieval, open_texts, stdlib_pairs
from matryo.errors import MatryoError
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_hotpotqa import GROUP_END, read_study_hotpotqa
from matryo.experiments.study_sample import sample_study
from matryo.experiments.study_source import StudySource
from matryo.experiments.study_space_config import TextsConfig
from matryo.files import digest_json

_FEWEST_HELD_OUT = 12  # what measuring a translator takes


@dataclass(frozen=True, eq=False)
class StudyTexts:
    """What a study is about.

    Attributes:
        name: of the data set, in reports.
        documents: that are embedded in every space.
        queries: that are asked; None if there are none.
        judgements: query id -> document id -> grade, above 0 = relevant; None without queries.
        groups: query id -> group that the bootstrap draws as a whole; {} = every query by itself.
        labels: document id -> what its point is coloured by; {} = nothing is known.
        split: which documents translators are fitted on.
        notes: what was left out and how it was split, one sentence each.
        key: SHA-256 of all that was read and how it is split.
    """

    name: str
    documents: Texts
    queries: Texts | None
    judgements: Mapping[str, Mapping[str, int]] | None
    groups: Mapping[str, str]
    labels: Mapping[str, str]
    split: IdSplit
    notes: tuple[str, ...]
    key: str

    @cached_property
    def fitted_ids(self) -> frozenset[str]:
        """Documents that translators are fitted on."""
        return _fitted(self.documents.ids(), self.split)

    def fitted_documents(self) -> Texts:
        """The same with their texts, in memory."""
        kept = [text for text in self.documents if text.id in self.fitted_ids]
        return Texts(lambda: iter(kept), f"{self.name} fitted documents", n=len(kept))

    @cached_property
    def asked_queries(self) -> Texts | None:
        """Queries with a relevant document among those held out, which alone are ever asked; None if there is none."""
        if self.queries is None or self.judgements is None:
            return None
        held = set(self.documents.ids()) - self.fitted_ids
        asked = {
            query
            for query, grades in self.judgements.items()
            if any(grade > 0 and document in held for document, grade in grades.items())
        }
        kept = [query for query in self.queries if query.id in asked]
        return Texts(lambda: iter(kept), f"{self.name} asked queries", n=len(kept)) if kept else None

    def training_task(self) -> Retrieval:
        """Queries and documents that a model may be trained on: no query that asks for a held-out document.

        Raises: MatryoError if there is no such query.
        """
        if self.queries is None or self.judgements is None:
            raise MatryoError(
                f"{self.name} has no queries, a model is fine-tuned on pairs of query and document; give texts of kind "
                "stdlib, hotpotqa or retrieval, or leave the fine-tuned space out"
            )
        relevant = {
            query: {document: grade for document, grade in grades.items() if grade > 0}
            for query, grades in self.judgements.items()
        }
        kept = [query for query in self.queries if self.fitted_ids.issuperset(relevant[query.id])]
        if not kept:
            raise MatryoError(
                f"{self.name}: every one of {len(self.queries):,} queries asks for a held-out document, none is left "
                "to fine-tune on; give more texts or a larger share"
            )
        return Retrieval(
            name=f"{self.name} fitted pairs",
            documents=self.fitted_documents(),
            queries=Texts.of([q.id for q in kept], [q.text for q in kept], [q.group for q in kept]),
            judgements={query.id: relevant[query.id] for query in kept},
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What `texts.json` says, as JSON values."""
        n = len(self.documents)
        return {
            "name": self.name,
            "n_documents": n,
            "n_fitted": len(self.fitted_ids),
            "n_held_out": n - len(self.fitted_ids),
            "n_queries": 0 if self.queries is None else len(self.queries),
            "n_asked": 0 if self.asked_queries is None else len(self.asked_queries),
            "n_judgements": sum(map(len, (self.judgements or {}).values())),
            "digest": self.key,
            "split": self.split.to_json(),
            "notes": list(self.notes),
            "labels": dict(Counter(self.labels.values()).most_common()),
        }


def read_study_texts(config: StudyConfig) -> StudyTexts:
    """Read the texts of a study, take a sample if asked, and say which documents are held out.

    Raises: FormatError, MatryoError if a file is missing or malformed, no query has a relevant document, or too few
        documents are left to fit on or to judge by.
    """
    given = config.texts
    source = sample_study(_read(given), given.max_documents, given.seed)
    split = IdSplit(config.share, GROUP_END if given.kind == "hotpotqa" else given.group_end)
    ids = source.documents.ids()
    n_fitted = len(_fitted(ids, split))
    if n_fitted < 2 or len(ids) - n_fitted < _FEWEST_HELD_OUT:
        raise MatryoError(
            f"{source.name}: a share of {split.share:g} leaves {n_fitted:,} of {len(ids):,} documents to fit on and "
            f"{len(ids) - n_fitted:,} to judge by, at least 2 and {_FEWEST_HELD_OUT} are needed; give more documents"
        )
    queries = None if source.queries is None else source.queries.digest()
    told = [source.judgements, dict(source.groups), dict(source.labels)]
    content = [source.documents.digest(), queries, *told, split.to_json()]
    return StudyTexts(
        name=source.name,
        documents=source.documents,
        queries=source.queries,
        judgements=source.judgements,
        groups=source.groups,
        labels=source.labels,
        split=split,
        notes=(*source.notes, _split_note(len(ids), n_fitted, split, given.kind), *_equal_note(source, split)),
        key=digest_json(content),
    )


def _read(given: TextsConfig) -> StudySource:
    if given.kind == "stdlib":
        return _of_task(stdlib_pairs(mask_names=given.mask_names).to_retrieval(), labelled=True)
    if given.kind == "hotpotqa":
        return read_study_hotpotqa([Path(path) for path in given.paths], skip_bad=given.skip_bad)
    path = Path(given.paths[0])
    if given.kind == "retrieval":
        return _of_task(open_retrieval(path, given.split, skip_bad=given.skip_bad))
    documents = open_texts(path, skip_bad=given.skip_bad)
    return StudySource(path.name, documents, notes=documents.notes)


def _of_task(task: Retrieval, *, labelled: bool = False) -> StudySource:
    """A task; of the standard library the package of a function stands before the first dot or colon of its id."""
    labels = {id: id.split(":")[0].split(".")[0] for id in task.documents.ids()} if labelled else {}
    return StudySource(
        task.name, task.documents, task.queries, task.judgements, dict(task.groups), labels, tuple(task.notes)
    )


def _fitted(ids: list[str], split: IdSplit) -> frozenset[str]:
    return frozenset(np.array(ids, dtype=object)[split.fitted(ids)].tolist()) if ids else frozenset()


def _split_note(n: int, n_fitted: int, split: IdSplit, kind: str) -> str:
    together = ""
    if kind == "hotpotqa":
        together = "; paragraphs of one title stay together"
    elif split.group_end:
        together = f"; ids that are equal up to {split.group_end!r} stay together"
    return (
        f"{n_fitted:,} of {n:,} documents are fitted on, {n - n_fitted:,} are held out, chosen by a hash of their id"
        f"{together}"
    )


def _equal_note(source: StudySource, split: IdSplit) -> tuple[str, ...]:
    """How many held-out documents repeat the text of a fitted one, which no translator has to guess."""
    fitted = _fitted(source.documents.ids(), split)
    seen = {_content(text) for text in source.documents if text.id in fitted}
    n = sum(_content(text) in seen for text in source.documents if text.id not in fitted)
    return (f"held-out documents that repeat the text of a fitted one: {n:,}",) if n else ()


def _content(text: Text) -> bytes:
    """A digest of the words, which takes less memory than they do."""
    words = " ".join(text.text.casefold().split())
    return hashlib.blake2b(words.encode("utf-8", "surrogatepass"), digest_size=16).digest()
