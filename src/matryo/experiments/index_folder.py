"""A folder that is searched by text: an index, the name of its model, its passages, and what it was built from."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.experiments.encoding import noted_model
from matryo.experiments.index_settings import read_settings
from matryo.experiments.settings import ModelSettings
from matryo.files import check_fields, check_format, read_json
from matryo.search import Index, Passages, load_index
from matryo.search.base import folder_bytes

SEARCH_FILE = "search.json"
PASSAGES_FILE = "passages.sqlite"
CALIBRATED_FILE = "calibrated_on.txt"
BESIDE = (SEARCH_FILE, PASSAGES_FILE, CALIBRATED_FILE)
"""What lies in the folder and is no part of the index itself."""
_VECTORS_FOLDER = "vectors"
_FORMAT = 2
_FIELDS = {
    "format": int,
    "set": str,
    "set_digest": str,
    "space_id": str,
    "settings": dict,
    "k": int,
    "model": str,
    "max_tokens": int,
    "model_dim": int,
    "passages": str,
    "calibration": dict,
    "build_s": float,
}


@dataclass(frozen=True)
class IndexNote:
    """What `search.json` says beside an index.

    Attributes:
        set: absolute path of the set.
        set_digest: of the generation that was indexed.
        space_id: where questions must lie.
        settings: what was asked for.
        k: hits per query that the sizes were chosen for.
        model: name of the model, "" if unknown.
        max_tokens: that it reads of a text, 0 = as the model says.
        model_dim: that its vectors were cut to for keeps, 0 = full width.
        passages: file of the texts, in the folder or elsewhere; "" if there is none.
        calibration: of which queries the sizes were chosen: where they are from ("queries"), how many ("n") and the
            digest of their vectors; {} for none.
        build_s: seconds from opening the set to the saved index, rotation and calibration included.
    """

    set: str
    set_digest: str
    space_id: str
    settings: Mapping[str, Any]
    k: int
    model: str
    max_tokens: int
    model_dim: int
    passages: str
    calibration: Mapping[str, Any]
    build_s: float

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values."""
        return {"format": _FORMAT, **vars(self)}

    @property
    def name(self) -> str:
        """Label of the index, see `IndexSettings.name`."""
        return read_settings(self.settings).name

    def same_index(self, other: "IndexNote") -> bool:
        """Whether both would be the same folder, however long each took."""
        return {**vars(self), "build_s": 0.0} == {**vars(other), "build_s": 0.0}


def read_note(folder: Path) -> IndexNote:
    """Read what stands beside an index.

    Raises: FormatError if the folder is no index that `matryo index build` finished.
    """
    path = folder / SEARCH_FILE
    stored = read_json(path, "what `matryo index build` writes")
    if isinstance(stored, dict):
        check_format(stored.get("format"), _FORMAT, path)
    check_fields(stored, _FIELDS, path)
    return IndexNote(**{name: stored[name] for name in _FIELDS if name != "format"})


@dataclass(frozen=True)
class IndexFolder:
    """An opened folder.

    Attributes:
        folder: where it is.
        index: loaded.
        note: what stands beside it.
    """

    folder: Path
    index: Index
    note: IndexNote

    @classmethod
    def open(cls, folder: Path) -> "IndexFolder":
        """Open what `build_folder` made.

        Raises: FormatError if it is damaged, unfinished or something else.
        """
        note = read_note(folder)
        index = load_index(folder, space=note.space_id)
        if index.set_digest != note.set_digest:
            raise FormatError(f"{folder / SEARCH_FILE} belongs to another index than the one beside it; build it anew")
        return cls(folder, index, note)

    def ids(self) -> list[str]:
        """Id of every row, in order."""
        return EmbeddingSet.open(self.folder / _VECTORS_FOLDER).ids()

    def passages(self, instead: Path | None = None) -> Passages | None:
        """The texts, to be closed by the caller; None if none are known.

        Args:
            instead: a file to use instead of the one that was noted.

        Raises: FormatError if the file is missing or damaged.
        """
        if instead is None and not self.note.passages:
            return None
        return Passages.open(instead or self.folder / self.note.passages)

    def disk_bytes(self) -> int:
        """Size of the index without passages and notes, in bytes."""
        beside = [self.folder / name for name in BESIDE]
        return folder_bytes(self.folder) - sum(path.stat().st_size for path in beside if path.exists())

    def calibrated_on(self) -> frozenset[str]:
        """Digests of the texts of the sample queries, as `text_digest` makes them; none if they had no texts."""
        path = self.folder / CALIBRATED_FILE
        return frozenset(path.read_text(encoding="utf-8").split()) if path.exists() else frozenset()

    def stale(self, elsewhere: Path | None = None) -> str:
        """Why the recorded set is not the one that was indexed any more; "" if it is, or if it is not there."""
        home = elsewhere or Path(self.note.set)
        if not home.exists():
            return ""
        current = EmbeddingSet.open(home)
        if current.digest == self.note.set_digest:
            return ""
        return f"{home} is at generation {current.generation} and has changed since {self.folder} was built"

    def documents(self, elsewhere: Path | None = None) -> EmbeddingSet:
        """The set that was indexed.

        Args:
            elsewhere: where it is now, None = where it was.

        Raises: MatryoError if it is gone or has changed since.
        """
        home = elsewhere or Path(self.note.set)
        if not home.exists():
            raise MatryoError(f"{home}, the set of {self.folder}, is gone; name the place where it is now with --set")
        if why := self.stale(elsewhere):
            raise MatryoError(f"{why}; build the index anew")
        return EmbeddingSet.open(home, space=self.note.space_id)

    def model(self, asked: ModelSettings) -> ModelSettings:
        """The model for questions.

        Args:
            asked: how to run it; an empty name stands for the one that was noted.

        Raises: MatryoError if neither names one.
        """
        noted = ModelSettings(self.note.model, max_tokens=self.note.max_tokens or None, dim=self.note.model_dim or None)
        return complete_model(asked, noted)


def set_model(documents: EmbeddingSet, asked: ModelSettings | None) -> ModelSettings | None:
    """The model of a set: as asked for, completed by what was noted beside the set; None if nobody named one."""
    noted = noted_model(documents.folder, documents.space.id)
    if asked is None or not (asked.name or noted):
        return noted
    return complete_model(asked, noted)


def complete_model(asked: ModelSettings, noted: ModelSettings | None) -> ModelSettings:
    """What was asked for, with the noted name, token limit and dim where nothing was said.

    Raises: MatryoError if there is no name.
    """
    if asked.name:
        return asked
    if noted is None or not noted.name:
        raise MatryoError("nobody noted which model made these vectors; name it with --model")
    return replace(asked, name=noted.name, max_tokens=asked.max_tokens or noted.max_tokens, dim=noted.dim)
