"""Stores: sets of vectors in engines of their own, Chroma and Milvus, searched at any dim that was pushed."""

from matryo.search.stores.base import Pushed, Store, StoreHits
from matryo.search.stores.chroma import ChromaStore
from matryo.search.stores.location import Location
from matryo.search.stores.milvus import MilvusStore
from matryo.search.stores.origin import Origin

__all__ = ["ChromaStore", "Location", "MilvusStore", "Origin", "Pushed", "Store", "StoreHits"]
