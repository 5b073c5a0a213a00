"""Readers of single official MS MARCO files: a collection, queries, judgements."""

from collections.abc import Iterator
from pathlib import Path

from matryo.data.judgements import Judgements
from matryo.data.msmarco_lines import (
    JUDGEMENT,
    PASSAGE,
    QUERY,
    Cleaning,
    parse_judgement,
    parse_passage,
    parse_query,
    rows,
)
from matryo.data.msmarco_sources import Source, open_file, opened
from matryo.data.problems import Problems
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text, Texts


def read_collection(path: str | Path, *, skip_bad: bool = False) -> Texts:
    """Passages of a `collection.tsv`, cleaned; the file is streamed, not held.

    Args:
        path: lines `pid <tab> text`, plain or gzip-compressed.
        skip_bad: count and list bad lines in the notes instead of failing at the first.

    Returns: texts named like the file; their notes count what was cleaned.
    Raises: FormatError for a missing, empty or damaged file, a bad line or a repeated pid.
    """
    path = Path(path)

    def read(problems: Problems) -> Iterator[Located]:
        cleaning = Cleaning()
        with open_file(path) as stream:
            for number, (pid, raw) in rows(stream, path, parse_passage, problems, PASSAGE):
                yield path, number, Text(pid.decode(), cleaning(raw))
        for note in cleaning.notes("passages"):
            problems.remark(note)

    texts, _ = checked_texts(read, path.name, Problems(skip_bad))
    return texts


def read_queries(path: str | Path, *, skip_bad: bool = False) -> Texts:
    """Queries of a `queries.SPLIT.tsv`, cleaned; the file is streamed, not held.

    Args:
        path: lines `qid <tab> text`, plain or gzip-compressed.
        skip_bad: count and list bad lines in the notes instead of failing at the first.

    Returns: texts named like the file; their notes count what was cleaned.
    Raises: FormatError for a missing, empty or damaged file, a bad line, an empty query or a repeated qid.
    """
    path = Path(path)

    def read(problems: Problems) -> Iterator[Located]:
        cleaning = Cleaning()
        with open_file(path) as stream:
            for number, (qid, raw) in rows(stream, path, parse_query, problems, QUERY):
                if text := cleaning(raw):
                    yield path, number, Text(qid, text)
                else:
                    problems.bad_line(path, number, f"query {qid} is empty", QUERY)
        for note in cleaning.notes("queries"):
            problems.remark(note)

    texts, _ = checked_texts(read, path.name, Problems(skip_bad))
    return texts


def read_qrels(path: str | Path, *, problems: Problems | None = None) -> Judgements:
    """Judgements of a `qrels.SPLIT.tsv`: query id -> passage id -> grade.

    Args:
        path: lines `qid 0 pid rel`, separated by tabs or blanks; plain or gzip-compressed.
        problems: hears of bad lines and of repeated ones; None = the first bad line is an error.

    Raises: FormatError for a missing, empty or damaged file, and for a bad line unless these are skipped.
    """
    return judgements_of(Source(Path(path)), problems or Problems())


def judgements_of(source: Source, problems: Problems) -> Judgements:
    """Judgements of a file that may stand in an archive; two different grades for one pair are a bad line.

    Raises: FormatError as `read_qrels`.
    """
    judgements: Judgements = {}
    repeated = 0
    with opened(source) as stream:
        for number, (query, passage, grade) in rows(stream, source.label, parse_judgement, problems, JUDGEMENT):
            grades = judgements.setdefault(query, {})
            if passage not in grades:
                grades[passage] = grade
            elif grades[passage] == grade:
                repeated += 1
            else:
                received = f"query {query} and passage {passage} have grade {grades[passage]} further up"
                problems.bad_line(source.label, number, received, JUDGEMENT)
    if repeated:
        problems.remark(f"{source.label.name}: {repeated:,} lines repeat a judgement and change nothing")
    return judgements
