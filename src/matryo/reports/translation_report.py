"""The report of a translation: for a terminal, as a page, as Markdown; from its stored results alone."""

from pathlib import Path

from matryo.evaluation.results import RunResults
from matryo.reports.curve_report import closing, extra_table
from matryo.reports.document import Fact, Report, Section
from matryo.reports.files import write_report
from matryo.reports.formats import count, number, percent, signed
from matryo.reports.table import Table, console, wrapped
from matryo.reports.translation_tables import (
    Row,
    dims_chart,
    dims_table,
    grid_tables,
    heat_charts,
    measures_tables,
    migration_bars,
    migration_tables,
    names,
    records,
    stored,
)

RUN_NAME = "translation"
_ENCODED = "texts to encode with the other model"
_SHARE = "share of the corpus"
_MOST_OF_IT = 0.5
_ROWS = (
    "translated: what the map gives, on texts that it was not fitted on",
    "source, zero-padded: the source's numbers as they are, cut or filled up with zeros: a swap without a map",
    "target mean: the same vector for every text; R2 is 0 by definition, its cosine shows how little a cosine says",
    "keep the old model: the source's vectors among themselves; what they find is held against what the target's find",
    "re-encode: the native vectors themselves; what no translation can pass",
    "edit distance: lower is closer; mean rank: 1 is best; everything else: higher is better",
)


def translation_report(results: RunResults) -> Report:
    """Everything that an evaluation of a map has to say.

    Args:
        results: scores, tables and settings; per-query values are not needed.
    """
    source, target = names(results)
    kind = str(results.settings["map"]["kind"])
    drawn, dims, heats = dims_chart(results), dims_table(results), tuple(heat_charts(results))
    sections = [
        Section(
            "Keep, translate or encode anew",
            text=(str(results.settings["rule"]),) if _migrations(results) else (),
            findings=verdicts(results),
            charts=tuple(migration_bars(results)),
            tables=tuple(migration_tables(results)),
        ),
        Section("Costs", tables=_stored(results, "costs")),
        Section("Translated vectors beside the references", tables=tuple(measures_tables(results))),
        Section("Against the dimension", charts=(drawn,) if drawn else (), tables=(dims,) if dims else ()),
        Section("Source prefix to target prefix", text=_NESTED if heats else (), charts=heats),
        Section("Whose space do they resemble?", findings=resemblance(results), tables=_stored(results, "resemblance")),
        Section("Prefixes in numbers", tables=tuple(grid_tables(results)), folded=True),
        Section("Neighbour lists", tables=(*_stored(results, "lists"), *_stored(results, "different")), folded=True),
        *closing(results, _ROWS, _COMMANDS),
    ]
    return Report(
        title=f"{source} to {target}: {kind}",
        subtitle=f"{results.dataset} · {results.timestamp[:10]} · matryo {results.versions.get('matryo', '')}",
        verdict=headline(results),
        facts=_facts(results),
        sections=tuple(section for section in sections if not section.empty),
    )


def headline(results: RunResults) -> str:
    """What came out, in one sentence without its full stop: of the migration that has a gap to close, if one has."""
    rows = _deciding(results)
    if rows:
        # the way that wins most where there is something to win, else the one with the least to lose
        best = max(rows, key=lambda row: (_shown_above_0(row, "gap"), row["gain"]))
        old, new, measure = best["old"], best["new"], best["measure"]
        if best["verdict"] == "bridge":
            share = best["share of the gap"]
            told = f", {percent(share)} of what encoding everything anew wins" if share is not None else ""
            return f"Bridge from {old} to {new}, {best['way']}: {signed(best['gain'])} {measure}{told}"
        if not any(_shown_above_0(row, "gap") for row in rows):
            return f"Do not bridge: neither model is shown to be better than the other on these texts ({measure})"
        return (
            f"Do not bridge from {old} to {new}: no translation is shown to be better than keeping {old} "
            f"({best['way']}: {signed(best['gain'])} {measure}, everything anew: {signed(best['gap'])})"
        )
    source, target = names(results)
    found = {(row["vectors"], row["measure"]): row["value"] for row in records(stored(results, "measures"))}
    r2 = found.get(("translated", "R2"))
    return (
        f"Not decided: {source} explains {number(r2 or 0.0)} of the variance of {target} (R2 on held-out texts), but "
        "whether to bridge is for queries with judgements to say: name a task with --dataset"
    )


def verdicts(results: RunResults) -> tuple[str, ...]:
    """One sentence for every way in the deciding measure, and what is kept if the old model can no longer be run."""
    told = []
    for row in _deciding(results):
        kept = row["share kept"]
        forced = f" If {row['old']} can no longer be run, the translation keeps {percent(kept)} of it." if kept else ""
        told.append(f"{row['old']} to {row['new']}, {row['way']}. {row['sentence']}.{forced}")
    if told:
        told += [
            f"What the map was fitted on, {count(row[_ENCODED])} texts, is {percent(row[_SHARE])} of the corpus, which "
            "both models have encoded already: encoding the rest anew is the smaller step"
            for row in records(stored(results, "costs"))
            if row["choice"] == "translate the documents" and row[_SHARE] >= _MOST_OF_IT
        ]
    return tuple(told)


def resemblance(results: RunResults) -> tuple[str, ...]:
    """Whose space the translated vectors resemble more, by each measure."""
    source, target = names(results)
    told = []
    for row in records(stored(results, "resemblance")):
        if row["with"] != "target - source":
            continue
        low, high = row["low"], row["high"]
        if low is None or high is None or low <= 0.0 <= high:
            whom = f"neither is shown to be closer, {source} or {target}"
        else:
            whom = f"closer to {target}, which they imitate" if low > 0 else f"still closer to {source}, their origin"
        told.append(f"By {row['measure']}: {whom} ({row['value']:+.3f}).")
    return tuple(told)


def translation_summary(results: RunResults, width: int = 120) -> str:
    """An evaluation for a terminal: verdicts, tables, notes.

    Args:
        results: scores, tables and settings.
        width: columns of the screen.
    """
    tables: list[Table] = [*migration_tables(results), *_stored(results, "costs"), *measures_tables(results)]
    dims = dims_table(results)
    tables += [dims] if dims else []
    tables += grid_tables(results)
    first = verdicts(results) or (f"{headline(results)}.",)
    told = [*first, *resemblance(results)]
    taken = ", ".join(f"{step} {seconds:.1f}" for step, seconds in results.seconds.items())
    closing_lines = [wrapped(f"note: {note}", width) for note in results.notes]
    rule = [wrapped(str(results.settings["rule"]), width)] if _migrations(results) else []
    return "\n\n".join(
        [
            *(console(table, width) for table in tables),
            "\n".join([*rule, *(wrapped(line, width) for line in told)]),
            "\n".join([*closing_lines, wrapped(f"seconds: {taken}", width)]),
        ]
    )


def write_translation_reports(folder: str | Path) -> list[Path]:
    """Write every report of an evaluation from its stored results; what is there is replaced.

    Args:
        folder: with `results.json`.

    Returns: the files, the page first.
    Raises: FormatError if the results are missing or of an unknown format.
    """
    folder = Path(folder)
    return write_report(translation_report(RunResults.read(folder, with_per_query=False)), folder)


def is_translation(results: RunResults) -> bool:
    """Whether stored results are those of an evaluated map, for who writes the reports of any run."""
    return results.run_name == RUN_NAME and stored(results, "measures") is not None


_NESTED = (
    "Each row is one ridge fit from so many numbers of the source. Toward a target prefix no fit of its own is needed: "
    "the first columns of a ridge map are the map toward that prefix.",
)
_COMMANDS = (
    "matryo encode OLD-MODEL texts sets/old",
    "matryo encode NEW-MODEL texts sets/new",
    "matryo translate fit sets/old sets/new maps/old-new",
    "matryo translate evaluate maps/old-new sets/old sets/new --dataset my-beir-folder --out runs/migration",
    "matryo translate apply maps/old-new sets/old sets/old-as-new",
)


def _migrations(results: RunResults) -> list[Row]:
    return records(stored(results, "migrations"))


def _deciding(results: RunResults) -> list[Row]:
    """Migrations in the measure that decides, the first one."""
    rows = _migrations(results)
    return [row for row in rows if row["measure"] == rows[0]["measure"]]


def _shown_above_0(row: Row, name: str) -> bool:
    low = row[f"{name} low"]
    return low is not None and low > 0.0


def _stored(results: RunResults, name: str) -> tuple[Table, ...]:
    table = stored(results, name)
    return (extra_table(table),) if table is not None else ()


def _facts(results: RunResults) -> tuple[Fact, ...]:
    found = {(row["vectors"], row["measure"]): row["value"] for row in records(stored(results, "measures"))}
    settings = results.settings
    facts = [
        Fact(number(found["translated", "R2"]), "R2 on held-out texts"),
        Fact(percent(found["translated", "top-1"]), "find their counterpart first"),
        Fact(count(settings["map"].get("n_rows", 0)), "pairs fitted on"),
        Fact(count(settings["n_held_out"]), "texts held out"),
    ]
    rows = _deciding(results)
    return (
        (Fact("yes" if any(row["verdict"] == "bridge" for row in rows) else "no", "bridge"), *facts)
        if rows
        else tuple(facts)
    )
