"""From texts to an embedding set, in the memory of one shard."""

from pathlib import Path

from matryo.embeddings import EmbeddingSet, TextsLike, build_set
from matryo.encoders.base import Encoder, Role, check_role
from matryo.prefix import Array
from matryo.progress import progress as show_progress

_SHARD_ROWS = 8192


def encode_to_set(
    encoder: Encoder,
    texts: TextsLike,
    folder: Path | str,
    *,
    role: Role = "document",
    dtype: str = "float32",
    shard_rows: int = _SHARD_ROWS,
    keep_texts: bool = False,
    progress: bool = False,
) -> EmbeddingSet:
    """Encode texts into a set, resumable shard by shard.

    How many texts were longer than the model reads stands in `encoder.truncated` afterwards; shards kept from an
    earlier, interrupted run are not encoded again and not counted.

    Args:
        encoder: any encoder.
        texts: ids and texts, read several times and never held all at once.
        folder: where the set goes; an interrupted run is taken up there.
        role: which prompt to use; recorded in the set.
        dtype: "float32" or "float16", as stored.
        shard_rows: texts per shard, the unit of memory and of resuming.
        keep_texts: store the texts beside the ids.
        progress: show rate and time left on stderr.

    Returns: the set.
    Raises: MatryoError if the folder holds another set, an id occurs twice or the disk is full; see `build_set`.
    """
    check_role(role)
    total = len(texts) if progress else None
    with show_progress(f"encode {role} texts", total, "texts", shown=progress) as advance:

        def encode(shard: list[str]) -> Array:
            return encoder.encode(shard, role, progress=advance)

        return build_set(
            folder,
            texts,
            encode,
            space=encoder.space,
            role=role,
            prompt=encoder.prompt(role),
            batch_rule=encoder.batch_rule,
            dtype=dtype,
            shard_rows=shard_rows,
            keep_texts=keep_texts,
        )
