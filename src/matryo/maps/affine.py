"""Translators that are one matrix and one offset: ridge, Procrustes, the linear layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.errors import FormatError, ShapeError
from matryo.maps.layers import Layer, check_layers, digest_layers, forward, layers_from_numbers, layers_to_numbers
from matryo.maps.storing import check_digest, read_manifest, read_numbers, write_map
from matryo.maps.translator import (
    Translator,
    check_unit_rows,
    compatible,
    rows_for,
    space_name,
    translated_space,
    translator_manifest,
    unit_unless_zero,
)
from matryo.prefix import Array, block, check_dims
from matryo.space import Space


@dataclass(frozen=True, eq=False)
class AffineMap(Translator):
    """x -> unit_rows(x @ matrix + offset); `raw` leaves out the scaling.

    With fewer rows in the matrix than the source is wide it reads a prefix: it takes vectors cut to that many numbers,
    or whole ones, which it cuts itself.

    Attributes:
        matrix: (k, d2) float32, k <= width of the source.
        offset: (d2,) float32.
        origin: the space of the vectors that it reads.
        imitated: the space whose vectors it imitates, at least d2 wide; `toward` of the contract.
        made_by: how it was made, e.g. "ridge"; `kind` of the contract.
        settings: what the fit was told and what it found, as JSON values; kept with the map, no part of its identity.
    """

    matrix: NDArray[np.float32]
    offset: NDArray[np.float32]
    origin: Space
    imitated: Space
    made_by: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse numbers that do not fit the two spaces."""
        check_layers([self._layer])
        if self.matrix.shape[0] > self.origin.width or self.matrix.shape[1] > self.imitated.width:
            raise ShapeError(
                f"a translator from {space_name(self.origin)} toward {space_name(self.imitated)} "
                f"has at most that many rows and columns, got {self.matrix.shape}; fit it on vectors of these spaces"
            )

    @property
    def _layer(self) -> Layer:
        return Layer(self.matrix, self.offset)

    @property
    def kind(self) -> str:
        """How the map was made."""
        return self.made_by

    @property
    def source(self) -> Space:
        """The space that `apply` reads."""
        return self.origin

    @property
    def toward(self) -> Space:
        """The space that is imitated."""
        return self.imitated

    @property
    def reads(self) -> int:
        """Length of the source's prefix that is read."""
        return int(self.matrix.shape[0])

    @cached_property
    def digest(self) -> str:
        """Digest of the numbers alone."""
        return digest_layers([self._layer])

    @cached_property
    def target(self) -> Space:
        """The space that `apply` writes."""
        return translated_space(self.origin, self.imitated, self.digest, int(self.matrix.shape[1]))

    def raw(self, x: Array) -> Array:
        """Map vectors without scaling them, (n, d) -> (n, d2) float32."""
        return forward([self._layer], rows_for(x, self.reads, self.origin.width))

    def apply(self, x: Array) -> Array:
        """Map vectors, (n, d) -> (n, d2) float32 of length 1."""
        raw = self.raw(x)
        check_unit_rows(x, "the vectors")
        return unit_unless_zero(raw, x)

    def to_prefix(self, dim: int) -> "AffineMap":
        """The first `dim` output columns as a translator toward that prefix of the imitated space.

        Its vectors are those of this map, cut. For ridge (one penalty) it is the very map that a fit on these columns
        alone gives, because least squares solves every output column on its own; Procrustes solves them together.

        Raises: ShapeError if dim is not within 1..columns.
        """
        (dim,) = check_dims([dim], self.matrix.shape[1])
        columns = np.ascontiguousarray(block(self.matrix, 0, dim))
        settings = {**self.settings, "cut_from": int(self.matrix.shape[1])}
        return AffineMap(columns, self.offset[:dim].copy(), self.origin, self.imitated, self.made_by, settings)

    def then(self, second: "AffineMap") -> "AffineMap":
        """One translator followed by another one, as one: x -> second.raw(self.raw(x)).

        The rows in between are not scaled to length 1, which no affine map could do; `second.apply(first.apply(x))`
        scales them, and differs where the offset of the second is not 0.

        Args:
            second: starts in the space that this one imitates, reading as many numbers as this one gives.

        Raises: SpaceError if it starts in another space; ShapeError if it reads another number of columns.
        """
        compatible(self, second.source)
        if second.reads != self.matrix.shape[1]:
            raise ShapeError(
                f"the second map reads {second.reads} numbers, the first one gives {self.matrix.shape[1]}; "
                "join maps of the same prefix"
            )
        wide = second.matrix.astype(np.float64)
        matrix, offset = self.matrix.astype(np.float64) @ wide, self.offset.astype(np.float64) @ wide + second.offset
        settings = {"first": dict(self.settings), "second": dict(second.settings)}
        kind = f"{self.made_by} then {second.made_by}"
        return AffineMap(
            matrix.astype(np.float32), offset.astype(np.float32), self.origin, second.imitated, kind, settings
        )

    def save(self, folder: str | Path) -> None:
        """Write `map.safetensors`, then `map.json`."""
        manifest = translator_manifest(self, "affine", self.digest, self.settings)
        write_map(folder, layers_to_numbers([self._layer]), manifest)

    @classmethod
    def load(cls, folder: str | Path) -> "AffineMap":
        """Read a saved map.

        Raises: FormatError if the folder holds no whole map of this class and format, or its numbers were changed.
        """
        manifest = read_manifest(folder)
        layers = layers_from_numbers(read_numbers(folder))
        if manifest["class"] != "affine" or "toward" not in manifest or len(layers) != 1:
            raise FormatError(f"{folder} holds no affine map; save the map anew")
        spaces = Space.from_json(manifest["source"]), Space.from_json(manifest["toward"])
        loaded = cls(*layers[0], *spaces, manifest["kind"], manifest["settings"])
        check_digest(loaded.digest, loaded.target.id, manifest, folder)
        return loaded
