"""What is noted beside a translated set, and what a set's origin is without a note."""

from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError
from matryo.experiments.encoding import note_model
from matryo.experiments.settings import ModelSettings
from matryo.experiments.translate_apply import apply_map
from matryo.experiments.translation_note import TRANSLATION_FILE, noted_translation, origin_of, with_names
from matryo.maps import AffineMap, fit_rotation
from matryo.search.stores import Origin
from matryo.space import Space

OLD, NEW = Space.declared("old", 3), Space.declared("new", 2)


@pytest.fixture
def native(tmp_path: Path) -> EmbeddingSet:
    made = EmbeddingSet.from_numpy(tmp_path / "native", np.eye(3, dtype=np.float32), ["a", "b", "c"], space=OLD)
    note_model(made.folder, ModelSettings("some/minilm"), OLD.id)
    return made


@pytest.fixture
def fitted() -> AffineMap:
    matrix = np.arange(1, 7, dtype=np.float32).reshape(3, 2)
    return AffineMap(matrix, np.zeros(2, dtype=np.float32), OLD, NEW, "ridge", {"seed": 7})


def test_a_translated_set_is_noted_with_what_is_known(native: EmbeddingSet, fitted: AffineMap, tmp_path: Path) -> None:
    made = apply_map(fitted, native.folder, tmp_path / "out")
    expected = Origin("", "minilm", OLD.id, "", NEW.id, "ridge", fitted.digest, "7", "all")
    assert origin_of(made, rows="all") == expected
    assert str(with_names(expected, {NEW.id: "wordllama"})) == "from minilm to wordllama by ridge, seed 7"
    named = apply_map(fitted, native.folder, tmp_path / "out", toward_name="llama")
    assert origin_of(named).target == "llama"
    assert origin_of(native) == Origin("", "minilm", OLD.id, "minilm", OLD.id)
    assert noted_translation(made.folder, OLD.id) is None


def test_without_a_note_the_space_still_tells_whom_it_imitates(
    native: EmbeddingSet, fitted: AffineMap, tmp_path: Path
) -> None:
    made = apply_map(fitted, native.folder, tmp_path / "out")
    (made.folder / TRANSLATION_FILE).unlink()
    origin = origin_of(made)
    assert (origin.native, origin.source, origin.target_space, origin.map_digest) == (
        False, "", NEW.id, fitted.digest,
    )  # fmt: skip


def test_a_map_that_imitates_nobody_leads_into_its_own_space(native: EmbeddingSet, tmp_path: Path) -> None:
    turned = apply_map(fit_rotation(native, OLD), native.folder, tmp_path / "out")
    origin = origin_of(turned)
    assert not origin.native and (origin.source, origin.target_space) == ("minilm", turned.space.id)


def test_a_damaged_note_is_refused(native: EmbeddingSet, fitted: AffineMap, tmp_path: Path) -> None:
    made = apply_map(fitted, native.folder, tmp_path / "out")
    path = made.folder / TRANSLATION_FILE
    path.write_text(path.read_text().replace('"seed": "7"', '"seed": 7'))
    with pytest.raises(FormatError, match=r"translation\.json"):
        origin_of(made)
    path.write_text('{"format": 9}')
    with pytest.raises(FormatError, match="9"):
        origin_of(made)
