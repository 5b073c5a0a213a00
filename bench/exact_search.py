"""Exact top-k at several dims in one pass against FAISS IndexFlatIP, once at full width and once per dim.

    python bench/exact_search.py --docs 100000 --queries 1000 --dims 96,192,384,768 --k 100 --threads 2

Both sides search in turns within one process on as many threads. FAISS gets cut, renormalised vectors, added untimed.
Ours gets the matrix as it is and scales it within the measured time; in the rows "scaled before" that, too, is untimed.
"""

import argparse
import statistics
import threading
import time
from collections.abc import Callable
from typing import Any

import faiss
import numpy as np
import psutil
import torch

from machine import print_header
from matryo.hits import Hits
from matryo.prefix import cut, unit_rows
from matryo.search import ScaledRows, search_dim, search_prefixes

TIE = 1e-6


def make_data(kind: str, n_documents: int, n_queries: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Queries and documents, float32 rows of length 1.

    Args:
        kind: "random" directions; "clustered", 1,000 topics whose variance falls with the column and queries near
            documents, as embeddings are; or the path of a .npy whose last rows become the queries.
        n_documents: documents, at most what a file holds.
        n_queries: queries.
        width: numbers per row; a file has its own.
    """
    rng = np.random.default_rng(0)
    if kind == "random":
        draw = rng.standard_normal((n_documents + n_queries, width), dtype=np.float32)
    elif kind == "clustered":
        falling = (1.0 + np.arange(width, dtype=np.float32)) ** -0.35
        topics = rng.standard_normal((1000, width), dtype=np.float32)
        documents = topics[rng.integers(0, 1000, n_documents)]
        documents += 0.9 * rng.standard_normal(documents.shape, dtype=np.float32)
        queries = documents[rng.integers(0, n_documents, n_queries)]
        draw = np.concatenate([documents, queries + 0.5 * rng.standard_normal(queries.shape, dtype=np.float32)])
        draw *= falling
    else:
        draw = np.load(kind, mmap_mode="r")[-(n_documents + n_queries) :].astype(np.float32)
    unit = unit_rows(draw)
    return np.ascontiguousarray(unit[-n_queries:]), np.ascontiguousarray(unit[:-n_queries])


def flat_index(documents: np.ndarray, dim: int) -> Any:
    """FAISS index over the documents cut to `dim`."""
    index = faiss.IndexFlatIP(dim)
    index.add(np.ascontiguousarray(cut(documents, dim)))
    return index


def extra_bytes(call: Callable[[], Any]) -> int:
    """Memory of the process beyond that before the call, at its highest, sampled every 2 ms."""
    process, done, seen = psutil.Process(), threading.Event(), []

    def watch() -> None:
        while not done.wait(0.002):
            seen.append(process.memory_info().rss)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    call()
    done.set()
    watcher.join()
    return max([before, *seen]) - before


def agreement(hits: Hits, rows: np.ndarray, queries: np.ndarray, documents: np.ndarray) -> tuple[float, int, int]:
    """Share of places with the same row; number of other places, and of those where both rows tie within 1e-6.

    Args:
        hits: ours.
        rows: (n, k) of FAISS.
        queries: (n, dim) cut.
        documents: (m, dim) cut.
    """
    query, place = np.nonzero(hits.rows != rows)
    left = queries[query].astype(np.float64)
    ours, theirs = (
        np.einsum("ij,ij->i", left, documents[found[query, place]].astype(np.float64)) for found in (hits.rows, rows)
    )
    return 1.0 - len(query) / rows.size, len(query), int((np.abs(ours - theirs) < TIE).sum())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--docs", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--dims", default="96,192,384,768")
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--data", default="random", help="random, clustered or the path of a .npy file")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    faiss.omp_set_num_threads(args.threads)
    queries, documents = make_data(args.data, args.docs, args.queries, args.width)
    width = documents.shape[1]
    dims = tuple(sorted(int(d) for d in args.dims.split(",")))
    indexes = {dim: flat_index(documents, dim) for dim in {*dims, width}}
    cut_queries = {dim: np.ascontiguousarray(cut(queries, dim)) for dim in indexes}

    def ours() -> dict[int, Hits]:
        return search_prefixes(queries, documents, dims, args.k, threads=args.threads)

    together = ScaledRows.of(documents, dims)

    def per_dim() -> None:
        for dim in dims:
            indexes[dim].search(cut_queries[dim], args.k)

    full = "FAISS once, full width"
    calls: dict[str, Callable[[], Any]] = {
        full: lambda: indexes[width].search(cut_queries[width], args.k),
        f"ours, one pass, {len(dims)} dims": ours,
        f"ours, scaled before, {len(dims)} dims": lambda: search_prefixes(
            queries, together, dims, args.k, threads=args.threads
        ),
        f"FAISS once per dim, {len(dims)} dims": per_dim,
    }
    for dim in dims:
        calls[f"FAISS, dim {dim}"] = lambda dim=dim: indexes[dim].search(cut_queries[dim], args.k)
        calls[f"search_dim {dim}"] = lambda dim=dim: search_dim(queries, documents, dim, args.k, threads=args.threads)
        scaled = ScaledRows.of(documents, (dim,))
        calls[f"search_dim {dim}, scaled before"] = lambda dim=dim, scaled=scaled: search_dim(
            queries, scaled, dim, args.k, threads=args.threads
        )
    memory = {name: extra_bytes(call) for name, call in calls.items()}  # warms up as well
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(args.runs):
        for name, call in calls.items():
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)

    print_header()
    print(f"{len(documents)} documents x {width} ({args.data}), {len(queries)} queries, k {args.k}, dims {args.dims}")
    print(f"median of {args.runs} alternating runs; ratio to FAISS at full width run by run; peak extra memory\n")
    print(f"{'what':<34}{'seconds':>9}{'min':>8}{'ratio':>8}{'MiB':>8}")
    for name, seconds in times.items():
        ratio = statistics.median(a / b for a, b in zip(seconds, times[full], strict=True))
        print(
            f"{name:<34}{statistics.median(seconds):>9.3f}{min(seconds):>8.3f}{ratio:>8.2f}{memory[name] / 2**20:>8.0f}"
        )
    print(f"\n{'dim':<6}{'same rows':>12}{'other rows':>12}{'of them ties < 1e-6':>22}")
    for dim, hits in ours().items():
        rows = indexes[dim].search(cut_queries[dim], args.k)[1]
        share, n_other, n_ties = agreement(hits, rows, cut_queries[dim], cut(documents, dim))
        print(f"{dim:<6}{share:>12.4%}{n_other:>12}{n_ties:>22}")


if __name__ == "__main__":
    main()
