"""Collections: folder trees of chunked documents kept encoded, one embedding set per folder."""

from matryo.collections.encode import EncodedFolder, encode_folder, is_tree
from matryo.collections.summary import CollectionSummary

__all__ = ["CollectionSummary", "EncodedFolder", "encode_folder", "is_tree"]
