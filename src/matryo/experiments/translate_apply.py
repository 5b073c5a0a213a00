"""`matryo translate apply`: a set of one model's vectors into a set that imitates another model's."""

from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from matryo.embeddings import EmbeddingSet
from matryo.embeddings.plan import Plan, block_edges, read_plan
from matryo.embeddings.shards import SHARD_ROWS
from matryo.embeddings.writing import Content, fill
from matryo.errors import MatryoError
from matryo.experiments.translation_note import TranslationNote, model_name, note_translation
from matryo.files import digest_json
from matryo.maps import AffineMap, Map, MlpMap, load_map, translated
from matryo.prefix import Array


def apply_map(
    fitted: Path | Map,
    source: Path,
    out: Path,
    *,
    dtype: str | None = None,
    as_native: bool = False,
    toward_name: str = "",
    shard_rows: int = SHARD_ROWS,
    progress: bool = False,
) -> EmbeddingSet:
    """Translate a set, shard by shard, into a set of its own; the same call goes on where a killed one was.

    Ids, order, role and texts are those of the source; the space is the map's target, which tells whom the vectors
    imitate and that they are not native. A note beside it names the model it comes from, where known, and the map.

    Args:
        fitted: the map, or its folder.
        source: folder of the set to translate.
        out: folder of the new set.
        dtype: numbers on disk, "float32" or "float16"; None = as the source has them.
        as_native: take vectors that only imitate the map's source as if they were native, for a chain of maps.
        toward_name: name of the model that is imitated, for the note; "" if unknown.
        shard_rows: rows per shard.
        progress: show rate and time left.

    Raises: SpaceError if the set lies in another space than the map reads, e.g. in the one it leads toward, or was
        encoded by another revision of the model; MatryoError if `out` holds another set.
    """
    chosen = fitted if isinstance(fitted, Map) else load_map(fitted)
    given = EmbeddingSet.open(source)
    mapped = translated(chosen, given, as_native=as_native)
    if out.resolve() == given.folder.resolve():
        raise MatryoError(f"{out} is the set to translate itself; name another folder for the translated one")
    keep_texts = read_plan(given.folder).keep_texts
    plan = Plan(
        # the rows are decided by the generation that is read and by the map, whose digest the space holds
        input_digest=digest_json({"set": given.digest, "space": chosen.target.id}),
        n_rows=given.n_rows,
        shard_rows=shard_rows,
        space=chosen.target,
        role=given.role,
        prompt=given.prompt,
        batch_rule="rows of a shard, mapped",
        dtype=dtype or given.dtype,
        keep_texts=keep_texts,
        edges=block_edges(chosen.target.width),
    )

    def contents() -> Iterator[Content]:
        ids, texts = given.ids(), given.id_texts() if keep_texts else None

        def vectors(first: int, last: int) -> Array:
            return mapped.read(slice(first, last), 0, mapped.width)

        for first, last in plan.shards:
            words = None if texts is None else [text for _, text in islice(texts, last - first)]
            yield Content(ids[first:last], words, partial(vectors, first, last))

    fill(out, plan, contents, given.ids, progress=progress)
    # of vectors that a map made before this one no model is noted: it would be the wrong one
    note_translation(out, TranslationNote.of(chosen, model_name(given.folder, given.space.id), toward_name))
    return EmbeddingSet.open(out, space=chosen.target)


def described(fitted: Map) -> str:
    """A map in a few words: kind and widths, and whom it imitates.

    >>> from matryo.space import Space
    >>> import numpy as np
    >>> eye = np.eye(2, dtype=np.float32)
    >>> described(AffineMap(eye, np.zeros(2, np.float32), Space("a", 2), Space("b", 2), "ridge"))[:15]
    'ridge, 2 -> 2, '
    """
    toward = f", imitates the space {fitted.toward.id[:12]}" if isinstance(fitted, AffineMap | MlpMap) else ""
    return f"{fitted.kind}, {fitted.source.width} -> {fitted.target.width}{toward}"
