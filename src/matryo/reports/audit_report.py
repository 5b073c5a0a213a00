"""A leak audit as tables: for the console, as Markdown, as one page."""

from collections.abc import Sequence
from pathlib import Path

from matryo.evaluation.leak_audit import GIVEN, LeakAudit
from matryo.evaluation.leak_rows import LeakRow
from matryo.evaluation.leak_verdict import LeakVerdict
from matryo.reports.document import Fact, Report, Section
from matryo.reports.files import write_report
from matryo.reports.formats import count, number, number_range, percent, signed, signed_range
from matryo.reports.table import Cell, Table, console, wrapped

NOTHING = "no leak was found"


def audit_tables(audit: LeakAudit) -> list[Table]:
    """What was measured: systems for each form of the texts, copied labels, repeated texts."""
    forms = dict.fromkeys(row.texts for row in audit.rows)
    tables = [_systems(audit, form, [row for row in audit.rows if row.texts == form]) for form in forms]
    if audit.labels:
        tables.append(_labels(audit))
    return [*tables, _repeats(audit)]


def audit_console(audit: LeakAudit, width: int = 120) -> str:
    """Tables and verdicts for a terminal.

    Args:
        audit: what was found.
        width: columns of the screen.
    """
    tables = [console(table, width) for table in audit_tables(audit)]
    found = "\n".join(wrapped(line, width) for line in verdict_lines(audit))
    return "\n\n".join([*tables, found, wrapped(headline(audit), width)])


def verdict_lines(audit: LeakAudit) -> tuple[str, ...]:
    """One sentence for everything that was looked for; a leak opens with the word."""
    return tuple(f"{'LEAK, ' if one.leak else ''}{_named(one)}: {one.says}" for one in audit.verdicts)


def headline(audit: LeakAudit) -> str:
    """What was found, in one line: the leaks, then what a method must beat."""
    found = "; ".join(map(_named, audit.leaks)) or NOTHING
    beat = "; ".join(_named(one) for one in audit.verdicts if one.check == "must beat")
    return f"{audit.name}: {found}; {beat}"


def audit_report(audit: LeakAudit) -> Report:
    """The audit as a report."""
    facts = (
        Fact(count(audit.n_pairs), "pairs"),
        Fact(count(len(audit.leaks)), "leaks found"),
        Fact(number(max(row.mrr.value for row in audit.rows if row.texts == GIVEN)), "MRR to beat"),
    )
    looked_for = Section("What was looked for", findings=verdict_lines(audit))
    measured = Section("How far one gets without understanding", tables=tuple(audit_tables(audit)), bullets=audit.notes)
    return Report(f"Leak audit of {audit.name}", _subtitle(audit), headline(audit), facts, (looked_for, measured))


def write_audit_reports(audit: LeakAudit, folder: Path) -> list[Path]:
    """Write audit.md and audit.html; what is there is replaced."""
    return write_report(audit_report(audit), folder, "audit")


def _subtitle(audit: LeakAudit) -> str:
    (n_a, n_b), (a, b) = audit.n_texts, audit.domains
    return f"{count(n_a)} texts of {a}, {count(n_b)} of {b}, {count(audit.n_pairs)} entities in both, seed {audit.seed}"


def _systems(audit: LeakAudit, form: str, rows: Sequence[LeakRow]) -> Table:
    best = max(rows, key=lambda row: row.mrr.value)
    changed = best.change is not None
    heads = [
        "system",
        "hit@1",
        "MRR",
        *(["change"] if changed else []),
        "a->b hit@1",
        "a->b MRR",
        "b->a hit@1",
        "b->a MRR",
    ]
    body: list[list[str | Cell]] = []
    for row in rows:
        cells: list[str | Cell] = [
            Cell(row.system, strong=row is best),
            number(row.hit.value),
            Cell(number(row.mrr.value), number_range(row.mrr.low, row.mrr.high)),
        ]
        if row.change is not None:
            cells.append(Cell(signed(row.change.value), signed_range(row.change.low, row.change.high)))
        cells += [number(value) for one in row.directions for value in (one.hit, one.mrr)]
        body.append(cells)
    few = ", few groups: no interval is to be trusted much" if best.mrr.few_groups else ""
    sizes = "; ".join(f"{one.name}: {count(one.n)} queries, {count(one.gallery)} texts" for one in best.directions)
    notes = [
        f"a is {audit.domains[0]}, b is {audit.domains[1]}; {sizes} to choose from; 95 % intervals over "
        f"{count(best.mrr.n_groups)} groups of entities{few}"
    ]
    return Table.of(f"{audit.name}, {form}", heads, body, notes)


def _labels(audit: LeakAudit) -> Table:
    a, b = audit.domains
    heads = ["label", "pairs", f"in {a}", f"in {b}", "in both", "in a wrong pair"]
    body = [
        [one.label, count(one.n), percent(one.in_a), percent(one.in_b), percent(one.in_both), percent(one.in_wrong)]
        for one in audit.labels
    ]
    return Table.of("Share of pairs whose label stands word for word in the texts", heads, body)


def _repeats(audit: LeakAudit) -> Table:
    found = audit.repeats
    body = [["pairs of two equal texts", count(found.equal_pairs), count(found.n_pairs)]]
    for domain, n, repeats in zip(audit.domains, found.n_texts, found.repeats, strict=True):
        body.append([f"{domain}: texts equal to another entity's", count(repeats), count(n)])
    if found.parts:
        for domain, n, ids, texts in zip(
            audit.domains, found.n_texts, found.ids_across, found.texts_across, strict=True
        ):
            body.append([f"{domain}: ids that stand in {' or '.join(found.parts)} too", count(ids), count(n)])
            body.append([f"{domain}: texts that stand in {' or '.join(found.parts)} too", count(texts), count(n)])
    return Table.of("Texts and ids that occur more than once", ["what", "n", "of"], body)


def _named(one: LeakVerdict) -> str:
    return one.name if one.texts in ("", GIVEN) else f"{one.texts}: {one.name}"
