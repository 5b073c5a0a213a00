"""Tables of a whole study on lists and places: k-NN edit distance, what else says lists agree, speed of translating."""

import math
from typing import Final

from matryo.reports.formats import count, number
from matryo.reports.study_data import Study, named, number_of
from matryo.reports.study_tables import Columns, Rows, beside_table
from matryo.reports.table import Cell, Column, Table

_AGREE: Final = (
    ("mutual", "mutual"), ("Jaccard", "Jaccard"), ("edit distance", "edit distance"), ("RBO", "RBO"),
    ("rank-harmonic", "rank-harmonic"), ("CKA", "CKA"), ("top-1 CSLS", "top-1 CSLS"),
    ("top-1 back CSLS", "back"), ("mean rank CSLS", "mean rank CSLS"), ("mean rank back CSLS", "back"),
)  # fmt: skip
_TEXTS: Final = ("text", "nearest by native", "nearest by translated")
_AGREE_NOTE: Final = (
    "Neighbours of translated vectors against those of the native ones, then whether each finds its counterpart among "
    "the native vectors; back: whether each native vector finds its translation. Edit distance and mean rank: lower is "
    "better. Without CSLS, with intervals and of every translator: on the page of the pair."
)


def edit_table(study: Study) -> Table | None:
    """k-NN edit distance of every translator beside the references; None if it was not measured."""
    return beside_table(study, "edit distance", "k-NN edit distance", lower=True)


def agreement_table(study: Study) -> Table | None:
    """Every measure of lists and places, of the best translator of each ordered pair; None without any."""
    best = [study.best(pair) for pair in study.pairs]
    shown = [(name, title) for name, title in _AGREE if any(math.isfinite(one.value(name)) for one in best)]
    if not shown:
        return None
    rows: Rows = [
        [named(one.pair), Cell(one.translator), *(_value(name, one.value(name)) for name, _ in shown)] for one in best
    ]
    columns: Columns = ["pair", Column("best translator", "left"), *(title for _, title in shown)]
    return Table.of("Lists and places, best translator of each pair", columns, rows, [_AGREE_NOTE])


def speed_table(study: Study) -> Table | None:
    """Vectors that each translator gives in a second, by ordered pair; None if it was not timed."""
    found = {
        ((str(row["from"]), str(row["to"])), str(row["translator"])): number_of(row, "vectors per second")
        for row in study.rows("map costs")
    }
    table = study.table("map costs")
    if not found or table is None:
        return None
    rows: Rows = [
        [named(pair), *(count(found.get((pair, name), math.nan)) for name in study.translators)] for pair in study.pairs
    ]
    return Table.of("Vectors translated per second, first seed", ["pair", *study.translators], rows, table.notes)


def most_different_table(study: Study) -> Table | None:
    """Of each ordered pair the text whose list differs most, by its best translator of which texts were kept."""
    rows: Rows = []
    for pair in study.pairs:
        its = study.rows("different", pair)
        best = study.best(pair).translator
        own = [row for row in its if row["translator"] == best] or its
        if own:
            row = max(own, key=lambda row: number_of(row, "edit distance"))
            texts = (str(row[name]) for name in _TEXTS)
            which = f"{named(pair)}, {row['translator']}"
            rows.append([which, number(number_of(row, "edit distance")), *texts])
    columns: Columns = ["pair", "edit distance", *(Column(name, "left") for name in _TEXTS)]
    title = "Neighbour lists that differ most, one text for each pair"
    return Table.of(title, columns, rows) if rows else None


def _value(name: str, value: float) -> str:
    if name.startswith("mean rank"):
        return f"{value:,.1f}" if math.isfinite(value) else "-"
    return number(value)
