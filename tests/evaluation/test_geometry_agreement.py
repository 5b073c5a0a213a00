"""Neighbours found by an order of the columns, against a hand-worked case, a slow loop and the exact search."""

import numpy as np
import pytest

from matryo.evaluation.geometry_agreement import Neighbours
from matryo.prefix import cut
from matryo.search.exact import search_prefixes


def test_agreement_worked_by_hand() -> None:
    # row 1 is nearest to row 0, by all numbers and by the second alone; by the first alone it is row 2
    rows = np.array([[0.6, 0.8, 0.0], [-0.1, 0.8, 0.0], [0.6, 0.0, 0.8], [-0.6, -0.8, 0.0]])
    space = Neighbours(rows, n_queries=1, k=1)
    assert space.agreement((0, 1, 2), (1, 2, 3)).tolist() == [[0.0, 1.0, 1.0]]
    assert space.agreement((1, 0, 2), (1,)).tolist() == [[1.0]]


@pytest.mark.parametrize("k", [1, 5])
def test_agreement_is_that_of_the_exact_search(rng: np.random.Generator, k: int) -> None:
    rows = rng.normal(size=(80, 12)).astype(np.float32)
    order = rng.permutation(12)
    found = Neighbours(rows, n_queries=15, k=k).agreement(order, (3, 7, 12))
    at = search_prefixes(rows[:15], rows, (12,), k + 1)[12].rows
    full = [set(row[row != i][:k].tolist()) for i, row in enumerate(at)]
    unit = cut(rows, 12)
    for j, dim in enumerate((3, 7, 12)):
        hits = search_prefixes(unit[:15][:, order], unit[:, order], (dim,), k + 1)[dim].rows
        share = [len(full[i] & set(row[row != i][:k].tolist())) / k for i, row in enumerate(hits)]
        assert found[:, j] == pytest.approx(share)


def test_a_rotation_keeps_every_neighbour(rng: np.random.Generator) -> None:
    rows = cut(rng.normal(size=(60, 10)), 10)
    turned = rows @ np.linalg.qr(rng.normal(size=(10, 10)))[0]
    assert Neighbours(rows, 20, 5).agreement_of(turned, (10,)).min() == 1.0


def test_a_row_is_not_its_own_neighbour_and_a_zero_prefix_finds_nothing_by_merit() -> None:
    rows = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.0, 0.9]])
    found = Neighbours(rows, n_queries=4, k=1).agreement((0, 1), (1, 2))
    assert found[:, 1].tolist() == [1.0, 1.0, 1.0, 1.0]
    assert found[:2, 0].tolist() == [1.0, 1.0]
    assert np.isfinite(found).all()
