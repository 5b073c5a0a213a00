"""TREC collections: `<DOC>` files, topics, and qrels `query 0 document grade`."""

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from matryo.data.fields import whole_number
from matryo.data.judgements import Judgement, joined, read_judgements
from matryo.data.lines import numbered_lines
from matryo.data.problems import BadLine, Problems, shown
from matryo.data.retrieval import Retrieval
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text

_DOCUMENT = "documents `<DOC> <DOCNO>id</DOCNO> text </DOC>`"
_TOPIC = "topics `<top> <num>id <title>text </top>`"
_JUDGEMENT = "lines `query 0 document grade`, the grade a whole number"

_TAG = re.compile(r"</?[A-Za-z][\w-]*(?:\s[^<>]*)?>")
_DOCNO = re.compile(r"<DOCNO>(.*?)</DOCNO>", re.IGNORECASE | re.DOTALL)
_NUM = re.compile(r"<num>\s*(?:Number:)?\s*([^<\s]+)", re.IGNORECASE)
_TITLE = re.compile(r"<title>\s*(?:Topic:)?([^<]*)", re.IGNORECASE)


def read_trec(
    documents: str | Path | Sequence[str | Path],
    topics: str | Path,
    qrels: str | Path,
    *,
    name: str | None = None,
    skip_bad: bool = False,
    notes: Sequence[str] = (),
) -> Retrieval:
    """Read a TREC collection; the documents are streamed.

    A document's text is everything between `<DOC>` and `</DOC>` but the `<DOCNO>`, without tags; a query is the title
    of a topic, whether its tags are closed or not. Runs of white space become one space.

    Args:
        documents: one file or several, read in this order; all files may be gzip-compressed.
        topics: file of topics.
        qrels: file of judgements; grades of 0 and below are not relevant.
        name: of the task; None = the name of the folder of the topics.
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.
        notes: what the caller has to say already.

    Returns: a task of the queries that have a relevant document.
    Raises: FormatError for a missing or empty file, a bad document, topic or line, a repeated or an unknown id.
    """
    paths = [Path(p) for p in ([documents] if isinstance(documents, str | Path) else documents)]
    topics, qrels = Path(topics), Path(qrels)
    name = name or topics.resolve().parent.name
    problems = Problems(skip_bad)
    for note in notes:
        problems.remark(note)
    corpus = checked_texts(_elements(paths, "doc", _parse_document, _DOCUMENT), f"{name} documents", problems)
    queries, _ = checked_texts(_elements([topics], "top", _parse_topic, _TOPIC), f"{name} queries", problems)
    judgements = read_judgements(qrels, parse_judgement, problems, _JUDGEMENT)
    return joined(name, corpus, queries, judgements, qrels, problems)


def topic_ids(path: Path) -> set[str]:
    """Ids of the topics in a file; bad ones are left for the reading of the whole."""
    return {text.id for _, _, text in _elements([path], "top", _parse_topic, _TOPIC)(Problems(skip_bad=True))}


def parse_judgement(line: str) -> Judgement:
    """A line of TREC qrels.

    Raises: BadLine.
    """
    fields = line.split()
    if len(fields) != 4:
        raise BadLine(f"{len(fields)} fields in {shown(line)}")
    return fields[0], fields[2], whole_number(fields[3], "grade")


def _elements(
    paths: Sequence[Path], tag: str, parse: Callable[[str], Text], expected: str
) -> Callable[[Problems], Iterator[Located]]:
    opening, closing = (re.compile(rf"(.*?)<{slash}{tag}>(.*)", re.IGNORECASE) for slash in ("", "/"))

    def read_one(path: Path, problems: Problems) -> Iterator[Located]:
        start = 0
        content: list[str] = []
        for number, line in numbered_lines(path, problems, expected):
            rest = line
            while rest:
                if not start:
                    match = opening.match(rest)
                    outside, rest = (match[1], match[2]) if match else (rest, "")
                    if outside.strip():
                        problems.bad_line(path, number, f"{shown(outside)} outside of <{tag}>", expected)
                    if match:
                        start, content = number, []
                elif match := closing.match(rest):
                    content.append(match[1])
                    try:
                        text = parse("\n".join(content))
                    except BadLine as bad:
                        problems.bad_line(path, start, str(bad), expected)
                    else:
                        yield path, start, text
                    start, rest = 0, match[2]
                elif opening.match(rest):
                    problems.bad_line(path, start, f"<{tag}> is not closed before line {number}", expected)
                    start = 0
                else:
                    content.append(rest)
                    rest = ""
        if start:
            problems.bad_line(path, start, f"<{tag}> is not closed before the end of the file", expected)

    def read(problems: Problems) -> Iterator[Located]:
        for path in paths:
            yield from read_one(path, problems)

    return read


def _parse_document(content: str) -> Text:
    docno = _DOCNO.search(content)
    if not docno or not docno[1].strip():
        raise BadLine("a document without <DOCNO>")
    return Text(docno[1].strip(), _plain(content[: docno.start()] + " " + content[docno.end() :]))


def _parse_topic(content: str) -> Text:
    number, title = _NUM.search(content), _TITLE.search(content)
    if not number:
        raise BadLine("a topic without <num>")
    if not title or not title[1].strip():
        raise BadLine(f"topic {number[1]} has no <title>")
    return Text(number[1], _plain(title[1]))


def _plain(text: str) -> str:
    return " ".join(_TAG.sub(" ", text).split())
