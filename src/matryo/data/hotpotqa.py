"""HotpotQA and files like it: questions with their paragraphs, and passages without questions.

A paragraph stands in the context of many questions. Each is kept once, its title is its group, so that a split by group
never has one article's words on both sides.
"""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from matryo.data.fields import id_of, text_of, whole_text
from matryo.data.json_records import json_records
from matryo.data.problems import BadLine
from matryo.data.retrieval import Retrieval, answerable
from matryo.data.texts import Text, Texts, check_unique
from matryo.errors import FormatError

_QUESTIONS = (
    'a JSON list of questions: {"_id": ..., "question": ..., "supporting_facts": [[title, sentence], ...], "context": '
    '[[title, [sentence, ...]], ...]}, context and supporting_facts also as {"title": [...], "sentences": [[...]]}'
)
_PASSAGES = f'{_QUESTIONS}; or of passages: {{"title": ..., "text": ...}}; or an object {{title: [sentence, ...]}}'
_LISTED = 10


def read_hotpotqa(path: str | Path, *, skip_bad: bool = False) -> Retrieval:
    """Read questions and, as documents, the paragraphs of all their contexts; the supporting ones are relevant.

    A document's text is its title and its sentences, its group the title, its id a digest of its text: the same in
    every file. A question's id is `_id` or `id`, else a digest of the question. A supporting title that is not in the
    question's own context, as happens in the "fullwiki" files, is counted and left out.

    Args:
        path: a JSON file in the official layout or with context and supporting facts as dictionaries of lists; may end
            in `.gz`. 2WikiMultihopQA's questions have the same layout.
        skip_bad: count and list bad records in the notes instead of failing at the first.

    Returns: a task named like the file, of the questions that have a supporting paragraph.
    Raises: FormatError for a missing, empty or damaged file, a bad record, a repeated question id; MatryoError if no
        question has a supporting paragraph.
    """
    path = Path(path)
    pool, bad = _Paragraphs(), _BadRecords(path, skip_bad, _QUESTIONS)
    questions: dict[str, Text] = {}
    judgements: dict[str, dict[str, int]] = {}
    n_outside = 0
    for number, record in enumerate(json_records(path, _QUESTIONS), start=1):
        try:
            question, context, supporting = _question(record)
            if question.id in questions:
                raise BadLine(f"the id {question.id!r} occurs again")
        except BadLine as reason:
            bad.report(number, str(reason))
            continue
        questions[question.id] = question
        ids = [(title, pool.add(title, body)) for title, body in context]
        judgements[question.id] = {id: 1 for title, id in ids if title in supporting}
        n_outside += len(supporting - {title for title, _ in ids})
    notes = [*bad.notes, *pool.notes]
    if n_outside:
        notes.append(f"{n_outside:,} supporting titles are not in their question's context and are not judged")
    return answerable(_name(path), pool.texts(f"{_name(path)} documents"), [*questions.values()], judgements, notes)


def read_passages(path: str | Path, *, skip_bad: bool = False) -> Texts:
    """Read paragraphs only: of questions' contexts, of a list of titled passages, or of an object title -> sentences.

    Args:
        path: a JSON file as `read_hotpotqa` takes it; or a list of `{"title": ..., "text": ...}`, as 2WikiMultihopQA's
            and MuSiQue's corpora are given out; or an object of titles and sentences. May end in `.gz`.
        skip_bad: count and list bad records in the notes instead of failing at the first.

    Returns: each paragraph once, ids and groups as in `read_hotpotqa`, repeated ones counted in the notes.
    Raises: FormatError for a missing, empty or damaged file, or a bad record.
    """
    path = Path(path)
    pool, bad = _Paragraphs(), _BadRecords(path, skip_bad, _PASSAGES)
    for number, record in enumerate(json_records(path, _PASSAGES), start=1):
        try:
            paragraphs = list(_passages(record))
        except BadLine as reason:
            bad.report(number, str(reason))
            continue
        for title, body in paragraphs:
            pool.add(title, body)
    texts = pool.texts(path.name, [*bad.notes, *pool.notes])
    if not len(texts):
        raise FormatError(f"{path} holds no paragraph, expected {_PASSAGES}; check the file")
    return texts


@final
class _Paragraphs:
    """Paragraphs, each kept once: equal but for case and spaces counts as the same, under whichever title."""

    def __init__(self) -> None:
        self._kept: dict[str, Text] = {}
        self._n_repeated = 0
        self._n_other_title = 0

    def add(self, title: str, body: str) -> str:
        """Id of the paragraph, which is kept if it is new."""
        id = _digest(body or title)
        kept = self._kept.setdefault(id, Text(id, f"{title} {body}".strip(), title))
        self._n_repeated += 1
        self._n_other_title += kept.group != title
        return id

    @property
    def notes(self) -> list[str]:
        repeated = self._n_repeated - len(self._kept)
        if not repeated:
            return []
        other = f", {self._n_other_title:,} of them under another title" if self._n_other_title else ""
        return [f"{repeated:,} of {self._n_repeated:,} paragraphs repeat an earlier one{other}; each is kept once"]

    def texts(self, name: str, notes: list[str] | None = None) -> Texts:
        held = tuple(self._kept.values())
        check_unique([text.id for text in held], name)
        return Texts(lambda: iter(held), name, n=len(held), notes=notes or ())


@final
class _BadRecords:
    """The first bad record is an error, or all are counted; `Problems` does the same for lines."""

    def __init__(self, path: Path, skip_bad: bool, expected: str) -> None:
        self._path, self._skip_bad, self._expected = path, skip_bad, expected
        self._found: list[str] = []

    def report(self, number: int, received: str) -> None:
        if not self._skip_bad:
            raise FormatError(
                f"{self._path}, record {number}: {received}; expected {self._expected}; correct it or skip it "
                "(skip_bad=True, --skip-bad)"
            )
        self._found.append(f"record {number} ({received})")

    @property
    def notes(self) -> list[str]:
        if not self._found:
            return []
        more = f" and {len(self._found) - _LISTED:,} more" if len(self._found) > _LISTED else ""
        listed = ", ".join(self._found[:_LISTED])
        return [f"{self._path.name}: {len(self._found):,} bad records skipped: {listed}{more}"]


def _question(record: Any) -> tuple[Text, list[tuple[str, str]], set[str]]:
    """A question, the paragraphs of its context as (title, text), and the titles that support its answer."""
    fields = _object(record)
    text = text_of(fields, "question")
    if not text.strip():
        raise BadLine("the question is blank")
    name = next((n for n in ("_id", "id") if n in fields), None)
    return Text(_digest(text) if name is None else id_of(fields, name), text), _context(fields), _supporting(fields)


def _context(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    context = record.get("context")
    if isinstance(context, dict):
        pairs = _side_by_side(context, "context", "title", "sentences")
    elif isinstance(context, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in context):
        pairs = [tuple(pair) for pair in context]
    else:
        raise BadLine(f"field 'context' is {_kind(context)}, no list of [title, sentences]")
    return [_paragraph(title, sentences) for title, sentences in pairs]


def _supporting(record: Mapping[str, Any]) -> set[str]:
    """Titles; none in the files of questions whose answers are held back."""
    facts = record.get("supporting_facts")
    if facts is None:
        return set()
    if isinstance(facts, dict):
        facts = _side_by_side(facts, "supporting_facts", "title", "sent_id")
    if not isinstance(facts, list) or not all(
        isinstance(f, list | tuple) and f and isinstance(f[0], str) for f in facts
    ):
        raise BadLine(f"field 'supporting_facts' is {_kind(facts)}, no list of [title, sentence]")
    return {fact[0] for fact in facts}


def _passages(record: Any) -> Iterator[tuple[str, str]]:
    if isinstance(record, list) and len(record) == 2:
        yield _paragraph(*record)
    elif isinstance(record, dict) and "context" in record:
        yield from _context(record)
    else:
        fields = _object(record)
        yield _paragraph(text_of(fields, "title"), [text_of(fields, "text")])


def _paragraph(title: Any, sentences: Any) -> tuple[str, str]:
    """A title and its sentences as one text; sentences bring their space before them, or get one."""
    if not isinstance(title, str) or not isinstance(sentences, list) or not all(isinstance(s, str) for s in sentences):
        raise BadLine(f"a paragraph is {_kind(title)} with {_kind(sentences)}, no title with a list of sentences")
    body = "".join(s if not s or s[0].isspace() else f" {s}" for s in sentences).strip()
    if not title.strip() and not body:
        raise BadLine("a paragraph is blank")
    return whole_text(title, "title"), whole_text(body, "sentences")


def _side_by_side(lists: Mapping[str, Any], name: str, first: str, second: str) -> list[tuple[Any, Any]]:
    left, right = lists.get(first), lists.get(second)
    if not isinstance(left, list) or not isinstance(right, list) or len(left) != len(right):
        raise BadLine(
            f"field {name!r} has {_kind(left)} {first!r} and {_kind(right)} {second!r}, no equally long lists"
        )
    return list(zip(left, right, strict=True))


def _object(record: Any) -> dict[str, Any]:
    if not isinstance(record, dict):
        raise BadLine(f"{_kind(record)}, no object")
    return record


def _kind(value: Any) -> str:
    if value is None:
        return "missing"
    name = type(value).__name__
    kind = f"{'an' if name[0] in 'aeiou' else 'a'} {name}"
    return f"{len(value)} in {kind}" if isinstance(value, list | dict) else kind


def _digest(text: str) -> str:
    """An id from a text's words, whatever their case and the spaces between them."""
    return hashlib.sha256(" ".join(text.casefold().split()).encode()).hexdigest()[:16]


def _name(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".json")
