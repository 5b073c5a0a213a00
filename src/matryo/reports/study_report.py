"""The report of a translation study for a terminal, as a page, Markdown and LaTeX; from its stored results alone."""

from pathlib import Path

from matryo.evaluation.results import RunResults
from matryo.files import write_text
from matryo.reports.curve_report import closing, extra_table
from matryo.reports.document import Fact, Report, Section
from matryo.reports.files import write_report
from matryo.reports.formats import count, number
from matryo.reports.study_charts import (
    before_heats,
    bridging_bars,
    kernel_charts,
    layout_charts,
    learning_curves,
    pair_heats,
    prediction_scatters,
    target_curves,
    translator_heats,
)
from matryo.reports.study_data import Study, models, named, read_study
from matryo.reports.study_findings import (
    BRIDGE,
    bridges,
    bridging_findings,
    headline,
    representative,
    seed_findings,
    translator_findings,
)
from matryo.reports.study_list_tables import agreement_table, edit_table, most_different_table, speed_table
from matryo.reports.study_relations import (
    cost_findings,
    kernel_counts,
    learning_findings,
    prediction_findings,
    resemblance_findings,
    search_findings,
)
from matryo.reports.study_tables import (
    before_table,
    beside_tables,
    curve_table,
    error_tables,
    migration_tables,
    resemblance_table,
    seeds_table,
    spaces_table,
)
from matryo.reports.table import Table, console, latex, wrapped

LATEX_FILE = "tables.tex"


def study_report(study: Study) -> Report:
    """Everything that a study has to say.

    Args:
        study: as stored.
    """
    closed = closing(study.results, ROWS, _commands(study), how=HOW)
    return Report(
        title=study.name,
        subtitle=subtitle(study),
        verdict=headline(study),
        facts=facts(study),
        sections=tuple(section for section in (*study_sections(study), *closed) if not section.empty),
    )


def study_sections(study: Study) -> tuple[Section, ...]:
    """What was found, one section per question; those that nothing was measured for are left out."""
    purpose = study.results.settings.get("purpose")
    told = (purpose,) if isinstance(purpose, str) and purpose else ()
    curves = tuple(target_curves(study))
    kernels, maps = kernel_charts(study), layout_charts(study)
    neighbours = (*_there(edit_table(study)), *_there(agreement_table(study)))
    costs = (*_stored(study, "costs"), *_there(speed_table(study)))
    sections = (
        Section("Spaces", text=told, tables=(spaces_table(study),)),
        Section(
            "From model to model",
            findings=translator_findings(study),
            charts=tuple(pair_heats(study)),
            tables=(before_table(study),),
        ),
        *_bridging(study),
        Section("Translators beside the references", text=(_BESIDE,), tables=tuple(beside_tables(study))),
        Section("Error by target", text=(_ERRORS,), tables=tuple(error_tables(study))),
        Section("Do they have the same neighbours?", text=_neighbours(study) if neighbours else (), tables=neighbours),
        Section("Against the dimension", text=(_DIMS,) if curves else (), charts=curves),
        Section(
            "How many pairs are needed?",
            findings=learning_findings(study),
            charts=tuple(learning_curves(study)),
            tables=_there(curve_table(study)),
        ),
        Section("What a seed changes", findings=seed_findings(study), tables=_there(seeds_table(study))),
        Section(
            "Can it be told beforehand?",
            findings=prediction_findings(study),
            charts=(*before_heats(study), *prediction_scatters(study)),
            tables=_stored(study, "prediction"),
        ),
        Section(
            "Whose space do they resemble?",
            findings=resemblance_findings(study),
            tables=_there(resemblance_table(study)),
        ),
        Section(
            "Are the kernel matrices different?",
            text=(f"Drawn for {named(study.hardest)}, the ordered pair with the lowest R2.",)
            if kernels or maps
            else (),
            findings=kernel_counts(study),
            charts=(*kernels, *maps),
        ),
        Section(
            "What both searches fetch",
            findings=search_findings(study),
            tables=_there(most_different_table(study)),
        ),
        Section("Costs", findings=cost_findings(study), tables=costs),
        Section("Every translator", charts=tuple(translator_heats(study)), folded=True),
    )
    return tuple(section for section in sections if not section.empty)


def subtitle(study: Study) -> str:
    """Texts, sizes and time in one line."""
    results = study.results
    about = [results.dataset, f"{len(study.spaces)} spaces, {len(study.pairs)} ordered pairs"]
    return " · ".join([*about, results.timestamp[:10], f"matryo {results.versions.get('matryo', '')}".strip()])


def facts(study: Study) -> tuple[Fact, ...]:
    """A few numbers for the first screen."""
    best = {pair: study.best(pair).value("R2") for pair in study.pairs}
    highest = max(best, key=lambda pair: best[pair])
    found = bridges(study)
    told = "moves where bridging is shown"
    judged = [Fact(f"{len(found.shown)} of {len(found.ways)}", told)] if found else []
    fitted = study.best(highest).value("pairs")
    return (
        Fact(number(best[highest]), f"highest R2 ({named(highest)})"),
        Fact(number(min(best.values())), "highest R2 on the hardest pair"),
        *judged,
        Fact(count(fitted), "pairs fitted on"),
        Fact(str(len(study.rows("translators"))), "translators fitted"),
    )


def study_tables(study: Study) -> list[Table]:
    """The tables that a paper would print."""
    tables = [spaces_table(study), *error_tables(study), *beside_tables(study), before_table(study)]
    deciding, rest = migration_tables(study)
    others = (edit_table(study), agreement_table(study), *deciding, *rest, curve_table(study), seeds_table(study))
    others += (resemblance_table(study),)
    return [*tables, *(table for table in others if table is not None), *_stored(study, "prediction")]


def study_summary(results: RunResults, width: int = 120) -> str:
    """A study for a terminal: tables, then what was found, then notes.

    Args:
        results: of a study.
        width: columns of the screen.

    Returns: text without a newline at the end.
    Raises: FormatError if a table is missing that every study has.
    """
    study = Study.of(results)
    said = [
        *translator_findings(study), *seed_findings(study), *bridging_findings(study), *learning_findings(study),
        *prediction_findings(study), *resemblance_findings(study), *cost_findings(study),
    ]  # fmt: skip
    found = (*migration_tables(study)[0], curve_table(study), seeds_table(study))
    shown = [spaces_table(study), *beside_tables(study)[:1], before_table(study), *(table for table in found if table)]
    parts = [console(table, width) for table in shown]
    parts.append("\n".join(wrapped(sentence, width) for sentence in said))
    notes = [wrapped(f"note: {note}", width) for note in study.results.notes]
    return "\n\n".join([*parts, *(["\n".join(notes)] if notes else []), wrapped(f"{headline(study)}.", width)])


def write_study_reports(folder: str | Path) -> list[Path]:
    """Write every report of a study from its stored results: page, Markdown, plots, LaTeX; what is there is replaced.

    Args:
        folder: of the run, with `results.json` and, if pictures were made, `pictures/`.

    Returns: the files, the page first.
    Raises: FormatError if the results are missing, of an unknown format or of another kind of run.
    """
    folder = Path(folder)
    study = read_study(folder)
    written = write_report(study_report(study), folder)
    tables = folder / LATEX_FILE
    write_text(tables, "\n\n".join(latex(table) for table in study_tables(study)) + "\n")
    return [*written, tables]


def _bridging(study: Study) -> tuple[Section, ...]:
    """The moves that there is something to think about, then, folded, those with nothing to win."""
    rows = representative(study)
    stored = study.table("migrations")
    deciding, others = migration_tables(study)
    drawn = bridging_bars(study, rows)
    shown = [f"{named(models(row))}, {row['way']}. {row['sentence']}." for row in rows if row["verdict"] == BRIDGE]
    return (
        Section(
            "Keep, translate or encode anew",
            text=stored.notes if rows and stored is not None else (),
            findings=(*bridging_findings(study), *shown),
            charts=(drawn,) if drawn else (),
            tables=deciding,
        ),
        Section("Moves with nothing to win", tables=others, folded=True),
    )


def _stored(study: Study, name: str) -> tuple[Table, ...]:
    table = study.table(name)
    return () if table is None or not table.rows else (extra_table(table),)


def _there(table: Table | None) -> tuple[Table, ...]:
    return () if table is None else (table,)


_BESIDE = (
    "A translator is worth something only beside these: the target mean (the same vector for every text), the source's "
    "numbers as they are, the old model left alone, and everything encoded anew."
)
_ERRORS = (
    "The squared error of one target must not be held against another's: vectors of more numbers have a smaller "
    "variance per number, and so a smaller error. R2 divides by that variance and may be compared."
)
_DIMS = (
    "Errors of the first numbers of the target, as a truncated index would use them: R2 of a prefix against the mean "
    "of that prefix. MSE stands in a plot of its own for each target."
)
ROWS = (
    "from: the space that is translated; to: the space that is imitated; every number is of texts that no translator "
    "was fitted on",
    "R2: 1 is perfect, 0 as good as the target's training mean, below 0 worse",
    "mutual neighbours: share of the nearest neighbours among native vectors that the translated vectors have too",
    "top-1: share of texts whose translated vector is nearest to its own native vector",
    "keep the old model: what the source's vectors find among themselves, held against what the target's find",
    "edit distance and mean rank: lower is better; everything else: higher is better",
)
HOW = (
    "Each value is a mean over held-out texts or, where searches are judged, over n queries. Beside or below it stands "
    "the 95 % interval of that mean: texts or queries are drawn anew with replacement, many times over (bootstrap), "
    "whole groups where they come in groups. Seeds are not drawn: values of several seeds are averaged, and how far "
    "seeds differ stands in a table of its own.",
    "Two intervals may overlap although one translator is reliably better, because both were asked the same. The "
    "differences of keep, translate, swap and encode anew are paired by query, and the verdict rests on them alone.",
    "The best translator of a pair is the one with the highest R2 on the held-out texts, the same that it is shown on: "
    "of several that are close, the best is a little flattered. No value is corrected for how many were tried.",
)


def _neighbours(study: Study) -> tuple[str, ...]:
    """How long the lists are, where the settings tell."""
    k = study.results.settings.get("measure", {}).get("k")
    return () if k is None else (f"Lists of the {k} nearest held-out texts of each text, itself left out.",)


def _commands(study: Study) -> tuple[str, ...]:
    folder = f"runs/{study.name}"
    return (
        f"matryo run {folder}/config.yaml --out {folder}",
        f"matryo report {folder}",
        f"matryo site site {folder}",
    )
