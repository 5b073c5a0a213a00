"""The command that says whether vectors may be cut: probe."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say
from matryo.cli.options import (
    AllowPickle,
    CardsFile,
    Device,
    DeviceOption,
    Dims,
    MaxTokens,
    Precision,
    PrecisionOption,
    RemoteCode,
    Seed,
    SkipBad,
    Split,
    Verbose,
    read_dims,
)


def probe(
    source: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|VECTORS",
            help="A model (minilm, wordllama, folder, hub id), or vectors: a .npy file or the folder of an embedding "
            "set.",
        ),
    ],
    texts: Annotated[
        str | None,
        typer.Argument(
            metavar="[TEXTS|FOLDER]",
            help="A file of texts (geometry only), a folder with queries and judgements (BEIR, processed, SMART, "
            "TREC), or stdlib; default: stdlib for a model, the geometry alone for vectors.",
        ),
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="With vectors and a folder: the embedding set of its queries.")
    ] = None,
    dims: Dims = None,
    share: Annotated[float, typer.Option(help="Of the full width's quality that a cut must keep.")] = 0.95,
    measure: Annotated[str, typer.Option(help="What judges: nDCG@10, MRR@10, recall@100 ...")] = "nDCG@10",
    out: Annotated[
        Path | None, typer.Option(help="Folder for report, results, a copy of the certificate and cached vectors.")
    ] = None,
    fix: Annotated[
        Path | None, typer.Option(help="Go on: turn the numbers into PCA order, and write the model here.")
    ] = None,
    pairs: Annotated[
        str | None,
        typer.Option(help="With --fix: pairs of query and document (file, or stdlib) to train a head on instead."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificate.")] = False,
    split: Split = None,
    cards: CardsFile = None,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """May I cut this model, or these vectors? Verdict, curve with intervals, what is won, and a certificate of it.

    Two verdicts are kept apart: the geometry of any texts, and, with judgements, the quality that a cut keeps.
    """
    import json

    from matryo.experiments.probe import ProbeSettings
    from matryo.experiments.probe_run import run_probe
    from matryo.experiments.settings import ModelSettings
    from matryo.measures.measure import Measure

    if pairs is not None and fix is None:
        raise typer.BadParameter(f"--pairs trains a head for --fix OUT; got --pairs {pairs} without --fix")
    model = ModelSettings(source, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle)
    settings = ProbeSettings(
        dims=read_dims(dims), measure=Measure.parse(measure), share=share, split=split, skip_bad=skip_bad, cards=cards,
        seed=seed,
    )  # fmt: skip
    found = run_probe(model, texts, settings, queries=queries, out=out, fix=fix, pairs=pairs, say=say, progress=True)
    if as_json:
        typer.echo(json.dumps(found.certificate.to_json(), indent=2, ensure_ascii=False))
    else:
        typer.echo(found.summary)
    for line in found.written:
        typer.echo(line, err=as_json)
    if found.failure is not None:
        raise found.failure
