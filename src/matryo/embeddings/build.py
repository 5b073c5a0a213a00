"""Encoding texts into a set in bounded memory, resumable at every shard."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Protocol

from matryo.embeddings.embedding_set import EmbeddingSet
from matryo.embeddings.plan import Plan, block_edges
from matryo.embeddings.shards import SHARD_ROWS
from matryo.embeddings.writing import Content, fill
from matryo.prefix import Array
from matryo.space import Space


class TextLike(Protocol):
    """One text with its id."""

    @property
    def id(self) -> str:
        """Name of the text, unique among its kind."""

    @property
    def text(self) -> str:
        """What is encoded."""


class TextsLike(Protocol):
    """Texts that can be read any number of times, always in the same order."""

    def __iter__(self) -> Iterator[TextLike]:
        """Read from the start."""

    def __len__(self) -> int:
        """Number of texts."""

    def digest(self) -> str:
        """SHA-256 over every id and text."""


def build_set(
    folder: Path | str,
    texts: TextsLike,
    encode: Callable[[list[str]], Array],
    *,
    space: Space,
    role: str,
    prompt: str,
    batch_rule: str,
    dtype: str = "float32",
    shard_rows: int = SHARD_ROWS,
    keep_texts: bool = False,
    progress: bool = False,
) -> EmbeddingSet:
    """Encode texts into a set, shard by shard, in the memory of one shard.

    Killed and run again with the same arguments it keeps the shards that are whole and ends with the same bytes; on a
    finished set it returns at once.

    Args:
        folder: where the set goes; made if missing.
        texts: ids and texts, read several times.
        encode: gets all texts of one shard, returns (n, width) float, rows of length 1 if the space normalizes.
        space: space that `encode` leads into.
        role: "document" or "query".
        prompt: text that `encode` puts before every text, for the record.
        batch_rule: how `encode` makes batches, for the record; they may depend on the shard's texts only.
        dtype: "float32" or "float16", as stored.
        shard_rows: texts per shard.
        keep_texts: store the texts beside the ids.
        progress: show rate and time left, one step per shard.

    Returns: the set, opened.
    Raises: MatryoError if the folder holds another set, an id occurs twice, the texts change while they are read, the
        disk is full or another process writes there; ShapeError if `encode` returns what does not fit;
        FormatError if a shard kept from an earlier run is damaged.
    """
    plan = Plan(
        input_digest=texts.digest(),
        n_rows=len(texts),
        shard_rows=shard_rows,
        space=space,
        role=role,
        prompt=prompt,
        batch_rule=batch_rule,
        dtype=dtype,
        keep_texts=keep_texts,
        edges=block_edges(space.width),
    )

    def contents() -> Iterator[Content]:
        rows = iter(texts)
        for first, last in plan.shards:
            piece = list(islice(rows, last - first))
            words = [row.text for row in piece]
            yield Content([row.id for row in piece], words if keep_texts else None, partial(encode, words))

    fill(Path(folder), plan, contents, lambda: (row.id for row in texts), progress=progress)
    return EmbeddingSet.open(folder, space=space)
