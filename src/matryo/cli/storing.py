"""Commands for vectors on disk: encode, check."""

from enum import StrEnum
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
    MaxTokens,
    ModelName,
    Precision,
    PrecisionOption,
    RemoteCode,
    SkipBad,
    Verbose,
)
from matryo.cli.stores import Token


class Role(StrEnum):
    """What a text is to a retrieval model."""

    document = "document"
    query = "query"


class Dtype(StrEnum):
    """Numbers that an embedding set stores."""

    float32 = "float32"
    float16 = "float16"


def encode(
    model: ModelName,
    texts: Annotated[
        Path,
        typer.Argument(help="A tree of folders of chunks, a retrieval folder (its documents), stdlib, jsonl or lines."),
    ],
    out: Annotated[Path, typer.Argument(help="Folder of the embedding set, or of the sets; the same command resumes.")],
    dim: Annotated[int | None, typer.Option(min=1, help="Cut to so many numbers for keeps; default: all.")] = None,
    allow_untrained: AllowUntrained = False,
    cards: CardsFile = None,
    role: Annotated[Role, typer.Option(help="Decides the prompt, and which texts of a folder.")] = Role.document,
    dtype: Annotated[Dtype, typer.Option(help="Numbers on disk.")] = Dtype.float32,
    keep_texts: Annotated[bool, typer.Option(help="Store the texts beside the vectors; a tree's always are.")] = False,
    split_tokens: Annotated[int, typer.Option(min=0, help="Tree: split into pieces of so many tokens.")] = 0,
    overlap: Annotated[int, typer.Option(min=0, help="Tree: tokens that neighbouring pieces share.")] = 0,
    export: Annotated[
        list[str] | None,
        typer.Option(help="Tree: npy, parquet, chroma:PLACE or milvus:PLACE as well; may be repeated."),
    ] = None,
    token: Token = None,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Encode texts into an embedding set, or a tree of folders into one set each, kept up to date.

    Of a tree only texts that are new or changed are encoded, equal ones once; nothing is written if nothing changed.
    The model lsa:256 is LSA of 256 numbers, fitted on the texts themselves and kept in OUT/lsa, which names it later.
    """
    from dataclasses import replace

    from matryo.collections import is_tree
    from matryo.experiments.encoding import FIT_LSA, STDLIB
    from matryo.experiments.settings import ModelSettings

    settings = ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle, cards)
    if str(texts) != STDLIB and is_tree(texts, out):
        if role is Role.query:
            raise typer.BadParameter("a tree of collections is encoded as documents; leave --role query out")
        if model.startswith(FIT_LSA):
            raise typer.BadParameter(
                f"{model} is fitted on one file or retrieval folder, {texts} is a tree; fit it on such a one, then "
                "give SET/lsa as the model"
            )
        from matryo.collections import encode_folder
        from matryo.experiments.encoding import note_encoders

        done = encode_folder(
            texts,
            model,
            dim,
            out=out,
            load=settings.load,
            max_tokens=max_tokens,
            allow_untrained=allow_untrained,
            cards=cards,
            dtype=dtype.value,
            split_tokens=split_tokens,
            overlap=overlap,
            exports=export or (),
            token=token,
            skip_bad=skip_bad,
            say=say,
            progress=True,
        )
        noted = replace(settings, dim=None if done.dim == done.full_width else done.dim)
        note_encoders([out / one.name for one in done.collections], noted, done.space_id)
        say_notes(done.notes)
        typer.echo(done.table())
        return
    if split_tokens or overlap or export:
        raise typer.BadParameter(f"--split-tokens, --overlap and --export are for a tree of folders, {texts} is none")
    from matryo.experiments.encoding import encode_texts

    made = encode_texts(
        settings,
        texts,
        out,
        role=role.value,
        dtype=dtype.value,
        keep_texts=keep_texts,
        dim=dim,
        allow_untrained=allow_untrained,
        skip_bad=skip_bad,
        progress=True,
    )
    say_notes(made.notes)
    typer.echo(f"{out}: {made.n_rows:,} rows of {made.width} {dtype.value} numbers, space {made.space_id}")


def check(
    folder: Annotated[Path, typer.Argument(help="Folder of an embedding set.")],
    verbose: Verbose = False,
) -> None:
    """Verify an embedding set: every digest, header and id."""
    from matryo.embeddings import EmbeddingSet, verify_set
    from matryo.errors import FormatError

    if problems := verify_set(folder):
        raise FormatError(f"{folder} is damaged: " + "; ".join(problems))
    vectors = EmbeddingSet.open(folder)
    typer.echo(f"{folder}: whole; {vectors.n_rows} rows of {vectors.width} numbers, generation {vectors.generation}")
