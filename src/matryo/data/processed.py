"""The processed layout: `passages.jsonl`, and per split `queries_SPLIT.jsonl` and `qrels_SPLIT.tsv` without a header.

Source: the layout that dense-retrieval pipelines prepare MS MARCO into: `{"docid": int, "text": str}`,
`{"qid": str, "text": str}`, `qid <tab> docid <tab> rel`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from matryo.data.beir import check_tsv_id, existing, json_line, located
from matryo.data.fields import id_of, json_object, text_of, whole_number
from matryo.data.judgements import Judgement, joined, read_judgements
from matryo.data.problems import BadLine, Problems, shown
from matryo.data.retrieval import Retrieval
from matryo.data.streams import checked_texts
from matryo.data.texts import Text
from matryo.errors import FormatError, MatryoError
from matryo.files import atomic_path

PASSAGES = "passages.jsonl"

# no leading zeros, no plus: reading the number back must give the same id
_DOCID = re.compile(r"0|-?[1-9][0-9]{0,17}")

_PASSAGE = 'one object per line: {"docid": whole number, "text": ...}'
_QUERY = 'one object per line: {"qid": ..., "text": ...}'
_JUDGEMENT = "tab-separated lines `qid docid rel`, docid and rel whole numbers, no header"


def read_processed(folder: str | Path, split: str = "dev", *, skip_bad: bool = False) -> Retrieval:
    """Read one split of a folder in the processed layout; the passages are streamed.

    Args:
        folder: holds `passages.jsonl`, `queries_SPLIT.jsonl` and `qrels_SPLIT.tsv`, each may end in `.gz`.
        split: usually "train" or "dev".
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.

    Returns: a task named like the folder, of the queries that have a relevant passage.
    Raises: FormatError for a missing or empty file, a bad line, a repeated or an unknown id.
    """
    folder = Path(folder)
    name = folder.resolve().name
    if split not in (splits := processed_splits(folder)):
        raise FormatError(f"{folder} has the splits {', '.join(splits) or 'none'}, got {split!r}; choose one of them")
    problems = Problems(skip_bad)
    qrels = existing(folder, f"qrels_{split}.tsv")
    documents = checked_texts(
        located(existing(folder, PASSAGES), _parse_passage, _PASSAGE), f"{name} documents", problems
    )
    queries_path = existing(folder, f"queries_{split}.jsonl")
    queries, _ = checked_texts(located(queries_path, _parse_query, _QUERY), f"{name} queries", problems)
    judgements = read_judgements(qrels, _parse_judgement, problems, _JUDGEMENT)
    return joined(name, documents, queries, judgements, qrels, problems)


def processed_splits(folder: Path) -> list[str]:
    """Names of the splits a folder has queries for."""
    names = (p.name.removesuffix(".gz") for p in folder.glob("queries_*.jsonl*"))
    return sorted({n.removeprefix("queries_").removesuffix(".jsonl") for n in names if n.endswith(".jsonl")})


def _parse_passage(line: str) -> Text:
    record = json_object(line)
    docid = record.get("docid")
    if not isinstance(docid, int) or isinstance(docid, bool):
        raise BadLine(f"docid is {docid!r}, no whole number")
    return Text(str(docid), text_of(record, "text"))


def _parse_query(line: str) -> Text:
    record = json_object(line)
    text = text_of(record, "text")
    if not text.strip():
        raise BadLine("the query is blank")
    return Text(id_of(record, "qid"), text)


def _parse_judgement(line: str) -> Judgement:
    fields = line.split("\t")
    if len(fields) != 3:
        raise BadLine(f"{len(fields)} tab-separated fields in {shown(line)}")
    return fields[0], str(whole_number(fields[1], "docid")), whole_number(fields[2], "rel")


def write_processed(splits: Mapping[str, Retrieval], folder: str | Path) -> None:
    """Write tasks over one corpus in the processed layout, each file atomically.

    Args:
        splits: split name -> task; all have the same documents, whose ids are whole numbers.
        folder: is made if missing; files of the same names are replaced.

    Raises: MatryoError if there are no splits or their documents differ; FormatError if an id does not fit.
    """
    folder = Path(folder)
    tasks = list(splits.values())
    if not tasks:
        raise MatryoError("got no splits to write, expected at least one; give {name: task}")
    documents = tasks[0].documents
    if any(t.documents is not documents and t.documents.digest() != documents.digest() for t in tasks[1:]):
        raise MatryoError(
            f"the splits {', '.join(splits)} have different documents, expected the same; write them apart"
        )
    with atomic_path(folder / PASSAGES) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
        for text in documents:
            stream.write(json_line({"docid": _docid(text.id), "text": text.text}))
    for split, task in splits.items():
        queries = folder / f"queries_{split}.jsonl"
        with atomic_path(queries) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
            for text in task.queries:
                stream.write(json_line({"qid": check_tsv_id(text.id), "text": text.text}))
        qrels = folder / f"qrels_{split}.tsv"
        with atomic_path(qrels) as path, path.open("w", encoding="utf-8", newline="\n") as stream:
            for query, grades in task.judgements.items():
                stream.writelines(f"{query}\t{document}\t{grade}\n" for document, grade in grades.items())


def _docid(id: str) -> int:
    if not _DOCID.fullmatch(id):
        raise FormatError(f"document id {id!r} is no whole number, which the processed layout needs; write it as BEIR")
    return int(id)
