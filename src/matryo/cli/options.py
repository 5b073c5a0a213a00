"""Options that several commands share, each with one name, one help text and one meaning."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where a model runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Precision(StrEnum):
    """Numbers that a transformer computes in."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


def read_dims(text: str | None) -> tuple[int, ...] | None:
    """Read "32,64,128"; None stays None."""
    from matryo.prefix import check_dims

    if text is None:
        return None
    try:
        numbers = [int(word) for word in text.replace(" ", "").split(",") if word]
    except ValueError:
        raise typer.BadParameter(f"dims are whole numbers with commas between, got {text!r}; give 32,64,128") from None
    return check_dims(numbers)


def _verbose(value: bool) -> bool:
    logging.basicConfig(level=logging.INFO if value else logging.WARNING, format="%(name)s: %(message)s")
    return value


Dims = Annotated[str | None, typer.Option(help="Prefix lengths, e.g. 32,64,128; default: a ladder up to the width.")]
Seed = Annotated[int, typer.Option(help="Decides splits, shuffling and bootstrap draws.")]
DeviceOption = Annotated[Device, typer.Option(help="auto takes a GPU if there is one.")]
PrecisionOption = Annotated[Precision, typer.Option(help="auto takes bf16 where the hardware has it.")]
MaxTokens = Annotated[int | None, typer.Option(min=1, help="Read at most this many tokens; default: the model's.")]
Split = Annotated[str | None, typer.Option(help="Which judgements; default: test, else dev.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", callback=_verbose, help="Say more; full trace of an error.")]
RemoteCode = Annotated[bool, typer.Option(help="Run code that a model's author put beside the weights.")]
AllowPickle = Annotated[bool, typer.Option(help="Read pickled weights (pytorch_model.bin), which can run code.")]
SkipBad = Annotated[bool, typer.Option(help="Leave out malformed lines, count and list them, instead of stopping.")]
AllowUntrained = Annotated[bool, typer.Option(help="Cut to a length that nobody has trained or measured.")]
CardsFile = Annotated[
    Path | None,
    typer.Option(
        "--cards", help="Your own model cards (YAML); default: $MATRYO_CARDS, else cards.yaml in the data folder."
    ),
]
ModelName = Annotated[str, typer.Argument(help="minilm, wordllama, a sentence-transformers or LSA folder, or hub id.")]
