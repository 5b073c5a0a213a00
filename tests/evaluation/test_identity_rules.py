import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics.pairwise import cosine_similarity

from matryo.data.views import View, Views
from matryo.evaluation import identity_rules
from matryo.evaluation.identity_rules import (
    Texts,
    TextScores,
    bm25_rule,
    chance_rule,
    oracle_rule,
    template_rule,
    tf_idf_rule,
)
from matryo.search.bm25 import BM25


def view(domain, entities, **labels):
    n = len(entities)
    texts = tuple(f"text {i}" for i in range(n))
    return View(domain, tuple(f"{domain}{i}" for i in range(n)), texts, np.array(entities), labels)


def training_of(pairs):
    """Views of entities with these pairs of templates."""
    left, right = zip(*pairs, strict=True)
    number = list(range(len(pairs)))
    a, b = view("x", number, template=left), view("y", number, template=right)
    return Views("training", a, b, tuple(map(str, number)))


def test_templates_that_met_are_preferred_by_lift():
    # t meets u three times of three, t' meets u' once of one: 4 entities
    rule = template_rule(training_of([("t", "u"), ("t", "u"), ("t", "u"), ("t'", "u'")]))
    queries = Texts("x", ("",) * 3, {"template": ("t", "t'", "new")})
    gallery = Texts("y", ("",) * 3, {"template": ("u'", "u", "unseen")})
    # (n + 1) / (e + 1): t u: 4 / (9/4 + 1); t u': 1 / (3/4 + 1); t' u: 1 / (3/4 + 1); t' u': 2 / (1/4 + 1)
    expected = [[1 / 1.75, 4 / 3.25, 1.0], [2 / 1.25, 1 / 1.75, 1.0], [1.0, 1.0, 1.0]]
    np.testing.assert_allclose(rule(queries, gallery)(np.arange(3)), expected, rtol=1e-6)
    np.testing.assert_allclose(rule(gallery, queries)(np.arange(3)), np.transpose(expected), rtol=1e-6)
    # within one domain nothing is known of pairs
    assert not rule(queries, queries)(np.arange(3)).any()


def test_tf_idf_equals_sklearn(make_views):
    views, training = make_views(20), make_views(10, 3)
    rule = tf_idf_rule(training, views)
    known = [*training.a.texts, *training.b.texts, *views.a.texts, *views.b.texts]
    known += [*views.twins[0].texts, *views.twins[1].texts]
    model = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit(known)
    expected = cosine_similarity(model.transform(views.a.texts), model.transform(views.b.texts))
    got = rule(Texts.of(views.a), Texts.of(views.b))(np.arange(20))
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_bm25_is_the_projects_own(make_views):
    views = make_views(12)
    got = bm25_rule()(Texts.of(views.a), Texts.of(views.b))(np.array([3, 1]))
    hits = BM25.build(views.b.texts).search([views.a.texts[3], views.a.texts[1]], k=12)
    for row in range(2):
        scored = {int(r): s for r, s in zip(hits.rows[row], hits.scores[row], strict=True) if r >= 0}
        assert got[row].tolist() == [scored.get(column, 0.0) for column in range(12)]


def test_the_oracle_counts_equal_labels():
    queries = Texts("x", ("", ""), {"city": ("Oslo", "Rome"), "mbti": ("INTJ", "ESFP"), "age": ("30", "40")})
    gallery = Texts("y", ("", ""), {"city": ("Rome", "Oslo"), "mbti": ("INTJ", "INTJ"), "age": ("30", "20")})
    got = oracle_rule(("city", "mbti", "age"))(queries, gallery)(np.array([0, 1]))
    np.testing.assert_allclose(got, [[2 / 3, 2 / 3], [1 / 3, 0.0]])


def test_chance_ties_all():
    queries = Texts("x", ("a", "b"), {})
    assert chance_rule()(queries, queries)(np.array([1])).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize("kept", [True, False])
def test_scores_of_twins_stand_behind_the_gallery(make_views, monkeypatch, kept):
    monkeypatch.setattr(identity_rules, "_KEPT_SCORES", 10_000 if kept else 0)
    views = make_views(20)
    rule = tf_idf_rule(None, views)
    scores = TextScores(rule, views.a, views.b, views.twins[1])
    rows, extra = np.array([4, 19, 0]), np.array([0, 3, 19])
    whole = rule(Texts.of(views.a), Texts.of(views.twins[1]))(np.arange(20))
    np.testing.assert_allclose(scores.pairs(rows, extra), whole[rows, extra][None], rtol=1e-5)
    (block,) = scores.blocks(rows)
    block[:] = -np.inf  # who changes a block must not change the next one
    (again,) = scores.blocks(rows)
    np.testing.assert_allclose(again, rule(Texts.of(views.a), Texts.of(views.b))(rows), rtol=1e-5)


def test_only_labels_that_twins_know_too_are_seen():
    base, twins = view("x", [0], city=("Oslo",), age=("30",)), view("x", [0], city=("Rome",))
    assert Texts.of(base, twins).labels == {"city": ("Oslo", "Rome")}
