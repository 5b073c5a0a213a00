"""Heads: one matrix shared by queries and documents, learned on frozen vectors of (query, document) pairs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from matryo.errors import ShapeError
from matryo.losses.nested import nested_info_nce
from matryo.maps.matrices import LoopSettings, train
from matryo.maps.matrix import MatrixMap, then
from matryo.maps.rotation import fit_rotation
from matryo.prefix import Array, check_dims, check_matrix
from matryo.space import Space


@dataclass(frozen=True)
class PairVectors:
    """Frozen vectors of pairs: row i of `queries` belongs to row i of `documents`.

    Attributes:
        queries: (n, d) float32.
        documents: (n, d) float32.
        groups: (n,) int64, equal where two pairs must not be each other's negatives, e.g. one document with two
            queries; None if every pair is its own group.
    """

    queries: Array
    documents: Array
    groups: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Refuse matrices that are not aligned."""
        check_matrix(self.queries, name="queries")
        check_matrix(self.documents, name="documents")
        n_groups = len(self.queries) if self.groups is None else len(self.groups)
        if self.queries.shape != self.documents.shape or n_groups != len(self.queries):
            raise ShapeError(
                f"pairs need queries and documents of one shape, one row per pair, got {self.queries.shape}, "
                f"{self.documents.shape} and {n_groups} groups; align them row by row"
            )


@dataclass(frozen=True)
class HeadSettings:
    """How a head is trained.

    Attributes:
        temperature: of the InfoNCE loss, the same at every dim.
        loop: batch size, step size, when to stop.
    """

    temperature: float = 0.05
    loop: LoopSettings = field(default_factory=LoopSettings)


def fit_nested_head(
    pairs: PairVectors,
    validation: PairVectors,
    space: Space,
    dims: Sequence[int],
    *,
    settings: HeadSettings | None = None,
    seed: int = 0,
) -> MatrixMap:
    """Head trained with the nested loss at every dim, started at the rotation of the pairs.

    Args:
        pairs: to train on.
        validation: to stop on; other pairs.
        space: the space both lie in.
        dims: prefix lengths in any order; the full width is always added.
        settings: temperature and loop.
        seed: of the shuffling.

    Returns: MatrixMap of kind "nested head", (d, d).
    Raises: ShapeError for dims beyond the width; MatryoError for fewer pairs than a batch.
    Source: ours, after Kusupati et al. 2022 and Yoon et al. 2024 (adapting frozen embeddings).
    """
    return _fit(pairs, validation, space, check_dims({*dims, space.width}, space.width), "nested head", settings, seed)


def fit_full_head(
    pairs: PairVectors,
    validation: PairVectors,
    space: Space,
    *,
    settings: HeadSettings | None = None,
    seed: int = 0,
) -> MatrixMap:
    """Head trained at the full width only, then rotated: the control that a nested head must beat.

    Args, Raises: as `fit_nested_head`, without dims.
    Returns: MatrixMap of kind "head + rotation", (d, d).
    """
    head = _fit(pairs, validation, space, (space.width,), "head", settings, seed)
    rotation = fit_rotation(head.apply(pairs.documents), head.target, more=head.apply(pairs.queries))
    return then(head, rotation, "head + rotation")


def _fit(
    pairs: PairVectors,
    validation: PairVectors,
    space: Space,
    dims: tuple[int, ...],
    kind: str,
    settings: HeadSettings | None,
    seed: int,
) -> MatrixMap:
    """Start at the rotation and follow the nested loss at the given dims."""
    settings = settings or HeadSettings()
    start = fit_rotation(pairs.documents, space, more=pairs.queries)
    head = nn.Linear(space.width, space.width, bias=False)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(start.matrix.T))
    trained, held_out = _tensors(pairs), _tensors(validation)

    def loss_of(side: tuple[Tensor, Tensor, Tensor | None], rows: Tensor | slice) -> Tensor:
        queries, documents, groups = side
        ids = None if groups is None else groups[rows]
        a, b = head(queries[rows]), head(documents[rows])
        return nested_info_nce(a, b, dims, groups_a=ids, groups_b=ids, temperatures=settings.temperature).total

    def validation_loss() -> float:
        with torch.no_grad():
            return float(loss_of(held_out, slice(None)))

    history = train(head, lambda rows: loss_of(trained, rows), validation_loss, len(pairs.queries), settings.loop, seed)
    found = {
        **asdict(settings),
        "dims": list(dims),
        "seed": seed,
        "n_pairs": len(pairs.queries),
        "validation_loss": [round(v, 6) for v in history.validation],
        "kept_epoch": history.kept_epoch,
    }
    return MatrixMap(head.weight.detach().numpy().T.copy(), space, kind, found)


def _tensors(pairs: PairVectors) -> tuple[Tensor, Tensor, Tensor | None]:
    groups = None if pairs.groups is None else torch.from_numpy(pairs.groups)
    return _float32(pairs.queries), _float32(pairs.documents), groups


def _float32(x: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, dtype=np.float32))
