import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError
from matryo.hits import Hits
from matryo.prefix import cut, unit_rows
from matryo.search import ScaledRows, search_dim, search_prefixes
from matryo.space import Space


def reference(queries: np.ndarray, documents: np.ndarray, dim: int) -> np.ndarray:
    return cut(queries.astype(np.float64), dim) @ cut(documents.astype(np.float64), dim).T


def agree(hits: Hits, scores: np.ndarray, k: int, atol: float = 1e-6) -> None:
    """Hold hits against all scores in float64: right values, right rows, right order, no row twice."""
    n, m = scores.shape
    held = min(k, m)
    assert hits.rows.shape == hits.scores.shape == (n, k)
    assert (hits.rows[:, held:] == -1).all() and np.isneginf(hits.scores[:, held:]).all()
    rows, found = hits.rows[:, :held], hits.scores[:, :held]
    np.testing.assert_allclose(np.take_along_axis(scores, rows, axis=1), found, atol=atol)
    np.testing.assert_allclose(found, -np.sort(-scores, axis=1)[:, :held], atol=atol)
    falls, ties = found[:, 1:] < found[:, :-1], found[:, 1:] == found[:, :-1]
    assert (falls | (ties & (rows[:, 1:] > rows[:, :-1]))).all()
    assert (np.diff(np.sort(rows, axis=1), axis=1) > 0).all()


def test_worked_by_hand() -> None:
    documents = np.array([[1.0, 3.0], [2.0, 1.0], [0.0, 0.0], [-1.0, 0.0]])
    found = search_prefixes(np.array([[2.0, 0.0]]), documents, (2, 1), 4)
    assert list(found) == [1, 2]
    assert found[1].rows.tolist() == [[0, 1, 2, 3]]
    assert found[1].scores.tolist() == [[1.0, 1.0, 0.0, -1.0]]
    assert found[2].rows.tolist() == [[1, 0, 2, 3]]
    np.testing.assert_allclose(found[2].scores, [[2 / 5**0.5, 1 / 10**0.5, 0.0, -1.0]], atol=1e-7)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("block_rows", [None, 1, 97, 1000])
def test_every_dim_against_float64(rng: np.random.Generator, threads: int, block_rows: int | None) -> None:
    m = 3000 if block_rows != 1 else 130
    queries, documents = rng.standard_normal((53, 48)), rng.standard_normal((m, 48), dtype=np.float32)
    dims = (3, 16, 33, 48)
    found = search_prefixes(queries, documents, dims, 10, block_rows=block_rows, threads=threads)
    for dim in dims:
        agree(found[dim], reference(queries, documents, dim), 10)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(0, 40),
    m=st.integers(0, 200),
    k=st.integers(1, 70),
    block_rows=st.integers(20, 250),
    threads=st.sampled_from([1, 1, 2]),
    dims=st.sets(st.integers(1, 9), min_size=1),
    values=st.sampled_from(["few", "normal", "scaled"]),
)
def test_any_shape_against_float64(
    seed: int, n: int, m: int, k: int, block_rows: int, threads: int, dims: set[int], values: str
) -> None:
    rng = np.random.default_rng(seed)
    documents = rng.standard_normal((m, 9), dtype=np.float32)
    if values == "few":  # ties and zero rows everywhere
        documents = np.sign(documents) * (np.abs(documents) > 0.7)
    if values == "scaled":
        documents *= 10.0 ** rng.integers(-30, 30, size=(m, 1)).astype(np.float32)
    queries = rng.integers(-2, 3, size=(n, 9)).astype(np.float32)
    found = search_prefixes(queries, documents, list(dims), k, block_rows=block_rows, threads=threads)
    assert list(found) == sorted(dims)
    for dim, hits in found.items():
        agree(hits, reference(queries, documents, dim), k)


@pytest.mark.parametrize("order", ["rising", "falling", "equal", "waves"])
def test_orders_made_to_defeat_the_threshold(rng: np.random.Generator, order: str) -> None:
    m = 20_000
    angle = {
        "rising": np.linspace(np.pi / 2, 0.01, m),
        "falling": np.linspace(0.01, np.pi / 2, m),
        "equal": np.full(m, 0.5),
        "waves": np.tile(np.linspace(1.5, 0.1, 100), m // 100),
    }[order]
    documents = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    queries = np.tile(np.array([[1.0, 0.0]], dtype=np.float32), (70, 1))
    queries[::2] = [0.0, 1.0]
    found = search_prefixes(queries, documents, (1, 2), 50, threads=2)
    for dim in (1, 2):
        agree(found[dim], reference(queries, documents, dim), 50)


def test_equal_documents_tie_wherever_they_stand(rng: np.random.Generator) -> None:
    documents = rng.standard_normal((5000, 96), dtype=np.float32)
    places = np.array([3, 31, 32, 1000, 2047, 2048, 4096, 4998, 4999])
    documents[places] = documents[17]
    queries = documents[[17]] + 0.01 * rng.standard_normal((40, 96), dtype=np.float32)
    for block_rows in (64, 700, None):
        for dim, hits in search_prefixes(queries, documents, (24, 96), 10, block_rows=block_rows).items():
            assert (hits.rows == np.sort([*places.tolist(), 17])).all(), dim
            assert (hits.scores == hits.scores[:, :1]).all()


def test_rows_of_any_length_lose_nothing(rng: np.random.Generator) -> None:
    documents = rng.standard_normal((200, 12))
    plain = search_prefixes(documents[:20], documents, (4, 12), 7)
    scale = 10.0 ** rng.choice([-37.0, -30.0, 0.0, 30.0, 37.0], size=(200, 1))
    scaled = search_prefixes(documents[:20] * 1e100, (documents * scale).astype(np.float32), (4, 12), 7)
    for dim in (4, 12):
        np.testing.assert_allclose(plain[dim].scores, scaled[dim].scores, atol=2e-6)
        np.testing.assert_array_equal(plain[dim].rows, scaled[dim].rows)


def test_a_prefix_far_shorter_than_its_row(rng: np.random.Generator) -> None:
    documents = rng.standard_normal((60, 8)).astype(np.float32)
    documents[:, :4] *= np.float32(1e-32)
    documents[7, :4] = 0.0
    found = search_prefixes(documents[:9], documents, (2, 4, 8), 5)
    for dim in (2, 4, 8):
        agree(found[dim], reference(documents[:9], documents, dim), 5)


def test_one_dim_and_scaled_rows_equal_the_pass_over_all(rng: np.random.Generator) -> None:
    queries, documents = rng.standard_normal((9, 32)), rng.standard_normal((500, 32))
    found = search_prefixes(queries, documents, (8, 20, 32), 6)
    for dim, hits in found.items():
        np.testing.assert_array_equal(search_dim(queries, documents, dim, 6).rows, hits.rows)
        np.testing.assert_array_equal(search_dim(queries, ScaledRows.of(documents, (dim,)), dim, 6).rows, hits.rows)
    again = search_prefixes(queries, ScaledRows.of(documents, (8, 20, 32)), (32, 20, 8), 6)
    assert all((again[dim].rows == hits.rows).all() for dim, hits in found.items())
    with pytest.raises(ShapeError, match=r"scaled for dims \(8,\), got \(20,\)"):
        search_dim(queries, ScaledRows.of(documents, (8,)), 20, 6)


def test_a_set_on_disk_equals_its_matrix(rng: np.random.Generator, tmp_path) -> None:
    documents = unit_rows(rng.standard_normal((300, 80), dtype=np.float32))
    stored = EmbeddingSet.from_numpy(
        tmp_path / "s", documents, [str(n) for n in range(300)], space=Space.declared("x", 80), shard_rows=64
    )
    queries = rng.standard_normal((5, 80))
    from_disk = search_prefixes(queries, stored, (32, 80), 4, block_rows=50)
    for dim, hits in search_prefixes(queries, documents, (32, 80), 4).items():
        np.testing.assert_array_equal(from_disk[dim].rows, hits.rows)


def test_same_rows_as_faiss(rng: np.random.Generator) -> None:
    faiss = pytest.importorskip("faiss")
    queries, documents = (rng.standard_normal((n, 64), dtype=np.float32) for n in (50, 4000))
    for dim, hits in search_prefixes(queries, documents, (16, 64), 20).items():
        index = faiss.IndexFlatIP(dim)
        index.add(np.ascontiguousarray(cut(documents, dim)))
        scores, rows = index.search(np.ascontiguousarray(cut(queries, dim)), 20)
        np.testing.assert_allclose(hits.scores, scores, atol=2e-6)
        differing = hits.rows != rows
        other = np.take_along_axis(reference(queries, documents, dim), rows, axis=1)
        assert (np.abs(other - hits.scores)[differing] < 1e-6).all()
        assert differing.mean() < 0.01


def test_memory_does_not_grow_with_the_corpus(rng: np.random.Generator) -> None:
    """The scores of all documents would take 48 MB, a scaled copy of them 13 MB."""
    documents = rng.standard_normal((60_000, 56), dtype=np.float32)
    queries = rng.standard_normal((200, 56), dtype=np.float32)
    search_prefixes(queries, documents[:100], (8, 56), 5)
    tracemalloc.start()
    search_prefixes(queries, documents, (8, 56), 5, block_rows=1000, threads=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6e6


def test_torch_settings_are_restored_and_do_not_blur_scores(rng: np.random.Generator) -> None:
    queries, documents = rng.standard_normal((64, 256)), rng.standard_normal((2000, 256))
    before = torch.get_num_threads()
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = search_dim(queries, documents, 256, 10, threads=before + 1)
        with pytest.raises(ShapeError):
            search_dim(queries, np.full((40, 256), np.nan), 256, 10, threads=before + 1)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert torch.get_num_threads() == before
    agree(found, reference(queries, documents, 256), 10)


def test_many_queries_are_searched_in_parts(rng: np.random.Generator) -> None:
    queries, documents = rng.standard_normal((1300, 6)), rng.standard_normal((150, 6))
    agree(search_dim(queries, documents, 6, 3, threads=2), reference(queries, documents, 6), 3)


def test_bad_input_is_refused(rng: np.random.Generator) -> None:
    queries, documents = rng.standard_normal((4, 8)), rng.standard_normal((20, 8))
    for k in (0, -2):
        with pytest.raises(MatryoError, match="k must be at least 1"):
            search_prefixes(queries, documents, (4,), k)
    for dims in ((), (0,), (9,), (4, 4), (2.5,)):
        with pytest.raises(ShapeError, match="dims must"):
            search_prefixes(queries, documents, dims, 3)
    with pytest.raises(ShapeError, match="queries must be as wide as the documents, 8, got 7"):
        search_prefixes(queries[:, :7], documents, (4,), 3)
    with pytest.raises(ShapeError, match="queries must be a float matrix"):
        search_prefixes(queries.astype(int), documents, (4,), 3)
    with pytest.raises(MatryoError, match="block_rows must be at least 1"):
        search_prefixes(queries, documents, (4,), 3, block_rows=0)
    with pytest.raises(MatryoError, match="threads must be at least 1"):
        search_prefixes(queries, documents, (4,), 3, threads=0)
    documents[11, 3] = np.nan
    with pytest.raises(ShapeError, match="row 11"):
        search_prefixes(queries, documents, (4,), 3)


def test_vectors_that_turn_out_not_finite_are_refused() -> None:
    class Broken:
        n_rows, width = 40, 4

        def read(self, rows: slice, start: int, stop: int) -> np.ndarray:
            found = np.ones((len(range(*rows.indices(40))), stop - start), dtype=np.float32)
            found[-1] = np.inf
            return found

    with pytest.raises(ShapeError, match="finite"):
        search_prefixes(np.ones((2, 4)), Broken(), (2, 4), 3)
