"""Commands that measure prefixes and show what was measured: curve, report."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.options import (
    AllowPickle,
    Device,
    DeviceOption,
    Dims,
    MaxTokens,
    ModelName,
    Precision,
    PrecisionOption,
    RemoteCode,
    Seed,
    SkipBad,
    Split,
    Verbose,
    read_dims,
)


def curve(
    model: ModelName,
    data: Annotated[Path, typer.Argument(help="A BEIR, processed, SMART or TREC folder, or stdlib.")],
    dims: Dims = None,
    map_: Annotated[
        list[str], typer.Option("--map", help="none (plain cut), rotation, random, or a map's folder; may be repeated.")
    ] = ["none"],  # noqa: B006 - typer copies it
    measure: Annotated[list[str], typer.Option(help="e.g. nDCG@10, MRR@10, recall@100; may be repeated.")] = [  # noqa: B006
        "nDCG@10"
    ],
    split: Split = None,
    share: Annotated[float, typer.Option(help="Of its own full width that a recommended dim must keep.")] = 0.95,
    bm25: Annotated[bool, typer.Option(help="Add BM25 as a floor.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one list of objects.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for results, reports and cached vectors.")] = None,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Measure retrieval quality at every dim, in one pass over one encode."""
    import json

    from matryo.experiments.retrieval import measure_curve
    from matryo.experiments.settings import ModelSettings
    from matryo.measures.measure import Measure
    from matryo.reports import console_summary

    results = measure_curve(
        ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        data,
        dims=read_dims(dims),
        maps=map_,
        measures=[Measure.parse(name) for name in measure],
        split=split,
        bm25=bm25,
        share=share,
        out=out,
        skip_bad=skip_bad,
        seed=seed,
        progress=True,
    )
    if as_json:
        typer.echo(json.dumps([score.to_json() for score in results.scores], indent=2))
    else:
        typer.echo(console_summary(results))
    if out:
        typer.echo(f"report: {out / 'report.html'}", err=as_json)


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run, with results.json.")],
    verbose: Verbose = False,
) -> None:
    """Write every report of a run anew, from its stored results alone."""
    from matryo.reports import run_summary, write_reports

    typer.echo(run_summary(run))
    for path in write_reports(run):
        typer.echo(f"wrote {path}")
