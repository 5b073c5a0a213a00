"""What a call to an embedding service will cost, told before anything is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# counts the tokens of each text, e.g. `Tokens.count` of the same model's tokenizer
CountTokens = Callable[[Sequence[str]], NDArray[np.int64]]

# A rule of thumb for English: 4 letters are a token. Bytes instead of letters, because letters of other scripts have
# more bytes and more tokens.
BYTES_PER_TOKEN = 4.0
_GUESSED = (
    "4 bytes per token, which fits English prose within about a quarter; code and other scripts can need twice as many"
)


@dataclass(frozen=True)
class CostEstimate:
    """What a call would send.

    Attributes:
        model: whose service is asked.
        n_texts: texts of the call.
        n_kept: of these, texts paid for before, empty ones and repeated ones: they are not sent.
        n_requests: requests needed.
        n_tokens: tokens of the texts to send.
        basis: where the number of tokens comes from, in words.
        price_per_million: price of a million tokens, None = unknown.
    """

    model: str
    n_texts: int
    n_kept: int
    n_requests: int
    n_tokens: int
    basis: str
    price_per_million: float | None = None

    @property
    def n_to_send(self) -> int:
        """Texts that are sent."""
        return self.n_texts - self.n_kept

    @property
    def cost(self) -> float | None:
        """Price of the call in the money of `price_per_million`, None if that is unknown."""
        return None if self.price_per_million is None else self.n_tokens * self.price_per_million / 1e6

    @property
    def sentence(self) -> str:
        """The estimate for a reader who decides.

        >>> CostEstimate("m", 3, 3, 0, 0, "", 0.02).sentence
        'm: nothing to send, all 3 texts are at hand.'
        >>> CostEstimate("m", 1200, 200, 8, 50000, "counted by a tokenizer", 0.02).sentence
        'm: 1,000 of 1,200 texts to send in 8 requests, about 50,000 tokens (counted by a tokenizer), at 0.02 per
        million about 0.001.'
        """
        if not self.n_to_send:
            return f"{self.model}: nothing to send, all {self.n_texts:,} texts are at hand."
        price = (
            "at a price unknown here (price_per_million is not set)"
            if self.cost is None
            else f"at {self.price_per_million:g} per million about {self.cost:.2g}"
        )
        return (
            f"{self.model}: {self.n_to_send:,} of {self.n_texts:,} texts to send in {self.n_requests:,} requests, "
            f"about {self.n_tokens:,} tokens ({self.basis}), {price}."
        )


@dataclass(frozen=True)
class TokenRule:
    """How tokens are counted before the service has counted them.

    Attributes:
        count: a tokenizer's counts, None to go by bytes.
        bytes_per_token: what answers so far showed, or the rule of thumb.
        basis: the same in words.
    """

    count: CountTokens | None
    bytes_per_token: float
    basis: str

    @classmethod
    def best(cls, count: CountTokens | None, n_bytes: int, n_tokens: int) -> "TokenRule":
        """A tokenizer if there is one, else what the answers so far showed, else the rule of thumb.

        Args:
            count: a tokenizer's counts.
            n_bytes: of the texts answered so far.
            n_tokens: that the service counted in them.

        >>> TokenRule.best(None, 0, 0).bytes_per_token, TokenRule.best(None, 600, 200).bytes_per_token
        (4.0, 3.0)
        """
        if count is not None:
            return cls(count, BYTES_PER_TOKEN, "counted by a tokenizer")
        if n_tokens and n_bytes:
            measured = n_bytes / n_tokens
            return cls(None, measured, f"{measured:.2f} bytes per token, as the answers so far showed")
        return cls(None, BYTES_PER_TOKEN, _GUESSED)

    def tokens(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Tokens of each text, (n,) int64, at least 1."""
        if self.count is not None:
            return np.maximum(np.asarray(self.count(texts), dtype=np.int64), 1)
        sizes = np.fromiter((len(text.encode()) for text in texts), dtype=np.float64, count=len(texts))
        return np.maximum(np.ceil(sizes / self.bytes_per_token), 1).astype(np.int64)
