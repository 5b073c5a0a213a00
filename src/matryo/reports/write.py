"""Writing the reports of a run folder from its stored results alone."""

from pathlib import Path

from matryo.encoders.certificate import CERTIFICATE_FILE, read_certificate
from matryo.evaluation.identity_results import EXPERIMENT
from matryo.evaluation.results import RESULTS_FILE, RunResults
from matryo.files import read_json, write_text
from matryo.reports.answer import purpose_of, question_of
from matryo.reports.curve_report import curve_report, main_measure
from matryo.reports.curve_table import difference_tables, main_table, recommendation_table, share_tables
from matryo.reports.dense_report import dense_report, findings, headline, is_dense_retrieval, measure_tables
from matryo.reports.files import write_report
from matryo.reports.formats import seconds
from matryo.reports.identity_read import read_identity_run
from matryo.reports.identity_report import identity_summary
from matryo.reports.identity_write import write_identity_reports
from matryo.reports.panels import Panel, panels
from matryo.reports.probe_report import is_probe, probe_summary, write_probe_reports
from matryo.reports.study_data import is_study
from matryo.reports.study_report import study_summary, write_study_reports
from matryo.reports.table import Table, console, latex, printable, wrapped
from matryo.reports.training_log import read_courses
from matryo.reports.translation_report import is_translation, translation_summary, write_translation_reports
from matryo.reports.verdict import difference_sentences, verdict

LATEX_FILE = "tables.tex"


def write_reports(folder: str | Path) -> list[Path]:
    """Write every report of a run: the page, the Markdown text and the plots; what is there is replaced.

    Of a run of trainings also the plots of their logs, and the main tables for LaTeX; of a shared-prefix run, a
    probe, an evaluated translator and a translation study what the writers of their own reports write.

    Args:
        folder: of the run, with `results.json`.

    Returns: the files, the page first.
    Raises: FormatError if the results are missing or of an unknown format.
    """
    folder = Path(folder)
    if is_shared_prefix(folder):
        return write_identity_reports(folder)
    if is_probe(folder):
        return write_probe_reports(folder)
    results = RunResults.read(folder, with_per_query=False)
    if is_translation(results):
        return write_translation_reports(folder)
    if is_study(results):
        return write_study_reports(folder)
    dense = is_dense_retrieval(results)
    written = write_report(
        dense_report(results, read_courses(folder / "training")) if dense else curve_report(results), folder
    )
    if dense:
        tables = folder / LATEX_FILE
        write_text(tables, "\n\n".join(latex(table) for table in _summary_tables(results)) + "\n")
        written.append(tables)
    return written


def run_summary(folder: str | Path, width: int = 120) -> str:
    """A stored run of any kind for a terminal, from its folder.

    Args:
        folder: of the run, with `results.json`.
        width: columns of the screen.

    Raises: FormatError if the results are missing or of an unknown format.
    """
    folder = Path(folder)
    if is_shared_prefix(folder):
        return identity_summary(read_identity_run(folder), width)
    if is_probe(folder):
        certificate = read_certificate(folder / CERTIFICATE_FILE)
        return probe_summary(certificate, RunResults.read(folder, with_per_query=False), width)
    results = RunResults.read(folder)
    if is_study(results):
        return study_summary(results, width)
    return translation_summary(results, width) if is_translation(results) else console_summary(results, width)


def is_shared_prefix(folder: Path) -> bool:
    """Whether the results of a folder are those of a shared-prefix run.

    Raises: FormatError if they are missing or no JSON.
    """
    stored = read_json(folder / RESULTS_FILE, "the results of a run")
    return isinstance(stored, dict) and stored.get("experiment") == EXPERIMENT


def console_summary(results: RunResults, width: int = 120) -> str:
    """The run for a terminal: the main curve with shares, differences and dims, every further curve, seconds, notes.

    Args:
        results: of a run; per-query values are not needed.
        width: columns of the screen.

    Returns: text without a newline at the end.
    """
    found = panels(results)
    if is_dense_retrieval(results):
        parts = _dense_summary(results, found, width)
    else:
        parts = [_summary(panel, width, whole=panel is found[0]) for panel in found]
    if not found:
        parts.append(f"{printable(results.run_name)}: no scores")
    if results.seconds:
        taken = ", ".join(f"{step} {seconds(value)}" for step, value in results.seconds.items())
        parts.append(wrapped(f"seconds: {taken}", width))
    if results.notes:
        parts.append("\n".join(wrapped(f"note: {note}", width) for note in results.notes))
    return "\n\n".join(parts)


def _summary(panel: Panel, width: int, *, whole: bool) -> str:
    tables = [main_table(panel)]
    if whole:
        recommended = recommendation_table(panel)
        tables += [*share_tables(panel), *difference_tables(panel), *([recommended] if recommended else [])]
    sentences = [wrapped(sentence, width) for sentence in (f"{verdict(panel)}.", *difference_sentences(panel))]
    return "\n\n".join([*(console(table, width) for table in tables), "\n".join(sentences)])


def _dense_summary(results: RunResults, found: list[Panel], width: int) -> list[str]:
    """The tables of the deciding measure and those of all measures, then the answer; a purpose comes before all."""
    purpose, question = purpose_of(results), question_of(results)
    parts = [console(table, width) for table in _summary_tables(results)]
    if purpose:
        return [wrapped(purpose, width), *parts]
    if found:
        said = (f"{headline(results, found[0])}.", *findings(found[0], question))
        parts.append("\n".join(wrapped(sentence, width) for sentence in said))
    return parts


def _summary_tables(results: RunResults) -> list[Table]:
    """Of a run of trainings: values and differences in the deciding measure, then all measures side by side."""
    found = panels(results)
    tables: list[Table] = []
    for panel in found:
        if main_measure(panel, found):
            tables += [main_table(panel), *difference_tables(panel)]
    return [*tables, *measure_tables(results)]
