"""Stages of a run: what is finished is not done again, and what was made with other settings is not mixed in.

The key of a stage is the SHA-256 of its name and version, the settings it reads and the keys of its inputs. A record
`stages/NAME.json`, written last, says that a stage is finished; until then `stages/NAME.begun.json` says what is made.
"""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matryo.errors import MatryoError
from matryo.evaluation.environment import utc_now
from matryo.files import check_fields, check_format, digest_json, read_json, write_json

FORMAT = 1
FOLDER = "stages"

_FIELDS = {
    "format": int,
    "name": str,
    "version": int,
    "key": str,
    "settings": dict,
    "inputs": dict,
    "folder": str,
    "timestamp": str,
    "seconds": float,
    "continued": bool,
}
_SHOWN_CHANGES = 5
_SHOWN_DIGITS = 8
_NOTHING = object()

Say = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """A finished stage.

    Attributes:
        name: such as "train matryoshka seed 0".
        key: of its content, an input of later stages.
        folder: where it wrote.
        reused: whether it had been finished before.
        seconds: that it took, in the call that finished it.
    """

    name: str
    key: str
    folder: Path
    reused: bool
    seconds: float


class Stages:
    """The stages of one run folder; the caller sees to it that nobody else writes there (`files.only_writer`)."""

    def __init__(self, folder: Path, *, fresh: bool = False, say: Say = lambda line: None) -> None:
        """Look after a folder.

        Args:
            folder: of the run.
            fresh: remove stages that were made with other settings, and what depends on them, instead of refusing.
            say: told what is reused, and what is finished.
        """
        self.folder = folder
        self._fresh, self._say = fresh, say

    def run(
        self,
        name: str,
        version: int,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        make: Callable[[], object],
        *,
        folder: str = "",
        derived: bool = False,
    ) -> Stage:
        """Do a stage unless it is finished; one that was interrupted goes on with what it left.

        Args:
            name: unique in the run, words of letters, digits, "-", "_" and ".".
            version: raised when the same settings come to mean something else.
            settings: all that the stage reads, as JSON.
            inputs: name -> key of what the stage works on; names of stages tell what depends on what.
            make: does the work; must be able to go on where it was interrupted.
            folder: inside the run, belongs to this stage alone; "" = the run's own folder, of which nothing is removed.
            derived: made anew without asking when settings or inputs have changed, because it is cheap.

        Returns: the stage.
        Raises: MatryoError if the run holds this stage with other settings or inputs, unless `fresh` or `derived`.
        """
        record = self.begin(name, version, settings, inputs, folder=folder, derived=derived)
        key, where = record["key"], self.folder / folder
        if self.finished(name, version, settings, inputs):
            self._say(f"{name}: done before, {record['seconds']:,.0f} s")
            return Stage(name, key, where, True, record["seconds"])
        began = time.monotonic()
        make()
        seconds = round(time.monotonic() - began, 2)
        write_json(self._record(name), {**record, "timestamp": utc_now(), "seconds": seconds})
        self._begun(name).unlink(missing_ok=True)
        self._say(f"{name}: {seconds:,.0f} s")
        return Stage(name, key, where, False, seconds)

    def begin(
        self,
        name: str,
        version: int,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        *,
        folder: str,
        derived: bool = False,
    ) -> dict[str, Any]:
        """Set a folder aside for a stage; alone for work that keeps track of itself, such as encoding.

        Args:
            name: as for `run`, and so are the others.
            version: of the stage.
            settings: all that it reads.
            inputs: what it works on.
            folder: that it writes to.
            derived: whether what was made with other settings is removed without asking.

        Returns: the stored record, of the stage as it was finished or begun.
        Raises: as `run`.
        """
        found, key = self._found(name), stage_key(name, version, settings, inputs)
        if found and found["key"] != key:
            if not derived:
                self._refuse(name, version, settings, inputs)
            self.remove(name)
            found = None
        if found and self.finished(name, version, settings, inputs):
            return found
        record = {
            "format": FORMAT,
            "name": name,
            "version": version,
            "key": key,
            "settings": dict(settings),
            "inputs": dict(inputs),
            "folder": folder,
            "timestamp": utc_now(),
            "seconds": 0.0,
            "continued": found is not None,
        }
        write_json(self._begun(name), record)
        # its folder was removed by hand: killed while it is made again, it must not count as finished
        self._record(name).unlink(missing_ok=True)
        return record

    def finished(self, name: str, version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> bool:
        """Whether a stage was finished with just these settings and inputs, and its folder is still there."""
        if not self._record(name).is_file():
            return False
        record = _read(self._record(name))
        same: bool = record["key"] == stage_key(name, version, settings, inputs)
        return same and (self.folder / record["folder"]).is_dir()

    def check(self, name: str, version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
        """The key that a stage will have, so that a whole run can be checked before its first stage.

        Raises: MatryoError if the run holds this stage with other settings or inputs, unless stages are made fresh.
        """
        found, key = self._found(name), stage_key(name, version, settings, inputs)
        if found and found["key"] != key:
            self._refuse(name, version, settings, inputs)
        return key

    def _refuse(self, name: str, version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        if self._fresh:
            return
        found = self._found(name)
        assert found is not None
        raise MatryoError(
            f"{self.folder} holds the stage {name!r} of another config: "
            f"{_changes(found, version, settings, inputs)} (stored -> asked for); choose another --out, or --fresh "
            "to remove this stage and what depends on it"
        )

    def remove(self, name: str) -> None:
        """Remove a stage, if it is there, and all that was made from it."""
        found = self._found(name)
        if found is None:
            return
        # without its record a stage counts as not done, so records go first; until the folder is gone, too, it stays
        # known what lies there, or a kill in between would leave files of unknown settings for the next stage
        write_json(self._begun(name), found)
        self._record(name).unlink(missing_ok=True)
        if found["folder"]:
            shutil.rmtree(self.folder / found["folder"], ignore_errors=True)
        self._begun(name).unlink(missing_ok=True)
        self._say(f"{name}: removed")
        for other in self._records():
            if name in other["inputs"]:
                self.remove(other["name"])

    def _found(self, name: str) -> dict[str, Any] | None:
        """The record of a stage that is finished or was begun."""
        for path in (self._record(name), self._begun(name)):
            if path.is_file():
                return _read(path)
        return None

    def _records(self) -> Iterator[dict[str, Any]]:
        return (_read(path) for path in sorted((self.folder / FOLDER).glob("*.json")) if path.is_file())

    def _record(self, name: str) -> Path:
        return self.folder / FOLDER / f"{name.replace(' ', '-')}.json"

    def _begun(self, name: str) -> Path:
        return self.folder / FOLDER / f"{name.replace(' ', '-')}.begun.json"


def stage_key(name: str, version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """SHA-256 of all that a stage depends on."""
    return digest_json({"name": name, "version": version, "settings": settings, "inputs": inputs})


def _read(path: Path) -> dict[str, Any]:
    record = read_json(path, "the record of a stage")
    if isinstance(record, dict):
        check_format(record.get("format"), FORMAT, path)
    check_fields(record, _FIELDS, path)
    return dict(record)


def _changes(found: Mapping[str, Any], version: int, settings: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """What differs: settings by their path, or else inputs."""
    before, after = dict(_flat(found["settings"])), dict(_flat(settings))
    names = [name for name in {**before, **after} if before.get(name, _NOTHING) != after.get(name, _NOTHING)]
    told = [f"{name} {_shown(before, name)} -> {_shown(after, name)}" for name in names]
    if not told:
        told = [
            f"its input {name} ({str(found['inputs'].get(name, 'none'))[:_SHOWN_DIGITS]} -> {key[:_SHOWN_DIGITS]})"
            for name, key in inputs.items()
            if found["inputs"].get(name) != key
        ]
    if found["version"] != version:
        told.append(f"version of the stage {found['version']} -> {version}")
    more = len(told) - _SHOWN_CHANGES
    return "; ".join(told[:_SHOWN_CHANGES]) + (f"; and {more} more" if more > 0 else "")


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of nested mappings by its path."""
    if not isinstance(value, Mapping) or (path and not value):
        yield path, list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
        return
    for key, item in value.items():
        yield from _flat(item, f"{path}.{key}" if path else str(key))


def _shown(values: Mapping[str, Any], name: str) -> str:
    return repr(values[name]) if name in values else "not there"
