"""Rules that match strings: values worked by hand, and scikit-learn beside them."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from matryo.data.views import View, Views
from matryo.evaluation.identity_rules import Texts
from matryo.evaluation.shared_tokens import character_rule, length_rule, names_and_numbers, overlap_rule


def sides(queries: list[str], gallery: list[str]) -> tuple[Texts, Texts]:
    return Texts("x", tuple(queries), {}), Texts("y", tuple(gallery), {})


QUERIES = ["a red house", "a green tree", "!"]
GALLERY = ["a red tree", "the sea", "A GREEN, GREEN tree", "?"]


def test_jaccard_by_hand() -> None:
    scores = overlap_rule(by_rarity=False)(*sides(QUERIES, GALLERY))(np.array([0, 1, 2]))
    assert scores == pytest.approx(np.array([[2 / 4, 0, 1 / 5, 0], [2 / 4, 0, 1, 0], [0, 0, 0, 0]]))


def test_rare_words_weigh_more_by_hand() -> None:
    scores = overlap_rule(by_rarity=True)(*sides(QUERIES[:2], GALLERY[:2]))(np.array([1, 0]))
    # four texts: "a" stands in three of them, "red" and "tree" in two, "house" and "green" in one
    a, two, one = np.log(4 / 3), np.log(2), np.log(4)
    assert scores == pytest.approx(
        np.array([[(a + two) / (a + two + two + one), 0], [(a + two) / (a + two + two + one), 0]])
    )


def test_a_word_of_every_text_weighs_nothing() -> None:
    assert not overlap_rule(by_rarity=True)(*sides(["the cat"], ["the dog"]))(np.array([0])).any()


def test_names_and_numbers() -> None:
    assert names_and_numbers("Yes. He read (The) Hobbit! In 2001, by R.R. and Tolkien") == [
        "the", "hobbit", "2001", "r.r", "tolkien",
    ]  # fmt: skip
    assert names_and_numbers('"Quoted" words. nothing else here') == []
    assert names_and_numbers("") == []


def test_inflected_words_match_by_characters() -> None:
    queries, gallery = ["parsing headers", "green trees"], ["a header parser", "the tree is greenish", "sea"]
    views = Views("made", *(
        View(domain, tuple(map(str, range(len(texts)))), tuple(texts), np.arange(len(texts)))
        for domain, texts in (("x", queries), ("y", gallery))
    ), ("0", "1", "2"))  # fmt: skip
    scores = character_rule(views)(*sides(queries, gallery))(np.array([1, 0]))
    assert scores.argmax(axis=1).tolist() == [1, 0]
    assert scores[:, 2].tolist() == [0, 0]
    own = character_rule(views)(*sides(queries, queries))(np.array([0, 1]))
    assert np.diagonal(own) == pytest.approx(np.ones(2), abs=1e-6)


def test_characters_equal_sklearn_and_are_weighed_by_all_texts(make_views) -> None:
    views, training = make_views(20), make_views(10, 3)
    model = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    for taught in (training, None):
        parts = [views, training] if taught else [views]
        model.fit([text for part in parts for view in (part.a, part.b) for text in view.texts]
                  + [text for view in views.twins for text in view.texts])  # fmt: skip
        got = character_rule(views, taught)(Texts.of(views.a), Texts.of(views.twins[1]))(np.arange(20))
        expected = cosine_similarity(model.transform(views.a.texts), model.transform(views.twins[1].texts))
        assert got == pytest.approx(expected, abs=1e-5)


def test_lengths_are_compared_within_each_domain() -> None:
    short, long = [length * "x" for length in (3, 9, 27)], [length * "y" for length in (2700, 300, 900)]
    scores = length_rule()(*sides(short, long))(np.arange(3))
    assert scores.argmax(axis=1).tolist() == [1, 2, 0]
    assert (scores <= 0).all()


def test_equal_lengths_tie() -> None:
    scores = length_rule()(*sides(["abc", "def"], ["xy", "zw"]))(np.array([0, 1]))
    assert np.ptp(scores) == 0
