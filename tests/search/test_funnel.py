from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.hits import best
from matryo.maps import fit_rotation
from matryo.prefix import unit_rows
from matryo.search import ExactIndex
from matryo.search.funnel import FunnelIndex, default_dims
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.space import Space

WIDTH = 48
SPACE = Space.declared("funnel", WIDTH)
RAW = Space("declared:funnel", WIDTH, normalize=False)
SCANS = ("float32", "bfloat16", "int8")
PLAN = FunnelPlan((Stage(8, 40), Stage(24, 20)), k=10, recall=0.9, recall_lower=0.9, confidence=0.95, n=300)


def awkward(kind: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows that a bound, a rounding or a tie rule could stumble over."""
    x = rng.standard_normal((n, WIDTH))
    if kind == "duplicates":
        x = x[rng.integers(0, max(n // 5, 1), n)]
    elif kind == "all equal":
        x = np.repeat(x[:1], n, axis=0)
    elif kind == "zeros":
        x[rng.random(n) < 0.7] = 0.0
    elif kind == "suffix only":
        x[:, :24] = 0.0
    elif kind == "prefix only":
        x[:, 8:] = 0.0
    elif kind == "nearly equal":
        x = x[:1] + 3e-7 * x
    elif kind == "falling":
        x *= 0.8 ** np.arange(WIDTH)
    elif kind == "opposite":
        x[: n // 2] = -x[n - n // 2 :]
    elif kind == "tiny and huge":
        x *= 10.0 ** rng.uniform(-30, 30, (n, 1))
    elif kind == "one column":
        x[:, 1:] *= 1e-6
    return x.astype(np.float32)


KINDS = (
    "plain",
    "duplicates",
    "all equal",
    "zeros",
    "suffix only",
    "prefix only",
    "nearly equal",
    "falling",
    "opposite",
    "tiny and huge",
    "one column",
)


def brute_force(index: FunnelIndex, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Every row scored in float64, each by itself, rounded once, ordered by (-score, row)."""
    rows = index.parts.rows.read(slice(None), 0, WIDTH).astype(np.float64)
    found = [(rows * query).sum(axis=1).astype(np.float32) for query in index.asked(queries).full]
    scores = np.array(found).reshape(len(queries), len(rows))
    hits = best(np.tile(np.arange(len(rows)), (len(queries), 1)), scores, k)
    return hits.rows, hits.scores


@settings(deadline=None, max_examples=120)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 300),
    k=st.integers(1, 320),
    scan=st.sampled_from(SCANS),
    dims=st.sampled_from([(8,), (8, 24), (1, 2, 47), (48,), (16, 32)]),
)
def test_exact_is_brute_force_to_the_bit(
    kind: str, seed: int, n: int, k: int, scan: str, dims: tuple[int, ...]
) -> None:
    rng = np.random.default_rng(seed)
    documents = awkward(kind, n, rng)
    queries = np.vstack([awkward(kind, 4, rng), documents[:3], np.zeros((1, WIDTH))]).astype(np.float32)
    index = FunnelIndex.build(documents, space=RAW, dims=dims, scan=scan)
    hits, counts = index.search_counted(queries, k)
    rows, scores = brute_force(index, queries, k)
    np.testing.assert_array_equal(hits.rows, rows)
    np.testing.assert_array_equal(hits.scores, scores)
    true = np.sort(unit_rows(queries.astype(np.float64)) @ unit_rows(documents.astype(np.float64)).T, axis=1)
    np.testing.assert_allclose(hits.scores[:, :n], true[:, ::-1][:, :k], atol=1e-6)
    assert (np.diff(counts.survivors, axis=1) <= 0).all()
    assert (counts.survivors[:, -1] >= min(k, n)).all()


@pytest.mark.parametrize("scan", SCANS)
def test_one_query_finds_what_it_finds_among_many(rng: np.random.Generator, scan: str) -> None:
    documents, queries = awkward("falling", 3000, rng), awkward("falling", 70, rng)
    index = FunnelIndex.build(documents, space=RAW, dims=(8, 24), scan=scan)
    together = index.search(queries, 10)
    for at in (0, 33, 69):
        alone = index.search(queries[at : at + 1], 10)
        np.testing.assert_array_equal(alone.rows[0], together.rows[at])
        np.testing.assert_array_equal(alone.scores[0], together.scores[at])


@pytest.mark.parametrize("scan", SCANS)
def test_energy_in_the_prefix_drops_nearly_all_rows(rng: np.random.Generator, scan: str) -> None:
    documents, queries = awkward("falling", 4000, rng), awkward("falling", 20, rng)
    index = FunnelIndex.build(documents, space=RAW, dims=(16, 32), scan=scan)
    _, counts = index.search_counted(queries, 10)
    assert counts.dims == (16, 32, 48)
    assert counts.survivors[:, 0].mean() < 0.2 * 4000
    assert counts.survivors[:, -1].mean() < (12 if scan == "float32" else 60)
    bits = {"float32": 32, "bfloat16": 16, "int8": 8}[scan]
    scanned = 4000 * (16 * bits // 8 + 4)
    assert (counts.bytes_read > scanned).all()
    assert (counts.bytes_read < scanned + counts.survivors.sum(axis=1) * 4 * WIDTH + 3 * 60 * 4 * WIDTH).all()


def test_without_energy_in_the_prefix_it_is_still_exact_and_says_so(rng: np.random.Generator) -> None:
    documents, queries = awkward("suffix only", 500, rng), awkward("plain", 3, rng)
    hits, counts = FunnelIndex.build(documents, space=RAW, dims=(8, 24)).search_counted(queries, 5)
    assert (counts.survivors[:, 0] == 500).all()
    np.testing.assert_array_equal(hits.rows, ExactIndex.build(documents, space=RAW).search(queries, 5).rows)


def test_the_fitted_rotation_keeps_the_result_and_drops_more(rng: np.random.Generator, tmp_path: Path) -> None:
    mixing = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))[0]
    documents = unit_rows((awkward("falling", 2000, rng) @ mixing).astype(np.float32))
    queries = (awkward("falling", 15, rng) @ mixing).astype(np.float32)
    stored = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(2000)], space=SPACE)
    rotation = fit_rotation(stored, SPACE)
    plain = FunnelIndex.build(stored, dims=(16, 32))
    rotated = FunnelIndex.build(stored, dims=(16, 32), rotation=rotation)
    expected, before = plain.search_counted(queries, 10, space=SPACE)
    found, after = rotated.search_counted(queries, 10, space=SPACE)
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)
    assert after.survivors[:, 0].mean() < 0.2 * before.survivors[:, 0].mean()
    rotated.save(tmp_path / "index")
    loaded = FunnelIndex.load(tmp_path / "index", space=SPACE)
    assert loaded.parts.rows.space == rotation.target
    again, counts = loaded.search_counted(queries, 10)
    np.testing.assert_array_equal(again.rows, found.rows)
    np.testing.assert_array_equal(again.scores, found.scores)
    np.testing.assert_array_equal(counts.survivors, after.survivors)


def test_a_saved_index_can_be_saved_elsewhere(rng: np.random.Generator, tmp_path: Path) -> None:
    documents = awkward("plain", 50, rng)
    index = FunnelIndex.build(documents, space=RAW, dims=(8, 24), plan=PLAN)
    index.save(tmp_path / "a")
    index.save(tmp_path / "a")
    FunnelIndex.load(tmp_path / "a").save(tmp_path / "b")
    loaded = FunnelIndex.load(tmp_path / "b")
    assert loaded.plan == PLAN and loaded.facts().build_s == index.facts().build_s > 0.0
    np.testing.assert_array_equal(loaded.search(documents, 4).rows, index.search(documents, 4).rows)
    with pytest.raises(MatryoError):
        FunnelIndex.build(documents[:20], space=RAW).save(tmp_path / "a")


def test_opening_reads_no_vectors(rng: np.random.Generator, tmp_path: Path) -> None:
    FunnelIndex.build(awkward("plain", 50, rng), space=RAW).save(tmp_path / "index")
    for shard in (tmp_path / "index" / "vectors").glob("*.safetensors"):
        shard.write_bytes(b"\0" * shard.stat().st_size)
    loaded = FunnelIndex.load(tmp_path / "index")
    assert loaded.n_rows == 50
    with pytest.raises(FormatError):
        loaded.search(awkward("plain", 1, rng), 3)


def test_a_scan_of_another_index_is_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    documents = awkward("plain", 50, rng)
    FunnelIndex.build(documents, space=RAW, dims=(8, 24)).save(tmp_path / "a")
    FunnelIndex.build(documents, space=RAW, dims=(16, 24)).save(tmp_path / "b")
    scan = tmp_path / "a" / "scan.safetensors"
    scan.write_bytes((tmp_path / "b" / "scan.safetensors").read_bytes())
    with pytest.raises(FormatError, match="does not belong"):
        FunnelIndex.load(tmp_path / "a")
    scan.write_bytes(scan.read_bytes()[:100])
    with pytest.raises(FormatError, match="cannot be read"):
        FunnelIndex.load(tmp_path / "a")


def test_an_index_that_another_process_writes_is_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    from matryo.files import only_writer

    index = FunnelIndex.build(awkward("plain", 50, rng), space=RAW)
    with only_writer(tmp_path / "index"), pytest.raises(MatryoError, match="another process"):
        index.save(tmp_path / "index")
    assert not (tmp_path / "index" / "index.json").exists()


def test_a_plan_keeps_the_shortlists_it_names(rng: np.random.Generator) -> None:
    documents, queries = awkward("falling", 900, rng), awkward("falling", 9, rng)
    exact = FunnelIndex.build(documents, space=RAW, dims=(8, 24))
    planned = exact.with_plan(PLAN)
    hits, counts = planned.search_counted(queries, 10)
    assert (counts.survivors == [40, 20, 20]).all()
    assert (counts.bytes_read == 900 * 8 + 4 * (40 * 16 + 20 * WIDTH)).all()
    truth = exact.search(queries, 10)
    for at in range(9):
        common, ours, theirs = np.intersect1d(hits.rows[at], truth.rows[at], return_indices=True)
        assert len(common) >= 5
        np.testing.assert_array_equal(hits.scores[at][ours], truth.scores[at][theirs])
    assert planned.search(queries, 60).rows.min() >= 0  # more than the plan keeps
    np.testing.assert_array_equal(planned.with_plan(None).search(queries, 10).rows, truth.rows)


def test_a_plan_of_everything_is_exact(rng: np.random.Generator) -> None:
    documents, queries = awkward("duplicates", 200, rng), awkward("plain", 5, rng)
    exact = FunnelIndex.build(documents, space=RAW, dims=(8,))
    plan = FunnelPlan((Stage(8, 200),), k=10, recall=0.9, recall_lower=0.99, confidence=0.95, n=300)
    np.testing.assert_array_equal(exact.with_plan(plan).search(queries, 10).rows, exact.search(queries, 10).rows)


def test_settings_that_do_not_fit_are_refused(rng: np.random.Generator, tmp_path: Path) -> None:
    documents = unit_rows(awkward("plain", 20, rng))
    with pytest.raises(MatryoError, match="scan must be one of float32, bfloat16, int8, got 'float64'"):
        FunnelIndex.build(documents, space=SPACE, scan="float64")
    with pytest.raises(ShapeError, match="dims must"):
        FunnelIndex.build(documents, space=SPACE, dims=(8, WIDTH + 1))
    with pytest.raises(MatryoError, match=r"stages at \(16,\), got \(8, 24\)"):
        FunnelIndex.build(documents, space=SPACE, dims=(16,), plan=PLAN)
    with pytest.raises(SpaceError, match="rotation"):
        other = Space.declared("other", WIDTH)
        FunnelIndex.build(documents, space=SPACE, rotation=fit_rotation(documents, other))
    with pytest.raises(SpaceError, match="needs its space"):
        FunnelIndex.build(documents)
    with pytest.raises(ShapeError, match="as wide as their space, 40"):
        FunnelIndex.build(documents, space=Space.declared("narrow", 40))
    crooked = fit_rotation(documents, SPACE)
    object.__setattr__(crooked, "matrix", crooked.matrix * np.float32(1.01))
    with pytest.raises(ShapeError, match="orthogonal"):
        FunnelIndex.build(documents, space=SPACE, rotation=crooked)


def test_default_dims_rise_to_the_width() -> None:
    for width in (1, 31, 32, 33, 96, 384, 768, 1024):
        dims = default_dims(width)
        assert dims[-1] == width and list(dims) == sorted(set(dims)) and len(dims) <= 4
