"""What a plan says: its table, its plot, its files and the command that follows."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.evaluation.environment import machine
from matryo.experiments.index_candidates import Candidate
from matryo.files import atomic_path, write_json, write_text
from matryo.reports.figures import png, svg_file
from matryo.reports.formats import count
from matryo.reports.pareto import ParetoChart, ParetoPoint, frontier
from matryo.reports.table import Cell, Column, Table, console, markdown, markdown_text, wrapped

_FORMAT = 1
_PLOT = "pareto"
_WIDTH = 120


@dataclass(frozen=True)
class Plan:
    """A finished plan.

    Attributes:
        set_folder: what was planned for.
        n_rows: its rows.
        width: its numbers per row.
        k: hits per query.
        n_queries: queries, half of which verify.
        source: where they are from.
        limits: recall, max_bytes, max_latency_ms.
        candidates: all that were measured.
        chosen: the one that is recommended, if any.
        verdict: one sentence.
        notes: what a reader must know.
        queries: path of the queries, "" if rows stood in.
    """

    set_folder: str
    n_rows: int
    width: int
    k: int
    n_queries: int
    source: str
    limits: Mapping[str, float | None]
    candidates: tuple[Candidate, ...]
    chosen: Candidate | None
    verdict: str
    notes: tuple[str, ...]
    queries: str

    def best(self) -> list[Candidate]:
        """Candidates that none beats in bytes in memory and time at once, by rising bytes."""
        costs, speeds = [c.bytes_per_vector for c in self.candidates], [-c.p50_ms for c in self.candidates]
        return [self.candidates[i] for i in frontier(costs, speeds)]

    def command(self, index: Path) -> str:
        """The command that builds what is recommended; "" if nothing is."""
        if self.chosen is None:
            return ""
        one = self.chosen.settings
        words = ["matryo", "index", "build", self.set_folder, str(index), "--kind", one.kind]
        if one.dims is not None:
            words += ["--dims", ",".join(map(str, one.dims))]
        if one.kind != "flat":
            words += ["--bits", str(one.bits)]
        if one.shortlist is not None:
            words += ["--shortlist", str(one.shortlist)]
        if one.recall is not None:
            words += ["--recall", f"{one.recall:g}", *(["--queries", self.queries] if self.queries else [])]
        words += ["-k", str(self.k)] if one.recall is not None and self.k != 10 else []
        return shlex.join(words)

    def table(self, *, whole: bool) -> Table:
        """The candidates; unless `whole`, only those on the frontier, flat search and the recommended one."""
        best = self.best()
        flat = [c for c in self.candidates if c.kind == "flat"]
        shown = [c for c in self.candidates if whole or c in best or c in flat or c is self.chosen]
        shown.sort(key=lambda one: (one.bytes_per_vector, one.p50_ms))
        columns = ["index", "bytes/vector", "shortlist", "KiB read/query", f"recall@{self.k}", "p50 ms", "p99 ms"]
        title = "Every candidate" if whole else "Cheapest in memory and time"
        notes = (
            f"shortlists chosen on {self.n_queries // 2:,} queries; recall on the other "
            f"{self.n_queries - self.n_queries // 2:,}, each end of its range with 95 % confidence",
            "* recommended" if self.chosen and not whole else "",
        )
        return Table.of(
            title,
            [Column(name, "right" if at else "left") for at, name in enumerate([*columns, "batch queries/s"])],
            [self._row(one) for one in shown],
            [note for note in notes if note],
        )

    def _row(self, one: Candidate) -> list[Cell | str]:
        low, high = one.recall_low, one.recall_high
        return [
            Cell(one.name, strong=one is self.chosen),
            count(one.bytes_per_vector),
            " > ".join(f"{size:,}" for size in one.sizes) or "-",
            count(one.bytes_read / 1024),
            Cell(f"{one.recall:.4f}", f"{low:.4f} to {high:.4f}" if one.sizes else "exact"),
            f"{one.p50_ms:.2f}",
            f"{one.p99_ms:.2f}",
            count(one.batch_per_s),
        ]

    def chart(self) -> ParetoChart:
        """Speed over bytes per vector."""
        points = tuple(
            ParetoPoint(
                one.name, one.kind, one.recall, one.recall_low, one.recall_high, one.bytes_per_vector,
                1e3 / one.p50_ms, one is self.chosen,
            )
            for one in self.candidates
        )  # fmt: skip
        return ParetoChart(Path(self.set_folder).name, f"Recall@{self.k}", points, name=_PLOT, up="speed")

    def to_json(self, index: Path) -> dict[str, Any]:
        """Everything as JSON values."""
        return {
            **vars(self),
            "format": _FORMAT,
            "limits": dict(self.limits),
            "candidates": [one.to_json() for one in self.candidates],
            "chosen": None if self.chosen is None else self.chosen.to_json(),
            "command": self.command(index),
            "machine": machine(),
        }


def write_plan(plan: Plan, out: Path) -> None:
    """Write pareto.png, pareto.svg, plan.md and, last, plan.json."""
    chart = plan.chart()
    with atomic_path(out / f"{_PLOT}.png") as temporary:
        temporary.write_bytes(png(chart))
    write_text(out / f"{_PLOT}.svg", svg_file(chart))
    write_text(out / "plan.md", _markdown(plan, out))
    write_json(out / "plan.json", plan.to_json(out / "index"))


def printed(plan: Plan, out: Path) -> str:
    """The plan for a terminal: table, notes, recommendation, command, where the rest is."""
    lines = [console(plan.table(whole=False), _WIDTH), ""]
    lines += [wrapped(f"note: {note}", _WIDTH) for note in plan.notes]
    lines += [wrapped(f"{plan.verdict}.", _WIDTH)]
    if command := plan.command(out / "index"):
        lines += [f"  {command}"]
    return "\n".join([*lines, f"every candidate: {out / 'plan.md'}, plot: {out / _PLOT}.png"])


def _markdown(plan: Plan, out: Path) -> str:
    host = machine()
    parts = [
        f"# An index for {markdown_text(plan.set_folder)}",
        f"**{markdown_text(plan.verdict)}.**",
        f"{plan.n_rows:,} rows of {plan.width} numbers; {plan.n_queries:,} queries from "
        f"{markdown_text(plan.source)}; times with all threads of {markdown_text(str(host['cpu']))}, "
        f"{host['cores']} cores, without encoding the query.",
    ]
    if command := plan.command(out / "index"):
        parts.append(f"```sh\n{command}\n```")
    parts += [f"![{markdown_text(plan.chart().description())}]({_PLOT}.png)"]
    parts += [markdown(plan.table(whole=False)), markdown(plan.table(whole=True))]
    parts += ["\n".join(f"- {markdown_text(note)}" for note in plan.notes)] if plan.notes else []
    return "\n\n".join(parts) + "\n"
