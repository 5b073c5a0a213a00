"""The plots of a run that trains bi-encoders: all curves, and what is gained over the control."""

from dataclasses import replace

from matryo.evaluation.records import Difference
from matryo.reports.answer import Question, as_trained
from matryo.reports.charts import Chart, Floor, Line
from matryo.reports.curve_report import row_line
from matryo.reports.panels import Panel


def dense_chart(panel: Panel) -> Chart | None:
    """The curves of a panel: trained arms strong, those with a map dashed, everything else thin; floors as levels."""
    lines: list[Line] = []
    n_others = len(panel.trained)
    for row in panel.rows:
        if row.is_floor:
            continue
        line = row_line(row)
        if row.model in panel.trained:
            own = as_trained(row.map)
            line = replace(_coloured(line, panel, row.model, dashed=not own), emphasis="strong" if own else "normal")
        else:
            line = replace(line, colour=n_others, emphasis="thin")
            n_others += 1
        lines.append(line)
    floors = tuple(Floor(f"{row.label} (floor)", row.scores[0].value) for row in panel.rows if row.is_floor)
    return Chart(panel.dataset, panel.measure, tuple(lines), floors) if lines else None


def difference_chart(panel: Panel, question: Question) -> Chart | None:
    """What trained arms gain over the control at every dim, that of the question strong; None if nothing is stored."""
    gains: dict[tuple[str, str], dict[int, Difference]] = {}
    for one in panel.differences:
        if (one.right.model, one.right.map) == (question.control, question.map) and one.left.dim == one.right.dim:
            gains.setdefault((one.left.model, one.left.map), {}).setdefault(one.left.dim, one)
    lines = []
    for (model, map_name), found in gains.items():
        dims = tuple(sorted(found))
        values, lows, highs = zip(*((found[d].value, found[d].low, found[d].high) for d in dims), strict=True)
        strong = model == question.arm and as_trained(map_name)
        line = Line(panel.label(model, map_name), dims, values, lows, highs, "strong" if strong else "thin")
        lines.append(_coloured(line, panel, model, dashed=not as_trained(map_name)))
    measure = f"{panel.measure} minus {panel.label(question.control, question.map)}"
    floors = (Floor("no difference", 0.0),)
    return Chart(panel.dataset, measure, tuple(lines), floors, signed=True, name="differences") if lines else None


def _coloured(line: Line, panel: Panel, model: str, *, dashed: bool) -> Line:
    """A trained arm has one colour in every plot of a report."""
    return replace(line, colour=panel.trained.index(model), dashed=dashed) if model in panel.trained else line
