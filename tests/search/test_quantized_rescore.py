from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors, EmbeddingSet
from matryo.prefix import cut, unit_rows
from matryo.search import quantized_rescore
from matryo.search.quantized_rescore import rescore, take_rows
from matryo.space import Space


def test_rows_of_a_set_are_those_of_its_matrix(rng: np.random.Generator, tmp_path: Path) -> None:
    x = unit_rows(rng.standard_normal((200, 70), dtype=np.float32))
    space = Space.declared("take", 70)
    stored = EmbeddingSet.from_numpy(tmp_path / "s", x, [str(n) for n in range(200)], space=space, shard_rows=30)
    stored = stored.delete(["0", "31", "32", "150"])
    x = np.delete(x, [0, 31, 32, 150], axis=0)
    for n in (0, 1, 5, 60, 196):
        rows = np.sort(rng.permutation(196)[:n])
        for stop in (1, 33, 70):
            np.testing.assert_array_equal(take_rows(stored, rows, stop), x[rows, :stop])
            np.testing.assert_array_equal(take_rows(ArrayVectors(x), rows, stop), x[rows, :stop])


def test_rows_far_apart_are_read_alone() -> None:
    class Watched:
        n_rows, width = 10_000, 4
        read_rows = 0

        def read(self, rows: slice, start: int, stop: int) -> np.ndarray:
            self.read_rows += rows.stop - rows.start
            return np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + np.zeros((1, stop), np.float32)

    watched = Watched()
    rows = np.array([0, 3, 5000, 9999])
    assert take_rows(watched, rows, 2)[:, 0].tolist() == rows.tolist()
    assert watched.read_rows == 6


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
    monkeypatch.setattr(quantized_rescore, "_GATHERED", 1)
    one_by_one = rescore(ArrayVectors(documents), queries, candidates, 12, 5)
    np.testing.assert_array_equal(whole.rows, one_by_one.rows)
    np.testing.assert_array_equal(whole.scores, one_by_one.scores)
    assert (whole.rows[3] == -1).all()
