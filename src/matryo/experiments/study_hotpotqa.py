"""HotpotQA's texts for a study: several files as one corpus, with ids that tell which paragraphs are of one title."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from matryo.data import Text, Texts, read_hotpotqa, read_passages
from matryo.data.json_records import json_records
from matryo.errors import FormatError
from matryo.experiments.study_source import StudySource

GROUP_END = "#"
"""Ends the title in a document's id."""

_EXPECTED = "questions with their paragraphs, or passages (JSON)"


def read_study_hotpotqa(paths: Sequence[Path], *, skip_bad: bool = False) -> StudySource:
    """Read files of questions and files of passages as one corpus.

    A document's id is its title, "#" and a digest of its text, so that a split by the part before "#" never tears a
    title apart. A paragraph that stands in several files is kept once. With several files a document's label is the
    name of the first that holds it.

    Args:
        paths: files as `read_hotpotqa` or `read_passages` take them.
        skip_bad: count and list bad records in the notes instead of failing at the first.

    Returns: the corpus, with the questions of all files that have any with a supporting paragraph.
    Raises: FormatError as these readers, and if two files hold different questions under one id.
    """
    corpus = _Corpus()
    for path in paths:
        name = _name(path)
        if _has_questions(path):
            task = read_hotpotqa(path, skip_bad=skip_bad)
            corpus.add_documents(task.documents, name)
            corpus.add_questions(task.queries, task.judgements, path)
            corpus.notes += task.notes
        else:
            passages = read_passages(path, skip_bad=skip_bad)
            corpus.add_documents(passages, name)
            corpus.notes += passages.notes
    if corpus.n_repeated:
        corpus.notes.append(f"{corpus.n_repeated:,} paragraphs stand in an earlier file, too, and are kept once")
    return corpus.source(" + ".join(dict.fromkeys(map(_name, paths))), labelled=len(paths) > 1)


@dataclass
class _Corpus:
    """What has been read so far."""

    documents: dict[str, Text] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    questions: dict[str, Text] = field(default_factory=dict)
    judgements: dict[str, dict[str, int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    n_repeated: int = 0

    def add_documents(self, documents: Texts, name: str) -> None:
        for text in documents:
            if text.id in self.documents:
                self.n_repeated += 1
                continue
            self.documents[text.id] = Text(_id_of(text), text.text, text.group)
            self.labels[text.id] = name

    def add_questions(self, queries: Texts, judgements: dict[str, dict[str, int]], path: Path) -> None:
        for query in queries:
            known = self.questions.setdefault(query.id, query)
            if known.text != query.text:
                raise FormatError(
                    f"{path} has the question id {query.id!r} of another question in a file before it; rename one"
                )
            self.judgements.setdefault(query.id, {}).update(
                {self.documents[document].id: grade for document, grade in judgements[query.id].items()}
            )

    def source(self, name: str, *, labelled: bool) -> StudySource:
        held, asked = tuple(self.documents.values()), tuple(self.questions.values())
        return StudySource(
            name=name,
            documents=Texts(lambda: iter(held), f"{name} documents", n=len(held)),
            queries=Texts(lambda: iter(asked), f"{name} queries", n=len(asked)) if asked else None,
            judgements=self.judgements if asked else None,
            labels={self.documents[key].id: label for key, label in self.labels.items()} if labelled else {},
            notes=tuple(dict.fromkeys(self.notes)),
        )


def _id_of(text: Text) -> str:
    """An id that begins with the title; a mark inside the title must not end it early, where titles would mix."""
    title = " ".join(text.group.split()).replace(GROUP_END, "%23")
    return f"{title}{GROUP_END}{text.id}" if title else text.id


def _has_questions(path: Path) -> bool:
    """Whether the first record is a question with its answer's paragraphs; without these it has passages only."""
    for record in islice(json_records(path, _EXPECTED), 1):
        return isinstance(record, dict) and "question" in record and bool(record.get("supporting_facts"))
    return False


def _name(path: Path) -> str:
    """A file's name, with its folder's in front where files are named alike in every data set."""
    name = path.name.removesuffix(".gz").removesuffix(".json")
    return f"{path.absolute().parent.name} {name}" if name in ("corpus", "train_corpus", "passages", "train") else name
