"""Translators: maps that lead from one space into vectors which imitate those of another space.

A translated vector is not a vector of the imitated space, however good the translator: sets of both must never be taken
for each other. So a translator has three spaces: `source`, which it reads; `toward`, whom it imitates; and `target`, a
space of its own, as for every map. The last entry of `target.maps` is "as:TOWARD_ID:DIGEST": a set on disk tells by
its space alone whom it imitates, and every check that wants equal space ids refuses to mix it with native vectors.
Where mixing is meant, e.g. to search an index of native vectors with translated queries, `compatible` is the one
explicit step.
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from matryo.errors import ShapeError, SpaceError
from matryo.maps.base import Map
from matryo.prefix import Array, check_matrix, cut, row_norms, unit_rows
from matryo.space import Space

_MARK = "as:"
_UNIT_TOLERANCE = 1e-3  # float16 keeps lengths to about a tenth of this


class Translator(Map):
    """A map whose vectors are meant to be compared with native vectors of the space `toward`."""

    @property
    @abstractmethod
    def toward(self) -> Space:
        """The space that is imitated; where `target` is narrower, its prefix of that length."""

    @abstractmethod
    def raw(self, x: Array) -> Array:
        """Map vectors without scaling the result to length 1: what squared errors and R2 are taken of.

        Args:
            x: as for `apply`, which refuses rows of another length than 1; here rows count as they are.

        Returns: (n, target.width) float32.
        """


def translated_space(source: Space, toward: Space, digest: str, width: int) -> Space:
    """The space that a translator leads into.

    Args:
        source: what it reads.
        toward: whom it imitates.
        digest: of its numbers.
        width: numbers per translated row, up to those of `toward`.

    Raises: ShapeError if the width exceeds that of `toward`.
    """
    if not 1 <= width <= toward.width:
        raise ShapeError(
            f"a translator toward a {toward.width}-wide space gives at most {toward.width} numbers, got {width}; "
            "name the space that it was fitted on"
        )
    return source.mapped(f"{_MARK}{toward.id}:{digest}", width)


def compatible(translated: Translator | Space, native: Space) -> int:
    """Number of leading dims at which translated vectors may be compared with native ones, refused where none.

    The explicit step before a search of native vectors with translated ones, or before storing both in one index. It
    only says that the translator was fitted toward that very space; how well it does is for the measures to say.

    Args:
        translated: the translator, or the space of translated vectors.
        native: the space of the vectors that they are to meet.

    Returns: width of the translated vectors: cut the native ones to it if they are wider.
    Raises: SpaceError if they imitate another space or none.

    >>> a, b = Space("old", 3), Space("new", 2)
    >>> compatible(translated_space(a, b, "digest", 2), b)
    2
    """
    space = translated if isinstance(translated, Space) else translated.target
    imitated = imitated_id(space)
    if imitated != native.id:
        whom = "no space: no translator made them" if imitated is None else f"the space {imitated[:12]}"
        raise SpaceError(
            f"these vectors imitate {whom}, they were to meet those of {space_name(native)}; "
            "translate with a map fitted toward that space"
        )
    return space.width


def imitated_id(space: Space) -> str | None:
    """Id of the space that vectors of this one imitate, None if no translator was the last map that made them."""
    last = space.maps[-1] if space.maps else ""
    return last.split(":")[1] if last.startswith(_MARK) else None


def check_source(fitted: Map, space: Space) -> None:
    """Refuse vectors that a map was not fitted for, and say which kind of mistake it looks like.

    Raises: SpaceError if they lie in the space toward which the map leads (the other direction), imitate the map's
        source without being native, or lie in any other space, e.g. that of another revision of the model.
    """
    if space.id == fitted.source.id:
        return
    received, needed = f"got vectors of {space_name(space)}", f"this map reads {space_name(fitted.source)}"
    if isinstance(fitted, Translator) and space.id == fitted.toward.id:
        raise SpaceError(
            f"{needed} and leads toward {space_name(fitted.toward)}, {received}: that is the other direction; "
            "swap the sets, or fit a map for that direction"
        )
    if imitated_id(space) == fitted.source.id:
        raise SpaceError(f"{needed}, {received}, which only imitate it; pass as_native=True to translate them further")
    raise SpaceError(
        f"{needed}, {received}: another model, another revision of it or other settings; "
        "encode with the model that the map was fitted on, or fit the map anew"
    )


def space_name(space: Space) -> str:
    """A space in a message: beginning of its id, its width, and the label where a person gave one."""
    label = f", {space.weights}" if space.weights.startswith("declared:") else ""
    return f"the space {space.id[:12]} ({space.width} wide{label})"


def rows_for(x: Array, reads: int, width: int) -> Array:
    """Check what a translator is given, and cut it where the translator reads a prefix only.

    Args:
        x: (n, reads) or (n, width) float; the latter is cut, which renormalises.
        reads: numbers per row that the translator reads.
        width: numbers per row of its source.

    Returns: (n, reads) float32.
    Raises: ShapeError for any other width or numbers that are not finite.
    """
    check_matrix(x)
    if x.shape[1] == width != reads:
        x = cut(x, reads)
    if x.shape[1] != reads:
        whole = "" if reads == width else f", or whole vectors of {width}"
        raise ShapeError(f"this map reads {reads} numbers per row{whole}, got {x.shape[1]}; use its own space")
    return x.astype(np.float32, copy=False)


def check_unit_rows(x: Array, what: str, first_row: int = 0) -> None:
    """Refuse rows that are neither of length 1 nor zero: what a translator adds to a row depends on the row's length.

    Args:
        x: (n, d) float.
        what: whose rows, for the message.
        first_row: number of the first one, for the message.

    Raises: ShapeError, also for rows that are not finite.
    """
    norms = row_norms(x)
    strange = np.flatnonzero(~((np.abs(norms - 1.0) <= _UNIT_TOLERANCE) | (norms == 0.0)))
    if strange.size:
        row = int(strange[0])
        raise ShapeError(
            f"a translator reads rows of length 1, row {first_row + row} of {what} has length {norms[row]:.4g}; "
            "pass unit rows (matryo.prefix.unit_rows)"
        )


def unit_unless_zero(raw: Array, x: Array) -> Array:
    """Translated rows of length 1; those of zero rows, which stand for empty texts, are zero whatever the offset."""
    raw[~x.any(axis=1)] = 0.0
    return unit_rows(raw)


def translator_manifest(fitted: Translator, name: str, digest: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What `map.json` states of a translator: its class, its direction and how it was fitted."""
    return {
        "class": name,
        "kind": fitted.kind,
        "source": fitted.source.to_json(),
        "source_id": fitted.source.id,
        "toward": fitted.toward.to_json(),
        "toward_id": fitted.toward.id,
        "target": fitted.target.to_json(),
        "target_id": fitted.target.id,
        "digest": digest,
        "settings": dict(settings),
    }


def round_trip(forward: Translator, back: Translator, vectors: Array) -> float:
    """Mean cosine between vectors and what comes back when they are translated there and back again.

    It tells what is lost on the way, not whether the way led anywhere: a rotation and its inverse lose nothing, also
    where they lead far from the native vectors.

    Args:
        forward: A to B, at the full width of B.
        back: B to A.
        vectors: (n, d) float of A, n >= 1, without zero rows.

    Returns: -1..1; 1 = nothing was lost.
    Raises: SpaceError if the two translators are not each other's directions; ShapeError for other widths.
    """
    compatible(forward, back.source)
    compatible(back, forward.source)
    returned = back.apply(forward.apply(vectors))
    return float(np.einsum("ij,ij->i", unit_rows(vectors), returned, dtype=np.float64).mean())
