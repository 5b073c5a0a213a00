"""Two views from files: two tables with their true matches, or one file with both texts in each row."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from matryo.data.fields import id_of, text_of
from matryo.data.masking import mask_name
from matryo.data.problems import BadLine, Problems
from matryo.data.stdlib import stdlib_pairs
from matryo.data.table_files import read_rows
from matryo.data.texts import few
from matryo.data.views import View, Views
from matryo.errors import FormatError, MatryoError

PART = "part"
NAME = "NAME"
"""What stands in a text where the name of its entity was."""


@dataclass(frozen=True)
class TableView:
    """One table whose rows describe entities.

    Attributes:
        path: JSON Lines, TSV, CSV or Parquet.
        domain: what its texts are called.
        columns: that make up the text, in this order; one is taken as it is, several as "name: value; ...".
            () = all but the id.
        id: column of the ids.
        separator: of a CSV, one character; None = a comma.
    """

    path: Path
    domain: str
    columns: tuple[str, ...] = ()
    id: str = "id"
    separator: str | None = None


def read_view_tables(
    a: TableView,
    b: TableView,
    matches: Path,
    *,
    columns: tuple[str, str] | None = None,
    separator: str | None = None,
    skip_bad: bool = False,
    name: str | None = None,
) -> Views:
    """Read two tables and the pairs of ids that describe one entity.

    Rows that match each other, also over others, are one entity. Rows without a match stay: they are what a search
    has to tell the right one from.

    Args:
        a: the first table.
        b: the second.
        matches: file with an id of a and an id of b in each row.
        columns: of that file, a's id and b's; None = its first two.
        separator: of that file.
        skip_bad: leave out bad lines and rows without a text, and count them, instead of failing at the first.
        name: of the views; None = the names of the two files.

    Raises: FormatError for files that are missing or malformed, ids that repeat, empty texts, and matches that name
        unknown ids; MatryoError if nothing matches.
    """
    problems = Problems(skip_bad)
    sides = [_read_table(table, problems) for table in (a, b)]
    n = len(sides[0])
    places = [{id: row for row, id in enumerate(side)} for side in sides]
    parents = list(range(n + len(sides[1])))
    unknown: list[str] = []
    for number, row in read_rows(matches, problems, separator):
        try:
            keys = columns or _first_two(row)
            pair = [id_of(row, key) for key in keys]
        except BadLine as bad:
            problems.bad_line(matches, number, str(bad), "an id of each table")
            continue
        lost = [id for id, known in zip(pair, places, strict=True) if id not in known]
        if lost:
            unknown += lost
            continue
        _join(parents, places[0][pair[0]], n + places[1][pair[1]])
    if unknown and not skip_bad:
        raise FormatError(
            f"{matches}: {len(unknown):,} ids stand in neither table where they should: {few(unknown)}; "
            "correct them, or skip bad lines to leave them out"
        )
    if unknown:
        problems.remark(f"{matches.name}: {len(unknown):,} ids of matches stand in no table and are left out")
    roots = np.array([_root(parents, row) for row in range(len(parents))])
    labels, entities = np.unique(roots, return_inverse=True)
    entities = entities.astype(np.int64)
    views = [
        View(table.domain, tuple(side), tuple(side.values()), part)
        for table, side, part in zip((a, b), sides, (entities[:n], entities[n:]), strict=True)
    ]
    stems = [path.name.removesuffix(".gz").rpartition(".")[0] for path in (a.path, b.path)]
    return Views(name or "-".join(stems), views[0], views[1], tuple(map(str, labels)), notes=problems.notes)


def read_view_file(
    path: Path,
    *,
    columns: tuple[str, str],
    id: str | None = None,
    domains: tuple[str, str] | None = None,
    group: str | None = None,
    part: str | None = None,
    mask: str | None = None,
    separator: str | None = None,
    skip_bad: bool = False,
) -> Views:
    """Read one file whose rows hold both texts of an entity.

    Args:
        path: JSON Lines, TSV, CSV or Parquet.
        columns: of the two texts.
        id: column of the ids; None = number of the line.
        domains: names of the two; None = the columns' names.
        group: column whose equal values never land in two parts of a split; None = every row alone.
        part: column that says which part of a split a row belongs to; becomes the label "part".
        mask: column with a name that is replaced in both texts, part by part, by `NAME`.
        separator: of a CSV.
        skip_bad: leave out bad lines and count them.

    Raises: FormatError for a file that is missing or malformed, ids that repeat, and empty texts.
    """
    problems = Problems(skip_bad)
    rows: dict[str, tuple[str, str, str, str]] = {}
    for number, row in read_rows(path, problems, separator):
        try:
            key = id_of(row, id) if id else str(number)
            if key in rows:
                raise BadLine(f"id {key} occurs again")
            hidden = id_of(row, mask) if mask else None
            texts = [_filled(row, column) for column in columns]
            if hidden is not None:
                texts = [mask_name(text, hidden, NAME) for text in texts]
            rows[key] = (texts[0], texts[1], id_of(row, group) if group else key, id_of(row, part) if part else "")
        except BadLine as bad:
            problems.bad_line(path, number, str(bad), f"a unique id and texts in the columns {', '.join(columns)}")
    if not rows:
        raise FormatError(f"{path} has no row that can be used, expected at least one; {'; '.join(problems.notes)}")
    if mask:
        problems.remark(f"{path.name}: the name in column {mask} and its parts are replaced by {NAME} in both texts")
    first, second, groups, parts = zip(*rows.values(), strict=True)
    named = domains or columns
    labels = {PART: tuple(parts)} if part else {}
    numbers = np.arange(len(rows), dtype=np.int64)
    return Views(
        path.name.removesuffix(".gz").rpartition(".")[0],
        View(named[0], tuple(rows), tuple(first), numbers, labels),
        View(named[1], tuple(rows), tuple(second), numbers, labels),
        tuple(groups),
        notes=problems.notes,
    )


def stdlib_views(*, mask_names: bool = False) -> Views:
    """The standard library's functions: what their docstrings say, and their sources; groups are packages."""
    pairs = stdlib_pairs(mask_names=mask_names)
    ids, numbers = tuple(p.id for p in pairs.pairs), np.arange(len(pairs), dtype=np.int64)
    return Views(
        pairs.name,
        View("docstring", ids, tuple(p.query for p in pairs.pairs), numbers),
        View("source", ids, tuple(p.document for p in pairs.pairs), numbers),
        tuple(pairs.groups),
        notes=pairs.notes,
    )


def parts_given(views: Views, names: Sequence[str]) -> dict[str, Views]:
    """Parts that the rows themselves name, in their label "part".

    Args:
        views: as `read_view_file` reads them.
        names: of the parts that are wanted; rows of others are left out.

    Raises: MatryoError if rows name no part, a part has none, or one group lies in two.
    """
    given = views.a.labels.get(PART)
    if given is None:
        raise MatryoError(f"{views.name} says of no row which part it belongs to; name the column, or give shares")
    of_entity = dict(zip(views.a.entities.tolist(), given, strict=True))
    where: dict[str, str] = {}
    for entity, part in of_entity.items():
        if where.setdefault(views.groups[entity], part) != part:
            raise MatryoError(f"{views.name}: group {views.groups[entity]} lies in two parts; give it one")
    chosen = {}
    for name in names:
        members = np.array([entity for entity, part in of_entity.items() if part == name], dtype=np.int64)
        if not len(members):
            raise MatryoError(f"{views.name} has no row of part {name}, found {sorted(set(given))}; name one of these")
        part = views.take(members, f"{views.name} {name}")
        # what is the same for all rows of a part says of none who it is
        chosen[name] = replace(part, a=_without_part(part.a), b=_without_part(part.b))
    return chosen


def _without_part(view: View) -> View:
    return replace(view, labels={name: values for name, values in view.labels.items() if name != PART})


def _read_table(table: TableView, problems: Problems) -> dict[str, str]:
    """Id -> text."""
    texts: dict[str, str] = {}
    for number, row in read_rows(table.path, problems, table.separator):
        try:
            key = id_of(row, table.id)
            if key in texts:
                raise BadLine(f"id {key} occurs again")
            texts[key] = _text(row, table)
        except BadLine as bad:
            problems.bad_line(table.path, number, str(bad), f"a unique {table.id} and at least one filled column")
    if not texts:
        raise FormatError(f"{table.path} has no row that can be used; {'; '.join(problems.notes)}")
    return texts


def _text(row: Mapping[str, Any], table: TableView) -> str:
    columns = table.columns or tuple(name for name in row if name and name != table.id)
    if len(columns) == 1:
        return _filled(row, columns[0])
    told = [(_short(name), text_of(row, name, "").strip()) for name in columns]
    text = "; ".join(f"{name}: {value}" for name, value in told if value)
    if not text:
        raise BadLine(f"all {len(columns)} columns of the text are empty")
    return text


def _short(name: str) -> str:
    """The last part of a column that is named by an address."""
    return name.rstrip("/#").replace("#", "/").rpartition("/")[2].replace("_", " ")


def _filled(row: Mapping[str, Any], name: str) -> str:
    text = text_of(row, name)
    if not text.strip():
        raise BadLine(f"field {name!r} is empty")
    return text


def _first_two(row: Mapping[str, Any]) -> tuple[str, str]:
    names: Iterator[str] = iter(row)
    try:
        return next(names), next(names)
    except StopIteration:
        raise BadLine("fewer than two columns") from None


def _root(parents: list[int], place: int) -> int:
    while parents[place] != place:
        parents[place] = parents[parents[place]]
        place = parents[place]
    return place


def _join(parents: list[int], first: int, second: int) -> None:
    low, high = sorted((_root(parents, first), _root(parents, second)))
    parents[high] = low
