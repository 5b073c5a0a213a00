"""Times of encoding and of searching: positive, taken in turns, with ratios to the full width."""

import numpy as np
import pytest

from matryo.encoders import load_encoder
from matryo.errors import MatryoError
from matryo.experiments.model_table_speed import repeated_rows, time_dims, time_encoding
from matryo.prefix import unit_rows


def test_repeated_rows_are_the_documents_and_near_copies(rng: np.random.Generator) -> None:
    documents = unit_rows(rng.standard_normal((5, 32)).astype(np.float32))
    rows = repeated_rows(documents, 12)
    assert rows.shape == (12, 32) and rows.dtype == np.float32
    assert np.array_equal(rows[:5], documents)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1.0, atol=1e-6)
    cosines = (rows[5:10] * documents).sum(axis=1)
    assert (cosines > 0.8).all() and (cosines < 0.9999).all()
    assert np.array_equal(repeated_rows(documents, 3), documents[:3])
    assert np.array_equal(repeated_rows(documents, 12), rows)


def test_every_dim_is_timed_beside_the_full_width(rng: np.random.Generator) -> None:
    documents = unit_rows(rng.standard_normal((40, 32)).astype(np.float32))
    found = time_dims(documents[:3], documents, (32, 8), n_rows=100, n_batch=6, n_single=2, n_rounds=2)
    assert [point.dim for point in found.points] == [8, 32]
    assert (found.n_rows, found.n_documents, found.n_batch, found.n_single) == (100, 40, 6, 2)
    assert all(point.batch_per_s > 0 and point.single_per_s > 0 for point in found.points)
    assert found.points[-1].batch_ratio == found.points[-1].single_ratio == 1.0


def test_vectors_that_would_not_fit_are_fewer(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matryo.experiments.model_table_speed.MAX_BYTES", 30 * 4 * 40)
    documents = unit_rows(rng.standard_normal((40, 32)).astype(np.float32))
    found = time_dims(documents, documents, (8, 32), n_rows=100, n_batch=2, n_single=1, n_rounds=1)
    assert found.n_rows == found.n_documents == 30


def test_numbers_below_one_and_no_vectors_are_refused(rng: np.random.Generator) -> None:
    documents = rng.standard_normal((4, 8)).astype(np.float32)
    sizes = {"n_rows": 4, "n_batch": 2, "n_single": 1, "n_rounds": 1}
    with pytest.raises(MatryoError, match="'n_rounds': 0"):
        time_dims(documents, documents, (8,), **{**sizes, "n_rounds": 0})
    with pytest.raises(MatryoError, match="0 documents"):
        time_dims(documents, documents[:0], (8,), **sizes)


def test_encoding_is_timed(tiny_model_folder) -> None:
    encoder = load_encoder(tiny_model_folder, device="cpu", precision="fp32")
    found = time_encoding(encoder, ["the cat runs", "the dog"], 2)
    assert found.texts_per_s > 0
    assert (found.n_texts, found.n_rounds, found.device, found.precision) == (2, 2, "cpu", "fp32")
    assert found.max_tokens == 24
    with pytest.raises(MatryoError, match="0 texts"):
        time_encoding(encoder, [], 2)
