import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.files import only_writer
from matryo.maps import fit_rotation
from matryo.prefix import cut, unit_rows
from matryo.search import ExactIndex
from matryo.search.quantized import QuantizedIndex
from matryo.space import Space

WIDTH = 96
SPACE = Space.declared("quantized", WIDTH)


@pytest.fixture
def clustered(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """3,000 rows around 60 centres whose columns shrink, as those of a rotated set do, and 50 queries near some."""
    shrink = np.linspace(1.0, 0.15, WIDTH)
    centres = rng.standard_normal((60, WIDTH)) * shrink
    rows = centres[rng.integers(0, 60, 3050)] + 0.7 * rng.standard_normal((3050, WIDTH)) * shrink
    x = unit_rows(rows.astype(np.float32))
    return x[:3000], x[3000:]


def recall(index: QuantizedIndex, queries: np.ndarray, documents: np.ndarray, dim: int | None = None) -> float:
    found = index.search(queries, 10, dim).rows
    true = ExactIndex.build(documents, space=SPACE).search(queries, 10, dim).rows
    return float(np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), true.tolist(), strict=True)]))


@pytest.mark.parametrize(
    ("bits", "dim", "rescore", "least"),
    [
        (16, None, False, 0.99),
        (8, None, False, 0.95),
        (8, 48, False, 0.5),
        (8, 48, True, 0.99),
        (8, 24, True, 0.9),
        (1, None, False, 0.3),
        (1, None, True, 0.97),
        (1, 48, True, 0.85),
    ],
)
def test_recall_of_the_full_width_on_clustered_rows(
    clustered: tuple[np.ndarray, np.ndarray], bits: int, dim: int | None, rescore: bool, least: float
) -> None:
    documents, queries = clustered
    index = QuantizedIndex.build(documents, space=SPACE, bits=bits, dim=dim, rescore=rescore)
    found = index.search(queries, 10).rows
    true = ExactIndex.build(documents, space=SPACE).search(queries, 10).rows
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), true.tolist(), strict=True)])
    assert shared >= least


@pytest.mark.parametrize("bits", [16, 8, 1])
@pytest.mark.parametrize("dim", [20, 64])
def test_scores_are_cosines_of_what_the_codes_stand_for(
    clustered: tuple[np.ndarray, np.ndarray], bits: int, dim: int
) -> None:
    documents, queries = clustered[0][:300], clustered[1]
    index = QuantizedIndex.build(documents, space=SPACE, bits=bits, dim=64, rescore=False)
    arrays = index._codes.arrays()
    if bits == 1:
        left, right = (np.where(cut(x, 64)[:, :dim] >= 0, 1.0, -1.0) for x in (queries, documents))
    else:
        left, right = cut(queries, dim), arrays["codes"].astype(np.float64)[:, :dim]
        if bits == 8:
            right = (right - arrays["zero"][:dim]) * arrays["step"][:dim]
    scores = unit_rows(left.astype(np.float64)) @ unit_rows(right).T
    hits = index.search(queries, 20, dim)
    np.testing.assert_allclose(np.take_along_axis(scores, hits.rows, axis=1), hits.scores, atol=2e-6)
    np.testing.assert_allclose(hits.scores, -np.sort(-scores, axis=1)[:, :20], atol=2e-6)


def test_centring_gives_signs_back_their_meaning(rng: np.random.Generator) -> None:
    """Rows that all lie on one side of the origin have nearly the same signs until their mean is taken away."""
    documents = unit_rows(rng.standard_normal((2000, WIDTH)) + 3.0).astype(np.float32)
    queries = unit_rows(documents[:40] + 0.01 * rng.standard_normal((40, WIDTH), dtype=np.float32))
    plain, centred = (
        QuantizedIndex.build(documents, space=SPACE, bits=1, rescore=False, centred=centred)
        for centred in (False, True)
    )
    assert recall(centred, queries, documents) > recall(plain, queries, documents) + 0.2
    assert centred.facts().settings["centred"] and not plain.facts().settings["centred"]


def test_rescoring_repairs_the_order(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    documents, queries = clustered
    stored = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(3000)], space=SPACE)
    exact = ExactIndex.build(documents, space=SPACE)
    coarse = QuantizedIndex.build(stored, bits=1, dim=16, rescore=False)
    assert (coarse.search(queries, 10).rows != exact.search(queries, 10).rows).mean() > 0.5
    for dim in (None, 8, 40):
        index = QuantizedIndex.build(stored, bits=1, dim=16, shortlist=3000)
        ours, theirs = index.search(queries, 10, dim), exact.search(queries, 10, dim)
        np.testing.assert_allclose(ours.scores, theirs.scores, atol=2e-6)
        assert (ours.rows == theirs.rows).mean() > 0.99  # rows may differ where float32 cannot tell them apart


def test_a_longer_shortlist_finds_more(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    found = [
        recall(QuantizedIndex.build(documents, space=SPACE, bits=1, dim=24, shortlist=s), queries, documents)
        for s in (10, 50, 400)
    ]
    assert found == sorted(found) and found[0] < found[-1]


def test_bytes_are_those_of_the_codes(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    documents = clustered[0]
    stored = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(3000)], space=SPACE)
    built = {bits: QuantizedIndex.build(stored, bits=bits, dim=64, rescore=False) for bits in (16, 8, 1)}
    assert built[16].resident_bytes == 3000 * (64 * 2 + 4)
    assert built[8].resident_bytes == 3000 * (64 + 4) + 2 * 64 * 4
    assert built[1].resident_bytes == 3000 * 64 // 8 + 64 * 4
    # vectors of a set stay mapped, those of a matrix are held
    assert QuantizedIndex.build(stored, bits=8, dim=64).resident_bytes == built[8].resident_bytes
    held = QuantizedIndex.build(documents, space=SPACE, bits=8, dim=64).resident_bytes
    assert held == built[8].resident_bytes + documents.nbytes
    for bits, index in built.items():
        folder = tmp_path / str(bits)
        index.save(folder)
        assert (folder / "codes.safetensors").stat().st_size < index.resident_bytes + 600
        loaded = QuantizedIndex.load(folder)
        assert loaded.resident_bytes == index.resident_bytes
        assert loaded.disk_bytes == sum(p.stat().st_size for p in folder.iterdir())
        assert index.disk_bytes == 0


def test_only_the_columns_of_its_dim_are_read() -> None:
    class Watched:
        n_rows, width, most = 50, WIDTH, 0

        def read(self, rows: slice, start: int, stop: int) -> np.ndarray:
            self.most = max(self.most, stop)
            return np.random.default_rng(1).standard_normal((50, stop - start)).astype(np.float32)[rows]

    from matryo.search.quantized_codes import NumberCodes, SignCodes

    for encode in (
        lambda x: NumberCodes.encode(x, 32, 8),
        lambda x: NumberCodes.encode(x, 32, 16),
        lambda x: SignCodes.encode(x, 32, centred=True),
    ):
        watched = Watched()
        assert encode(watched).n_rows == 50
        assert watched.most == 32


@pytest.mark.parametrize("bits", [16, 8, 1])
@pytest.mark.parametrize("rescore", [True, False])
def test_zero_rows_duplicates_and_k_beyond_the_rows(
    clustered: tuple[np.ndarray, np.ndarray], bits: int, rescore: bool
) -> None:
    documents, queries = clustered[0][:70].copy(), clustered[1]
    documents[[3, 9]] = 0.0
    documents[[20, 33, 69]] = documents[11]
    index = QuantizedIndex.build(documents, space=SPACE, bits=bits, rescore=rescore)
    hits = index.search(queries, 80)
    assert (np.sort(hits.rows[:, :70], axis=1) == np.arange(70)).all() and (hits.rows[:, 70:] == -1).all()
    assert (hits.scores[np.isin(hits.rows, [3, 9])] == 0.0).all()
    assert index.search(documents[[11]], 4).rows.tolist() == [[11, 20, 33, 69]]
    nothing = index.search(np.zeros((1, WIDTH), dtype=np.float32), 3)
    assert nothing.rows.tolist() == [[0, 1, 2]] and nothing.scores.tolist() == [[0.0, 0.0, 0.0]]


def test_all_rows_zero_or_none_at_all() -> None:
    for bits in (16, 8, 1):
        for rescore in (True, False):
            for n in (0, 3):
                index = QuantizedIndex.build(np.zeros((n, WIDTH)), space=SPACE, bits=bits, rescore=rescore)
                hits = index.search(np.ones((2, WIDTH)), 4)
                assert hits.rows.tolist() == [[*range(n), *[-1] * (4 - n)]] * 2


def test_settings_that_make_no_sense_are_refused() -> None:
    x = np.eye(WIDTH, dtype=np.float32)
    for wrong, message in (
        ({"bits": 4}, "bits must be 16, 8 or 1"),
        ({"bits": 8, "centred": True}, "only signs are centred"),
        ({"shortlist": 0}, "shortlist must be at least 1"),
        ({"shortlist": 10, "rescore": False}, "needs rescore=True"),
        ({"dim": 97}, "dims must lie within"),
        ({"dim": 0}, "dims must"),
    ):
        with pytest.raises(MatryoError, match=message):
            QuantizedIndex.build(x, space=SPACE, **wrong)
    with pytest.raises(SpaceError, match="needs its space"):
        QuantizedIndex.build(x)
    with pytest.raises(ShapeError, match="as wide as their space, 97"):
        QuantizedIndex.build(x, space=Space.declared("quantized", 97))
    x[2, 2] = np.nan
    with pytest.raises(ShapeError, match="row 2"):
        QuantizedIndex.build(x, space=SPACE)


def test_queries_that_do_not_fit_are_refused(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents, queries = clustered
    index = QuantizedIndex.build(documents[:50], space=SPACE, dim=32, rescore=False)
    assert index.search(queries, 3).rows.tolist() == index.search(queries, 3, 32).rows.tolist()
    with pytest.raises(ShapeError, match=r"codes of 32 numbers .* dims must lie within 1\.\.32, got 33"):
        index.search(queries, 3, 33)
    with pytest.raises(ShapeError, match="as wide as the documents, 96"):
        index.search(queries[:, :32], 3)
    with pytest.raises(SpaceError, match="one space"):
        index.search(queries, 3, space=Space.declared("elsewhere", WIDTH))
    for bad in (np.nan, np.inf):
        wrong = queries.copy()
        wrong[4, 90] = bad  # beyond the codes, too
        with pytest.raises(ShapeError, match="row 4"):
            index.search(wrong, 3)
    with pytest.raises(MatryoError, match="k must be at least 1"):
        index.search(queries, 0)


def test_a_set_that_changed_since_is_not_the_one_indexed(
    clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path
) -> None:
    documents, queries = clustered[0][:200], clustered[1]
    first = EmbeddingSet.from_numpy(tmp_path / "s", documents, [str(n) for n in range(200)], space=SPACE)
    index = QuantizedIndex.build(first, dim=32)
    before = index.search(queries, 5).rows
    changed = first.delete(["0", "7"])
    assert index.set_digest == first.digest != changed.digest
    np.testing.assert_array_equal(index.search(queries, 5).rows, before)  # rows of the generation it was built from
    index.save(tmp_path / "i")
    assert QuantizedIndex.load(tmp_path / "i").set_digest == first.digest
    with pytest.raises(MatryoError):
        QuantizedIndex.build(changed, dim=32).save(tmp_path / "i")
    np.testing.assert_array_equal(QuantizedIndex.load(tmp_path / "i").search(queries, 5).rows, before)


def test_a_folder_holds_one_index(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    documents = clustered[0][:60]
    index = QuantizedIndex.build(documents, space=SPACE, dim=32, rescore=False)
    index.save(tmp_path / "i")
    index.save(tmp_path / "i")
    for other in (
        QuantizedIndex.build(documents, space=SPACE, dim=33, rescore=False),
        QuantizedIndex.build(documents[::-1].copy(), space=SPACE, dim=32, rescore=False),
        QuantizedIndex.build(documents, space=SPACE, dim=32),
    ):
        with pytest.raises(MatryoError, match="holds another index already"):
            other.save(tmp_path / "i")
    with only_writer(tmp_path / "i"), pytest.raises(MatryoError, match="written by another process"):
        index.save(tmp_path / "i")
    assert QuantizedIndex.load(tmp_path / "i").n_rows == 60


def test_a_damaged_folder_is_refused(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    index = QuantizedIndex.build(clustered[0][:60], space=SPACE, dim=32, rescore=False)
    index.save(tmp_path / "i")
    codes, about = tmp_path / "i" / "codes.safetensors", tmp_path / "i" / "index.json"
    whole, stored = codes.read_bytes(), json.loads(about.read_text())
    codes.write_bytes(whole[:-10])
    with pytest.raises(FormatError, match=f"must have {len(whole)} bytes"):
        QuantizedIndex.load(tmp_path / "i")
    codes.write_bytes(b"\xff" * len(whole))
    with pytest.raises(FormatError, match="not readable as safetensors"):
        QuantizedIndex.load(tmp_path / "i")
    codes.unlink()
    with pytest.raises(FormatError, match=r"codes\.safetensors is missing"):
        QuantizedIndex.load(tmp_path / "i")
    codes.write_bytes(whole)
    for change, message in (
        ({"n_rows": 61}, "states 61 x 32"),
        ({"bits": 1}, "do not fit together"),
        ({"bits": 3}, "codes of 3 bits"),
        ({"dim": "32"}, "wrong type"),
        ({"more": 1}, "unknown: .'more'."),
    ):
        about.write_text(json.dumps({**stored, **change}))
        with pytest.raises(FormatError, match=message):
            QuantizedIndex.load(tmp_path / "i")
    about.write_text(json.dumps(stored))
    assert QuantizedIndex.load(tmp_path / "i").n_rows == 60


def test_a_rotation_belongs_to_the_index(clustered: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    mixed = np.linalg.qr(np.random.default_rng(1).standard_normal((WIDTH, WIDTH)))[0].astype(np.float32)
    documents, queries = unit_rows(clustered[0][:500] @ mixed), clustered[1] @ mixed
    stored = EmbeddingSet.from_numpy(tmp_path / "s", documents, [f"d{n}" for n in range(500)], space=SPACE)
    rotation = fit_rotation(documents, SPACE)
    index = QuantizedIndex.build(stored, bits=8, dim=24, shortlist=30, rotation=rotation)
    assert index.space == SPACE and index.facts().settings["rotated"]
    by_hand = QuantizedIndex.build(
        rotation.apply(documents), space=rotation.target, bits=8, dim=24, shortlist=30
    ).search(rotation.apply(queries), 10)
    found = index.search(queries, 10)
    assert (found.rows == by_hand.rows).mean() > 0.99
    np.testing.assert_allclose(found.scores, by_hand.scores, atol=1e-6)
    exact = ExactIndex.build(documents, space=SPACE).search(queries, 10)
    plain = QuantizedIndex.build(stored, bits=8, dim=24, shortlist=30)
    assert recall(index, queries, documents) > recall(plain, queries, documents) + 0.05
    np.testing.assert_allclose(found.scores[:, 0], exact.scores[:, 0], atol=1e-6)  # at full width nothing turns
    index.save(tmp_path / "i")
    loaded = QuantizedIndex.load(tmp_path / "i", space=SPACE)
    np.testing.assert_array_equal(loaded.search(queries, 10).rows, found.rows)
    rows = EmbeddingSet.open(tmp_path / "i" / "vectors", space=rotation.target)
    assert rows.ids()[3] == "d3" and rows.edges == (0, WIDTH)
    np.testing.assert_allclose(rows.to_numpy(), rotation.apply(documents), atol=1e-6)
    path = tmp_path / "i" / "rotation.safetensors"
    path.write_bytes(path.read_bytes().replace(b"matrix", b"mutrix"))
    with pytest.raises(FormatError, match="holds no rotation of 96 numbers"):
        QuantizedIndex.load(tmp_path / "i")
    path.unlink()
    with pytest.raises(FormatError, match=r"rotation\.safetensors is missing"):
        QuantizedIndex.load(tmp_path / "i")


def test_a_rotation_that_does_not_fit_is_refused(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    documents = clustered[0][:50]
    rotation = fit_rotation(documents, SPACE)
    with pytest.raises(SpaceError, match="one space"):
        QuantizedIndex.build(documents, space=Space.declared("elsewhere", WIDTH), rotation=rotation)
    with pytest.raises(ShapeError, match="orthogonal"):
        QuantizedIndex.build(documents, space=SPACE, rotation=replace(rotation, matrix=2 * rotation.matrix))
