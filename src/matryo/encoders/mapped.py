"""An encoder with a map behind it is an encoder of the map's target space."""

from collections.abc import Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.base import Encoder, Progress, Role
from matryo.maps import Map
from matryo.space import Space, same_space


@final
class MappedEncoder(Encoder):
    """Encodes texts, then maps the vectors."""

    def __init__(self, encoder: Encoder, fitted: Map) -> None:
        """Put a map behind an encoder.

        Args:
            encoder: gives vectors of the map's source space.
            fitted: any map.

        Raises: SpaceError if the map was fitted on vectors of another space.
        """
        same_space(encoder.space, fitted.source, f"vectors of {encoder.name} and the {fitted.kind} map behind it")
        self._encoder = encoder
        self._map = fitted

    @property
    def encoder(self) -> Encoder:
        """The encoder before the map."""
        return self._encoder

    @property
    def map(self) -> Map:
        """The map."""
        return self._map

    @property
    def name(self) -> str:
        """Name of the encoder and kind of the map, e.g. "minilm + rotation"."""
        return f"{self._encoder.name} + {self._map.kind}"

    @property
    def space(self) -> Space:
        """The map's target space."""
        return self._map.target

    @property
    def width(self) -> int:
        """Full length of a mapped vector."""
        return self._map.target.width

    @property
    def batch_rule(self) -> str:
        """The encoder's; mapping goes row by row."""
        return self._encoder.batch_rule

    @property
    def description(self) -> Mapping[str, Any]:
        """The encoder's, with the map's kind."""
        return {**self._encoder.description, "name": self.name, "width": self.width, "map": self._map.kind}

    @property
    def truncated(self) -> int:
        """Number of texts so far that were longer than the model reads."""
        return self._encoder.truncated

    @property
    def truncated_last(self) -> int:
        """The same for the last call."""
        return self._encoder.truncated_last

    def prompt(self, role: Role) -> str:
        """What is put in front of every text of a role."""
        return self._encoder.prompt(role)

    def encode(
        self, texts: Sequence[str], role: Role = "document", *, progress: Progress = False
    ) -> NDArray[np.float32]:
        """Mapped vectors of texts, (n, width) float32, in the order of the texts.

        Raises: MatryoError if the role is unknown or texts is one string.
        """
        vectors: NDArray[np.float32] = self._map.apply(self._encoder.encode(texts, role, progress=progress))
        return vectors
