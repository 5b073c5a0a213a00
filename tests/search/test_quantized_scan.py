import numpy as np
import pytest
import torch

from matryo.embeddings import ArrayVectors
from matryo.prefix import cut
from matryo.search import quantized_codes, quantized_scan
from matryo.search.quantized_codes import Codes, NumberCodes, SignCodes
from matryo.search.quantized_scan import scan


def encoded(bits: int, documents: np.ndarray, dim: int) -> Codes:
    rows = ArrayVectors(documents)
    return SignCodes.encode(rows, dim, centred=False) if bits == 1 else NumberCodes.encode(rows, dim, bits)


@pytest.mark.parametrize("bits", [16, 8, 1])
def test_tiles_and_parts_of_any_size_find_the_same(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    documents, queries = rng.standard_normal((700, 70), dtype=np.float32), rng.standard_normal((30, 70))
    documents[[100, 333, 699]] = documents[5]
    documents[50] = 0.0
    codes = encoded(bits, documents, 66)
    whole = scan(codes, queries, 66, 40)
    monkeypatch.setattr(quantized_scan, "_TILE_SCORES", 1000)
    monkeypatch.setattr(quantized_scan, "_PART_QUERIES", 7)
    monkeypatch.setattr(quantized_codes, "_DECODED_ROWS", 32)
    tiled = scan(codes, queries, 66, 40)
    np.testing.assert_allclose(whole.scores, tiled.scores, atol=1e-6)
    assert (whole.rows == tiled.rows).mean() > 0.99
    ties = np.diff(tiled.scores, axis=1) == 0
    assert (np.diff(tiled.rows, axis=1)[ties] > 0).all()


def test_half_precision_finds_what_exhaustive_comparison_finds(rng: np.random.Generator) -> None:
    documents, queries = rng.standard_normal((5000, 24), dtype=np.float32), rng.standard_normal((300, 24))
    for dim in (5, 24):
        found = scan(encoded(16, documents, 24), queries, dim, 10)
        scores = cut(queries, dim) @ cut(cut(documents, 24).astype(np.float16).astype(np.float64), dim).T
        np.testing.assert_allclose(found.scores, -np.sort(-scores, axis=1)[:, :10], atol=2e-6)


def test_settings_for_training_do_not_blur_scores(rng: np.random.Generator) -> None:
    documents, queries = rng.standard_normal((400, 64), dtype=np.float32), rng.standard_normal((40, 64))
    codes = encoded(8, documents, 64)
    plain = scan(codes, queries, 64, 10)
    torch.set_float32_matmul_precision("medium")
    try:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = scan(codes, queries, 64, 10)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision("highest")
    np.testing.assert_array_equal(plain.scores, found.scores)


def test_codes_of_arrays_are_the_codes(rng: np.random.Generator) -> None:
    documents, queries = rng.standard_normal((60, 20), dtype=np.float32), rng.standard_normal((4, 20))
    for bits in (16, 8, 1):
        codes = encoded(bits, documents, 20)
        again = type(codes).from_arrays(codes.arrays())
        assert (again.n_rows, again.dim, again.n_bytes) == (60, 20, codes.n_bytes)
        np.testing.assert_array_equal(scan(codes, queries, 9, 5).scores, scan(again, queries, 9, 5).scores)
