"""The torch twin of `matryo.prefix.cut`; a test holds the two equal. No other file of the losses slices columns."""

import torch
from torch import Tensor

from matryo.errors import ShapeError


def block(x: Tensor, start: int, stop: int) -> Tensor:
    """Columns start..stop of a matrix as they are, without renormalising: what cumulative scores are built from."""
    return x[:, start:stop]


def row_norms(x: Tensor) -> Tensor:
    """Length of every row, (n, d) -> (n,) float64, so that tiny and huge rows neither vanish nor overflow."""
    norms: Tensor = torch.linalg.vector_norm(x, dim=1, dtype=torch.float64)
    return norms


def cut(x: Tensor, dim: int) -> Tensor:
    """Take the first `dim` numbers of every row and renormalise, with gradients.

    Args:
        x: (n, d) float; 16-bit rows are widened to float32, because their squares underflow.
        dim: prefix length, 1 <= dim <= d.

    Returns: (n, dim) float32, or float64 for float64 input; rows of length 1, zero rows stay zero with gradient zero.
    Raises: ShapeError if dim is out of range or x is no float matrix. Unlike the NumPy twin it lets NaN pass, so that a
        training loop sees it in its loss instead of waiting for the device at every call.
    Source: Kusupati et al. 2022, Matryoshka Representation Learning.

    >>> cut(torch.tensor([[3.0, 4.0, 12.0]]), 2)
    tensor([[0.6000, 0.8000]])
    """
    check_embeddings(x, "vectors")
    if not 1 <= dim <= x.shape[1]:
        raise ShapeError(f"dim must lie within 1..{x.shape[1]}, got {dim}; choose a dim these vectors have")
    wide = block(x, 0, dim).to(work_dtype(x))
    norms = row_norms(wide)
    # Dividing by 1 in place of 0 keeps 0 * infinity out of the gradient of a zero row; the norm is taken again under
    # the mask because the gradient of a length at the origin is not defined.
    zero = norms == 0.0
    safe = row_norms(torch.where(zero[:, None], torch.ones_like(wide), wide))
    return torch.where(zero[:, None], torch.zeros_like(wide), wide / safe[:, None]).to(wide.dtype)


def check_embeddings(x: Tensor, name: str) -> None:
    """Refuse anything that is not a non-empty (n, d) float tensor.

    Raises: ShapeError, naming the argument as `name`.
    """
    if not isinstance(x, Tensor) or x.ndim != 2 or not x.is_floating_point() or 0 in x.shape:
        kind = f"{x.dtype} of shape {tuple(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
        raise ShapeError(f"{name} must be a float tensor of shape (n, d), n and d >= 1, got {kind}; one row per text")


def work_dtype(*tensors: Tensor) -> torch.dtype:
    """Precision losses compute in: float64 if any input has it, else float32."""
    return torch.float64 if any(t.dtype == torch.float64 for t in tensors) else torch.float32
