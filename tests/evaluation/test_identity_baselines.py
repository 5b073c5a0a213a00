from dataclasses import replace

import numpy as np
import pytest

from matryo.data.views import View
from matryo.errors import MatryoError
from matryo.evaluation.identity import measure_identity
from matryo.evaluation.identity_baselines import BASELINES, known_baselines, measure_baselines, oracle_labels


@pytest.fixture
def views(make_views):
    return make_views()


@pytest.fixture
def found(views, make_views):
    return measure_baselines(views, training=make_views(100, 9), seed=0, sizes=(20, 60))


def test_they_are_asked_what_systems_are_asked(views, found, make_vectors):
    measured = measure_identity(
        views, *make_vectors(views), dims=(8,), prefix_dim=8, twins=make_vectors(views), seed=0, sizes=(20, 60),
        n_permutations=20,
    )  # fmt: skip
    assert tuple(found) == BASELINES
    for baseline in found.values():
        assert baseline.digest == measured.digest
        assert baseline.galleries == measured.galleries
        for key, search in measured.searches.items():
            np.testing.assert_array_equal(search.people, baseline.searches[key].people)
            assert search.size == baseline.searches[key].size
        for domain, triplets in measured.triplets.items() if baseline is not found["co-occurrence"] else ():
            np.testing.assert_array_equal(triplets.people, baseline.triplets[domain].people)


def test_chance_is_chance(found):
    chance = found["chance"]
    assert chance.mean("hit@1", gallery="random 20") == pytest.approx(1 / 20)
    assert chance.mean("hit@10", gallery="random 60") == pytest.approx(10 / 60)
    assert chance.mean("rank", gallery="random 60") == pytest.approx(30.5)
    assert chance.mean("hit@1", gallery="twin pair") == 0.5
    assert chance.triplet_values("dating").values.tolist() == [0.5] * 30
    assert {one.auc for one in chance.open_set} == {0.5}


def test_pairs_of_words_across_domains_say_nothing_of_triplets_within_one(found):
    assert {name: sorted(one.triplets) for name, one in found.items()} == {
        **{name: ["dating", "hiring"] for name in BASELINES},
        "co-occurrence": [],
    }


def test_words_find_people_who_share_words_and_templates_drawn_apart_find_nobody(found):
    best = {name: one.mean("hit@1", gallery="random 60") for name, one in found.items()}
    assert best["TF-IDF"] > 0.9
    assert best["BM25"] > 0.7
    assert best["character n-grams"] > 0.7
    # the toy's own words are the same in both domains, and training has few of each: 60 texts, 1 of them by chance
    assert best["co-occurrence"] > 0.2
    assert best["template"] < 0.08
    # 3 cities x 3 careers: a partner is one of about 60 / 9 who share both
    assert best["attribute oracle"] == pytest.approx(9 / 60, abs=0.08)
    assert found["attribute oracle"].mean("hit@1", gallery="hard 20") < 0.3
    # a twin shares as many words as the partner
    assert 0.25 < found["TF-IDF"].mean("hit@1", gallery="twin pair") < 0.75
    assert found["TF-IDF"].open_set[0].auc > 0.9


def test_a_template_leak_is_found(make_views):
    """The leak of the first such data: the second template is a shift of the first one."""
    shift = {"t0": "t3", "t1": "t0", "t2": "t1", "t3": "t2"}

    def leaking(views):
        first = dict(zip(views.a.entities.tolist(), views.a.labels["template"], strict=True))
        labels = {**views.b.labels, "template": tuple(shift[first[e]] for e in views.b.entities.tolist())}
        return replace(views, b=replace(views.b, labels=labels), twins=None)

    views, training = leaking(make_views(80, 0)), leaking(make_views(200, 5))
    found = measure_baselines(views, training=training, seed=0, names=["template"], sizes=(20, 80))["template"]
    # recognising one of 4 templates cuts the gallery by 4
    assert found.mean("hit@1", gallery="random 80") == pytest.approx(4 / 80, rel=0.1)
    assert found.mean("rank", gallery="random 80") < 13


def test_what_views_do_not_know_is_left_out(views, make_views):
    bare = replace(views, a=replace(views.a, labels={}), twins=None)
    assert known_baselines(views, None) == ("chance", "TF-IDF", "BM25", "character n-grams", "attribute oracle")
    assert known_baselines(bare, make_views(20, 9)) == (
        "chance", "TF-IDF", "BM25", "character n-grams", "co-occurrence",
    )  # fmt: skip
    assert oracle_labels(views) == ("career", "city")
    with pytest.raises(MatryoError, match="'template' is none of those these views allow: chance, TF-IDF"):
        measure_baselines(views, seed=0, names=["template"])
    with pytest.raises(MatryoError, match="'co-occurrence' is none of those these views allow"):
        measure_baselines(views, seed=0, names=["co-occurrence"])
    with pytest.raises(MatryoError, match="'guess'"):
        measure_baselines(views, seed=0, names=["guess"])


def test_triplets_by_words(make_views):
    views = make_views(3, twins=False)
    texts = ("red apple pie", "red apple cake", "blue sky")
    a = View("dating", views.a.ids, texts, views.a.entities)
    mined = views.mined._replace(triplets=(np.array([[0, 1, 2], [0, 2, 1], [2, 0, 1]]), views.mined.triplets[1][:0]))
    told = replace(views, a=a, b=replace(views.b, texts=("red pie", "a cake", "the sky"), labels={}), mined=mined)
    # three people leave one unmatched query, so that more are made
    more = measure_baselines(_wider(told), seed=0, names=["TF-IDF", "BM25"], sizes=(2, 3))
    for one in more.values():
        assert one.triplet_values("dating").values.tolist() == [1.0, 0.0, 0.5]
        assert list(one.triplets) == ["dating"]


def _wider(views):
    """The same views with three more people in both domains."""

    def wider(view):
        number = np.arange(3, 6)
        return View(
            view.domain,
            (*view.ids, *(f"more {i}" for i in number)),
            (*view.texts, "w1 w2", "w3 w4", "w5 w6"),
            np.concatenate([view.entities, number]),
        )

    return replace(views, a=wider(views.a), b=wider(views.b), groups=(*views.groups, "x", "y", "z"))
