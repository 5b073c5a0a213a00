"""Orthogonal maps: they keep every full-width similarity and change only what the prefixes hold."""

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import Vectors, as_vectors
from matryo.errors import ShapeError
from matryo.maps.matrix import MatrixMap
from matryo.prefix import Array
from matryo.space import Space

_BLOCK_ROWS = 16_384


def second_moment(vectors: Array | Vectors) -> NDArray[np.float64]:
    """Sum over rows of x x^T, accumulated in blocks of rows, so that any number of rows fits in memory.

    Args:
        vectors: (n, d) float, or anything that reads like it.

    Returns: (d, d) float64.
    """
    rows = as_vectors(vectors)
    total = np.zeros((rows.width, rows.width))
    for start in range(0, rows.n_rows, _BLOCK_ROWS):
        x = rows.read(slice(start, min(start + _BLOCK_ROWS, rows.n_rows)), 0, rows.width)
        total += (x.T @ x).astype(np.float64)
    return total


def fit_rotation(vectors: Array | Vectors, space: Space, *, more: Array | Vectors | None = None) -> MatrixMap:
    """Rotation onto the directions of largest energy, largest first (PCA without centring).

    Without centring the map is orthogonal, so every full-width dot product stays as it was, to rounding.

    Args:
        vectors: (n, d) float, e.g. documents.
        space: the space they lie in.
        more: (m, d) float, e.g. queries; weighs as much as `vectors`, whatever its number of rows.

    Returns: MatrixMap of kind "rotation", (d, d).
    Raises: ShapeError if there are no rows or the widths differ.
    Source: Eckart and Young 1936; leaving out the centring is ours, because centring would change similarities.
    """
    parts = [as_vectors(v) for v in (vectors, more) if v is not None]
    if any(p.n_rows == 0 or p.width != space.width for p in parts):
        shapes = [(p.n_rows, p.width) for p in parts]
        raise ShapeError(f"a rotation of a {space.width}-wide space needs rows of that width, got shapes {shapes}")
    moment = sum((second_moment(p) / p.n_rows for p in parts), start=np.zeros((space.width, space.width)))
    energies, directions = np.linalg.eigh(moment)
    directions = directions[:, ::-1]
    # eigenvectors have no sign of their own: the largest entry is made positive, so that a refit gives the same map
    signs = np.sign(directions[np.argmax(np.abs(directions), axis=0), np.arange(space.width)])
    energy = np.clip(energies[::-1], 0.0, None)
    settings = {"rows": [p.n_rows for p in parts], "energy": (energy / max(energy.sum(), 1e-300)).round(8).tolist()}
    return MatrixMap((directions * signs).astype(np.float32), space, "rotation", settings)


def random_dims(space: Space, seed: int) -> MatrixMap:
    """Permutation of the columns: its prefixes are random dims of the space, the floor that a prefix must beat.

    >>> random_dims(Space.declared("example", 4), seed=1).apply(np.eye(4, dtype=np.float32)).sum()
    np.float32(4.0)
    """
    order = np.random.default_rng(seed).permutation(space.width)
    return MatrixMap(np.eye(space.width, dtype=np.float32)[order], space, "random dims", {"seed": seed})
