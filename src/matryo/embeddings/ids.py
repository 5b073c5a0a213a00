"""Ids of a set: non-empty strings, each once."""

from array import array
from collections.abc import Callable, Iterable

import numpy as np

from matryo.errors import MatryoError


def check_ids(ids: Callable[[], Iterable[str]]) -> int:
    """Refuse ids that are no non-empty strings or occur twice, in 8 bytes of memory per id.

    Args:
        ids: gives all ids, each time from the start; called a second time only if two ids may be equal.

    Returns: how many there are.
    Raises: MatryoError, naming the row, or both rows that share an id.

    >>> check_ids(lambda: ["a", "b"])
    2
    """
    hashes = array("q")
    for row, name in enumerate(ids()):
        if not isinstance(name, str) or not name:
            raise MatryoError(f"ids must be non-empty strings, row {row} has {name!r}; give every row an id")
        if not name.isascii():
            _check_utf8(name, row)
        hashes.append(hash(name))
    rising = np.sort(np.array(hashes, dtype=np.int64))
    suspects = set(rising[1:][rising[1:] == rising[:-1]].tolist())
    rows: dict[str, int] = {}
    # Equal hashes only make ids suspect: the second reading compares the ids themselves.
    for row, name in enumerate(ids() if suspects else ()):
        if hash(name) in suspects and rows.setdefault(name, row) != row:
            raise MatryoError(f"ids must be unique, rows {rows[name]} and {row} both have {name!r}; rename or drop one")
    return len(hashes)


def _check_utf8(name: str, row: int) -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise MatryoError(f"ids must be storable as UTF-8, row {row}: {error}; rename it") from None
