"""Encoding real documents with MiniLM: ours against `SentenceTransformer.encode`, each in fp32 and in bf16.

Run `python bench/encode.py`. The documents are functions of the standard library, or the lines of a file
(`--texts FILE`). All sides encode the same documents with one model in one process and take turns; a ratio is taken
within each turn. The smallest cosine compares every row with what sentence-transformers gives in fp32.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from machine import print_header
from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import ModelEncoder, load_encoder
from matryo.maps.precision import multiplies_bf16
from matryo.prefix import unit_rows

THEIRS, THEIRS_BF16 = (
    "SentenceTransformer.encode (fp32, batch 32)",
    "SentenceTransformer.encode (bf16, batch 32)",
)
OURS, OURS_BF16 = "matryo, fp32", "matryo, bf16"
Encode = Callable[[list[str]], NDArray[np.float32]]


def documents(path: Path | None, n: int) -> list[str]:
    """Lines of a file, or functions of the standard library: n of them, evenly spread."""
    if path is None:
        found = [pair.document for pair in stdlib_pairs().pairs]
    else:
        found = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    step = max(1.0, len(found) / n)
    return [found[int(place * step)] for place in range(min(n, len(found)))]


def sides() -> dict[str, Encode]:
    """The four ways of encoding, all with the same weights."""
    wide = load_encoder("minilm", device="cpu", precision="fp32")
    narrow = ModelEncoder(wide.model, name="minilm", device="cpu", precision="bf16")
    theirs_bf16 = copy.deepcopy(wide.model).to(torch.bfloat16)
    return {
        THEIRS: lambda texts: wide.model.encode(texts, show_progress_bar=False),
        THEIRS_BF16: lambda texts: theirs_bf16.encode(texts, show_progress_bar=False),
        OURS: wide.encode,
        OURS_BF16: narrow.encode,
    }


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=Path, help="a file with one document per line")
    parser.add_argument("--docs", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print_header(precision="fp32 and bf16, as the rows say")
    print(f"bf16 in hardware: {'yes' if multiplies_bf16(torch.device('cpu')) else 'no'}")

    texts = documents(arguments.texts, arguments.docs)
    ways = sides()
    for encode in ways.values():
        encode(texts[:64])
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    vectors: dict[str, NDArray[np.float32]] = {}
    for _ in range(arguments.rounds):
        for name, encode in ways.items():
            started = time.perf_counter()
            vectors[name] = unit_rows(encode(texts))
            seconds[name].append(time.perf_counter() - started)

    print(f"{len(texts):,} documents, {arguments.rounds} rounds, medians")
    print(f"{'':<46}{'docs/s':>8}{'x theirs fp32':>15}{'x theirs bf16':>15}{'smallest cosine':>17}")
    for name in ways:
        rate = len(texts) / statistics.median(seconds[name])
        gains = [
            statistics.median(base / mine for base, mine in zip(seconds[other], seconds[name], strict=True))
            for other in (THEIRS, THEIRS_BF16)
        ]
        cosine = float((vectors[name] * vectors[THEIRS]).sum(axis=1).min())
        print(f"{name:<46}{rate:>8.1f}{gains[0]:>15.2f}{gains[1]:>15.2f}{cosine:>17.5f}")


if __name__ == "__main__":
    main()
