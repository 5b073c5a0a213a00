"""Writing the reports of a shared-prefix run from its stored results and measures alone."""

import csv
import io
import math
from pathlib import Path

from matryo.evaluation.identity_results import IdentityScore
from matryo.files import write_text
from matryo.reports.files import write_report
from matryo.reports.identity_read import read_identity_run
from matryo.reports.identity_report import identity_report, identity_tables
from matryo.reports.table import Table, latex, markdown, printable

TABLES = "tables"
SCORES = "scores"


def write_identity_reports(folder: Path) -> list[Path]:
    """Write the page, the Markdown text, every table and every figure of a run; what is there is replaced.

    Args:
        folder: of the run, with `results.json` and `measures/`.

    Returns: the files, the page first.
    Raises: FormatError if something is missing, damaged, or of another kind of run.
    """
    run = read_identity_run(folder)
    written = write_report(identity_report(run), folder)
    where = folder / TABLES
    where.mkdir(exist_ok=True)
    texts = {f"{SCORES}.csv": scores_csv(run.results.scores)}
    for one in identity_tables(run):
        texts[f"{one.name}.tex"] = latex(one.table) + "\n"
        texts[f"{one.name}.md"] = markdown(one.table) + "\n"
        texts[f"{one.name}.csv"] = table_csv(one.table)
    for name, text in texts.items():
        write_text(where / name, text)
        written.append(where / name)
    return written


def table_csv(table: Table) -> str:
    """A table as printed: one line per row, a detail in a column of its own behind its value.

    Example:
        >>> from matryo.reports.table import Cell
        >>> print(table_csv(Table.of("", ["system", "hit@1"], [["frozen", Cell("0.5", "0.4 to 0.6")]])), end="")
        system,hit@1,hit@1 detail
        frozen,0.5,0.4 to 0.6
    """
    detailed = [any(row[place].detail for row in table.rows) for place in range(len(table.columns))]
    lines = [[name for column, more in zip(table.columns, detailed, strict=True)
              for name in ([column.name, f"{column.name} detail"] if more else [column.name])]]  # fmt: skip
    for row in table.rows:
        lines.append([text for cell, more in zip(row, detailed, strict=True)
                      for text in ([cell.text, cell.detail] if more else [cell.text])])  # fmt: skip
    return _csv(lines)


def scores_csv(scores: tuple[IdentityScore, ...]) -> str:
    """Every stored score with all its digits; an empty field where there is none."""
    lines = [["system", "kind", "measure", "column", "gallery", "direction", "value", "low", "high", "n", "size",
              "by_seed"]]  # fmt: skip
    for one in scores:
        names = [one.system, one.kind, one.measure, one.column, one.gallery, one.direction]
        numbers = [_exact(one.value), _exact(one.low), _exact(one.high), str(one.n), _exact(one.size)]
        lines.append([*names, *numbers, " ".join(map(_exact, one.by_seed))])
    return _csv(lines)


def _exact(value: float) -> str:
    return repr(value) if math.isfinite(value) else ""


def _csv(lines: list[list[str]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows([printable(text) for text in line] for line in lines)
    return stream.getvalue()
