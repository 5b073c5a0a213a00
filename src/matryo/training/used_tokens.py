"""Static models train on the tokens that their texts have: the rest of the table gets no gradient, it only costs."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any, final

import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer
from torch import Tensor, nn

from matryo.errors import MatryoError


@contextmanager
def used_tokens_only(model: SentenceTransformer, texts: Iterable[str], prompt: str = "") -> Iterator[None]:
    """Let a static model hold only the rows of its table that some texts need, and tokenise each of them once.

    What is trained meanwhile is written back into the whole table at the end, also after an error. Without weight decay
    the result is that of training the whole table; with it, rows that no text needs stay as they were. Any other model
    is left alone.

    Args:
        model: changed in place and restored.
        texts: all that it will read meanwhile, in training and in validation.
        prompt: what is put in front of each of them.
    """
    module = model[0]
    if not isinstance(module, StaticEmbedding):
        yield
        return
    whole = module.embedding
    known = _Known(module.tokenizer, [prompt + text for text in dict.fromkeys(texts)])
    _hold(module, nn.EmbeddingBag.from_pretrained(whole.weight.detach()[known.tokens], freeze=False))
    # the instance's own, for the time being, in front of the class's
    module.preprocess = known.features  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.preprocess
        with torch.no_grad():
            whole.weight[known.tokens] = module.embedding.weight.to(whole.weight.device)
        _hold(module, whole)


def _hold(module: StaticEmbedding, table: nn.EmbeddingBag) -> None:
    module.embedding = table
    module.num_embeddings = table.num_embeddings


@final
class _Known:
    """Tokens of some texts, numbered as they are used.

    Attributes:
        tokens: (t,) int64, the tokenizer's number of each token.
    """

    def __init__(self, tokenizer: Tokenizer, texts: list[str]) -> None:
        """Tokenise every text."""
        found = [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]
        flat = torch.tensor(list(chain.from_iterable(found)), dtype=torch.int64)
        self.tokens, places = torch.unique(flat, return_inverse=True)
        parts = torch.split(places, [len(ids) for ids in found])
        self._ids: dict[str, Tensor] = dict(zip(texts, parts, strict=True))

    def features(self, inputs: Sequence[str], prompt: str | None = None, **_: Any) -> dict[str, Tensor]:
        """What the table takes, as the model's own preprocessing gives it.

        Raises: MatryoError for a text that was not named before.
        """
        try:
            ids = [self._ids[(prompt or "") + text] for text in inputs]
        except KeyError as error:
            raise MatryoError(
                f"a text that is not of this training was to be embedded: {str(error.args[0])[:60]!r}; name it "
                "when the training begins"
            ) from None
        ends = torch.tensor([0, *map(len, ids)]).cumsum(0)
        return {"input_ids": torch.cat(ids), "offsets": ends[:-1]}
