"""Lines of the official MS MARCO files."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.msmarco_lines import Cleaning, check_pid, parse_judgement, parse_passage, parse_query, rows
from matryo.data.problems import BadLine, Problems
from matryo.errors import FormatError

LABEL = Path("x.tsv")


@given(st.text())
def test_cleaned_texts(text: str) -> None:
    clean = Cleaning()(text.encode(errors="replace"))
    assert not re.search(r"[\x00-\x1f\x7f]", clean)
    assert clean == " ".join(clean.split())
    assert Cleaning()(clean.encode()) == clean
    # nothing else is lost
    assert clean.replace(" ", "") == "".join(
        c for c in text.encode(errors="replace").decode() if not c.isspace() and ord(c) >= 32 and ord(c) != 127
    )


def test_changes_are_counted() -> None:
    cleaning = Cleaning()
    texts = [b"plain", b"a\x07b", b" c\x00\x0bd ", "é\u00a0f".encode()]
    assert [cleaning(t) for t in texts] == ["plain", "ab", "c d", "é f"]
    assert cleaning.notes("queries") == [
        "2 queries had ASCII control characters, which are removed",
        "2 queries had their white space normalised",
    ]


def test_parsers() -> None:
    assert parse_passage(b"12\ta passage") == (b"12", b"a passage")
    assert parse_query(b"x7\t what? ") == ("x7", b" what? ")
    assert parse_judgement(b"3 0 12 1") == parse_judgement(b"3\t0\t12\t1") == ("3", "12", 1)
    for parse, line, message in (
        (parse_passage, b"12", "1 tab-separated fields"),
        (parse_passage, b"12\ta\tb", "3 tab-separated fields"),
        (parse_passage, b"012\ta", "pid is '012', no whole number"),
        (parse_passage, b"+1\ta", "pid is"),
        (parse_query, b" \twhat?", "no query id"),
        (parse_judgement, b"3\t12", "2 fields"),
        (parse_judgement, b"3\t0\tD12\t1", "pid is 'D12'"),
        (parse_judgement, b"3\t0\t12\tyes", "rel is 'yes'"),
    ):
        with pytest.raises(BadLine, match=message):
            parse(line)
    with pytest.raises(BadLine):
        check_pid(b"9" * 30)


def test_rows_know_their_lines() -> None:
    problems = Problems(skip_bad=True)
    lines = [b"\xef\xbb\xbf1\ta\r\n", b"\n", b"bad\n", b"2\tb\xff\n", b"3\tc"]
    clean = Cleaning()
    read = list(rows(lines, LABEL, lambda line: clean(parse_passage(line)[1]), problems, "e"))
    assert read == [(1, "a"), (5, "c")]
    assert problems.notes[0].startswith(
        "x.tsv: 2 bad lines skipped: line 3 (1 tab-separated fields in 'bad'), line 4 (0x"
    )
    assert problems.notes[1] == "x.tsv ends without a line break: check that it is not cut short"
    with pytest.raises(FormatError, match=r"x\.tsv, line 1: 0xff is not UTF-8"):
        list(rows([b"2\tb\xff\n"], LABEL, clean, Problems(), "e"))
    with pytest.raises(FormatError, match=r"x\.tsv is empty, expected e"):
        list(rows([b"\n", b" \n"], LABEL, clean, Problems(), "e"))


def test_damage_is_one_line() -> None:
    def cut():
        yield b"1\ta\n"
        raise EOFError("ended before the end")

    with pytest.raises(FormatError, match=r"x\.tsv is cut short or damaged \(ended .*download it again"):
        list(rows(cut(), LABEL, parse_passage, Problems(), "e"))
