"""The official candidates for reranking, `top1000.dev`: which passages are to be ranked for which query."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from matryo.data.msmarco_lines import check_pid, rows
from matryo.data.msmarco_sources import open_file, open_member
from matryo.data.problems import BadLine, Problems, shown

_MEMBER = "top1000.dev"
_CANDIDATE = "tab-separated lines `qid pid query passage`, pid a whole number"


def read_candidates(path: str | Path, *, problems: Problems | None = None) -> dict[str, list[str]]:
    """Candidates of each query; the file is streamed and only its ids are held.

    The order says nothing: in the official file the 1,000 passages that BM25 found for a query are shuffled.

    Args:
        path: rows `qid <tab> pid <tab> query <tab> passage`, plain or gzip-compressed; or, with a name that ends in
            `.tar.gz` or `.tgz`, an archive that holds `top1000.dev`.
        problems: hears of bad rows and counts repeated ones; None = the first bad row is an error.

    Returns: query id -> passage ids in the order of the file, each once.
    Raises: FormatError for a missing, empty or damaged file, and for a bad row unless these are skipped.
    """
    path, problems = Path(path), problems or Problems()
    candidates: dict[str, list[str]] = {}
    with _opened(path) as stream:
        for _, (query, passage) in rows(stream, path, _parse, problems, _CANDIDATE):
            candidates.setdefault(query, []).append(passage)
    repeated = 0
    for query, passages in candidates.items():
        unique = list(dict.fromkeys(passages))
        repeated += len(passages) - len(unique)
        candidates[query] = unique
    if repeated:
        problems.remark(f"{path.name}: {repeated:,} rows repeat a candidate of their query and are left out")
    return candidates


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    if path.name.endswith((".tar.gz", ".tgz")):
        with open_member(path, _MEMBER) as stream:
            yield stream
    else:
        with open_file(path) as stream:
            yield stream


def _parse(line: bytes) -> tuple[str, str]:
    fields = line.split(b"\t")
    if len(fields) != 4:
        raise BadLine(f"{len(fields)} tab-separated fields in {shown(line.decode(errors='replace'))}")
    if not fields[0].strip():
        raise BadLine("no query id")
    return fields[0].strip().decode(), check_pid(fields[1]).decode()
