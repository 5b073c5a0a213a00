"""Pairs from files: JSON Lines, TSV, CSV and Parquet, as other libraries and people write them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matryo.data.fields import id_of, text_of
from matryo.data.pairs import Pair, Pairs
from matryo.data.problems import BadLine, Problems
from matryo.data.table_files import FORMATS, read_rows
from matryo.errors import FormatError

KNOWN_COLUMNS = (
    ("query", "document"),
    ("query", "pos"),  # FlagEmbedding: a list of positives
    ("anchor", "positive"),  # sentence-transformers
    ("query", "positive"),
    ("query", "answer"),
    ("question", "answer"),
)
ID, GROUP = "id", "group"


def read_pairs(
    path: str | Path, *, columns: tuple[str, str] | None = None, group: str | None = None, skip_bad: bool = False
) -> Pairs:
    """Read pairs; the format is that of the file's name, `.gz` behind it is allowed for text.

    TSV and CSV need a header line. A positive that is a list makes one pair of each of its texts. Other columns, among
    them negatives, are not read, and a note names those of the first row. The id of a pair stands in
    the column `id`, or else is its line (in Parquet its row, from 1), with "-1", "-2", ... where a line has a list;
    without a group column every line is its own group.

    Args:
        path: the file.
        columns: names of the query's and the document's column; None = the first of `KNOWN_COLUMNS` that is there.
        group: name of the column of the group that no split may tear apart; None = `group` if the first row has it.
        skip_bad: count and list bad lines in the notes instead of failing at the first.

    Returns: pairs named like the file.
    Raises: FormatError for a missing, empty or unreadable file, unknown columns, and for a bad line.
    """
    path = Path(path)
    problems = Problems(skip_bad)
    pairs: list[Pair] = []
    chosen, unread_columns = columns, ""
    first_lines: dict[str, int] = {}
    for number, row in read_rows(path, problems):
        try:
            if chosen is None:
                chosen = _choose(row, path)
            if not pairs:
                group = group or (GROUP if GROUP in row else None)
                unread_columns = ", ".join(name for name in row if name not in (*chosen, group, ID))
            id = id_of(row, ID) if ID in row else str(number)
            if first_lines.setdefault(id, number) != number:
                raise BadLine(f"the id of line {first_lines[id]} occurs again")
            pairs.extend(_pairs(id, row, chosen, group))
        except BadLine as bad:
            names = (*(chosen or ()), *([group] if group else ()))
            problems.bad_line(path, number, str(bad), f"texts in the columns {', '.join(names)}, unique ids")
    if not pairs:
        raise FormatError(f"{path} has no pair that can be used, expected at least one; {'; '.join(problems.notes)}")
    if unread_columns:
        problems.remark(f"{path.name}: columns that are not read: {unread_columns}")
    return Pairs(path.name.removesuffix(".gz").rpartition(".")[0], tuple(pairs), problems.notes)


def is_pair_file(path: Path) -> bool:
    """Whether the name is that of a file that may hold pairs."""
    return path.name.removesuffix(".gz").endswith(FORMATS)


def _choose(row: Mapping[str, Any], path: Path) -> tuple[str, str]:
    for names in KNOWN_COLUMNS:
        if all(name in row for name in names):
            return names
    known = ", ".join("/".join(names) for names in KNOWN_COLUMNS)
    raise FormatError(f"{path} has the columns {', '.join(row)}, expected one of {known}; name yours with columns=")


def _pairs(id: str, row: Mapping[str, Any], columns: tuple[str, str], group: str | None) -> Iterator[Pair]:
    query = _filled(row, columns[0])
    positives = row.get(columns[1])
    grouped = id_of(row, group) if group else id
    if not isinstance(positives, list):
        yield Pair(id, query, _filled(row, columns[1]), grouped)
        return
    if not positives:
        raise BadLine(f"field {columns[1]!r} is an empty list")
    for position, text in enumerate(positives, start=1):
        yield Pair(f"{id}-{position}", query, _filled({columns[1]: text}, columns[1]), grouped)


def _filled(record: Mapping[str, Any], name: str) -> str:
    text = text_of(record, name)
    if not text.strip():
        raise BadLine(f"field {name!r} is blank")
    return text
