"""The command `matryo audit`: how well pairs can be matched without understanding anything."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say, say_notes
from matryo.cli.options import (
    AllowPickle,
    Device,
    DeviceOption,
    MaxTokens,
    Precision,
    PrecisionOption,
    RemoteCode,
    Seed,
    SkipBad,
    Verbose,
)

NO_MODEL = "none"


def audit(
    data: Annotated[
        str,
        typer.Argument(
            help="A folder of matryo data people, a config of a shared-prefix run, a file of pairs, or stdlib."
        ),
    ],
    part: Annotated[
        str | None, typer.Option(help="Part of the split: train, validation, test; default: test, or all if undivided.")
    ] = None,
    columns: Annotated[str | None, typer.Option(help="Of a file: the columns of the two texts, FIRST,SECOND.")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="Of a file: the column of the ids.")] = None,
    mask: Annotated[
        str | None, typer.Option(help="Of a file: a column of names that are hidden in a second measurement.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Of a file: column whose equal values are resampled together.")
    ] = None,
    part_column: Annotated[str | None, typer.Option(help="Of a file: the column that says train or test.")] = None,
    separator: Annotated[str | None, typer.Option(help="Of a CSV, one character; default: a comma.")] = None,
    skip_bad: SkipBad = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="Of a config: KEY=VALUE, e.g. data.path=mine.tsv; may be repeated."),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Frozen model to measure too: minilm, wordllama, a folder, a hub id, or none.")
    ] = "wordllama",
    dim: Annotated[int | None, typer.Option(help="Its prefix length K beside its width; default: 64.")] = None,
    max_texts: Annotated[int, typer.Option(min=2, help="Of each domain; more are drawn from at random.")] = 2_000,
    out: Annotated[Path | None, typer.Option(help="Folder for audit.json, audit.md and audit.html.")] = None,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Audit paired texts for leaks: what matches them without understanding, and what a method must beat."""
    from matryo.experiments.audit import PairsFile, run_audit
    from matryo.experiments.settings import ModelSettings
    from matryo.reports.audit_report import audit_console

    named = tuple(name.strip() for name in columns.split(",")) if columns else ()
    frozen = ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle)
    found = run_audit(
        data,
        part=part,
        file=PairsFile(named, id_, mask, group, part_column, separator, skip_bad),
        overrides=set_ or (),
        model=None if model == NO_MODEL else frozen,
        dim=dim,
        max_texts=max_texts,
        seed=seed,
        out=out,
        progress=True,
    )
    say_notes(found.notes)
    typer.echo(audit_console(found))
    if out is not None:
        say(f"written: {out / 'audit.json'}, {out / 'audit.md'}, {out / 'audit.html'}")
