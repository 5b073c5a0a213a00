"""The log of a training on disk: JSON Lines, one object of numbers per line, appended while the training runs."""

import json
from collections.abc import Mapping
from pathlib import Path

from matryo.errors import FormatError
from matryo.files import write_text

LOG_FILE = "log.jsonl"

Number = int | float | None


def read_log(path: Path) -> list[dict[str, Number]]:
    """Read a log; what a killed training left of its last line is left out.

    Args:
        path: a `log.jsonl`.

    Returns: the lines in order, each with "step", "epoch", "seconds" and what was measured; None = not finite.
    Raises: FormatError if it is missing, or a whole line is not of this form.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected the log of a training; check the folder") from None
    # a line is whole once its end is written
    whole = content.split(b"\n")[:-1]
    return [_parsed(line, f"{path}, line {number}") for number, line in enumerate(whole, 1)]


def cut_log(path: Path, step: int) -> float:
    """Make a log end at a step, as if what came later had not been; without a file there is nothing to do.

    Args:
        path: a `log.jsonl`.
        step: the last that stays; 0 = a training begins, nothing stays.

    Returns: seconds of the last line that stays, 0 if none does.
    Raises: FormatError as `read_log`.
    """
    if not path.is_file():
        return 0.0
    kept = [line for line in read_log(path) if step and (line["step"] or 0) <= step]
    write_text(path, "".join(map(_text, kept)))
    return float(kept[-1]["seconds"] or 0.0) if kept else 0.0


def append_line(path: Path, line: Mapping[str, Number]) -> None:
    """Append one line."""
    with path.open("a", encoding="utf-8") as stream:
        stream.write(_text(line))


def _text(line: Mapping[str, Number]) -> str:
    return json.dumps(dict(line), allow_nan=False) + "\n"


def _parsed(line: bytes, where: str) -> dict[str, Number]:
    try:
        found = json.loads(line)
    except (UnicodeDecodeError, json.JSONDecodeError):
        found = None
    numbers = isinstance(found, dict) and all(value is None or type(value) in (int, float) for value in found.values())
    if not numbers or not {"step", "epoch", "seconds"} <= set(found):
        raise FormatError(
            f"{where}: expected a JSON object of numbers with step, epoch and seconds, got {line[:60]!r}; "
            "restore the log or delete it"
        )
    return dict(found)
