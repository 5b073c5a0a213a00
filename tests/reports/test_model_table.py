"""The page of measured models: the tables say what was measured, stored values come back, plots are written."""

import json
import math
from pathlib import Path

import pytest

from matryo.errors import FormatError
from matryo.reports.model_table import (
    HTML_FILE,
    MARKDOWN_FILE,
    how_measured,
    long_table,
    model_console,
    model_report,
    short_table,
    write_model_table,
)
from matryo.reports.model_table_values import (
    MODELS_FILE,
    DimSpeed,
    EncodeSpeed,
    Kept,
    KeptFrom,
    MeasuredModel,
    ModelTable,
    SearchSpeed,
)


@pytest.fixture(scope="module")
def table() -> ModelTable:
    """One model of 64 numbers: 16 keep 80 % plainly and 90 % rotated, at twice the speed."""
    speeds = (DimSpeed(16, 400.0, 60.0, 2.04, 1.5), DimSpeed(64, 200.0, 40.0, 1.0, 1.0))
    quality = (
        Kept("toy <set>", "none", 16, 0.4, 0.35, 0.45, 50, 0.8, 0.75, 0.85),
        Kept("toy <set>", "none", 64, 0.5, 0.45, 0.55, 50, 1.0, 1.0, 1.0),
        Kept("toy <set>", "rotation", 16, 0.45, math.nan, math.nan, 50, 0.9, math.nan, math.nan),
        Kept("toy <set>", "rotation", 64, 0.51, 0.46, 0.56, 50, 1.02, 0.99, 1.05),
    )
    model = MeasuredModel(
        "m",
        64,
        "space",
        EncodeSpeed(123.4, 32, 3, "cpu", "fp32", 1, None),
        SearchSpeed(1000, 300, 64, 5, 10, 3, 2, speeds),
        quality,
        (KeptFrom("toy <set>", "none", 64), KeptFrom("toy <set>", "rotation", 16)),
    )
    return ModelTable((model,), "nDCG@10", 0.9, {"seed": 0}, ("a note",))


def test_the_short_table_has_the_form_of_the_guide(table: ModelTable) -> None:
    short = short_table(table, table.models[0])
    assert [column.name for column in short.columns] == [
        "dim",
        "storage",
        "speed",
        "quality loss",
        "quality loss, rotated",
    ]
    full, small = [[cell.text for cell in row] for row in short.rows]
    assert full == ["64 (full)", "100.0 %", "1.0x", "0.0 %", "-2.0 %"]
    assert small == ["16", "25.0 %", "2.0x", "20.0 %", "10.0 %"]
    details = [cell.detail for cell in short.rows[1]]
    assert details[3] == "15.0–25.0 %" and details[4] == ""  # noqa: RUF001
    assert short.rows[0][3].detail == "" and short.rows[0][4].detail == "-5.0 to 1.0 %"


def test_the_long_table_counts_bytes(table: ModelTable) -> None:
    rows = [[cell.text for cell in row] for row in long_table(table, table.models[0]).rows]
    assert rows[0][:6] == ["64", "256", "256", "200", "40", "1.0x"]
    assert rows[1][:6] == ["16", "64", "64", "400", "60", "1.5x"]
    assert rows[1][6:8] == ["0.400", "80.0 %"]


def test_what_follows_is_said_for_each_map(table: ModelTable) -> None:
    report = model_report(table)
    assert report.verdict == "Numbers shown to keep 90.0 % of nDCG@10 on toy <set>: m all 64, rotated 16 of 64"
    said = " ".join(report.sections[0].findings)
    assert "m on toy <set>: no dim below 64 is shown to keep 90.0 %" in said
    assert "m, rotated on toy <set>: 16 of 64 numbers are shown to keep 90.0 %" in said
    assert "25.0 % of the storage and 2.0 times the speed" in said


def test_how_it_was_measured_is_told(table: ModelTable) -> None:
    told = " ".join(how_measured(table))
    for words in ("123 texts/s", "same at every dim", "all tokens", "2 threads"):
        assert words in told
    assert "1,000 vectors" in told and "300 of them documents" in told and "cpu, fp32, 1 thread" in told
    assert "1 threads" not in told


def test_the_console_fits_its_width(table: ModelTable) -> None:
    text = model_console(table, 100)
    assert max(map(len, text.splitlines())) <= 100
    assert "quality loss, rotated" in text and "note: a note" in text


def test_everything_is_written_and_escaped(table: ModelTable, tmp_path: Path) -> None:
    written = write_model_table(table, tmp_path)
    assert {path.name for path in written} == {
        HTML_FILE,
        MARKDOWN_FILE,
        *(f"{stem}.{end}" for stem in ("share", "quality", "speed") for end in ("png", "svg")),
    }
    page = (tmp_path / HTML_FILE).read_text(encoding="utf-8")
    assert "toy &lt;set&gt;" in page and "<set>" not in page
    text = (tmp_path / MARKDOWN_FILE).read_text(encoding="utf-8")
    assert all(f"({stem}.png)" in text for stem in ("share", "quality", "speed"))
    assert "| 16 | 25.0 % | 2.0x |" in text


def test_what_is_stored_comes_back(table: ModelTable, tmp_path: Path) -> None:
    path = table.write(tmp_path)
    found = ModelTable.read(tmp_path)
    # NaN equals nothing: compared by how it prints
    assert repr(found) == repr(table)
    assert json.loads(path.read_text(encoding="utf-8"))["models"][0]["quality"][2]["low"] is None
    assert found.models[0].kept("toy <set>", "none", 16) == table.models[0].quality[0]
    assert found.models[0].kept("toy <set>", "none", 32) is None


@pytest.mark.parametrize("broken", ["models", "measure", "notes"])
def test_a_missing_field_is_named(table: ModelTable, tmp_path: Path, broken: str) -> None:
    stored = json.loads(table.write(tmp_path).read_text(encoding="utf-8"))
    del stored[broken]
    (tmp_path / MODELS_FILE).write_text(json.dumps(stored))
    with pytest.raises(FormatError, match=broken):
        ModelTable.read(tmp_path)


def test_another_format_is_refused(table: ModelTable, tmp_path: Path) -> None:
    stored = json.loads(table.write(tmp_path).read_text(encoding="utf-8"))
    (tmp_path / MODELS_FILE).write_text(json.dumps({**stored, "format": 99}))
    with pytest.raises(FormatError, match="99"):
        ModelTable.read(tmp_path)
    (tmp_path / MODELS_FILE).write_text("[]")
    with pytest.raises(FormatError, match="list"):
        ModelTable.read(tmp_path)
