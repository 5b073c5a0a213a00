from dataclasses import replace

from matryo.evaluation.results import RunResults
from matryo.reports.curve_report import curve_report
from matryo.reports.document import Report, Section
from matryo.reports.markdown import report_markdown


def test_it_says_what_the_page_says(results: RunResults) -> None:
    text = report_markdown(curve_report(results))
    assert text.startswith("# demo\n\n**With head + rotation, 96 of 384 numbers keep 99.2 %")
    for wanted in ("## What is kept", "| nested head |", "(curve.png)", "(curve-2.png)", "## Settings", "matryo curve"):
        assert wanted in text
    assert "nested head - head + rotation: worse at 64" in text


def test_every_table_row_has_as_many_fields_as_its_head(results: RunResults) -> None:
    text = report_markdown(curve_report(replace(results, settings={"a|b": "c|d"})))
    width = None
    for line in text.splitlines():
        fields = line.replace(r"\|", "").count("|") if line.startswith("|") else None
        assert width is None or fields is None or fields == width
        width = fields


def test_names_are_escaped(results: RunResults) -> None:
    text = report_markdown(curve_report(replace(results, run_name="<b>_x_", notes=("![a](http://b) `c`\n# d",))))
    assert text.startswith("# \\<b\\>\\_x\\_")
    assert "- !\\[a\\](http://b) \\`c\\` \\# d" in text


def test_commands_cannot_leave_their_fence() -> None:
    text = report_markdown(Report("t", "", "v", (), (Section("s", commands=("a ```", "b\n````")),)))
    assert "`````sh\na ```\nb ````\n`````" in text
