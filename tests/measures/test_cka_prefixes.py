import pytest

from matryo.errors import ShapeError
from matryo.measures.cka import cka_test
from matryo.measures.cka_prefixes import prefix_cka
from matryo.prefix import cut


def test_raw_and_renormalised_prefixes_are_told_apart(rng):
    x, y = rng.normal(size=(40, 6)), rng.normal(size=(40, 9))
    raw = prefix_cka(x, y, 2, 5, renormalised=False, n_permutations=20, seed=1)
    unit = prefix_cka(x, y, 2, 5, renormalised=True, n_permutations=20, seed=1)
    assert (raw.dim, raw.other_dim, raw.renormalised, unit.renormalised) == (2, 5, False, True)
    assert raw.test == cka_test(x[:, :2].copy(), y[:, :5].copy(), n_permutations=20, seed=1)
    assert unit.test == cka_test(cut(x, 2), cut(y, 5), n_permutations=20, seed=1)
    assert raw.test.debiased != unit.test.debiased


def test_raw_prefixes_see_lengths_that_renormalised_ones_do_not(rng):
    direction = rng.normal(size=(60, 3))
    lengths = rng.uniform(0.1, 5.0, (60, 1))
    one = cut(direction, 3)
    found = prefix_cka(one, one * lengths, 3, renormalised=True, n_permutations=20, seed=0)
    assert found.test.debiased == pytest.approx(1.0)
    assert prefix_cka(one, one * lengths, 3, renormalised=False, n_permutations=20, seed=0).test.debiased < 0.99


@pytest.mark.parametrize(("dims", "words"), [((0, 2), "x must lie within 1..4, got 0"), ((4, 9), "y must .* got 9")])
def test_bad_input(dims, words, rng):
    x = rng.normal(size=(10, 4))
    with pytest.raises(ShapeError, match=words):
        prefix_cka(x, x, *dims, renormalised=True, seed=0)
