"""Seconds and memory to convert a generated collection in the official MS MARCO layout, and to read it back.

Each step runs in a process of its own, so that its peak of resident memory is its own. The official collection has
8,841,823 passages; the numbers of this one are near it in everything but their count.
"""

import argparse
import gzip
import io
import multiprocessing
import platform
import resource
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from machine import print_header
from matryo.data.msmarco import prepare_msmarco
from matryo.data.processed import read_processed

WORDS = 56  # mean length of a passage
N_WORDS = 50_000  # different words
BLOCK = 10_000  # passages drawn at once
DEV, TRAIN_SHARE = 6_980, 0.057  # judged queries: as officially; per passage: 502,939 of 8,841,823
UNJUDGED = 1.6  # train queries in all, per judged one: 808,731 of 502,939


def vocabulary(rng: np.random.Generator) -> np.ndarray:
    """Made-up words of 1 to 12 letters."""
    letters = np.array(list("etaoinshrdlucmfwypvbgkqjxz"))
    weights = 1 / np.arange(1, len(letters) + 1)
    lengths = np.clip(rng.poisson(4.6, N_WORDS) + 1, 1, 12)
    return np.array(["".join(rng.choice(letters, n, p=weights / weights.sum())) for n in lengths], dtype=object)


def texts(n: int, mean: float, words: np.ndarray, rng: np.random.Generator) -> Iterator[str]:
    """Texts of words drawn with the frequencies of a natural language, about 1 / rank."""
    cumulative = np.cumsum(1 / np.arange(1, len(words) + 1))
    for start in range(0, n, BLOCK):
        lengths = np.clip(rng.poisson(mean, min(BLOCK, n - start)), 1, None)
        drawn = words[np.searchsorted(cumulative, rng.random(lengths.sum()) * cumulative[-1])]
        ends = np.cumsum(lengths)
        for begin, end in zip(ends - lengths, ends, strict=True):
            yield " ".join(drawn[begin:end])


def generate(folder: Path, n: int, seed: int) -> None:
    """Write the official files."""
    rng = np.random.default_rng(seed)
    words = vocabulary(rng)
    with (folder / "collection.tsv").open("w", encoding="utf-8") as target:
        target.writelines(f"{pid}\t{text}\n" for pid, text in enumerate(texts(n, WORDS, words, rng)))
    n_dev = min(DEV, max(1, n // 100))
    for split, first, judged in (("train", 0, max(1, int(n * TRAIN_SHARE))), ("dev", 2_000_000, n_dev)):
        n_queries = int(judged * UNJUDGED) if split == "train" else judged
        with (folder / f"queries.{split}.tsv").open("w", encoding="utf-8") as target:
            target.writelines(f"{first + i}\t{text}\n" for i, text in enumerate(texts(n_queries, 6, words, rng)))
        with (folder / f"qrels.{split}.tsv").open("w", encoding="utf-8") as target:
            target.writelines(f"{first + i}\t0\t{pid}\t1\n" for i, pid in enumerate(rng.integers(0, n, judged)))


def pack(folder: Path) -> None:
    """Move the files into `collectionandqueries.tar.gz`."""
    with (
        gzip.open(folder / "collectionandqueries.tar.gz", "wb", compresslevel=3) as stream,
        tarfile.open(fileobj=stream, mode="w|", bufsize=io.DEFAULT_BUFFER_SIZE * 16) as tar,
    ):
        for path in sorted(folder.glob("*.tsv")):
            tar.add(path, path.name)
            path.unlink()


def apart(work: Callable[[], str]) -> tuple[float, float, str]:
    """Run in a process of its own; gives seconds, peak resident MiB and what the work says."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def run() -> None:
        started = time.perf_counter()
        said = work()
        unit = 2**20 if platform.system() == "Darwin" else 2**10
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
        theirs.send((time.perf_counter() - started, peak, said))

    process = context.Process(target=run)
    process.start()
    theirs.close()
    measured = ours.recv()
    process.join()
    return measured


def main() -> None:
    """Generate, convert, convert again, read back, convert from an archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    n = arguments.passages
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        raw, out, of_archive = (Path(temporary, name) for name in ("raw", "out", "out-of-archive"))
        raw.mkdir()

        def size() -> str:
            return f"{sum(p.stat().st_size for p in raw.iterdir()) / 2**20:,.0f} MiB"

        def read(split: str) -> str:
            task = read_processed(out, split)
            return f"{len(task.documents):,} passages, {len(task.queries):,} queries, {task.n_judgements:,} judgements"

        def stream() -> str:
            task = read_processed(out, "dev")
            return f"{sum(t.text.count(' ') + 1 for t in task.documents) / len(task.documents):.1f} words per passage"

        steps: dict[str, Callable[[], str]] = {
            "nothing": lambda: "what a process of this script has from the start",
            "generate": lambda: generate(raw, n, arguments.seed) or size(),
            "prepare, plain files": lambda: "; ".join(prepare_msmarco(raw, out)),
            "prepare again": lambda: f"{len(prepare_msmarco(raw, out))} notes, nothing made",
            "read_processed, dev": lambda: read("dev"),
            "read_processed, train": lambda: read("train"),
            "read and stream once": stream,
            "pack": lambda: pack(raw) or size(),
            "prepare, one archive": lambda: f"{len(prepare_msmarco(raw, of_archive))} notes",
        }
        apart(lambda: print_header() or "")  # apart: it imports torch, which every later process would begin with
        print(f"{n:,} passages, seed {arguments.seed}\n")
        print(f"{'step':<24}{'seconds':>9}{'passages/s':>12}{'peak MiB':>10}   what")
        for name, work in steps.items():
            seconds, peak, said = apart(work)
            print(f"{name:<24}{seconds:>9.1f}{n / seconds:>12,.0f}{peak:>10.0f}   {said}", flush=True)
        same = all(p.read_bytes() == (of_archive / p.name).read_bytes() for p in out.iterdir() if p.suffix != ".json")
        print(f"\nplain files and archive give the same files: {same}")


if __name__ == "__main__":
    main()
