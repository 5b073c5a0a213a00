"""The tables of a shared-prefix run: who is found, in which gallery, by which columns, and what differs for sure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from matryo.evaluation.identity_measures import TWIN_PAIR
from matryo.evaluation.identity_results import IdentityScore
from matryo.evaluation.identity_statistics import LEVEL, NON_INFERIORITY, Comparison
from matryo.reports.formats import count, number, number_range, signed, signed_range
from matryo.reports.identity_read import IdentityRun
from matryo.reports.table import Cell, Column, Table

Pick = Callable[[str], IdentityScore | None]
"""Gives one score of a system."""


@dataclass(frozen=True)
class NamedTable:
    """A table and the name of its files.

    Attributes:
        name: without a folder and an ending.
        table: what it shows.
    """

    name: str
    table: Table


def main_tables(run: IdentityRun) -> tuple[NamedTable, ...]:
    """Every system on the identity prefix: in the gallery that decides, then everywhere else."""
    return (NamedTable("main", _main(run)), NamedTable("galleries", _galleries(run)))


def _main(run: IdentityRun) -> Table:
    best = max(
        (name for name in run.systems if run.results.systems[name] != "ceiling"),
        key=lambda name: _value(run.score(name)),
    )
    several = len(run.results.seeds) > 1
    width = run.results.width
    names = ["hit@1", *(["each seed"] if several else []), "hit@5", "hit@10", "MRR", "margin", f"hit@1 by {width}"]
    heads: list[str | Column] = ["system", Column("kind", "left"), *names]
    rows: list[list[str | Cell]] = []
    for name in run.systems:
        first = run.score(name)
        row: list[str | Cell] = [name, run.results.systems[name], _cell(first, strong=name == best)]
        if several:
            row.append(_seeds(first))
        row += [number(_value(run.score(name, measure))) for measure in ("hit@5", "hit@10")]
        row += [_cell(run.score(name, measure)) for measure in ("MRR", "margin")]
        row.append(_cell(run.score(name, column=f"prefix {width}")))
        rows.append(row)
    found = run.score(best)
    assert found is not None  # our own logic: the best of those that have a score has one
    notes = [
        f"{count(found.n)} queries, both directions, {count(found.size)} texts to choose from; what has vectors is "
        f"compared by its first {run.results.prefix_dim} numbers; small print: 95 % intervals over entities and seeds",
        "hit@k: the partner is among the first k; margin: similarity of the partner minus that of the best other; "
        "ceiling: reads the record instead of the text, nothing has to beat it",
    ]
    return Table.of(
        f"Who is found by {run.results.prefix_dim} numbers, gallery: {run.told(run.gallery)}", heads, rows, notes
    )


def _galleries(run: IdentityRun) -> Table:
    picks: dict[str, Pick] = {}
    for gallery in run.galleries:
        if gallery != run.gallery:
            picks[run.told(gallery)] = partial(run.score, gallery=gallery)
    for direction in next(iter(run.measures.values()))[0].directions:
        picks[run.direction(direction)] = partial(run.score, direction=direction)
    for domain in run.domains_with_triplets:
        picks[f"triplets, {domain}"] = partial(run.triplets, domain=domain)
    rows = _rows((name, [pick(name) for pick in picks.values()]) for name in run.systems)
    notes = [f"hit@1 by {run.results.prefix_dim} numbers; each direction alone in the gallery {run.told(run.gallery)}"]
    if any(gallery.startswith("hard") for gallery in run.galleries):
        notes.append("hard: among those of the same city and career as far as there are some")
    if TWIN_PAIR in run.galleries:
        notes.append(
            "twin N: one of the others is the partner with some attributes altered; twin pair: these two alone"
        )
    if run.domains_with_triplets:
        notes.append("triplets: share in which the more compatible one is nearer, within a domain, at full width")
    return Table.of("Other galleries, each direction, within domains", ["system", *picks], rows, notes)


def dim_table(run: IdentityRun) -> NamedTable | None:
    """Who is found at every dim, beside the same columns shuffled; None if nothing has vectors."""
    if not run.with_vectors:
        return None
    dims = run.results.dims
    rows = _rows(
        (f"{name}{told}", [run.score(name, column=f"{column} {dim}") for dim in dims])
        for name in run.with_vectors
        for column, told in (("prefix", ""), ("shuffled", ", columns shuffled"))
    )
    title = f"hit@1 by dim, gallery: {run.told(run.gallery)}"
    return NamedTable("dims", Table.of(title, ["system", *map(str, dims)], rows))


def column_table(run: IdentityRun) -> NamedTable | None:
    """Who is found by the prefix, by the rest, and by as many random columns; None if nothing has vectors."""
    columns = shown_columns(run)
    if not columns:
        return None
    rows = _rows((name, [run.score(name, column=column) for column in columns]) for name in run.with_vectors)
    title = f"hit@1 by columns, gallery: {run.told(run.gallery)}"
    return NamedTable("columns", Table.of(title, ["system", *columns], rows))


def shown_columns(run: IdentityRun) -> tuple[str, ...]:
    """Names of the prefix, the rest and the random columns, as far as they were measured."""
    asked = (run.prefix, "rest", f"random {run.results.prefix_dim}")
    return tuple(c for c in asked if any(run.score(name, column=c) for name in run.with_vectors))


def comparison_tables(run: IdentityRun) -> tuple[NamedTable, ...]:
    """Differences with corrected p values, by what is asked; those of triplets are tests of not being worse."""
    groups: dict[str, list[Comparison]] = {"baseline": [], "controls": [], "methods": []}
    for one in run.results.family:
        groups[_question(run, one)].append(one)
    titles = {
        "baseline": f"Methods against the best baseline, {run.results.best_baseline}",
        "controls": "Methods against their own controls",
        "methods": f"{run.main_method} against the other methods",
    }
    n = len(run.results.family)
    notes = [
        f"hit@1 in the gallery {run.told(run.gallery)}; p two-sided, corrected (Holm) over all {n} comparisons; "
        f"bold: corrected p below {LEVEL:g}"
    ]
    if len(run.results.seeds) > 1:
        notes.append("few seeds that differ much make a small p worth little: see each of them")
    found = [
        NamedTable(f"comparisons-{key}", _comparisons(titles[key], ones, run, notes))
        for key, ones in groups.items()
        if ones
    ]
    if run.results.full_width:
        title = "Methods by their prefix against untrained vectors by all their numbers"
        told = f"hit@1 in the gallery {run.told(run.gallery)}; p corrected (Holm) over this table alone"
        found.append(NamedTable("comparisons-full-width", _comparisons(title, run.results.full_width, run, [told])))
    if run.results.within:
        told = f"accuracy on triplets at full width; not worse: the interval lies above {-NON_INFERIORITY:g}"
        found.append(NamedTable("comparisons-within", _comparisons("Within domains", run.results.within, run, [told])))
    return tuple(found)


def _question(run: IdentityRun, one: Comparison) -> str:
    if ": " in one.name:
        return "controls"
    return "baseline" if one.name.endswith(f" - {run.results.best_baseline}") else "methods"


def _comparisons(title: str, ones: Sequence[Comparison], run: IdentityRun, notes: Sequence[str]) -> Table:
    several, tested = len(run.results.seeds) > 1, ones is not run.results.within
    heads = ["left - right", "left", "right", "difference", *(["p", "corrected p"] if tested else [])]
    rows: list[list[str | Cell]] = []
    for one in ones:
        sure = one.deciding_p < LEVEL if tested else one.low > -NON_INFERIORITY
        difference = Cell(signed(one.difference), signed_range(one.low, one.high), strong=sure)
        row: list[str | Cell] = [one.name, number(one.left), number(one.right), difference]
        row += [p_value(one.p), p_value(one.adjusted)] if tested else []
        row += [", ".join(map(signed, one.by_seed))] if several else []
        rows.append(row)
    return Table.of(title, [*heads, *(["each seed"] if several else [])], rows, notes)


def p_value(p: float) -> str:
    """A p value, two digits; a dash if there is none.

    >>> p_value(0.00123), p_value(float("nan"))
    ('0.0012', '-')
    """
    return f"{p:.2g}" if p == p else "-"


def _rows(named: Iterable[tuple[str, Sequence[IdentityScore | None]]]) -> list[list[str | Cell]]:
    return [[name, *map(_cell, found)] for name, found in named]


def _value(score: IdentityScore | None) -> float:
    return float("nan") if score is None else score.value


def _cell(score: IdentityScore | None, *, strong: bool = False) -> Cell:
    if score is None:
        return Cell("-")
    return Cell(number(score.value), number_range(score.low, score.high), strong)


def _seeds(score: IdentityScore | None) -> str:
    if score is None or len(score.by_seed) < 2:
        return "-"
    return ", ".join(map(number, score.by_seed))
