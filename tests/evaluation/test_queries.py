import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.queries import Queries


def test_groups_follow_the_ids():
    queries = Queries.of(["c", "a", "b"], {"a": "x", "b": "y", "c": "y", "unused": "z"})
    assert queries.groups == ("y", "x", "y")
    assert queries.numbers.tolist() == [1, 0, 1]
    assert len(queries) == 3


@pytest.mark.parametrize("groups", [None, {}])
def test_without_groups_every_query_is_its_own(groups):
    assert Queries.of(["a", "b"], groups) == Queries(("a", "b"))
    assert Queries.of(["a", "b"], groups).numbers.tolist() == [0, 1]


def test_query_without_a_group_is_named():
    with pytest.raises(MatryoError, match=r"1 of 2 have none.*\['b'\]"):
        Queries.of(["a", "b"], {"a": "x"})


def test_groups_must_fit():
    with pytest.raises(ShapeError, match="one label per query"):
        Queries(("a", "b"), ("x",))
