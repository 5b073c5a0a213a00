"""Times of single queries: positive, one per dim, and an absent one says why."""

import numpy as np

from matryo.embeddings.vectors import ArrayVectors
from matryo.experiments.latency import N_HITS, Latency, latency_table, time_searches


def test_every_dim_is_timed(rng: np.random.Generator) -> None:
    documents = ArrayVectors(rng.standard_normal((300, 16)).astype(np.float32))
    found = time_searches(rng.standard_normal((3, 16)), documents, (4, 16), n_queries=8)
    assert list(found) == [4, 16]
    for dim, one in found.items():
        assert (one.dim, one.n_queries, one.n_documents) == (dim, 8, 300)
        assert 0.0 < one.p50_ms <= one.p99_ms and one.threads >= 1


def test_a_dim_beyond_the_memory_is_left_out_and_said_so(rng: np.random.Generator) -> None:
    documents = ArrayVectors(rng.standard_normal((300, 16)).astype(np.float32))
    found = time_searches(rng.standard_normal((3, 16)), documents, (4, 16), n_queries=2, max_bytes=300 * 4 * 4)
    assert list(found) == [4]
    table = latency_table(found, (4, 16), 300)
    assert table.rows[0][:2] == (4, found[4].p50_ms) and table.rows[1] == (16, None, None, None, 300 * 64)
    assert any("not timed at 16" in note and "GiB of memory" in note for note in table.notes)


def test_the_table_says_on_what_it_was_measured() -> None:
    table = latency_table({8: Latency(8, 0.5, 0.9, 100, 4000, 2)}, (8,), 4000)
    said = " ".join(table.notes)
    for fact in ("4,000 documents", "one query at a time", f"best {N_HITS}", "2 threads", "cores", "warm up"):
        assert fact in said
    assert "not for capacity planning" in said


def test_a_reason_of_its_own_can_be_given() -> None:
    table = latency_table({}, (8,), 10, "candidates were reranked")
    assert table.notes[0] == "not timed at 8: candidates were reranked"
