"""The corpus of the search benches: MiniLM vectors of every text of three collections, and rows made from them.

    python bench/search_corpus.py --data ../shared/data
    python bench/search_corpus.py --data ../shared/data --rows 1000000

Texts: synopses and descriptions of debian-descriptions, questions and answers of medquad, docstrings and sources of
the running Python's own library; equal texts count once. Queries are drawn from what people write to find something
(synopses, questions, docstrings) and taken out of the corpus, half to calibrate on, half to verify with.

Made rows (`--rows`) are no copies: each is a real row moved by a part of the way between two other real rows that are
neighbours, so that what lies near a row differs from it as real neighbours differ. `bench/funnel.py --compare` shows
survivors and shortlists on as many made as real rows side by side.
"""

import argparse
import csv
import gzip
import tarfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from machine import print_header
from matryo.data.stdlib import stdlib_pairs
from matryo.data.texts import Texts
from matryo.embeddings import EmbeddingSet
from matryo.encoders import encode_to_set, load_encoder
from matryo.prefix import unit_rows

MAX_TOKENS = 128
N_QUERIES = 3_000
ASKING = ("synopsis", "question", "docstring")
WORK = Path("runs/search-corpus")
N_NEIGHBOURS = 10
N_DIFFERENCES = 20_000  # rows whose neighbours lend the ways to move
PART = (0.0, 0.8)
_SAME = 0.9999
_BLOCK = 1 << 12


def debian_texts(data: Path) -> Iterator[tuple[str, str, str]]:
    """Id, kind and text of every synopsis and description."""
    with gzip.open(data / "debian-descriptions" / "pairs.tsv.gz", "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE):
            for kind in ("synopsis", "description"):
                yield f"debian/{row['debian_package']}/{kind}", kind, row[kind]


def medquad_texts(data: Path) -> Iterator[tuple[str, str, str]]:
    """Id, kind and text of every question and answer."""
    with tarfile.open(data / "medquad" / "MedQuAD-xml.tar.gz") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name.endswith(".xml") else None
            if stream is None:
                continue
            root = ElementTree.fromstring(stream.read())
            for pair in root.iter("QAPair"):
                for kind in ("question", "answer"):
                    text = pair.findtext(kind.capitalize()) or ""
                    yield f"medquad/{member.name.removesuffix('.xml')}/{pair.get('pid')}/{kind}", kind, text


def stdlib_texts() -> Iterator[tuple[str, str, str]]:
    """Id, kind and text of every docstring and source."""
    for number, pair in enumerate(stdlib_pairs().pairs):
        yield f"stdlib/{number}/docstring", "docstring", pair.query
        yield f"stdlib/{number}/source", "source", pair.document


@dataclass(frozen=True)
class Corpus:
    """Vectors to search and queries to search with, all of one space.

    Attributes:
        documents: the corpus, on disk.
        calibrating: (n, width) float32 queries that plans may be made from.
        verifying: (m, width) float32 other queries, that results are stated of.
    """

    documents: EmbeddingSet
    calibrating: NDArray[np.float32]
    verifying: NDArray[np.float32]


def collect(data: Path) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Corpus and queries as (id, text), each text once, in an order that a seed decides."""
    seen: dict[str, tuple[str, str]] = {}
    for part in (debian_texts(data), medquad_texts(data), stdlib_texts()):
        for name, kind, text in part:
            words = " ".join(text.split())
            if words and words not in seen:
                seen[words] = (name, kind)
    texts = [(name, words, kind) for words, (name, kind) in seen.items()]
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = [texts[row] for row in order]
    asking = [row for row, (_, _, kind) in enumerate(shuffled) if kind in ASKING][:N_QUERIES]
    taken = set(asking)
    corpus = [(name, words) for row, (name, words, _) in enumerate(shuffled) if row not in taken]
    return corpus, [shuffled[row][:2] for row in asking]


def encoded_corpus(data: Path, work: Path) -> Corpus:
    """The real corpus; what is encoded already is read."""
    place = work / "real"
    if not (place / "queries" / "manifest.json").is_file():
        corpus, queries = collect(data)
        encoder = load_encoder("minilm", max_tokens=MAX_TOKENS)
        for part, texts in (("documents", corpus), ("queries", queries)):
            # the same prompt for both, MiniLM has none
            held = Texts.of([name for name, _ in texts], [text for _, text in texts], name=part)
            encode_to_set(encoder, held, place / part, shard_rows=1 << 14, progress=True)
    queries_set = EmbeddingSet.open(place / "queries").to_numpy()
    half = len(queries_set) // 2
    return Corpus(EmbeddingSet.open(place / "documents"), queries_set[:half], queries_set[half:])


def neighbours(rows: NDArray[np.float32], some: NDArray[np.int64]) -> NDArray[np.int64]:
    """The nearest other rows of some rows, (len(some), N_NEIGHBOURS); those of equal texts as encoded do not count."""
    found = np.empty((len(some), N_NEIGHBOURS), dtype=np.int64)
    for first in range(0, len(some), _BLOCK):
        asked = some[first : first + _BLOCK]
        scores = torch.from_numpy(rows[asked]) @ torch.from_numpy(rows).T
        scores[scores > _SAME] = -1.0
        found[first : first + _BLOCK] = scores.topk(N_NEIGHBOURS, dim=1).indices.numpy()
    return found


def make_rows(real: NDArray[np.float32], n: int, seed: int = 0) -> NDArray[np.float32]:
    """Rows made from real ones: (n, width) float32 of length 1.

    Args:
        real: (m, width) float32 of length 1.
        n: rows to make.
        seed: of every draw.
    """
    rng = np.random.default_rng(seed)
    some = rng.choice(len(real), min(N_DIFFERENCES, len(real)), replace=False)
    near = neighbours(real, some)
    made = np.empty((n, real.shape[1]), dtype=np.float32)
    for first in range(0, n, _BLOCK):
        rows = made[first : first + _BLOCK]
        pair = rng.integers(len(some), size=len(rows))
        difference = real[near[pair, rng.integers(N_NEIGHBOURS, size=len(rows))]] - real[some[pair]]
        part = rng.uniform(*PART, size=(len(rows), 1)).astype(np.float32)
        rows[...] = unit_rows(real[rng.integers(len(real), size=len(rows))] + part * difference)
    return made


def made_corpus(real: Corpus, n: int, work: Path) -> Corpus:
    """The same queries over made rows; what is made already is read."""
    place = work / f"made-{n}"
    if not (place / "manifest.json").is_file():
        space, ids = real.documents.space, [str(row) for row in range(n)]
        EmbeddingSet.from_numpy(place, make_rows(real.documents.to_numpy(), n), ids, space=space, shard_rows=1 << 16)
    return Corpus(EmbeddingSet.open(place), real.calibrating, real.verifying)


def main() -> None:
    """Encode what is missing and say what there is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds debian-descriptions and medquad")
    parser.add_argument("--work", type=Path, default=WORK, help="where vectors are kept")
    parser.add_argument("--rows", type=int, default=0, help="also make so many rows")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print_header(precision="bf16 where the processor has it")
    corpus = encoded_corpus(arguments.data, arguments.work)
    print(
        f"{corpus.documents.n_rows:,} x {corpus.documents.width} vectors; {len(corpus.calibrating):,} queries to "
        f"calibrate on, {len(corpus.verifying):,} to verify with"
    )
    if arguments.rows:
        print(f"{made_corpus(corpus, arguments.rows, arguments.work).documents.n_rows:,} made rows")


if __name__ == "__main__":
    main()
