"""The command `matryo data people`: made-up people with two texts each."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.options import Seed, Verbose


class Wording(StrEnum):
    """Levels of wording."""

    plain = "plain"
    disjoint = "disjoint"


def data_people(
    out: Annotated[Path, typer.Argument(help="Folder to write; one made with the same options is kept.")],
    n: Annotated[int | None, typer.Option("--n", help="People in all; default: as --parts say, else 6000.")] = None,
    seed: Seed = 0,
    level: Annotated[
        Wording, typer.Option(help="plain: both texts use the same words for an attribute; disjoint: none shared.")
    ] = Wording.plain,
    parts: Annotated[
        str | None,
        typer.Option(help="People to train, validate and test, e.g. 3400,600,2000; default: the study's shares."),
    ] = None,
    triplets: Annotated[int, typer.Option(help="Triplets for each domain and part.")] = 5000,
    held_out: Annotated[bool, typer.Option(help="Keep two templates of each domain for the test part.")] = True,
    verbose: Verbose = False,
) -> None:
    """Make people up: dating and hiring text of each, a twin to confuse them with, triplets by how well they fit."""
    from matryo.data.people.files import write_people
    from matryo.data.people.parts import N_STUDY

    given = read_parts(parts)
    if n is None:
        n = sum(given.values()) if given else N_STUDY
    manifest = write_people(
        out,
        n=n,
        seed=seed,
        level=level.value,
        counts=given,
        n_triplets=triplets,
        held_out=held_out,
        progress=True,
    )
    counts = ", ".join(f"{part} {count:,}" for part, count in manifest.settings.counts.items())
    typer.echo(f"{out}: {n:,} people ({counts}), level {level.value}, digest {manifest.digest}")


def read_parts(text: str | None) -> dict[str, int] | None:
    """Read "3400,600,2000" as numbers of people in the three parts; None stays None."""
    from matryo.data.people.parts import PARTS

    if text is None:
        return None
    try:
        numbers = [int(word) for word in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != len(PARTS):
        raise typer.BadParameter(
            f"parts are {len(PARTS)} whole numbers ({', '.join(PARTS)}), got {text!r}; give for example 3400,600,2000"
        )
    return dict(zip(PARTS, numbers, strict=True))
