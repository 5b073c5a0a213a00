"""What was measured of several indexes as one stored table, and how to read it again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matryo.evaluation.environment import machine
from matryo.evaluation.index_quality import IndexQuality
from matryo.evaluation.results import ExtraTable

NAME = "indexes"
_INDEX, _KIND, _DIM, _BITS, _MEMORY, _DISK, _BUILD = (
    "Index",
    "Kind",
    "Dim",
    "Bits",
    "Bytes per vector",
    "Disk bytes",
    "Build s",
)
_LOW, _HIGH = " low", " high"


@dataclass(frozen=True)
class MeasuredIndex:
    """An index as it stands in tables and plots.

    Attributes:
        kind: what groups it, e.g. "funnel".
        quality: what was measured.
        build_s: seconds from the vectors to an index that can be searched, the choice of sizes included.
    """

    kind: str
    quality: IndexQuality
    build_s: float


def index_table(found: Sequence[MeasuredIndex], title: str, notes: Sequence[str] = ()) -> ExtraTable:
    """One row per index: recall and measures with their intervals, bytes, build seconds, times per number of threads.

    Args:
        found: at least one, all with the same k, measures and numbers of threads.
        title: one line.
        notes: sentences below the table, after those on how it was measured.
    """
    first = found[0].quality
    valued = [f"Recall@{first.k}", *(score.measure for score in first.scores)]
    columns = [_INDEX, _KIND, _DIM, _BITS]
    columns += [name + end for name in valued for end in ("", _LOW, _HIGH)]
    columns += [_MEMORY, _DISK, _BUILD]
    columns += [name for times in first.times for name in _time_columns(times.threads)]
    return ExtraTable(NAME, title, tuple(columns), tuple(_row(one) for one in found), (*_notes(first), *notes))


@dataclass(frozen=True)
class IndexRow:
    """What a plot needs of one row; NaN where the table holds nothing.

    Attributes:
        label: of the index.
        kind: groups indexes.
        recall: mean share of the exact best k that was found.
        low: lower end of its interval.
        high: upper end.
        bytes_per_vector: memory that a search needs, per row.
        queries_per_s: single queries one after the other, by their median time, with the most threads measured.
    """

    label: str
    kind: str
    recall: float
    low: float
    high: float
    bytes_per_vector: float
    queries_per_s: float


def index_rows(table: ExtraTable) -> tuple[str, tuple[IndexRow, ...]]:
    """Read a table that `index_table` made.

    Returns: name of the recall, e.g. "Recall@10", and its rows.
    """
    place = {name: at for at, name in enumerate(table.columns)}
    recall = next(name for name in table.columns if name.startswith("Recall@"))
    timed = [name for name in table.columns if name.startswith("p50 ms")]

    def number(row: tuple[str | float | int | None, ...], name: str) -> float:
        value = row[place[name]]
        return math.nan if value is None else float(value)

    rows = tuple(
        IndexRow(
            label=str(row[place[_INDEX]]),
            kind=str(row[place[_KIND]]),
            recall=number(row, recall),
            low=number(row, recall + _LOW),
            high=number(row, recall + _HIGH),
            bytes_per_vector=number(row, _MEMORY),
            queries_per_s=1e3 / number(row, timed[-1]) if timed else math.nan,
        )
        for row in table.rows
    )
    return recall, rows


def _time_columns(threads: int) -> tuple[str, str, str]:
    word = f"{threads} thread" if threads == 1 else f"{threads} threads"
    return f"p50 ms, {word}", f"p99 ms, {word}", f"Batch queries/s, {word}"


def _row(one: MeasuredIndex) -> tuple[str | float | int | None, ...]:
    found, facts = one.quality, one.quality.facts
    values = [(found.recall, found.recall_low, found.recall_high)]
    values += [(score.value, score.low, score.high) for score in found.scores]
    times = [number for t in found.times for number in (t.p50_ms, t.p99_ms, t.queries_per_s)]
    return (
        found.label,
        one.kind,
        facts.dim,
        facts.bits,
        *(None if math.isnan(value) else value for three in values for value in three),
        found.bytes_per_vector,
        facts.disk_bytes,
        one.build_s,
        *times,
    )


def _notes(first: IndexQuality) -> list[str]:
    told = [
        f"recall@{first.k}: share of the {first.k} nearest of exact search at the full width that was found, mean over "
        f"{first.n_queries:,} queries; all intervals are of 95 %",
        "bytes per vector: memory that a search needs; numbers that are read from a mapped file only to rescore are "
        "not in it, disk bytes count them",
    ]
    if first.times:
        one, host = first.times[0], machine()
        told.append(
            f"times: {one.n_single} single queries after {one.n_warm_up} that are not counted, and a batch of "
            f"{one.batch:,} after one that is not counted; best {first.k}; encoding the query is not included; host: "
            f"{host['cpu']}, {host['cores']} cores"
        )
    return told
