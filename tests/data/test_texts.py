"""Texts that are read again and again."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.texts import Text, Texts, few
from matryo.errors import MatryoError

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
UNIQUE = st.lists(TEXT, unique=True)


def test_streamed_texts_start_anew_and_are_counted_once() -> None:
    starts = []

    def read() -> Iterator[Text]:
        starts.append(1)
        yield Text("a", "1")
        yield Text("b", "2", "g")

    texts = Texts(read, "two")
    assert [t.id for t in texts] == texts.ids() == ["a", "b"]
    assert len(texts) == len(texts) == 2
    assert len(starts) == 3
    assert bool(texts)
    assert not Texts.of([], [])


def test_digest_worked_by_hand() -> None:
    parts = [b"a", "ü".encode(), b"b", b""]
    expected = hashlib.sha256(b"".join(len(p).to_bytes(8, "little") + p for p in parts)).hexdigest()
    assert Texts.of(["a", "b"], ["ü", ""]).digest() == expected


@given(UNIQUE, st.data())
def test_digest_tells_apart_what_runs_together(ids: list[str], data: st.DataObject) -> None:
    texts = data.draw(st.lists(TEXT, min_size=len(ids), max_size=len(ids)))
    digest = Texts.of(ids, texts).digest()
    assert digest == Texts.of(ids, texts, ["g"] * len(ids), name="other").digest()
    if ids:
        assert digest != Texts.of(ids, [texts[0] + "x", *texts[1:]]).digest()
        assert digest != Texts.of(ids[:-1], texts[:-1]).digest()


def test_border_between_id_and_text_counts() -> None:
    assert Texts.of(["ab"], ["c"]).digest() != Texts.of(["a"], ["bc"]).digest()


def test_bad_input() -> None:
    with pytest.raises(MatryoError, match="2 ids, 1 texts"):
        Texts.of(["a", "b"], ["x"])
    with pytest.raises(MatryoError, match="1 ids occur more than once: 'a'"):
        Texts.of(["a", "a", "a"], ["x", "y", "z"])


def test_few() -> None:
    assert few(["a"]) == "'a'"
    assert few([str(i) for i in range(1003)]) == "'0', '1', '2' and 1,000 more"
