"""Bad lines: the first one is an error, or, if the caller asks for it, all are counted and listed."""

from collections import defaultdict
from pathlib import Path
from typing import final

from matryo.errors import FormatError

_LISTED = 10
_SKIP = "skip it (skip_bad=True, --skip-bad)"
_SHOWN_CHARACTERS = 80


class BadLine(Exception):
    """A parser of one line says what it received; who knows file and number makes a message of it."""


@final
class Problems:
    """What is wrong with the files of one task.

    Attributes:
        skip_bad: True counts and lists bad lines, False raises at the first.
    """

    def __init__(self, skip_bad: bool = False) -> None:
        self.skip_bad = skip_bad
        self._lines: defaultdict[Path, list[tuple[int, str]]] = defaultdict(list)
        self._remarks: list[str] = []

    def bad_line(self, path: Path, line: int, received: str, expected: str) -> None:
        """Report one line.

        Args:
            path: the file.
            line: its number, from 1.
            received: what stands there, e.g. "no field 'text'".
            expected: what should, e.g. "one JSON object per line".

        Raises: FormatError unless bad lines are skipped.
        """
        if not self.skip_bad:
            raise FormatError(f"{path}, line {line}: {received}; expected {expected}; correct it or {_SKIP}")
        self._lines[path].append((line, received))

    def bad_entries(self, received: str, advice: str) -> None:
        """Report what concerns no single line.

        Args:
            received: a statement with the file and a count, e.g. "qrels.tsv names 3 unknown documents".
            advice: what to do.

        Raises: FormatError unless bad lines are skipped.
        """
        if not self.skip_bad:
            raise FormatError(f"{received}; {advice} or {_SKIP}")
        self._remarks.append(f"{received}; left out")

    def remark(self, note: str) -> None:
        """Say something that is no mistake."""
        self._remarks.append(note)

    @property
    def notes(self) -> tuple[str, ...]:
        """One sentence per file with bad lines, then everything else."""
        return (*(self._listed(path, lines) for path, lines in self._lines.items()), *self._remarks)

    @staticmethod
    def _listed(path: Path, lines: list[tuple[int, str]]) -> str:
        shown = ", ".join(f"line {number} ({received})" for number, received in sorted(lines)[:_LISTED])
        more = f" and {len(lines) - _LISTED:,} more" if len(lines) > _LISTED else ""
        return f"{path.name}: {len(lines):,} bad lines skipped: {shown}{more}"


def shown(line: str) -> str:
    """A line for a message: quoted, and cut if long.

    >>> shown("x" * 200)[-6:]
    "xxx'.."
    """
    return repr(line) if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]!r}.."
