"""Sets are joined by id, whatever their order, and what has no partner is counted."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError, SpaceError
from matryo.maps import SpaceRows, fit_ridge, join_sets, joined_sides
from matryo.prefix import unit_rows
from matryo.space import Space


class Named:
    """What a join reads of a set."""

    def __init__(self, ids: list[str]) -> None:
        self._ids, self.n_rows, self.folder = ids, len(ids), Path("somewhere")

    def ids(self) -> list[str]:
        return self._ids


def written(folder: Path, x: np.ndarray, ids: list[str]) -> EmbeddingSet:
    return EmbeddingSet.from_numpy(folder, x, ids, space=Space(folder.name, x.shape[1]), shard_rows=64)


@settings(max_examples=50, deadline=None)
@given(st.permutations([str(i) for i in range(7)]), st.permutations([str(i) for i in range(3, 12)]))
def test_partners_have_one_id_and_all_are_found(left: list[str], right: list[str]) -> None:
    joined = join_sets(Named(left), Named(right))
    assert [left[i] for i in joined.source_rows] == [right[i] for i in joined.target_rows]
    assert sorted(left[i] for i in joined.source_rows) == ["3", "4", "5", "6"]
    assert (np.diff(joined.source_rows) > 0).all()
    assert (joined.n_only_source, joined.n_only_target, joined.n_missing) == (3, 5, 8)


def test_a_fit_on_joined_sets_does_not_depend_on_their_order(pair, rng, tmp_path: Path) -> None:
    ids = [f"text {i}" for i in range(400)]
    order = rng.permutation(400)[:390]
    whole = written(tmp_path / "a", pair.x, ids)
    part = written(tmp_path / "b", pair.y[order], [ids[i] for i in order])
    source, target, joined = joined_sides(whole, part)
    assert joined.n_missing == joined.n_only_source == 10
    rows = np.sort(order)
    straight = fit_ridge(source, target)
    expected = fit_ridge(pair.source.chosen(rows), pair.target.chosen(rows))
    assert np.abs(straight.matrix - expected.matrix).max() < 1e-6
    with pytest.raises(MatryoError, match="row 0 is"):
        fit_ridge(source, SpaceRows(part))


def test_sets_of_other_texts_are_refused() -> None:
    with pytest.raises(MatryoError, match="no id in common, got ids like 'x' and 'y'"):
        join_sets(Named(["x"]), Named(["y"]))


def test_chosen_rows_read_like_the_rows(rng) -> None:
    x = unit_rows(rng.normal(size=(20, 5)).astype(np.float32))
    numbers = np.array([3, 4, 5, 11, 2, 2, 7, 9, 8, 10])
    rows = SpaceRows(x, Space("a", 5), rows=numbers)
    for part in (slice(0, 3), slice(1, 6), slice(4, 99), slice(2, 2), slice(6, 10)):
        assert (rows.read(part, 1, 4) == x[numbers[part], 1:4]).all()
    assert (rows.take(np.array([5, 0]), 0, 5) == x[[2, 3]]).all()
    assert (rows.chosen(np.array([3])).read(slice(0, 1), 0, 5) == x[[11]]).all()


def test_rows_without_their_space_or_of_another_are_refused(tmp_path: Path) -> None:
    x = np.eye(3, dtype=np.float32)
    with pytest.raises(MatryoError, match="need their space"):
        SpaceRows(x)
    with pytest.raises(ShapeError, match="4-wide space have that many numbers, got 3"):
        SpaceRows(x, Space("a", 4))
    with pytest.raises(ShapeError, match=r"within 0\.\.2"):
        SpaceRows(x, Space("a", 3), rows=np.array([3]))
    with pytest.raises(SpaceError, match="the set and its use"):
        SpaceRows(written(tmp_path / "a", x, ["1", "2", "3"]), Space("b", 3))
