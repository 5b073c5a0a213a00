"""Cutting: the only place of the package that takes some columns of a matrix of vectors.

A vector of `width` numbers is cut to its first `dim` numbers *and renormalised*. The torch twin of `cut` stands
beside the nested loss; a test holds the two equal.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import ShapeError

Array = NDArray[Any]


def check_dims(dims: Iterable[int], width: int | None = None) -> tuple[int, ...]:
    """Sort and check prefix lengths given by a user.

    Args:
        dims: prefix lengths in any order.
        width: full length of the vectors they are to cut, or None if not known yet.

    Returns: the same lengths, strictly rising.
    Raises: ShapeError if there are none, one is no whole number >= 1, one occurs twice, or one exceeds the width.

    >>> check_dims([256, 64, 128], width=384)
    (64, 128, 256)
    """
    received = list(dims)
    whole = [d for d in received if isinstance(d, int | np.integer) and not isinstance(d, bool)]
    if not received or len(whole) < len(received) or min(whole) < 1:
        raise ShapeError(f"dims must be whole numbers of at least 1, got {received}; give for example 32,64,128")
    rising = tuple(sorted(int(d) for d in whole))
    repeated = sorted({a for a, b in pairwise(rising) if a == b})
    if repeated:
        raise ShapeError(f"dims must differ, got {received}; {repeated} occurs more than once, drop the repetition")
    if width is not None and rising[-1] > width:
        raise ShapeError(
            f"dims must lie within 1..{width}, got {received}; these vectors have {width} numbers, drop dims above that"
        )
    return rising


def check_matrix(x: Array, *, min_width: int = 1, name: str = "vectors") -> None:
    """Refuse anything that is not a finite (n, d) matrix of floats with d >= min_width.

    Raises: ShapeError, naming the argument as `name`.
    """
    if not isinstance(x, np.ndarray) or x.ndim != 2 or x.dtype.kind != "f":
        kind = f"{x.dtype} of shape {x.shape}" if isinstance(x, np.ndarray) else type(x).__name__
        raise ShapeError(f"{name} must be a float matrix of shape (n, d), got {kind}; pass one row per text")
    if x.shape[1] < min_width:
        raise ShapeError(f"{name} must have at least {min_width} columns, got {x.shape[1]}; choose a smaller dim")
    # One sum instead of a mask of n x d: a sum that is finite has finite terms; one that overflows is looked at again.
    with np.errstate(over="ignore", invalid="ignore"):
        total = x.sum(dtype=np.result_type(x, np.float32))
    if not np.isfinite(total) and not np.isfinite(x).all():
        row = int(np.flatnonzero(~np.isfinite(x).all(axis=1))[0])
        raise ShapeError(f"{name} must be finite, row {row} holds NaN or infinity; repair or drop that row")


def row_norms(x: Array) -> NDArray[np.float64]:
    """Length of every row, (n, d) -> (n,), summed in float64 so that tiny and huge rows neither vanish nor overflow."""
    norms: NDArray[np.float64] = np.sqrt(np.einsum("ij,ij->i", x, x, dtype=np.float64))
    return norms


def unit_rows(x: Array) -> Array:
    """Scale every row to length 1; zero rows stay zero.

    Args:
        x: (n, d) float; float16 is widened, because its squares underflow.

    Returns: (n, d) float32, or float64 for float64 input.

    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    norms = row_norms(wide)
    norms[norms == 0.0] = 1.0
    scaled: Array = (wide / norms[:, None]).astype(wide.dtype, copy=False)
    return scaled


def block(x: Array, start: int, stop: int) -> Array:
    """Columns start..stop of a matrix as they are, without renormalising: what cumulative scores are built from."""
    columns: Array = x[:, start:stop]
    return columns


def cut(x: Array, dim: int) -> Array:
    """Take the first `dim` numbers of every row and renormalise.

    Args:
        x: (n, d) float.
        dim: prefix length, 1 <= dim <= d.

    Returns: (n, dim) float, rows of length 1, zero rows stay zero.
    Raises: ShapeError if dim is out of range or x is no finite float matrix.
    Source: Kusupati et al. 2022, Matryoshka Representation Learning.

    >>> cut(np.array([[3.0, 4.0, 12.0]]), 2)
    array([[0.6, 0.8]])
    """
    if dim < 1:
        raise ShapeError(f"dim must be at least 1, got {dim}; give the number of leading columns to keep")
    check_matrix(x, min_width=dim)
    return unit_rows(block(x, 0, dim))


def prefix_blocks(dims: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Column ranges between neighbouring dims.

    >>> prefix_blocks((32, 64, 256))
    ((0, 32), (32, 64), (64, 256))
    """
    return tuple(zip((0, *dims[:-1]), dims, strict=True))


def prefix_norms(x: Array, dims: tuple[int, ...]) -> NDArray[np.float64]:
    """Length of every prefix of every row, from cumulative sums of squares: one pass gives every dim.

    Args:
        x: (n, d) float.
        dims: strictly rising prefix lengths, the last one <= d.

    Returns: (n, len(dims)) float64.

    >>> prefix_norms(np.array([[3.0, 4.0, 12.0]]), (1, 2, 3))
    array([[ 3.,  5., 13.]])
    """
    squares = [row_norms(block(x, start, stop)) ** 2 for start, stop in prefix_blocks(dims)]
    norms: NDArray[np.float64] = np.sqrt(np.cumsum(np.stack(squares, axis=1), axis=1))
    return norms
