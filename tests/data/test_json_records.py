"""Lists are read a member at a time, wherever the blocks of the file end."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.data.json_records import json_records
from matryo.errors import FormatError

_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=60)
@given(
    values=st.lists(_VALUES, max_size=5), indent=st.sampled_from([None, 1]), characters=st.sampled_from([80, 1 << 20])
)
def test_members_are_those_of_the_whole(tmp_path_factory: Any, values: list[Any], indent: Any, characters: int) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(values, indent=indent, ensure_ascii=False), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("matryo.data.json_records._CHARACTERS", characters)
        assert list(json_records(path, "a list")) == values


def test_gzip_objects_and_a_mark_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(gzip.compress(b'\xef\xbb\xbf {"a": [1], "b": 2} '))
    assert list(json_records(path, "x")) == [["a", [1]], ["b", 2]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is missing, expected a list; check the path"),
        (b" \n", "is empty, expected a list"),
        (b"title", "starts with 'title', expected a list"),
        (b'{"a": 1}\n{"a": 2}', "name it .jsonl"),
        (b'{"a": ', "no JSON"),
        (b"[1, 2", "record 2: no JSON"),
        (b"[1, oops]", "record 2: no JSON"),
        (b"[1, ]", "record 2: no JSON"),
        (b"[1 2]", "record 1: followed by '2', expected a comma"),
        (b"[1] and more", "goes on with 'and more' after its list"),
        (b'["\xff"]', "not UTF-8"),
        (gzip.compress(b"[1, 2, 3]" * 50)[:-12], "cut short or damaged"),
        (b"[" + b"9" * 5_000 + b", 1]", "not readable: Exceeds the limit"),
        (b"[" * 200_000, "nested too deeply"),
    ],
)
def test_bad_files(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        list(json_records(path, "a list"))
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    assert words in message
