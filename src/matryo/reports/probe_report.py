"""The report of a probe: for a terminal, as a page, as Markdown; from the certificate and the results beside it."""

from pathlib import Path

from matryo.encoders.certificate import CERTIFICATE_FILE, Certificate, read_certificate
from matryo.errors import FormatError
from matryo.evaluation.geometry_result import Geometry
from matryo.evaluation.results import RESULTS_FILE, RunResults
from matryo.reports.curve_report import closing, extra_table
from matryo.reports.curve_table import difference_tables, recommendation_table
from matryo.reports.document import Report, Section
from matryo.reports.files import write_report
from matryo.reports.panels import panels
from matryo.reports.probe_tables import dims_table, geometry_table, neighbours_chart, quality_chart
from matryo.reports.probe_verdict import geometry_in_short, geometry_sentences, may_be_cut, probe_facts, was_trained
from matryo.reports.table import console, wrapped
from matryo.reports.verdict import difference_sentences

_ROWS = (
    "prefix: the first numbers as they are, brought back to length 1",
    "random dims: as many dims drawn at random, mean over several draws; what any prefix must beat",
    "suffix: the last numbers; where only the order was never cared for, it does as well as the prefix",
    "PCA rotation: the axes turned so that the first carry most; where it does better, `--fix` wins that without "
    "training",
)
_TWO_VERDICTS = (
    "Two verdicts are kept apart. The geometry needs texts only: it compares neighbours before and after a cut, and "
    "says whether the first numbers are privileged and whether they are sorted by variance. It cannot say what a model "
    "was trained for, nor what a cut costs: that takes queries with judgements.",
)


def probe_report(certificate: Certificate, results: RunResults) -> Report:
    """Everything a probe has to say.

    Args:
        certificate: what was found.
        results: scores and settings; per-query values are not needed.
    """
    share = _share(results)
    geometry = Geometry.from_json(certificate.geometry)
    found = panels(results)
    charts = [chart for chart in (quality_chart(results),) if chart]
    recommended = [table for panel in found if (table := recommendation_table(panel))]
    sections = [
        Section("What to do", bullets=certificate.advice),
        # without judgements this is the table of the geometry, which follows below
        Section(
            "By dims kept",
            charts=tuple(charts),
            tables=(dims_table(certificate, share),) if certificate.quality else (),
        ),
        Section(
            "Made to be cut?",
            text=(was_trained(certificate.quality),) if certificate.quality else (),
            findings=tuple(line for panel in found for line in difference_sentences(panel)),
            tables=tuple(table for panel in found for table in difference_tables(panel)),
        ),
        Section(
            "Geometry, without judgements",
            text=geometry_sentences(geometry),
            charts=(neighbours_chart(geometry, certificate.texts.name),),
            tables=(geometry_table(geometry),),
        ),
        Section("Before and after", tables=tuple(extra_table(table) for table in results.tables)),
        Section("The tests", tables=tuple(recommended), folded=True),
        *closing(results, (*_TWO_VERDICTS, *_ROWS), _commands(certificate)),
    ]
    return Report(
        title=f"May {certificate.model} be cut?",
        subtitle=_subtitle(certificate),
        verdict=may_be_cut(certificate, share),
        facts=probe_facts(certificate, share),
        sections=tuple(section for section in sections if not section.empty),
    )


def probe_summary(certificate: Certificate, results: RunResults, width: int = 120) -> str:
    """A probe for a terminal: the verdict, the table, the advice, then notes.

    Args:
        certificate: what was found.
        results: scores and settings; per-query values are not needed.
        width: columns of the screen.
    """
    share = _share(results)
    geometry = Geometry.from_json(certificate.geometry)
    first = [f"May I cut it? {may_be_cut(certificate, share)}."]
    first += [was_trained(certificate.quality)] if certificate.quality else []
    first += [geometry_in_short(geometry)] if certificate.quality else geometry_sentences(geometry)
    parts = ["\n".join(wrapped(line, width) for line in first), console(dims_table(certificate, share), width)]
    parts += [console(extra_table(table), width) for table in results.tables]
    parts.append("\n".join(["What to do", *(wrapped(f"- {line}", width) for line in certificate.advice)]))
    taken = ", ".join(f"{step} {seconds:.1f}" for step, seconds in results.seconds.items())
    notes = [wrapped(f"note: {note}", width) for note in results.notes]
    return "\n\n".join([*parts, "\n".join([*notes, wrapped(f"seconds: {taken}", width)])])


def write_probe_reports(folder: str | Path) -> list[Path]:
    """Write every report of a probe from its stored certificate and results; what is there is replaced.

    Args:
        folder: of the probe, with `results.json` and `truncation.json`.

    Returns: the files, the page first.
    Raises: FormatError if one of the two is missing or of an unknown format.
    """
    folder = Path(folder)
    certificate, results = read_certificate(folder / CERTIFICATE_FILE), RunResults.read(folder, with_per_query=False)
    return write_report(probe_report(certificate, results), folder)


def is_probe(folder: Path) -> bool:
    """Whether a folder of a run holds a probe, for who writes the reports of any run."""
    return (folder / RESULTS_FILE).is_file() and (folder / CERTIFICATE_FILE).is_file()


def _share(results: RunResults) -> float:
    share = results.settings.get("share")
    if not isinstance(share, float):
        raise FormatError(f"the results of a probe hold the share that was asked, got {share!r}; probe anew")
    return share


def _subtitle(certificate: Certificate) -> str:
    texts = certificate.texts
    space = f"space {certificate.space_id[:12]}"
    return " · ".join([f"{texts.n:,} texts: {texts.name}", space, certificate.date, f"matryo {certificate.version}"])


def _commands(certificate: Certificate) -> tuple[str, ...]:
    return (
        "# with your own queries and judgements (a BEIR folder)",
        "matryo probe MODEL FOLDER --out runs/probe",
        "# turn the numbers into an order that can be cut; with pairs a head is trained",
        "matryo probe MODEL FOLDER --fix runs/fixed",
        "matryo probe MODEL FOLDER --fix runs/fixed --pairs pairs.jsonl",
        "# keep the first numbers for good",
        f"matryo export MODEL small-model --dim {certificate.passed()[0]}",
    )
