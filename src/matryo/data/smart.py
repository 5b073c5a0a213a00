"""SMART collections (Cranfield, CISI, CACM): records that start with `.I NUMBER` and hold fields `.T`, `.W`, ..."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from matryo.data.fields import whole_number
from matryo.data.judgements import Judgement, Judgements, joined, read_judgements
from matryo.data.lines import numbered_lines
from matryo.data.problems import BadLine, Problems, shown
from matryo.data.retrieval import Retrieval
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text

_RECORD = re.compile(r"\.I\s*([0-9]{1,18})\s*")
_FIELD = re.compile(r"\.([A-Z])\s*")
_EXPECTED = "records of lines `.I NUMBER`, `.T`, title, `.W`, text"
_JUDGEMENT = "lines `query document code` or `query document 0 0`"


def read_smart(
    documents: str | Path, queries: str | Path, qrels: str | Path, *, name: str | None = None, skip_bad: bool = False
) -> Retrieval:
    """Read a SMART collection.

    The text of a record is its title and its `.W`, joined by a space; where the text begins with the title, as
    Cranfield's do, it is not repeated. Authors, sources, keywords and citations are not read. Ids are the numbers
    without leading zeros.

    In judgements of three fields the last is a code, and every code above 0 is relevant (sources disagree whether 1
    or 4 is the most relevant); in those of four, `query document 0 0`, each line names a relevant document.
    Judgements that name numbers no query has count the queries in file order, as Cranfield's do; a note says so.

    Args:
        documents: file of documents, may be gzip-compressed, as the others may.
        queries: file of queries.
        qrels: file of judgements.
        name: of the task; None = the name of the folder of the documents.
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.

    Returns: a task of the queries that have a relevant document.
    Raises: FormatError for a missing or empty file, a bad line, a repeated or an unknown id.
    """
    documents, queries, qrels = Path(documents), Path(queries), Path(qrels)
    name = name or documents.resolve().parent.name
    problems = Problems(skip_bad)
    corpus = checked_texts(_records(documents), f"{name} documents", problems)
    asked = list(checked_texts(_records(queries, blank=False), f"{name} queries", problems)[0])
    judgements = read_judgements(qrels, _parse_judgement, problems, _JUDGEMENT)
    if _counted_in_file_order(asked, judgements):
        problems.remark(f"{qrels.name} counts the queries of {queries.name} from 1 in file order, and so do the ids")
        asked = [Text(str(position), q.text, q.group) for position, q in enumerate(asked, start=1)]
    return joined(name, corpus, asked, judgements, qrels, problems)


def _records(path: Path, *, blank: bool = True) -> Callable[[Problems], Iterator[Located]]:
    def record(start: int, number: str, lines: dict[str, list[str]], problems: Problems) -> Iterator[Located]:
        text = _text(lines)
        if text or blank:
            yield path, start, Text(number, text)
        else:
            problems.bad_line(path, start, f"record {number} has no text", _EXPECTED)

    def read(problems: Problems) -> Iterator[Located]:
        start, number, field = 0, "", ""
        lines: dict[str, list[str]] = {}
        for line_number, line in numbered_lines(path, problems, _EXPECTED):
            if begin := _RECORD.fullmatch(line):
                if start:
                    yield from record(start, number, lines, problems)
                start, number, field, lines = line_number, str(int(begin[1])), "", {}
            elif marker := _FIELD.fullmatch(line):
                field = marker[1]
            elif line.strip():
                if not start or not field:
                    where = "within no field" if start else "before the first record"
                    problems.bad_line(path, line_number, f"{shown(line)} {where}", _EXPECTED)
                lines.setdefault(field, []).append(line)
        if start:
            yield from record(start, number, lines, problems)

    return read


def _text(lines: dict[str, list[str]]) -> str:
    title, body = (" ".join(" ".join(lines.get(field, [])).split()) for field in "TW")
    return body if f"{body} ".startswith(f"{title} ") else f"{title} {body}".strip()


def _parse_judgement(line: str) -> Judgement:
    fields = line.split()
    if len(fields) == 3:
        grade = int(whole_number(fields[2], "code") > 0)
    elif len(fields) == 4 and _is_zero(fields[2]) and _is_zero(fields[3]):
        grade = 1
    else:
        raise BadLine(f"{len(fields)} fields in {shown(line)}")
    return str(whole_number(fields[0], "query")), str(whole_number(fields[1], "document")), grade


def _is_zero(field: str) -> bool:
    return not field.strip("0.")


def _counted_in_file_order(queries: list[Text], judgements: Judgements) -> bool:
    """Whether the judgements name numbers that no query has, but all lie in 1..n of queries numbered with gaps."""
    unknown = set(judgements) - {q.id for q in queries}
    return bool(unknown) and all(1 <= int(q) <= len(queries) for q in judgements)
