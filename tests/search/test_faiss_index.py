import json
import sys
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, MissingExtra, ShapeError, SpaceError
from matryo.prefix import cut, unit_rows
from matryo.search import ExactIndex
from matryo.search.faiss_index import FaissIndex
from matryo.space import Space

faiss = pytest.importorskip("faiss")

WIDTH = 64
SPACE = Space.declared("faiss", WIDTH)


@pytest.fixture
def clustered(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """2,000 rows around 40 centres whose columns shrink, and 40 queries near some."""
    shrink = np.linspace(1.0, 0.15, WIDTH)
    centres = rng.standard_normal((40, WIDTH)) * shrink
    rows = centres[rng.integers(0, 40, 2040)] + 0.6 * rng.standard_normal((2040, WIDTH)) * shrink
    x = unit_rows(rows.astype(np.float32))
    return x[:2000], x[2000:]


@pytest.fixture
def stored(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> EmbeddingSet:
    names = [f"d{n}" for n in range(2000)]
    return EmbeddingSet.from_numpy(tmp_path / "set", clustered[0], names, space=SPACE, shard_rows=300)


def shared(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.mean([len(set(a) & set(b)) / len(b) for a, b in zip(found.tolist(), true.tolist(), strict=True)]))


@pytest.mark.parametrize(
    ("factory", "dim", "settings", "least"),
    [
        ("Flat", None, {}, 1.0),
        ("Flat", 24, {}, 0.95),
        ("IVF20,Flat", 24, {"nprobe": 8}, 0.95),
        ("HNSW16", 24, {"efSearch": 128}, 0.9),
        ("IVF20,PQ16x4", 32, {"nprobe": 20}, 0.8),
        ("SQ8", 24, {}, 0.95),
        ("OPQ8_32,IVF20,PQ8x4", 32, {"nprobe": 20}, 0.7),
    ],
)
def test_any_factory_on_any_prefix_rescored_in_full(
    clustered: tuple[np.ndarray, np.ndarray],
    stored: EmbeddingSet,
    factory: str,
    dim: int | None,
    settings: dict[str, float],
    least: float,
) -> None:
    documents, queries = clustered
    index = FaissIndex.build(stored, factory=factory, dim=dim, settings=settings)
    assert index._index.metric_type == faiss.METRIC_INNER_PRODUCT
    hits = index.search(queries, 10)
    true = ExactIndex.build(stored).search(queries, 10)
    assert shared(hits.rows, true.rows) >= least
    np.testing.assert_allclose(hits.scores, np.take_along_axis(queries @ documents.T, hits.rows, axis=1), atol=2e-6)


@pytest.mark.parametrize("dim", [1, 24, WIDTH])
def test_flat_alone_compares_cut_and_renormalised_rows(clustered: tuple[np.ndarray, np.ndarray], dim: int) -> None:
    documents, queries = clustered
    documents, queries = 3.0 * documents, 0.2 * queries
    index = FaissIndex.build(documents, space=SPACE, dim=dim, rescore=False)
    hits = index.search(queries, 10)
    scores = cut(queries.astype(np.float64), dim) @ cut(documents.astype(np.float64), dim).T
    np.testing.assert_allclose(hits.scores, -np.sort(-scores, axis=1)[:, :10], atol=2e-6)
    assert index.dim == dim and index.search(queries, 10, dim).rows.tolist() == hits.rows.tolist()


def test_several_dims_in_one_read(clustered: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    documents, queries = clustered
    from matryo.embeddings import ArrayVectors

    reads: list[tuple[int, int]] = []
    plain = ArrayVectors.read

    def watched(self: ArrayVectors, rows: slice, start: int, stop: int) -> np.ndarray:
        reads.append((rows.start, stop))
        return plain(self, rows, start, stop)

    monkeypatch.setattr(ArrayVectors, "read", watched)
    many = FaissIndex.build_many(documents, "Flat", (48, 8, 24), space=SPACE, rescore=False)
    assert list(many) == [8, 24, 48] and reads == [(0, 48)]
    for dim, index in many.items():
        alone = FaissIndex.build(documents, space=SPACE, dim=dim, rescore=False)
        np.testing.assert_array_equal(index.search(queries, 5).rows, alone.search(queries, 5).rows)
    reads.clear()
    FaissIndex.build_many(documents, "IVF10,Flat", (24, 48), space=SPACE, rescore=False)
    assert reads == [(0, 48)]  # the sample to learn from is taken, not read


def test_what_is_learned_is_a_seeded_sample(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered

    def build(seed: int) -> FaissIndex:
        return FaissIndex.build(documents, space=SPACE, factory="IVF10,PQ8x4", rescore=False, train_rows=400, seed=seed)

    first, again, other = (build(seed).search(queries, 10).scores for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    settings = build(1).facts().settings
    assert (settings["train_rows"], settings["seed"], settings["factory"]) == (400, 1, "IVF10,PQ8x4")
    assert FaissIndex.build(documents, space=SPACE, factory="IVF10,Flat").facts().settings["train_rows"] == 2000
    assert FaissIndex.build(documents, space=SPACE, factory="HNSW8").facts().settings["train_rows"] == 0


def test_settings_by_name(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    true = ExactIndex.build(documents, space=SPACE).search(queries, 10).rows
    index = FaissIndex.build(documents, space=SPACE, factory="IVF40,Flat", rescore=False, settings={"nprobe": 1})
    few = shared(index.search(queries, 10).rows, true)
    index.configure({"nprobe": 40})
    assert shared(index.search(queries, 10).rows, true) == 1.0 > few
    assert index.facts().settings["settings"] == {"nprobe": 40.0}
    with pytest.raises(MatryoError, match="no setting 'efSearch'; this one knows nprobe"):
        index.configure({"efSearch": 10})
    with pytest.raises(MatryoError, match="no setting 'nprobes'"):
        FaissIndex.build(documents, space=SPACE, factory="IVF40,Flat", settings={"nprobes": 3})
    with pytest.raises(MatryoError, match="knows no settings"):
        FaissIndex.build(documents, space=SPACE, settings={"nprobe": 3})
    for bad in (0, -1, True, "8", float("nan"), float("inf")):
        with pytest.raises(MatryoError, match="numbers above 0"):
            index.configure({"nprobe": bad})  # type: ignore[dict-item]


def test_a_longer_shortlist_finds_more(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    index = FaissIndex.build(documents, space=SPACE, dim=6, shortlist=10)
    true = ExactIndex.build(documents, space=SPACE).search(queries, 10).rows
    few = shared(index.search(queries, 10).rows, true)
    index.configure({}, shortlist=400)
    assert index.facts().settings["shortlist"] == 400
    assert shared(index.search(queries, 10).rows, true) > few + 0.05
    for refusing, shortlist in ((index, 0), (FaissIndex.build(documents, space=SPACE, rescore=False), 5)):
        with pytest.raises(MatryoError, match="shortlist must be at least 1 and needs rescore=True"):
            refusing.configure({}, shortlist=shortlist)


def test_places_that_faiss_leaves_empty_are_missing(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    for rescore in (False, True):
        index = FaissIndex.build(documents, space=SPACE, factory="IVF100,Flat", rescore=rescore, settings={"nprobe": 1})
        hits = index.search(queries, 600)
        missing = hits.rows == -1
        assert missing.any() and (np.isneginf(hits.scores) == missing).all()
        assert (np.sort(missing, axis=1) == missing).all() and not missing[:, 0].any()


def test_zero_rows_duplicates_and_k_beyond_the_rows(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered[0][:50].copy(), clustered[1]
    documents[[3, 9]] = 0.0
    documents[[20, 33]] = documents[11]
    for rescore in (False, True):
        index = FaissIndex.build(documents, space=SPACE, rescore=rescore)
        hits = index.search(queries, 60)
        assert (np.sort(hits.rows[:, :50], axis=1) == np.arange(50)).all() and (hits.rows[:, 50:] == -1).all()
        assert (hits.scores[np.isin(hits.rows, [3, 9])] == 0.0).all()
        assert index.search(documents[[11]], 3).rows.tolist() == [[11, 20, 33]]
        assert index.search(np.zeros((1, WIDTH)), 3).rows.tolist() == [[0, 1, 2]]
        assert FaissIndex.build(documents[:0], space=SPACE, rescore=rescore).search(queries, 3).rows.max() == -1


def test_saved_and_loaded_it_answers_the_same(
    clustered: tuple[np.ndarray, np.ndarray], stored: EmbeddingSet, tmp_path: Path
) -> None:
    queries = clustered[1]
    for name, rescore in (("a", True), ("b", False)):
        index = FaissIndex.build(stored, factory="IVF20,Flat", dim=24, rescore=rescore, settings={"nprobe": 5})
        index.save(tmp_path / name)
        index.save(tmp_path / name)
        loaded = FaissIndex.load(tmp_path / name, space=SPACE)
        for k in (1, 10):
            ours, theirs = index.search(queries, k), loaded.search(queries, k)
            np.testing.assert_array_equal(ours.rows, theirs.rows)
            np.testing.assert_array_equal(ours.scores, theirs.scores)
        assert loaded.set_digest == stored.digest and loaded.facts().settings == index.facts().settings
        assert loaded.resident_bytes == index.resident_bytes == (tmp_path / name / "index.faiss").stat().st_size
        assert loaded.disk_bytes == sum(p.stat().st_size for p in (tmp_path / name).rglob("*") if p.is_file())
        assert (tmp_path / name / "vectors").exists() == rescore
        with pytest.raises(SpaceError, match="one space"):
            FaissIndex.load(tmp_path / name, space=Space.declared("elsewhere", WIDTH))
        with pytest.raises(MatryoError, match="holds another index already"):
            FaissIndex.build(stored, factory="Flat", dim=24, rescore=rescore).save(tmp_path / name)
    changed = stored.delete(["d3"])
    other = FaissIndex.build(changed, factory="IVF20,Flat", dim=24, rescore=False, settings={"nprobe": 5})
    assert other.set_digest == changed.digest != stored.digest
    with pytest.raises(MatryoError, match="holds another index already"):
        other.save(tmp_path / "b")


def test_a_damaged_folder_is_refused(stored: EmbeddingSet, tmp_path: Path) -> None:
    FaissIndex.build(stored, dim=24, rescore=False).save(tmp_path / "i")
    file, about = tmp_path / "i" / "index.faiss", tmp_path / "i" / "index.json"
    whole, held = file.read_bytes(), json.loads(about.read_text())
    file.write_bytes(b"?" * len(whole))
    with pytest.raises(FormatError, match="not readable by FAISS"):
        FaissIndex.load(tmp_path / "i")
    file.write_bytes(whole[:100])
    with pytest.raises(FormatError, match=f"must have {len(whole)} bytes, got 100"):
        FaissIndex.load(tmp_path / "i")
    by_length = faiss.IndexFlatL2(24)
    by_length.add(np.zeros((2000, 24), dtype=np.float32))
    faiss.write_index(by_length, str(file))
    about.write_text(json.dumps({**held, "files": {"index.faiss": {"bytes": file.stat().st_size, "sha256": ""}}}))
    with pytest.raises(FormatError, match="inner products"):
        FaissIndex.load(tmp_path / "i")
    file.write_bytes(whole)
    about.write_text(json.dumps({**held, "dim": 25}))
    with pytest.raises(FormatError, match="states 2000 x 25"):
        FaissIndex.load(tmp_path / "i")


def test_what_faiss_cannot_do_is_refused(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    for factory, message in (
        ("Foo", "could not parse index string Foo"),
        ("LSH", "makes no index 'LSH' for inner products"),
        ("IVF10,PQ7", "makes no index|could not learn|fewer lists"),
    ):
        with pytest.raises(MatryoError, match=message):
            FaissIndex.build(documents, space=SPACE, factory=factory)
    with pytest.raises(MatryoError, match="could not learn from 30 rows"):
        FaissIndex.build(documents[:30], space=SPACE, factory="IVF100,Flat")
    for wrong, message in (
        ({"shortlist": 0}, "shortlist must be at least 1"),
        ({"shortlist": 5, "rescore": False}, "needs rescore=True"),
        ({"train_rows": 0}, "train_rows must be at least 1"),
        ({"dim": 65}, "dims must lie within"),
    ):
        with pytest.raises(MatryoError, match=message):
            FaissIndex.build(documents, space=SPACE, **wrong)
    index = FaissIndex.build(documents, space=SPACE, dim=24, rescore=False)
    with pytest.raises(MatryoError, match="answers at dim 24 only, got 8"):
        index.search(queries, 3, 8)
    with pytest.raises(ShapeError, match="dims must lie within"):
        index.search(queries, 3, 25)
    with pytest.raises(ShapeError, match="as wide as the documents, 64"):
        index.search(queries[:, :24], 3)
    queries[2, 60] = np.nan
    with pytest.raises(ShapeError, match="row 2"):
        index.search(queries, 3)


def test_without_faiss_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtra, match=r"matryo\[faiss\]"):
        FaissIndex.build(np.eye(WIDTH, dtype=np.float32), space=SPACE)
