import numpy as np
import pytest

from matryo.errors import ShapeError
from matryo.prefix import cut
from matryo.search import ScaledRows


def test_blocks_and_shrink_build_the_cut_rows(rng: np.random.Generator) -> None:
    x = rng.standard_normal((50, 10), dtype=np.float32)
    scaled = ScaledRows.of(x, (10, 4, 7))
    assert (scaled.dims, scaled.n_rows, scaled.room) == ((4, 7, 10), 50, 64)
    whole = scaled.blocks[0]
    for i in (1, 2):
        whole = np.hstack([whole * scaled.shrink[i][:, None], scaled.blocks[i]])
    np.testing.assert_allclose(whole[:50], cut(x, 10), atol=1e-6)
    assert (whole[50:] == 0.0).all()


def test_room_used_again_is_emptied(rng: np.random.Generator) -> None:
    scaled = ScaledRows((2, 3), 40)
    scaled.fill(rng.standard_normal((40, 3)))
    scaled.use(40)
    scaled.fill(rng.standard_normal((5, 3)))
    scaled.use(5)
    assert all((part[5:] == 0.0).all() for part in (*scaled.blocks, *scaled.shrink))


def test_rows_that_are_not_finite_are_refused() -> None:
    with pytest.raises(ShapeError, match="row 12"):
        ScaledRows((2,), 20).fill(np.array([[1.0, 1.0], [1.0, np.inf]]), 11)
