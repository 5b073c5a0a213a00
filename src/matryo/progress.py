"""Progress of long work on stderr: rate and time left, as a bar on a terminal and as sparse lines elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SECONDS_BETWEEN_LINES = 15.0

Advance = Callable[[int], None]
Note = Callable[[], str]


def _no_note() -> str:
    return ""


@contextmanager
def progress(
    label: str, total: int | None, unit: str, *, shown: bool = True, done: int = 0, note: Note = _no_note
) -> Iterator[Advance]:
    """Show how far a loop is; yields a function to call with the number of units just finished.

    Args:
        label: what is being done, e.g. "encode documents".
        total: units in all, or None if unknown.
        unit: the thing counted, in the plural.
        shown: False keeps silent, so that a library call prints nothing unless asked.
        done: units finished before, which count as done but not for the rate.
        note: asked for a few words to show behind the rest, whenever something is shown; "" = nothing. A note that
            changed while no unit was finished is shown by advancing by 0.
    """
    if not shown:
        yield lambda n: None
    elif sys.stderr.isatty():
        with _bar(label, total, unit, done, note) as advance:
            yield advance
    else:
        yield _lines(label, total, unit, done, note)


@contextmanager
def _bar(label: str, total: int | None, unit: str, done: int, note: Note) -> Iterator[Advance]:
    # imported here: `import matryo` must not pay for a terminal library
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        # plain text: a note may hold brackets, which would be read as markup
        TextColumn("{task.fields[note]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=total, completed=done, rate="", note=note())

        def advance(n: int) -> None:
            speed = bar.tasks[0].speed
            bar.update(task, advance=n, rate=f"{speed:.1f} {unit}/s" if speed else "", note=note())

        yield advance


def _lines(label: str, total: int | None, unit: str, done: int, note: Note) -> Advance:
    started = last = time.monotonic()
    done_before = done

    def advance(n: int) -> None:
        nonlocal done, last
        done += n
        now = time.monotonic()
        if now - last < _SECONDS_BETWEEN_LINES:
            return
        last = now
        rate = (done - done_before) / (now - started)
        left = f" of {total}, {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
        told = note()
        sys.stderr.write(f"{label}: {done}{left} ({rate:.1f} {unit}/s){f' {told}' if told else ''}\n")

    return advance
