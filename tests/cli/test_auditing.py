"""`matryo audit` prints tables on stdout and notes on stderr, and refuses bad options."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from matryo.cli.auditing import audit
from matryo.errors import MatryoError

app = typer.Typer()
app.command()(audit)


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.csv"
    rows = [f"name{i};a word{i} of it;of word{i} told" for i in range(30)]
    path.write_text("\n".join(["who;one;two", *rows]) + "\n")
    return path


def test_a_file_of_pairs(pairs: Path, tmp_path: Path) -> None:
    words = (
        pairs,
        "--columns",
        "one, two",
        "--id",
        "who",
        "--separator",
        ";",
        "--model",
        "none",
        "--out",
        tmp_path / "o",
    )
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("pairs, as given\nsystem")
    assert (
        result.stdout.splitlines()[-1].startswith("pairs: solved by string overlap;")
        or "pairs: solved" in result.stdout
    )
    assert "note: only one part is known" in result.stderr and "note:" not in result.stdout
    assert "written: " in result.stderr and (tmp_path / "o" / "audit.json").is_file()


def test_a_frozen_model_that_is_asked_for(pairs: Path, tiny_model_folder: Path) -> None:
    words = (
        pairs,
        "--columns",
        "one,two",
        "--separator",
        ";",
        "--model",
        tiny_model_folder,
        "--dim",
        16,
        "--max-texts",
        10,
    )
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.exception
    assert "at 32" in result.stdout and "at 16" in result.stdout and "10 queries, 10 texts" in result.stdout


def test_bad_options(pairs: Path) -> None:
    assert CliRunner().invoke(app, [str(pairs), "--max-texts", "1"]).exit_code == 2
    assert isinstance(CliRunner().invoke(app, [str(pairs)]).exception, MatryoError)
    assert isinstance(CliRunner().invoke(app, ["nothing.csv", "--columns", "a,b"]).exception, MatryoError)
