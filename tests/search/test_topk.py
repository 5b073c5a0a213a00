import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from matryo.search.scaled import GROUP
from matryo.search.topk import RunningTop, mark_best


@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 6),
    sizes=st.lists(st.integers(1, 6), min_size=1, max_size=6),
    k=st.integers(1, 90),
    levels=st.sampled_from([2, 5, 50, 10_000]),
)
def test_any_stream_equals_one_sort(seed: int, n: int, sizes: list[int], k: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    top = RunningTop(n, k)
    scores = rng.integers(0, levels, size=(n, sum(sizes) * GROUP)).astype(np.float32)
    first = 0
    for size in sizes:
        part = scores[:, first : first + size * GROUP]
        top.offer(torch.from_numpy(part.copy()), first)
        first += size * GROUP
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    hits = top.hits(k)
    held = expected.shape[1]
    np.testing.assert_array_equal(hits.rows[:, :held], expected)
    assert (hits.rows[:, held:] == -1).all()


def test_places_without_a_document_are_never_hits() -> None:
    top = RunningTop(1, 3)
    scores = torch.full((1, GROUP), -torch.inf)
    scores[0, 0] = -0.5
    top.offer(scores, 100)
    assert top.hits(4).rows.tolist() == [[100, -1, -1, -1]]


@given(st.lists(st.lists(st.integers(0, 4), min_size=7, max_size=7), min_size=1, max_size=5), st.integers(1, 7))
def test_exactly_k_are_marked_the_first_of_equals(rows: list[list[int]], k: int) -> None:
    scores = np.array(rows, dtype=np.float32)
    marked = mark_best(scores, k)
    expected = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    for mark, wanted in zip(marked, expected, strict=True):
        assert np.flatnonzero(mark).tolist() == sorted(wanted.tolist())
