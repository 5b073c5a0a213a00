"""`matryo data people` prints what it made and refuses bad options."""

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from matryo.cli.people import data_people, read_parts
from matryo.data.people.files import read_people
from matryo.errors import MatryoError

app = typer.Typer()
app.command()(data_people)


def run(*words: object) -> tuple[int, str, BaseException | None]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stdout, result.exception


def test_people_are_made_and_kept(tmp_path: Path) -> None:
    words = (tmp_path / "x", "--seed", 3, "--parts", "30,10,20", "--triplets", 40)
    code, out, _ = run(*words)
    assert code == 0
    (line,) = out.splitlines()
    assert line.startswith(f"{tmp_path / 'x'}: 60 people (train 30, validation 10, test 20), level plain, digest ")
    views = read_people(tmp_path / "x", "validation")
    assert len(views.a) == 10 and views.mined is not None and len(views.mined.triplets[0]) == 40
    assert run(*words)[1] == out


def test_shares_of_the_study_are_the_default(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path / "x", "--n", 60, "--no-held-out")
    assert code == 0 and "train 34, validation 6, test 20), level plain" in out


def test_bad_options_are_refused(tmp_path: Path) -> None:
    assert run(tmp_path / "x", "--n", 60, "--parts", "30,30")[0] == 2
    assert run(tmp_path / "x", "--n", 60, "--level", "fancy")[0] == 2
    _, _, error = run(tmp_path / "x", "--n", 60, "--parts", "30,29,1")
    assert isinstance(error, MatryoError) and "part test would have 1 of 60" in str(error)
    _, _, error = run(tmp_path / "x", "--n", 61, "--parts", "30,10,20")
    assert isinstance(error, MatryoError) and "sum to n=61" in str(error)
    _, _, error = run(tmp_path / "x", "--n", 5)
    assert isinstance(error, MatryoError)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "1,2", "1,2,3,4", "a,b,c"])
def test_parts_are_three_whole_numbers(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="3 whole numbers"):
        read_parts(text)


def test_parts_are_read() -> None:
    assert read_parts(None) is None
    assert read_parts("3400, 600,2000") == {"train": 3400, "validation": 600, "test": 2000}
