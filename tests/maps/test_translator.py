"""Translated vectors tell whom they imitate, never pass as native, and go only in the map's direction."""

from pathlib import Path

import numpy as np
import pytest

from matryo import files
from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError, ShapeError, SpaceError
from matryo.maps import (
    AffineMap,
    SpaceRows,
    compatible,
    fit_procrustes,
    fit_ridge,
    fit_rotation,
    imitated_id,
    load_map,
    round_trip,
    translated,
)
from matryo.space import Space, same_space

A, B = Space("old model", 12), Space("new model", 8)


@pytest.fixture(scope="module")
def there(pair) -> AffineMap:
    return fit_ridge(pair.source, pair.target)


@pytest.fixture(scope="module")
def back(pair) -> AffineMap:
    return fit_ridge(pair.target, pair.source)


def test_translated_vectors_lie_in_a_space_of_their_own(there) -> None:
    assert there.source == A and there.toward == B and there.target.width == 8
    with pytest.raises(SpaceError):
        same_space(there.target, B, "translated and native vectors")
    assert imitated_id(there.target) == B.id and imitated_id(B) is None
    assert compatible(there, B) == compatible(there.target, B) == 8
    assert compatible(there.to_prefix(3), B) == 3


def test_equal_numbers_toward_another_space_are_another_space(there) -> None:
    elsewhere = AffineMap(there.matrix, there.offset, A, Space("third", 8), "ridge")
    assert elsewhere.digest == there.digest and elsewhere.target.id != there.target.id


def test_only_the_imitated_space_is_compatible(there) -> None:
    with pytest.raises(SpaceError, match=f"imitate the space {B.id[:12]}.*{A.id[:12]}"):
        compatible(there, A)
    with pytest.raises(SpaceError, match="imitate no space"):
        compatible(A, B)
    turned = fit_rotation(there.apply(np.eye(12, dtype=np.float32)), there.target)
    with pytest.raises(SpaceError, match="imitate no space"):
        compatible(turned.target, B)


def test_a_set_is_translated_in_one_direction_and_written_as_a_set(there, pair, tmp_path: Path) -> None:
    ids = [str(i) for i in range(len(pair.x))]
    native = EmbeddingSet.from_numpy(tmp_path / "a", pair.x, ids, space=A)
    mapped = translated(there, native)
    imitation = EmbeddingSet.from_numpy(tmp_path / "a as b", mapped, ids, space=there.target)
    assert np.allclose(imitation.to_numpy(), there.apply(pair.x), atol=1e-6)
    assert compatible(EmbeddingSet.open(tmp_path / "a as b").space, B) == 8
    with pytest.raises(SpaceError, match="the two"):
        same_space(imitation.space, B, "the two")


def test_the_other_direction_is_refused_by_name(there, pair) -> None:
    with pytest.raises(SpaceError, match=f"reads the space {A.id[:12]}.*got.*{B.id[:12]}.*the other direction"):
        translated(there, pair.target)


def test_another_revision_of_the_model_is_refused(there, pair) -> None:
    newer = Space("old model, second revision", 12)
    with pytest.raises(SpaceError, match=f"{A.id[:12]}.*{newer.id[:12]}.*another revision"):
        translated(there, SpaceRows(pair.x, newer))


def test_imitations_are_translated_further_only_when_that_is_said(there, back, pair) -> None:
    imitation = SpaceRows(there.apply(pair.x), there.target)
    with pytest.raises(SpaceError, match="only imitate it; pass as_native=True"):
        translated(back, imitation)
    returned = translated(back, imitation, as_native=True).read(slice(0, 9), 0, 12)
    assert np.allclose(returned, back.apply(there.apply(pair.x[:9])), atol=1e-6)
    with pytest.raises(SpaceError, match="another model"):
        translated(there, imitation, as_native=True)


def test_there_and_back_is_measured(there, back, pair, other_pair, rng) -> None:
    mean = round_trip(there, back, other_pair.x)
    assert 0.9 < mean < 1.0
    shuffled = fit_ridge(pair.source, pair.target.chosen(rng.permutation(400)))
    assert round_trip(shuffled, back, other_pair.x) < mean - 0.1
    with pytest.raises(SpaceError):
        round_trip(there, there, other_pair.x)


def test_a_rotation_there_and_back_loses_nothing(rng, pair) -> None:
    turn, _ = np.linalg.qr(rng.normal(size=(12, 12)))
    sides = pair.source, SpaceRows((pair.x @ turn).astype(np.float32), Space("turned", 12))
    there, back = fit_procrustes(*sides), fit_procrustes(*sides[::-1])
    assert round_trip(there, back, pair.x) == pytest.approx(1.0, abs=1e-5)


def test_translators_join_into_one(there, back, pair, rng) -> None:
    c = Space("third", 5)
    onward = AffineMap(rng.normal(size=(8, 5)).astype(np.float32), np.ones(5, np.float32), B, c, "ridge")
    joined = there.then(onward)
    assert np.allclose(joined.raw(pair.x), onward.raw(there.raw(pair.x)), atol=1e-5)
    assert (joined.source, joined.toward) == (A, c) and compatible(joined, c) == 5
    with pytest.raises(SpaceError, match="imitate"):
        onward.then(there)
    with pytest.raises(ShapeError, match="reads 8 numbers, the first one gives 3"):
        there.to_prefix(3).then(onward)


def test_zero_rows_stay_zero_though_there_is_an_offset(there) -> None:
    assert there.offset.any() and there.raw(np.zeros((1, 12))).any()
    assert not there.apply(np.zeros((1, 12))).any()


def test_what_does_not_fit_its_spaces_is_refused() -> None:
    numbers = np.ones((12, 8), np.float32), np.zeros(8, np.float32)
    with pytest.raises(ShapeError, match="at most that many"):
        AffineMap(*numbers, A, Space("narrow", 7), "ridge")
    with pytest.raises(ShapeError, match="one finite float32 offset per column"):
        AffineMap(numbers[0], numbers[1][:3], A, B, "ridge")
    with pytest.raises(ShapeError, match=r"within 1\.\.8"):
        AffineMap(*numbers, A, B, "ridge").to_prefix(9)


def test_rows_of_another_length_are_refused_where_an_offset_is_added(there, pair) -> None:
    with pytest.raises(ShapeError, match="row 1 of the vectors has length 3"):
        there.apply(pair.x[:2] * np.array([[1.0], [3.0]], np.float32))


def test_a_manifest_whose_direction_was_edited_is_refused(there, tmp_path: Path) -> None:
    there.save(tmp_path)
    manifest = files.read_json(tmp_path / "map.json", "a map")
    files.write_json(tmp_path / "map.json", {**manifest, "toward": Space("third", 8).to_json()})
    with pytest.raises(FormatError, match="spaces that do not give its target"):
        load_map(tmp_path)


def test_a_manifest_that_was_cut_short_is_refused(there, tmp_path: Path) -> None:
    there.save(tmp_path)
    (tmp_path / "map.json").write_text('{"format": 1, "class": "affine"}')
    with pytest.raises(MatryoError, match="lacks kind, source, target_id, digest, settings"):
        load_map(tmp_path)
