"""The commands `matryo data ...`: make, convert and look at texts."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say_notes
from matryo.cli.options import Seed, SkipBad, Split, Verbose

data_app = typer.Typer(help="Make, convert and look at texts.", rich_markup_mode=None)


class Layout(StrEnum):
    """Layouts that a retrieval task can be written in."""

    beir = "beir"
    processed = "processed"


@data_app.command("show", epilog="Example: matryo data show my-beir-folder")
def data_show(
    path: Annotated[Path, typer.Argument(help="A retrieval folder or a file of pairs.")],
    split: Split = None,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Read a folder as `curve` would and count what is in it."""
    from matryo.data import open_retrieval

    task = open_retrieval(path, split=split, skip_bad=skip_bad)
    say_notes(task.notes)
    typer.echo(
        f"{task.name}: {len(task.documents)} documents, {len(task.queries)} queries, "
        f"{task.n_judgements} judgements, {task.n_relevant} of them relevant"
    )


@data_app.command("convert", epilog="Example: matryo data convert cranfield cranfield-beir --to beir")
def data_convert(
    path: Annotated[Path, typer.Argument(help="A retrieval folder in any layout.")],
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    to: Annotated[Layout, typer.Option(help="Layout to write.")] = Layout.beir,
    split: Split = None,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Write a retrieval task in another layout."""
    from matryo.data import open_retrieval, write_beir, write_processed

    task = open_retrieval(path, split=split, skip_bad=skip_bad)
    say_notes(task.notes)
    if to is Layout.beir:
        write_beir(task, out, split or "test")
    else:
        write_processed({split or "dev": task}, out)
    typer.echo(f"{out}: {to.value} layout, {len(task.documents)} documents, {len(task.queries)} queries")


@data_app.command("stdlib", epilog="Example: matryo data stdlib stdlib.jsonl")
def data_stdlib(
    out: Annotated[Path, typer.Argument(help="File to write, one pair per line.")],
    mask_names: Annotated[bool, typer.Option(help="Replace each function's own name in both texts.")] = False,
    verbose: Verbose = False,
) -> None:
    """Write the standard library's docstrings and sources as pairs."""
    from matryo.data.pair_lines import write_pairs
    from matryo.data.stdlib import stdlib_pairs

    pairs = stdlib_pairs(mask_names=mask_names)
    say_notes(pairs.notes)
    write_pairs(pairs, out)
    typer.echo(f"{out}: {len(pairs)} pairs in {len(set(pairs.groups))} packages")


@data_app.command("toy", epilog="Example: matryo data toy data/processed/toy")
def data_toy(
    out: Annotated[Path, typer.Argument(help="Folder to write, in the processed layout.")],
    seed: Seed = 0,
    verbose: Verbose = False,
) -> None:
    """Write a small synthetic retrieval task: 200 passages, 64 and 32 queries."""
    from matryo.data import write_toy

    write_toy(out, seed=seed)
    typer.echo(f"{out}: 200 passages, 64 training and 32 development queries")


@data_app.command("passages", epilog="Example: matryo data passages passages.jsonl passages.sqlite")
def data_passages(
    source: Annotated[Path, typer.Argument(help="A retrieval folder (its documents), a jsonl file, or plain lines.")],
    out: Annotated[Path, typer.Argument(help="SQLite file to write; one with the same texts is kept.")],
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Store texts in one SQLite file, where each is found by its id at once."""
    from matryo.data import open_texts
    from matryo.search import build_passages

    texts = open_texts(source, skip_bad=skip_bad)
    say_notes(texts.notes)
    with build_passages(texts, out, progress=True) as passages:
        typer.echo(f"{out}: {len(passages):,} passages, digest {passages.digest}")


@data_app.command("msmarco", epilog="Example: matryo data msmarco data/raw/msmarco data/msmarco --download")
def data_msmarco(
    folder: Annotated[Path, typer.Argument(help="Folder with the official files, or for them.")],
    out: Annotated[Path, typer.Argument(help="Folder to write, in the processed layout.")],
    download: Annotated[bool, typer.Option(help="Fetch the official files first; what is there is kept.")] = False,
    accept_terms: Annotated[bool, typer.Option(help="Accept Microsoft's terms of use; needed to download.")] = False,
    skip_bad: SkipBad = False,
    verbose: Verbose = False,
) -> None:
    """Convert MS MARCO passage ranking, streaming; optionally download it first."""
    from matryo.data.msmarco import prepare_msmarco
    from matryo.data.msmarco_files import download_msmarco

    if download:
        say_notes(download_msmarco(folder, accept_terms=accept_terms, progress=True))
    say_notes(prepare_msmarco(folder, out, skip_bad=skip_bad, progress=True))
    typer.echo(f"{out}: processed layout; matryo data show {out}")
