"""Encoding texts into a set in bounded memory, resumable at every shard."""

from collections.abc import Callable
from pathlib import Path

from matryo.embeddings.embedding_set import EmbeddingSet
from matryo.embeddings.plan import Plan, block_edges
from matryo.embeddings.shards import SHARD_ROWS
from matryo.embeddings.texts_like import TextsLike
from matryo.embeddings.writing import fill, from_texts
from matryo.prefix import Array
from matryo.space import Space


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

    contents = from_texts(texts, encode, plan.shards, keep_texts)
    fill(Path(folder), plan, contents, lambda: (row.id for row in texts), progress=progress)
    return EmbeddingSet.open(folder, space=space)
