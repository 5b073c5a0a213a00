import numpy as np
import pytest

from matryo.data.views import View
from matryo.errors import MatryoError
from matryo.evaluation.galleries import galleries, gallery_size


def view(domain, entities, cities=None, careers=None):
    labels = {} if cities is None else {"city": tuple(cities), "career": tuple(careers)}
    n = len(entities)
    return View(domain, tuple(f"{domain}{i}" for i in range(n)), ("text",) * n, np.asarray(entities), labels)


@pytest.fixture
def labelled(rng):
    cities, careers = rng.choice(list("abc"), 60), rng.choice(list("xyz"), 60)
    order = rng.permutation(60)
    return view("a", np.arange(60), cities, careers), view("b", order, cities[order], careers[order])


def test_random_galleries_hold_that_many_others(labelled):
    a, b = labelled
    found = galleries(a, b, sizes=(10, 30, 60), seed=0)
    assert list(found) == ["random 10", "random 30", "random 60", "hard 10"]
    for size in (10, 30):
        rows = found[f"random {size}"].rows
        assert rows.shape == (60, size - 1)
        assert all(len(set(row)) == size - 1 for row in rows.tolist())
        assert (b.entities[rows] != a.entities[:, None]).all()
        assert gallery_size(found[f"random {size}"], a.entities, b.entities) == size
    assert found["random 60"].rows is None
    assert gallery_size(found["random 60"], a.entities, b.entities) == 60
    # others are drawn evenly
    drawn = np.bincount(found["random 30"].rows.ravel(), minlength=60)
    assert drawn.min() > 15
    assert drawn.max() < 45


def test_galleries_depend_on_the_seed_only(labelled):
    a, b = labelled
    one, same, other = (galleries(a, b, sizes=(10, 60), seed=seed) for seed in (1, 1, 2))
    for name in one:
        np.testing.assert_array_equal(one[name].rows, same[name].rows)
    assert not np.array_equal(one["random 10"].rows, other["random 10"].rows)


def test_hard_rivals_are_those_who_share_most(labelled):
    a, b = labelled
    found = galleries(a, b, sizes=(25, 60), seed=0)["hard 25"]
    for query, rows in zip(found.queries.tolist(), found.rows.tolist(), strict=True):

        def likeness(row, query=query):
            career = a.labels["career"][query] == b.labels["career"][row]
            return 2 * career + (a.labels["city"][query] == b.labels["city"][row])

        others = [row for row in range(60) if b.entities[row] != a.entities[query]]
        best = sorted((likeness(row) for row in others), reverse=True)[:24]
        chosen = sorted((likeness(row) for row in rows if row >= 0), reverse=True)
        assert chosen == [value for value in best if value > 0]


def test_hard_galleries_hold_nobody_who_shares_nothing():
    a = view("a", [0, 1, 2], ["p", "q", "p"], ["x", "y", "z"])
    b = view("b", [0, 1, 2], ["p", "q", "p"], ["x", "y", "z"])
    found = galleries(a, b, sizes=(3, 4), seed=0)["hard 3"]
    assert [sorted(row) for row in found.rows.tolist()] == [[-1, 2], [-1, -1], [-1, 0]]
    assert gallery_size(found, a.entities, b.entities) == pytest.approx((2 + 1 + 2) / 3)


def test_without_labels_there_is_no_hard_gallery():
    a, b = view("a", [0, 1, 2]), view("b", [0, 1, 2])
    assert list(galleries(a, b, sizes=(2, 3), seed=0)) == ["random 2", "random 3"]


def test_twins_take_the_place_of_one_other():
    a, b = view("a", [0, 1, 2, 3, 9]), view("b", [3, 2, 1, 0, 0])
    twins = view("b", [2, 0, 0])
    found = galleries(a, b, twins, sizes=(3, 10), seed=0)
    assert found["random 3"].queries.tolist() == [0, 1, 2, 3]
    assert found["twin 3"].queries.tolist() == [0, 2]
    assert found["twin 3"].extra.tolist() == [1, 0]
    np.testing.assert_array_equal(found["twin 3"].rows, found["random 3"].rows[[0, 2], :1])
    assert found["twin 10"].rows is None
    assert found["twin pair"].rows.shape == (2, 0)
    sizes = {name: gallery_size(one, a.entities, b.entities) for name, one in found.items()}
    # entity 0 has two partners, which count as one
    assert sizes == {"random 3": 3.0, "random 10": 4.75, "twin 3": 3.0, "twin 10": 5.5, "twin pair": 2.0}


def test_many_queries_are_sampled(labelled):
    a, b = labelled
    found = galleries(a, b, sizes=(5, 60), max_queries=20, seed=0)
    queries = found["random 5"].queries
    assert len(queries) == 20
    assert (np.diff(queries) > 0).all()
    assert found["random 5"].rows.shape == (20, 4)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"sizes": (1, 5)}, "sizes of at least 2"), ({"hard_labels": ("city",)}, "two labels")],
)
def test_bad_settings(labelled, settings, words):
    with pytest.raises(MatryoError, match=words):
        galleries(*labelled, **settings, seed=0)


def test_views_without_a_match():
    with pytest.raises(MatryoError, match="no text of a has a partner"):
        galleries(view("a", [0]), view("b", [1]), seed=0)
