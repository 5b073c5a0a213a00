from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from matryo.errors import FormatError
from matryo.evaluation.results import RunResults
from matryo.reports import console_summary, write_reports


def test_reports_are_written_from_the_stored_results_alone(results: RunResults, tmp_path: Path) -> None:
    results.write(tmp_path)
    stored = {path.name for path in tmp_path.iterdir()}
    written = write_reports(tmp_path)
    assert [path.name for path in written] == [
        "report.html",
        "report.md",
        "curve.png",
        "curve.svg",
        "curve-2.png",
        "curve-2.svg",
    ]
    assert {path.name for path in tmp_path.iterdir()} == stored | {path.name for path in written}
    assert "96 of 384" in written[0].read_text(encoding="utf-8")


def test_writing_again_changes_no_byte(results: RunResults, tmp_path: Path) -> None:
    results.write(tmp_path)
    before = {path: path.read_bytes() for path in write_reports(tmp_path)}
    assert {path: path.read_bytes() for path in write_reports(tmp_path)} == before


def test_a_folder_without_results_is_refused_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"results\.json is missing"):
        write_reports(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_format_is_refused(results: RunResults, tmp_path: Path) -> None:
    results.write(tmp_path)
    path = tmp_path / "results.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"format": 1', '"format": 99'), encoding="utf-8")
    with pytest.raises(FormatError, match="format 99"):
        write_reports(tmp_path)


def test_the_console_shows_tables_conclusions_seconds_and_notes(results: RunResults) -> None:
    text = console_summary(results)
    assert max(map(len, text.splitlines())) <= 120
    for wanted in ("0.458–0.513", "share of plain cut at 384", "own full width", "bytes per vector", "names masked"):  # noqa: RUF001
        assert wanted in text
    assert "seconds: encode 38.2, rotation 0.031" in text
    assert text.endswith("note: 12 texts are longer than 128 tokens; the rest of each was ignored")
    assert not text.endswith("\n")


def test_the_console_of_small_runs(only_map: Callable[[str], RunResults], results: RunResults) -> None:
    assert "plain cut" in console_summary(only_map("none"))
    assert "0.412" in console_summary(only_map("bm25"))
    empty = replace(results, scores=(), seconds={}, notes=())
    assert console_summary(empty) == "demo: no scores"


def test_a_name_cannot_steer_the_terminal(results: RunResults) -> None:
    bad = "\x1b[2J"
    steering = replace(
        results,
        run_name=bad,
        dataset=bad,
        scores=tuple(replace(score, dataset=bad, map=score.map + bad) for score in results.scores),
        notes=(bad,),
        seconds={bad: 1.0},
    )
    assert "\x1b" not in console_summary(steering)


def test_a_run_of_trainings_has_plots_of_its_logs_and_tables_for_latex(
    dense_results: RunResults, write_logs: Callable[[Path, int], Path], tmp_path: Path
) -> None:
    dense_results.write(tmp_path)
    write_logs(tmp_path, 8)
    names = {path.name for path in write_reports(tmp_path)}
    assert {"report.html", "report.md", "curve.svg", "differences.png", "tables.tex"} <= names
    assert {"training-matryoshka-loss.svg", "training-matryoshka-validation.png"} <= names
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "](differences.png)" in text and "](training-matryoshka-loss.png)" in text
    latex = (tmp_path / "tables.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{table}") == 5 and r"dense\_baseline" in latex


def test_the_console_ends_with_the_answer(dense_results: RunResults) -> None:
    lines = console_summary(replace(dense_results, seconds={}, notes=())).splitlines()
    assert max(map(len, lines)) <= 120 and "Arms" in lines
    assert any(line.startswith("At 96 of 384 numbers, there is no significant difference") for line in lines)
    assert lines[-1] == "matryoshka vs minilm: better at 32, 64, 96, 192."


def test_the_console_opens_with_the_purpose_and_claims_nothing(dense_results: RunResults) -> None:
    purpose = "A pipeline check, no quality claim."
    text = console_summary(replace(dense_results, settings={**dense_results.settings, "purpose": purpose}))
    assert text.startswith(f"{purpose}\n") and "better" not in text and "significant" not in text
    assert console_summary(replace(dense_results, scores=(), tables=(), seconds={}, notes=())) == "stdlib: no scores"
