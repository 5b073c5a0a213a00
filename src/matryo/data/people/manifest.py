"""`people.json`: what a folder of made-up people was made with, and what its files are."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from matryo.data.people.parts import check_counts
from matryo.data.people.schema import Level
from matryo.errors import FormatError, MatryoError
from matryo.files import check_fields, check_format, digest_json, read_json, write_json

MANIFEST = "people.json"
PEOPLE, TWINS, CROSS = "people.jsonl", "twins.jsonl", "cross.jsonl"
TRIPLETS = {"dating": "triplets_dating.jsonl", "hiring": "triplets_hiring.jsonl"}

_FORMAT = 1
_FIELDS = {"format": int, "n": int, "seed": int, "level": str, "counts": dict, "n_triplets": int, "held_out": bool,
           "files": dict, "digest": str}  # fmt: skip


@dataclass(frozen=True)
class PeopleSettings:
    """What decides every byte of a folder.

    Attributes:
        n: people in all.
        seed: decides everything that is drawn.
        level: of wording.
        counts: part -> number of its people.
        n_triplets: for each domain and part.
        held_out: whether the test part has templates of its own.
    """

    n: int
    seed: int
    level: Level
    counts: Mapping[str, int]
    n_triplets: int
    held_out: bool

    def __post_init__(self) -> None:
        """Refuse what cannot be made, before anything is."""
        if self.level not in get_args(Level):
            raise MatryoError(f"no level of wording is called {self.level!r}; choose from {', '.join(get_args(Level))}")
        if self.n_triplets < 1 or self.seed < 0:
            raise MatryoError(
                f"at least 1 triplet and a seed from 0 are needed, got {self.n_triplets} and {self.seed}; raise them"
            )
        check_counts(self.counts, self.n)


@dataclass(frozen=True)
class PeopleManifest:
    """The manifest of a folder, written last: where it is, the folder is whole.

    Attributes:
        settings: what it was made with.
        files: name -> {"bytes", "sha256"}.
    """

    settings: PeopleSettings
    files: Mapping[str, Mapping[str, Any]]

    @property
    def digest(self) -> str:
        """SHA-256 over the settings and the digests of all files."""
        return digest_json({**asdict(self.settings), "files": self.files})

    def save(self, folder: Path) -> None:
        """Write `people.json`."""
        stored = {"format": _FORMAT, **asdict(self.settings), "files": self.files, "digest": self.digest}
        write_json(folder / MANIFEST, stored)


def read_manifest(folder: Path) -> PeopleManifest:
    """Read `people.json` and see that the files it names are there, in their sizes.

    Raises: FormatError if it is missing or of another format, or a file is missing or of another size.
    """
    path = folder / MANIFEST
    stored = read_json(path, "the manifest of made-up people, as matryo data people writes it")
    check_format(stored.get("format") if isinstance(stored, dict) else None, _FORMAT, path)
    check_fields(stored, _FIELDS, path)
    digest = stored.pop("digest")
    del stored["format"]
    if digest_json(stored) != digest:
        raise FormatError(f"{path} does not agree with its own digest; make the folder anew")
    files = stored.pop("files")
    for name, of in files.items():
        found = (folder / name).stat().st_size if (folder / name).is_file() else None
        if found != of["bytes"]:
            received = "is missing" if found is None else f"has {found:,} bytes"
            raise FormatError(f"{folder / name} {received}, expected {of['bytes']:,} bytes; make the folder anew")
    return PeopleManifest(PeopleSettings(**stored), files)


def check_same(stored: PeopleSettings, asked: PeopleSettings, folder: Path) -> None:
    """Refuse a folder that was made with other settings.

    Raises: MatryoError naming each that differs.
    """
    was, wanted = asdict(stored), asdict(asked)
    differing = [f"{name} {was[name]}, not {wanted[name]}" for name in was if was[name] != wanted[name]]
    if differing:
        raise MatryoError(
            f"{folder} holds people of another config: {'; '.join(differing)}; choose another folder or delete this one"
        )
