"""Indexes made from settings: each finds what it should, and looks no further than its recall asks for."""

from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.index_quality import neighbour_recall
from matryo.experiments.index_build import _smallest, make_index, rows_as_queries
from matryo.experiments.index_settings import IndexSettings, read_settings
from matryo.prefix import Array, unit_rows
from matryo.search import ExactIndex, FaissIndex, FunnelIndex, Index, QuantizedIndex
from matryo.space import Space

WIDTH = 64
SPACE = Space.declared("index build", WIDTH)


def drawn(rng: np.random.Generator, n: int) -> Array:
    """Vectors whose energy falls along hidden directions, as those of a model do."""
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((WIDTH, WIDTH)))[0]
    return unit_rows(((rng.standard_normal((n, WIDTH)) * 0.93 ** np.arange(WIDTH)) @ turn).astype(np.float32))


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """Eight hundred rows, two of them equal and one of zeros."""
    x = drawn(np.random.default_rng(1), 800)
    x[7], x[13] = x[6], 0.0
    return EmbeddingSet.from_numpy(tmp_path_factory.mktemp("set") / "s", x, [f"d{i}" for i in range(800)], space=SPACE)


@pytest.fixture(scope="module")
def queries() -> Array:
    """Two hundred queries like the rows."""
    return drawn(np.random.default_rng(2), 200)


def recall_of(index: Index, documents: EmbeddingSet, queries: Array, k: int = 10) -> float:
    """Mean share of the exact best k."""
    exact = ExactIndex.build(documents).search(queries, k)
    return float(neighbour_recall(exact, index.search(queries, k)).mean())


@pytest.mark.parametrize(
    ("values", "kind", "dim", "bits"),
    [
        ({"kind": "flat"}, ExactIndex, WIDTH, 32),
        ({"kind": "funnel", "dims": (16, 32), "bits": 32}, FunnelIndex, 16, 32),
        ({"kind": "funnel", "dims": (16,)}, FunnelIndex, 16, 8),
        ({"kind": "quantized", "dims": (32,)}, QuantizedIndex, 32, 8),
        ({"kind": "quantized", "bits": 1}, QuantizedIndex, WIDTH, 1),
        ({"kind": "ivf", "dims": (32,), "settings": {"nprobe": 3}}, FaissIndex, 32, 32),
        ({"kind": "ivf", "dims": (32,), "bits": 8}, FaissIndex, 32, 8),
        ({"kind": "hnsw", "bits": 16}, FaissIndex, WIDTH, 16),
        ({"kind": "faiss", "factory": "SQ8", "dims": (32,)}, FaissIndex, 32, 8),
    ],
)
def test_each_kind_is_built_as_asked(values, kind, dim, bits, documents: EmbeddingSet, queries: Array) -> None:
    index = make_index(read_settings(values), documents)
    facts = index.facts()
    assert (type(index), facts.dim, facts.bits) == (kind, dim, bits)
    assert (index.n_rows, index.set_digest, index.space) == (800, documents.digest, documents.space)
    assert recall_of(index, documents, queries) > 0.3
    for name, value in values.get("settings", {}).items():
        assert facts.settings["settings"][name] == value


def test_an_index_without_recall_or_codes_is_exact(documents: EmbeddingSet, queries: Array) -> None:
    for settings in (IndexSettings(kind="flat"), IndexSettings(kind="funnel", dims=(16,))):
        assert recall_of(make_index(settings, documents), documents, queries) == 1.0


def test_rotation_makes_a_prefix_find_more(documents: EmbeddingSet, queries: Array) -> None:
    found = {
        rotate: recall_of(
            make_index(IndexSettings(kind="quantized", dims=(24,), rotate=rotate, shortlist=20), documents),
            documents,
            queries,
        )
        for rotate in (True, False)
    }
    assert found[True] > found[False] + 0.2


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "funnel", "dims": (16, 32), "recall": 0.9},
        {"kind": "quantized", "dims": (24,), "recall": 0.95},
        {"kind": "quantized", "dims": (24,), "bits": 1, "recall": 0.95},
        {"kind": "ivf", "dims": (24,), "recall": 0.95},
        {"kind": "ivf", "recall": 0.9},
        {"kind": "hnsw", "dims": (24,), "bits": 8, "recall": 0.95},
    ],
)
def test_a_recall_is_reached_and_not_by_looking_at_everything(values, documents: EmbeddingSet, queries: Array) -> None:
    settings = read_settings(values)
    index = make_index(settings, documents, calibration=queries)
    reached = recall_of(index, documents, queries)
    assert settings.recall is not None and reached >= settings.recall
    facts = index.facts().settings
    if settings.kind == "funnel":
        assert all(size < 400 for _, size in facts["plan"]["stages"])
    elif settings.dims:
        assert 10 <= facts["shortlist"] < 600
    if settings.kind == "ivf":
        # with one list fewer the queries would find too little: the search for nprobe stopped at the edge
        fewer = facts["settings"]["nprobe"] - 1
        index.configure({"nprobe": fewer})  # type: ignore[attr-defined]
        assert fewer == 0 or recall_of(index, documents, queries) < settings.recall


@pytest.mark.parametrize("kind", ["funnel", "quantized", "ivf"])
def test_rows_that_stand_in_are_not_their_own_neighbours(kind: str, documents: EmbeddingSet) -> None:
    asked, rows = rows_as_queries(documents, 200)
    settings = read_settings({"kind": kind, "dims": (16,), "recall": 0.9})
    own = make_index(settings, documents, calibration=asked, own_rows=rows, k=1)
    naive = make_index(settings, documents, calibration=asked, k=1)

    def looked(index: Index) -> float:
        facts = index.facts().settings
        return float(facts["plan"]["stages"][0][1] if facts.get("plan") else facts["shortlist"])

    # a row finds itself at once, so that one that counted itself would need a shortlist of one
    assert looked(naive) == 1 and looked(own) > 1


def test_rows_stand_in_once_each_and_alike_for_a_seed(documents: EmbeddingSet) -> None:
    asked, rows = rows_as_queries(documents, 50, seed=3)
    again, same = rows_as_queries(documents, 50, seed=3)
    assert len(set(rows.tolist())) == 50 and np.array_equal(rows, same) and np.array_equal(asked, again)
    assert np.array_equal(asked, documents.to_numpy()[rows])
    assert len(rows_as_queries(documents, 10_000)[1]) == 800


def test_zero_queries_calibrate_like_others(documents: EmbeddingSet) -> None:
    zeros = np.zeros((60, WIDTH), dtype=np.float32)
    for kind in ("funnel", "quantized", "ivf"):
        index = make_index(read_settings({"kind": kind, "dims": (16,), "recall": 0.9}), documents, calibration=zeros)
        assert index.search(zeros[:1], 3).rows.tolist() == [[0, 1, 2]]


def test_bad_input_is_refused(documents: EmbeddingSet, queries: Array, tmp_path: Path) -> None:
    flat, funnel = IndexSettings(kind="flat"), IndexSettings(kind="funnel", dims=(16,), recall=0.9)
    empty = EmbeddingSet.from_numpy(tmp_path / "empty", np.empty((0, WIDTH), dtype=np.float32), [], space=SPACE)
    with pytest.raises(MatryoError, match="empty set"):
        make_index(flat, empty)
    with pytest.raises(MatryoError, match="k must be at least 1, got 0"):
        make_index(flat, documents, k=0)
    with pytest.raises(MatryoError, match="needs sample queries"):
        make_index(funnel, documents)
    with pytest.raises(MatryoError, match=r"at least \d+ queries, got 5"):
        make_index(funnel, documents, calibration=queries[:5])
    with pytest.raises(MatryoError, match="at least 10 sample queries, got 5"):
        make_index(IndexSettings(kind="ivf", recall=0.9), documents, calibration=queries[:5])
    with pytest.raises(ShapeError, match=r"1\.\.64"):
        make_index(IndexSettings(kind="quantized", dims=(65,)), documents)
    spoiled = queries.copy()
    spoiled[3, 3] = np.nan
    for settings in (funnel, IndexSettings(kind="ivf", recall=0.9)):
        with pytest.raises(ShapeError, match="finite"):
            make_index(settings, documents, calibration=spoiled)
        with pytest.raises(ShapeError, match="64"):
            make_index(settings, documents, calibration=drawn(np.random.default_rng(1), 200)[:, :32])
    with pytest.raises(MatryoError, match="shortlist of 10 does not reach"):
        make_index(
            read_settings({"kind": "quantized", "dims": (4,), "recall": 0.99, "shortlist": 10}),
            documents,
            calibration=queries,
        )
    with pytest.raises(MatryoError, match=r"reaches recall 0\.\d+ with nprobe"):
        make_index(
            read_settings({"kind": "ivf", "dims": (4,), "recall": 0.99, "shortlist": 10}),
            documents,
            calibration=queries,
        )


@pytest.mark.parametrize("edge", [1, 2, 9, 37, 100])
def test_the_smallest_size_is_found_nearly(edge: int) -> None:
    tried: list[int] = []

    def reaches(value: int) -> bool:
        tried.append(value)
        return value >= edge

    found = _smallest(reaches, 1, 100)
    assert found is not None and edge <= found <= edge + max(1, edge // 8)
    assert len(tried) <= 14
