"""Judgements: which document answers which query, read from qrels of any layout and checked against both sides."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from matryo.data.ids import Ids
from matryo.data.lines import numbered_lines, parsed
from matryo.data.problems import BadLine, Problems
from matryo.data.retrieval import Retrieval, answerable
from matryo.data.texts import Text, Texts, few

Judgement = tuple[str, str, int]
"""Query id, document id, grade."""
Judgements = dict[str, dict[str, int]]


def read_judgements(
    path: Path,
    parse: Callable[[str], Judgement],
    problems: Problems,
    expected: str,
    *,
    header: Callable[[str], bool] | None = None,
) -> Judgements:
    """Read a file of one judgement per line.

    Args:
        path: the file.
        parse: one line to a judgement.
        problems: hears of bad lines; two different grades for one pair are one.
        expected: what a line should be.
        header: whether a first line is the header that must be there; None = there is none.

    Raises: FormatError for a bad line unless these are skipped.
    """
    lines = numbered_lines(path, problems, expected)
    if header is not None:
        number, first = next(lines)
        if not header(first):
            problems.bad_line(path, number, f"the first line is {first!r}, no header", expected)
    judgements: Judgements = {}
    repeated = 0

    def judge(line: str) -> None:
        nonlocal repeated
        query, document, grade = parse(line)
        grades = judgements.setdefault(query, {})
        if document not in grades:
            grades[document] = grade
        elif grades[document] == grade:
            repeated += 1
        else:
            raise BadLine(f"query {query} and document {document} have grade {grades[document]} further up")

    for _ in parsed(lines, judge, path, problems, expected):
        pass
    if repeated:
        problems.remark(f"{path.name}: {repeated:,} lines repeat a judgement and change nothing")
    return judgements


def joined(
    name: str,
    documents: tuple[Texts, Ids],
    queries: Iterable[Text],
    judgements: Judgements,
    path: Path,
    problems: Problems,
) -> Retrieval:
    """A task of documents, queries and judgements that know each other.

    Args:
        name: of the task.
        documents: with their ids.
        queries: all of them, also those without a judgement.
        judgements: query id -> document id -> grade.
        path: where the judgements stand, for messages.
        problems: hears of unknown documents and queries; its notes become those of the task.

    Raises: FormatError for unknown ids unless bad lines are skipped; MatryoError if no query can be answered.
    """
    asked = list(queries)
    texts, ids = documents
    known = {q.id for q in asked}
    _report([q for q in judgements if q not in known], "queries", path, problems)
    judgements = {q: grades for q, grades in judgements.items() if q in known}
    judged = list(dict.fromkeys(d for grades in judgements.values() for d in grades))
    unknown = set(missing := ids.unknown(judged))
    _report(missing, "documents", path, problems)
    if unknown:
        judgements = {q: {d: g for d, g in grades.items() if d not in unknown} for q, grades in judgements.items()}
    return answerable(name, texts, asked, judgements, problems.notes)


def _report(unknown: Sequence[str], what: str, path: Path, problems: Problems) -> None:
    if unknown:
        received = f"{path} judges {len(unknown):,} {what} that the collection does not have: {few(unknown)}"
        problems.bad_entries(received, f"add the {what}, correct the ids")
