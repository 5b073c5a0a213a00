"""matryo probe at a terminal: what is printed where, and what ends with one readable line."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from matryo.cli.probing import probe
from matryo.errors import MatryoError
from matryo.prefix import unit_rows

runner = CliRunner()
app = typer.Typer(rich_markup_mode=None)
app.command()(probe)


@pytest.fixture
def vectors(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MATRYO_HOME", str(tmp_path / "home"))
    np.save(tmp_path / "v.npy", unit_rows(rng.normal(size=(120, 16)).astype(np.float32)))
    return tmp_path / "v.npy"


def test_vectors_are_probed_and_the_report_is_written(vectors: Path, tmp_path: Path) -> None:
    done = runner.invoke(app, [str(vectors), "--dims", "4,8", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("May I cut it? Not decided")
    assert "What to do" in done.stdout and f"report: {tmp_path / 'out' / 'report.html'}" in done.stdout
    assert (tmp_path / "out" / "truncation.json").is_file()
    # a bare file leaves nothing in the data folder
    assert not (tmp_path / "home").exists()


def test_json_is_the_certificate_alone(vectors: Path) -> None:
    done = runner.invoke(app, [str(vectors), "--dims", "4,8", "--json"])
    assert done.exit_code == 0, done.output
    stored = json.loads(done.stdout)
    assert stored["dims"] == [4, 8, 16] and stored["quality"] is None and "no certificate is kept" in done.stderr


def test_pairs_without_fix_are_refused(vectors: Path) -> None:
    done = runner.invoke(app, ["minilm", "--pairs", "stdlib"])
    assert done.exit_code == 2 and "--fix" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--dims", "4,32"], r"within 1\.\.16"),
        (["--dims", "16"], "below the width 16"),
        (["--share", "95"], "share must lie between 0 and 1"),
        (["--measure", "goodness"], "measure"),
        (["--queries", "q"], "needs the folder|holds no ids"),
        (["--fix", "out", "--pairs", "stdlib"], "leave --pairs out"),
    ],
)
def test_bad_input_is_one_readable_line(vectors: Path, arguments: list[str], says: str) -> None:
    with pytest.raises(MatryoError, match=says) as caught:
        runner.invoke(app, [str(vectors), *arguments], catch_exceptions=False)
    assert "\n" not in str(caught.value)
