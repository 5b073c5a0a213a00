"""What a folder of encoded collections is for: model, space, cut; written first, checked by every later run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.errors import FormatError, MatryoError
from matryo.files import check_fields, check_format, read_json, write_json
from matryo.space import Space, same_space

JOB_FILE = "job.json"
_FORMAT = 1
_STORED = {
    "format": int,
    "model": str,
    "fingerprint": str,
    "space": dict,
    "space_id": str,
    "full_width": int,
    "dtype": str,
    "split_tokens": int,
    "overlap": int,
}


@dataclass(frozen=True)
class Layout:
    """What a caller chooses about the sets, beside the model.

    Attributes:
        dim: prefix length to which the model is cut for keeps, None for its full width.
        dtype: "float32" or "float16", as stored.
        split_tokens: texts are split into pieces of so many tokens, 0 = they are not.
        overlap: tokens that neighbouring pieces share.
    """

    dim: int | None = None
    dtype: str = "float32"
    split_tokens: int = 0
    overlap: int = 0


@dataclass(frozen=True)
class Job:
    """What lies in a folder.

    Attributes:
        model: what people call it.
        fingerprint: see `model_fingerprint`, "" if there is none.
        space: of the vectors.
        full_width: numbers of a vector before the cut.
        layout: the rest; its dim is None exactly if nothing was cut.
    """

    model: str
    fingerprint: str
    space: Space
    full_width: int
    layout: Layout

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {
            "format": _FORMAT,
            "model": self.model,
            "fingerprint": self.fingerprint,
            "space": self.space.to_json(),
            "space_id": self.space.id,
            "full_width": self.full_width,
            "dtype": self.layout.dtype,
            "split_tokens": self.layout.split_tokens,
            "overlap": self.layout.overlap,
        }


def read_job(out: Path) -> Job | None:
    """What a folder is for, None if it is empty.

    Raises: FormatError if the note cannot be read; MatryoError if the folder holds something else.
    """
    path = out / JOB_FILE
    if not path.exists():
        there = sorted(entry.name for entry in out.iterdir())
        if there:
            raise MatryoError(f"{out} holds {there[0]} and no {JOB_FILE}; give an empty folder for the collections")
        return None
    stored = read_json(path, "the note of what a folder of collections is for")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
    check_fields(stored, _STORED, path)
    space = Space.from_json(stored["space"])
    if space.id != stored["space_id"]:
        raise FormatError(f"{path} contradicts itself in its space; restore it from a copy")
    cut = space.width if space.width != stored["full_width"] else None
    layout = Layout(cut, stored["dtype"], stored["split_tokens"], stored["overlap"])
    return Job(stored["model"], stored["fingerprint"], space, stored["full_width"], layout)


def write_job(out: Path, job: Job) -> None:
    """Write the note."""
    write_json(out / JOB_FILE, job.to_json())


def check_layout(out: Path, job: Job, layout: Layout) -> None:
    """Refuse to go on with another dim, type or splitting.

    Raises: MatryoError, saying what is there.
    """
    asked = layout.dim or job.full_width
    for what, there, here in (
        ("vectors of dim", job.space.width, asked),
        ("numbers of type", job.layout.dtype, layout.dtype),
        ("pieces of --split-tokens", job.layout.split_tokens, layout.split_tokens),
        ("pieces of --overlap", job.layout.overlap, layout.overlap),
    ):
        if there != here:
            raise MatryoError(
                f"{out} holds {what} {there} (model {job.model}, {job.full_width} wide), got {here}; "
                "use the same as before, or another folder"
            )


def check_space(out: Path, job: Job, space: Space, model: str) -> None:
    """Refuse to go on with another model.

    Raises: SpaceError, saying what is there.
    """
    same_space(space, job.space, f"{model} and {out}, which {job.model} encoded,")
