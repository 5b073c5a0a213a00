"""How long a run will take and how large it will be, measured on a few of its texts."""

import time
from dataclasses import dataclass

import numpy as np

from matryo.collections.survey import Sample
from matryo.encoders.base import Encoder
from matryo.encoders.tokens import Tokens

_FIRST, _FAST_S = 16, 0.2


@dataclass(frozen=True)
class Estimate:
    """What is expected of a run.

    Attributes:
        n_texts: texts to encode.
        n_tokens: tokens that will be read, None if the model has no tokenizer to ask.
        seconds: time for encoding.
        n_bytes: size of the new vectors and texts.
    """

    n_texts: int
    n_tokens: int | None
    seconds: float
    n_bytes: int

    def __str__(self) -> str:
        """The estimate as a sentence."""
        tokens = "" if self.n_tokens is None else f" ({_rounded(self.n_tokens)} tokens)"
        return (
            f"about {duration(self.seconds)} for {self.n_texts:,} texts{tokens}, "
            f"about {size(self.n_bytes)} of new vectors and texts"
        )


def estimate(
    encoder: Encoder, tokens: Tokens | None, sample: Sample, n_rows: int, dtype: str, n_done: int = 0
) -> Estimate:
    """Encode a few texts, spread over the lengths, and scale their time by the tokens that are read.

    Args:
        encoder: of the run.
        tokens: the encoder's, None to scale by letters.
        sample: of the texts to encode, at least one.
        n_rows: rows that will be written, those with a known text included.
        dtype: of the numbers stored.
        n_done: texts that an unfinished run has encoded already; they are taken to be as long as the others.
    """
    lengths, texts = np.frombuffer(sample.lengths, dtype=np.uint64).astype(np.float64), sample.texts()
    encoder.encode(texts[:1])  # what is done once, at the first call, is not to be multiplied
    some = [texts[place] for place in np.linspace(0, len(texts) - 1, min(_FIRST, len(texts)), dtype=np.int64)]
    seconds = _seconds(encoder, some)
    if seconds < _FAST_S and len(texts) > len(some):
        # a fast model is measured on more, because there the calls themselves would be what is measured
        some, seconds = texts, _seconds(encoder, texts)
    most = encoder.space.max_tokens or np.inf
    counted = np.array([len(text) for text in some], dtype=np.float64) if tokens is None else tokens.count(some)
    letters = max(1, sum(map(len, some)))
    read = np.minimum(lengths * (counted.sum() / letters), most).sum()
    factor = read / max(1.0, float(np.minimum(counted, most).sum()))
    item, left = np.dtype(dtype).itemsize, 1 - n_done / len(lengths)
    n_bytes = int(left * n_rows * (encoder.width * item + int(lengths.mean())))
    n_tokens = None if tokens is None else int(left * read)
    return Estimate(len(lengths) - n_done, n_tokens, float(left * seconds * factor), n_bytes)


def _seconds(encoder: Encoder, texts: list[str]) -> float:
    started = time.perf_counter()
    encoder.encode(texts)
    return time.perf_counter() - started


def duration(seconds: float) -> str:
    """A time in the unit that suits it.

    >>> duration(4.4), duration(200), duration(9000)
    ('4 s', '3 min', '2.5 h')
    """
    if seconds < 99.5:
        return f"{max(1.0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5970 else f"{seconds / 3600:.1f} h"


def size(n_bytes: float) -> str:
    """A number of bytes in the unit that suits it.

    >>> size(12), size(1_234_567)
    ('12 B', '1.2 MB')
    """
    for unit in ("B", "kB", "MB"):
        if n_bytes < 999.5:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1000
    return f"{n_bytes:.1f} GB"


def _rounded(number: int) -> str:
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1e6:,.1f} million" if number >= 1e6 else f"{number / 1e3:,.0f} thousand"
