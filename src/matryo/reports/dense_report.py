"""The report of a run that trains bi-encoders: the answer first, then every difference, every seed, every row."""

from collections.abc import Sequence
from dataclasses import replace

from matryo.evaluation.records import Difference
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import PLAIN_CUT
from matryo.reports.answer import (
    NO_DIFFERENCE,
    Question,
    answer,
    answer_facts,
    as_trained,
    full_widths,
    purpose_of,
    question_of,
    seeds_of,
)
from matryo.reports.charts import Chart, Floor, Line
from matryo.reports.curve_report import closing, extra_table, main_measure, subtitle
from matryo.reports.curve_table import (
    difference_tables,
    main_table,
    recommendation_table,
    seed_table,
    share_tables,
)
from matryo.reports.document import Fact, Report, Section
from matryo.reports.panels import Panel, Row, panels
from matryo.reports.table import Cell, Table
from matryo.reports.training_log import Course, training_charts, training_notes
from matryo.reports.verdict import difference_sentences, facts, meanings, training_commands, verdict

EXPERIMENT = "dense_retrieval"
_ALL_MEASURES = ("baseline", "dense_retrieval")
_TIMES = ("latency", "timing")


def is_dense_retrieval(results: RunResults) -> bool:
    """Whether a run trained bi-encoders and is reported here."""
    return results.settings.get("experiment") == EXPERIMENT


def dense_report(results: RunResults, courses: Sequence[Course] = ()) -> Report:
    """Everything such a run has to say.

    A run with a purpose of its own, such as a pipeline check, opens with that and says nowhere what is better.

    Args:
        results: as stored; per-query values are not needed.
        courses: what its trainings logged.

    Raises: FormatError if the settings hold a question that cannot be read.
    """
    found = panels(results)
    first = found[0] if found else None
    drawn = [panel for panel in found[1:] if main_measure(panel, found)]
    purpose, question = purpose_of(results), question_of(results)
    sections = [
        *(_comparison(first, question, claims=not purpose) if first else []),
        Section("All measures", tables=measure_tables(results)),
        *(_kept(first) if first and not purpose else []),
        *(
            Section(f"Training of {arm}", training_notes(arm, courses), charts=training_charts(arm, courses))
            for arm in dict.fromkeys(course.arm for course in courses)
        ),
        *(_further(panel, question, drawn=True, claims=not purpose) for panel in drawn),
        *(_further(panel, question, drawn=False, claims=not purpose) for panel in found[1:] if panel not in drawn),
        Section("Time", tables=tuple(extra_table(t) for t in results.tables if t.name.startswith(_TIMES))),
        Section("Each seed of everything", tables=tuple(t for p in found if (t := seed_table(p))), folded=True),
        Section("Further tables", tables=tuple(extra_table(t) for t in results.tables if _is_other(t))),
        *closing(results, _rows(results, found, question), _lines(results, first, question)),
    ]
    return Report(
        title=results.run_name,
        subtitle=subtitle(results, found),
        verdict=headline(results, first),
        facts=_facts(first, question) if first and not purpose else (),
        sections=tuple(section for section in sections if not section.empty),
    )


def headline(results: RunResults, panel: Panel | None) -> str:
    """The sentence that a report opens with: the purpose of the run, else the answer to its question.

    Args:
        results: of the run.
        panel: the main one; None if there are no scores.
    """
    purpose, question = purpose_of(results), question_of(results)
    if purpose or panel is None:
        return purpose or "This run holds no scores"
    return answer(panel, question) if question else verdict(panel)


def measure_tables(results: RunResults) -> tuple[Table, ...]:
    """The stored tables of all measures side by side, floors first; means have four digits throughout."""
    found = []
    for stored in sorted(results.tables, key=lambda table: table.name):
        if stored.name in _ALL_MEASURES:
            table = extra_table(stored)
            means = {place for place, name in enumerate(stored.columns) if "@" in name}
            rows = [
                tuple(
                    Cell(f"{value:.4f}") if place in means and isinstance(value, int | float) else cell
                    for place, (cell, value) in enumerate(zip(cells, values, strict=True))
                )
                for cells, values in zip(table.rows, stored.rows, strict=True)
            ]
            found.append(replace(table, rows=tuple(rows)))
    return tuple(found)


def findings(panel: Panel, question: Question | None) -> tuple[str, ...]:
    """What the differences of a panel come to, in sentences."""
    widths = full_widths(panel, question) if question else None
    return (*((widths,) if widths else ()), *difference_sentences(panel, NO_DIFFERENCE))


def dense_chart(panel: Panel) -> Chart | None:
    """The curves of a panel: trained arms strong, those with a map dashed, everything else thin; floors as levels."""
    lines: list[Line] = []
    n_others = len(panel.trained)
    for row in panel.rows:
        if row.is_floor:
            continue
        line = _line(row)
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


def _comparison(panel: Panel, question: Question | None, *, claims: bool) -> list[Section]:
    """The main panel: paired differences at every dim, every seed, all curves."""
    drawn = difference_chart(panel, question) if question and claims else None
    curves = dense_chart(panel)
    several = question is None or seeds_of(panel, question) > 1
    seeds = seed_table(panel, panel.trained) if several else None
    return [
        Section(
            "Differences at every dim",
            text=_how_asked(panel, question) if claims else (),
            findings=findings(panel, question) if claims else (),
            charts=(drawn,) if drawn else (),
            tables=tuple(difference_tables(panel)),
        ),
        Section("Every seed", tables=(seeds,) if seeds else ()),
        Section(panel.name, charts=(curves,) if curves else (), tables=(main_table(panel),)),
    ]


def _how_asked(panel: Panel, question: Question | None) -> tuple[str, ...]:
    if question is None:
        return ()
    text = [
        f"The question was asked at {question.dim} numbers; the other dims and pairs are shown beside it. Of many "
        "differences that are none, one in twenty has an interval clear of 0 by chance."
    ]
    if seeds_of(panel, question) == 1:
        text.append("Each arm was trained once: what another seed would change is not in the intervals.")
    return tuple(text)


def _kept(panel: Panel) -> list[Section]:
    recommended = recommendation_table(panel)
    return [Section("What is kept", tables=(*share_tables(panel), *([recommended] if recommended else [])))]


def _further(panel: Panel, question: Question | None, *, drawn: bool, claims: bool) -> Section:
    """A further data set, drawn, or a further measure, folded and without a plot."""
    curves = dense_chart(panel) if drawn else None
    return Section(
        panel.name,
        text=(f"{answer(panel, question)}.",) if claims and question and drawn else (),
        findings=findings(panel, question) if claims else (),
        charts=(curves,) if curves else (),
        tables=(main_table(panel), *difference_tables(panel)),
        folded=not drawn,
    )


def _facts(panel: Panel, question: Question | None) -> tuple[Fact, ...]:
    return answer_facts(panel, question) if question else facts(panel)


def _coloured(line: Line, panel: Panel, model: str, *, dashed: bool) -> Line:
    """A trained arm has one colour in every plot of a report."""
    return replace(line, colour=panel.trained.index(model), dashed=dashed) if model in panel.trained else line


def _line(row: Row) -> Line:
    scores = [row.scores[dim] for dim in sorted(row.scores)]
    return Line(
        row.label,
        tuple(score.dim for score in scores),
        tuple(score.value for score in scores),
        tuple(score.low for score in scores),
        tuple(score.high for score in scores),
    )


def _is_other(table: ExtraTable) -> bool:
    return table.name not in _ALL_MEASURES and not table.name.startswith(_TIMES)


def _rows(results: RunResults, found: Sequence[Panel], question: Question | None) -> tuple[str, ...]:
    said = meanings(found, results.settings.get("methods"))
    if question is None or question.map == PLAIN_CUT:
        return said
    return (
        f"{question.control} + {question.map}: the control; what is trained at the full width only and then turned "
        "tells what nesting itself adds",
        *said,
    )


def _lines(results: RunResults, panel: Panel | None, question: Question | None) -> tuple[str, ...]:
    if panel is None or not panel.dims:
        return ()
    arm = question.arm if question else next(iter(panel.trained), "ARM")
    run = str(results.settings.get("out") or f"runs/{results.run_name}")
    return training_commands(panel, run, arm, question.dim if question else panel.dims[0])
