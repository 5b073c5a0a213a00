"""Layers of a translator, applied with NumPy: x @ matrix + offset, with max(0, x) between two layers."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, ShapeError
from matryo.prefix import Array, check_matrix

# A hidden layer of 32 x 384 numbers for this many rows is 100 MB.
_BLOCK_ROWS = 2048


class Layer(NamedTuple):
    """One affine layer: (d, d2) float32 and (d2,) float32."""

    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]


def check_layers(layers: Sequence[Layer]) -> None:
    """Refuse layers that do not follow each other.

    Raises: ShapeError.
    """
    for matrix, offset in layers:
        check_matrix(matrix, name="the matrix of a layer")
        fits = offset.shape == (matrix.shape[1],) and np.isfinite(offset).all()
        if not fits or matrix.dtype != np.float32 or offset.dtype != np.float32:
            raise ShapeError(
                "a layer needs a float32 matrix and one finite float32 offset per column, "
                f"got {matrix.dtype} {matrix.shape} and {offset.dtype} {offset.shape}; fit the map anew"
            )
    for first, second in pairwise(layers):
        if first.matrix.shape[1] != second.matrix.shape[0]:
            raise ShapeError(
                f"a layer of {first.matrix.shape[1]} outputs is followed by one of {second.matrix.shape[0]} inputs; "
                "fit the map anew"
            )


def forward(layers: Sequence[Layer], x: Array) -> Array:
    """All layers after each other, some rows at a time, (n, d) float32 -> (n, d2) float32."""
    result = np.empty((len(x), layers[-1].matrix.shape[1]), dtype=np.float32)
    for start in range(0, len(x), _BLOCK_ROWS):
        rows = x[start : start + _BLOCK_ROWS]
        for number, (matrix, offset) in enumerate(layers):
            if number:
                np.maximum(rows, 0.0, out=rows)
            rows = rows @ matrix
            rows += offset
        result[start : start + _BLOCK_ROWS] = rows
    return result


def digest_layers(layers: Sequence[Layer]) -> str:
    """Digest of the numbers alone, so that equal layers are equal maps."""
    shapes = " ".join("x".join(map(str, layer.matrix.shape)) for layer in layers)
    # one part after the other: all of them in one piece may be a gigabyte
    running = hashlib.sha256(f"layers {shapes} ".encode())
    for layer in layers:
        for part in layer:
            running.update(np.ascontiguousarray(part).data)
    return running.hexdigest()


def layers_to_numbers(layers: Sequence[Layer]) -> dict[str, NDArray[np.float32]]:
    """Tensors by name, as they are stored."""
    return {f"{name}-{i}": part for i, layer in enumerate(layers) for name, part in layer._asdict().items()}


def layers_from_numbers(numbers: Mapping[str, NDArray[np.float32]]) -> tuple[Layer, ...]:
    """Inverse of `layers_to_numbers`.

    Raises: FormatError if a tensor is missing or unknown.
    """
    names = [(f"matrix-{i}", f"offset-{i}") for i in range(len(numbers) // 2)]
    if not names or {name for pair in names for name in pair} != set(numbers):
        raise FormatError(f"a translator is stored as matrix-0, offset-0, ..., got {sorted(numbers)}; save it anew")
    return tuple(Layer(numbers[matrix], numbers[offset]) for matrix, offset in names)
