"""Maps that are one matrix: rotations, heads, permutations of the columns."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.errors import FormatError, ShapeError
from matryo.maps.base import Map
from matryo.maps.storing import check_digest, read_manifest, read_numbers, write_map
from matryo.prefix import Array, check_matrix, unit_rows
from matryo.space import Space, same_space


@dataclass(frozen=True, eq=False)
class MatrixMap(Map):
    """x -> unit_rows(x @ matrix).

    Attributes:
        matrix: (d, d2) float32.
        origin: the space of the vectors that it reads, d wide.
        made_by: how it was made, e.g. "rotation"; `kind` of the contract.
        settings: what the fit was told and what it found, as JSON values; kept with the map, no part of its identity.
    """

    matrix: NDArray[np.float32]
    origin: Space
    made_by: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a matrix that does not fit the source space."""
        check_matrix(self.matrix, name="the matrix of a map")
        if self.matrix.dtype != np.float32 or self.matrix.shape[0] != self.origin.width:
            raise ShapeError(
                f"a map from {self.origin.width} numbers needs a float32 matrix with as many rows, "
                f"got {self.matrix.dtype} {self.matrix.shape}; fit it on vectors of that space"
            )

    @property
    def kind(self) -> str:
        """How the map was made."""
        return self.made_by

    @property
    def source(self) -> Space:
        """The space that `apply` reads."""
        return self.origin

    @cached_property
    def digest(self) -> str:
        """Digest of the numbers alone, so that equal matrices are equal maps."""
        shape = "x".join(map(str, self.matrix.shape))
        return files.digest_bytes(f"matrix {shape} ".encode() + np.ascontiguousarray(self.matrix).tobytes())

    @cached_property
    def target(self) -> Space:
        """The space that `apply` writes."""
        return self.origin.mapped(self.digest, self.matrix.shape[1])

    def apply(self, x: Array) -> Array:
        """Map vectors, (n, d) -> (n, d2) float32 of length 1."""
        check_matrix(x)
        if x.shape[1] != self.matrix.shape[0]:
            raise ShapeError(
                f"this map reads {self.matrix.shape[0]} numbers per row, got {x.shape[1]}; use its own space"
            )
        return unit_rows(x.astype(np.float32, copy=False) @ self.matrix)

    def save(self, folder: str | Path) -> None:
        """Write `map.safetensors`, then `map.json`."""
        manifest = {
            "class": "matrix",
            "kind": self.made_by,
            "source": self.origin.to_json(),
            "target": self.target.to_json(),
            "target_id": self.target.id,
            "digest": self.digest,
            "settings": dict(self.settings),
        }
        write_map(folder, {"matrix": self.matrix}, manifest)

    @classmethod
    def load(cls, folder: str | Path) -> "MatrixMap":
        """Read a saved map.

        Raises: FormatError if the folder holds no whole map of this format, or its numbers were changed.
        """
        manifest, numbers = read_manifest(folder), read_numbers(folder)
        if set(numbers) != {"matrix"}:
            raise FormatError(f"{folder} holds no matrix but {sorted(numbers)}; save the map anew")
        loaded = cls(numbers["matrix"], Space.from_json(manifest["source"]), manifest["kind"], manifest["settings"])
        check_digest(loaded.digest, loaded.target.id, manifest, folder)
        return loaded


def then(first: MatrixMap, second: MatrixMap, kind: str) -> MatrixMap:
    """Join two matrix maps into one: x -> second(first(x)), up to the length in between, which cosine ignores.

    Raises: SpaceError if the second map does not start where the first ends.
    """
    same_space(second.source, first.target, "the second map's source and the first map's target")
    product = first.matrix.astype(np.float64) @ second.matrix.astype(np.float64)
    settings = {"first": dict(first.settings), "second": dict(second.settings)}
    return MatrixMap(product.astype(np.float32), first.source, kind, settings)
