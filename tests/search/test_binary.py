import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import ShapeError
from matryo.prefix import unit_rows
from matryo.search.binary import differing_bits, pack_signs, sign_cosines


def signs(x: np.ndarray) -> np.ndarray:
    return np.where(x >= 0, 1.0, -1.0)


def test_worked_by_hand() -> None:
    x = np.array([[1.0, -1.0, 0.0], [-2.0, 3.0, -1e-30]])
    assert pack_signs(x).tolist() == [[0b101, 0b010]]
    assert differing_bits(pack_signs(x), pack_signs(x), 3).tolist() == [[0, 3], [3, 0]]
    assert differing_bits(pack_signs(x), pack_signs(x), 1).tolist() == [[0, 1], [1, 0]]
    np.testing.assert_allclose(sign_cosines(np.array([[0, 1, 3]], dtype=np.int32), 3), [[1, 1 / 3, -1]], rtol=1e-6)


@settings(deadline=None, max_examples=80)
@given(seed=st.integers(0, 2**32 - 1), width=st.integers(1, 200), n=st.integers(0, 5), m=st.integers(0, 40))
def test_counted_bits_are_products_of_signs_at_every_prefix(seed: int, width: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    queries, documents = (rng.integers(-2, 3, (rows, width)).astype(np.float32) for rows in (n, m))
    dim = int(rng.integers(1, width + 1))
    found = sign_cosines(differing_bits(pack_signs(queries), pack_signs(documents), dim), dim)
    left, right = (unit_rows(signs(x)[:, :dim]) for x in (queries, documents))
    assert found.shape == (n, m) and found.dtype == np.float32
    np.testing.assert_allclose(found, left @ right.T, atol=1e-6)


def test_a_bit_per_number() -> None:
    assert pack_signs(np.ones((10, 384))).nbytes == 10 * 384 // 8


def test_bad_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="matrix"):
        pack_signs(np.ones(4))
    packed = pack_signs(np.ones((2, 64)))
    for dim in (0, 65):
        with pytest.raises(ShapeError, match=r"dim must lie within 1\.\.64"):
            differing_bits(packed, packed, dim)
