"""Tables of what is measured beside hits: CKA, collapse, probes, open-set matching; means over the seeds."""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from matryo.evaluation.open_set import OpenSet
from matryo.evaluation.probes import Probe
from matryo.measures.collapse import Collapse
from matryo.reports.formats import count, number, number_range
from matryo.reports.identity_read import IdentityRun
from matryo.reports.identity_tables import NamedTable, p_value
from matryo.reports.table import Cell, Column, Table

PANELS: dict[str, Callable[[Collapse], float]] = {
    "effective rank": lambda panel: panel.effective_rank,
    "mean cosine": lambda panel: panel.mean_cosine,
    "trace": lambda panel: panel.trace,
    "relative trace": lambda panel: panel.relative_trace,
    "std per dim": lambda panel: panel.mean_std,
}
"""What is told of the spread of vectors, by the name it has in tables and figures."""


def cka_table(run: IdentityRun) -> NamedTable | None:
    """CKA of both domains at every dim; None if there are no vectors."""
    rows: list[list[str | Cell]] = []
    for name in run.with_vectors:
        for place, dim in enumerate(run.results.dims):
            tests = [one.cka[place] for one in run.measures[name] if one.cka]
            if tests:
                null = number_range(fmean(t.null_low for t in tests), fmean(t.null_high for t in tests))
                debiased, biased = (mean_cell([getattr(t, kind) for t in tests]) for kind in ("debiased", "biased"))
                shuffled = mean_cell([one.shuffled_cka[place] for one in run.measures[name] if one.shuffled_cka])
                p, unpaired = p_value(max(t.p_value for t in tests)), number(fmean(t.biased_null_mean for t in tests))
                rows.append([name, str(dim), debiased, null, p, shuffled, biased, unpaired])
    if not rows:
        return None
    some = run.measures[run.with_vectors[0]][0].cka[0]
    notes = [
        f"linear CKA of {count(some.n)} entities in both domains; the null pairs the same rows at random, "
        f"{some.n_permutations} times; p: share of pairings that reach the debiased value, the largest of all seeds",
        "columns shuffled: the debiased value of as many columns in another order, the control of any elbow; the "
        "biased value rises with the dim for unrelated data too: the last column is what it owes to that alone",
    ]
    heads = ["system", "dim", "debiased", "null, 95 %", "p", "columns shuffled", "biased", "biased, unpaired"]
    return NamedTable("cka", Table.of("CKA of both domains", heads, rows, notes))


def collapse_table(run: IdentityRun) -> NamedTable | None:
    """How far the prefix spreads in each domain; None if nothing has vectors."""
    rows: list[list[str | Cell]] = []
    for name in run.with_vectors:
        for domain in run.results.domains:
            panels = collapse_of(run, name, domain)
            if panels:
                values = [mean_cell([pick(panel) for panel in panels]) for pick in PANELS.values()]
                spread = number_range(fmean(p.min_std for p in panels), fmean(p.max_std for p in panels))
                rows.append([name, domain, *values, spread])
    if not rows:
        return None
    notes = [
        f"of the first {run.results.prefix_dim} numbers; effective rank: directions that are used, at most "
        f"{run.results.prefix_dim}; mean cosine: of two different texts, 1 when all point one way; relative trace: "
        "trace of the covariance over the mean squared length",
    ]
    heads: list[str | Column] = ["system", Column("domain", "left"), *PANELS, "smallest–largest std"]  # noqa: RUF001
    return NamedTable("collapse", Table.of("Has the prefix collapsed", heads, rows, notes))


def collapse_of(run: IdentityRun, system: str, domain: str) -> list[Collapse]:
    """Spread of a system's prefix in one domain, one for each seed."""
    return [
        one.collapse[domain, one.main_column]
        for one in run.measures[system]
        if (domain, one.main_column) in one.collapse
    ]


def probe_table(run: IdentityRun) -> NamedTable | None:
    """What fresh classifiers read from the prefix and from the rest; None if nothing was probed."""
    kinds = probe_kinds(run)
    if not kinds:
        return None
    targets = probe_targets(run)
    rows: list[list[str | Cell]] = []
    for name in run.with_vectors:
        for column, classifier in kinds:
            found = [probes_of(run, name, target, column, classifier) for target in targets]
            if any(found):
                rows.append([name, column, classifier, *map(_probe_cell, found)])
    some = [next(iter(_all_probes(run, target))) for target in targets]
    rows.append(["most frequent value", "", "", *(number(one.majority) for one in some)])
    notes = [
        f"accuracy on {count(some[0].n_scored)} texts of new entities, fitted on {count(some[0].n_fit)}; a domain that "
        f"cannot be read stands at {some[0].majority:.3f}; small print: 95 % interval over entities of a single run, "
        "else the lowest and highest seed"
    ]
    heads: list[str | Column] = ["system", Column("read from", "left"), Column("classifier", "left"), *targets]
    return NamedTable("probes", Table.of("What can be read from the vectors", heads, rows, notes))


def probe_targets(run: IdentityRun) -> tuple[str, ...]:
    """What was probed, in order."""
    return tuple(dict.fromkeys(probe.target for probe in _all_probes(run)))


def probe_kinds(run: IdentityRun) -> tuple[tuple[str, str], ...]:
    """Columns and classifiers of the probes, in order."""
    return tuple(dict.fromkeys((probe.column, probe.classifier) for probe in _all_probes(run)))


def probes_of(run: IdentityRun, system: str, target: str, column: str, classifier: str) -> list[Probe]:
    """Probes of one kind of a system, one for each seed."""
    wanted = (target, column, classifier)
    return [p for one in run.measures[system] for p in one.probes if (p.target, p.column, p.classifier) == wanted]


def open_set_table(run: IdentityRun) -> NamedTable | None:
    """Whether the best score tells if a partner is there at all; None if that was not measured."""
    directions = open_set_directions(run)
    if not directions:
        return None
    rows: list[list[str | Cell]] = []
    for name in run.systems:
        cells: list[Cell] = []
        for direction in directions:
            found = open_set_of(run, name, direction)
            own = (found[0].low, found[0].high) if len(found) == 1 else _ends([one.auc for one in found])
            cells += [
                Cell(number(_mean(one.auc for one in found)), number_range(*own) if found else ""),
                Cell(number(_mean(one.linked for one in found))),
            ]
        rows.append([name, *cells])
    some = open_set_of(run, run.main_method, directions[0])[0]
    held = ", of whom half had their partner taken out" if some.held_out else ""
    notes = [
        f"AUC: chance that a query with a partner has the higher best score than one without, 0.5 = not at all; "
        f"linked: share of the queries with a partner that are matched rightly when 5 % of those without are matched, "
        f"too; {count(some.n_matched)} queries with and {count(some.n_unmatched)} without a partner{held}; small "
        "print: 95 % interval of a single run, else the lowest and highest seed"
    ]
    heads = [f"{run.direction(direction)}, {what}" for direction in directions for what in ("AUC", "linked")]
    return NamedTable("open-set", Table.of("Is there a partner at all", ["system", *heads], rows, notes))


def open_set_directions(run: IdentityRun) -> tuple[str, ...]:
    """Directions in which open-set matching was measured."""
    return tuple(dict.fromkeys(one.direction for one in _all_open_sets(run)))


def open_set_columns(run: IdentityRun) -> tuple[str, ...]:
    """The prefix, the full width and the rest, as far as they were measured."""
    known = {one.column for one in _all_open_sets(run)}
    return tuple(c for c in (run.prefix, f"prefix {run.results.width}", "rest") if c in known)


def open_set_of(run: IdentityRun, system: str, direction: str, column: str | None = None) -> list[OpenSet]:
    """Open-set results of a system, by its main column unless another is named, one for each seed."""
    return [
        found
        for one in run.measures[system]
        for found in one.open_set
        if found.direction == direction and found.column == (column or one.main_column)
    ]


def mean_cell(values: Sequence[float]) -> Cell:
    """Mean over the seeds, with the lowest and the highest of several."""
    return Cell(number(_mean(values)), number_range(*_ends(values)) if len(values) > 1 else "")


def _probe_cell(found: Sequence[Probe]) -> Cell:
    if len(found) == 1:
        return Cell(number(found[0].accuracy), number_range(found[0].low, found[0].high))
    return mean_cell([probe.accuracy for probe in found])


def _all_probes(run: IdentityRun, target: str | None = None) -> Iterable[Probe]:
    return (
        probe
        for name in run.systems
        for one in run.measures[name]
        for probe in one.probes
        if target is None or probe.target == target
    )


def _all_open_sets(run: IdentityRun) -> Iterable[OpenSet]:
    return (found for name in run.systems for one in run.measures[name] for found in one.open_set)


def _mean(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return fmean(known) if known else math.nan


def _ends(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    return (min(known), max(known)) if known else (math.nan, math.nan)
