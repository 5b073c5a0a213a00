import logging
import math

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.search import BM25
from matryo.search.bm25 import words

TEXTS = ["the red house", "a green tree and a red tree", "", "House of the tree house", "nothing in common"]


def by_hand(query: str, texts: list[str], k1: float, b: float) -> np.ndarray:
    """Lucene's BM25, term by term."""
    documents = [words(t) for t in texts]
    mean = sum(map(len, documents)) / len(documents)
    scores = np.zeros(len(texts))
    for word in words(query):
        df = sum(word in d for d in documents)
        idf = math.log(1 + (len(texts) - df + 0.5) / (df + 0.5))
        for row, d in enumerate(documents):
            tf = d.count(word)
            scores[row] += tf and idf * tf / (tf + k1 * (1 - b + b * len(d) / mean))
    return scores


@pytest.mark.parametrize(("k1", "b"), [(1.5, 0.75), (0.9, 0.4), (1.2, 0.0), (0.0, 1.0)])
def test_scores_worked_by_hand(k1: float, b: float) -> None:
    hits = BM25.build(TEXTS, k1=k1, b=b).search(["red tree house", "tree tree", "the"], 5)
    for at, query in enumerate(["red tree house", "tree tree", "the"]):
        expected = by_hand(query, TEXTS, k1, b)
        found = hits.rows[at][hits.rows[at] >= 0]
        assert set(found) == set(np.flatnonzero(expected))
        np.testing.assert_allclose(hits.scores[at, : len(found)], expected[found], rtol=1e-5)
        assert (np.diff(expected[found]) <= 1e-6).all()


def test_a_document_without_a_shared_word_is_no_hit() -> None:
    hits = BM25.build(TEXTS).search(["green", "", "unheard of?!", "zzz", "..."], 3)
    assert hits.rows.tolist() == [[1, -1, -1], [-1] * 3, [3, -1, -1], [-1] * 3, [-1] * 3]
    assert np.isneginf(hits.scores[hits.rows == -1]).all()


def test_equal_scores_are_ordered_by_row() -> None:
    texts = ["x y", "a b"] * 50
    hits = BM25.build(texts).search(["a", "y"], 7)
    assert hits.rows.tolist() == [[1, 3, 5, 7, 9, 11, 13], [0, 2, 4, 6, 8, 10, 12]]


def test_k_beyond_the_documents_and_below_one() -> None:
    index = BM25.build(TEXTS)
    assert index.search(["tree"], 9).rows.shape == (1, 9)
    assert index.search([], 2).rows.shape == (0, 2)
    with pytest.raises(MatryoError, match="k must be at least 1"):
        index.search(["tree"], 0)


@pytest.mark.parametrize("texts", [[], [""], ["", "...", "_"]])
def test_documents_without_words_find_nothing(texts: list[str]) -> None:
    index = BM25.build(iter(texts))
    assert index.n_documents == len(texts)
    assert index.search(["tree", ""], 2).rows.tolist() == [[-1, -1], [-1, -1]]


def test_words_ignore_case_and_part_at_underscores() -> None:
    assert words("parse_HTTPHeader(x1) Größe, naïve 東京") == ["parse", "httpheader", "x1", "größe", "naïve", "東京"]


def test_settings_state_what_decides_a_score() -> None:
    index = BM25.build(TEXTS, k1=1.2, b=0.6)
    assert index.settings.items() >= {"variant": "lucene", "k1": 1.2, "b": 0.6, "stemmer": "none"}.items()
    assert "[^\\W_]+" in index.settings["tokenizer"]
    index.settings["k1"] = 3.0
    assert index.settings["k1"] == 1.2


def test_bad_settings_and_a_single_text_are_refused() -> None:
    for bad in ({"k1": -1.0}, {"k1": float("nan")}, {"b": 1.5}, {"b": -0.1}):
        with pytest.raises(MatryoError, match="k1 must be at least 0 and b within"):
            BM25.build(TEXTS, **bad)
    with pytest.raises(MatryoError, match="list of texts"):
        BM25.build(TEXTS).search("tree", 3)


def test_it_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    logging.basicConfig(level=logging.INFO, force=True)
    BM25.build(TEXTS).search(["tree"], 2)
    assert capfd.readouterr() == ("", "")
