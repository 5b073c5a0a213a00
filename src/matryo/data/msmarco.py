"""MS MARCO passage ranking: the official files, converted to the processed layout while they stream by."""

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.data.beir import check_tsv_id, json_line
from matryo.data.judgements import Judgements
from matryo.data.msmarco_lines import PASSAGE, QUERY, Cleaning, parse_passage, parse_query, rows
from matryo.data.msmarco_pids import Pids
from matryo.data.msmarco_readers import judgements_of, read_collection, read_qrels, read_queries
from matryo.data.msmarco_sources import COLLECTION, SPLITS, Source, files_for, find_sources, opened
from matryo.data.problems import Problems
from matryo.data.processed import PASSAGES
from matryo.data.texts import few
from matryo.errors import FormatError, MatryoError
from matryo.files import (
    atomic_path,
    check_fields,
    check_format,
    digest_file,
    digest_json,
    only_writer,
    read_json,
    write_json,
)
from matryo.progress import progress as show_progress

__all__ = ["PREPARED", "prepare_msmarco", "read_collection", "read_qrels", "read_queries"]

PREPARED = "prepared.json"
"""Name of the manifest: what is made from which files, one entry as soon as its files are whole."""

_FORMAT = 1
_VERSION = 1  # of the conversion: raised when the same sources would give other files
_PASSAGES_PER_STEP = 1000

_encode = json.JSONEncoder(ensure_ascii=False).encode


def prepare_msmarco(
    source: str | Path, out: str | Path, *, skip_bad: bool = False, progress: bool = False
) -> tuple[str, ...]:
    """Convert the official MS MARCO passage ranking files to the processed layout that `read_processed` reads.

    Texts lose their ASCII control characters and get single blanks as their only white space. A split keeps the
    queries that have a judgement; `dev` is judged by `qrels.dev.small.tsv`, whose 6,980 queries published numbers are
    on, and by `qrels.dev.tsv` if there is no such file. The collection streams by: besides the judged queries 12
    bytes per passage are held. A file that is finished is not made again while its sources' digests are the same.

    Args:
        source: folder with `collection.tsv`, `queries.{train,dev}.tsv`, `qrels.{train,dev}.tsv`, each plain or with
            `.gz`, or with archives that hold them: `collectionandqueries.tar.gz`, `collection.tar.gz`,
            `queries.tar.gz`.
        out: folder for `passages.jsonl`, `queries_{train,dev}.jsonl`, `qrels_{train,dev}.tsv` and `prepared.json`.
        skip_bad: count and list bad lines and unknown ids in the notes instead of failing at the first.
        progress: show it on stderr.

    Returns: what was kept, cleaned and left out, one sentence each; the same when nothing had to be made.
    Raises: FormatError for missing files (all are named), damaged ones, a bad line, a judged query that is empty, a
        repeated or an unknown id; MatryoError if no query of a split is left.
    """
    folder, out = Path(source), Path(out)
    advice = f"put them there or run: matryo data msmarco {folder} {out} --download --accept-terms"
    with only_writer(out), ExitStack() as stack:
        manifest = _Manifest.read(out / PREPARED)
        keys = _keys(folder, skip_bad)
        due = [part for part in keys if not manifest.has(part, keys[part])]
        if due:
            sources = find_sources(folder, out, stack, advice)
            pids = None
            if PASSAGES in due:
                problems = Problems(skip_bad)
                pids = _write_passages(sources[COLLECTION], out / PASSAGES, problems, progress)
                manifest.add(PASSAGES, keys[PASSAGES], [out / PASSAGES], problems.notes)
            pids = pids or _pids_of(out / PASSAGES)
            for split in (part for part in due if part != PASSAGES):
                problems = Problems(skip_bad)
                _write_split(split, sources, pids, out, problems)
                manifest.add(split, keys[split], _split_files(out, split), problems.notes)
        return manifest.notes()


@dataclass
class _Manifest:
    """`prepared.json`: part -> key of what it was made from, sizes of its files, notes."""

    path: Path
    parts: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> "_Manifest":
        if not path.exists():
            return cls(path, {})
        stored = read_json(path, "the manifest of a prepared MS MARCO")
        check_format(stored.get("format") if isinstance(stored, dict) else None, _FORMAT, path)
        check_fields(stored, {"format": int, "parts": dict}, path)
        return cls(path, stored["parts"])

    def has(self, part: str, key: str) -> bool:
        """Whether a part was made from these sources and its files are still of the size they had."""
        stored = self.parts.get(part)
        return (
            stored is not None
            and stored["key"] == key
            and all(
                (path := self.path.parent / name).is_file() and path.stat().st_size == size
                for name, size in stored["files"].items()
            )
        )

    def add(self, part: str, key: str, files: list[Path], notes: tuple[str, ...]) -> None:
        sizes = {path.name: path.stat().st_size for path in files}
        self.parts[part] = {"key": key, "files": sizes, "notes": list(notes)}
        write_json(self.path, {"format": _FORMAT, "parts": self.parts})

    def notes(self) -> tuple[str, ...]:
        return tuple(note for part in (PASSAGES, *SPLITS) for note in self.parts[part]["notes"])


def _keys(folder: Path, skip_bad: bool) -> dict[str, str]:
    """Part -> digest of everything that decides what it becomes."""
    roles = {PASSAGES: [COLLECTION]}
    roles |= {split: [COLLECTION, f"queries.{split}", f"qrels.{split}"] for split in SPLITS}
    files = {part: files_for(folder, needed) for part, needed in roles.items()}
    digests = {path: digest_file(path) for path in dict.fromkeys(p for paths in files.values() for p in paths)}
    return {
        part: digest_json([_VERSION, part, skip_bad, {path.name: digests[path] for path in paths}])
        for part, paths in files.items()
    }


def _write_passages(source: Source, path: Path, problems: Problems, progress: bool) -> Pids:
    pids, cleaning, blank = Pids(), Cleaning(), 0
    with atomic_path(path) as temporary:
        with (
            opened(source) as stream,
            temporary.open("w", encoding="utf-8", newline="\n") as target,
            show_progress("convert passages", None, "passages", shown=progress) as advance,
        ):
            for number, (pid, raw) in rows(stream, source.label, parse_passage, problems, PASSAGE):
                text = cleaning(raw)
                blank += not text
                pids.add(int(pid), number)
                target.write(f'{{"docid": {pid.decode()}, "text": {_encode(text)}}}\n')
                if len(pids) % _PASSAGES_PER_STEP == 0:
                    advance(_PASSAGES_PER_STEP)
        if not len(pids):
            raise FormatError(f"{source.label} has no passage that can be used; {'; '.join(problems.notes)}")
        if repeats := pids.repeats():
            for _, repeated, line, first in repeats:
                problems.bad_line(source.label, line, f"the pid {repeated} of line {first} occurs again", "unique pids")
            _drop_lines(temporary, {position for position, *_ in repeats})
    problems.remark(f"{len(pids) - len(repeats):,} passages from {source.label.name}")
    for note in cleaning.notes("passages"):
        problems.remark(note)
    if blank:
        problems.remark(f"{blank:,} passages are blank")
    return pids


def _drop_lines(path: Path, positions: set[int]) -> None:
    """Write a file again without the lines at these positions, counted from 0."""
    shorter = path.with_name(f"{path.name}-shorter")
    with path.open("rb") as lines, shorter.open("wb") as target:
        target.writelines(line for position, line in enumerate(lines) if position not in positions)
    os.replace(shorter, path)


def _pids_of(path: Path) -> Pids:
    """Numbers of the passages of a file that `_write_passages` wrote."""
    pids = Pids()
    start = len('{"docid": ')
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            pids.add(int(line[start : line.index(b",")]), number)
    return pids


def _split_files(out: Path, split: str) -> list[Path]:
    return [out / f"queries_{split}.jsonl", out / f"qrels_{split}.tsv"]


def _write_split(split: str, sources: Mapping[str, Source], pids: Pids, out: Path, problems: Problems) -> None:
    qrels, queries = sources[f"qrels.{split}"], sources[f"queries.{split}"]
    judgements = _known_passages(judgements_of(qrels, problems), pids, qrels.label, problems)
    queries_path, qrels_path = _split_files(out, split)
    with atomic_path(queries_path) as temporary:
        n_queries, kept = _write_queries(queries, judgements, temporary, problems)
        if lost := [query for query in judgements if query not in kept]:
            received = f"{qrels.label} judges {len(lost):,} queries that {queries.label} does not have: {few(lost)}"
            problems.bad_entries(received, "add the queries, correct the ids")
        if not kept:
            raise MatryoError(f"{split}: none of {n_queries:,} queries has a judgement; check that the files agree")
    rows_of = {query: grades for query, grades in judgements.items() if query in kept}
    with atomic_path(qrels_path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as target:
        for query, grades in rows_of.items():
            target.writelines(f"{query}\t{passage}\t{grade}\n" for passage, grade in grades.items())
    problems.remark(
        f"{split}: {len(kept):,} of {n_queries:,} queries have judgements and are kept, with "
        f"{sum(map(len, rows_of.values())):,} judgements from {qrels.label.name}"
    )


def _known_passages(judgements: Judgements, pids: Pids, label: Path, problems: Problems) -> Judgements:
    """The judgements without those of passages that the collection does not have.

    Raises: FormatError if there are such, unless they are skipped.
    """
    judged = list(dict.fromkeys(int(passage) for grades in judgements.values() for passage in grades))
    unknown = {str(pid): None for pid in pids.unknown(judged)}
    if not unknown:
        return judgements
    received = f"{label} judges {len(unknown):,} passages that the collection does not have: {few(list(unknown))}"
    problems.bad_entries(received, "add the passages, correct the ids")
    known = {q: {p: grade for p, grade in grades.items() if p not in unknown} for q, grades in judgements.items()}
    return {query: grades for query, grades in known.items() if grades}


def _write_queries(
    source: Source, judgements: Judgements, path: Path, problems: Problems
) -> tuple[int, dict[str, int]]:
    """Write the judged queries; gives the number of all, and the line of each that was written."""
    n_queries = 0
    written: dict[str, int] = {}
    cleaning = Cleaning()
    with opened(source) as stream, path.open("w", encoding="utf-8", newline="\n") as target:
        for number, (qid, raw) in rows(stream, source.label, parse_query, problems, QUERY):
            n_queries += 1
            if qid not in judgements:
                continue
            text = cleaning(raw)
            if not text:
                problems.bad_line(source.label, number, f"query {qid} is empty", QUERY)
            elif qid in written:
                received = f"the qid {qid} of line {written[qid]} occurs again"
                problems.bad_line(source.label, number, received, "unique qids")
            else:
                written[qid] = number
                target.write(json_line({"qid": check_tsv_id(qid), "text": text}))
    for note in cleaning.notes("queries"):
        problems.remark(note)
    return n_queries, written
