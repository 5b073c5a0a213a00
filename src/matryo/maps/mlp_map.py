"""Translators with hidden layers, applied with NumPy, so that a fitted one needs no torch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from matryo.errors import FormatError, ShapeError
from matryo.maps.layers import Layer, check_layers, digest_layers, forward, layers_from_numbers, layers_to_numbers
from matryo.maps.storing import check_digest, read_manifest, read_numbers, write_map
from matryo.maps.translator import (
    Translator,
    check_unit_rows,
    rows_for,
    translated_space,
    translator_manifest,
    unit_unless_zero,
)
from matryo.prefix import Array
from matryo.space import Space


@dataclass(frozen=True, eq=False)
class MlpMap(Translator):
    """x -> unit_rows(layers), each layer x @ matrix + offset, with max(0, x) between two; `raw` leaves out the scaling.

    Attributes:
        layers: at least two; the first reads the source's width, the last gives up to the width of `imitated`.
        origin: the space of the vectors that it reads.
        imitated: the space whose vectors it imitates; `toward` of the contract.
        made_by: how it was made, e.g. "mlp1 8x"; `kind` of the contract.
        settings: what the fit was told and what it found, as JSON values; kept with the map, no part of its identity.
    """

    layers: tuple[Layer, ...]
    origin: Space
    imitated: Space
    made_by: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse layers that do not fit each other or the source."""
        check_layers(self.layers)
        if len(self.layers) < 2 or self.layers[0].matrix.shape[0] != self.origin.width:
            shapes = [layer.matrix.shape for layer in self.layers]
            raise ShapeError(
                f"a translator with hidden layers has two layers or more and reads {self.origin.width} numbers, "
                f"got {shapes}; fit it on vectors of that space"
            )

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

    @cached_property
    def digest(self) -> str:
        """Digest of the numbers alone."""
        return digest_layers(self.layers)

    @cached_property
    def target(self) -> Space:
        """The space that `apply` writes."""
        return translated_space(self.origin, self.imitated, self.digest, int(self.layers[-1].matrix.shape[1]))

    def raw(self, x: Array) -> Array:
        """Map vectors without scaling them, (n, d) -> (n, d2) float32."""
        return forward(self.layers, rows_for(x, self.origin.width, self.origin.width))

    def apply(self, x: Array) -> Array:
        """Map vectors, (n, d) -> (n, d2) float32 of length 1."""
        raw = self.raw(x)
        check_unit_rows(x, "the vectors")
        return unit_unless_zero(raw, x)

    def save(self, folder: str | Path) -> None:
        """Write `map.safetensors`, then `map.json`."""
        write_map(folder, layers_to_numbers(self.layers), translator_manifest(self, "mlp", self.digest, self.settings))

    @classmethod
    def load(cls, folder: str | Path) -> "MlpMap":
        """Read a saved map.

        Raises: FormatError if the folder holds no whole map of this class and format, or its numbers were changed.
        """
        manifest = read_manifest(folder)
        if manifest["class"] != "mlp" or "toward" not in manifest:
            raise FormatError(f"{folder} holds no map with hidden layers; save the map anew")
        spaces = Space.from_json(manifest["source"]), Space.from_json(manifest["toward"])
        layers = layers_from_numbers(read_numbers(folder))
        loaded = cls(layers, *spaces, manifest["kind"], manifest["settings"])
        check_digest(loaded.digest, loaded.target.id, manifest, folder)
        return loaded
