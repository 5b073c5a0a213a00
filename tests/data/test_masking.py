"""Names are hidden as whole words, in any case."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.masking import MASK, mask_name, mask_pairs, name_of, name_parts, share_with_name
from matryo.data.pairs import Pair, Pairs


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("def read_text(path): return path.read()", "read_text", "def FUNC(path): return path.FUNC()"),
        ("READ_TEXT reads text, not texts or context", "read_text", "FUNC reads FUNC, not texts or context"),
        ("x.read_text2(read_text)", "read_text", "x.read_text2(FUNC)"),
        ("is it a dir? isDir", "isDir", "is it a FUNC? FUNC"),
        ("import a module by import_module", "import_module", "import a FUNC by FUNC"),
        ("id of it: id(x), idx", "id", "FUNC of it: FUNC(x), idx"),
        ("__init__ and init", "__init__", "FUNC and FUNC"),
        ("a.b+c", "b", "a.FUNC+c"),
    ],
)
def test_worked_by_hand(text: str, name: str, expected: str) -> None:
    assert mask_name(text, name) == expected


@given(
    st.from_regex(r"\A[A-Za-z_][A-Za-z0-9_]{0,12}\Z"),
    st.lists(st.sampled_from(["{}", "{}s", "({})", "the", "{}.x", "_{}", "FUNC"])),
)
def test_identifier_is_gone_and_masking_again_changes_nothing(name: str, words: list[str]) -> None:
    masked = mask_name(" ".join(words).replace("{}", name), name)
    if name.lower() != MASK.lower():
        assert not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", masked, re.IGNORECASE)
    assert mask_name(masked, name) == masked


@pytest.mark.parametrize(
    ("pair_id", "name"),
    [("json:dumps", "dumps"), ("a.b:C.D.run#2", "run"), ("m:f#12", "f"), ("m:A.__init__", "__init__")],
)
def test_name_of(pair_id: str, name: str) -> None:
    assert name_of(pair_id) == name


@pytest.mark.parametrize(
    ("name", "parts"), [("getHTTPResponse", ["get", "http", "response"]), ("__a_b1__", ["a", "b", "1"]), ("_", [])]
)
def test_name_parts(name: str, parts: list[str]) -> None:
    assert name_parts(name) == parts


def test_share_sees_stems_and_masking_lowers_it() -> None:
    pairs = Pairs(
        "p",
        (
            Pair("m:parse_line", "Parser of lines", "def parse_line(): ...", "m"),
            Pair("m:close", "Shut it", "def close(): ...", "m"),
            Pair("m:read", "Read it", "def read(): ...", "m"),
            Pair("m:x1", "Give x1", "def x1(): ...", "m"),
        ),
    )
    assert share_with_name(pairs) == 3 / 4
    masked = mask_pairs(pairs)
    assert share_with_name(masked) == 1 / 4  # "Parser" and "lines" are other words of the same stem
    assert masked.notes == ("the function's name and its parts are replaced by FUNC in queries and documents",)
    assert [(p.id, p.group) for p in masked.pairs] == [(p.id, p.group) for p in pairs.pairs]
