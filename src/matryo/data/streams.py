"""Texts streamed from files: everything is checked in one pass at the start, nothing but ids' digests is held."""

from collections.abc import Callable, Iterator
from pathlib import Path

from matryo.data.ids import Ids
from matryo.data.problems import Problems
from matryo.data.texts import Text, Texts
from matryo.errors import FormatError

Located = tuple[Path, int, Text]
"""A text with the file and the number of the line where it starts."""


def checked_texts(read: Callable[[Problems], Iterator[Located]], name: str, problems: Problems) -> tuple[Texts, Ids]:
    """Read once to check lines and ids, and give texts that stream from the same files.

    Args:
        read: reads from the start and reports bad lines.
        name: of the texts.
        problems: hears of bad lines and of ids that occur again; if those are skipped, the first place counts.

    Returns: the texts, and their ids' digests.
    Raises: FormatError for a bad line or a repeated id, unless bad lines are skipped; FormatError if no text is left.
    """
    ids = Ids()
    for path, line, text in read(problems):
        ids.add(text.id, path, line)
    dropped = set()
    for (first_path, first), (path, line) in ids.repeats():
        where = f"line {first}" if first_path == path else f"{first_path}, line {first}"
        problems.bad_line(path, line, f"the id of {where} occurs again", "unique ids")
        dropped.add((path, line))
    n = len(ids) - len(dropped)
    if n == 0:
        raise FormatError(f"{name} has no text that can be used, expected at least one; {'; '.join(problems.notes)}")

    def again() -> Iterator[Text]:
        # the same lines are bad in the same way: reported above, and not twice
        unheard = Problems(problems.skip_bad)
        return (text for path, line, text in read(unheard) if (path, line) not in dropped)

    return Texts(again, name, n=n, notes=problems.notes), ids
