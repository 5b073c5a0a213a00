import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.measures.edits import edit_shares
from matryo.measures.list_agreement import compare_lists
from matryo.measures.neighbours import jaccard, mutual_neighbours, nearest_neighbours
from matryo.measures.rank_overlap import rank_harmonic, rbo_lists


def test_each_part_is_its_measure(rng):
    a, b = (nearest_neighbours(rng.normal(size=(30, 4)), 8) for _ in range(2))
    found = compare_lists(a, b, (2, 8), n_candidates=29, p=0.7)
    assert (found.depths, found.n_candidates, found.p) == ((2, 8), 29, 0.7)
    for part, measure in (
        (found.mutual, mutual_neighbours),
        (found.jaccard, jaccard),
        (found.rank_harmonic, rank_harmonic),
        (found.edit_shares, edit_shares),
    ):
        np.testing.assert_array_equal(part, measure(a, b, (2, 8)))
    np.testing.assert_array_equal(found.rbo, rbo_lists(a, b, 0.7))
    assert found.chance.tolist() == [2 / 29, 8 / 29]
    assert compare_lists(a, b, n_candidates=29).depths == tuple(range(1, 9))


def test_equal_lists_agree_wholly(rng):
    a = nearest_neighbours(rng.normal(size=(12, 4)), 5)
    found = compare_lists(a, a, n_candidates=11)
    assert (found.mutual == 1).all() and (found.jaccard == 1).all() and (found.edit_shares == 0).all()
    np.testing.assert_allclose(found.rank_harmonic, 1.0)
    np.testing.assert_allclose(found.rbo, 1.0)


def test_fewer_candidates_than_places():
    with pytest.raises(MatryoError, match="at least 3, the length of the lists, got 2"):
        compare_lists(np.arange(3)[None], np.arange(3)[None], n_candidates=2)
