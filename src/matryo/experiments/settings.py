"""What every experiment is told about the model: one small value instead of five arguments passed around."""

from dataclasses import dataclass
from pathlib import Path

from matryo.encoders.base import Encoder


@dataclass(frozen=True)
class ModelSettings:
    """Which encoder to load and how to run it.

    Attributes:
        name: minilm, wordllama, a sentence-transformers folder or hub id.
        device: auto, cpu or cuda.
        precision: auto, fp32 or bf16.
        max_tokens: read at most this many tokens; None = as the model says.
        trust_remote_code: run code that lies beside the weights.
        allow_pickle: read pickled weights, which can run code.
        cards: the user's file of model cards; None = the one that is read by default.
        dim: prefix length that its vectors are cut to for keeps, which somebody has allowed; None = full width.
    """

    name: str
    device: str = "auto"
    precision: str = "auto"
    max_tokens: int | None = None
    trust_remote_code: bool = False
    allow_pickle: bool = False
    cards: Path | None = None
    dim: int | None = None

    def load(self) -> Encoder:
        """The encoder.

        Raises: MatryoError if there is no such model or it cannot be cut; MissingExtra if its package is missing.
        """
        # imported here: torch takes seconds, and a command can find that it needs no model
        from matryo.encoders import cut_encoder, load_encoder, read_cards

        whole = load_encoder(
            self.name,
            device=self.device,
            precision=self.precision,
            max_tokens=self.max_tokens,
            trust_remote_code=self.trust_remote_code,
            allow_pickle=self.allow_pickle,
            cards=read_cards(self.cards),
        )
        return whole if self.dim is None else cut_encoder(whole, self.dim)


def default_dims(width: int) -> tuple[int, ...]:
    """A ladder of dims for a model about which nothing else is known: 32, 64, 96, 128, 192, ... from width / 12 on.

    >>> default_dims(384)
    (32, 64, 96, 128, 192, 256, 384)
    >>> default_dims(768)
    (64, 96, 128, 192, 256, 384, 512, 768)
    """
    rungs = {first << doubled for first in (32, 96) for doubled in range(width.bit_length())}
    return tuple(sorted({width} | {dim for dim in rungs if width / 12 <= dim < width}))


def cuda_available() -> bool:
    """Whether torch sees a GPU, used or not."""
    import torch

    return torch.cuda.is_available()
