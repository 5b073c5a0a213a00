"""Open what a user points at: a folder or file whose layout is seen in its names and first lines."""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from matryo.data.beir import CORPUS, QRELS, QUERIES, beir_splits, existing, read_beir
from matryo.data.fields import id_of, json_object, text_of
from matryo.data.hotpotqa import read_hotpotqa, read_passages
from matryo.data.lines import numbered_lines, parsed, read_lines
from matryo.data.pair_files import is_pair_file, read_pairs
from matryo.data.problems import Problems
from matryo.data.processed import PASSAGES, processed_splits, read_processed
from matryo.data.retrieval import Retrieval
from matryo.data.smart import read_smart
from matryo.data.streams import Located, checked_texts
from matryo.data.texts import Text, Texts
from matryo.data.trec import read_trec, topic_ids
from matryo.errors import FormatError

LAYOUTS = (
    f"BEIR ({CORPUS}, {QUERIES}, {QRELS}/SPLIT.tsv); processed ({PASSAGES}, queries_SPLIT.jsonl, qrels_SPLIT.tsv); "
    "SMART (documents and queries of `.I` records, the queries' name holds `qry` or `query`, the judgements' `rel`); "
    "TREC (<DOC> files, <top> topics, qrels `query 0 document grade`); a file of pairs (.jsonl, .tsv, .csv, .parquet); "
    "HotpotQA (a .json file of questions with context and supporting_facts)"
)

_FIRST_LINES = 50
_LOOKED_AT = 200
_TEXT = 'one object per line: {"_id", "id" or "docid": ..., "text": ...}'
_SMART_QUERIES = re.compile(r"qry|quer", re.IGNORECASE)
_QRELS_LINE = re.compile(r"\S+\s+\S+\s+\S+\s+-?\d+\s*")


def open_retrieval(path: str | Path, split: str | None = None, *, skip_bad: bool = False) -> Retrieval:
    """Read a retrieval task of any layout in `LAYOUTS`; each file may end in `.gz`.

    Args:
        path: a folder; a file of pairs, whose queries are then asked against all its documents; or a JSON file of
            HotpotQA.
        split: name of the judgements to use; None = "test" if there is one, else "dev", else the only one. SMART, TREC,
            pairs and HotpotQA have one set of judgements, called "test".
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.

    Raises: FormatError if there is nothing, the layout is none of these or ambiguous, or as the layout's reader.
    """
    path = Path(path)
    if path.is_file() and is_pair_file(path):
        _only_test(path, split)
        return read_pairs(path, skip_bad=skip_bad).to_retrieval()
    if path.is_file() and _is_json(path):
        _only_test(path, split)
        return read_hotpotqa(path, skip_bad=skip_bad)
    if not path.is_dir():
        received = "a file" if path.exists() else "missing"
        raise FormatError(f"{path} is {received}, expected one of: {LAYOUTS}; check the path")
    if existing(path, CORPUS).exists() and existing(path, QUERIES).exists():
        return read_beir(path, split or _usual(path, beir_splits(path)), skip_bad=skip_bad)
    if existing(path, PASSAGES).exists():
        return read_processed(path, split or _usual(path, processed_splits(path)), skip_bad=skip_bad)
    # the folder and its subfolders, no deeper: a home folder pointed at by mistake must not be searched through
    files = sorted(p for level in ("*", "*/*") for p in path.glob(level) if p.is_file() and p.name[0] != ".")
    kinds = {p: _kind(p) for p in files}
    if smart := [p for p in files if kinds[p] == "smart"]:
        _only_test(path, split)
        return _open_smart(path, smart, files, skip_bad)
    if trec := [p for p in files if kinds[p] == "doc"]:
        _only_test(path, split)
        topics, qrels = ([p for p in files if kinds[p] == kind] for kind in ("topics", "qrels"))
        return _open_trec(path, trec, topics, qrels, skip_bad)
    names = ", ".join(str(p.relative_to(path)) for p in files[:8]) or "nothing"
    raise FormatError(f"{path} holds {names}, expected one of: {LAYOUTS}; convert it to one")


def is_retrieval(folder: Path) -> bool:
    """Whether a folder holds the documents of a retrieval task, as `open_retrieval` would take them.

    Of a large folder the first files alone are looked at: a task has its documents in few.
    """
    if existing(folder, CORPUS).exists() and existing(folder, QUERIES).exists():
        return True
    if existing(folder, PASSAGES).exists():
        return True
    files = (p for level in ("*", "*/*") for p in folder.glob(level) if p.name[0] != "." and p.is_file())
    return any(_kind(p) in ("smart", "doc") for p in sorted(islice(files, _LOOKED_AT)))


def open_texts(path: str | Path, *, skip_bad: bool = False) -> Texts:
    """Texts to encode, streamed: JSON Lines of objects with an id and a text, any other text file one text per line.

    Args:
        path: a file, or a folder of a retrieval task, whose documents are taken. In JSON Lines the id is `_id`, `id`
            or `docid`, or else the line's number; `title`, if there, comes before `text`. A `.json` file is read as
            `read_passages` does: the paragraphs of HotpotQA, or titled passages, each once.
        skip_bad: count and list bad lines in the notes instead of failing at the first.

    Raises: FormatError for a missing, empty or unreadable file, a bad line, a repeated id.
    """
    path = Path(path)
    if path.is_dir():
        return open_retrieval(path, skip_bad=skip_bad).documents
    if _is_json(path):
        return read_passages(path, skip_bad=skip_bad)
    if not path.name.removesuffix(".gz").endswith(".jsonl"):
        return read_lines(path, skip_bad=skip_bad)

    def read(problems: Problems) -> Iterator[Located]:
        lines = numbered_lines(path, problems, _TEXT)
        for number, (id, text) in parsed(lines, _parse_text, path, problems, _TEXT):
            yield path, number, Text(str(number) if id is None else id, text)

    texts, _ = checked_texts(read, path.name, Problems(skip_bad))
    return texts


def _parse_text(line: str) -> tuple[str | None, str]:
    record = json_object(line)
    name = next((n for n in ("_id", "id", "docid") if n in record), None)
    title, text = text_of(record, "title", default=""), text_of(record, "text")
    return None if name is None else id_of(record, name), f"{title} {text}" if title else text


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith(".json")


def _usual(path: Path, splits: Sequence[str]) -> str:
    for name in ("test", "dev"):
        if name in splits:
            return name
    if len(splits) == 1:
        return splits[0]
    raise FormatError(f"{path} has the splits {', '.join(splits) or 'none'}, neither test nor dev; name one of them")


def _only_test(path: Path, split: str | None) -> None:
    if split not in (None, "test"):
        raise FormatError(f"{path} has one set of judgements, called test, got split {split!r}; leave it out")


def _kind(path: Path) -> str:
    """What the first lines look like: "smart", "doc", "topics", "qrels" or "" for anything else."""
    first: list[str] = []
    try:
        for _, line in numbered_lines(path, Problems(skip_bad=True), "text"):
            if line.strip():
                first.append(line)
            if len(first) == _FIRST_LINES:
                break
    except FormatError:
        return ""  # not text: no file of a collection
    if not first:
        return ""
    if re.match(r"\.I\s*\d+\s*$", first[0]):
        return "smart"
    start = first[0].lstrip().lower()
    if start.startswith(("<doc>", "<top>")):
        return "doc" if start.startswith("<doc>") else "topics"
    return "qrels" if all(_QRELS_LINE.fullmatch(line) for line in first) else ""


def _open_smart(folder: Path, smart: list[Path], files: list[Path], skip_bad: bool) -> Retrieval:
    queries = [p for p in smart if _SMART_QUERIES.search(p.name)]
    documents = [p for p in smart if p not in queries]
    qrels = [p for p in files if "rel" in p.name.lower() and p not in smart]
    return read_smart(
        _the_one(folder, "file of SMART documents", documents),
        _the_one(folder, "file of SMART queries (`qry` or `query` in its name)", queries),
        _the_one(folder, "file of SMART judgements (`rel` in its name)", qrels),
        name=folder.resolve().name,
        skip_bad=skip_bad,
    )


def _open_trec(folder: Path, documents: list[Path], topics: list[Path], qrels: list[Path], skip_bad: bool) -> Retrieval:
    ids = {p: topic_ids(p) for p in topics}
    widest = max(topics, key=lambda p: len(ids[p]), default=None)
    notes = []
    if widest is not None:
        for part in [p for p in topics if p != widest and ids[p] <= ids[widest]]:
            notes.append(f"{part.name} is not read: its {len(ids[part])} topics are also in {widest.name}")
            topics = [p for p in topics if p != part]
    return read_trec(
        documents,
        _the_one(folder, "file of TREC topics", topics),
        _the_one(folder, "file of TREC judgements", qrels),
        name=folder.resolve().name,
        skip_bad=skip_bad,
        notes=notes,
    )


def _the_one(folder: Path, what: str, found: Sequence[Path]) -> Path:
    if len(found) != 1:
        names = ", ".join(str(p.relative_to(folder)) for p in found) or "none"
        raise FormatError(f"{folder} needs one {what}, found {names}; leave one in the folder or call its reader")
    return found[0]
