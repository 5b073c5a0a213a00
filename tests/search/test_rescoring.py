from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors, EmbeddingSet
from matryo.prefix import cut, unit_rows
from matryo.search import rescoring
from matryo.search.funnel_rows import UnitRows
from matryo.search.rescoring import rescore
from matryo.space import Space


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 6),
    m=st.integers(1, 30),
    s=st.integers(1, 12),
    k=st.integers(1, 14),
    dim=st.integers(1, 5),
)
def test_candidates_are_ordered_as_by_exhaustive_comparison(
    seed: int, n: int, m: int, s: int, k: int, dim: int
) -> None:
    rng = np.random.default_rng(seed)
    documents = rng.integers(-1, 2, (m, 5)).astype(np.float32)  # ties and zero rows everywhere
    queries = rng.standard_normal((n, 5))
    candidates = np.stack([rng.permutation(np.r_[np.arange(m), np.full(s, -1)])[:s] for _ in range(n)] or [[0] * s])
    candidates = candidates[:n].astype(np.int64)
    hits = rescore(ArrayVectors(documents), queries, candidates, dim, k)
    scores = cut(queries, dim) @ cut(documents.astype(np.float64), dim).T
    assert hits.rows.shape == (n, k)
    for asked, rows, found, true in zip(candidates, hits.rows, hits.scores, scores, strict=True):
        held = asked[asked >= 0]
        kept = rows[rows >= 0]
        assert len(kept) == min(k, len(held)) and set(kept) <= set(held) and len(set(kept)) == len(kept)
        assert (rows[len(kept) :] == -1).all()
        np.testing.assert_allclose(found[: len(kept)], true[kept], atol=1e-6)
        np.testing.assert_allclose(found[: len(kept)], -np.sort(-true[held])[: len(kept)], atol=1e-6)


def test_parts_of_the_queries_are_rescored_alike(rng: np.random.Generator, monkeypatch) -> None:
    documents, queries = rng.standard_normal((90, 12)), rng.standard_normal((40, 12))
    candidates = np.stack([rng.permutation(90)[:20] for _ in range(40)])
    candidates[3] = -1
    whole = rescore(ArrayVectors(documents), queries, candidates, 12, 5)
    monkeypatch.setattr(rescoring, "_GATHERED", 1)
    one_by_one = rescore(ArrayVectors(documents), queries, candidates, 12, 5)
    np.testing.assert_array_equal(whole.rows, one_by_one.rows)
    np.testing.assert_array_equal(whole.scores, one_by_one.scores)
    assert (whole.rows[3] == -1).all()
    for threads in (2, 3):
        shared = rescore(ArrayVectors(documents), queries, candidates, 12, 5, threads)
        np.testing.assert_array_equal(whole.rows, shared.rows)
        np.testing.assert_array_equal(whole.scores, shared.scores)


@pytest.mark.parametrize("dim", [1, 3, 37, 64])
def test_equal_rows_score_the_same_wherever_they_stand(rng: np.random.Generator, dim: int) -> None:
    documents = np.repeat(rng.standard_normal((1, 64), dtype=np.float32), 300, axis=0)
    queries = rng.standard_normal((50, 64), dtype=np.float32)
    candidates = np.stack([rng.permutation(300) for _ in range(50)])
    together = rescore(ArrayVectors(documents), queries, candidates, dim, 300)
    assert (together.rows == np.arange(300)).all() and (together.scores == together.scores[:, :1]).all()
    for n, s in ((1, 1), (1, 7), (3, 300), (50, 13)):
        some = rescore(ArrayVectors(documents), queries[:n], candidates[:n, :s], dim, 1)
        np.testing.assert_array_equal(some.scores[:, 0], together.scores[:n, 0])


@pytest.mark.parametrize("scale", [1e-30, 1e-18, 1.0, 1e18, 1e30])
def test_rows_of_any_length_are_compared_by_their_cosines(rng: np.random.Generator, scale: float) -> None:
    documents = rng.standard_normal((30, 6))
    queries = rng.standard_normal((4, 6))
    candidates = np.tile(np.arange(30), (4, 1))
    plain = rescore(ArrayVectors(documents), queries, candidates, 6, 30)
    documents[::2] *= scale
    scaled = rescore(ArrayVectors(documents), queries / scale, candidates, 6, 30)
    np.testing.assert_allclose(scaled.scores, plain.scores, atol=3e-7)


def test_a_set_its_matrix_and_its_rotated_reading_are_rescored_alike(rng: np.random.Generator, tmp_path: Path) -> None:
    x = unit_rows(rng.standard_normal((200, 70), dtype=np.float32))
    space = Space.declared("rescored", 70)
    names = [str(n) for n in range(200)]
    stored = EmbeddingSet.from_numpy(tmp_path / "s", x, names, space=space, shard_rows=30)
    queries = rng.standard_normal((9, 70))
    candidates = np.stack([rng.permutation(200)[:40] for _ in range(9)])
    whole = rescore(ArrayVectors(x), queries, candidates, 33, 5)
    mapped = rescore(stored, queries, candidates, 33, 5)
    np.testing.assert_array_equal(whole.rows, mapped.rows)
    np.testing.assert_array_equal(whole.scores, mapped.scores)
    read = rescore(UnitRows(stored, None), queries, candidates, 33, 5)
    np.testing.assert_array_equal(whole.rows, read.rows)
    np.testing.assert_allclose(whole.scores, read.scores, atol=2e-7)
