import numpy as np
import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.curve import curve_of_hits, retrieval_curve, search_depth
from matryo.hits import Hits
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.measures.statistics import bootstrap_mean
from matryo.prefix import cut
from matryo.search.exact import search_dim

MEASURES = [Measure.parse(text) for text in ("MRR@10", "nDCG@10", "recall@20")]
N, M, WIDTH = 40, 150, 16
QUERY_IDS = [f"q{number}" for number in range(N)]
DOCUMENT_IDS = [f"d{row}" for row in range(M)]


@pytest.fixture
def task(rng):
    """Documents, and queries that are noisy copies of one document each; two queries do not count."""
    documents = rng.normal(size=(M, WIDTH)).astype(np.float32)
    queries = documents[:N] + rng.normal(size=(N, WIDTH)).astype(np.float32)
    judgements = {f"q{number}": {f"d{number}": 1, f"d{number + N}": 2} for number in range(2, N)}
    judgements["q1"] = {"d1": 0}
    return queries, documents, judge(judgements, QUERY_IDS, DOCUMENT_IDS)


def test_every_dim_and_measure_equals_a_search_of_its_own(task):
    queries, documents, judged = task
    groups = {query: f"g{number % 7}" for number, query in enumerate(QUERY_IDS)}
    scores = retrieval_curve(
        queries, documents, judged, [16, 4, 8], MEASURES, groups=groups, dataset="toy", model="random", seed=3
    )
    assert [(s.dim, s.measure) for s in scores] == [(dim, str(m)) for dim in (4, 8, 16) for m in MEASURES]
    for score in scores:
        measure = Measure.parse(score.measure)
        hits = search_dim(cut(queries, score.dim), cut(documents, score.dim), score.dim, 20)
        values = evaluate(hits, judged, [measure])[measure][2:]
        np.testing.assert_allclose(score.per_query, values)
        direct = bootstrap_mean(values, [groups[query] for query in QUERY_IDS[2:]], seed=3)
        assert (score.value, score.low, score.high) == pytest.approx((direct.value, direct.low, direct.high), abs=1e-12)
        assert (score.n, score.n_groups) == (N - 2, 7)
        assert (score.dataset, score.model, score.map, score.seed) == ("toy", "random", "none", None)
    assert len(judged.notes) == 2


def test_names_and_seed_are_passed_on(task):
    scores = retrieval_curve(*task, [8], MEASURES[:1], dataset="d", model="m", map="head", trained_seed=2)
    assert [(s.map, s.seed, s.n_groups) for s in scores] == [("head", 2, None)]


def test_hits_without_vectors_have_dim_0(task):
    _, _, judged = task
    rows = np.tile(np.arange(20), (N, 1))
    hits = Hits(rows, np.zeros(rows.shape, dtype=np.float32))
    (score,) = curve_of_hits({0: hits}, judged, [Measure("recall", 20)], dataset="d", model="bm25")
    assert score.dim == 0
    # documents 2..19 are those of queries 2..19, each the first of two relevant ones
    assert score.value == pytest.approx(18 * 0.5 / 38)


def test_depth_is_the_largest_cutoff():
    assert search_depth(MEASURES) == 20
    assert search_depth([Measure("MAP"), Measure("MRR", 10)]) == 1000
    assert search_depth([Measure("MAP"), Measure("recall", 2000)]) == 2000


def test_a_stated_depth_is_used(task):
    with pytest.raises(MatryoError, match="cutoff of 20 needs as many hits per query, got 10"):
        retrieval_curve(*task, [8], MEASURES, dataset="d", model="m", k=10)


def test_no_query_counts(task):
    queries, documents, _ = task
    with pytest.raises(MatryoError, match="no query of 'd' has a relevant document"):
        retrieval_curve(queries, documents, judge({}, QUERY_IDS, DOCUMENT_IDS), [8], MEASURES, dataset="d", model="m")


@pytest.mark.parametrize("measures", [[], [Measure("MRR", 10)] * 2])
def test_measures_once_each(task, measures):
    with pytest.raises(MatryoError, match="one or more, each once"):
        retrieval_curve(*task, [8], measures, dataset="d", model="m")


def test_dims_beyond_the_width(task):
    with pytest.raises(ShapeError, match=r"within 1\.\.16"):
        retrieval_curve(*task, [8, 32], MEASURES, dataset="d", model="m")


def test_judgements_of_another_corpus(task):
    queries, documents, judged = task
    with pytest.raises(ShapeError, match="documents that were searched"):
        retrieval_curve(queries, np.tile(documents, (2, 1))[::-1].copy(), judged, [8], MEASURES, dataset="d", model="m")
    with pytest.raises(ShapeError, match="hits must be of the judged queries"):
        retrieval_curve(queries[:5], documents, judged, [8], MEASURES, dataset="d", model="m")
