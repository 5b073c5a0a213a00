"""Funnels against FAISS IndexFlatIP at full width: the exact one, the calibrated one, and opening a saved one.

    python bench/funnel.py --data ../shared/data
    python bench/funnel.py --data ../shared/data --rows 1000000
    python bench/funnel.py --data ../shared/data --compare

Corpus and queries are those of `search_corpus.py`; the rotation is fitted on the corpus. All sides search the same
queries in turns, single queries one side after the other; times are medians, ratios are of neighbouring runs. The
calibrated funnel is calibrated on other queries than those that its recall and its times are stated of. Funnels are
saved and loaded first: the vectors that they rescore with are mapped, not held.

`--compare` shows how many rows survive the exact bound, and how long a shortlist must be, at each dim, on the real rows
and on as many made ones.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import torch
from numpy.typing import NDArray

from machine import print_header
from matryo.evaluation.index_quality import neighbour_recall
from matryo.hits import Hits
from matryo.maps import fit_rotation
from matryo.measures.statistics import bootstrap_mean
from matryo.prefix import block, row_norms
from matryo.search import FunnelIndex, IndexFacts, calibrate
from search_corpus import WORK, Corpus, encoded_corpus, made_corpus

K = 10
BATCH = 1_000
TIE = 1e-6
Search = Callable[[NDArray[np.float32]], Any]

OPEN = """
import sys, time
import numpy as np
import torch
torch.set_num_threads(int(sys.argv[3]))
from matryo.search import load_index
query = np.load(sys.argv[2])
started = time.perf_counter()
index = load_index(sys.argv[1])
opened = time.perf_counter()
index.search(query, 10)
print(opened - started, time.perf_counter() - opened)
"""


def in_turns(sides: dict[str, Search], calls: list[NDArray[np.float32]], runs: int) -> dict[str, list[float]]:
    """Seconds of every call of every side, run by run, the sides one after the other; the first run is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(runs + 1):
        for call in calls:
            for name, search in sides.items():
                started = time.perf_counter()
                search(call)
                if number:
                    seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(theirs: list[float], ours: list[float]) -> float:
    """Median of how many times as long theirs took, call by call."""
    return statistics.median(a / b for a, b in zip(theirs, ours, strict=True))


def cold_start(folder: Path, query: NDArray[np.float32], threads: int) -> tuple[float, float]:
    """Seconds of opening and of the first query in a new process, after the system forgot the files' content."""
    asked = folder.parent / "query.npy"
    np.save(asked, query)
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as stream:
                os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    told = subprocess.run(
        [sys.executable, "-c", OPEN, str(folder), str(asked), str(threads)], check=True, capture_output=True, text=True
    )
    opened, answered = map(float, told.stdout.split())
    return opened, answered


def same_hits(ours: Hits, scores: NDArray[np.float32], rows: NDArray[np.int64]) -> str:
    """How far two exact searches agree; equal scores may be ordered differently."""
    other = ours.rows != rows
    apart = float(np.abs(ours.scores - scores).max())
    return f"same rows {1 - other.mean():.4%}, {other.sum()} in another place; largest difference of scores {apart:.1e}"


def measure(
    corpus: Corpus, place: Path, dims: tuple[int, ...], plan_dims: tuple[int, ...], args: Any
) -> dict[str, IndexFacts]:
    """Build, save, load, compare and print; what both funnels are."""
    started = time.perf_counter()
    rotation = fit_rotation(corpus.documents, corpus.documents.space)
    print(f"rotation fitted in {time.perf_counter() - started:.1f} s")
    exact, planned = (load(corpus, rotation, place, chosen) for chosen in (dims, plan_dims))
    started = time.perf_counter()
    plan = calibrate(planned, corpus.calibrating, K, args.recall)
    print(f"calibrated on {len(corpus.calibrating):,} queries in {time.perf_counter() - started:.1f} s: {plan}")
    planned = planned.with_plan(plan)

    flat = faiss.IndexFlatIP(corpus.documents.width)
    flat.add(corpus.documents.to_numpy())
    queries = corpus.verifying[:BATCH]
    scores, rows = flat.search(queries, K)
    hits, counts = exact.search_counted(queries, K)
    print("exact funnel against FAISS:", same_hits(hits, scores, rows))
    every, _ = exact.search_counted(corpus.verifying, K)
    found, few = planned.search_counted(corpus.verifying, K)
    recalls = neighbour_recall(every, found)
    interval = bootstrap_mean(recalls, seed=0)
    print(
        f"calibrated funnel: recall@{K} {recalls.mean():.4f} [{interval.low:.4f}, {interval.high:.4f}], "
        f"n {len(recalls):,} other queries"
    )
    n, width = corpus.documents.n_rows, corpus.documents.width
    for name, counted in (("exact", counts), ("calibrated", few)):
        alive = ", ".join(f"{a:,.0f}@{d}" for d, a in zip(counted.dims, counted.survivors.mean(axis=0), strict=True))
        print(
            f"{name}: rows alive {alive}; bytes read per query {counted.bytes_read.mean():,.0f}, "
            f"1/{4 * n * width / counted.bytes_read.mean():.1f} of all"
        )

    sides: dict[str, Search] = {
        "FAISS IndexFlatIP": lambda q: flat.search(q, K),
        f"exact funnel {dims}": lambda q: exact.search(q, K),
        f"calibrated funnel {plan}": lambda q: planned.search(q, K),
    }
    singles = [queries[i : i + 1] for i in range(args.singles)]
    print(f"\n{'':<40}{'ms/query':>10}{'p99':>8}{'x FAISS':>9}{'batch ms':>10}{'x FAISS':>9}")
    one, many = in_turns(sides, singles, 2), in_turns(sides, [queries], args.runs)
    base = "FAISS IndexFlatIP"
    for name in sides:
        print(
            f"{name:<40}{1e3 * statistics.median(one[name]):>10.2f}{1e3 * np.percentile(one[name], 99):>8.2f}"
            f"{ratio(one[base], one[name]):>9.2f}{1e3 * statistics.median(many[name]):>10.1f}"
            f"{ratio(many[base], many[name]):>9.2f}"
        )
    return {"exact": exact.facts(), "calibrated": planned.facts()}


def open_cold(place: Path, facts: dict[str, IndexFacts], query: NDArray[np.float32], n: int, threads: int) -> None:
    """Time opening and the first query of saved funnels, and print what they weigh."""
    for label, found in facts.items():
        opened, answered = cold_start(folder_of(place, tuple(found.settings["dims"])), query, threads)
        print(
            f"{label}: cold, opened in {opened:.3f} s, first query in {answered:.3f} s; "
            f"{found.resident_bytes / n:.1f} bytes per row scanned, {found.disk_bytes / n:.0f} on disk"
        )


def folder_of(place: Path, dims: tuple[int, ...]) -> Path:
    """Where the funnel of these dims is saved."""
    return place / ("funnel-" + "-".join(map(str, dims)))


def load(corpus: Corpus, rotation: Any, place: Path, dims: tuple[int, ...]) -> FunnelIndex:
    """The funnel of these dims as loaded from disk, built anew."""
    folder = folder_of(place, dims)
    shutil.rmtree(folder, ignore_errors=True)
    started = time.perf_counter()
    FunnelIndex.build(corpus.documents, rotation=rotation, dims=dims).save(folder)
    print(f"funnel {dims}: built and saved in {time.perf_counter() - started:.1f} s")
    return FunnelIndex.load(folder)


def compare(real: Corpus, made: Corpus) -> None:
    """Survivors of the bound and lengths of shortlists on real and on made rows, the same queries for both."""
    n, width = made.documents.n_rows, made.documents.width
    dims = [width * part // 12 for part in range(1, 11)]
    queries = made.verifying[:500]
    rows: dict[str, list[tuple[float, float]]] = {}
    for name, corpus in (("real", real), ("made", made)):
        matrix = fit_rotation(corpus.documents, corpus.documents.space).matrix
        x, q = torch.from_numpy(corpus.documents.to_numpy() @ matrix), torch.from_numpy(queries @ matrix)
        best = (q @ x.T).topk(K, dim=1)
        kth = best.values[:, -1:]
        rows[name] = []
        for dim in dims:
            scores = torch.from_numpy(block(q.numpy(), 0, dim)) @ torch.from_numpy(block(x.numpy(), 0, dim)).T
            beyond = [torch.from_numpy(row_norms(block(y.numpy(), dim, width)).astype(np.float32)) for y in (q, x)]
            alive = (scores + beyond[0][:, None] * beyond[1] >= kth).float().mean().item()
            places = [(s > s[found].min()).sum().item() + 1 for s, found in zip(scores, best.indices, strict=True)]
            rows[name].append((alive, float(np.quantile(places, 0.95))))
    print(f"{n:,} rows each, {len(queries)} queries; alive: share of rows that the exact bound keeps, mean;")
    print(f"shortlist: rows that must be kept to find all of the best {K} for 95 % of the queries\n")
    print(f"{'dim':<6}{'alive, real':>14}{'alive, made':>14}{'shortlist, real':>18}{'shortlist, made':>18}")
    for dim, (alive, size), (made_alive, made_size) in zip(dims, rows["real"], rows["made"], strict=True):
        print(f"{dim:<6}{alive:>14.4%}{made_alive:>14.4%}{size:>18,.0f}{made_size:>18,.0f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds debian-descriptions and medquad")
    parser.add_argument("--work", type=Path, default=WORK, help="where vectors and indexes are kept")
    parser.add_argument("--rows", type=int, default=0, help="search so many made rows instead of the real ones")
    parser.add_argument("--dims", default="192,256", help="stages of the exact funnel")
    parser.add_argument("--plan-dims", default="160,256", help="stages of the calibrated funnel")
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compare", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    faiss.omp_set_num_threads(args.threads)
    print_header(precision="int8 scan, float32 and float64 beyond")
    corpus = encoded_corpus(args.data, args.work)
    if args.compare:
        compare(corpus, made_corpus(corpus, corpus.documents.n_rows, args.work))
        return
    if args.rows:
        corpus = made_corpus(corpus, args.rows, args.work)
    width = corpus.documents.width
    print(f"{corpus.documents.n_rows:,} x {width}, {'made' if args.rows else 'real'} rows, k {K}, batches of {BATCH:,}")
    dims, plan_dims = (tuple(sorted({*map(int, d.split(",")), width})) for d in (args.dims, args.plan_dims))
    place = args.work / ("made-index" if args.rows else "real-index")
    facts = measure(corpus, place, dims, plan_dims, args)
    # not before: the system does not forget what a process has mapped
    open_cold(place, facts, corpus.verifying[:1], corpus.documents.n_rows, args.threads)


if __name__ == "__main__":
    main()
