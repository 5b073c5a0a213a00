"""Reranking: the same order as a full search when everything is a candidate, and its own name when not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.errors import MatryoError
from matryo.experiments.rerank import candidates_name, rerank_prefixes, reranking
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.prefix import cut
from matryo.search import search_prefixes

DIMS = (2, 5, 8)


def task() -> Retrieval:
    documents = Texts.of(list("abcdef"), [f"text {i}" for i in "abcdef"])
    queries = Texts.of(["q1", "q2", "q3"], ["one", "two", "three"])
    judgements = {"q1": {"b": 1}, "q2": {"f": 1}, "q3": {"a": 1}}
    return Retrieval("t", documents, queries, judgements, {"q1": "x", "q2": "y", "q3": "x"})


def test_all_documents_as_candidates_are_a_full_search(rng: np.random.Generator) -> None:
    # more documents than one block, more queries than are ranked at once
    queries, documents = rng.standard_normal((1100, 8)), rng.standard_normal((40, 8)).astype(np.float32)
    documents[7] = 0.0
    everything = [np.arange(40)] * len(queries)
    found = rerank_prefixes(queries.astype(np.float32), documents, everything, DIMS, 40)
    expected = search_prefixes(queries.astype(np.float32), documents, DIMS, 40)
    for dim in DIMS:
        assert (found[dim].rows == expected[dim].rows).mean() > 0.999  # but for ties in the last bit
        np.testing.assert_allclose(found[dim].scores, expected[dim].scores, atol=2e-6)


@given(seed=st.integers(0, 10_000), n_documents=st.integers(1, 30), k=st.integers(1, 12))
def test_only_candidates_are_found_in_the_order_of_their_cosine(seed: int, n_documents: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    queries, documents = rng.standard_normal((3, 8)), rng.standard_normal((n_documents, 8))
    candidates = [np.flatnonzero(rng.random(n_documents) < 0.4) for _ in queries]
    found = rerank_prefixes(queries, documents, candidates, DIMS, k)
    for dim in DIMS:
        cosines = cut(queries, dim) @ cut(documents, dim).T
        for row, allowed in enumerate(candidates):
            best = sorted(allowed.tolist(), key=lambda d: -cosines[row, d])[:k]
            assert found[dim].rows[row].tolist() == best + [-1] * (k - len(best))


def test_many_blocks_of_documents(rng: np.random.Generator) -> None:
    documents, queries = rng.standard_normal((20_000, 8)).astype(np.float32), rng.standard_normal((2, 8))
    candidates = [np.array([3, 8191, 8192, 19_999]), np.array([16_384])]
    found = rerank_prefixes(queries, documents, candidates, (8,), 5)[8]
    cosines = cut(queries, 8) @ cut(documents, 8).T
    assert found.rows[0].tolist() == [*sorted(candidates[0].tolist(), key=lambda d: -cosines[0, d]), -1]
    assert found.rows[1].tolist() == [16_384, -1, -1, -1, -1]


def test_a_task_is_cut_down_to_candidates_and_relevant_documents() -> None:
    cut_down = reranking(task(), {"q1": ["b", "c", "b"], "q2": ["c", "a"], "elsewhere": ["nothing"]}, "top2.dev")
    assert cut_down.task.name == "t, reranked top2.dev"
    assert cut_down.task.documents.ids() == ["a", "b", "c", "f"] and len(cut_down.task.documents) == 4
    assert cut_down.task.queries.ids() == ["q1", "q2"]
    assert [rows.tolist() for rows in cut_down.candidates] == [[1, 2], [0, 2]]
    notes = " ".join(cut_down.task.notes)
    assert "no search of the corpus" in notes and "1 of 3 queries have no candidates" in notes


def test_a_relevant_document_that_is_no_candidate_counts_as_missed(rng: np.random.Generator) -> None:
    cut_down = reranking(task(), {"q1": ["b"], "q2": ["a"]}, "top1.dev")
    vectors = rng.standard_normal((3, 8))
    # the query is the vector of its own relevant document, which would be first in a search
    hits = rerank_prefixes(vectors[[1, 2]], vectors, cut_down.candidates, (8,), 10)[8]
    documents = cut_down.task.documents.ids()
    judged = judge(cut_down.task.judgements, cut_down.task.queries.ids(), documents)
    assert evaluate(hits, judged, [Measure("recall", 10)])[Measure("recall", 10)].tolist() == [1.0, 0.0]


def test_candidates_of_another_corpus_are_refused_with_their_number() -> None:
    with pytest.raises(MatryoError, match="names 2 documents that are not among those of t: 'x', 'y'"):
        reranking(task(), {"q1": ["b", "x", "y"]}, "top.dev")
    with pytest.raises(MatryoError, match="candidates for none of the 3 queries"):
        reranking(task(), {"other": ["a"]}, "top.dev")


def test_the_name_of_an_archive_is_that_of_its_content() -> None:
    assert [candidates_name(f"x/top1000.dev{end}") for end in ("", ".gz", ".tar.gz", ".tgz")] == ["top1000.dev"] * 4
