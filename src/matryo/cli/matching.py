"""The command `matryo match`."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say_notes
from matryo.cli.options import Verbose

_LETTERS = 160  # of a text that are shown; --json has all of them


def match(
    run: Annotated[Path, typer.Argument(help="Folder of a shared-prefix run, as matryo run or train makes it.")],
    text: Annotated[str, typer.Option(help="A text of one domain.")],
    k: Annotated[int, typer.Option("-k", help="Hits.")] = 10,
    domain: Annotated[str | None, typer.Option(help="Domain of the text; default: the run's first.")] = None,
    method: Annotated[str | None, typer.Option(help="Whose model; default: v3_contrastive.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of that model; default: the run's first.")] = None,
    dim: Annotated[int | None, typer.Option(help="Numbers to compare; default: the identity prefix.")] = None,
    part: Annotated[str, typer.Option(help="Texts to search: test, validation or train.")] = "test",
    as_json: Annotated[bool, typer.Option("--json", help="Print one list of objects, with whole texts.")] = False,
    verbose: Verbose = False,
) -> None:
    """Find the texts of the other domain about the same entity: rank, score, id and text, with tabs between."""
    import json

    from matryo.experiments.identity_match import MatchSettings
    from matryo.experiments.identity_match import match as find
    from matryo.reports.table import printable

    found = find(run, text, k, MatchSettings(domain, method, seed, dim, part), progress=True)
    say_notes(found.notes)
    if as_json:
        typer.echo(json.dumps([vars(answer) for answer in found.answers], indent=2, ensure_ascii=False))
        return
    for answer in found.answers:
        line = printable(answer.text)
        shown = line if len(line) <= _LETTERS else f"{line[:_LETTERS].rstrip()} ..."
        typer.echo(f"{answer.rank}\t{answer.score:.4f}\t{printable(answer.id)}\t{shown}")
