"""Commands that lead from one model's vectors toward another's: translate fit, apply, evaluate."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say, say_notes
from matryo.cli.options import Device, DeviceOption, Dims, Seed, SkipBad, Split, Verbose, read_dims
from matryo.cli.storing import Dtype


class Search(StrEnum):
    """Documents that a task searches."""

    held_out = "held-out"
    all = "all"


class Kind(StrEnum):
    """Translators."""

    ridge = "ridge"
    procrustes = "procrustes"
    linear = "linear"
    mlp1 = "mlp1"
    mlp2 = "mlp2"


class Loss(StrEnum):
    """What a trained translator is to bring down."""

    mse = "mse"
    cosine = "cosine"
    relational = "relational"


translate_app = typer.Typer(
    help="Vectors of one model into vectors that imitate another's: fit a map, apply it, see whether it is worth it.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)

MapFolder = Annotated[Path, typer.Argument(metavar="MAP", help="Folder of the map.")]
SetA = Annotated[Path, typer.Argument(metavar="SET_A", help="Embedding set in the space to translate from.")]
SetB = Annotated[Path, typer.Argument(metavar="SET_B", help="Set of the same texts in the space to translate toward.")]


@translate_app.command(
    epilog="Examples: matryo translate fit sets/minilm sets/wordllama maps/m-w;  "
    "matryo translate fit sets/minilm sets/wordllama maps/mlp --kind mlp1 --hidden 8x"
)
def fit(
    source: SetA,
    target: SetB,
    out: MapFolder,
    kind: Annotated[Kind, typer.Option(help="ridge, procrustes: closed forms; the others are trained.")] = Kind.ridge,
    hidden: Annotated[
        str | None, typer.Option(help="mlp1, mlp2: width of hidden layers in full ranks: 1x, 8x, 32x; default: 1x.")
    ] = None,
    loss: Annotated[Loss | None, typer.Option(help="linear, mlp1, mlp2; default: mse.")] = None,
    dims_from: Annotated[
        int | None, typer.Option(min=1, help="ridge: read the first numbers of the source only.")
    ] = None,
    dims_to: Annotated[
        int | None, typer.Option(min=1, help="ridge, procrustes: imitate so many first numbers of the target.")
    ] = None,
    centre: Annotated[bool, typer.Option(help="procrustes: turn about the means.")] = False,
    share: Annotated[float, typer.Option(help="Of the ids to fit on, by their hash; evaluate leaves them out.")] = 0.8,
    group_end: Annotated[
        str, typer.Option(help='Ids equal up to this mark stay together, e.g. "#" for page#1, page#2.')
    ] = "",
    allow_degenerate: Annotated[
        bool, typer.Option(help="Take fewer rows than columns, or constant columns, with the smallest map that fits.")
    ] = False,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    verbose: Verbose = False,
) -> None:
    """Fit a map from one set toward another of the same texts, joined by id, and measure it on ids held out."""
    from matryo.evaluation.translation_split import IdSplit
    from matryo.experiments.translate_fit import TranslatorSettings, fit_sets

    settings = TranslatorSettings(
        kind.value, hidden, None if loss is None else loss.value, dims_from, dims_to, centre, seed, device.value,
        IdSplit(share, group_end), allow_degenerate,
    )  # fmt: skip
    report = fit_sets(source, target, out, settings, progress=True)
    say_notes(report.notes)
    typer.echo("\n".join(report.lines()))


@translate_app.command(epilog="Example: matryo translate apply maps/m-w sets/minilm sets/minilm-as-wordllama")
def apply(
    folder: MapFolder,
    source: SetA,
    out: Annotated[Path, typer.Argument(help="Folder of the new set; the same command resumes.")],
    dtype: Annotated[Dtype | None, typer.Option(help="Numbers on disk; default: as SET_A has them.")] = None,
    as_native: Annotated[
        bool, typer.Option(help="Translate vectors that only imitate the map's source: for a chain of maps.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Translate a set into a new one, which tells whom its vectors imitate; direction and spaces are checked."""
    from matryo.experiments.translate_apply import apply_map, described
    from matryo.maps import load_map

    fitted = load_map(folder)
    made = apply_map(
        fitted, source, out, dtype=None if dtype is None else dtype.value, as_native=as_native, progress=True
    )
    typer.echo(f"{out}: {made.n_rows:,} rows of {made.width} {made.dtype} numbers, space {made.space.id}")
    typer.echo(f"by {described(fitted)}")


@translate_app.command(
    epilog="Examples: matryo translate evaluate maps/m-w sets/minilm sets/wordllama;  "
    "matryo translate evaluate maps/m-w sets/minilm sets/wordllama --dataset stdlib --out runs/m-w"
)
def evaluate(
    folder: MapFolder,
    source: SetA,
    target: SetB,
    dataset: Annotated[
        Path | None,
        typer.Option(help="Retrieval folder (BEIR ...) whose documents the sets hold, or stdlib; default: none."),
    ] = None,
    queries_a: Annotated[
        Path | None,
        typer.Option(help="Its queries in SET_A's space; default: the model noted beside SET_A encodes them."),
    ] = None,
    queries_b: Annotated[Path | None, typer.Option(help="The same in SET_B's space.")] = None,
    back: Annotated[
        Path | None, typer.Option(help="Map of the other direction: judges the other way of each migration too.")
    ] = None,
    dims: Dims = None,
    dims_from: Annotated[
        str | None,
        typer.Option(help="Source prefixes of the table, e.g. 64,128; default: a ladder; none: no table."),
    ] = None,
    all_rows: Annotated[
        bool, typer.Option(help="Evaluate every row: for sets of other texts than those of the fit.")
    ] = False,
    search: Annotated[
        Search, typer.Option(help="Documents of the task: held-out are those that the map was not fitted on.")
    ] = Search.held_out,
    k: Annotated[int, typer.Option(min=1, help="Neighbours.")] = 10,
    max_rows: Annotated[int, typer.Option(min=12, help="Most rows that are compared with each other.")] = 2_000,
    out: Annotated[Path | None, typer.Option(help="Folder for report.html, report.md, results.json and plots.")] = None,
    split: Split = None,
    skip_bad: SkipBad = False,
    seed: Seed = 0,
    verbose: Verbose = False,
) -> None:
    """Evaluate a map on ids that it was not fitted on: errors, neighbours, prefixes; with a task: bridge or do not."""
    from matryo.experiments.translate_evaluate import EvaluationSettings, evaluate_map

    settings = EvaluationSettings(
        dims=read_dims(dims), source_dims=() if dims_from == "none" else read_dims(dims_from), all_rows=all_rows,
        search_all=search is Search.all, split=split, skip_bad=skip_bad, k=k, max_rows=max_rows, seed=seed,
    )  # fmt: skip
    told = evaluate_map(
        folder, source, target, settings, data=dataset, queries=(queries_a, queries_b), back=back, out=out, say=say,
        progress=True,
    )  # fmt: skip
    typer.echo(told.summary)
    for line in told.written:
        typer.echo(line)
