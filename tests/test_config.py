"""Config files: what is wrong is named in one line, with the nearest key that is right."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

from matryo.config import read_config, read_yaml, write_config
from matryo.errors import FormatError, MatryoError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Loss(Part):
    temperature: PositiveFloat | dict[PositiveInt, PositiveFloat] = 0.05
    weights: dict[PositiveInt, float] = {}
    margin: float | None = None


class Train(Part):
    loss: Loss = Loss()
    batch_size: Annotated[int, Field(ge=2)] = 64
    learning_rate: PositiveFloat = 2e-5
    symmetric: bool = False


class Files(Part):
    kind: Literal["files"]
    path: Path


class Made(Part):
    kind: Literal["made"]
    rows: PositiveInt = 3

    @model_validator(mode="after")
    def _even(self) -> "Made":
        if self.rows % 2 == 0:
            raise ValueError(f"rows must be odd, got {self.rows}")
        return self


class Run(Part):
    name: str
    data: Annotated[Files | Made, Field(discriminator="kind")] = Made(kind="made")
    train: Train = Train()
    arms: dict[str, Train] = {}
    dims: tuple[PositiveInt, ...] = (1,)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def refusal(file: Path, text: str, *overrides: str) -> str:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError) as caught:
        read_config(file, Run, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value).removeprefix(str(file))


def test_values_of_the_file_and_defaults(file: Path) -> None:
    file.write_text("name: a\ntrain: {learning_rate: 3e-5, loss: {weights: {96: 2}}}\ndims: [3, 2]\n")
    run = read_config(file, Run)
    assert (run.name, run.train.learning_rate, run.train.loss.weights, run.dims) == ("a", 3e-5, {96: 2.0}, (3, 2))
    assert read_yaml(file)["train"]["learning_rate"] == 3e-5  # a number, not the text that YAML 1.1 reads


def test_a_misspelt_key_is_named_with_the_nearest(file: Path) -> None:
    assert (
        refusal(file, "name: a\ntrain: {batch_sise: 3}") == ": unknown key train.batch_sise (did you mean batch_size?)"
    )


def test_a_key_in_the_wrong_place_is_shown_the_right_one(file: Path) -> None:
    line = refusal(file, "name: a\ntrain: {temperature: 3}")
    assert line == ": unknown key train.temperature (did you mean train.loss.temperature?)"


def test_a_strange_key_is_told_what_is_accepted(file: Path) -> None:
    line = refusal(file, "name: a\nzzz: 3")
    assert line == ": unknown key zzz (accepted: name, data, train, arms, dims)"


def test_all_problems_stand_in_one_line(file: Path) -> None:
    line = refusal(file, "train: {batch_size: 1, symmetric: perhaps}\ndims: 3")
    assert line == (
        ": the key name is missing; train.batch_size must be at least 2, got 1; "
        "train.symmetric must be true or false, got 'perhaps'; dims must be a list, got 3"
    )


@pytest.mark.parametrize(
    ("loss", "told"),
    [
        ("{temperature: warm}", "train.loss.temperature must be a number or keys with values, got 'warm'"),
        ("{temperature: {96: -1}}", "train.loss.temperature.96 must be above 0.0, got -1"),
        ("{weights: {a: 1}}", "a key of train.loss.weights must be a whole number, got 'a'"),
        ("{margin: x}", "train.loss.margin must be a number, got 'x'"),
        ("3", "train.loss must be keys with values, got 3"),
    ],
)
def test_paths_inside_unions_and_mappings_are_readable(file: Path, loss: str, told: str) -> None:
    assert refusal(file, f"name: a\ntrain:\n  loss: {loss}") == f": {told}"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("{kind: made, rows: 0}", "data.rows must be above 0, got 0"),
        ("{kind: made, rows: 2}", "data: rows must be odd, got 2"),
        ("{kind: files, paht: x}", "the key data.path is missing; unknown key data.paht (did you mean path?)"),
        ("{kind: flies}", "data must be one with kind 'files', 'made', got {'kind': 'flies'}"),
    ],
)
def test_a_union_told_apart_by_a_key(file: Path, data: str, told: str) -> None:
    assert refusal(file, f"name: a\ndata: {data}") == f": {told}"


def test_keys_of_named_parts(file: Path) -> None:
    line = refusal(file, "name: a\narms: {first: {symetric: true}}")
    assert line == ": unknown key arms.first.symetric (did you mean symmetric?)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must hold keys with values (YAML), got nothing"),
        ("- a", "got a list"),
        ("just words", "got a str"),
        ("name: a\nname: b", "line 2, column 1: the key name stands in line 1 already"),
        ("name: a\ntrain: {symmetric: true, symmetric: false}", "the key symmetric stands in line 2 already"),
        ("name: a\ntrain:\n\tbatch_size: 3", "line 3, column 1: a tab"),
        ("name: [", "line 1"),
        ("name: !!python/object:os.system x", "could not determine a constructor"),
    ],
)
def test_what_is_no_config(file: Path, text: str, told: str) -> None:
    assert told in refusal(file, text)


def test_no_file_a_folder_and_no_text(file: Path) -> None:
    with pytest.raises(FormatError, match="missing"):
        read_config(file, Run)
    with pytest.raises(FormatError, match="no config file"):
        read_config(file.parent, Run)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="UTF-8"):
        read_config(file, Run)


def test_overrides_replace_values_and_the_last_one_wins(file: Path) -> None:
    file.write_text("name: a\ntrain:\n  loss: {weights: {96: 1}}\n")
    overrides = ["train.symmetric=true", "train.loss.weights.96=2", "dims=[4, 2]", "data={kind: made, rows: 5}"]
    run = read_config(file, Run, [*overrides, "name=b", "name=c", "train.loss.margin="])
    assert run.train.symmetric and run.train.loss.weights == {96: 2.0} and run.dims == (4, 2)
    assert (run.name, run.data, run.train.loss.margin) == ("c", Made(kind="made", rows=5), None)


def test_overrides_that_cannot_be_read(file: Path) -> None:
    file.write_text("name: a\n")
    for override, told in (
        ("train.batch_size", "KEY=VALUE"),
        ("=3", "KEY=VALUE"),
        ("train..x=3", "KEY=VALUE"),
        ("name.x=3", "set name as a whole"),
        ("dims=[3", "no YAML"),
    ):
        with pytest.raises(MatryoError, match=told):
            read_config(file, Run, [override])
    line = refusal(file, "name: a", "train.batch_sise=3")
    assert line == " with --set train.batch_sise=3: unknown key train.batch_sise (did you mean batch_size?)"


@given(
    temperature=st.floats(1e-6, 1e3) | st.dictionaries(st.integers(1, 999), st.floats(1e-6, 1e3), max_size=3),
    rate=st.floats(1e-12, 1.0),
    name=st.text(min_size=1, max_size=8).filter(str.isprintable),
    path=st.sampled_from(["a/b", "c d", "true", "1"]),
)
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, temperature: object, rate: float, name: str, path: str
) -> None:
    run = Run.model_validate(
        {
            "name": name,
            "data": {"kind": "files", "path": path},
            "train": {"learning_rate": rate, "loss": {"temperature": temperature}},
        }
    )
    file = tmp_path_factory.mktemp("config") / "x.yaml"
    write_config(file, run)
    assert read_config(file, Run) == run
