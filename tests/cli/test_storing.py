"""`matryo encode` of a tree: a table on stdout, what is expected and noted on stderr; and the cut of any texts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from matryo.cli import app as whole_app
from matryo.cli.storing import encode
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError

app = typer.Typer()
app.command()(encode)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docs" / "a").mkdir(parents=True)
    (tmp_path / "docs" / "a" / "list.json").write_text('["the cat", "the dog", " "]')
    (tmp_path / "docs" / "top.txt").write_text("the cat")
    return tmp_path / "docs"


def run(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_tree_becomes_a_table(tree: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    result = run(tiny_model_folder, tree, tmp_path / "out", "--dim", 16, "--allow-untrained", "--export", "npy")
    assert result.exit_code == 0, result.exception
    lines = result.stdout.splitlines()
    assert lines[1].split()[:5] == ["collection", "texts", "new", "changed", "removed"]
    assert [line.split()[:2] for line in lines[3:6]] == [["a", "2"], ["docs", "1"], ["all", "3"]]
    assert result.stderr.startswith("about 1 s for 2 texts") and "note: a: 1 empty texts left out" in result.stderr
    assert EmbeddingSet.open(tmp_path / "out" / "a").width == 16
    noted = json.loads((tmp_path / "out" / "a" / "encoder.json").read_text())
    assert noted["dim"] == 16 and noted["space_id"] == EmbeddingSet.open(tmp_path / "out" / "a").space.id


def test_a_full_set_knows_its_model_and_a_second_run_loads_none(
    tree: Path, tmp_path: Path, tiny_model_folder: Path
) -> None:
    assert run(tiny_model_folder, tree, tmp_path / "out").exit_code == 0
    assert (tmp_path / "out" / "a" / "encoder.json").exists()
    words = [str(word) for word in ("encode", tiny_model_folder, tree, tmp_path / "out")]
    code = (
        "import sys; from typer.testing import CliRunner; from matryo.cli import app; "
        "print(CliRunner().invoke(app, sys.argv[1:]).exit_code, *sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    code, *loaded = done.stdout.split()
    assert code == "0" and not {"torch", "transformers", "sentence_transformers"} & set(loaded)


def test_a_file_is_cut_for_keeps_too(tmp_path: Path, tiny_model_folder: Path) -> None:
    (tmp_path / "lines.txt").write_text("the cat\nthe dog\n")
    result = run(tiny_model_folder, tmp_path / "lines.txt", tmp_path / "no", "--dim", 16)
    assert isinstance(result.exception, MatryoError) and "--allow-untrained" in str(result.exception)
    result = run(tiny_model_folder, tmp_path / "lines.txt", tmp_path / "out", "--dim", 16, "--allow-untrained")
    assert "2 rows of 16 float32 numbers" in result.stdout and "nobody has shown" in result.stderr
    # an index of it can be asked by text: the note says how the model was cut
    built = CliRunner().invoke(whole_app, ["index", "build", str(tmp_path / "out"), str(tmp_path / "index")])
    assert built.exit_code == 0, built.exception
    asked = CliRunner().invoke(whole_app, ["index", "search", str(tmp_path / "index"), "the dog", "-k", "1"])
    assert asked.exit_code == 0 and asked.stdout.split()[:3] == ["1", "1.0000", "2"]


def test_options_that_do_not_fit(tree: Path, tmp_path: Path, tiny_model_folder: Path) -> None:
    result = run(tiny_model_folder, tree, tmp_path / "out", "--role", "query")
    assert result.exit_code == 2 and "tree of collections is encoded as documents" in said_in(result)
    (tmp_path / "lines.txt").write_text("the cat\n")
    result = run(tiny_model_folder, tmp_path / "lines.txt", tmp_path / "out", "--export", "npy")
    assert result.exit_code == 2 and "are for a tree of folders" in said_in(result)


def said_in(result: Result) -> str:
    """A message without the frame that is drawn around it."""
    return " ".join(result.stderr.replace("\N{BOX DRAWINGS LIGHT VERTICAL}", " ").split())
