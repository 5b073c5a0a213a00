"""Queries that an index is calibrated with: a set of vectors, texts that are encoded, or rows of the set itself."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.encoders import Encoder
from matryo.errors import MatryoError, SpaceError
from matryo.experiments.encoding import texts_of_role, truncation_note
from matryo.experiments.index_build import MAX_SAMPLE, rows_as_queries
from matryo.experiments.settings import ModelSettings
from matryo.files import digest_bytes
from matryo.maps import compatible, imitated_id
from matryo.prefix import Array
from matryo.space import Space, same_space

_MANIFEST = "manifest.json"
_ROWS = "rows of the set"
_DIGEST_LETTERS = 16


@dataclass(frozen=True, eq=False)
class Calibration:
    """Sample queries.

    Attributes:
        queries: (n, width) float32.
        own_rows: (n,) the row that each is, None if they are no rows of the set.
        source: where they are from.
        texts: `text_digest` of each that has a text.
        notes: what a reader must know, one sentence each.
    """

    queries: Array
    own_rows: NDArray[np.int64] | None
    source: str
    texts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, str | int]:
        """What they were, as JSON values."""
        digest = digest_bytes(np.ascontiguousarray(self.queries, dtype=np.float32).tobytes())
        return {"queries": self.source, "n": len(self.queries), "digest": digest}


def text_digest(text: str) -> str:
    """A short digest by which a query is known again.

    >>> text_digest("how")
    '8044aae1f86875d9'
    """
    return digest_bytes(text.encode())[:_DIGEST_LETTERS]


def load_model(model: ModelSettings, documents: str, space: Space) -> tuple[Encoder, tuple[str, ...]]:
    """Load the model whose questions some vectors answer.

    Native vectors answer the model that made them and no other. Vectors that a translator made answer the model that
    they imitate, cut to their width where they are narrower; that this mixes two spaces is said in a note.

    Args:
        model: with a name.
        documents: what the vectors are called in messages.
        space: where they lie.

    Returns: an encoder as wide as the vectors, and what a reader must know, one sentence each.
    Raises: MatryoError if there is no such model; SpaceError if it is neither the one that made the vectors nor the
        one that they imitate, e.g. the one whose vectors were translated.
    """
    # imported here: torch takes seconds, and the check of a model's name comes first
    from matryo.encoders import cut_encoder

    encoder = model.load()
    imitated = imitated_id(space)
    if imitated is None or encoder.space.id == space.id:
        same_space(encoder.space, space, f"the model {model.name} and {documents}")
        return encoder, ()
    if encoder.space.id != imitated:
        before = replace(space, maps=space.maps[:-1], width=encoder.space.width)
        if encoder.space == before:
            raise SpaceError(
                f"{documents} holds vectors translated away from those of {model.name}, which lie in another space; "
                f"ask with the model of the space {imitated[:12]} that they imitate"
            )
        raise SpaceError(
            f"{documents} holds vectors that imitate the space {imitated[:12]}, got the model {model.name} of the "
            f"space {encoder.space.id[:12]}; ask with the model that they imitate"
        )
    width = compatible(space, encoder.space)
    note = f"the vectors of {documents} were made by a translator and only imitate those of {model.name}"
    return cut_encoder(encoder, width), (note,)


def calibration_queries(
    documents: EmbeddingSet, given: Path | None, model: ModelSettings | None, *, seed: int = 0, progress: bool = False
) -> Calibration:
    """Sample queries, at most 2,000 of them.

    Args:
        documents: the set that is indexed.
        given: a set of queries, a retrieval folder, "stdlib" or a file of texts; None = rows of the set stand in.
        model: encodes texts; not needed for vectors.
        seed: of the draw, where there are more.
        progress: show rate and time left while texts are encoded.

    Raises: MatryoError if a set holds no queries or texts have no model; SpaceError if vectors lie in another space;
        FormatError if there is nothing to read.
    """
    if given is None:
        queries, rows = rows_as_queries(documents, seed=seed)
        note = f"{len(rows):,} rows of the set stand in for queries, which may need longer shortlists: give --queries"
        return Calibration(queries, rows, _ROWS, notes=(note,))
    if (given / _MANIFEST).exists():
        return _of_set(documents, given, seed)
    if model is None:
        raise MatryoError(f"{given} has texts, which need the model of {documents.folder}; name it with --model")
    texts = [text.text for text in texts_of_role(given, "query")]
    chosen, notes = _drawn(len(texts), seed)
    asked = [texts[row] for row in chosen.tolist()]
    encoder, said = load_model(model, str(documents.folder), documents.space)
    vectors = encoder.encode(asked, "query", progress=progress)
    digests = tuple(sorted(map(text_digest, asked)))
    return Calibration(vectors, None, _where(given), digests, (*said, *notes, *truncation_note(encoder)))


def _of_set(documents: EmbeddingSet, folder: Path, seed: int) -> Calibration:
    queries = EmbeddingSet.open(folder, space=documents.space)
    if queries.role != "query":
        raise MatryoError(
            f"{folder} holds {queries.role}s, sample queries must be a set of role query; "
            "make it with matryo encode --role query"
        )
    rows, notes = _drawn(queries.n_rows, seed)
    stored = queries.texts()
    digests = () if stored is None else tuple(sorted(text_digest(stored[row]) for row in rows.tolist()))
    return Calibration(queries.take(rows, 0, queries.width), None, _where(folder), digests, notes)


def _drawn(n: int, seed: int) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Numbers of at most 2,000 of n queries, rising, and a note if some are left out."""
    rows = np.sort(np.random.default_rng(seed).permutation(n)[:MAX_SAMPLE]).astype(np.int64)
    left_out = n - len(rows)
    return rows, (f"{len(rows):,} of {n:,} queries are used to calibrate",) if left_out else ()


def _where(path: Path) -> str:
    return str(path.resolve()) if path.exists() else str(path)
