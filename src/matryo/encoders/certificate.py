"""The truncation certificate: what was measured of a model's prefixes, kept with the model and tied to its space.

It lies as `truncation.json` in a model's folder, or, for models that packages or the hub carry, in the user's data
folder under the id of the space. A space is weights, pooling, operation before the cut, normalisation and longest
input: whoever changes one of them, also by reading fewer tokens, has another space, and the certificate does not hold.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.files import check_fields, check_format, read_json, write_json
from matryo.prefix import check_dims
from matryo.space import Space

CERTIFICATE_FILE = "truncation.json"
HOME_VARIABLE = "MATRYO_HOME"
_FORMAT = 1
_FIELDS: dict[str, type] = {
    "format": int, "model": str, "space": dict, "space_id": str, "texts": dict, "date": str, "version": str,
    "dims": list, "geometry": dict, "advice": list,
}  # fmt: skip
_TEXT_FIELDS: dict[str, type] = {"name": str, "digest": str, "n": int}
_QUALITY_FIELDS: dict[str, type] = {
    "measure": str, "n": int, "judged_by": str, "points": list, "smallest": dict, "why": str,
}  # fmt: skip
_OR_NULL: dict[str, tuple[type, ...]] = {"n_groups": (int,), "detectable": (int, float), "trained": (bool,)}


@dataclass(frozen=True)
class ProbedTexts:
    """What a probe read.

    Attributes:
        name: of the file, folder or data set.
        digest: of the texts in their order, or of the vectors where no text was at hand.
        n: texts.
    """

    name: str
    digest: str
    n: int


@dataclass(frozen=True)
class Quality:
    """What judgements said of the prefixes.

    Attributes:
        measure: e.g. "nDCG@10".
        n: counted queries.
        n_groups: groups resampled, None if every query is its own.
        judged_by: whose judgements, e.g. the name of the data set.
        points: one JSON object per dim, rising: "dim", "value", "low", "high", "share" and "share_low" of the full
            width, and under "random", "suffix" and "pca" what other choices of as many numbers score.
        smallest: share as text, e.g. "0.95" -> smallest dim shown to keep it, the width if none below did.
        detectable: loss of share, e.g. 0.02, that this n can rule out just below the full width; None if unknown.
        trained: whether the prefix was made to be cut, as far as anybody can tell; None = not decided.
        why: the reason for `trained`, in a sentence.
    """

    measure: str
    n: int
    n_groups: int | None
    judged_by: str
    points: tuple[Mapping[str, Any], ...]
    smallest: Mapping[str, int]
    detectable: float | None
    trained: bool | None
    why: str


@dataclass(frozen=True)
class Certificate:
    """What one probe found.

    Attributes:
        model: name the model was given by, or of the vectors.
        space: where the vectors lie.
        texts: what was read.
        date: of the probe, YYYY-MM-DD.
        version: of this package.
        dims: tested prefix lengths, rising, the last one is the width.
        geometry: what needs no judgements, `Geometry.to_json()`.
        quality: what judgements said, None if there were none.
        advice: sentences.
    """

    model: str
    space: Space
    texts: ProbedTexts
    date: str
    version: str
    dims: tuple[int, ...]
    geometry: Mapping[str, Any]
    quality: Quality | None = None
    advice: tuple[str, ...] = ()

    @property
    def space_id(self) -> str:
        """Identity of the space this holds for."""
        return self.space.id

    def passed(self, share: float = 0.95) -> tuple[int, ...]:
        """Dims shown to keep this share of the full width's quality, rising.

        Every tested dim from the smallest one shown on, because the tests went from the width down and stopped at the
        first failure. Without judgements, or for a share above all that were tested, only the width.

        Raises: MatryoError if the share does not lie between 0 and 1.
        """
        if not 0.0 < share < 1.0:
            raise MatryoError(f"share must lie between 0 and 1, got {share}; 0.95 keeps 95 % of the full width")
        width = self.dims[-1]
        enough = {} if self.quality is None else {float(k): d for k, d in self.quality.smallest.items()}
        strict = [tested for tested in enough if tested >= share - 1e-9]
        smallest = enough[min(strict)] if strict else width
        return tuple(dim for dim in self.dims if dim >= smallest)

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        quality = None
        if self.quality is not None:
            points = [dict(point) for point in self.quality.points]
            quality = {**asdict(replace(self.quality, points=(), smallest={})), "points": points}
            quality["smallest"] = dict(self.quality.smallest)
        return {
            "format": _FORMAT,
            "model": self.model,
            "space": self.space.to_json(),
            "space_id": self.space_id,
            "texts": asdict(self.texts),
            "date": self.date,
            "version": self.version,
            "dims": list(self.dims),
            "geometry": dict(self.geometry),
            "quality": quality,
            "advice": list(self.advice),
        }

    @classmethod
    def from_json(cls, stored: Any, path: Path) -> "Certificate":
        """Inverse of `to_json`.

        Args:
            stored: as read.
            path: where it was read, for messages.

        Raises: FormatError if the format number is unknown, or a field is missing, unknown or cannot be.
        """
        if isinstance(stored, dict):
            check_format(stored.get("format"), _FORMAT, path)
        with_quality = isinstance(stored, dict) and isinstance(stored.get("quality"), dict)
        check_fields(stored, {**_FIELDS, "quality": dict if with_quality else type(None)}, path)
        check_fields(stored["texts"], _TEXT_FIELDS, path)
        space = _space(stored["space"], path)
        dims = _dims(stored["dims"], space.width, path)
        if space.id != stored["space_id"]:
            raise FormatError(f"{path} names a space id that is not its space's; restore it or probe the model again")
        return cls(
            model=stored["model"],
            space=space,
            texts=ProbedTexts(**stored["texts"]),
            date=stored["date"],
            version=stored["version"],
            dims=dims,
            geometry=stored["geometry"],
            quality=_quality(stored["quality"], dims, path) if with_quality else None,
            advice=tuple(str(sentence) for sentence in stored["advice"]),
        )


def data_folder() -> Path:
    """The user's data folder: `$MATRYO_HOME`, else `$XDG_DATA_HOME/matryo`, else `~/.local/share/matryo`."""
    if home := os.environ.get(HOME_VARIABLE):
        return Path(home).expanduser()
    shared = os.environ.get("XDG_DATA_HOME")
    return (Path(shared).expanduser() if shared else Path.home() / ".local" / "share") / "matryo"


def certificate_path(space: Space | str, /, *, folder: Path | None = None) -> Path:
    """Where the certificate of a space lies: in the model's folder, or in the user's data folder if there is none."""
    if folder is not None:
        return folder / CERTIFICATE_FILE
    return data_folder() / "certificates" / f"{space if isinstance(space, str) else space.id}.json"


def write_certificate(certificate: Certificate, *, folder: Path | None = None) -> Path:
    """Write a certificate where `find_certificate` looks for it; one that is there is replaced.

    Args:
        certificate: what was found.
        folder: of the model, None for a model that a package or the hub carries.

    Returns: the file.
    Raises: MatryoError if the folder cannot be written to.
    """
    path = certificate_path(certificate.space, folder=folder)
    try:
        write_json(path, certificate.to_json())
    except OSError as error:
        raise MatryoError(
            f"the certificate could not be written to {path}: {error.strerror or error}; make the folder writable or "
            f"name another data folder in {HOME_VARIABLE}"
        ) from error
    return path


def read_certificate(path: Path) -> Certificate:
    """Read a certificate, of whichever space.

    Raises: FormatError if the file is missing or no certificate.
    """
    return Certificate.from_json(read_json(path, "a truncation certificate"), path)


def find_certificate(space: Space | str, /, *, folder: Path | None = None) -> Certificate | None:
    """The certificate of a model in its present state, None if there is none.

    One in the model's folder comes first, then one in the user's data folder, where that of a folder which is read with
    fewer tokens than it could lies too.

    Args:
        space: of the encoder as it is now, or its id; with the space itself a mismatch can be explained.
        folder: of the model, None for a model that a package or the hub carries.

    Raises: MatryoError if the only one there holds for another space; FormatError if it is no certificate.
    """
    now = space if isinstance(space, str) else space.id
    kept, shared = certificate_path(space, folder=folder), certificate_path(space)
    found = read_certificate(kept) if kept.exists() else None
    if found is not None and found.space_id == now:
        return found
    if folder is not None and shared.exists():
        return find_certificate(space)
    if found is None:
        return None
    raise MatryoError(
        f"{kept} is a certificate of another revision of the model: it holds for space {found.space_id[:12]} "
        f"({found.date}), the model is now {now[:12]}{_changed(found, space)}; run `matryo probe` again, or delete "
        "the file"
    )


def _changed(certificate: Certificate, space: Space | str) -> str:
    """What differs between the two spaces, as far as the caller's argument tells."""
    if isinstance(space, str):
        return " (weights, pooling or the longest input read differ)"
    before, now = certificate.space.to_json(), space.to_json()
    names = {"weights": "the weights", "max_tokens": "the tokens read", "maps": "the maps"}
    told = []
    for name, value in before.items():
        if value != now[name]:
            plain = isinstance(value, int | None) and isinstance(now[name], int | None)
            told.append(names.get(name, name) + (f" ({value} then, {now[name]} now)" if plain else ""))
    return f", which differs in {', '.join(told)}" if told else ""


def _space(stored: dict[str, Any], path: Path) -> Space:
    try:
        return Space.from_json(stored)
    except (FormatError, TypeError) as error:
        raise FormatError(f"{path} names no space: {error}") from None


def _dims(stored: list[Any], width: int, path: Path) -> tuple[int, ...]:
    try:
        dims = check_dims(stored, width)
    except ShapeError as error:
        raise FormatError(f"{path} has dims that cannot be: {error}") from None
    if list(dims) != stored or dims[-1] != width:
        raise FormatError(f"{path} must have dims that rise to the width {width}, got {stored}; probe the model again")
    return dims


def _quality(stored: dict[str, Any], dims: tuple[int, ...], path: Path) -> Quality:
    kinds = {name: _kind(stored.get(name), accepted) for name, accepted in _OR_NULL.items()}
    check_fields(stored, {**_QUALITY_FIELDS, **kinds}, path)
    for share, dim in stored["smallest"].items():
        if not _is_share(share) or dim not in dims:
            raise FormatError(f"{path} has {dim!r} as smallest dim for {share!r}, expected a share and a dim")
    if any(not isinstance(point, dict) or point.get("dim") not in dims for point in stored["points"]):
        raise FormatError(
            f"{path} has points without one of its dims {list(dims)}; restore it or probe the model again"
        )
    return Quality(**{**stored, "points": tuple(stored["points"])})


def _kind(value: Any, accepted: tuple[type, ...]) -> type:
    """The type to demand of a field that may be null: its own if that is accepted."""
    return type(value) if value is None or type(value) in accepted else accepted[0]


def _is_share(text: str) -> bool:
    try:
        return 0.0 < float(text) < 1.0
    except ValueError:
        return False
