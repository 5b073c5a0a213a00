"""What an embedding service is asked for, and how; the key itself is never part of it."""

import os
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from matryo.encoders.cards import Prompts
from matryo.encoders.cards_file import read_cards
from matryo.errors import MatryoError
from matryo.space import Space

OPENAI = "https://api.openai.com/v1"
_OPENAI_KEY = "OPENAI_API_KEY"


class ApiSettings(BaseModel):
    """One model behind one service that speaks OpenAI's `/v1/embeddings`.

    What makes a space of it: nobody here sees the weights, so `label` and the width are the caller's word that equal
    ones mean the same model. The host is not part of it, because one model is served at many places; who serves another
    model under a name already used, or knows that the service has replaced its model, gives another label. A shorter
    output asked for by `dimensions` is a space of its own, also where it equals the prefix of the long one.

    Attributes:
        model: name the service knows the model by.
        base_url: where `/embeddings` lies.
        dimensions: length the service is asked for, None for the model's own.
        width: length of a vector, where neither `dimensions` nor a card tells it.
        label: what stands for the weights, None for the name of the model.
        key_variable: environment variable that holds the key. None = OPENAI_API_KEY at OpenAI itself and no key at all
            elsewhere, so that one service's key never goes to another.
        encoding_format: how numbers travel; base64 is a quarter of the size, some servers know only float.
        prompts: what is put before the texts of a role.
        max_characters: longest text that is sent, the rest is cut off and counted; None sends all, and the service
            refuses what it finds too long.
        max_texts: texts per request.
        max_request_tokens: estimated tokens per request; a longer text makes a request of its own.
        n_parallel: requests under way at once.
        timeout_s: longest wait for an answer.
        n_retries: further attempts after a refusal that may pass (429, 5xx), a timeout or a dropped connection.
        first_wait_s: wait before the second attempt, doubled before each further one.
        longest_wait_s: longest wait between two attempts, also if the service asks for more.
        price_per_million: price of a million tokens, in the caller's money; None = unknown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    model: str = Field(min_length=1)
    base_url: str = OPENAI
    dimensions: int | None = Field(default=None, ge=1)
    width: int | None = Field(default=None, ge=1)
    label: str | None = Field(default=None, min_length=1)
    key_variable: str | None = Field(default=None, min_length=1)
    encoding_format: Literal["float", "base64"] = "base64"
    prompts: Prompts = Prompts()
    max_characters: int | None = Field(default=None, ge=1)
    max_texts: int = Field(default=128, ge=1, le=2048)
    max_request_tokens: int = Field(default=50_000, ge=1)
    n_parallel: int = Field(default=4, ge=1, le=64)
    timeout_s: float = Field(default=60.0, gt=0)
    n_retries: int = Field(default=6, ge=0)
    first_wait_s: float = Field(default=1.0, ge=0)
    longest_wait_s: float = Field(default=120.0, ge=0)
    price_per_million: float | None = Field(default=None, ge=0)

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"must start with http:// or https:// and name a host, got {url!r}")
        if parts.username or parts.password or parts.query or parts.fragment:
            # not shown: what stands there may be a key
            raise ValueError("must hold no user, password or query; name the key's environment variable instead")
        return url.rstrip("/").removesuffix("/embeddings")

    @model_validator(mode="after")
    def _one_width(self) -> Self:
        if self.width is not None and self.dimensions is not None and self.width != self.dimensions:
            raise ValueError(f"width {self.width} contradicts dimensions {self.dimensions}; drop one of them")
        return self

    def space(self) -> Space:
        """Where the vectors lie, by the caller's word.

        Raises: MatryoError if nothing tells the width.
        """
        width = self.dimensions or self.width
        if width is None:
            card = read_cards().find(self.model)
            if card is None:
                raise MatryoError(
                    f"nothing tells how long the vectors of {self.model} are: it has no card; give width, or "
                    "dimensions where the service can shorten"
                )
            width = card.width
        label = f"api:{self.label or self.model}"
        if self.dimensions is not None:
            label += f", dimensions {self.dimensions}"
        if self.max_characters is not None:
            label += f", first {self.max_characters} characters"
        return Space.declared(label, width)

    def key(self) -> str | None:
        """The key, read anew each time and kept nowhere; None where none is needed.

        Raises: MatryoError if the variable that should hold it is empty or holds what cannot be sent.
        """
        name = self.key_variable or (_OPENAI_KEY if self.base_url == OPENAI else None)
        if name is None:
            return None
        key = os.environ.get(name, "").strip()
        if not key or not key.isascii() or not key.isprintable():
            found = "holds letters that no key has" if key else "is not set"
            raise MatryoError(f"the key for {self.base_url} is read from ${name}, which {found}; export {name}=...")
        return key
