"""The tables of a curve: values, shares, differences and recommended dims, each with its interval.

They format what is stored; no mean, ratio or interval is computed here.
"""

import math
from collections.abc import Collection, Iterable, Sequence

from matryo.evaluation.records import Difference, Share
from matryo.evaluation.score import PLAIN_CUT, Arm, Score
from matryo.reports.formats import count, number, number_range, percent, percent_range, signed, signed_range
from matryo.reports.panels import Panel, Row
from matryo.reports.table import Cell, Table

_ABSENT = Cell("-")
_BYTES_PER_NUMBER = 4


def main_table(panel: Panel) -> Table:
    """Value and interval of every map at every dim, and what a vector takes in memory."""
    dims = panel.dims
    rows = [[Cell(row.label), *(_value(row, dim, dims) for dim in dims)] for row in panel.rows]
    if dims:
        rows.append([Cell("bytes per vector, float32"), *(Cell(count(dim * _BYTES_PER_NUMBER)) for dim in dims)])
    notes = []
    floors = [row.label for row in panel.rows if row.is_floor]
    if floors and dims:
        notes.append(
            f"{' and '.join(floors)}: no vectors, so one value for every dim; its interval stands at {dims[0]}."
        )
    notes += _pooled(panel.rows)
    if any(math.isnan(score.low) for score in panel.scores):
        notes.append("Where no interval stands, the queries gave none: there is a single group.")
    columns = [panel.row_title, *(str(dim) for dim in dims)]
    if not dims:
        columns, rows = ["", panel.measure], [[Cell(row.label), _score_cell(row.scores[0])] for row in panel.rows]
    return Table.of(f"{panel.name} by dims kept, 95 % intervals ({counted(panel.scores)})", columns, rows, notes)


def seed_table(panel: Panel, models: Collection[str] | None = None) -> Table | None:
    """Values of each seed of the maps that the main table shows pooled; None if there are none.

    Args:
        panel: with its scores.
        models: whose rows are wanted; None = all.
    """
    rows = [row for row in panel.seed_rows if models is None or row.model in models]
    if not rows:
        return None
    dims = panel.dims
    cells = [[Cell(row.label), *(_value(row, dim, dims) for dim in dims)] for row in rows]
    return Table.of(f"{panel.name}, each seed", [panel.row_title, *(str(dim) for dim in dims)], cells)


def share_tables(panel: Panel) -> list[Table]:
    """One table per base that several maps are compared with, then one of each map's share of its own full width."""
    bases: dict[Arm, None] = {}
    for share in panel.shares:
        if not _own(share) or share.base.map == PLAIN_CUT:
            bases.setdefault(share.base)
    tables = []
    for base in bases:
        chosen = [share for share in panel.shares if share.base == base]
        tables.append(_share_table(panel, f"share of {panel.label_of(base)} at {base.dim}", chosen))
    if any(_own(share) and share.base not in bases for share in panel.shares):
        own = [share for share in panel.shares if _own(share)]
        tables.append(_share_table(panel, "share of the same map's own full width", own))
    return tables


def difference_tables(panel: Panel) -> list[Table]:
    """Differences at equal dims as one row per pair of maps, the others as a list."""
    pivoted: dict[str, dict[int, Difference]] = {}
    listed: list[Difference] = []
    for difference in panel.differences:
        pair = pair_name(difference)
        if pair is None or difference.left.dim in pivoted.get(pair, {}):
            listed.append(difference)
        else:
            pivoted.setdefault(pair, {})[difference.left.dim] = difference
    tables = []
    note = "Bold, or * in plain text: the interval does not include 0."
    if pivoted:
        dims = sorted({dim for found in pivoted.values() for dim in found})
        rows = [
            [Cell(pair), *(_difference(found[dim]) if dim in found else _ABSENT for dim in dims)]
            for pair, found in pivoted.items()
        ]
        title = f"{panel.name}: differences at the same dim, 95 % intervals ({counted(panel.differences)})"
        tables.append(Table.of(title, ["left vs right", *(str(dim) for dim in dims)], rows, [note]))
    if listed:
        rows = [[Cell(difference.name), _difference(difference)] for difference in listed]
        title = f"{panel.name}: differences, 95 % intervals ({counted(listed)})"
        tables.append(Table.of(title, ["left vs right", "difference"], rows, [note]))
    return tables


def pair_name(difference: Difference) -> str | None:
    """Name of a difference without the dim, if both sides have the same one and the name ends with it."""
    ending = f" at {difference.left.dim}"
    same = difference.left.dim == difference.right.dim
    return difference.name.removesuffix(ending) if same and difference.name.endswith(ending) else None


def recommendation_table(panel: Panel) -> Table | None:
    """The smallest dim that was shown to keep the share asked, per map; None if that was not tested."""
    if not panel.recommendations:
        return None
    rows = []
    for found in panel.recommendations:
        result = found.result
        steps = {step.dim: step for step in result.tested}
        kept = steps.get(result.dim)
        failed = next((step for step in result.tested if step.passed is False), None)
        rows.append(
            [
                Cell(panel.label(found.model, found.map)),
                Cell(f"{result.dim} of {result.full_dim}"),
                Cell(count(result.dim * _BYTES_PER_NUMBER)),
                Cell(percent(kept.ratio.value), percent_range(kept.ratio.low, kept.ratio.high)) if kept else _ABSENT,
                Cell(percent(result.share)),
                Cell(f"{failed.dim}: {percent(failed.ratio.value)}", f"bound {percent(failed.lower_bound)}")
                if failed
                else Cell("none failed"),
                Cell(percent(result.detectable)),
            ]
        )
    columns = [panel.row_title, "keep", "bytes", "keeps", "asked", "first that failed", "detectable loss"]
    first = panel.recommendations[0].result
    notes = [
        f"From the widest dim down, each is tested for keeping more than the share asked of its own full width "
        f"(one-sided, level {100 * first.level:g} %); the first that fails ends the test.",
        "Detectable loss: the smallest loss of share that this many queries can tell apart from the share asked, "
        "at the first dim below the full width, four times in five.",
    ]
    if len(rows) > 1:
        notes.append(
            "Each map has a test of its own; picking the best of several on the same queries favours it a little."
        )
    return Table.of(f"{panel.name}: recommended dim ({_size(first.n, first.n_groups)})", columns, rows, notes)


def counted(measured: Sequence[Score | Share | Difference]) -> str:
    """How many queries, and groups of them, values are means over; a range if they differ.

    Example:
        >>> counted([Score("d", "m", "none", 8, "MRR@10", 0.5, 0.4, 0.6, 1204, n_groups=42)])
        'n = 1,204 in 42 groups'
    """
    sizes = sorted({(one.n, one.n_groups) for one in measured}, key=lambda size: (size[0], size[1] or 0))
    if not sizes:
        return "n = 0"
    if len(sizes) == 1:
        return _size(*sizes[0])
    return f"n = {sizes[0][0]:,} to {sizes[-1][0]:,}, not the same for every row"


def _size(n: int, n_groups: int | None) -> str:
    return f"n = {n:,}" + ("" if n_groups is None or n_groups == n else f" in {n_groups:,} groups")


def _pooled(rows: Iterable[Row]) -> list[str]:
    """One sentence per number of seeds that rows are means over."""
    labels: dict[int, list[str]] = {}
    for row in rows:
        n_seeds = max((score.n_seeds or 0 for score in row.scores.values()), default=0)
        if n_seeds:
            labels.setdefault(n_seeds, []).append(row.label)
    return [
        f"Mean of {n} seeds, which the interval resamples too: {', '.join(found)}."
        if n > 1
        else f"One seed, so that the interval says nothing about other seeds: {', '.join(found)}."
        for n, found in labels.items()
    ]


def _value(row: Row, dim: int, dims: Sequence[int]) -> Cell:
    if row.is_floor:
        score = row.scores[0]
        return Cell(number(score.value), number_range(score.low, score.high) if dim == dims[0] else "")
    return _score_cell(row.scores[dim]) if dim in row.scores else _ABSENT


def _score_cell(score: Score) -> Cell:
    return Cell(number(score.value), number_range(score.low, score.high))


def _own(share: Share) -> bool:
    return (share.of.model, share.of.map) == (share.base.model, share.base.map)


def _share_table(panel: Panel, what: str, shares: Sequence[Share]) -> Table:
    dims = sorted({share.of.dim for share in shares} - {0})
    rows: dict[str, dict[int, Cell]] = {}
    for share in shares:
        row = rows.setdefault(panel.label_of(share.of), {})
        cell = Cell(percent(share.value), percent_range(share.low, share.high))
        # a floor has no dim of its own: it stands in the first column, as in the main table
        row[share.of.dim or (dims[0] if dims else 0)] = cell
    for share in shares:
        base = panel.label_of(share.base)
        if share.base.dim in dims and base in rows:
            rows[base].setdefault(share.base.dim, Cell("base"))
    cells = [[Cell(label), *(found.get(dim, _ABSENT) for dim in dims or [0])] for label, found in rows.items()]
    columns = [panel.row_title, *(str(dim) for dim in dims)] if dims else [panel.row_title, "no vectors"]
    return Table.of(f"{panel.name}: {what}, 95 % intervals ({counted(shares)})", columns, cells)


def _difference(difference: Difference) -> Cell:
    clear = difference.low > 0 or difference.high < 0
    return Cell(signed(difference.value), signed_range(difference.low, difference.high), strong=clear)
