"""`matryo models measure` prints the short tables on stdout and says on stderr what it wrote."""

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from matryo.cli.model_measuring import measure
from matryo.errors import MatryoError

app = typer.Typer()
app.command()(measure)


def test_one_command_measures_and_writes(tiny_model_folder: Path, tmp_path: Path) -> None:
    data = tmp_path / "pairs.jsonl"
    pairs = [{"id": str(i), "query": f"cat {i}", "document": f"the cat runs {i}"} for i in range(5)]
    data.write_text("\n".join(map(json.dumps, pairs)) + "\n")
    words = [tiny_model_folder, "--out", tmp_path / "out", "--data", data, "--dims", "8,16", "--rows", 40]
    words += ["--rounds", 1, "--device", "cpu"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.exception
    assert "dim        storage  speed" in result.stdout and "32 (full)" in result.stdout
    assert "models.html" in result.stderr and "models.html" not in result.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written >= {"models.md", "models.html", "models.json", "share.png", "quality.png", "speed.png"}


def test_a_measure_that_is_none_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["wordllama", "--out", str(tmp_path / "o"), "--measure", "best@10"])
    assert isinstance(result.exception, MatryoError) and "best" in str(result.exception)
