"""Files of pairs."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.pair_files import is_pair_file, read_pairs
from matryo.data.pairs import Pair
from matryo.errors import FormatError

Write = Callable[[dict[str, Any]], Path]
ROWS = [("up", "north", "a"), ("down", "south, really", "b")]


@pytest.mark.parametrize("names", [("query", "document"), ("anchor", "positive"), ("question", "answer")])
@pytest.mark.parametrize("format", ["jsonl", "tsv", "csv", "parquet"])
def test_every_format(tmp_path: Path, names: tuple[str, str], format: str) -> None:
    import pyarrow
    import pyarrow.parquet

    columns = (*names, "kind")
    path = tmp_path / f"some.{format}"
    if format == "jsonl":
        import json

        path.write_text("".join(json.dumps(dict(zip(columns, row, strict=True))) + "\n" for row in ROWS))
    elif format == "tsv":
        path.write_text("".join("\t".join(row) + "\n" for row in [columns, *ROWS]))
    elif format == "csv":
        path.write_text("".join(",".join(f'"{x}"' for x in row) + "\n" for row in [columns, *ROWS]))
    else:
        table = pyarrow.table({name: [row[i] for row in ROWS] for i, name in enumerate(columns)})
        pyarrow.parquet.write_table(table, path)
    first = 2 if format in ("tsv", "csv") else 1
    pairs = read_pairs(str(path), group="kind")
    assert pairs.name == "some"
    assert pairs.pairs == (Pair(f"{first}", "up", "north", "a"), Pair(f"{first + 1}", "down", "south, really", "b"))
    assert pairs.notes == ()
    ungrouped = read_pairs(path)
    assert [p.group for p in ungrouped.pairs] == [p.id for p in ungrouped.pairs]
    assert ungrouped.notes == (f"some.{format}: columns that are not read: kind",)


def test_named_columns_in_a_compressed_file(tmp_path: Path) -> None:
    path = tmp_path / "x.tsv.gz"
    path.write_bytes(gzip.compress(b'split\tsynopsis\tdescription\ntrain\tshort\tlong "text"\n'))
    pairs = read_pairs(path, columns=("synopsis", "description"))
    assert (pairs.name, pairs.pairs) == ("x", (Pair("2", "short", 'long "text"', "2"),))


def test_lists_of_positives(write: Write) -> None:
    folder = write({"x.jsonl": [{"query": "q", "pos": ["a", "b"], "neg": ["c"]}, {"query": "r", "pos": ["d"]}]})
    pairs = read_pairs(folder / "x.jsonl")
    assert [(p.id, p.query, p.document, p.group) for p in pairs.pairs] == [
        ("1-1", "q", "a", "1"),
        ("1-2", "q", "b", "1"),
        ("2-1", "r", "d", "2"),
    ]
    assert pairs.notes == ("x.jsonl: columns that are not read: neg",)


def test_ids_and_groups_of_their_own(write: Write) -> None:
    records = [
        {"id": "m:f", "query": "a", "document": "b", "group": "m"},
        {"id": "m:g", "query": "c", "document": "d", "group": "m"},
    ]
    pairs = read_pairs(write({"x.jsonl": records}) / "x.jsonl")
    assert pairs.pairs == (Pair("m:f", "a", "b", "m"), Pair("m:g", "c", "d", "m"))
    assert pairs.notes == ()
    records.append({"id": "m:f", "query": "e", "document": "f", "group": "n"})
    with pytest.raises(FormatError, match=r"line 3: the id of line 1 occurs again; expected .*unique ids"):
        read_pairs(write({"x.jsonl": records}) / "x.jsonl")


def test_csv_with_line_breaks_counts_lines_of_the_file(write: Write) -> None:
    folder = write({"x.csv": 'query,document\n"a\nb",c\nd,"e ""f"""\ng\n'})
    with pytest.raises(FormatError, match=r"x\.csv, line 5: 1 fields under a header of 2: 'g'"):
        read_pairs(folder / "x.csv")
    pairs = read_pairs(folder / "x.csv", skip_bad=True)
    assert [(p.id, p.query, p.document) for p in pairs.pairs] == [("2", "a\nb", "c"), ("4", "d", 'e "f"')]
    assert pairs.notes == ("x.csv: 1 bad lines skipped: line 5 (1 fields under a header of 2: 'g')",)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.jsonl", '{"query": "a", "document": "b"}\n{"query": "a"\n', "line 2: not JSON"),
        ("x.jsonl", '{"query": "a", "document": "b"}\n{"query": "a"}\n', "line 2: no field 'document'"),
        ("x.jsonl", '{"query": "a", "document": " "}', "line 1: field 'document' is blank"),
        ("x.jsonl", '{"query": "a", "pos": []}', "line 1: field 'pos' is an empty list"),
        ("x.jsonl", '{"query": "a", "pos": ["b", 3]}', "line 1: field 'pos' is a int, no text"),
        ("x.jsonl", '{"a": "a", "b": "b"}', "has the columns a, b, expected one of query/document"),
        ("x.jsonl", "", "is empty"),
        ("x.tsv", "query\tdocument\n", "has no pair that can be used"),
        ("x.tsv", "query\tdocument\na\tb\tc\n", "line 2: 3 fields under a header of 2"),
        ("x.tsv", "query\tquery\na\tb\n", "names a column twice"),
        ("x.tsv", b"query\tdocument\na\t\xff\n", "line 2: byte 3 of the line"),
        ("x.csv", 'query,document\n"a,b\n', "line 2: not CSV"),
        ("x.parquet", "query,document\n", "is not readable as Parquet"),
        ("x.docx", "query,document\n", "is no table by its name, expected one of .jsonl"),
    ],
)
def test_bad_input(write: Write, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(FormatError, match=rf"{name}.*{message}"):
        read_pairs(write({name: content}) / name)


def test_missing_parquet(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"x\.parquet is missing"):
        read_pairs(tmp_path / "x.parquet")


def test_bad_lines_are_skipped(write: Write) -> None:
    records = [{"query": "a", "document": "b"}, {"query": "c"}, {"query": "d", "document": "e"}]
    pairs = read_pairs(write({"x.jsonl": records}) / "x.jsonl", skip_bad=True)
    assert [p.id for p in pairs.pairs] == ["1", "3"]
    assert pairs.notes == ("x.jsonl: 1 bad lines skipped: line 2 (no field 'document' among ['query'])",)


def test_named_columns_that_are_not_there(write: Write) -> None:
    folder = write({"x.tsv": "a\tb\n1\t2\n"})
    with pytest.raises(
        FormatError, match=r"line 2: no field 'c' among \['a', 'b'\]; expected texts in the columns a, c"
    ):
        read_pairs(folder / "x.tsv", columns=("a", "c"))


@pytest.mark.parametrize(("name", "yes"), [("a.csv", True), ("a.jsonl.gz", True), ("a.txt", False), ("csv", False)])
def test_is_pair_file(name: str, yes: bool) -> None:
    assert is_pair_file(Path(name)) is yes
