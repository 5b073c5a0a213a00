import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from matryo.embeddings.rows import LiveRows


@given(st.lists(st.integers(1, 5), max_size=5), st.data())
def test_pieces_are_the_live_rows_in_order(n_rows: list[int], data: st.DataObject) -> None:
    total = sum(n_rows)
    deleted = sorted(data.draw(st.sets(st.integers(0, total - 1)))) if total else []
    live = [row for row in range(total) if row not in deleted]
    first = data.draw(st.integers(0, len(live)))
    last = data.draw(st.integers(first, len(live)))
    rows = LiveRows(n_rows, deleted)
    found = np.full(last - first, -1)
    before = np.cumsum([0, *n_rows])
    for piece in rows.pieces(first, last):
        found[piece.first : piece.last] = np.arange(n_rows[piece.shard])[piece.rows] + before[piece.shard]
    assert found.tolist() == live[first:last]
    assert rows.stored(range(first, last)).tolist() == live[first:last]


@given(st.lists(st.integers(1, 5), max_size=5), st.data())
def test_places_are_where_the_live_rows_lie(n_rows: list[int], data: st.DataObject) -> None:
    total = sum(n_rows)
    deleted = sorted(data.draw(st.sets(st.integers(0, total - 1)))) if total else []
    live = [row for row in range(total) if row not in deleted]
    asked = np.array(data.draw(st.lists(st.integers(0, len(live) - 1)) if live else st.just([])), dtype=np.int64)
    found = np.full(len(asked), -1)
    before = np.cumsum([0, *n_rows])
    for shard, places, chosen in LiveRows(n_rows, deleted).places(asked):
        assert (places < n_rows[shard]).all()
        found[chosen] = places + before[shard]
    assert found.tolist() == [live[row] for row in asked.tolist()]


def test_neighbours_come_as_a_slice_though_others_are_deleted() -> None:
    pieces = list(LiveRows([5, 5], [0, 7]).pieces(1, 9))
    assert pieces[0].rows == slice(2, 5)
    assert np.asarray(pieces[1].rows).tolist() == [0, 1, 3, 4]
