"""`matryo translate`: fit, apply, evaluate, one after the other, as a user types them."""

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from matryo.cli.translating import translate_app
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, SpaceError
from matryo.prefix import unit_rows
from matryo.space import Space


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sets of the same 200 texts, `a` and `b`."""
    root, rng = tmp_path_factory.mktemp("sets"), np.random.default_rng(0)
    hidden = rng.normal(size=(200, 4))
    for name, width in (("a", 6), ("b", 5)):
        x = hidden @ rng.normal(size=(4, width)) + 0.1 * rng.normal(size=(200, width))
        EmbeddingSet.from_numpy(
            root / name, unit_rows(x.astype(np.float32)), [f"t{i}" for i in range(200)], space=Space(name, width)
        )
    assert run("fit", root / "a", root / "b", root / "map").exit_code == 0
    return root


def run(*words: object) -> Result:
    return CliRunner().invoke(translate_app, [str(word) for word in words])


def test_the_three_commands(folder, tmp_path) -> None:
    fit = run("fit", folder / "a", folder / "b", tmp_path / "map", "--dims-from", 4, "--dims-to", 3, "--share", 0.5)
    assert fit.exit_code == 0, fit.exception
    lines = fit.stdout.splitlines()
    assert lines[0].startswith("ridge: 6 -> 3 numbers, fitted on ") and lines[1].startswith("lambda: ")
    assert "held-out R2 0." in lines[2] and lines[-1] == f"map: {tmp_path / 'map'}"
    made = run("apply", folder / "map", folder / "a", tmp_path / "a-as-b", "--dtype", "float16")
    assert made.exit_code == 0, made.exception
    assert "200 rows of 5 float16 numbers" in made.stdout and "by ridge, 6 -> 5, imitates the space" in made.stdout
    told = run("evaluate", folder / "map", folder / "a", folder / "b", "--dims", "2,5", "--dims-from", "none",
               "--out", tmp_path / "run")  # fmt: skip
    assert told.exit_code == 0, told.exception
    assert "Not decided: a explains 0." in told.stdout and f"report: {tmp_path / 'run' / 'report.html'}" in told.stdout
    assert (tmp_path / "run" / "report.md").exists() and (tmp_path / "run" / "dimension.png").exists()


def test_mistakes_are_one_line(folder, tmp_path) -> None:
    wrong = run("apply", folder / "map", folder / "b", tmp_path / "out")
    assert isinstance(wrong.exception, SpaceError) and "\n" not in str(wrong.exception)
    swapped = run("evaluate", folder / "map", folder / "b", folder / "a")
    assert isinstance(swapped.exception, SpaceError) and "the other direction" in str(swapped.exception)
    other = run("fit", folder / "a", folder / "b", tmp_path / "m", "--hidden", "8x")
    assert isinstance(other.exception, MatryoError) and "hidden belongs to mlp1" in str(other.exception)
    assert run("fit", folder / "a", folder / "b", tmp_path / "m", "--kind", "magic").exit_code == 2


def test_help_answers_without_torch() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from typer.testing import CliRunner; from matryo.cli.translating import translate_app; "
        "CliRunner().invoke(translate_app, ['fit', '--help']); print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "sklearn", "matplotlib", "pyarrow"} & set(loaded)
