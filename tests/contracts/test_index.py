"""One list of checks for every Index; exhaustive comparison in float64 judges it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.prefix import cut, unit_rows
from matryo.search import ExactIndex, Index
from matryo.space import Space

WIDTH = 40

SPACE = Space.declared("contract", WIDTH)
Build = Callable[[np.ndarray], Index]


def exact_of_matrix(vectors: np.ndarray, folder: Path) -> Index:
    return ExactIndex.build(vectors, space=SPACE)


def exact_of_set(vectors: np.ndarray, folder: Path) -> Index:
    ids = [f"d{row}" for row in range(len(vectors))]
    return ExactIndex.build(EmbeddingSet.from_numpy(folder / "set", vectors, ids, space=SPACE, shard_rows=50))


INDEXES = [exact_of_matrix, exact_of_set]


@pytest.fixture(params=INDEXES, ids=lambda build: build.__name__)
def build(request: pytest.FixtureRequest, tmp_path: Path) -> Build:
    return lambda vectors: request.param(vectors, tmp_path)


@pytest.fixture
def documents(rng: np.random.Generator) -> np.ndarray:
    """120 unit rows, some of them equal, one of them zero."""
    x = unit_rows(rng.standard_normal((120, WIDTH), dtype=np.float32))
    x[[30, 70, 119]] = x[5]
    x[40] = 0.0
    return x


@pytest.fixture
def queries(rng: np.random.Generator, documents: np.ndarray) -> np.ndarray:
    near = documents[5] + 0.1 * rng.standard_normal(WIDTH, dtype=np.float32)
    return np.vstack([rng.standard_normal((6, WIDTH), dtype=np.float32), near]).astype(np.float32)


def reference(queries: np.ndarray, documents: np.ndarray, dim: int) -> np.ndarray:
    return cut(queries.astype(np.float64), dim) @ cut(documents.astype(np.float64), dim).T


@pytest.mark.parametrize("dim", [None, 1, 7, 32, WIDTH])
def test_finds_what_exhaustive_comparison_finds(
    build: Build, queries: np.ndarray, documents: np.ndarray, dim: int | None
) -> None:
    k = 15
    hits = build(documents).search(queries, k, dim)
    scores = reference(queries, documents, dim or WIDTH)
    assert hits.rows.shape == hits.scores.shape == (len(queries), k)
    assert hits.rows.dtype == np.int64 and hits.scores.dtype == np.float32
    np.testing.assert_allclose(hits.scores, -np.sort(-scores, axis=1)[:, :k], atol=1e-6)
    np.testing.assert_allclose(np.take_along_axis(scores, hits.rows, axis=1), hits.scores, atol=1e-6)
    assert all(len(set(row)) == k for row in hits.rows.tolist())


def test_no_dim_means_the_full_width(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    index = build(documents)
    full, named = index.search(queries, 9), index.search(queries, 9, WIDTH)
    np.testing.assert_array_equal(full.rows, named.rows)
    np.testing.assert_array_equal(full.scores, named.scores)


def test_dims_in_any_order_do_not_disturb_each_other(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    index = build(documents)
    before = {dim: index.search(queries, 5, dim).rows for dim in (8, WIDTH, 3)}
    for dim in (3, 8, WIDTH):
        np.testing.assert_array_equal(index.search(queries, 5, dim).rows, before[dim])


def test_equal_scores_are_ordered_by_row(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    hits = build(documents).search(queries, 4)
    assert hits.rows[-1].tolist() == [5, 30, 70, 119]
    zero_query = build(documents).search(np.zeros((1, WIDTH), dtype=np.float32), 3)
    assert zero_query.rows.tolist() == [[0, 1, 2]]
    assert zero_query.scores.tolist() == [[0.0, 0.0, 0.0]]


def test_a_zero_row_scores_zero(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    hits = build(documents).search(queries, len(documents))
    assert (hits.scores[hits.rows == 40] == 0.0).all()


def test_k_beyond_the_rows_is_filled_up(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    hits = build(documents).search(queries, len(documents) + 3)
    assert (np.sort(hits.rows[:, :-3], axis=1) == np.arange(len(documents))).all()
    assert (hits.rows[:, -3:] == -1).all() and np.isneginf(hits.scores[:, -3:]).all()


def test_no_queries_and_a_single_row(build: Build, documents: np.ndarray) -> None:
    index = build(documents[:1])
    assert index.n_rows == 1
    assert index.search(np.empty((0, WIDTH), dtype=np.float32), 4).rows.shape == (0, 4)
    assert index.search(-documents[:1], 2).rows.tolist() == [[0, -1]]


def test_an_index_of_nothing_finds_nothing(build: Build, queries: np.ndarray) -> None:
    hits = build(np.empty((0, WIDTH), dtype=np.float32)).search(queries, 3)
    assert (hits.rows == -1).all() and hits.rows.shape == (len(queries), 3)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_queries_of_any_float_type_and_layout_stay_as_they_are(
    build: Build, queries: np.ndarray, documents: np.ndarray, dtype: type
) -> None:
    given = np.asfortranarray(queries.astype(dtype))
    before = given.copy()
    given.setflags(write=False)
    hits = build(documents).search(given, 3)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_allclose(hits.scores[:, 0], reference(before, documents, WIDTH).max(axis=1), atol=1e-6)


def test_documents_stay_as_they_are(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    before = documents.copy()
    documents.setflags(write=False)
    build(documents).search(queries, 3, 8)
    np.testing.assert_array_equal(documents, before)


@pytest.mark.parametrize("k", [0, -1])
def test_k_below_one_is_refused(build: Build, queries: np.ndarray, documents: np.ndarray, k: int) -> None:
    with pytest.raises(MatryoError, match="k must be at least 1"):
        build(documents).search(queries, k)


@pytest.mark.parametrize("dim", [0, -3, WIDTH + 1])
def test_a_dim_out_of_range_is_refused(build: Build, queries: np.ndarray, documents: np.ndarray, dim: int) -> None:
    with pytest.raises(ShapeError, match="dims must"):
        build(documents).search(queries, 3, dim)


@pytest.mark.parametrize("width", [WIDTH - 1, WIDTH + 1])
def test_queries_of_another_width_are_refused(build: Build, documents: np.ndarray, width: int) -> None:
    with pytest.raises(ShapeError, match="queries must be as wide as the documents, 40"):
        build(documents).search(np.ones((2, width), dtype=np.float32), 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_queries_that_are_no_finite_matrix_are_refused(build: Build, queries: np.ndarray, bad: float) -> None:
    index = build(unit_rows(queries))
    queries[3, 2] = bad
    with pytest.raises(ShapeError, match="row 3"):
        index.search(queries, 3)
    with pytest.raises(ShapeError, match="queries must be a float matrix"):
        index.search(queries[0], 3)


def test_queries_of_another_space_are_refused(
    build: Build, queries: np.ndarray, documents: np.ndarray, tmp_path: Path
) -> None:
    index = build(documents)
    other = Space.declared("elsewhere", WIDTH)
    with pytest.raises(SpaceError, match="one space"):
        index.search(queries, 3, space=other)
    with pytest.raises(SpaceError, match="one space"):
        names = [str(n) for n in range(len(queries))]
        index.search(EmbeddingSet.from_numpy(tmp_path / "q", unit_rows(queries), names, space=other, role="query"), 3)
    assert index.search(queries, 3, space=SPACE.id).k == 3


def test_a_set_of_queries_is_searched_like_its_matrix(
    build: Build, queries: np.ndarray, documents: np.ndarray, tmp_path: Path
) -> None:
    index = build(documents)
    names = [str(n) for n in range(len(queries))]
    as_set = EmbeddingSet.from_numpy(tmp_path / "q", unit_rows(queries), names, space=SPACE, role="query")
    np.testing.assert_array_equal(index.search(as_set, 4).rows, index.search(queries, 4).rows)


@pytest.mark.parametrize("dim", [None, 8])
def test_saved_and_loaded_it_answers_the_same(
    build: Build, queries: np.ndarray, documents: np.ndarray, tmp_path: Path, dim: int | None
) -> None:
    index = build(documents)
    index.save(tmp_path / "index")
    loaded = type(index).load(tmp_path / "index", space=SPACE)
    ours, theirs = index.search(queries, 10, dim), loaded.search(queries, 10, dim)
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    np.testing.assert_array_equal(ours.scores, theirs.scores)
    assert (loaded.space, loaded.n_rows, loaded.set_digest) == (index.space, index.n_rows, index.set_digest)


def test_another_space_is_refused_at_loading(build: Build, documents: np.ndarray, tmp_path: Path) -> None:
    index = build(documents)
    index.save(tmp_path / "index")
    with pytest.raises(SpaceError, match="one space"):
        type(index).load(tmp_path / "index", space=Space.declared("elsewhere", WIDTH))


def test_a_folder_that_is_no_index_is_refused(build: Build, documents: np.ndarray, tmp_path: Path) -> None:
    index = build(documents)
    with pytest.raises(FormatError, match=r"index\.json is missing"):
        type(index).load(tmp_path / "nothing")
    index.save(tmp_path / "index")
    path = tmp_path / "index" / "index.json"
    text = path.read_text()
    for wrong in (text.replace('"format": 1', '"format": 99'), text.replace('"exact"', '"other"'), "[]", "{"):
        path.write_text(wrong)
        with pytest.raises(FormatError, match=r"index\.json"):
            type(index).load(tmp_path / "index")


def test_an_index_beside_other_vectors_is_refused(build: Build, documents: np.ndarray, tmp_path: Path) -> None:
    index = build(documents)
    index.save(tmp_path / "index")
    EmbeddingSet.open(tmp_path / "index" / "vectors").append(documents[:1], ["one more"])
    with pytest.raises(FormatError, match="other vectors"):
        type(index).load(tmp_path / "index")


def test_vectors_that_do_not_fit_the_space_are_refused(documents: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="needs its space"):
        ExactIndex.build(documents)
    with pytest.raises(ShapeError, match="as wide as their space, 41"):
        ExactIndex.build(documents, space=Space.declared("contract", 41))
    stored = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(120)], space=SPACE)
    with pytest.raises(SpaceError, match="one space"):
        ExactIndex.build(stored, space=Space.declared("elsewhere", WIDTH))


def test_an_index_names_the_generation_of_its_set(documents: np.ndarray, tmp_path: Path) -> None:
    first = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(120)], space=SPACE)
    second = first.delete(["5"])
    assert ExactIndex.build(first).set_digest == first.digest != second.digest
    assert ExactIndex.build(second).search(documents[5:6], 1).rows.tolist() == [[29]]  # row 30 moved up by one
    assert ExactIndex.build(documents, space=SPACE).set_digest == ""
