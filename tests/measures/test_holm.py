from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError
from matryo.measures.holm import holm


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_equals_the_closed_test_by_bonferroni(p):
    """A value is rejected if every set of claims that holds it is: its adjusted value is the largest of theirs."""
    places = range(len(p))
    expected = [
        max(
            min(1.0, size * min(p[i] for i in chosen))
            for size in range(1, len(p) + 1)
            for chosen in combinations(places, size)
            if at in chosen
        )
        for at in places
    ]
    np.testing.assert_allclose(holm(p), expected, rtol=1e-12)


def test_worked_by_hand():
    # Holm's order: .01 x 4, .03 x 3, .04 x 2, .5 x 1
    np.testing.assert_allclose(holm([0.04, 0.5, 0.01, 0.03]), [0.09, 0.5, 0.04, 0.09])
    assert holm([]).tolist() == []


@pytest.mark.parametrize("p", [[0.1, 1.2], [-0.1], [np.nan], 0.1])
def test_bad_input(p):
    with pytest.raises(MatryoError, match=r"within 0..1"):
        holm(p)
