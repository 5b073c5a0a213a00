"""The report of a shared-prefix run, put together from what it stored."""

from collections.abc import Iterable, Sequence

from matryo.evaluation.identity_statistics import LEVEL
from matryo.reports.curve_report import flat, two_columns
from matryo.reports.document import Fact, Report, Section
from matryo.reports.formats import count, number, number_range, seconds, signed
from matryo.reports.identity_charts import (
    cka_chart,
    collapse_chart,
    column_chart,
    dim_charts,
    gallery_chart,
    open_set_chart,
    probe_charts,
)
from matryo.reports.identity_details import cka_table, collapse_table, open_set_table, probe_table
from matryo.reports.identity_read import IdentityRun
from matryo.reports.identity_tables import NamedTable, column_table, comparison_tables, dim_table, main_tables, p_value
from matryo.reports.plots import Plot
from matryo.reports.table import Table, console, wrapped


def identity_tables(run: IdentityRun) -> tuple[NamedTable, ...]:
    """Every table of the report, in order."""
    others = (dim_table(run), column_table(run), cka_table(run), collapse_table(run), probe_table(run))
    found = (*main_tables(run), *comparison_tables(run), *others, open_set_table(run))
    return tuple(one for one in found if one is not None)


def identity_report(run: IdentityRun) -> Report:
    """Everything such a run has to say; what was not measured is left out.

    Args:
        run: as stored.
    """
    results = run.results
    tables = {one.name: one.table for one in identity_tables(run)}

    def named(*names: str) -> tuple[Table, ...]:
        return tuple(tables[name] for name in names if name in tables)

    columns, cka, collapse, open_set = column_chart(run), cka_chart(run), collapse_chart(run), open_set_chart(run)
    read = _how_to_read(run)
    compared = tuple(table for name, table in tables.items() if name.startswith("comparisons"))
    sections = (
        Section("What the numbers say of each claim", _verdict_text(run), verdict_lines(run)),
        Section("Who is found", tables=named("main", "galleries")),
        Section("Comparisons", tables=compared),
        *_drawn("How many numbers it takes", read["dims"], charts=dim_charts(run), tables=named("dims")),
        *_drawn("Where identity stands", read["columns"], charts=_shown(columns), tables=named("columns")),
        *_drawn("How alike both domains are arranged", read["cka"], charts=_shown(cka), tables=named("cka")),
        *_drawn("Has the prefix collapsed", read["collapse"], charts=_shown(collapse), tables=named("collapse")),
        *_drawn("What can be read from the vectors", read["probes"], charts=probe_charts(run), tables=named("probes")),
        *_drawn("In other galleries", read["galleries"], charts=(gallery_chart(run),), tables=()),
        *_drawn("Is there a partner at all", read["open-set"], charts=_shown(open_set), tables=named("open-set")),
        Section("Notes", bullets=results.notes),
        Section("Methods", bullets=tuple(f"{name}: {meaning}" for name, meaning in results.meanings.items())),
        Section("Seconds of each step", tables=_seconds(run), folded=True),
        Section("Settings", tables=two_columns("setting", flat(results.settings)), folded=True),
        Section("Versions and machine", tables=two_columns("what", flat(_environment(run))), folded=True),
    )
    return Report(
        title=results.run_name,
        subtitle=_subtitle(run),
        verdict=results.purpose or headline(run),
        facts=_facts(run),
        sections=tuple(section for section in sections if not section.empty),
    )


_SHARED_STRINGS = (
    "both texts share strings, such as names and numbers, which need no understanding; `matryo audit` shows how far."
)
_WINS = {
    "co-occurrence": "it counts in the training pairs which words of one domain stand beside which of the other. Where "
    "an attribute is said in a few fixed ways, as in texts made by templates, the training pairs hold them all, and "
    "counting needs no more; words that no training pair holds are lost to it.",
    "TF-IDF": _SHARED_STRINGS,
    "BM25": _SHARED_STRINGS,
    "character n-grams": _SHARED_STRINGS,
    "head": "it is trained on the same pairs, at once and on all numbers of the untrained model, which hold enough.",
}
"""Baseline -> what it means that it finds more than what was trained."""


def identity_summary(run: IdentityRun, width: int = 120) -> str:
    """The main tables, what is sure, and the verdicts, for a terminal.

    Args:
        run: as stored.
        width: columns of the screen.
    """
    tables = [one.table for one in (*main_tables(run), *comparison_tables(run))]
    said = [*([run.results.purpose] if run.results.purpose else []), f"{headline(run)}.", *verdict_lines(run)]
    notes = [f"note: {note}" for note in run.results.notes]
    lines = ["\n".join(wrapped(one, width) for one in part) for part in (said, notes) if part]
    return "\n\n".join([*(console(table, width) for table in tables), *lines])


def _how_to_read(run: IdentityRun) -> dict[str, tuple[str, ...]]:
    """What stands above the figures of each section."""
    k, width = run.results.prefix_dim, run.results.width
    where = f"hit@1, both directions, gallery: {run.told(run.gallery)}."
    return {
        "galleries": (f"hit@1 by the first {k} numbers, both directions together.",),
        "dims": (
            f"{where} Shuffled: the same numbers in another order, the same one for both domains. A curve that bends "
            f"at {k} where the shuffled one does not shows that the training put something there.",
        ),
        "columns": (
            f"{where} The first {k} numbers, the other {width - k}, and {k} random ones (mean of several draws).",
        ),
        "cka": (
            "Above the grey band, rows of one entity are arranged more alike than rows paired at random. The biased "
            "value rises with the dim for unrelated data too, which is why it decides nothing here.",
        ),
        "collapse": (
            f"Of the first {k} numbers in each domain. Vectors that have met in one point have a trace near 0 and a "
            "mean cosine near 1; vectors that lie on a few directions only have a low effective rank.",
        ),
        "probes": (
            "Fresh classifiers, fitted on entities that are neither trained on nor scored. What a probe finds is "
            "there; what it does not find may still be there.",
        ),
        "open-set": ("Whether the best score tells if a partner is there at all; 0.5 = not at all.",),
    }


def headline(run: IdentityRun) -> str:
    """What the main method reaches beside the best baseline, and whether that difference is sure."""
    name, best = run.main_method, run.results.best_baseline
    own, other = run.score(name), run.score(best) if best else None
    assert own is not None  # our own logic: a method has scores in the gallery that decides
    told = (
        f"By {run.results.prefix_dim} of {run.results.width} numbers, {name} finds the partner first among "
        f"{count(own.size)} for a share of {number(own.value)} of the queries"
    )
    one = run.comparison(f"{name} - {best}")
    if other is None or one is None:
        return told
    how = "better" if one.difference > 0 else "worse"
    sure = how if one.deciding_p < LEVEL else f"{how}, but not for sure"
    return (
        f"{told}; {best}, the best baseline, for {number(other.value)}: {sure} "
        f"({signed(one.difference)}, corrected p = {p_value(one.deciding_p)})"
    )


def verdict_lines(run: IdentityRun) -> tuple[str, ...]:
    """One line per claim: what the numbers say, and why."""
    return tuple(f"{one.claim}: {one.outcome}. {one.evidence}" for one in run.results.verdicts)


def _verdict_text(run: IdentityRun) -> tuple[str, ...]:
    """The headline where a purpose took its place, and what it means that a baseline finds more."""
    name, best = run.main_method, run.results.best_baseline
    one = run.comparison(f"{name} - {best}")
    lost = one is not None and one.difference < 0
    return (
        *((f"{headline(run)}.",) if run.results.purpose else ()),
        *((f"Why {best} finds more than {name}: {_WINS[best]}",) if lost and best in _WINS else ()),
    )


def _subtitle(run: IdentityRun) -> str:
    results = run.results
    model = results.settings.get("model")
    about = [f"data: {results.dataset}, {results.domains[0]} and {results.domains[1]}"]
    about += [f"model: {model['name']}"] if isinstance(model, dict) and "name" in model else []
    return " · ".join([*about, f"seeds: {', '.join(map(str, results.seeds))}", results.timestamp])


def _facts(run: IdentityRun) -> tuple[Fact, ...]:
    own = run.score(run.main_method)
    assert own is not None  # our own logic, as above
    between = number_range(own.low, own.high)
    found = [Fact(number(own.value), f"hit@1 of {run.main_method}" + (f", {between}" if between else ""))]
    shown = [run.results.best_baseline, *(n for n in run.systems if run.results.systems[n] == "ceiling")]
    for name in shown:
        one = run.score(name) if name else None
        if one:
            found.append(Fact(number(one.value), f"{name}, {_place(run, name)}"))
    found.append(Fact(count(own.n), f"queries, both directions, {count(own.size)} to choose from"))
    found.append(Fact(count(len(run.results.seeds)), "seeds, one training of each method per seed"))
    return tuple(found)


def _place(run: IdentityRun, name: str) -> str:
    return "the best baseline" if name == run.results.best_baseline else "a ceiling"


def _drawn(
    title: str, text: tuple[str, ...], *, charts: tuple[Plot, ...], tables: tuple[Table, ...]
) -> tuple[Section, ...]:
    """A section of figures and tables; none if there are neither."""
    return (Section(title, text, charts=charts, tables=tables),) if charts or tables else ()


def _shown(chart: Plot | None) -> tuple[Plot, ...]:
    return () if chart is None else (chart,)


def _seconds(run: IdentityRun) -> tuple[Table, ...]:
    taken = run.results.seconds
    if not taken:
        return ()
    rows: list[Sequence[str]] = [[step, seconds(value)] for step, value in taken.items()]
    return (Table.of("", ["step", "seconds"], [*rows, ["all of them", seconds(_total(taken.values()))]]),)


def _total(values: Iterable[float]) -> float:
    return float(sum(values))


def _environment(run: IdentityRun) -> dict[str, object]:
    return {"machine": dict(run.results.machine), "versions": dict(run.results.versions)}
