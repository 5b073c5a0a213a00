import math
from itertools import pairwise

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.hits import Hits, best
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate

_THEIRS = {"MRR": "RR", "nDCG": "nDCG", "recall": "R", "hit": "Success", "MAP": "AP", "P": "P"}
_KS = (1, 3, 10, 20)
_ALL = (*(Measure(name, k) for name in _THEIRS for k in _KS), Measure("MAP"), Measure("MRR"), Measure("nDCG"))


def hits_of(rows):
    """Hits with falling scores."""
    rows = np.asarray(rows, dtype=np.int64)
    scores = np.broadcast_to(-np.arange(rows.shape[1], dtype=np.float32), rows.shape)
    return Hits(rows, np.where(rows < 0, np.float32(-np.inf), scores))


def one(rows, grades, measure, n_documents=10):
    """Value of one query."""
    judged = judge(
        {"q": {f"d{row}": grade for row, grade in grades.items()}}, ["q"], [f"d{row}" for row in range(n_documents)]
    )
    return evaluate(hits_of([rows]), judged, [Measure.parse(measure)])[Measure.parse(measure)][0]


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("MRR@2", 1 / 2),
        ("MRR@1", 0.0),
        ("recall@4", 2 / 3),
        ("recall@2", 1 / 3),
        ("hit@1", 0.0),
        ("hit@2", 1.0),
        ("P@4", 2 / 4),
        ("P@1", 0.0),
        ("MAP@4", (1 / 2 + 2 / 4) / 3),
        ("MAP@3", (1 / 2) / 3),
        ("MAP", (1 / 2 + 2 / 4) / 3),
        # found: grade 1 at rank 2, grade 3 at rank 4; ideal: 3, 2, 1
        ("nDCG@4", (1 / math.log2(3) + 3 / math.log2(5)) / (3 + 2 / math.log2(3) + 1 / 2)),
        ("nDCG@2", (1 / math.log2(3)) / (3 + 2 / math.log2(3))),
    ],
)
def test_values_worked_by_hand(measure, value):
    # relevant: rows 5 (grade 1), 7 (grade 3), 2 (grade 2, not found); row 0 is judged useless, row 1 harmful
    assert one([0, 5, 1, 7], {5: 1, 7: 3, 2: 2, 0: 0, 1: -2}, measure) == pytest.approx(value, abs=1e-12)


def test_precision_divides_by_k_even_if_fewer_were_found():
    assert one([3, -1, -1, -1], {3: 1}, "P@4") == 1 / 4


def test_perfect_order_gives_one():
    for measure in ("nDCG@3", "MAP@3", "recall@3", "MRR@3", "P@3", "hit@3"):
        assert one([4, 2, 0], {4: 3, 2: 2, 0: 1}, measure) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("measure", ["MRR@3", "nDCG@3", "recall@3", "hit@3", "MAP@3", "P@3"])
@pytest.mark.parametrize("grades", [{}, {1: 0}, {1: -1}])
def test_query_without_relevant_document_scores_zero(measure, grades):
    assert one([1, 2, 3], grades, measure) == 0.0


def compare_with_trec_eval(judgements, hits, n_documents):
    query_ids = [f"q{number}" for number in range(len(hits))]
    documents = [f"d{row}" for row in range(n_documents)]
    judged = judge(judgements, query_ids, documents)
    ours = evaluate(hits, judged, _ALL)
    # our order is the ranking: the providers break ties in opposite orders, so that they get ranks, not scores
    run = [
        ir_measures.ScoredDoc(query_ids[query], documents[row], float(-rank))
        for query in range(len(hits))
        for rank, row in enumerate(hits.rows[query])
        if row >= 0
    ]
    qrels = [
        ir_measures.Qrel(query, document, grade)
        for query, grades in judgements.items()
        for document, grade in grades.items()
        # pytrec_eval 0.5 now and then never returns if all grades of a query are negative; ours must be 0 there
        if max(grades.values()) >= 0
    ]
    names = {
        measure: ir_measures.parse_measure(
            _THEIRS[measure.name] if measure.k is None else f"{_THEIRS[measure.name]}@{measure.k}"
        )
        for measure in _ALL
    }
    theirs = {
        (found.query_id, found.measure): found.value for found in ir_measures.iter_calc(names.values(), qrels, run)
    }
    n_compared = 0
    for measure, values in ours.items():
        for query, value in zip(query_ids, values, strict=True):
            expected = theirs.get((query, names[measure]), 0.0)  # they leave out queries without judgements
            assert value == pytest.approx(expected, abs=1e-9), (measure, query)
            n_compared += (query, names[measure]) in theirs
    return n_compared


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 6))
def test_equal_to_trec_eval_on_random_runs(seed, n_documents, n_queries):
    rng = np.random.default_rng(seed)
    judgements = {}
    for query in range(n_queries):
        chosen = rng.choice(n_documents, size=rng.integers(0, min(n_documents, 8) + 1), replace=False)
        if chosen.size:
            judgements[f"q{query}"] = {f"d{row}": int(rng.integers(-1, 4)) for row in chosen}
    # few score levels: many ties; every document is a candidate, some are not found
    scores = rng.integers(0, 4, size=(n_queries, n_documents)).astype(np.float32)
    rows = np.where(rng.random(scores.shape) < 0.2, -1, np.arange(n_documents))
    rows[rng.random(n_queries) < 0.1] = -1
    compare_with_trec_eval(judgements, best(rows, scores, 20 if n_documents > 20 else n_documents), n_documents)


def test_the_comparison_compares():
    judgements = {"q0": {"d0": 2, "d3": 1, "d5": 0}, "q1": {"d1": 1}}
    n_compared = compare_with_trec_eval(judgements, hits_of([[3, 0, 1, -1], [5, 4, -1, -1], [1, 2, 3, -1]]), 6)
    assert n_compared == 2 * len(_ALL)  # q2 has no judgements: they have no value for it, ours is 0


def test_queries_are_judged_independently(rng):
    n, n_documents = 7, 12
    judgements = {
        f"q{i}": {f"d{r}": int(rng.integers(0, 3)) for r in rng.choice(n_documents, 4, False)} for i in range(n)
    }
    hits = best(np.tile(np.arange(n_documents), (n, 1)), rng.random((n, n_documents)).astype(np.float32), 10)
    documents = [f"d{row}" for row in range(n_documents)]
    together = evaluate(hits, judge(judgements, list(judgements), documents), [Measure("nDCG", 10), Measure("MAP", 5)])
    order = rng.permutation(n)
    shuffled_ids = [f"q{i}" for i in order]
    shuffled = evaluate(
        Hits(hits.rows[order], hits.scores[order]), judge(judgements, shuffled_ids, documents), together
    )
    for measure, values in together.items():
        np.testing.assert_allclose(shuffled[measure], values[order], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_measures_lie_in_0_1_and_recall_and_hit_rise_with_k(seed):
    rng = np.random.default_rng(seed)
    n, n_documents = 5, 15
    judgements = {
        f"q{i}": {f"d{r}": int(rng.integers(-1, 3)) for r in rng.choice(n_documents, 5, replace=False)}
        for i in range(n)
    }
    judged = judge(judgements, [f"q{i}" for i in range(n)], [f"d{r}" for r in range(n_documents)])
    hits = best(np.tile(np.arange(n_documents), (n, 1)), rng.random((n, n_documents)).astype(np.float32), n_documents)
    found = evaluate(hits, judged, _ALL)
    for values in found.values():
        assert ((values >= 0.0) & (values <= 1.0 + 1e-12)).all()
    for name in ("recall", "hit", "MRR", "MAP"):
        for low, high in pairwise(_KS):
            assert (found[Measure(name, low)] <= found[Measure(name, high)] + 1e-12).all()
    assert (found[Measure("recall", 20)][judged.has_relevant] == 1.0).all()


def judged_four():
    return judge({"q": {"d1": 1}}, ["q"], ["d0", "d1", "d2", "d3"])


def test_cutoff_beyond_cut_hits_is_refused():
    with pytest.raises(MatryoError, match=r"cutoff of 3.*got 2 of 4 documents.*k=3"):
        evaluate(hits_of([[0, 1]]), judged_four(), [Measure("recall", 3)])


def test_cutoff_beyond_the_corpus_is_fine_when_all_was_ranked():
    found = evaluate(hits_of([[0, 1, 2, 3]]), judged_four(), [Measure("recall", 100)])
    assert found[Measure("recall", 100)].tolist() == [1.0]


def test_cutoff_beyond_hits_is_fine_when_nothing_more_was_found():
    found = evaluate(hits_of([[0, -1]]), judged_four(), [Measure("recall", 100), Measure("P", 10)])
    assert [values.tolist() for values in found.values()] == [[0.0], [0.0]]


@pytest.mark.parametrize(
    ("rows", "error", "words"),
    [
        ([[0, 1], [1, 2]], ShapeError, "got 2 for 1"),
        ([[0, 4]], ShapeError, "0..3"),
        ([[0, -2]], ShapeError, "or -1"),
        ([[1, 1]], MatryoError, "repetition for 'q'"),
        ([[-1, 1]], MatryoError, "without gaps"),
    ],
)
def test_hits_that_do_not_fit_are_refused(rows, error, words):
    with pytest.raises(error, match=words):
        evaluate(hits_of(rows), judged_four(), [Measure("MRR", 2)])


def test_no_queries_give_empty_values():
    judged = judge({}, [], ["d"])
    empty = Hits(np.zeros((0, 3), dtype=np.int64), np.zeros((0, 3), dtype=np.float32))
    assert evaluate(empty, judged, [Measure("MRR", 10)])[Measure("MRR", 10)].shape == (0,)
