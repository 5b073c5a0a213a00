"""An encoder cut for keeps: the first numbers of every vector, of length 1 again, in a space of their own."""

import numpy as np

from matryo.encoders.base import Encoder
from matryo.encoders.mapped import MappedEncoder
from matryo.maps import MatrixMap
from matryo.prefix import block, check_dims
from matryo.space import Space


def cut_encoder(encoder: Encoder, dim: int) -> Encoder:
    """The encoder whose vectors are the first `dim` numbers, rescaled to length 1.

    Its space is the one of the model that `export_model(encoder, folder, dim)` writes, so that vectors of both compare.

    Args:
        encoder: any encoder.
        dim: numbers to keep.

    Returns: the encoder itself at its full width, which is no cut.
    Raises: ShapeError if dim lies outside 1..width.
    """
    check_dims([dim], encoder.width)
    return encoder if dim == encoder.width else MappedEncoder(encoder, cutting_map(encoder.space, dim))


def cutting_map(space: Space, dim: int) -> MatrixMap:
    """The map that keeps the first `dim` numbers of a space's vectors."""
    unchanged = np.eye(space.width, dtype=np.float32)
    return MatrixMap(np.ascontiguousarray(block(unchanged, 0, dim)), space, "cut")
