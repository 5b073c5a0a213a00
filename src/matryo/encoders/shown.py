"""How far encoding is: shown on stderr, or told to a function, so that several calls can share one bar."""

from collections.abc import Iterator
from contextlib import contextmanager

from matryo.encoders.base import Progress
from matryo.progress import Advance
from matryo.progress import progress as show_progress


@contextmanager
def shown(progress: Progress, label: str, total: int) -> Iterator[Advance]:
    """What to call with the number of texts just done.

    Args:
        progress: a function that is told, or whether to show a bar of its own.
        label: of that bar.
        total: texts in all.
    """
    if callable(progress):
        yield progress
        return
    with show_progress(label, total, "texts", shown=progress) as advance:
        yield advance
