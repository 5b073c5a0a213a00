"""The plots of a shared-prefix run; a method has one colour in all of them, what no method trained is grey."""

import math
from collections.abc import Sequence
from statistics import fmean

from matryo.evaluation.identity_results import IdentityScore
from matryo.reports.bars import Bar, BarChart, BarPanel, BarRow
from matryo.reports.charts import Chart, Emphasis, Floor, Line
from matryo.reports.drawing import PALETTE
from matryo.reports.facets import Facet, FacetChart, FacetLine
from matryo.reports.identity_details import (
    PANELS,
    collapse_of,
    open_set_columns,
    open_set_directions,
    open_set_of,
    probe_kinds,
    probe_targets,
    probes_of,
)
from matryo.reports.identity_read import IdentityRun
from matryo.reports.identity_tables import shown_columns

FOLDER = "figures"
_CLASSIFIERS = {"linear": "linear classifier", "mlp": "network (MLP)"}
_DRAWN_PANELS = ("effective rank", "mean cosine", "trace", "std per dim")


def dim_charts(run: IdentityRun) -> tuple[Chart | FacetChart, ...]:
    """Who is found at every dim: all systems in one plot, then each beside its own shuffled columns."""
    if not run.with_vectors:
        return ()
    lines = [_dim_line(run, name) for name in run.with_vectors]
    floors = [
        Floor(name if kind == "baseline" else f"{name} ({kind})", one.value)
        for name, kind in run.results.systems.items()
        if name not in run.with_vectors and (one := run.score(name))
    ]
    k = run.results.prefix_dim
    measure = f"hit@1 by dim (K = {k} marked)"
    whole = Chart(run.results.dataset, measure, tuple(lines), tuple(floors), name=f"{FOLDER}/dims", mark=k)
    facets = tuple(Facet(name, run.colour(name), _beside_shuffled(run, name)) for name in run.with_vectors)
    best = run.score(run.results.best_baseline) if run.results.best_baseline else None
    return whole, FacetChart(
        run.results.dataset,
        "hit@1 beside shuffled columns",
        facets,
        mark=k,
        mark_label=f"K = {k}",
        floors=(Floor(f"{best.system} (best baseline)", best.value),) if best else (),
        name=f"{FOLDER}/shuffled",
    )


def gallery_chart(run: IdentityRun) -> BarChart:
    """Who is found in every gallery."""
    panels = [
        BarPanel(run.told(gallery), tuple((_bar(run.score(name, gallery=gallery)),) for name in run.systems))
        for gallery in (run.gallery, *(one for one in run.galleries if one != run.gallery))
    ]
    measure = f"hit@1 by {run.results.prefix_dim} numbers in each gallery"
    rows = _rows(run, run.systems)
    return BarChart(run.results.dataset, measure, rows, tuple(panels), name=f"{FOLDER}/galleries")


def column_chart(run: IdentityRun) -> BarChart | None:
    """Who is found by the prefix, by the rest, and by as many random columns."""
    columns = shown_columns(run)
    panels = [
        BarPanel(column, tuple((_bar(run.score(name, column=column)),) for name in run.with_vectors))
        for column in columns
    ]
    measure = "hit@1 by columns"
    rows = _rows(run, run.with_vectors)
    return BarChart(run.results.dataset, measure, rows, tuple(panels), name=f"{FOLDER}/columns") if panels else None


def cka_chart(run: IdentityRun) -> FacetChart | None:
    """Debiased CKA at every dim beside its null, its shuffled control and the biased value."""
    facets = [
        Facet(name, run.colour(name), _cka_lines(run, name)) for name in run.with_vectors if run.measures[name][0].cka
    ]
    if not facets:
        return None
    k = run.results.prefix_dim
    measure = "Linear CKA of both domains"
    name = f"{FOLDER}/cka"
    return FacetChart(run.results.dataset, measure, tuple(facets), mark=k, mark_label=f"K = {k}", name=name)


def collapse_chart(run: IdentityRun) -> BarChart | None:
    """How far the prefix spreads, in both domains."""
    if not run.with_vectors:
        return None
    panels = []
    for title in _DRAWN_PANELS:
        pick = PANELS[title]
        bars = [
            tuple(_seeded([pick(one) for one in collapse_of(run, name, domain)]) for domain in run.results.domains)
            for name in run.with_vectors
        ]
        panels.append(BarPanel(title, tuple(bars)))
    return BarChart(
        run.results.dataset,
        f"Spread of the first {run.results.prefix_dim} numbers",
        _rows(run, run.with_vectors),
        tuple(panels),
        shades=run.results.domains,
        shared=False,
        name=f"{FOLDER}/collapse",
    )


def probe_charts(run: IdentityRun) -> tuple[BarChart, ...]:
    """What fresh classifiers read from the prefix and from the rest, one plot for each kind of classifier."""
    kinds = probe_kinds(run)
    columns = tuple(dict.fromkeys(column for column, _ in kinds))
    charts = []
    for classifier in dict.fromkeys(classifier for _, classifier in kinds):
        panels = []
        for target in probe_targets(run):
            found = [[probes_of(run, name, target, c, classifier) for c in columns] for name in run.with_vectors]
            bars = tuple(
                tuple(_seeded([one.accuracy for one in own], (own[0].low, own[0].high) if own else None) for own in row)
                for row in found
            )
            some = next(own[0] for row in found for own in row if own)
            panels.append(BarPanel(target, bars, some.majority))
        charts.append(
            BarChart(
                run.results.dataset,
                f"Accuracy of a fresh {_CLASSIFIERS.get(classifier, classifier)}",
                _rows(run, run.with_vectors),
                tuple(panels),
                shades=columns,
                level_name="most frequent value",
                name=f"{FOLDER}/probes-{classifier}",
            )
        )
    return tuple(charts)


def open_set_chart(run: IdentityRun) -> BarChart | None:
    """Whether the best score tells if a partner is there at all, both directions."""
    directions = open_set_directions(run)
    if not directions:
        return None
    panels = []
    for column in open_set_columns(run):
        rows = []
        for name in run.systems:
            asked = None if column == run.prefix else column  # what has no vectors stands beside the prefix
            found = [open_set_of(run, name, direction, asked) for direction in directions]
            rows.append(
                tuple(_seeded([o.auc for o in own], (own[0].low, own[0].high) if own else None) for own in found)
            )
        panels.append(BarPanel(column, tuple(rows), 0.5))
    return BarChart(
        run.results.dataset,
        "AUC of telling whether a partner is there",
        _rows(run, run.systems),
        tuple(panels),
        shades=tuple(map(run.direction, directions)),
        level_name="not at all",
        name=f"{FOLDER}/open-set",
    )


def _rows(run: IdentityRun, systems: Sequence[str]) -> tuple[BarRow, ...]:
    return tuple(BarRow(name, run.colour(name)) for name in systems)


def _bar(score: IdentityScore | None) -> Bar | None:
    if score is None:
        return None
    return Bar(score.value, score.low, score.high, score.by_seed if len(score.by_seed) > 1 else ())


def _seeded(values: Sequence[float], alone: tuple[float, float] | None = None) -> Bar | None:
    """Mean over the seeds with each of them, or a single run with its interval."""
    known = [value for value in values if math.isfinite(value)]
    if not known:
        return None
    if len(values) > 1:
        return Bar(fmean(known), seeds=tuple(known))
    return Bar(known[0], *(alone or ()))


def _dim_line(run: IdentityRun, name: str) -> Line:
    found = [(dim, one) for dim in run.results.dims if (one := run.score(name, column=f"prefix {dim}"))]
    colour = run.colour(name)
    emphasis: Emphasis = "thin" if colour is None else "strong" if name == run.main_method else "normal"
    others = [one for one in run.with_vectors if run.colour(one) is None]
    return Line(
        name,
        tuple(dim for dim, _ in found),
        tuple(one.value for _, one in found),
        tuple(one.low for _, one in found),
        tuple(one.high for _, one in found),
        emphasis,
        len(PALETTE) - 1 if colour is None else colour,
        dashed=colour is None,
        marker=others.index(name) if colour is None else None,
    )


def _beside_shuffled(run: IdentityRun, name: str) -> tuple[FacetLine, ...]:
    shown = []
    for column, label, look in (
        ("prefix", "first numbers, 95 % interval", "solid"),
        ("shuffled", "shuffled", "dashed"),
    ):
        found = [(dim, one) for dim in run.results.dims if (one := run.score(name, column=f"{column} {dim}"))]
        seeds = tuple(one.by_seed for _, one in found if len(one.by_seed) > 1) if look == "solid" else ()
        shown.append(
            FacetLine(
                label,
                "solid" if look == "solid" else "dashed",
                tuple(dim for dim, _ in found),
                tuple(one.value for _, one in found),
                tuple(one.low for _, one in found),
                tuple(one.high for _, one in found),
                seeds,
            )
        )
    return tuple(shown)


def _cka_lines(run: IdentityRun, name: str) -> tuple[FacetLine, ...]:
    runs = run.measures[name]
    dims = run.results.dims
    none = (math.nan,) * len(dims)

    def mean(kind: str) -> tuple[float, ...]:
        return tuple(fmean(getattr(one.cka[place], kind) for one in runs) for place in range(len(dims)))

    seeds = tuple(tuple(one.cka[place].debiased for one in runs) for place in range(len(dims)))
    shuffled = tuple(fmean(one.shuffled_cka[place] for one in runs) for place in range(len(dims)))
    return (
        FacetLine("debiased", "solid", dims, mean("debiased"), none, none, seeds if len(runs) > 1 else ()),
        FacetLine("unpaired rows, 95 %", "band", dims, mean("null_mean"), mean("null_low"), mean("null_high")),
        FacetLine("biased", "dotted", dims, mean("biased"), none, none),
        FacetLine("debiased, columns shuffled", "dashed", dims, shuffled, none, none),
    )
