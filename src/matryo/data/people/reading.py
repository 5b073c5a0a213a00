"""Made-up people from a folder: one part as two views with what was mined in it, or as people."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.data.fields import json_object
from matryo.data.lines import numbered_lines
from matryo.data.people.manifest import CROSS, PEOPLE, TRIPLETS, TWINS, read_manifest
from matryo.data.people.parts import PARTS
from matryo.data.people.records import LABELS, OF, check_record, labels_of, person_of
from matryo.data.people.schema import DOMAINS, Person
from matryo.data.problems import BadLine, Problems
from matryo.data.views import Mined, View, Views
from matryo.errors import FormatError, MatryoError

Record = dict[str, Any]
Rows = NDArray[np.int64]


def read_people(folder: str | Path, part: str) -> Views:
    """Read one part of a folder that `write_people` made.

    Row i of both views, and of both views of twins, is about entity i; ids are those of the people. Labels are those
    of `LABELS`; the group of a person is the person.

    Args:
        folder: with `people.json`.
        part: "train", "validation" or "test".

    Returns: views of the domains dating and hiring, mined, with twins.
    Raises: MatryoError for an unknown part; FormatError for a folder that is not whole or a bad line.
    """
    folder = Path(folder)
    records = _records(folder, PEOPLE, part)
    ids = tuple(record["id"] for record in records)
    number = {id: row for row, id in enumerate(ids)}
    twins = _records(folder, TWINS, part)
    unknown = [record["id"] for record in twins if record[OF] not in number]
    if unknown:
        raise FormatError(f"{folder / TWINS}: {unknown[0]} is a twin of nobody in part {part}; make the folder anew")
    everybody = np.arange(len(ids), dtype=np.int64)
    originals = np.array([number[record[OF]] for record in twins], dtype=np.int64)
    a, b = (_view(domain, records, everybody) for domain in DOMAINS)
    twin_a, twin_b = (_view(domain, twins, originals) for domain in DOMAINS)
    return Views(f"people {part}", a, b, ids, _mined(folder, part, number), (twin_a, twin_b))


def read_persons(folder: str | Path, part: str) -> tuple[Person, ...]:
    """The people of one part with all their attributes, in the order of the rows of `read_people`.

    Args:
        folder: with `people.json`.
        part: "train", "validation" or "test".

    Returns: people, such as an oracle compares.
    Raises: as `read_people`.
    """
    return tuple(person_of(record) for record in _records(Path(folder), PEOPLE, part))


def _records(folder: Path, name: str, part: str) -> list[Record]:
    """Lines of people of one part.

    Raises: MatryoError for an unknown part; FormatError if the number of people is not the manifest's.
    """
    if part not in PARTS:
        raise MatryoError(f"made-up people have the parts {', '.join(PARTS)}, got {part!r}; name one of them")
    counted = read_manifest(folder).settings.counts[part]
    records = list(_of_part(folder / name, part, "one person per line, as write_people writes them"))
    if len(records) != counted:
        raise FormatError(
            f"{folder / name} has {len(records):,} people of part {part}, expected {counted:,}; make the folder anew"
        )
    return records


def _of_part(path: Path, part: str, expected: str) -> Iterator[Record]:
    for number, line in numbered_lines(path, Problems(), expected):
        try:
            record = json_object(line)
            if record.get("part") not in PARTS:
                raise BadLine(f"the part is {record.get('part')!r}")
            if path.name in (PEOPLE, TWINS):
                check_record(record, twin=path.name == TWINS)
        except BadLine as bad:
            raise FormatError(f"{path}, line {number}: {bad}; expected {expected}; make the folder anew") from None
        if record["part"] == part:
            yield record


def _view(domain: str, records: list[Record], entities: Rows) -> View:
    labels = [labels_of(record, domain) for record in records]
    return View(
        domain,
        tuple(record["id"] for record in records),
        tuple(record[f"{domain}_text"] for record in records),
        entities,
        {name: tuple(of[name] for of in labels) for name in LABELS},
    )


def _mined(folder: Path, part: str, number: Mapping[str, int]) -> Mined:
    dating, hiring = (
        _rows_of(folder / TRIPLETS[domain], part, number, ("anchor", "positive", "negative")) for domain in DOMAINS
    )
    # both views have a person in the same row
    return Mined((dating, hiring), _rows_of(folder / CROSS, part, number, ("person", "person", "negatives")))


def _rows_of(path: Path, part: str, number: Mapping[str, int], names: tuple[str, ...]) -> Rows:
    """Ids in some fields of each line, lists among them, as rows of the views."""
    expected = f"ids of people of part {part} in the fields {', '.join(dict.fromkeys(names))}"
    rows = []
    for record in _of_part(path, part, expected):
        try:
            ids = [id for name in names for id in _as_list(record[name])]
            rows.append([number[id] for id in ids])
        except KeyError as error:
            raise FormatError(
                f"{path} names {error.args[0]!r}, which part {part} lacks; expected {expected}; make the folder anew"
            ) from None
    if len({len(row) for row in rows}) != 1:
        raise FormatError(f"{path} has no lines of part {part}, or of unequal length; make the folder anew")
    return np.array(rows, dtype=np.int64)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
