"""Commands for vectors on disk: encode, check."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from matryo.cli.notices import say_notes
from matryo.cli.options import (
    AllowPickle,
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
    texts: Annotated[Path, typer.Argument(help="A retrieval folder (its documents), stdlib, jsonl, or plain lines.")],
    out: Annotated[Path, typer.Argument(help="Folder of the embedding set; the same command resumes it.")],
    role: Annotated[Role, typer.Option(help="Decides the prompt, and which texts of a folder.")] = Role.document,
    dtype: Annotated[Dtype, typer.Option(help="Numbers on disk.")] = Dtype.float32,
    keep_texts: Annotated[bool, typer.Option(help="Store the texts beside the vectors.")] = False,
    skip_bad: SkipBad = False,
    max_tokens: MaxTokens = None,
    device: DeviceOption = Device.auto,
    precision: PrecisionOption = Precision.auto,
    trust_remote_code: RemoteCode = False,
    allow_pickle: AllowPickle = False,
    verbose: Verbose = False,
) -> None:
    """Encode texts into an embedding set whose prefixes can be read without the rest."""
    from matryo.experiments.encoding import encode_texts
    from matryo.experiments.settings import ModelSettings

    made = encode_texts(
        ModelSettings(model, device.value, precision.value, max_tokens, trust_remote_code, allow_pickle),
        texts,
        out,
        role=role.value,
        dtype=dtype.value,
        keep_texts=keep_texts,
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
