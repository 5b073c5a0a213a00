from dataclasses import replace

import numpy as np
import pytest

from matryo.data.views import View, Views
from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.identity import Part, measure_identity
from matryo.measures.cka import cka_test
from matryo.measures.collapse import collapse
from matryo.measures.identity import partner_ranks, triplet_hits
from matryo.prefix import cut

SETTINGS = {"dims": (4, 8, 16, 24), "prefix_dim": 8, "seed": 3, "sizes": (20, 60), "n_permutations": 40}


@pytest.fixture
def views(make_views):
    return make_views()


@pytest.fixture
def vectors(views, make_vectors):
    return make_vectors(views)


def test_identity_is_found_where_it_stands(views, vectors):
    found = measure_identity(views, *vectors, **SETTINGS)
    best = {column: found.mean("hit@1", column, gallery="random 60") for column in found.columns}
    assert max(best, key=best.get) == "prefix 8" == found.main_column
    assert best["prefix 8"] > 0.35
    assert best["rest"] < 0.08
    assert found.mean("hit@1", "random 8", gallery="random 60") < 0.2
    assert best["shuffled 24"] == best["prefix 24"]
    assert found.galleries == ("random 20", "random 60", "hard 20")
    assert found.directions == ("dating->hiring", "hiring->dating")
    # twice the numbers of one gallery than of a smaller one never help
    assert found.mean("rank", gallery="random 60") > found.mean("rank", gallery="random 20")


def test_values_are_those_of_the_measures(views, vectors):
    a, b = vectors
    found = measure_identity(views, a, b, **SETTINGS)
    cut_a, cut_b = cut(a, 8), cut(b, 8)
    for direction, left, right, queries, gallery in (
        ("dating->hiring", cut_a, cut_b, views.a, views.b),
        ("hiring->dating", cut_b, cut_a, views.b, views.a),
    ):
        scores = left @ right.T
        partner = np.array([np.flatnonzero(gallery.entities == entity)[0] for entity in queries.entities])
        own = scores[np.arange(60), partner]
        ranks = 1 + (scores > own[:, None]).sum(axis=1)
        rank, hit, mrr, margin = (
            found.values(name, gallery="random 60", direction=direction) for name in ("rank", "hit@5", "MRR", "margin")
        )
        assert rank.values.tolist() == ranks.tolist()
        assert hit.values.tolist() == (ranks <= 5).tolist()
        np.testing.assert_allclose(mrr.values, 1 / ranks)
        scores[np.arange(60), partner] = -np.inf
        np.testing.assert_allclose(margin.values, own - scores.max(axis=1), atol=1e-6)
        np.testing.assert_array_equal(rank.people, queries.entities)
    both = found.values("rank", gallery="random 60")
    assert len(both.values) == len(both.people) == 120


def test_both_directions_are_measured(views, vectors, make_vectors):
    a, b = vectors
    hub = b.copy()
    hub[0] = a.mean(axis=0) * 10  # one text that is near all: it spoils a -> b, and not b -> a
    found = measure_identity(views, a, hub, **SETTINGS)
    plain = measure_identity(views, a, b, **SETTINGS)
    there, back = found.directions
    assert not np.array_equal(
        found.values("rank", gallery="random 60", direction=there).values,
        plain.values("rank", gallery="random 60", direction=there).values,
    )
    np.testing.assert_array_equal(
        found.values("rank", gallery="random 60", direction=back).values[1:],
        plain.values("rank", gallery="random 60", direction=back).values[1:],
    )


def test_panels_are_those_of_the_measures(views, vectors):
    a, b = vectors
    found = measure_identity(views, a, b, **SETTINGS)
    assert found.collapse["dating", "prefix 8"] == collapse(a[:, :8])
    assert found.collapse["hiring", "rest"] == collapse(b[:, 8:])
    assert len(found.collapse) == 10
    order = np.argsort(views.b.entities)
    assert found.cka[1] == cka_test(cut(a, 8), cut(b[order], 8), n_permutations=40, seed=3)
    assert found.cka[1].p_value < 0.05
    # the bend at K is gone when columns are shuffled, and the full width does not know of any order
    assert found.shuffled_cka[3] == pytest.approx(found.cka[3].debiased)
    assert found.shuffled_cka[1] < found.cka[1].debiased - 0.1
    assert [one.dim for one in found.cka] == [4, 8, 16, 24]
    for domain, x, rows in zip(("dating", "hiring"), vectors, views.mined.triplets, strict=True):
        expected = np.einsum("ij,ij->i", cut(x, 24)[rows[:, 0]], cut(x, 24)[rows[:, 1]] - cut(x, 24)[rows[:, 2]]) > 0
        assert found.triplet_values(domain).values.tolist() == expected.tolist()
        assert found.triplets[domain].columns == ("prefix 4", "prefix 8", "prefix 16", "prefix 24", "rest")
    assert {(one.direction, one.column) for one in found.open_set} == {
        (direction, column) for direction in found.directions for column in found.triplets["dating"].columns
    }


def test_twins(views, vectors, make_vectors):
    twins = make_vectors(views, 1, twins=True)
    found = measure_identity(views, *vectors, twins=twins, **SETTINGS)
    assert found.galleries[3:] == ("twin 20", "twin 60", "twin pair")
    two_way = found.values("hit@1", gallery="twin pair", direction="dating->hiring")
    left, right, beside = cut(vectors[0], 8), cut(vectors[1], 8), cut(twins[1], 8)
    partner = np.argsort(views.b.entities)
    expected = np.einsum("ij,ij->i", left, right[partner]) > np.einsum("ij,ij->i", left, beside)
    assert two_way.values.tolist() == expected.tolist()
    # all others are in the gallery, and the twin is one more
    assert found.searches["dating->hiring", "twin 60"].size == 61
    gained = (
        found.values("rank", gallery="twin 60", direction="dating->hiring").values
        - found.values("rank", gallery="random 60", direction="dating->hiring").values
    )
    np.testing.assert_array_equal(gained, 1.0 - expected)
    same = measure_identity(views, *vectors, twins=(vectors[0], vectors[1][partner]), **SETTINGS)
    assert same.mean("hit@1", gallery="twin pair", direction="dating->hiring") == 0.5


def test_probes_are_fitted_on_other_people(views, vectors, make_views, make_vectors):
    other = make_views(40, 8)
    fit = Part(other, *make_vectors(other, 8))
    found = measure_identity(views, *vectors, fit=fit, probe_labels=("career",), **SETTINGS)
    assert {(one.target, one.column, one.classifier) for one in found.probes} == {
        (target, column, kind)
        for target in ("domain", "career")
        for column in ("prefix 8", "rest")
        for kind in ("linear", "mlp")
    }
    assert {one.n_fit for one in found.probes} == {80}
    with pytest.raises(MatryoError, match="in both parts"):
        measure_identity(views, *vectors, fit=Part(views, *vectors), **SETTINGS)


def test_rows_without_a_partner_and_entities_with_several(rng):
    entities_a, entities_b = np.array([0, 0, 1, 2, 3, 8, 9]), np.array([3, 2, 1, 1, 0, 5])
    names = tuple(str(i) for i in range(10))
    views = Views(
        "v",
        View("x", tuple("abcdefg"), ("t",) * 7, entities_a),
        View("y", tuple("abcdef"), ("t",) * 6, entities_b),
        names,
    )
    a, b = rng.normal(size=(7, 4)), rng.normal(size=(6, 4))
    found = measure_identity(views, a, b, dims=(2, 4), prefix_dim=2, seed=0, sizes=(3, 9), n_permutations=20)
    assert found.values("rank", gallery="random 9", direction="x->y").people.tolist() == [0, 0, 1, 2, 3]
    assert found.values("rank", gallery="random 9", direction="y->x").people.tolist() == [3, 2, 1, 1, 0]
    assert found.cka[0].n == 4
    assert found.triplets == {}
    assert {(one.direction, one.n_matched + one.n_unmatched) for one in found.open_set} == {("x->y", 7), ("y->x", 6)}


def test_the_same_seed_gives_the_same_numbers(views, vectors):
    one, same = (measure_identity(views, *vectors, **SETTINGS) for _ in range(2))
    assert one.summary() == same.summary()
    other = measure_identity(views, *vectors, **{**SETTINGS, "seed": 4})
    assert other.digest != one.digest
    assert other.summary() != one.summary()


def test_the_full_width_is_always_measured(views, vectors):
    found = measure_identity(views, *vectors, **{**SETTINGS, "dims": [8, 4]})
    assert found.dims == (4, 8, 24)


def test_the_whole_width_as_prefix_has_no_rest(views, vectors):
    a, b = (x[:, :8].copy() for x in vectors)
    found = measure_identity(views, a, b, **{**SETTINGS, "dims": (4, 8)})
    assert "rest" not in found.columns
    assert ("dating", "rest") not in found.collapse


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda v, a, b: (v, a[:-1], b, None), ShapeError, "one vector for each of the 60 texts of dating"),
        (lambda v, a, b: (v, a, b[:, :8], None), ShapeError, "24 wide, got shape"),
        (lambda v, a, b: (v, a, b, (a[:5], b)), ShapeError, "twins of a must be"),
        (lambda v, a, b: (replace(v, twins=None), a, b, (a, b)), MatryoError, "has no twins"),
        (lambda v, a, b: (v, np.where(a > 2, np.nan, a), b, None), ShapeError, "a must be finite"),
    ],
)
def test_bad_input(views, vectors, change, error, words):
    changed, a, b, twins = change(views, *vectors)
    with pytest.raises(error, match=words) as caught:
        measure_identity(changed, a, b, twins=twins, **SETTINGS)
    assert type(caught.value) is error


def test_bad_dims(views, vectors):
    with pytest.raises(ShapeError, match=r"within 1\.\.24"):
        measure_identity(views, *vectors, **{**SETTINGS, "dims": (8, 32)})
    with pytest.raises(ShapeError, match="must be one of the dims"):
        measure_identity(views, *vectors, **{**SETTINGS, "prefix_dim": 6})


def test_searches_equal_partner_ranks(views, vectors):
    from matryo.measures.identity import identity_columns

    found = measure_identity(views, *vectors, **SETTINGS)
    columns = identity_columns(24, (4, 8, 16, 24), 8, seed=3)
    ranks = partner_ranks(*vectors, views.a.entities, views.b.entities, columns)
    np.testing.assert_array_equal(found.searches["dating->hiring", "random 60"].ranks.rank, ranks.rank)
    hits = triplet_hits(vectors[0], views.mined.triplets[0], columns[:2])
    np.testing.assert_array_equal(found.triplets["dating"].hits, hits)
