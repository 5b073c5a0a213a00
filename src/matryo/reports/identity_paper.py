r"""What a paper on a shared-prefix run takes from it: tables, figures, and every number as a LaTeX command.

No number is typed by hand: `numbers.tex` defines `\runPrefixDim`, `\runMainHit`, `\hitVThreeMse` and so on.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from matryo.evaluation.identity_results import IdentityScore
from matryo.files import atomic_path, write_text
from matryo.reports.figures import pdf
from matryo.reports.formats import count, number, signed
from matryo.reports.identity_read import IdentityRun, read_identity_run
from matryo.reports.identity_report import headline, identity_report, identity_tables
from matryo.reports.identity_tables import p_value
from matryo.reports.table import Cell, Table, latex, latex_text

NUMBERS_FILE = "numbers.tex"
VERDICTS_FILE = "verdicts.tex"
METHODS_FILE = "methods.tex"
NOTES_FILE = "notes.tex"
_MOST_COLUMNS = 7  # beside the first one; more do not fit the page
_DIGITS = ("Zero", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine")
_MISSING = "--"


def write_paper_parts(folder: Path, out: Path) -> list[Path]:
    """Write the tables, figures and numbers of a run for LaTeX; what is there is replaced.

    Args:
        folder: of the run, with `results.json` and `measures/`.
        out: for `numbers.tex`, `verdicts.tex`, `methods.tex`, `notes.tex`, `tables/*.tex`, `figures/*.pdf`.

    Returns: the files.
    Raises: FormatError if the run is missing something, damaged, or of another kind.
    """
    run = read_identity_run(folder)
    texts = {
        NUMBERS_FILE: "".join(f"\\newcommand{{\\{name}}}{{{text}}}\n" for name, text in macros(run).items()),
        VERDICTS_FILE: _items((one.claim, f"{one.outcome}. {one.evidence}") for one in run.results.verdicts),
        METHODS_FILE: _items(iter(run.results.meanings.items())),
        NOTES_FILE: _items(("", note) for note in run.results.notes),
    }
    for one in identity_tables(run):
        texts[f"tables/{one.name}.tex"] = "\n\n".join(map(latex, narrow_tables(one.table))) + "\n"
    written = []
    for name, text in texts.items():
        write_text(out / name, text)
        written.append(out / name)
    for chart in identity_report(run).charts():
        drawing = out / f"{chart.name}.pdf"
        with atomic_path(drawing) as temporary:
            temporary.write_bytes(pdf(chart))
        written.append(drawing)
    return written


def macros(run: IdentityRun) -> dict[str, str]:
    """Name -> text of every command; what a run does not know is a dash, so that a paper still compiles."""
    results, settings = run.results, run.results.settings
    found = {
        "runName": results.run_name,
        "runDataset": results.dataset,
        "runDomainA": results.domains[0],
        "runDomainB": results.domains[1],
        "runModel": _setting(settings, "model", "name"),
        "runWidth": count(results.width),
        "runDims": ", ".join(map(str, results.dims)),
        "runPrefixDim": count(results.prefix_dim),
        "runSeeds": count(len(results.seeds)),
        "runMethods": count(len(run.methods)),
        "runComparisons": count(len(results.family)),
        "runDate": results.timestamp.partition("T")[0],
        "runMachine": f"{results.machine.get('cpu', _MISSING)}, {results.machine.get('cores', _MISSING)} cores",
        "runMinutes": number_of_minutes(results.seconds),
        "runVersion": str(results.versions.get("matryo", _MISSING)),
        "runHeadline": f"{headline(run)}.",
    }
    data = ("train", "validation", "test", "level", "held_out", "triplets")
    found |= {f"run{_camel(key)}": _setting(settings, "data", key) for key in data}
    learned = ("temperature", "prefix_weight", "within_domain_weight", "adversarial_weight", "batch_size", "epochs",
               "learning_rate")  # fmt: skip
    found |= {f"run{_camel(key)}": _setting(settings, "train", key) for key in learned}
    found |= _roles(run)
    for system in run.systems:
        found |= _score(f"hit{_camel(system)}", run.score(system))
    for number_, one in enumerate(results.verdicts):
        found[f"verdict{_camel(str(number_ + 1))}"] = one.outcome
    return {name: latex_text(text) for name, text in found.items()}


def _roles(run: IdentityRun) -> dict[str, str]:
    """The main method, the best baseline, the ceiling, and what lies between the first two."""
    best = run.results.best_baseline
    ceiling = next((name for name, kind in run.results.systems.items() if kind == "ceiling"), "")
    one = run.comparison(f"{run.main_method} - {best}")
    own = run.score(run.main_method)
    small, hard = run.small_gallery, next((name for name in run.galleries if name.startswith("hard")), "")
    return {
        "runMainMethod": run.main_method,
        "runBestBaseline": best or _MISSING,
        "runCeiling": ceiling or _MISSING,
        **_score("runMainHit", own),
        **_score("runBestBaselineHit", run.score(best) if best else None),
        **_score("runCeilingHit", run.score(ceiling) if ceiling else None),
        **_score("runChanceHit", run.score("chance")),
        **_score("runMainRestHit", run.score(run.main_method, column="rest")),
        **_score("runMainSmallHit", run.score(run.main_method, gallery=small)),
        **_score("runMainHardHit", run.score(run.main_method, gallery=hard) if hard else None),
        "runGallerySize": count(own.size) if own else _MISSING,
        "runQueries": count(own.n) if own else _MISSING,
        "runDifference": signed(one.difference) if one else _MISSING,
        "runDifferenceLow": signed(one.low) if one else _MISSING,
        "runDifferenceHigh": signed(one.high) if one else _MISSING,
        "runDifferenceP": p_value(one.deciding_p) if one else _MISSING,
    }


def narrow_tables(table: Table, most: int = _MOST_COLUMNS) -> list[Table]:
    """A table as one or several that fit a page: each repeats the first column, the last one has the notes.

    Example:
        >>> wide = Table.of("t", ["system", "a", "b", "c"], [["x", "1", "2", "3"]], ["note"])
        >>> [[column.name for column in part.columns] for part in narrow_tables(wide, most=2)]
        [['system', 'a', 'b'], ['system', 'c']]
    """
    places = range(1, len(table.columns))
    each = math.ceil(len(places) / math.ceil(len(places) / most)) if places else 1
    groups = [list(places[start : start + each]) for start in range(0, len(places), each)] or [[]]
    parts = []
    for group in groups:
        chosen = [0, *group]
        rows: tuple[tuple[Cell, ...], ...] = tuple(tuple(row[place] for place in chosen) for row in table.rows)
        columns = tuple(table.columns[place] for place in chosen)
        last = group is groups[-1]
        parts.append(replace(table, columns=columns, rows=rows, notes=table.notes if last else ()))
    return parts


def number_of_minutes(seconds: Mapping[str, float]) -> str:
    """All steps together, one digit; a dash if no step was timed."""
    return f"{sum(seconds.values()) / 60:.1f}" if seconds else _MISSING


def _score(name: str, score: IdentityScore | None) -> dict[str, str]:
    values = (math.nan,) * 3 if score is None else (score.value, score.low, score.high)
    return {
        f"{name}{end}": number(value) if math.isfinite(value) else _MISSING
        for end, value in zip(("", "Low", "High"), values, strict=True)
    }


def _camel(name: str) -> str:
    r"""A name as part of a command, which takes letters only.

    >>> _camel("v3_mse"), _camel("TF-IDF")
    ('VThreeMse', 'TFIDF')
    """
    spelled = re.sub(r"\d", lambda digit: f" {_DIGITS[int(digit[0])]} ", name)
    return "".join(word[0].upper() + word[1:] for word in re.findall("[A-Za-z]+", spelled))


def _setting(settings: Mapping[str, Any], *path: str) -> str:
    value: Any = settings
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    if value is None:
        return _MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _items(pairs: Iterator[tuple[str, str]]) -> str:
    r"""A list; a run without anything to list gives an empty file, because an empty list is an error of LaTeX."""
    lines = [
        rf"\item \textbf{{{latex_text(name)}}}: {latex_text(text)}" if name else rf"\item {latex_text(text)}"
        for name, text in pairs
    ]
    return "\n".join([r"\begin{itemize}", *lines, r"\end{itemize}", ""]) if lines else ""
