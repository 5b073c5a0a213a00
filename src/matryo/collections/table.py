"""The summaries of a run as a table."""

from collections.abc import Sequence

from matryo.collections.estimate import duration, size
from matryo.collections.summary import CollectionSummary
from matryo.reports.table import Table, console

_COLUMNS = (
    "collection",
    "texts",
    "new",
    "changed",
    "removed",
    "equal",
    "empty",
    "encoded",
    "tokens",
    "too long",
    "time",
    "size",
    "saved",
)


def collections_table(collections: Sequence[CollectionSummary], exported: Sequence[str] = ()) -> str:
    """One line per collection, and one for all if there are several.

    Args:
        collections: what a run did to each.
        exported: files and places, as notes below.
    """
    rows = [_row(one.name, [one]) for one in collections]
    if len(collections) > 1:
        rows.append(_row("all", collections))
    notes = [f"exported: {place}" for place in exported]
    return console(Table.of("texts of each collection, and what this run did", _COLUMNS, rows, notes))


def _row(name: str, some: Sequence[CollectionSummary]) -> list[str]:
    tokens = [one.n_tokens for one in some]
    known = [n for n in tokens if n is not None]
    seconds = sum(one.seconds for one in some)
    return [
        name,
        *(
            f"{sum(counts):,}"
            for counts in zip(
                *((o.n, o.n_new, o.n_changed, o.n_removed, o.n_duplicates, o.n_empty, o.n_encoded) for o in some),
                strict=True,
            )
        ),
        f"{sum(known):,}" if len(known) == len(tokens) else "unknown",
        f"{sum(one.n_truncated for one in some):,}",
        duration(seconds) if seconds else "-",
        size(sum(one.n_bytes for one in some)),
        size(sum(one.saved_bytes for one in some)),
    ]
