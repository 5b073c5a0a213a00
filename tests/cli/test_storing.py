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
from matryo.encoders import fit_lsa
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


def test_lsa_is_fitted_on_the_texts_and_encodes_others_by_its_folder(tree: Path, tmp_path: Path) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("the cat runs\nthe dog runs\na bird and a tree\nthe tree of the cat\n")
    for _ in range(2):
        result = run("lsa:3", lines, tmp_path / "set", "--keep-texts")
        # else a translator toward it would be measured on texts that look held out and are not
        assert result.exit_code == 0 and "LSA is fitted on all of these texts" in result.stderr
    stored = EmbeddingSet.open(tmp_path / "set")
    assert (stored.n_rows, stored.width) == (4, 3)
    result = run(tmp_path / "set" / "lsa", lines, tmp_path / "queries", "--role", "query")
    assert result.exit_code == 0, result.exception
    assert EmbeddingSet.open(tmp_path / "queries").space.id == stored.space.id
    assert run(tmp_path / "set" / "lsa", tree, tmp_path / "sets", "--dim", 2).exit_code == 0
    assert EmbeddingSet.open(tmp_path / "sets" / "a").width == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("lsa:many", "lines.txt", "set"), "LSA is fitted with lsa:WIDTH such as lsa:256, got 'lsa:many'"),
        (("lsa:2", "lines.txt", "set", "--role", "query"), "LSA is fitted on documents"),
        (("lsa:2", "lines.txt", "made"), "holds LSA of width 3, 'lsa:2' was asked for"),
        (("lsa:2", "docs", "set"), "is a tree"),
    ],
)
def test_what_lsa_cannot_be_fitted_on_is_refused(
    words: tuple[str, ...], told: str, tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lines.txt").write_text("the cat runs\nthe dog runs\na bird and a tree\n")
    fit_lsa(["the cat runs", "the dog", "a bird and a tree"], width=3).save(tmp_path / "made" / "lsa")
    result = run(*words)
    said = str(result.exception) + " ".join(result.output.replace("│", " ").split())
    assert result.exit_code != 0 and told in said
    assert not (tmp_path / "set").exists()
