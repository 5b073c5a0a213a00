"""Mined negatives as JSON Lines: first what they are, then one query per line, at last how many there are."""

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from matryo.data.fields import json_object
from matryo.data.problems import BadLine
from matryo.data.retrieval import Retrieval
from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError
from matryo.files import atomic_path, check_format, digest_json
from matryo.training.mining import Mined, mine_negatives
from matryo.training.settings import MineSettings

_FORMAT = 1
_ADVICE = "remove the file and mine again"


def write_mined(path: Path, mined: Iterable[Mined], about: Mapping[str, Any]) -> None:
    """Write mined negatives as they come, whole or not at all.

    The first line is {"format": 1, "about": ...}; then come {"query", "positive_score", "negatives", "scores"}; the
    last line is {"end": number of queries}, so that a file that was cut short is seen to be.

    Args:
        path: the file; replaced if it is there.
        mined: one value per query.
        about: JSON values for the first line: whatever tells what these negatives are.

    Raises: MatryoError if the disk is full.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(_header(about))
        n = 0
        for one in mined:
            stream.write(_body(one))
            n += 1
        stream.write(_line({"end": n}))


def mine_to_file(
    path: Path,
    task: Retrieval,
    queries: EmbeddingSet,
    documents: EmbeddingSet,
    settings: MineSettings,
    about: Mapping[str, Any],
    *,
    block: int = 1024,
    progress: bool = False,
) -> None:
    """Mine into a file as `write_mined` writes it; killed and run again it goes on and ends with the same bytes.

    What is done so far stands in PATH.part. It is begun anew if settings, judgements, vectors or `about` have changed.

    Args:
        path: the file; replaced if it is there.
        task: as for `mine_negatives`.
        queries: as for `mine_negatives`.
        documents: as for `mine_negatives`.
        settings: as for `mine_negatives`.
        about: further JSON values for the first line.
        block: queries that are searched together.
        progress: show rate and time left.

    Raises: what `mine_negatives` raises; MatryoError if the disk is full.
    """
    header = _header(
        {
            **about,
            "settings": settings.model_dump(),
            "judgements": digest_json(task.judgements),
            "queries": queries.digest,
            "documents": documents.digest,
        }
    )
    part = path.with_name(f"{path.name}.part")
    with atomic_path(path) as temporary:
        n = _done(part, header, block)
        mined = mine_negatives(task, queries, documents, settings, block=block, first_query=n, progress=progress)
        with part.open("a", encoding="utf-8", newline="\n") as stream:
            for one in mined:
                stream.write(_body(one))
            stream.write(_line({"end": queries.n_rows}))
        os.replace(part, temporary)


def read_mined(path: Path) -> dict[str, tuple[str, ...]]:
    """Read what `write_mined` wrote.

    Returns: query id -> ids of its negatives, most similar first, () for a query without any; in the order written.
    Raises: FormatError if the file is missing, cut short, damaged, or of another format.
    """
    records = _records(path)
    _about(path, records)
    found: dict[str, tuple[str, ...]] = {}
    for number, record in records:
        if "end" in record:
            if record["end"] != len(found) or next(records, None) is not None:
                raise FormatError(
                    f"{path}, line {number} ends a file of {record['end']!r} queries, {len(found):,} stand before it "
                    f"and none may follow; {_ADVICE}"
                )
            return found
        query, negatives = record.get("query"), record.get("negatives")
        if not isinstance(query, str) or not isinstance(negatives, list) or query in found:
            raise FormatError(f"{path}, line {number} must hold a query, once, and its negatives; {_ADVICE}")
        found[query] = tuple(map(str, negatives))
    raise FormatError(f"{path} is cut short after {len(found):,} queries, its last line is missing; {_ADVICE}")


def read_about(path: Path) -> dict[str, Any]:
    """What the first line of a file of mined negatives says of it.

    Raises: FormatError if the file is missing, or its first line is damaged or of another format.
    """
    return _about(path, _records(path))


def mined_notes(mined: Mapping[str, Sequence[str]], n: int) -> tuple[str, ...]:
    """One sentence if some queries have fewer negatives than were asked for.

    Args:
        mined: query id -> its negatives.
        n: negatives that each was to have.

    >>> mined_notes({"q1": ["d1", "d2"], "q2": ["d1"], "q3": []}, 2)
    ('2 of 3 queries have fewer than 2 mined negatives, 1 of them none',)
    """
    short = sum(len(negatives) < n for negatives in mined.values())
    none = sum(not negatives for negatives in mined.values())
    if not short:
        return ()
    return (f"{short:,} of {len(mined):,} queries have fewer than {n} mined negatives, {none:,} of them none",)


def _about(path: Path, records: Iterator[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
    _, first = next(records, (0, {}))
    check_format(first.get("format"), _FORMAT, path)
    about = first.get("about")
    if not isinstance(about, dict):
        raise FormatError(f"{path}, line 1 must say what the negatives are about, got {about!r}; {_ADVICE}")
    return about


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with path.open("rb") as stream:
            for line in stream:
                number += 1
                yield number, json_object(line.decode())
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected a file of mined negatives; check the path or mine") from None
    except (BadLine, UnicodeDecodeError) as error:
        raise FormatError(f"{path}, line {number} is damaged: {error}; {_ADVICE}") from None


def _done(part: Path, header: str, block: int) -> int:
    """Queries of whole blocks that an earlier run left behind; whatever follows them is removed."""
    part.touch()
    with part.open("r+b") as stream:
        if stream.readline() != header.encode():
            stream.seek(0)
            stream.truncate()
            stream.write(header.encode())
            return 0
        n, kept, end = 0, 0, stream.tell()
        while (line := stream.readline()).endswith(b"\n") and not line.startswith(b'{"end"'):
            n += 1
            if n % block == 0:
                kept, end = n, stream.tell()
        stream.truncate(end)
        return kept


def _header(about: Mapping[str, Any]) -> str:
    return _line({"format": _FORMAT, "about": dict(about)})


def _body(mined: Mined) -> str:
    return _line(
        {
            "query": mined.query,
            "positive_score": mined.positive_score,
            "negatives": mined.negatives,
            "scores": mined.scores,
        }
    )


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"
