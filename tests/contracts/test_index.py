"""One list of checks for every Index; exhaustive comparison in float64 judges it.

To join: write a function that builds your index from a matrix and a scratch folder, add one line to `CASES`. What an
index cannot do is declared there and asserted, never skipped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.prefix import cut, unit_rows
from matryo.search import ExactIndex, Index
from matryo.search.faiss_index import FaissIndex
from matryo.search.funnel import FunnelIndex
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.search.kinds import load_index
from matryo.search.quantized import QuantizedIndex
from matryo.space import Space

WIDTH = 40

SPACE = Space.declared("contract", WIDTH)
DIMS = (1, 7, 32, WIDTH)
Build = Callable[[np.ndarray], Index]


def exact_of_matrix(vectors: np.ndarray, folder: Path) -> Index:
    return ExactIndex.build(vectors, space=SPACE)


def set_of(vectors: np.ndarray, folder: Path) -> EmbeddingSet:
    ids = [f"d{row}" for row in range(len(vectors))]
    return EmbeddingSet.from_numpy(folder / "set", vectors, ids, space=SPACE, shard_rows=50)


def exact_of_set(vectors: np.ndarray, folder: Path) -> Index:
    return ExactIndex.build(set_of(vectors, folder))


def half_precision(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(vectors, space=SPACE, bits=16, rescore=False)


def int8_of_a_prefix(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(vectors, space=SPACE, bits=8, dim=32, rescore=False)


def int8_rescored_from_a_set(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(set_of(vectors, folder), bits=8, dim=16, shortlist=60)


def signs_rescored(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(vectors, space=SPACE, bits=1, centred=True, shortlist=80)


def signs_that_all_are_rescored(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(vectors, space=SPACE, bits=1, dim=32, shortlist=120)


def faiss_flat_rescored_from_a_set(vectors: np.ndarray, folder: Path) -> Index:
    return FaissIndex.build(set_of(vectors, folder), factory="Flat", dim=7, shortlist=120)


def faiss_hnsw_of_a_prefix(vectors: np.ndarray, folder: Path) -> Index:
    return FaissIndex.build(vectors, space=SPACE, factory="HNSW16", dim=32, rescore=False, settings={"efSearch": 120})


def as_given(x: np.ndarray) -> np.ndarray:
    return x


@dataclass(frozen=True)
class Case:
    """An index and what is promised of it.

    Attributes:
        make: builds it from (n, WIDTH) rows, with a folder to write to.
        recall: least share of the true best that it must find; 1.0 = exact: the very rows in the very order.
        atol: largest error of a score.
        seen: maps vectors to those whose prefixes the index searches, e.g. rotates them.
        dims: dims that it answers at; it must refuse all others of `DIMS` by a MatryoError.
        own_dim: what `dim=None` means.
    """

    make: Callable[[np.ndarray, Path], Index]
    recall: float = 1.0
    atol: float = 1e-6
    seen: Callable[[np.ndarray], np.ndarray] = as_given
    dims: tuple[int, ...] = DIMS
    own_dim: int = WIDTH

    @property
    def exact(self) -> bool:
        """Whether nothing at all is lost."""
        return self.recall == 1.0

    def reference(self, queries: np.ndarray, documents: np.ndarray, dim: int) -> np.ndarray:
        """Cosines of the cut vectors in float64."""
        left, right = (self.seen(x.astype(np.float64)) for x in (queries, documents))
        return cut(left, dim) @ cut(right, dim).T


@dataclass(frozen=True)
class Turn:
    """A rotation as `fit_rotation` would return it."""

    matrix: np.ndarray
    source: Space
    target: Space


TURN = Turn(
    np.linalg.qr(np.random.default_rng(3).standard_normal((WIDTH, WIDTH)))[0].astype(np.float32),
    SPACE,
    SPACE.mapped("turn", WIDTH),
)


def turned(x: np.ndarray) -> np.ndarray:
    return x @ TURN.matrix.astype(np.float64)


def funnel_of_matrix(vectors: np.ndarray, folder: Path) -> Index:
    return FunnelIndex.build(vectors, space=SPACE, dims=(8, 20))


def funnel_of_rotated_set(vectors: np.ndarray, folder: Path) -> Index:
    return FunnelIndex.build(set_of(vectors, folder), rotation=TURN, scan="bfloat16")


def funnel_of_small_integers(vectors: np.ndarray, folder: Path) -> Index:
    return FunnelIndex.build(vectors, space=SPACE, dims=(16,), rotation=TURN, scan="int8")


def funnel_by_plan(vectors: np.ndarray, folder: Path) -> Index:
    plan = FunnelPlan((Stage(8, 60), Stage(20, 30)), k=10, recall=0.6, recall_lower=0.6, confidence=0.95, n=100)
    return FunnelIndex.build(vectors, space=SPACE, dims=(8, 20), plan=plan)


def int8_of_rotated_rows(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(vectors, space=SPACE, bits=8, dim=32, rescore=False, rotation=TURN)


def signs_of_a_rotated_set_rescored(vectors: np.ndarray, folder: Path) -> Index:
    return QuantizedIndex.build(set_of(vectors, folder), bits=1, shortlist=120, rotation=TURN)


def faiss_flat_of_a_rotated_set_rescored(vectors: np.ndarray, folder: Path) -> Index:
    return FaissIndex.build(set_of(vectors, folder), factory="Flat", dim=7, shortlist=120, rotation=TURN)


def faiss_of_rotated_rows(vectors: np.ndarray, folder: Path) -> Index:
    return FaissIndex.build(vectors, space=SPACE, factory="SQfp16", dim=32, rescore=False, rotation=TURN)


CASES = [
    Case(exact_of_matrix),
    Case(exact_of_set),
    Case(funnel_of_matrix),
    Case(funnel_of_rotated_set, seen=turned),
    Case(funnel_of_small_integers, seen=turned),
    Case(funnel_by_plan, recall=0.6),
    Case(half_precision, recall=0.99, atol=1e-3),
    Case(int8_of_a_prefix, recall=0.95, atol=0.03, dims=(1, 7, 32), own_dim=32),
    Case(int8_rescored_from_a_set, recall=0.8),
    Case(signs_rescored, recall=0.6),
    Case(signs_that_all_are_rescored),
    Case(faiss_flat_rescored_from_a_set),
    Case(faiss_hnsw_of_a_prefix, recall=0.95, dims=(32,), own_dim=32),
    Case(int8_of_rotated_rows, recall=0.95, atol=0.03, seen=turned, dims=(1, 7, 32), own_dim=32),
    Case(signs_of_a_rotated_set_rescored, seen=turned),
    Case(faiss_flat_of_a_rotated_set_rescored, seen=turned),
    Case(faiss_of_rotated_rows, recall=0.95, atol=2e-3, seen=turned, dims=(32,), own_dim=32),
]


@pytest.fixture(params=CASES, ids=lambda case: case.make.__name__)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


@pytest.fixture
def build(case: Case, tmp_path: Path) -> Build:
    return lambda vectors: case.make(vectors, tmp_path)


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


@pytest.mark.parametrize("dim", [None, *DIMS])
def test_finds_what_exhaustive_comparison_finds(
    case: Case, build: Build, queries: np.ndarray, documents: np.ndarray, dim: int | None
) -> None:
    k = 15
    if dim is not None and dim not in case.dims:
        with pytest.raises(MatryoError, match="dim"):
            build(documents).search(queries, k, dim)
        return
    hits = build(documents).search(queries, k, dim)
    scores = case.reference(queries, documents, dim or case.own_dim)
    assert hits.rows.shape == hits.scores.shape == (len(queries), k)
    assert hits.rows.dtype == np.int64 and hits.scores.dtype == np.float32
    found = hits.rows >= 0
    theirs = np.take_along_axis(scores, hits.rows, axis=1)
    np.testing.assert_allclose(theirs[found], hits.scores[found], atol=case.atol)
    assert all(len(set(row)) == len(row) for row in (r[r >= 0].tolist() for r in hits.rows))
    best = -np.sort(-scores, axis=1)[:, :k]
    # a row that ties with the k-th best is as good as it
    as_good = (theirs >= best[:, -1:] - 1e-6) & found
    assert as_good.mean() >= case.recall
    if case.exact:
        np.testing.assert_allclose(hits.scores, best, atol=case.atol)


def test_scores_fall_and_equal_ones_are_ordered_by_row(
    build: Build, queries: np.ndarray, documents: np.ndarray
) -> None:
    hits = build(documents).search(queries, 30)
    falls, ties = np.diff(hits.scores, axis=1) < 0, np.diff(hits.scores, axis=1) == 0
    ends = hits.rows[:, 1:] == -1
    assert (falls | (ties & (np.diff(hits.rows, axis=1) > 0)) | ends).all()


def test_no_dim_means_its_own_dim(case: Case, build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    index = build(documents)
    full, named = index.search(queries, 9), index.search(queries, 9, case.own_dim)
    np.testing.assert_array_equal(full.rows, named.rows)
    np.testing.assert_array_equal(full.scores, named.scores)


def test_dims_in_any_order_do_not_disturb_each_other(
    case: Case, build: Build, queries: np.ndarray, documents: np.ndarray
) -> None:
    index = build(documents)
    before = {dim: index.search(queries, 5, dim).rows for dim in case.dims}
    for dim in reversed(case.dims):
        np.testing.assert_array_equal(index.search(queries, 5, dim).rows, before[dim])


def test_facts_say_what_it_is(case: Case, build: Build, documents: np.ndarray, tmp_path: Path) -> None:
    index = build(documents)
    facts = index.facts()
    assert 1 <= facts.dim <= WIDTH and facts.bits in (1, 4, 8, 16, 32)
    assert facts.disk_bytes == 0 and facts.build_s >= 0.0 and facts.resident_bytes >= 0
    index.save(tmp_path / "index")
    loaded = load_index(tmp_path / "index")
    assert type(loaded) is type(index)
    again = loaded.facts()
    assert (again.kind, again.dim, again.bits, again.settings) == (facts.kind, facts.dim, facts.bits, facts.settings)
    assert again.disk_bytes == sum(p.stat().st_size for p in (tmp_path / "index").rglob("*") if p.is_file())


def test_equal_rows_come_in_the_order_of_their_numbers(
    build: Build, queries: np.ndarray, documents: np.ndarray
) -> None:
    assert build(documents).search(queries, 4).rows[-1].tolist() == [5, 30, 70, 119]


def test_a_zero_query_scores_zero_everywhere(case: Case, build: Build, documents: np.ndarray) -> None:
    hits = build(documents).search(np.zeros((1, WIDTH), dtype=np.float32), 3)
    assert (hits.scores[hits.rows >= 0] == 0.0).all()
    if case.exact:
        assert hits.rows.tolist() == [[0, 1, 2]]


def test_a_zero_row_scores_zero(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    hits = build(documents).search(queries, len(documents))
    assert (hits.scores[hits.rows == 40] == 0.0).all()


def test_k_beyond_the_rows_is_filled_up(case: Case, build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    hits = build(documents).search(queries, len(documents) + 3)
    missing = hits.rows == -1
    assert missing[:, -3:].all() and (np.isneginf(hits.scores) == missing).all()
    assert (np.sort(missing, axis=1) == missing).all()  # whatever is missing stands at the end
    if case.exact:
        assert (np.sort(hits.rows[:, :-3], axis=1) == np.arange(len(documents))).all()


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
    case: Case, build: Build, queries: np.ndarray, documents: np.ndarray, dtype: type
) -> None:
    given = np.asfortranarray(queries.astype(dtype))
    before = given.copy()
    given.setflags(write=False)
    hits = build(documents).search(given, 3)
    np.testing.assert_array_equal(given, before)
    scores = np.take_along_axis(case.reference(before, documents, case.own_dim), hits.rows, axis=1)
    np.testing.assert_allclose(hits.scores, scores, atol=case.atol)


def test_documents_stay_as_they_are(build: Build, queries: np.ndarray, documents: np.ndarray) -> None:
    before = documents.copy()
    documents.setflags(write=False)
    build(documents).search(queries, 3)
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


@pytest.mark.parametrize("which", [0, -1])
def test_saved_and_loaded_it_answers_the_same(
    case: Case, build: Build, queries: np.ndarray, documents: np.ndarray, tmp_path: Path, which: int
) -> None:
    dim = case.dims[which]
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
    kind = f'"{index.facts().kind}"'
    for wrong in (text.replace('"format": 1', '"format": 99'), text.replace(kind, '"other"'), "[]", "{"):
        path.write_text(wrong)
        with pytest.raises(FormatError, match=r"index\.json"):
            type(index).load(tmp_path / "index")


def test_an_index_beside_other_vectors_is_refused(build: Build, documents: np.ndarray, tmp_path: Path) -> None:
    index = build(documents)
    index.save(tmp_path / "index")
    if not (tmp_path / "index" / "vectors").exists():
        assert "vectors_digest" not in (tmp_path / "index" / "index.json").read_text()
        return
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
