import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import ShapeError
from matryo.reports.table import Cell, Column, Table, console, latex, latex_text, markdown, printable

HOSTILE = "<script>alert(1)</script> | _a_ *b* `c` 100 % & $x$ #1 ~^\\ [l](http://h) {z}"


def test_a_row_of_another_length_is_refused() -> None:
    with pytest.raises(ShapeError, match="2 cells, its columns are 3"):
        Table.of("t", ["a", "b", "c"], [["1", "2"]])


def test_console_aligns_and_puts_details_below() -> None:
    table = Table.of("title", ["map", "96"], [["plain cut", Cell("0.5", "0.4-0.6")], ["x", "12"]], ["a note"])
    assert console(table).splitlines() == [
        "title",
        "map             96",
        "------------------",
        "plain cut      0.5",
        "           0.4-0.6",
        "x               12",
        "a note",
    ]


def test_console_stars_keep_numbers_aligned() -> None:
    lines = console(Table.of("", ["m", "d"], [["a", Cell("+0.1", strong=True)], ["b", "+0.2"]])).splitlines()
    assert lines[2:] == ["a  +0.1*", "b  +0.2"]


def test_console_goes_on_in_a_second_block_when_the_screen_is_narrow() -> None:
    table = Table.of("", ["name", *(f"column {i}" for i in range(6))], [["row", *"abcdef"]])
    text = console(table, width=40)
    assert max(map(len, text.splitlines())) <= 40
    assert text.count("name") == 2 and all(letter in text for letter in "abcdef")
    assert console(table, width=120).count("name") == 1


def test_console_counts_wide_characters_as_two_columns() -> None:
    lines = console(Table.of("", ["name", "x"], [["日本", "1"], ["ab", "2"]])).splitlines()
    assert lines[2] == "日本  1" and lines[3] == "ab    2"


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in console(Table.of("t\x1b[2J", ["a\r\nb"], [["c\x07"]], ["n\x1b"]))


def test_a_table_without_rows_still_shows_its_head() -> None:
    empty = Table.of("none", ["a", "b"], [])
    assert "a  b" in console(empty) and "| a | b |" in markdown(empty) and "a & b" in latex(empty)


def test_markdown_escapes_names_and_keeps_the_shape() -> None:
    text = markdown(Table.of(HOSTILE, [HOSTILE, "96"], [[HOSTILE, Cell("1", "0-2", strong=True)]]))
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 3
    for row in rows:
        assert row.replace(r"\|", "").count("|") == 3
    assert "\\<script\\>" in text and "<script>" not in text.replace("\\<", "")
    assert "**1** (0-2)" in text


def test_markdown_aligns_as_asked() -> None:
    text = markdown(Table.of("", ["a", "b", Column("c", "left")], [["1", "2", "3"]]))
    assert "| :-- | --: | :-- |" in text


def test_latex_escapes_everything() -> None:
    assert latex_text("a_b & 5 % #1 $x {y} ~ ^ \\") == (
        r"a\_b \& 5 \% \#1 \$x \{y\} \textasciitilde{} \textasciicircum{} \textbackslash{}"
    )
    text = latex(Table.of("t", ["m", "96"], [["[x]", Cell("1", "0–2", strong=True)]], ["50 %"]))  # noqa: RUF001
    assert r"\begin{tabular}{lr}" in text and r"{[}x]" in text and r"\textbf{1}" in text
    assert r"{\scriptsize 0--2}" in text and r"50 \%" in text
    assert text.count(r"\begin") == text.count(r"\end") == 2


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_latex_compiles(tmp_path: Path) -> None:
    body = latex(Table.of(HOSTILE, [HOSTILE, "96"], [[HOSTILE, Cell("1", "0–2")], ["[x]", "y"]], [HOSTILE]))  # noqa: RUF001
    (tmp_path / "t.tex").write_text(rf"\documentclass{{article}}\begin{{document}}{body}\end{{document}}")
    subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, capture_output=True)


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=12)), max_size=5), st.integers(10, 80))
def test_any_text_gives_one_line_per_row_and_every_cell(rows: list[tuple[str, str]], width: int) -> None:
    table = Table.of("", ["name", "value"], rows)
    lines = console(table, width).split("\n")
    assert len(lines) == 2 + len(rows)
    for line, (name, value) in zip(lines[2:], rows, strict=True):
        assert printable(name) in line and printable(value) in line + " "
    assert len([line for line in markdown(table).split("\n") if line.startswith("|")]) == 2 + len(rows)
