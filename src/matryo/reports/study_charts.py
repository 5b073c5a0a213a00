"""Plots of a translation study: model against model, curves over dims and over pairs, what bridging wins."""

import math
from collections.abc import Callable, Sequence
from typing import Final

from matryo.reports.bars import Bar, BarChart, BarPanel, BarRow
from matryo.reports.charts import Chart, Line
from matryo.reports.kernel_drawing import KernelChart
from matryo.reports.scatter_map import LayoutChart
from matryo.reports.study_data import Pair, Row, Study, Trained, mean, models, named, number_of, slug
from matryo.reports.study_scatter import ScatterChart, ScatterPoint
from matryo.reports.translation_heat import HeatChart

MUTUAL: Final = "mutual neighbours"
_HEATS: Final = (("R2", "R2"), ("mutual", MUTUAL), ("top-1", "top-1"))
_DIMS: Final = (("R2", "R2"), ("MSE", "MSE"))
_PREDICTORS: Final = ("CKA", "mutual")
_OUTCOMES: Final = ("R2", "mutual after", "nDCG kept")


def pair_heats(study: Study) -> list[HeatChart]:
    """Model against model: what the best translator of each ordered pair reaches, one map for each measure."""
    charts = [
        _heat(study, f"{title}, best translator", _of_best(study, column), f"heat-{_file(column)}")
        for column, title in _HEATS
    ]
    kept = {(row["from"], row["to"]): number_of(row, "nDCG kept") for row in study.rows("before")}
    charts.append(
        _heat(study, "nDCG kept: translated / re-encode", lambda pair: kept.get(pair, math.nan), "heat-ndcg-kept")
    )
    return [chart for chart in charts if _has_values(chart)]


def before_heats(study: Study) -> list[HeatChart]:
    """Model against model before anything is trained: CKA and mutual neighbours."""
    charts = []
    for column, title in (("CKA", "CKA before training (debiased)"), ("mutual", f"{MUTUAL} before training")):
        found = {(row["from"], row["to"]): number_of(row, column) for row in study.rows("before")}

        def value(pair: Pair, found: dict[Pair, float] = found) -> float:
            return found.get(pair, math.nan)

        charts.append(_heat(study, title, value, f"before-{_file(column)}"))
    return [chart for chart in charts if _has_values(chart)]


def translator_heats(study: Study) -> list[HeatChart]:
    """Model against model: R2 of every translator, one map for each."""
    charts = []
    for name in study.translators:

        def value(pair: Pair, name: str = name) -> float:
            one = study.trained.get((pair, name))
            return math.nan if one is None else one.value("R2")

        charts.append(_heat(study, f"R2 of {name}", value, f"heat-r2-{_file(name)}"))
    return charts


def target_curves(study: Study) -> list[Chart]:
    """R2 and MSE against the prefix of the target: one plot per target and measure, one line per source."""
    rows = study.rows("dims")
    shown = [name for name in (study.main_translator, *study.translators) if any(r["translator"] == name for r in rows)]
    charts = []
    for column, title in _DIMS if shown else ():
        for target in dict.fromkeys(str(row["to"]) for row in rows):
            its = [row for row in rows if row["to"] == target and row["translator"] == shown[0]]
            lines = [
                _dims_line(source, [row for row in its if row["from"] == source], column)
                for source in dict.fromkeys(str(row["from"]) for row in its)
            ]
            measure = f"{title} toward {target}, by {shown[0]}"
            charts.append(_curve(study.results.dataset, measure, lines, f"{_file(column)}-to-{target}"))
    return [chart for chart in charts if chart.lines]


def pair_curves(study: Study, pair: Pair) -> list[Chart]:
    """R2 and MSE of one ordered pair against the prefix of its target, one line per translator."""
    rows = study.rows("dims", pair)
    names = list(dict.fromkeys(str(row["translator"]) for row in rows))
    charts = []
    for column, title in _DIMS:
        lines = [_dims_line(name, [row for row in rows if row["translator"] == name], column) for name in names]
        charts.append(_curve(named(pair), title, lines, f"{_file(column)}-{slug(pair)}"))
    return [chart for chart in charts if chart.lines]


def learning_curves(study: Study, pair: Pair | None = None) -> list[Chart]:
    """R2, neighbours and nDCG@10 against the number of pairs fitted on, one line per translator.

    Args:
        study: with a table of curves; without one there are no plots.
        pair: one ordered pair; None = the mean over all ordered pairs that were fitted on every size shown.
    """
    rows = study.rows("curve", pair)
    title = named(pair) if pair else study.results.dataset
    averaged = "" if pair else ", mean over the ordered pairs"
    end = f"-{slug(pair)}" if pair else ""
    charts = []
    for column, measure in (("R2", "R2"), ("mutual", MUTUAL), ("nDCG@10", "nDCG@10")):
        lines = []
        for name in dict.fromkeys(str(row["translator"]) for row in rows):
            points = curve_points(rows, name, column)
            if points:
                sizes, values, lows, highs = zip(*points, strict=True)
                lines.append(Line(name, sizes, values, lows, highs))
        if lines:
            charts.append(
                Chart(title, measure + averaged, tuple(lines), across="pairs", name=f"learning-{_file(column)}{end}")
            )
    return charts


def curve_points(rows: Sequence[Row], translator: str, column: str) -> list[tuple[int, float, float, float]]:
    """A learning curve: (pairs fitted on, mean over seeds and ordered pairs, lowest seed, highest seed), rising.

    Only sizes that every ordered pair was fitted on count, so that the mean is over the same ones everywhere; the
    bounds are those of single seeds and NaN where several ordered pairs are averaged.
    """
    its = [row for row in rows if row["translator"] == translator and math.isfinite(number_of(row, column))]
    pairs = {(row["from"], row["to"]) for row in its}
    points = []
    for size in sorted({int(row["pairs"]) for row in its}):
        here = [row for row in its if int(row["pairs"]) == size]
        if {(row["from"], row["to"]) for row in here} != pairs:
            continue
        values = [number_of(row, column) for row in here]
        several = len(pairs) > 1 or len(values) < 2
        ends = (math.nan, math.nan) if several else (min(values), max(values))
        points.append((size, mean(values), *ends))
    return points


def prediction_scatters(study: Study) -> list[ScatterChart]:
    """Similarity before training against what the best translator reaches, one point per ordered pair."""
    rows = study.rows("before")
    told = {(row["predictor"], row["outcome"]): row for row in study.rows("prediction")}
    charts = []
    for predictor in _PREDICTORS:
        for outcome in _OUTCOMES:
            points = tuple(
                ScatterPoint(
                    named((row["from"], row["to"])), f"to {row['to']}", number_of(row, predictor),
                    number_of(row, outcome),
                )
                for row in rows
            )  # fmt: skip
            if sum(point.known for point in points) < 3:
                continue
            before = "CKA" if predictor == "CKA" else MUTUAL
            charts.append(
                ScatterChart(
                    study.results.dataset,
                    f"{_spelled(outcome)} against {before} before training",
                    f"{before} of the two spaces, before training",
                    f"{_spelled(outcome)}, best translator",
                    points,
                    correlation(told.get((predictor, outcome))),
                    f"predict-{_file(predictor)}-{_file(outcome)}",
                )
            )
    return charts


def correlation(row: Row | None) -> str:
    """A rank correlation with its interval, n and p; "" if there is none."""
    if row is None or not math.isfinite(number_of(row, "Spearman")):
        return ""
    low, high, p = (number_of(row, name) for name in ("low", "high", "p"))
    between = f" [{low:+.2f}, {high:+.2f}]" if math.isfinite(low + high) else ""
    chance = f", p = {p:.3g}" if math.isfinite(p) else ""
    return f"Spearman {number_of(row, 'Spearman'):+.2f}{between}, n = {int(number_of(row, 'n'))} ordered pairs{chance}."


def bridging_bars(study: Study, rows: Sequence[Row]) -> BarChart | None:
    """What translating and what encoding anew win over keeping the old model, one row per old and new model.

    Args:
        study: for the name of the texts.
        rows: of migrations in one measure, one for each old model, new model and way.
    """
    if not rows:
        return None
    ways = tuple(dict.fromkeys(str(row["way"]) for row in rows))
    found = {(models(row), str(row["way"])): row for row in rows}
    moves = list(dict.fromkeys(pair for pair, _ in found))
    gains = tuple(
        tuple(_bar(found[pair, way], "gain") if (pair, way) in found else None for way in ways) for pair in moves
    )
    gaps = tuple(
        (_bar(next(row for row in rows if models(row) == pair), "gap"), *(None,) * (len(ways) - 1)) for pair in moves
    )
    return BarChart(
        study.results.dataset,
        f"{rows[0]['measure']} won over keeping the old model",
        tuple(BarRow(named(pair), 0) for pair in moves),
        (BarPanel("translated - keep", gains, 0.0), BarPanel("re-encode - keep", gaps, 0.0)),
        ways if len(ways) > 1 else (),
        level_name="nothing won",
        name="bridging",
    )


def migration_bars(rows: Sequence[Row], pair: Pair) -> BarChart | None:
    """Keep, swap, translate, encode anew: one panel per measure.

    Args:
        rows: migrations of one way, so that the old and the new model are the same in all.
        pair: that the maps were fitted for.
    """
    if not rows:
        return None
    names = list(dict.fromkeys(str(row["translator"]) for row in rows))
    labels = (
        BarRow("keep the old model", None),
        BarRow("swap as is", None),
        *(BarRow(name, 0) for name in names),
        BarRow("encode everything anew", 2),
    )
    panels = []
    for measure in dict.fromkeys(str(row["measure"]) for row in rows):
        here = {row["translator"]: row for row in rows if row["measure"] == measure}
        first = next(iter(here.values()))
        each = [_bar(here[name], "translated") if name in here else None for name in names]
        bars = (_bar(first, "keep"), _bar(first, "swap"), *each, _bar(first, "re-encode"))
        panels.append(BarPanel(measure, tuple((bar,) for bar in bars)))
    old, new = models(rows[0])
    measure = f"What searches find: old {old}, new {new}, {rows[0]['way']}"
    return BarChart("", measure, labels, tuple(panels), name=f"migration-{_file(str(rows[0]['way']))}-{slug(pair)}")


def prefix_heats(study: Study, pair: Pair) -> list[HeatChart]:
    """Source prefix against target prefix of one ordered pair."""
    rows = study.rows("prefixes", pair)
    down = list(dict.fromkeys(int(row["source dim"]) for row in rows))
    across = list(dict.fromkeys(int(row["target dim"]) for row in rows))
    charts = []
    for column, title in (("R2", "R2"), ("mutual", MUTUAL)) if rows else ():
        found = {(int(row["source dim"]), int(row["target dim"])): number_of(row, column) for row in rows}
        values = tuple(tuple(found.get((a, b), math.nan) for b in across) for a in down)
        rows_and_columns = tuple(map(str, down)), tuple(map(str, across))
        axes = f"{pair[0]}: numbers read", f"{pair[1]}: numbers imitated"
        name = f"prefixes-{_file(column)}-{slug(pair)}"
        charts.append(HeatChart(named(pair), title, *axes, *rows_and_columns, values, name=name))
    return charts


def kernel_charts(study: Study) -> tuple[KernelChart, ...]:
    """The first kernel's matrices of the ordered pair that translates worst; () if none were made."""
    pictures = study.kernels.get(study.hardest, ())[:1]
    return tuple(KernelChart("", one, one.matrices[0].kernel) for one in pictures if one.matrices)


def layout_charts(study: Study) -> tuple[LayoutChart, ...]:
    """The map of the texts of the ordered pair that translates worst; () if none was made."""
    return tuple(LayoutChart("", one) for one in study.layouts.get(study.hardest, ())[:1])


def _heat(study: Study, measure: str, value: Callable[[Pair], float], name: str) -> HeatChart:
    rows = tuple(space for space in study.spaces if any(pair[0] == space for pair in study.pairs))
    columns = tuple(space for space in study.spaces if any(pair[1] == space for pair in study.pairs))
    trained = set(study.pairs)
    values = tuple(tuple(value((a, b)) if (a, b) in trained else math.nan for b in columns) for a in rows)
    return HeatChart(study.results.dataset, measure, "from", "to", rows, columns, values, name=name)


def _has_values(chart: HeatChart) -> bool:
    return any(math.isfinite(value) for row in chart.values for value in row)


def _of_best(study: Study, column: str) -> Callable[[Pair], float]:
    def value(pair: Pair) -> float:
        best: Trained = study.best(pair)
        return best.value(column)

    return value


def _dims_line(label: str, rows: Sequence[Row], column: str) -> Line:
    by_dim = sorted(rows, key=lambda row: int(row["dim"]))
    values, lows, highs = (tuple(number_of(row, column + end) for row in by_dim) for end in ("", " low", " high"))
    return Line(label, tuple(int(row["dim"]) for row in by_dim), values, lows, highs)


def _curve(title: str, measure: str, lines: Sequence[Line], name: str) -> Chart:
    return Chart(title, measure, tuple(line for line in lines if line.points()), name=name)


def _bar(row: Row, name: str) -> Bar:
    return Bar(number_of(row, name), number_of(row, f"{name} low"), number_of(row, f"{name} high"))


def _spelled(outcome: str) -> str:
    return f"{MUTUAL} after training" if outcome == "mutual after" else outcome


def _file(text: str) -> str:
    """A name for files, from the name of a column or a translator."""
    return "".join(letter if letter.isalnum() else "-" for letter in text.lower()).strip("-")
