"""The report of a probe: verdict first, the table beside it, everything from stored files alone."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from matryo.encoders.certificate import Certificate, ProbedTexts, Quality, write_certificate
from matryo.errors import FormatError
from matryo.evaluation.geometry_result import Geometry, GeometryPoint
from matryo.evaluation.queries import Queries
from matryo.evaluation.results import ExtraTable, RunResults
from matryo.evaluation.score import Score
from matryo.reports.probe_report import is_probe, probe_report, probe_summary, write_probe_reports
from matryo.reports.probe_tables import dims_table, geometry_table, neighbours_chart, quality_chart
from matryo.reports.probe_verdict import may_be_cut, probe_facts, shown_at, smallest, was_trained
from matryo.space import Space

GEOMETRY = Geometry(
    8, 90, 100, 50, 10, 0,
    tuple(GeometryPoint(d, d / 8, d / 8, d / 8, 0.9, d / 10, 0.1, 0.01, 0.2, 0.7) for d in (2, 4, 8)),
    True, "The first numbers find more.", None, "Too few texts.", (4,), ("...",),
)  # fmt: skip
POINTS = tuple(
    {
        "dim": dim, "value": value, "low": value - 0.01, "high": value + 0.01, "share": value / 0.5,
        "share_low": value / 0.5 - 0.02, "share_high": value / 0.5 + 0.02, "random": 0.1, "suffix": 0.2, "pca": None,
    }
    for dim, value in ((2, 0.25), (4, 0.49), (8, 0.5))
)  # fmt: skip
QUALITY = Quality("nDCG@10", 120, 7, "cran", POINTS, {"0.99": 8, "0.98": 8, "0.95": 4}, 0.02, False, "as any others")
WHOLE = Certificate(
    "model<1>", Space("w", 8), ProbedTexts("cran", "d", 100), "2026-11-21", "0.1.0", (2, 4, 8), GEOMETRY.to_json(),
    QUALITY, ("Keep 4 numbers.",),
)  # fmt: skip
BARE = replace(WHOLE, quality=None)


def scores() -> tuple[Score, ...]:
    found = []
    for name, dims in (("none", (2, 4, 8)), ("random dims", (2, 4)), ("suffix", (2, 4)), ("rotation", (2, 4))):
        found += [Score("cran", "m", name, d, "nDCG@10", d / 10, d / 10 - 0.1, d / 10 + 0.1, 120) for d in dims]
    return tuple(found)


RESULTS = RunResults(
    "probe", "cran", "cpu", None, scores(), settings={"share": 0.95}, seconds={"geometry": 1.5},
    notes=("a note",), queries={"cran": Queries(tuple(map(str, range(120))))},
)  # fmt: skip


def test_the_verdict_says_how_far_and_how_surely() -> None:
    said = may_be_cut(WHOLE, 0.95)
    assert said.startswith("Yes: model<1> may be cut to 4 of 8 numbers")
    assert "98.0 % [96.0" in said and "nDCG@10 on cran (120 queries in 7 groups)" in said and "95 % was asked" in said


def test_the_verdict_says_no_with_the_widest_dim_that_failed() -> None:
    said = may_be_cut(WHOLE, 0.99)
    assert said.startswith("No: no dim of model<1> below 8 was shown to keep 99 %")
    assert "4 numbers keep 98.0 %" in said


def test_without_judgements_nothing_is_decided() -> None:
    assert may_be_cut(BARE, 0.95).startswith("Not decided")
    assert [fact.value for fact in probe_facts(BARE, 0.95)] == ["yes", "not decided", "100", "8"]
    titles = [section.title for section in probe_report(BARE, replace(RESULTS, scores=())).sections]
    assert titles[:2] == ["What to do", "Geometry, without judgements"]


def test_smallest_and_shown() -> None:
    assert [smallest(QUALITY, share, 8) for share in (0.95, 0.99, 0.5)] == [4, 8, 8]
    assert [shown_at(QUALITY, dim, 8) for dim in (2, 4, 8)] == ["-", "95 %", "all"]


@pytest.mark.parametrize(("trained", "word"), [(True, "yes"), (False, "no"), (None, "not decided")])
def test_trained_is_said_with_its_reason(trained: bool | None, word: str) -> None:
    assert was_trained(replace(QUALITY, trained=trained)) == f"Made to be cut: {word}; as any others."


def test_the_table_has_a_row_per_dim_and_marks_the_recommended_one() -> None:
    table = dims_table(WHOLE, 0.95)
    assert [row[0].text for row in table.rows] == ["2", "4", "8"]
    assert [row[0].strong for row in table.rows] == [False, True, False]
    cells = dict(zip((column.name for column in table.columns), table.rows[1], strict=True))
    assert cells["nDCG@10"].text == "0.490" and cells["shown to keep"].text == "95 %"
    assert cells["neighbours"].text == "40.0 %" and cells["bytes"].text == "16"
    # a value that was not measured is a dash
    assert cells["PCA rotation"].text == "-"


def test_without_judgements_the_table_is_the_geometry() -> None:
    table = dims_table(BARE, 0.95)
    assert table.rows == geometry_table(GEOMETRY).rows
    assert [cell.text for cell in table.rows[0]] == [
        "2",
        "20.0 %",
        "10.0 %",
        "20.0 %",
        "70.0 %",
        "25.0 %",
        "90.0 %",
        "8",
    ]


def test_every_curve_of_the_plot_ends_at_the_full_width() -> None:
    chart = quality_chart(RESULTS)
    assert chart is not None
    assert [line.label for line in chart.lines] == ["prefix", "random dims", "suffix", "PCA rotation"]
    assert {line.x[-1] for line in chart.lines} == {8} and {line.values[-1] for line in chart.lines} == {0.8}
    assert all(math.isfinite(low) for line in chart.lines for low in line.lows)
    assert [line.emphasis for line in chart.lines] == ["strong", "normal", "normal", "normal"]
    assert quality_chart(replace(RESULTS, scores=())) is None


def test_the_plot_of_neighbours_has_every_choice() -> None:
    chart = neighbours_chart(GEOMETRY, "cran")
    assert [(line.label, line.values[0]) for line in chart.lines] == [
        ("prefix", 0.2), ("random dims", 0.1), ("suffix", 0.2), ("PCA order", 0.7),
    ]  # fmt: skip


def test_the_terminal_gets_the_verdict_first_then_table_and_advice() -> None:
    text = probe_summary(WHOLE, RESULTS)
    places = [
        text.index(part) for part in ("May I cut it? Yes", "Made to be cut: no", "dims kept", "What to do", "note:")
    ]
    assert places == sorted(places) and places[0] == 0
    assert "- Keep 4 numbers." in text
    assert all(len(line) <= 80 for line in probe_summary(BARE, replace(RESULTS, scores=()), 80).splitlines())


def test_the_page_answers_the_question_of_its_title() -> None:
    report = probe_report(WHOLE, replace(RESULTS, tables=(ExtraTable("fix", "Before and after", ("Dim",), ((2,),)),)))
    assert report.title == "May model<1> be cut?" and report.verdict.startswith("Yes")
    titles = [section.title for section in report.sections]
    assert titles[:5] == [
        "What to do", "By dims kept", "Made to be cut?", "Geometry, without judgements", "Before and after",
    ]  # fmt: skip
    assert len(report.charts()) == 2


def test_reports_are_written_from_the_stored_files_alone(tmp_path: Path) -> None:
    assert not is_probe(tmp_path)
    write_certificate(WHOLE, folder=tmp_path)
    without_queries = replace(RESULTS, queries={})
    without_queries.write(tmp_path)
    assert is_probe(tmp_path)
    written = write_probe_reports(tmp_path)
    assert {path.name for path in written} == {
        "report.html", "report.md", "curve.png", "curve.svg", "neighbours.png", "neighbours.svg",
    }  # fmt: skip
    page = (tmp_path / "report.html").read_text()
    assert "model&lt;1&gt;" in page and "model<1>" not in page


def test_results_of_another_run_are_refused() -> None:
    with pytest.raises(FormatError, match="the share that was asked, got None"):
        probe_summary(WHOLE, replace(RESULTS, settings={}))
