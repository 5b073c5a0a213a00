"""What a command tells beside its result: lines on stderr, so that stdout stays the result alone."""

import typer


def say(line: str) -> None:
    """Write a line of progress."""
    typer.echo(line, err=True)


def say_notes(notes: tuple[str, ...] | list[str]) -> None:
    """Write what was dropped or corrected, one line each."""
    for note in notes:
        typer.echo(f"note: {note}", err=True)
