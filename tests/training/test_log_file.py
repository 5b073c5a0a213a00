import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import FormatError
from matryo.training.log_file import append_line, cut_log, read_log

numbers = st.one_of(st.none(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
lines = st.lists(st.dictionaries(st.sampled_from(["loss", "loss_at_96", "eval_MRR@10_at_96"]), numbers), max_size=6)


def line(step: int, **more: float) -> dict[str, float]:
    return {"step": step, "epoch": step / 10, "seconds": step / 2, **more}


def written(folder: Path, *steps: int) -> Path:
    path = folder / "log.jsonl"
    for step in steps:
        append_line(path, line(step, loss=1.0 / (step + 1)))
    return path


@given(lines)
def test_what_is_appended_is_read(
    tmp_path_factory: pytest.TempPathFactory, given_lines: list[dict[str, float]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    path.touch()
    expected = [line(place, **more) for place, more in enumerate(given_lines)]
    for one in expected:
        append_line(path, one)
    assert read_log(path) == expected
    assert [json.loads(text) for text in path.read_text(encoding="utf-8").splitlines()] == expected


@pytest.mark.parametrize("n_bytes", [1, 5, 20])
def test_a_log_cut_short_anywhere_keeps_its_whole_lines(tmp_path: Path, n_bytes: int) -> None:
    path = written(tmp_path, 1, 2, 3)
    path.write_bytes(path.read_bytes()[:-n_bytes])
    assert [found["step"] for found in read_log(path)] == [1, 2]
    # lines that follow begin at a line's start
    assert cut_log(path, 2) == 1.0
    append_line(path, line(3))
    assert [found["step"] for found in read_log(path)] == [1, 2, 3]


@pytest.mark.parametrize(("step", "kept", "seconds"), [(0, [], 0.0), (2, [0, 1, 2, 2], 1.0), (9, [0, 1, 2, 2, 3], 1.5)])
def test_cutting_keeps_what_came_up_to_the_step(tmp_path: Path, step: int, kept: list[int], seconds: float) -> None:
    path = written(tmp_path, 0, 1, 2, 2, 3)
    assert cut_log(path, step) == seconds
    assert [found["step"] for found in read_log(path)] == kept
    assert list(tmp_path.iterdir()) == [path]


def test_without_a_log_there_is_nothing_to_cut(tmp_path: Path) -> None:
    assert cut_log(tmp_path / "log.jsonl", 5) == 0.0 and list(tmp_path.iterdir()) == []


def test_a_missing_log_is_said(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"log\.jsonl is missing"):
        read_log(tmp_path / "log.jsonl")


@pytest.mark.parametrize("bad", ["{", "[1]", '{"step": 1}', '{"step": 1, "epoch": 0, "seconds": "1"}', "\udcff", ""])
def test_a_line_of_another_form_is_named(tmp_path: Path, bad: str) -> None:
    path = written(tmp_path, 1)
    with path.open("ab") as stream:
        stream.write(bad.encode("utf-8", "surrogateescape") + b"\n")
    append_line(path, line(2))
    with pytest.raises(FormatError, match=r"log\.jsonl, line 2: expected.*step, epoch and seconds") as caught:
        read_log(path)
    assert "\n" not in str(caught.value)
