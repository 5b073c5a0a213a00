"""Embedding sets: vectors of one space with their ids in a folder, any prefix readable without the rest."""

from matryo.embeddings.build import build_set
from matryo.embeddings.embedding_set import EmbeddingSet
from matryo.embeddings.plan import block_edges
from matryo.embeddings.texts_like import TextsLike
from matryo.embeddings.vectors import ArrayVectors, Vectors, as_vectors
from matryo.embeddings.verify import verify_set

__all__ = [
    "ArrayVectors",
    "EmbeddingSet",
    "TextsLike",
    "Vectors",
    "as_vectors",
    "block_edges",
    "build_set",
    "verify_set",
]
