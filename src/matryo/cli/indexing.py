"""The commands `matryo index ...`: build, search, evaluate and plan indexes of an embedding set."""

from enum import StrEnum
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
    Split,
    Verbose,
    read_dims,
)

index_app = typer.Typer(help="Build, search, evaluate and plan indexes of an embedding set.", rich_markup_mode=None)


_LETTERS = 160  # of a text that are shown; --json has all of them


class Kind(StrEnum):
    """Kinds of index; what each is stands in `IndexSettings`."""

    flat = "flat"
    funnel = "funnel"
    quantized = "quantized"
    ivf = "ivf"
    hnsw = "hnsw"
    faiss = "faiss"


IndexArgument = Annotated[Path, typer.Argument(help="Folder of an index, as matryo index build makes it.")]
K = Annotated[int, typer.Option("-k", help="Hits per query.")]
NamedModel = Annotated[
    str, typer.Option("--model", help="The model that made the set; default: as matryo encode noted it.")
]
Queries = Annotated[
    Path | None,
    typer.Option(help="Sample queries: a set of role query, a retrieval folder, stdlib, or a file of texts."),
]
PassagesOption = Annotated[
    Path | None, typer.Option(help="SQLite file of the texts, see matryo data passages; default: those of the set.")
]


def _settings(texts: list[str] | None) -> dict[str, float] | None:
    """Read ["nprobe=8"]."""
    read: dict[str, float] = {}
    for text in texts or ():
        name, _, value = text.partition("=")
        try:
            read[name.strip()] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--set takes NAME=NUMBER such as nprobe=16, got {text!r}") from None
    return read or None


def _shortened(text: str) -> str:
    """The start of a text in one line."""
    from matryo.reports.table import printable

    line = printable(text)
    return line if len(line) <= _LETTERS else f"{line[:_LETTERS].rstrip()} ..."


@index_app.command(
    "build", epilog="Example: matryo index build sets/docs indexes/docs --kind funnel --recall 0.99 --queries my-beir"
)
def index_build(
    vectors: Annotated[Path, typer.Argument(metavar="SET", help="Folder of an embedding set.")],
    index: Annotated[Path, typer.Argument(help="Folder to write; a finished one of the same settings is kept.")],
    kind: Annotated[Kind, typer.Option(help="How it searches.")] = Kind.funnel,
    dims: Annotated[
        str | None, typer.Option(help="Stages of a funnel, e.g. 96,192,384; else the one prefix that is scanned.")
    ] = None,
    bits: Annotated[int | None, typer.Option(help="32, 16, 8 or 1 per number that is scanned.")] = None,
    recall: Annotated[float | None, typer.Option(help="Share of the exact best k to find, e.g. 0.99.")] = None,
    queries: Queries = None,
    k: K = 10,
    rotate: Annotated[bool, typer.Option(help="Rotate first, so that prefixes hold the most they can.")] = True,
    shortlist: Annotated[int | None, typer.Option(help="Rows per query that are rescored in full.")] = None,
    factory: Annotated[str | None, typer.Option(help="Of FAISS, for --kind faiss, e.g. IVF256,SQ8.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=NUMBER of FAISS, e.g. nprobe=16; may be repeated.")
    ] = None,
    passages: PassagesOption = None,
    model: NamedModel = "",
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Build an index of an embedding set, to be searched by text."""
    from matryo.experiments.index_settings import read_settings
    from matryo.experiments.index_write import build_folder
    from matryo.experiments.settings import ModelSettings

    values = {
        "kind": kind.value,
        "dims": read_dims(dims),
        "bits": bits,
        "recall": recall,
        "rotate": rotate,
        "shortlist": shortlist,
        "factory": factory,
        "settings": _settings(set_),
    }
    built = build_folder(
        vectors,
        index,
        read_settings(values),
        queries=queries,
        model=ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        passages=passages,
        k=k,
        seed=seed,
        progress=True,
    )
    say_notes(built.notes)
    done = "is there already" if built.there else f"built in {built.build_s:.1f} s"
    typer.echo(f"{index}: {built.name}, {built.n_rows:,} rows, {done}{f'; {built.plan}' if built.plan else ''}")


@index_app.command("search", epilog='Example: matryo index search indexes/docs "how does it work" -k 10')
def index_search(
    index: IndexArgument,
    question: Annotated[str, typer.Argument(help="In words.")],
    k: K = 10,
    dim: Annotated[int | None, typer.Option(help="Prefix length to compare; default: all numbers.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one list of objects, with whole texts.")] = False,
    passages: PassagesOption = None,
    model: NamedModel = "",
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Find the texts nearest to a question: rank, score, id and text, with tabs between."""
    import json

    from matryo.experiments.index_search import search_folder
    from matryo.experiments.settings import ModelSettings
    from matryo.reports.table import printable

    found = search_folder(
        index,
        question,
        k,
        dim=dim,
        model=ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        passages=passages,
    )
    say_notes(found.notes)
    if as_json:
        typer.echo(json.dumps([vars(answer) for answer in found.answers], indent=2, ensure_ascii=False))
        return
    for answer in found.answers:
        typer.echo(f"{answer.rank}\t{answer.score:.4f}\t{printable(answer.id)}\t{_shortened(answer.text)}")


@index_app.command("evaluate", epilog="Example: matryo index evaluate indexes/docs my-beir")
def index_evaluate(
    index: IndexArgument,
    data: Annotated[Path, typer.Argument(help="A retrieval folder in any layout, a file of pairs, or stdlib.")],
    k: K = 10,
    measure: Annotated[list[str], typer.Option(help="e.g. nDCG@10, MRR@10; may be repeated.")] = ["nDCG@10"],  # noqa: B006 - typer copies it
    split: Split = None,
    out: Annotated[Path | None, typer.Option(help="JSON file for everything that was measured.")] = None,
    set_: Annotated[Path | None, typer.Option("--set", help="Where the set is, if it was moved.")] = None,
    skip_bad: SkipBad = False,
    model: NamedModel = "",
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Measure an index beside exact search: recall, quality, latency, bytes, build time."""
    from matryo.experiments.index_evaluate import evaluate_folder, printed
    from matryo.experiments.settings import ModelSettings
    from matryo.measures.measure import Measure

    evaluation = evaluate_folder(
        index,
        data,
        k=k,
        measures=[Measure.parse(name) for name in measure],
        split=split,
        model=ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        set_folder=set_,
        out=out,
        skip_bad=skip_bad,
        seed=seed,
        progress=True,
    )
    typer.echo(printed(evaluation))


@index_app.command("plan", epilog="Example: matryo index plan sets/docs --recall 0.99 --bytes 100 --out runs/plan")
def index_plan(
    vectors: Annotated[Path, typer.Argument(metavar="SET", help="Folder of an embedding set.")],
    out: Annotated[Path, typer.Option(help="Folder for plan.json, plan.md and the plot.")] = Path("runs/plan"),
    recall: Annotated[float, typer.Option(help="Share of the exact best k to find.")] = 0.99,
    bytes_: Annotated[float | None, typer.Option("--bytes", help="At most this many in memory per vector.")] = None,
    latency_ms: Annotated[float | None, typer.Option(help="At most this long for one query.")] = None,
    queries: Queries = None,
    k: K = 10,
    model: NamedModel = "",
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Measure many indexes of this set and recommend one: dim, bits and shortlist."""
    from matryo.embeddings import EmbeddingSet
    from matryo.experiments.index_folder import set_model
    from matryo.experiments.index_plan import plan_index
    from matryo.experiments.settings import ModelSettings

    asked = ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle)
    told = plan_index(
        vectors,
        recall=recall,
        max_bytes=bytes_,
        max_latency_ms=latency_ms,
        queries=queries,
        model=set_model(EmbeddingSet.open(vectors), asked),
        k=k,
        out=out,
        say=say,
        progress=True,
    )
    typer.echo(told)
