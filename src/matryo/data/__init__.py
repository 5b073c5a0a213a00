"""Readers and makers of texts, pairs and retrieval tasks; whatever a reader leaves out stands in its notes."""

from matryo.data.beir import read_beir, write_beir
from matryo.data.candidates import read_candidates
from matryo.data.hotpotqa import read_hotpotqa, read_passages
from matryo.data.lines import read_lines
from matryo.data.masking import mask_pairs, share_with_name
from matryo.data.msmarco import prepare_msmarco, read_collection, read_qrels, read_queries
from matryo.data.open import open_retrieval, open_texts
from matryo.data.pair_files import read_pairs
from matryo.data.pair_lines import write_pairs
from matryo.data.pairs import Pair, Pairs
from matryo.data.processed import read_processed, write_processed
from matryo.data.retrieval import Retrieval
from matryo.data.smart import read_smart
from matryo.data.split import split_groups, split_pairs
from matryo.data.stdlib import stdlib_pairs
from matryo.data.texts import Text, Texts
from matryo.data.toy import Toy, toy, write_toy
from matryo.data.trec import read_trec

__all__ = [
    "Pair",
    "Pairs",
    "Retrieval",
    "Text",
    "Texts",
    "Toy",
    "mask_pairs",
    "open_retrieval",
    "open_texts",
    "prepare_msmarco",
    "read_beir",
    "read_candidates",
    "read_collection",
    "read_hotpotqa",
    "read_lines",
    "read_pairs",
    "read_passages",
    "read_processed",
    "read_qrels",
    "read_queries",
    "read_smart",
    "read_trec",
    "share_with_name",
    "split_groups",
    "split_pairs",
    "stdlib_pairs",
    "toy",
    "write_beir",
    "write_pairs",
    "write_processed",
    "write_toy",
]
