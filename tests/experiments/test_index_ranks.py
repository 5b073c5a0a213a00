import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors
from matryo.experiments.index_ranks import code_ranks, kept, places, sizes_for
from matryo.search import QuantizedIndex, search_dim
from matryo.search.funnel_recall import recall_bound
from matryo.search.quantized_codes import NumberCodes, SignCodes
from matryo.space import Space


@given(st.lists(st.integers(0, 4), min_size=1, max_size=20), st.data())
def test_places_are_those_of_a_stable_sort(values, data):
    scores = np.array(values, dtype=np.float32)
    rows = np.array(data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=5)))
    order = np.argsort(-scores, kind="stable")
    expected = [int(np.flatnonzero(order == row)[0]) + 1 for row in rows]
    assert places(scores, rows).tolist() == expected


@pytest.mark.parametrize("bits", [16, 8, 1])
def test_a_shortlist_of_the_rank_finds_the_neighbour(rng, bits):
    documents = rng.normal(size=(300, 16)).astype(np.float32)
    queries = documents[:70] + 0.5 * rng.normal(size=(70, 16)).astype(np.float32)
    neighbours = search_dim(queries, documents, 16, 3).rows
    rows = ArrayVectors(documents)
    codes = SignCodes.encode(rows, 8, centred=False) if bits == 1 else NumberCodes.encode(rows, 8, bits)
    ranks = code_ranks(codes, queries, neighbours)
    assert ranks.shape == (70, 3, 1)
    space = Space.declared("ranks", 16)
    coded = QuantizedIndex.build(documents, space=space, bits=bits, dim=8, rescore=False)
    order = coded.search(queries, 300).rows
    for at in range(70):
        assert order[at][ranks[at, :, 0] - 1].tolist() == neighbours[at].tolist()


def test_sizes_leave_half_of_the_misses_and_can_be_proven(rng):
    ranks = rng.geometric(0.05, size=(600, 10, 2)).astype(np.int64)
    sizes = sizes_for(ranks, 0.95, 10)
    assert sizes[0] >= sizes[1] >= 10
    shares = kept(ranks, sizes)
    assert shares.mean() >= 0.975 and recall_bound(shares) >= 0.95
    # not needlessly long: a quarter less of each would keep too little
    fewer = kept(ranks, tuple(size // 2 for size in sizes))
    assert fewer.mean() < 0.95


def test_queries_too_few_to_prove_anything_still_choose_sizes():
    ranks = np.arange(1, 101).reshape(10, 10, 1)
    assert sizes_for(ranks, 0.9, 10) == (95,)
    assert sizes_for(ranks, 0.9, 97) == (97,)
    assert kept(ranks, (95,)).tolist() == [1.0] * 9 + [0.5]
