"""Bad lines fail at the first, or are counted and listed."""

from pathlib import Path

import pytest

from matryo.data.problems import Problems, shown
from matryo.errors import FormatError

PATH = Path("folder") / "corpus.jsonl"


def test_strict() -> None:
    with pytest.raises(
        FormatError, match=r"corpus\.jsonl, line 7: no text; expected a text; correct it or skip it .*--skip-bad"
    ):
        Problems().bad_line(PATH, 7, "no text", "a text")
    with pytest.raises(FormatError, match=r"qrels names 3 unknown; add them or skip it .*--skip-bad"):
        Problems().bad_entries("qrels names 3 unknown", "add them")
    assert Problems().notes == ()


def test_counted_and_listed_in_line_order() -> None:
    problems = Problems(skip_bad=True)
    problems.bad_entries("qrels names 3 unknown", "add them")
    for line in (12, 3):
        problems.bad_line(PATH, line, f"bad {line}", "a text")
    problems.remark("all is well")
    assert problems.notes == (
        "corpus.jsonl: 2 bad lines skipped: line 3 (bad 3), line 12 (bad 12)",
        "qrels names 3 unknown; left out",
        "all is well",
    )


def test_long_lists_are_cut_but_counted() -> None:
    problems = Problems(skip_bad=True)
    for line in range(1, 1201):
        problems.bad_line(PATH, line, "x", "y")
    (note,) = problems.notes
    assert "1,200 bad lines" in note
    assert note.endswith("line 10 (x) and 1,190 more")


def test_long_lines_are_cut_for_messages() -> None:
    assert shown("a\tb") == "'a\\tb'"
    assert len(shown("a" * 10_000)) < 100
