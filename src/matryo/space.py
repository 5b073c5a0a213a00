"""A space is what one encoder produces; two sets of vectors compare only if their space ids are equal."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from matryo.errors import FormatError, SpaceError


@dataclass(frozen=True)
class Space:
    """Everything that decides where a text lands; prompt and role (query, document) are properties of a set instead.

    Attributes:
        weights: digest of the weights' content, or "declared:LABEL" for vectors whose model nobody here can see.
        width: full length of a vector.
        pooling: how token vectors become one vector, e.g. "mean".
        before_cut: operation between pooling and the cut, e.g. "none" or "layer_norm".
        normalize: whether full-width vectors are scaled to length 1.
        max_tokens: longest input that is read, None if unlimited or unknown.
        maps: digests of the maps applied so far, in order.
    """

    weights: str
    width: int
    pooling: str = "unknown"
    before_cut: str = "none"
    normalize: bool = True
    max_tokens: int | None = None
    maps: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The space's identity, 32 hexadecimal digits over every field; a path or a model's name is never in it."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @classmethod
    def declared(cls, label: str, width: int) -> "Space":
        """Space of vectors from an API or a dump: the label is the caller's word that equal labels mean equal models.

        >>> Space.declared("text-embedding-3-large", 3072).id == Space.declared("ada-002", 3072).id
        False
        """
        return cls(weights=f"declared:{label}", width=width)

    def mapped(self, map_digest: str, width: int) -> "Space":
        """The new space that a map leads into; also a rotation changes the space."""
        return replace(self, maps=(*self.maps, map_digest), width=width, normalize=True)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {**asdict(self), "maps": list(self.maps)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Space":
        """Inverse of `to_json`.

        Raises: FormatError if a field is unknown or missing.
        """
        unknown = sorted(set(stored) - {f.name for f in fields(cls)})
        if unknown or not {"weights", "width"} <= set(stored):
            raise FormatError(f"a stored space has the fields of Space, got {sorted(stored)}; write it anew")
        return cls(**{**stored, "maps": tuple(stored.get("maps", ()))})


def same_space(left: Space | str, right: Space | str, what: str) -> None:
    """Refuse to let vectors of two spaces meet.

    Args:
        left: space, or space id, of what was received.
        right: space, or space id, that is needed.
        what: who met whom, for the message, e.g. "queries and documents".

    Raises: SpaceError if the ids differ.
    """
    found, needed = (s.id if isinstance(s, Space) else s for s in (left, right))
    if found != needed:
        raise SpaceError(
            f"{what} must lie in one space, got {found[:12]} and {needed[:12]}; "
            "encode both with the same model, pooling, normalisation and maps"
        )
