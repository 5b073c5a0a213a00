import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.index_quality import measure_index, neighbour_recall, one_and_all_threads, time_index
from matryo.hits import Hits
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.measures.statistics import bootstrap_mean
from matryo.search import ExactIndex, QuantizedIndex, search_dim
from matryo.space import Space

N, M, WIDTH = 30, 200, 16
SPACE = Space.declared("index quality", WIDTH)


def hits(rows, scores):
    return Hits(np.array(rows, dtype=np.int64), np.array(scores, dtype=np.float32))


@pytest.fixture
def corpus(rng):
    documents = rng.normal(size=(M, WIDTH)).astype(np.float32)
    queries = documents[:N] + 0.3 * rng.normal(size=(N, WIDTH)).astype(np.float32)
    return queries, documents


def test_recall_by_hand():
    exact = hits([[4, 7, 9], [1, 2, 3]], [[0.9, 0.8, 0.5], [0.9, 0.8, 0.7]])
    found = hits([[4, 9, 11], [1, 5, 6]], [[0.9, 0.5, 0.4], [0.9, 0.7, 0.6999]])
    # query 0 misses 7; query 1 misses 2, and 5 stands for 3, because it scores the same
    np.testing.assert_allclose(neighbour_recall(exact, found), [2 / 3, 2 / 3])


def test_only_the_best_k_count_and_missing_places_are_no_hits():
    exact = hits([[4, 7], [3, -1], [-1, -1]], [[0.9, 0.8], [0.5, -np.inf], [-np.inf, -np.inf]])
    found = hits([[4, 8, 7], [3, -1, -1], [-1, -1, -1]], [[0.9, 0.7, 0.6], [0.5] + [-np.inf] * 2, [-np.inf] * 3])
    np.testing.assert_allclose(neighbour_recall(exact, found), [0.5, 1.0, 1.0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 8))
@settings(max_examples=30, deadline=None)
def test_recall_is_the_shared_part_where_no_scores_tie(seed, k):
    rng = np.random.default_rng(seed)
    scores = rng.permutation(20).astype(np.float32)[None, :]
    best = np.argsort(-scores[0])[:k]
    other = rng.permutation(20)[:k]
    other = other[np.argsort(-scores[0][other])]
    exact, found = hits([best], [scores[0][best]]), hits([other], [scores[0][other]])
    assert neighbour_recall(exact, found)[0] == pytest.approx(len(set(best) & set(other)) / k)
    assert neighbour_recall(exact, exact)[0] == 1.0


@pytest.mark.parametrize("found", [hits([[1]], [[0.5]]), hits([[1, 2], [1, 2]], [[0.5, 0.4]] * 2)])
def test_hits_that_do_not_fit_are_refused(found):
    with pytest.raises(ShapeError, match="same queries"):
        neighbour_recall(hits([[1, 2]], [[0.5, 0.4]]), found)


def test_an_index_is_measured_as_its_parts_say(corpus):
    queries, documents = corpus
    index = QuantizedIndex.build(documents, space=SPACE, bits=1, dim=8, shortlist=10)
    exact = search_dim(queries, documents, WIDTH, 10)
    ids = [f"q{i}" for i in range(N)]
    judged = judge({f"q{i}": {str(i): 1} for i in range(2, N)}, ids, [str(row) for row in range(M)])
    measures = [Measure("MRR", 10), Measure("nDCG", 10), Measure("recall", 20)]
    groups = {name: f"g{i % 6}" for i, name in enumerate(ids)}
    found = measure_index(
        index,
        "signs",
        queries,
        exact,
        judged=judged,
        measures=measures,
        groups=groups,
        dataset="toy",
        threads=(),
        seed=4,
    )
    recalls = neighbour_recall(exact, index.search(queries, 10))
    assert recalls.mean() < 0.9
    direct = bootstrap_mean(recalls, [groups[name] for name in ids], seed=4)
    assert (found.recall, found.recall_low, found.recall_high) == (direct.value, direct.low, direct.high)
    assert (found.label, found.k, found.n_queries, found.times) == ("signs", 10, N, ())
    assert found.bytes_per_vector == index.facts().resident_bytes / M
    assert [(s.measure, s.model, s.dim, s.n) for s in found.scores] == [(str(m), "signs", 8, N - 2) for m in measures]
    for score, measure in zip(found.scores, measures, strict=True):
        values = evaluate(index.search(queries, 20), judged, [measure])[measure][2:]
        assert score.value == pytest.approx(values.mean())


def test_exact_search_finds_all_and_holds_what_it_scaled(corpus):
    queries, documents = corpus
    found = measure_index(
        ExactIndex.build(documents, space=SPACE), "exact", queries, search_dim(queries, documents, WIDTH, 5),
        threads=(1,), n_single=3, batch=40,
    )  # fmt: skip
    assert (found.recall, found.recall_low, found.recall_high) == (1.0, 1.0, 1.0)
    assert found.bytes_per_vector >= 2 * 4 * WIDTH
    (times,) = found.times
    assert (times.threads, times.n_single, times.batch, times.n_warm_up) == (1, 3, 40, 20)
    assert 0 < times.p50_ms <= times.p99_ms
    assert times.queries_per_s == pytest.approx(40 / times.batch_s)


def test_threads_are_set_for_each_measurement_and_restored(corpus):
    import faiss
    import torch

    queries, _ = corpus
    seen = []

    class Watched:
        def search(self, asked, k):
            seen.append((torch.get_num_threads(), sys.modules["faiss"].omp_get_max_threads(), len(asked)))

    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    found = time_index(Watched(), queries, 3, threads=(1, 2), n_single=2, batch=50, n_warm_up=1)
    assert [one.threads for one in found] == [1, 2]
    assert seen == [(n, n, size) for n in (1, 2) for size in (1, 1, 1, 50, 50)]
    assert (torch.get_num_threads(), faiss.omp_get_max_threads()) == before
    assert one_and_all_threads()[0] == 1


@pytest.mark.parametrize("bad", [{"threads": (0,)}, {"threads": (1,), "batch": 0}, {"threads": (1,), "n_single": 0}])
def test_numbers_below_1_are_refused(corpus, bad):
    queries, documents = corpus
    with pytest.raises(MatryoError, match="at least 1"):
        time_index(ExactIndex.build(documents, space=SPACE), queries, 3, **bad)


def test_no_queries_and_measures_without_judgements_are_refused(corpus):
    queries, documents = corpus
    index = ExactIndex.build(documents, space=SPACE)
    with pytest.raises(MatryoError, match="0 queries"):
        time_index(index, queries[:0], 3, threads=(1,))
    with pytest.raises(MatryoError, match="need judgements"):
        measure_index(index, "x", queries, index.search(queries, 3), measures=[Measure("MRR", 10)])
