"""One bit per number: signs packed into words of 64, compared by counting the bits that differ."""

import numpy as np
from numpy.typing import NDArray

from matryo.errors import ShapeError
from matryo.prefix import Array

WORD_BITS = 64


def n_words(dim: int) -> int:
    """Words of 64 bits that hold the signs of `dim` numbers."""
    return -(-dim // WORD_BITS)


def pack_signs(x: Array) -> NDArray[np.uint64]:
    """Pack the signs of every row.

    Args:
        x: (n, dim) float; a number >= 0 gives a 1. Subtract a centre first if the columns have one.

    Returns: (words, n) uint64, so that a prefix reads its own words only; bit i of word w is column 64 w + i, bits
        beyond dim are 0.

    >>> pack_signs(np.array([[0.5, -0.1, 2.0], [-1.0, -1.0, 0.0]])).tolist()
    [[5, 4]]
    """
    if x.ndim != 2:
        raise ShapeError(f"signs are packed from a matrix (n, dim), got shape {x.shape}; pass one row per text")
    n, dim = x.shape
    packed = np.zeros((n, n_words(dim) * WORD_BITS // 8), dtype=np.uint8)
    bits = np.packbits(x >= 0, axis=1, bitorder="little")
    packed[:, : bits.shape[1]] = bits
    words: NDArray[np.uint64] = np.ascontiguousarray(packed.view("<u8").T.astype(np.uint64, copy=False))
    return words


def differing_bits(queries: NDArray[np.uint64], documents: NDArray[np.uint64], dim: int) -> NDArray[np.int32]:
    """Count the signs that differ among the first `dim` columns, of every query with every document.

    Args:
        queries: (words, n) uint64 from `pack_signs`.
        documents: (words, m) uint64, the same number of columns.
        dim: columns to compare, at most those packed.

    Returns: (n, m) int32 within 0..dim.
    Raises: ShapeError if dim is beyond the words.

    >>> differing_bits(pack_signs(np.array([[1.0, -1.0]])), pack_signs(np.array([[1.0, 1.0], [1.0, -1.0]])), 2).tolist()
    [[1, 0]]
    """
    used = n_words(dim)
    if not 1 <= dim or used > min(len(queries), len(documents)):
        held = min(len(queries), len(documents)) * WORD_BITS
        raise ShapeError(f"dim must lie within 1..{held}, the packed columns, got {dim}; pack more or compare fewer")
    counts = np.zeros((queries.shape[1], documents.shape[1]), dtype=np.int32)
    for w in range(used):
        differ = queries[w, :, None] ^ documents[w]
        if w == used - 1 and dim % WORD_BITS:
            differ &= np.uint64((1 << dim % WORD_BITS) - 1)
        counts += np.bitwise_count(differ)
    return counts


def sign_cosines(differing: NDArray[np.int32], dim: int) -> NDArray[np.float32]:
    """Cosines of vectors of signs (+1, -1) from the number of signs that differ: 1 - 2 * differing / dim.

    >>> sign_cosines(np.array([[0, 1, 2]], dtype=np.int32), 2).tolist()
    [[1.0, 0.0, -1.0]]
    """
    cosines: NDArray[np.float32] = (1.0 - differing * np.float32(2.0 / dim)).astype(np.float32)
    return cosines
