from collections.abc import Callable
from dataclasses import replace

from matryo.evaluation.results import ExtraTable, RunResults
from matryo.reports.curve_report import chart, curve_report, extra_table
from matryo.reports.panels import panels


def test_the_report_has_every_part_in_reading_order(results: RunResults) -> None:
    report = curve_report(results)
    assert [section.title for section in report.sections] == [
        "MRR@10 on stdlib",
        "What is kept",
        "What makes the difference",
        "MRR@10 on stdlib, names masked",
        "Each seed",
        "Further tables",
        "Notes",
        "How to read this",
        "The same with your model and your texts",
        "Seconds of each step",
        "Settings",
        "Versions and machine",
    ]
    assert len(report.charts()) == 2
    assert report.subtitle == "data: stdlib; stdlib, names masked · model: minilm · 2025-01-31T12:00:00Z · device: cpu"


def test_empty_parts_are_left_out(only_map: Callable[[str], RunResults]) -> None:
    report = curve_report(replace(only_map("none"), settings={}))
    titles = [section.title for section in report.sections]
    assert titles == [
        "MRR@10 on stdlib",
        "How to read this",
        "The same with your model and your texts",
        "Versions and machine",
    ]


def test_a_run_without_scores_says_so(results: RunResults) -> None:
    report = curve_report(replace(results, scores=()))
    assert report.verdict == "This run holds no scores" and report.charts() == []


def test_a_second_measure_is_folded(results: RunResults) -> None:
    other = tuple(replace(score, measure="nDCG@10") for score in results.scores if score.dataset == "stdlib")
    sections = curve_report(replace(results, scores=results.scores + other)).sections
    assert {section.title: section.folded for section in sections}["nDCG@10 on stdlib"]
    assert not {section.title: section.folded for section in sections}["MRR@10 on stdlib, names masked"]


def test_the_chart_has_a_line_per_map_and_a_floor(results: RunResults) -> None:
    drawn = chart(panels(results)[0])
    assert drawn is not None
    assert drawn.lines[0].label == "plain cut" and len(drawn.lines) == 5
    assert [(floor.label, floor.value) for floor in drawn.floors] == [("BM25 (floor)", 0.412)]


def test_settings_and_machine_are_flat_tables(results: RunResults) -> None:
    sections = {section.title: section for section in curve_report(results).sections}
    settings = [[cell.text for cell in row] for row in sections["Settings"].tables[0].rows]
    assert ["encoder.precision", "bf16"] in settings and ["dims", "32, 64, 96, 192, 384"] in settings
    around = [[cell.text for cell in row] for row in sections["Versions and machine"].tables[0].rows]
    assert (
        ["CUDA available", "no"] in around and ["versions.torch", "2.13.0"] in around and ["seeds", "0, 1, 2"] in around
    )
    taken = [[cell.text for cell in row] for row in sections["Seconds of each step"].tables[0].rows]
    assert taken == [["encode", "38.2"], ["rotation", "0.031"], ["nested head, one seed", "1.6"]]


def test_an_extra_table_shortens_numbers_and_dashes_what_is_missing() -> None:
    table = extra_table(ExtraTable("x", "t", ("a", "b", "c"), (("r", 1536, 0.123456), ("s", None, None)), ("note",)))
    assert [[cell.text for cell in row] for row in table.rows] == [["r", "1,536", "0.1235"], ["s", "-", "-"]]
    assert [column.align for column in table.columns] == ["left", "right", "right"] and table.notes == ("note",)
