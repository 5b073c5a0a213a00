"""Progress of long work on stderr: rate and time left, as a bar on a terminal and as sparse lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 15.0

Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int | None, unit: str, *, shown: bool = True) -> Iterator[Advance]:
    """Show how far a loop is; yields a function to call with the number of units just finished.

    Args:
        label: what is being done, e.g. "encode documents".
        total: units in all, or None if unknown.
        unit: the thing counted, in the plural.
        shown: False keeps silent, so that a library call prints nothing unless asked.
    """
    if not shown:
        yield lambda n: None
    elif sys.stderr.isatty():
        with _bar(label, total, unit) as advance:
            yield advance
    else:
        yield _lines(label, total, unit)


@contextmanager
def _bar(label: str, total: int | None, unit: str) -> Iterator[Advance]:
    # imported here: `import matryo` must not pay for a terminal library
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total, rate="")

        def advance(n: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=n, rate=f"{speed:.1f} {unit}/s" if speed else "")

        yield advance


def _lines(label: str, total: int | None, unit: str) -> Advance:
    started = last = time.monotonic()
    done = 0

    def advance(n: int) -> None:
        nonlocal done, last
        done += n
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES:
            return
        last = now
        rate = done / (now - started)
        left = f" of {total}, {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
        sys.stderr.write(f"{label}: {done}{left} ({rate:.1f} {unit}/s)\n")

    return advance
