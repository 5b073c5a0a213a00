import io
import re
from contextlib import redirect_stderr

import pytest

from matryo import progress as module
from matryo.progress import progress


class Terminal(io.StringIO):
    """Stands for a terminal of its own, since tests run without one."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the module sees, in its one entry."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of 100 columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")


def plain(text: str) -> str:
    """Text without the codes that colour it and move the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_silent_unless_shown(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress("train", 3, "steps", shown=False, note=lambda: "never asked") as advance:
        clock[0] += 100
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_lines_are_sparse_and_tell_rate_and_time_left(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress("encode", 100, "texts") as advance:
        clock[0] += 5
        advance(10)
        clock[0] += 15
        advance(10)
    assert capsys.readouterr().err == "encode: 20 of 100, 80 s left (1.0 texts/s)\n"


def test_lines_show_the_note_of_their_moment(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    notes = iter(["loss 2.5", "", "loss [1.5]"])
    with progress("train", None, "steps", note=lambda: next(notes)) as advance:
        for _ in range(3):
            clock[0] += 20
            advance(10)
    assert capsys.readouterr().err.splitlines() == [
        "train: 10 (0.5 steps/s) loss 2.5",
        "train: 20 (0.5 steps/s)",
        "train: 30 (0.5 steps/s) loss [1.5]",
    ]


def test_what_was_done_before_does_not_count_for_the_rate(
    capsys: pytest.CaptureFixture[str], clock: list[float]
) -> None:
    with progress("train", 100, "steps", done=60) as advance:
        clock[0] += 20
        advance(20)
    assert capsys.readouterr().err == "train: 80 of 100, 20 s left (1.0 steps/s)\n"


def test_advancing_by_nothing_shows_a_new_note(capsys: pytest.CaptureFixture[str], clock: list[float]) -> None:
    with progress("train", 10, "steps", note=lambda: "MRR@10 0.41") as advance:
        clock[0] += 20
        advance(0)
    assert capsys.readouterr().err == "train: 0 (0.0 steps/s) MRR@10 0.41\n"


def test_a_terminal_shows_a_bar_with_the_note(wide: None) -> None:
    notes = ["loss 2.5 [96: 3]"]
    # redirected here: the runner puts its own stream in place between a fixture and its test
    with redirect_stderr(Terminal()) as terminal, progress("train", 4, "steps", done=1, note=lambda: notes[0]) as step:
        step(1)
        notes[0] = "loss 1.5 [96: 2]"
        step(0)
    shown = plain(terminal.getvalue()).strip().splitlines()[-1]
    assert "2/4" in shown and shown.rstrip().endswith("loss 1.5 [96: 2]")


def test_a_terminal_without_a_note(wide: None) -> None:
    with redirect_stderr(Terminal()) as terminal, progress("train", 4, "steps") as advance:
        advance(4)
    assert "4/4" in plain(terminal.getvalue())
