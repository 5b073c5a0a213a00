"""`matryo site` finds the studies, writes their pages and says where to start."""

import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from matryo.cli.site import site
from matryo.errors import FormatError, MatryoError

MADE = Path(__file__).parents[1] / "reports" / "made_study"

app = typer.Typer()
app.command()(site)


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, list[Path]]]:
    """What the command asks for; drawing it all is tested where it is written."""
    asked: list[tuple[Path, list[Path]]] = []

    def write(out: Path, runs: list[Path]) -> list[Path]:
        asked.append((out, list(runs)))
        return [out / "index.html", out / "method.html", out / "site.css"]

    monkeypatch.setattr("matryo.reports.site.write_site", write)
    return asked


def test_runs_are_taken_as_named(pages: list[tuple[Path, list[Path]]], tmp_path: Path) -> None:
    done = run(tmp_path / "out", MADE, "other")
    assert done.exit_code == 0 and pages == [(tmp_path / "out", [MADE, Path("other")])]
    assert done.stdout.splitlines() == [
        f"2 pages about 2 studies: {MADE}, other",
        f"open {tmp_path / 'out/index.html'}",
    ]


def test_all_studies_of_runs_are_the_default(
    pages: list[tuple[Path, list[Path]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    none = run("out")
    assert isinstance(none.exception, MatryoError) and "runs holds no finished translation study" in str(none.exception)
    shutil.copytree(MADE, tmp_path / "runs" / "fast")
    assert run("out").exit_code == 0 and pages == [(Path("out"), [Path("runs/fast")])]


def test_a_folder_without_a_study_is_one_line(tmp_path: Path) -> None:
    wrong = run(tmp_path / "out", tmp_path)
    assert isinstance(wrong.exception, FormatError) and "\n" not in str(wrong.exception)
