import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.embeddings import ArrayVectors
from matryo.errors import MatryoError
from matryo.prefix import unit_rows
from matryo.search import funnel_scan
from matryo.search.funnel_scan import build_scan, code_products, int8_products, suffix_norms


@settings(deadline=None, max_examples=60)
@given(
    g=st.integers(1, 70),
    n=st.integers(1, 200),
    d=st.integers(1, 200),
    seed=st.integers(0, 2**32 - 1),
    top=st.booleans(),
)
def test_products_of_whole_numbers_are_exact(g: int, n: int, d: int, seed: int, top: bool) -> None:
    rng = np.random.default_rng(seed)
    queries, codes = (rng.integers(126 if top else -127, 128, (m, d)) for m in (g, n))
    found = int8_products(torch.from_numpy(queries.astype(np.int8)), torch.from_numpy(codes.astype(np.int8)))
    np.testing.assert_array_equal(found.numpy(), queries @ codes.T)


@pytest.mark.parametrize("name", ["float32", "bfloat16", "int8"])
@pytest.mark.parametrize("dim", [1, 7, 24])
def test_scores_are_off_by_no_more_than_stated(rng: np.random.Generator, name: str, dim: int) -> None:
    x, q = (unit_rows(rng.standard_normal((n, 30)) * 0.9 ** np.arange(30)).astype(np.float32) for n in (300, 20))
    scan = build_scan(ArrayVectors(x), (dim, 30), name)
    coded = scan.coded(q[:, :dim])
    found = code_products(coded, scan.codes).double().numpy() * coded.step.double().numpy()
    true = q[:, :dim].astype(np.float64) @ x[:, :dim].astype(np.float64).T
    allowed = scan.residual * np.linalg.norm(q[:, :dim], axis=1) + coded.error + 1e-5
    assert (np.abs(found - true).max(axis=1) <= allowed).all()
    if name != "float32":
        assert allowed.max() < 0.05 and np.abs(found - true).max() > 1e-6  # codes do lose something


def test_a_query_of_zeros_scores_zero(rng: np.random.Generator) -> None:
    scan = build_scan(ArrayVectors(unit_rows(rng.standard_normal((9, 8), dtype=np.float32))), (4, 8), "int8")
    coded = scan.coded(np.zeros((1, 4), dtype=np.float32))
    assert not code_products(coded, scan.codes).any() and coded.error == 0.0


def test_wrong_products_are_noticed_before_anything_is_searched(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = ArrayVectors(unit_rows(rng.standard_normal((9, 8), dtype=np.float32)))
    monkeypatch.setattr(funnel_scan, "int8_products", lambda a, b: a.int() @ b.int().T + 1)
    with pytest.raises(MatryoError, match=r"int8 matrices of 4 columns wrongly.*bfloat16"):
        build_scan(x, (4, 8), "int8")


def test_suffixes_are_never_shorter_than_they_are(rng: np.random.Generator) -> None:
    x = (rng.standard_normal((200, 12)) * 10.0 ** rng.uniform(-20, 0, (200, 12))).astype(np.float32)
    found = suffix_norms(x, (3, 8, 12)).astype(np.float64)
    for at, dim in enumerate((3, 8, 12)):
        assert (found[:, at] >= np.linalg.norm(x[:, dim:].astype(np.float64), axis=1)).all()
