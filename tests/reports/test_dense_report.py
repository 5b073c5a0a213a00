from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.dense_report import dense_report, findings, headline, is_dense_retrieval, measure_tables
from matryo.reports.document import Report
from matryo.reports.html import report_html
from matryo.reports.markdown import report_markdown
from matryo.reports.panels import panels
from matryo.reports.training_log import read_courses

PURPOSE = "A pipeline check, no quality claim."


@pytest.fixture
def checked(dense_results: RunResults) -> RunResults:
    """The same run, made to see whether everything works."""
    return replace(dense_results, settings={**dense_results.settings, "purpose": PURPOSE})


def titles(report: Report) -> list[str]:
    return [section.title for section in report.sections]


def test_only_runs_of_that_kind_are_reported_so(results: RunResults, dense_results: RunResults) -> None:
    assert is_dense_retrieval(dense_results) and not is_dense_retrieval(results)


def test_the_answer_opens_the_report_and_everything_else_follows_in_order(
    dense_results: RunResults, write_logs: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    report = dense_report(dense_results, read_courses(write_logs(tmp_path, 8)))
    assert report.verdict.startswith("At 96 of 384 numbers, there is no significant difference between matryoshka and")
    assert report.facts[0].value == "+0.003"
    assert titles(report) == [
        "Differences at every dim",
        "Every seed",
        "MRR@10 on stdlib",
        "All measures",
        "Training of dense_baseline",
        "Training of matryoshka",
        "recall@50 on stdlib",
        "Time",
        "Each seed of everything",
        "Further tables",
        "Notes",
        "How to read this",
        "The same with your model and your texts",
        "Seconds of each step",
        "Settings",
        "Versions and machine",
    ]
    assert [chart.name for chart in report.charts()] == [
        "differences",
        "curve",
        "training-dense_baseline-loss",
        "training-dense_baseline-validation",
        "training-matryoshka-loss",
        "training-matryoshka-validation",
    ]


def test_a_run_with_a_purpose_claims_nothing(checked: RunResults) -> None:
    report = dense_report(checked)
    assert report.verdict == PURPOSE and report.facts == ()
    assert titles(report)[:3] == ["All measures", "MRR@10 on stdlib", "Every seed"]
    sections = {section.title: section for section in report.sections}
    assert sections["Differences at every dim"].folded
    assert all(section.findings == () for section in report.sections)
    for text in (report_markdown(report), report_html(report)):
        claims = ("better at", "is better", "is worse", "significant", "can be excluded", "numbers keep")
        assert [word for word in claims if word in text] == []
    assert report_markdown(report).startswith(f"# stdlib\n\n**{PURPOSE}**")


def test_findings_name_full_widths_and_every_pair(dense_results: RunResults) -> None:
    report = dense_report(dense_results)
    found = report.sections[0].findings
    assert found[1:] == findings(panels(dense_results)[0], None)
    assert found[0].startswith("At the full width, 384 numbers, there is no significant difference")
    assert found[1] == (
        "matryoshka vs dense_baseline + rotation: better at 32, 64; no significant difference at 96, 192, 384."
    )


def test_every_seed_of_the_arms_is_shown_and_no_other(dense_results: RunResults) -> None:
    section = {section.title: section for section in dense_report(dense_results).sections}["Every seed"]
    names = [row[0].text for row in section.tables[0].rows]
    assert len(names) == 12 and "matryoshka, seed 2" in names and not any("minilm" in name for name in names)
    assert section.tables[0].columns[0].name == "model and map"


def test_one_seed_is_warned_of_and_not_listed(dense_results: RunResults) -> None:
    scores = tuple(replace(s, n_seeds=1) if s.n_seeds else s for s in dense_results.scores if s.seed in (None, 0))
    report = dense_report(replace(dense_results, scores=scores, seeds=(0,)))
    assert not {"Every seed", "Each seed of everything"} & set(titles(report))
    assert any("what another seed would change" in paragraph for paragraph in report.sections[0].text)
    assert any("One seed, so that" in note for s in report.sections for table in s.tables for note in table.notes)


def test_all_measures_stand_side_by_side_with_equal_digits(dense_results: RunResults) -> None:
    baseline, arms = measure_tables(dense_results)
    assert [[cell.text for cell in row] for row in baseline.rows] == [["BM25", "0.4120"], ["minilm", "0.4950"]]
    assert [cell.text for cell in arms.rows[0]] == ["dense_baseline", "384", "0.5460", "0.05", "7,120,896"]


def test_arms_and_control_are_explained_and_commands_name_the_run(dense_results: RunResults) -> None:
    sections = {section.title: section for section in dense_report(dense_results).sections}
    said = sections["How to read this"].bullets
    assert "matryoshka: trained at all dims at once" in said and said[0].startswith(
        "dense_baseline + rotation: the control"
    )
    lines = sections["The same with your model and your texts"].commands
    assert "matryo run runs/stdlib/config.yaml" in lines
    assert "matryo export runs/stdlib/models/matryoshka small-model --dim 96" in lines
    assert all("\n" not in line for line in lines)


def test_without_a_question_the_report_says_what_was_measured(dense_results: RunResults) -> None:
    alone = replace(dense_results, settings={**dense_results.settings, "control": None}, differences=())
    assert headline(alone, panels(alone)[0]).startswith("MRR@10 on stdlib: ")
    report = dense_report(alone)
    assert "nesting" not in report.verdict and "curve" in [chart.name for chart in report.charts()]


def test_a_run_without_scores_says_so(dense_results: RunResults, checked: RunResults) -> None:
    empty = dense_report(replace(dense_results, scores=(), differences=()))
    assert empty.verdict == "This run holds no scores" and empty.charts() == []
    assert dense_report(replace(checked, scores=(), differences=())).verdict == PURPOSE


def test_names_are_only_text(dense_results: RunResults) -> None:
    name = "<script>&$"
    scores = tuple(replace(s, model=name) if s.model == "matryoshka" else s for s in dense_results.scores)
    page = report_html(dense_report(replace(dense_results, scores=scores)))
    assert "<script" not in page and "&lt;script&gt;" in page


def test_indexes_are_drawn_beside_their_tables(dense_results: RunResults) -> None:
    columns = ("Index", "Kind", "Dim", "Bits", "Recall@10", "Recall@10 low", "Recall@10 high", "Bytes per vector")
    rows = (
        ("exact 384", "exact", 384, 32, 1.0, 1.0, 1.0, 1536.0),
        ("int8@96", "quantized", 96, 8, 0.9, 0.8, 1.0, 100.0),
    )
    stored = ExtraTable("indexes", "Indexes", columns, rows, ("a note",))
    report = dense_report(replace(dense_results, tables=(*dense_results.tables, stored)))
    section = next(section for section in report.sections if section.title == "Approximate search")
    assert [chart.name for chart in section.charts] == ["indexes"] and len(section.tables) == 1
    further = [table for section in report.sections if section.title == "Further tables" for table in section.tables]
    assert "Indexes" not in {table.title for table in further}
    assert "](indexes.png)" in report_markdown(report)
    assert "Recall@10 (stretched towards 1)" in report_html(report)
