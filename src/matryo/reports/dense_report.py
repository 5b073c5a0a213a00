"""The report of a run that trains bi-encoders: the answer first, then every difference, every seed, every row."""

from collections.abc import Sequence
from dataclasses import replace

from matryo.evaluation.index_table import NAME as INDEXES
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import PLAIN_CUT
from matryo.reports.answer import (
    NO_DIFFERENCE,
    Question,
    answer,
    answer_facts,
    full_widths,
    purpose_of,
    question_of,
    seeds_of,
)
from matryo.reports.curve_report import closing, extra_table, main_measure, subtitle
from matryo.reports.curve_table import (
    difference_tables,
    main_table,
    recommendation_table,
    seed_table,
    share_tables,
)
from matryo.reports.dense_charts import dense_chart, difference_chart
from matryo.reports.document import Fact, Report, Section
from matryo.reports.panels import Panel, panels
from matryo.reports.pareto import pareto_chart, pareto_tables
from matryo.reports.table import Cell, Table
from matryo.reports.training_log import Course, training_charts, training_notes
from matryo.reports.verdict import difference_sentences, facts, meanings, training_commands, verdict

EXPERIMENT = "dense_retrieval"
_ALL_MEASURES = ("baseline", "dense_retrieval")
_TIMES = ("latency", "timing")
_DIFFERENCES = "Differences at every dim"


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
    all_measures = Section("All measures", tables=measure_tables(results))
    seeds = tuple(t for panel in found if (t := seed_table(panel))) if len(results.seeds) > 1 else ()
    if first is None:
        opening = [all_measures]
    elif purpose:
        opening = [all_measures, _curves(first), *_checked(first, question)]
    else:
        opening = [*_asked(first, question), _curves(first), all_measures, *_kept(first)]
    sections = [
        *opening,
        *(
            Section(f"Training of {arm}", training_notes(arm, courses), charts=training_charts(arm, courses))
            for arm in dict.fromkeys(course.arm for course in courses)
        ),
        *(_further(panel, question, drawn=True, claims=not purpose) for panel in drawn),
        *(_further(panel, question, drawn=False, claims=not purpose) for panel in found[1:] if panel not in drawn),
        *_indexes(results),
        Section("Time", tables=tuple(_even(t) for t in results.tables if t.name.startswith(_TIMES))),
        Section("Each seed of everything", tables=seeds, folded=True),
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
    """The stored tables of all measures side by side, floors first."""
    stored = sorted((table for table in results.tables if table.name in _ALL_MEASURES), key=lambda table: table.name)
    return tuple(_even(table) for table in stored)


def findings(panel: Panel, question: Question | None) -> tuple[str, ...]:
    """What the differences of a panel come to, in sentences."""
    widths = full_widths(panel, question) if question else None
    return (*((widths,) if widths else ()), *difference_sentences(panel, NO_DIFFERENCE))


def _asked(panel: Panel, question: Question | None) -> list[Section]:
    """What the run was made to find out: paired differences at every dim, what they come to, every seed."""
    drawn = difference_chart(panel, question) if question else None
    text, found = _how_asked(panel, question), findings(panel, question)
    tables = tuple(difference_tables(panel))
    return [
        Section(_DIFFERENCES, text, found, charts=(drawn,) if drawn else (), tables=tables),
        Section("Every seed", tables=_arm_seeds(panel, question)),
    ]


def _checked(panel: Panel, question: Question | None) -> list[Section]:
    """Of a run without a claim: each seed, and the differences as mere figures."""
    return [
        Section("Every seed", tables=_arm_seeds(panel, question)),
        Section(_DIFFERENCES, tables=tuple(difference_tables(panel)), folded=True),
    ]


def _curves(panel: Panel) -> Section:
    drawn = dense_chart(panel)
    return Section(panel.name, charts=(drawn,) if drawn else (), tables=(main_table(panel),))


def _arm_seeds(panel: Panel, question: Question | None) -> tuple[Table, ...]:
    """The table of single seeds of the arms; of one seed the main table says it all."""
    several = question is None or seeds_of(panel, question) > 1
    table = seed_table(panel, panel.trained) if several else None
    return (table,) if table else ()


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


def _even(stored: ExtraTable) -> Table:
    """A stored table whose means have four digits and whose milliseconds have two, all down their column."""
    digits = [4 if "@" in name else 2 if " ms" in f" {name}" else None for name in stored.columns]
    rows = [
        tuple(
            Cell(f"{value:.{places}f}") if places is not None and isinstance(value, int | float) else cell
            for cell, value, places in zip(cells, values, digits, strict=True)
        )
        for cells, values in zip(extra_table(stored).rows, stored.rows, strict=True)
    ]
    return replace(extra_table(stored), rows=tuple(rows))


def _indexes(results: RunResults) -> list[Section]:
    """What approximate search costs and finds: the plot beside the tables."""
    stored = [table for table in results.tables if table.name == INDEXES]
    return [
        Section("Approximate search", charts=(pareto_chart(table, results.dataset),), tables=pareto_tables(table))
        for table in stored
    ]


def _is_other(table: ExtraTable) -> bool:
    return table.name not in (*_ALL_MEASURES, INDEXES) and not table.name.startswith(_TIMES)


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
