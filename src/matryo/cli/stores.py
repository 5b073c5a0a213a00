"""The commands `matryo store ...`: sets of vectors in Chroma and Milvus."""

from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say_notes
from matryo.cli.options import (
    AllowPickle,
    Device,
    DeviceOption,
    MaxTokens,
    Precision,
    PrecisionOption,
    RemoteCode,
    Seed,
    Verbose,
    read_dims,
)

store_app = typer.Typer(help="Push sets into Chroma or Milvus and search there.", rich_markup_mode=None)

Where = Annotated[
    str,
    typer.Argument(
        metavar="LOCATION",
        help="chroma:FOLDER, chroma:http://host:port, milvus:FILE.db or milvus:http://host:port.",
    ),
]
Name = Annotated[str, typer.Argument(help="Name of the store: letters, digits and _.")]
Token = Annotated[
    str | None, typer.Option(envvar="MATRYO_MILVUS_TOKEN", help="user:password or key of a Milvus cluster.")
]


@store_app.command("push", epilog="Example: matryo store push sets/texts chroma:vectors texts --dims 96,384")
def store_push(
    vectors: Annotated[Path, typer.Argument(metavar="SET", help="Folder of an embedding set.")],
    location: Where,
    name: Name,
    dims: Annotated[str | None, typer.Option(help="Dims to search at, e.g. 96,384; default: the full width.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Rows per request, fewer where the engine takes fewer.")] = 1000,
    replace: Annotated[bool, typer.Option(help="Drop another set of this name first.")] = False,
    texts: Annotated[str, typer.Option(metavar="NAME", help="What the texts are called in the metadata.")] = "",
    token: Token = None,
    verbose: Verbose = False,
) -> None:
    """Bring a store to hold a set, cut at each dim; the same command goes on where an interrupted one was."""
    from matryo.experiments.store_commands import push_to_store
    from matryo.search.stores import Location

    pushed = push_to_store(
        vectors,
        Location.parse(location),
        name,
        dims=read_dims(dims),
        batch=batch,
        replace=replace,
        texts=texts,
        token=token,
        progress=True,
    )
    at = ",".join(str(dim) for dim in pushed.dims)
    typer.echo(f"{name}: {pushed.n_rows:,} rows at dims {at}, complete; {pushed.n_sent:,} vectors were sent")


@store_app.command("search", epilog='Example: matryo store search chroma:vectors texts "a question" --model minilm')
def store_search(
    location: Where,
    name: Name,
    question: Annotated[str, typer.Argument(help="Any text.")],
    model: Annotated[str, typer.Option(help="The model that encoded the set, or that a translated set imitates.")],
    k: Annotated[int, typer.Option("-k", min=1, help="Hits.")] = 10,
    dim: Annotated[int | None, typer.Option(help="Prefix length; default: the largest that was pushed.")] = None,
    passages: Annotated[Path | None, typer.Option(help="SQLite file of `matryo data passages`, to show texts.")] = None,
    token: Token = None,
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Ask a question: rank, score, id and, with passages, the text of each hit."""
    from matryo.experiments.settings import ModelSettings
    from matryo.experiments.store_commands import ask_store
    from matryo.search.stores import Location

    answers = ask_store(
        Location.parse(location),
        name,
        question,
        ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        k=k,
        dim=dim,
        passages=passages,
        token=token,
    )
    say_notes(answers.notes)
    for hit in answers.hits:
        typer.echo(f"{hit.rank}\t{hit.score:.4f}\t{hit.id}\t{' '.join(hit.text.split())}".rstrip())


@store_app.command("list", epilog="Example: matryo store list milvus:vectors.db")
def store_list(location: Where, token: Token = None, verbose: Verbose = False) -> None:
    """Show every store of a place, one line each."""
    from matryo.experiments.store_commands import list_stores
    from matryo.search.stores import Location

    for facts in list_stores(Location.parse(location), token=token):
        at = ",".join(str(dim) for dim in facts.dims)
        state = "complete" if facts.complete else "not complete"
        origin = "" if facts.origin is None else f"{facts.origin}, "
        typer.echo(
            f"{facts.name}: {facts.n_rows:,} rows at dims {at} of {facts.width}, {state}, "
            f"{origin}space {facts.space_id}, set {facts.set_digest[:12]}, generation {facts.generation}"
        )


@store_app.command("compare", epilog="Example: matryo store compare chroma:vectors minilm_as_wordllama wordllama")
def store_compare(
    location: Where,
    first: Annotated[str, typer.Argument(metavar="NAME_A", help="Name of a store.")],
    second: Annotated[str, typer.Argument(metavar="NAME_B", help="Store of the same texts, e.g. the native vectors.")],
    n: Annotated[int, typer.Option("--n", min=2, help="Texts to ask, drawn from those in both.")] = 100,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of each.")] = 10,
    dim: Annotated[int | None, typer.Option(help="Prefix length pushed in both; default: the largest of each.")] = None,
    seed: Seed = 0,
    passages: Annotated[Path | None, typer.Option(help="SQLite file of `matryo data passages`, to show texts.")] = None,
    token: Token = None,
    verbose: Verbose = False,
) -> None:
    """Ask both stores for the neighbours of the same texts, by the vectors that each holds, and compare the lists."""
    from matryo.experiments.store_compare import compare_stores
    from matryo.search.stores import Location

    found = compare_stores(
        Location.parse(location), first, second, n=n, k=k, dim=dim, seed=seed, passages=passages, token=token
    )
    say_notes(found.notes)
    typer.echo("\n".join(found.lines()))


@store_app.command("drop", epilog="Example: matryo store drop milvus:vectors.db texts")
def store_drop(location: Where, name: Name, token: Token = None, verbose: Verbose = False) -> None:
    """Remove a store with all its dims."""
    from matryo.experiments.store_commands import drop_store
    from matryo.search.stores import Location

    drop_store(Location.parse(location), name, token=token)
    typer.echo(f"{name}: dropped")
