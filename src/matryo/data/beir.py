"""BEIR folders: `corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`, each also with `.gz` behind its name."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

from matryo.data.fields import id_of, json_object, text_of, whole_number
from matryo.data.judgements import Judgement, joined, read_judgements
from matryo.data.lines import numbered_lines, parsed
from matryo.data.problems import BadLine, Problems, shown
from matryo.data.retrieval import Retrieval
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text
from matryo.errors import FormatError
from matryo.files import atomic_path

CORPUS, QUERIES, QRELS = "corpus.jsonl", "queries.jsonl", "qrels"

_DOCUMENT = 'one object per line: {"_id": ..., "title": ..., "text": ...}'
_QUERY = 'one object per line: {"_id": ..., "text": ...}'
_HEADER = "query-id\tcorpus-id\tscore"
_JUDGEMENT = "tab-separated lines `query-id corpus-id score` under a header of these names, the score a whole number"


def read_beir(folder: str | Path, split: str = "test", *, skip_bad: bool = False) -> Retrieval:
    """Read a BEIR folder; the corpus is streamed.

    A document's text is its title, a space and its text. `metadata.group` of a query, which `write_beir` writes, is
    its group.

    Args:
        folder: holds `corpus.jsonl`, `queries.jsonl` and `qrels/`.
        split: which file of `qrels/`.
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.

    Returns: a task named like the folder, of the queries that have a relevant document.
    Raises: FormatError for a missing or empty file, a bad line, a repeated or an unknown id.
    """
    folder = Path(folder)
    problems = Problems(skip_bad)
    qrels = split_file(folder, split)
    documents = checked_texts(
        located(existing(folder, CORPUS), _parse_document, _DOCUMENT), f"{folder.name} documents", problems
    )
    queries, _ = checked_texts(
        located(existing(folder, QUERIES), _parse_query, _QUERY), f"{folder.name} queries", problems
    )
    judgements = read_judgements(qrels, _parse_judgement, problems, _JUDGEMENT, header=_is_header)
    return joined(folder.resolve().name, documents, queries, judgements, qrels, problems)


def existing(folder: Path, name: str) -> Path:
    """The file of this name, or of this name with `.gz`; the plain name if there is neither."""
    return next((p for p in (folder / name, folder / f"{name}.gz") if p.exists()), folder / name)


def beir_splits(folder: Path) -> list[str]:
    """Names of the splits that a folder has judgements for."""
    return sorted({p.name.removesuffix(".gz").removesuffix(".tsv") for p in (folder / QRELS).glob("*.tsv*")})


def split_file(folder: Path, split: str) -> Path:
    """The judgements of a split.

    Raises: FormatError naming the splits there are.
    """
    path = existing(folder / QRELS, f"{split}.tsv")
    if not path.exists():
        there = ", ".join(beir_splits(folder)) or "none"
        raise FormatError(f"{path} is missing; splits in {folder}: {there}; choose one of them")
    return path


def located(path: Path, parse: Callable[[str], Text], expected: str) -> Callable[[Problems], Iterator[Located]]:
    """A function that reads a file of one text per line from the start."""

    def read(problems: Problems) -> Iterator[Located]:
        lines = numbered_lines(path, problems, expected)
        return ((path, number, text) for number, text in parsed(lines, parse, path, problems, expected))

    return read


def _parse_document(line: str) -> Text:
    """A line of `corpus.jsonl`.

    Raises: BadLine.
    """
    record = json_object(line)
    title, text = text_of(record, "title", default=""), text_of(record, "text")
    return Text(id_of(record, "_id"), f"{title} {text}" if title else text)


def _parse_query(line: str) -> Text:
    record = json_object(line)
    text = text_of(record, "text")
    if not text.strip():
        raise BadLine("the query is blank")
    metadata = record.get("metadata")
    group = metadata.get("group") if isinstance(metadata, dict) else None
    return Text(id_of(record, "_id"), text, group if isinstance(group, str) else "")


def _is_header(line: str) -> bool:
    fields = line.split("\t")
    return len(fields) == 3 and fields[2].strip().lower() == "score"


def _parse_judgement(line: str) -> Judgement:
    fields = line.split("\t")
    if len(fields) != 3:
        raise BadLine(f"{len(fields)} tab-separated fields in {shown(line)}")
    return fields[0], fields[1], whole_number(fields[2], "score")


def write_beir(task: Retrieval, folder: str | Path, split: str = "test") -> None:
    """Write a task as a BEIR folder, each file atomically.

    Titles stay empty: reading gives the same texts. Groups go to `metadata.group` of the queries.

    Args:
        task: ids must not hold tabs or line breaks.
        folder: is made if missing; files of the same names are replaced.
        split: name of the judgements' file.

    Raises: FormatError if an id cannot stand in a TSV file.
    """
    folder = Path(folder)
    for text in task.queries:
        check_tsv_id(text.id)
    with atomic_path(folder / CORPUS) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
        for text in task.documents:
            stream.write(json_line({"_id": check_tsv_id(text.id), "title": "", "text": text.text}))
    with atomic_path(folder / QUERIES) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
        for text in task.queries:
            group = task.groups.get(text.id)
            metadata = {"metadata": {"group": group}} if group else {}
            stream.write(json_line({"_id": text.id, "text": text.text, **metadata}))
    with atomic_path(folder / QRELS / f"{split}.tsv") as path, path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(f"{_HEADER}\n")
        for query, grades in task.judgements.items():
            stream.writelines(f"{query}\t{document}\t{grade}\n" for document, grade in grades.items())


def json_line(record: dict[str, object]) -> str:
    """One line of a JSON Lines file."""
    return json.dumps(record, ensure_ascii=False) + "\n"


def check_tsv_id(id: str) -> str:
    """An id that can stand in a tab-separated line.

    Raises: FormatError.
    """
    if "\t" in id or "\n" in id or "\r" in id:
        raise FormatError(f"id {id!r} holds a tab or a line break, which a TSV file of judgements cannot; rename it")
    return id
