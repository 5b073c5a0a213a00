"""Commands that make a model whose prefixes are good: demo, adapt, export."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say, say_notes
from matryo.cli.options import (
    AllowPickle,
    AllowUntrained,
    CardsFile,
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
    Verbose,
    read_dims,
)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for everything; a second run reuses what is there.")] = Path(
        "runs/demo"
    ),
    model: Annotated[str, typer.Option(help="The model to cut.")] = "minilm",
    dims: Dims = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each head.")] = 3,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    verbose: Verbose = False,
) -> None:
    """Cut a real model on real text: how good are 384, 192, 96, 32 of its numbers?

    Takes the standard library's docstrings and function sources, no download. Ends with a table, an adapted model
    and an HTML report.
    """
    from matryo.experiments.adaptation import AdaptSettings
    from matryo.experiments.demo import MAX_TOKENS, run_demo
    from matryo.experiments.settings import ModelSettings

    chosen = ModelSettings(model, device.value, precision.value, max_tokens=MAX_TOKENS)
    settings = AdaptSettings(dims=read_dims(dims), n_seeds=seeds, seed=seed)
    typer.echo(run_demo(out, chosen, settings, say=say, progress=True))


def adapt(
    source: Annotated[str, typer.Argument(help="A model, or vectors: a .npy file or the folder of an embedding set.")],
    pairs: Annotated[
        str | None, typer.Argument(help="Pairs of query and document: jsonl, tsv, csv, parquet, or the word stdlib.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option(help="Folder for the adapted model or map, results and reports.")],
    queries: Annotated[
        Path | None, typer.Option(help="With vectors: the queries, row i belongs to row i of the documents.")
    ] = None,
    dims: Dims = None,
    target_dim: Annotated[
        int | None, typer.Option(min=1, help="Dim to choose the map for; default: a quarter of the width.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option(help="Names of the query and document columns: query,document.")
    ] = None,
    group: Annotated[
        str | None, typer.Option(help="Column whose equal values never land on both sides of a split.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each head.")] = 3,
    batch_size: Annotated[int, typer.Option(min=2, help="Pairs per training step of a head.")] = 512,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Adapt a model, or bare vectors, so that short prefixes are good: rotation and heads, each with its control."""
    from matryo.experiments.adaptation import AdaptSettings, adapt_model, open_pairs
    from matryo.experiments.settings import ModelSettings
    from matryo.experiments.vectors import adapt_vectors, is_vectors
    from matryo.maps import HeadSettings, LoopSettings

    head = HeadSettings(loop=LoopSettings(batch_size=batch_size))
    settings = AdaptSettings(dims=read_dims(dims), target_dim=target_dim, n_seeds=seeds, seed=seed, head=head)
    if is_vectors(source):
        if pairs is not None:
            raise typer.BadParameter(f"vectors take --queries, not pairs; got {pairs!r}")
        typer.echo(adapt_vectors(Path(source), queries, out, settings, say=say))
        return
    if pairs is None or queries is not None:
        raise typer.BadParameter("a model needs pairs and no --queries: matryo adapt MODEL pairs.jsonl --out DIR")
    model = ModelSettings(source, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle)
    read = open_pairs(pairs, columns=columns, group=group, skip_bad=skip_bad)
    typer.echo(adapt_model(model, read, out, settings, say=say, progress=True))


def export(
    model: ModelName,
    out: Annotated[Path, typer.Argument(help="Folder of the new model.")],
    dim: Annotated[int, typer.Option(min=1, help="How many numbers to keep.")],
    allow_untrained: AllowUntrained = False,
    cards: CardsFile = None,
    device: DeviceOption = Device.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Write a model that is cut for keeps: plain SentenceTransformer(OUT) gives DIM numbers of length 1.

    The length must be confirmed by the model's card, by its own files or by a certificate of matryo probe.
    """
    from matryo.encoders import check_cut, export_model, load_encoder, read_cards

    known = read_cards(cards)
    say_notes(known.notes)
    encoder = load_encoder(
        model, device=device.value, trust_remote_code=trust_remote_code, allow_pickle=allow_pickle, cards=known
    )
    leave = check_cut(encoder, dim, cards=known, allow_untrained=allow_untrained)
    say_notes([leave.why])
    export_model(encoder, out, dim, extra={"cut": {"from": encoder.width, "why": leave.why}})
    typer.echo(f"{out}: {dim} of {encoder.width} numbers; load it with SentenceTransformer({str(out)!r})")
