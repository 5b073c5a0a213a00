"""Rows of files by their columns' names: JSON Lines, TSV, CSV with any separator, Parquet."""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matryo.data.fields import json_object
from matryo.data.lines import numbered_lines
from matryo.data.problems import BadLine, Problems, shown
from matryo.errors import FormatError, MatryoError

FORMATS = (".jsonl", ".tsv", ".csv", ".parquet")

TAB = "\t"
_EXPECTED = "a header line and rows of as many fields"

Row = tuple[int, Mapping[str, Any]]


def read_rows(path: Path, problems: Problems, separator: str | None = None) -> Iterator[Row]:
    """Rows of a file whose format is that of its name, `.gz` behind it is allowed for text.

    Args:
        path: the file.
        problems: told of bad lines.
        separator: of a CSV, one character; None = a comma.

    Yields: number of the line (in Parquet of the row, from 1) and the row by the header's names.
    Raises: FormatError for a missing or unreadable file, another format, and for a bad line; MatryoError for a
        separator of several characters.
    """
    if separator is not None and (len(separator) != 1 or separator in '"\n'):
        raise MatryoError(f"a separator is one character, got {separator!r}; give e.g. ';'")
    suffix = Path(path.name.removesuffix(".gz")).suffix
    if suffix == ".jsonl":
        return _json_rows(path, problems)
    if suffix == ".csv" or (suffix == ".tsv" and separator):
        return _table_rows(path, problems, separator or ",")
    if suffix == ".tsv":
        return _table_rows(path, problems, None)
    if suffix == ".parquet":
        return _parquet_rows(path)
    raise FormatError(f"{path} is no table by its name, expected one of {', '.join(FORMATS)}; rename or convert")


def _json_rows(path: Path, problems: Problems) -> Iterator[Row]:
    expected = "one JSON object per line"
    for number, line in numbered_lines(path, problems, expected):
        if not line.strip():
            continue
        try:
            record = json_object(line)
        except BadLine as bad:
            problems.bad_line(path, number, str(bad), expected)
        else:
            yield number, record


def _table_rows(path: Path, problems: Problems, delimiter: str | None) -> Iterator[Row]:
    """Rows by the header's names; a TSV (None) has no quotes, a CSV may have line breaks within them."""
    lines = numbered_lines(path, problems, _EXPECTED)
    header: list[str] | None = None
    for number, fields in _fields(lines, path, problems, delimiter):
        if header is None:
            header = fields
            if len(set(header)) < len(header):
                raise FormatError(f"{path} names a column twice in its header {header}; rename one")
        elif len(fields) != len(header):
            received = f"{len(fields)} fields under a header of {len(header)}: {shown((delimiter or TAB).join(fields))}"
            problems.bad_line(path, number, received, _EXPECTED)
        else:
            yield number, dict(zip(header, fields, strict=True))


def _fields(
    lines: Iterator[tuple[int, str]], path: Path, problems: Problems, delimiter: str | None
) -> Iterator[tuple[int, list[str]]]:
    if delimiter is None:
        return ((number, line.split(TAB)) for number, line in lines if line.strip())
    return _csv(lines, path, problems, delimiter)


def _csv(
    lines: Iterator[tuple[int, str]], path: Path, problems: Problems, delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    last = 0

    def fed() -> Iterator[str]:
        nonlocal last
        for last, line in lines:  # noqa: B007  # read below, after the reader has taken a record
            yield f"{line}\n"

    reader = csv.reader(fed(), delimiter=delimiter, strict=True)
    while True:
        start = last + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problems.bad_line(path, start, f"not CSV: {error}", _EXPECTED)
            continue
        if fields:
            yield start, fields


def _parquet_rows(path: Path) -> Iterator[Row]:
    # imported here: nothing else in this file needs it
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected Parquet; check the path") from None
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is not readable as Parquet: {error}; write it anew") from None
