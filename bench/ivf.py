"""Inverted lists over a rotated prefix, rescored from mapped vectors, against FAISS at the full width, at equal recall.

    python bench/ivf.py --data ../shared/data --work runs/search-corpus

Every side lives in a process of its own, which opens a saved index and answers when asked; sides answer in turns. What
a side looks at (lists or neighbours, and rows compared again) is raised on calibrating queries until the share of the
exact best 10 that it finds, less its standard error, is `--recall`; of the settings that do, the fastest for the batch
is taken. Recall is stated of other queries, with a 95 % interval.

"held" is what the process gained by opening the index and answering all calibrating queries with its final settings:
anonymous memory, after the allocator was told to give back what is free, and the pages of FAISS's own file where that
is mapped. The mapped vectors that our sides rescore with are not in it; bytes of their rows per query stand beside it.
"""

import argparse
import ctypes
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from matryo.hits import Hits

K = 10
EFFORTS = tuple(round(16 * 1.15**step) for step in range(31))  # lists looked at, or neighbours kept: 16 to 1,057
SHORTLISTS = (50, 80, 120, 200, 350)
FLOAT_BYTES = 4


@dataclass(frozen=True)
class Side:
    """One competitor.

    Attributes:
        factory: what FAISS makes of it.
        dim: rotated prefix length, searched and rescored by our index; None: FAISS alone, full width, not rotated.
        effort: FAISS's name of what is raised.
        shortlists: rows compared again that are tried; (K,) where nothing is.
    """

    factory: str
    dim: int | None
    effort: str
    shortlists: tuple[int, ...]

    @property
    def name(self) -> str:
        """Label in the table and name of its folder."""
        return f"{self.factory} {'full width' if self.dim is None else f'rotated {self.dim}'}"


def all_sides(lists: int, dim: int) -> list[Side]:
    """What is compared; the first one is what the others are measured by."""
    return [
        Side(f"IVF{lists},Flat", None, "nprobe", (K,)),
        Side(f"IVF{lists},PQ48,RFlat", None, "nprobe", SHORTLISTS),
        Side(f"IVF{lists},PQ96x4fs,RFlat", None, "nprobe", SHORTLISTS),
        Side("HNSW32", None, "efSearch", (K,)),
        Side(f"RR{dim},IVF{lists},PQ{dim // 2}x4fs", dim, "nprobe", SHORTLISTS),
        Side(f"IVF{lists},SQ8", 128, "nprobe", SHORTLISTS),
        Side(f"IVF{lists},Flat", 128, "nprobe", SHORTLISTS),
    ]


def build(side: Side, documents: Any, work: Path, threads: int) -> float:
    """Build and save what is not there yet.

    Returns: seconds of the building, saving not counted.
    """
    import faiss

    from matryo.maps import fit_rotation
    from matryo.search import FaissIndex

    faiss.omp_set_num_threads(threads)
    place = work / "ivf" / side.name.replace(",", "-").replace(" ", "-")
    about = place / "built.json"
    if not about.exists():
        place.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        if side.dim is None:
            rows = documents.to_numpy()
            started = time.perf_counter()
            index = faiss.index_factory(documents.width, side.factory, faiss.METRIC_INNER_PRODUCT)
            index.train(rows)
            index.add(rows)
            seconds = time.perf_counter() - started
            faiss.write_index(index, str(place / "index.faiss"))
        else:
            rotation = fit_rotation(documents, documents.space)
            ours = FaissIndex.build(documents, factory=side.factory, dim=side.dim, rotation=rotation)
            seconds = time.perf_counter() - started
            ours.save(place / "index")
        about.write_text(json.dumps({"seconds": seconds}))
    return float(json.loads(about.read_text())["seconds"])


def held_bytes() -> int:
    """Memory of this process that no file backs and that is in use, and pages of mapped index files."""
    ctypes.CDLL(None).malloc_trim(0)
    return anonymous_bytes() + index_bytes()


def index_bytes() -> int:
    """Pages in memory of files of FAISS that this process has mapped."""
    found, counted = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.split(" ", 1)[0]:  # a mapping begins with its range of addresses
            counted = line.endswith("index.faiss")
        elif counted and line.startswith("Rss:"):
            found += int(line.split()[1]) * 1024
    return found


def anonymous_bytes() -> int:
    """Memory of this process that no file backs."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status states no RssAnon; this bench needs Linux")


def opened(side: Side, place: Path) -> tuple[Callable[[np.ndarray], Hits], Callable[[int, int], None]]:
    """A saved index as two functions: search K, and set effort and shortlist."""
    import faiss

    from matryo.search import FaissIndex

    if side.dim is not None:
        ours = FaissIndex.load(place / "index")
        return (lambda queries: ours.search(queries, K)), (
            lambda effort, shortlist: ours.configure({side.effort: effort}, shortlist=shortlist)
        )
    index = faiss.read_index(str(place / "index.faiss"))

    def search(queries: np.ndarray) -> Hits:
        scores, rows = index.search(queries, K)
        return Hits(rows, scores)

    def configure(effort: int, shortlist: int) -> None:
        inner = index
        if isinstance(index, faiss.IndexRefine):
            index.k_factor = shortlist / K
            inner = faiss.downcast_index(index.base_index)
        faiss.ParameterSpace().set_index_parameter(inner, side.effort, float(effort))

    return search, configure


def serve(pipe: Connection, side: Side, place: Path, threads: int) -> None:
    """Open an index in this process and answer what the bench asks until it says "end"."""
    import faiss

    import matryo.search  # noqa: F401 - modules are there before memory is counted

    faiss.omp_set_num_threads(threads)
    warm = faiss.IndexFlatIP(8)  # threads and libraries are there before memory is counted
    warm.add(np.eye(8, dtype=np.float32))
    warm.search(np.eye(8, dtype=np.float32), 1)
    before = held_bytes()
    search, configure = opened(side, place)
    while (asked := pipe.recv()) is not None:
        what, value = asked
        if what == "configure":
            pipe.send(configure(*value))
        elif what == "search":
            pipe.send(search(value))
        elif what == "held":
            search(value)
            pipe.send(held_bytes() - before)
        elif what == "batch":
            started = time.perf_counter()
            search(value)
            pipe.send(time.perf_counter() - started)
        else:  # singles
            seconds = []
            for row in range(len(value)):
                started = time.perf_counter()
                search(value[row : row + 1])
                seconds.append(time.perf_counter() - started)
            pipe.send(statistics.median(seconds))


class Process:
    """A side in its own process."""

    def __init__(self, side: Side, work: Path, threads: int) -> None:
        """Start it."""
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        place = work / "ivf" / side.name.replace(",", "-").replace(" ", "-")
        self._process = context.Process(target=serve, args=(theirs, side, place, threads), daemon=True)
        self._process.start()

    def ask(self, what: str, value: Any) -> Any:
        """Send one question and wait for the answer."""
        self._pipe.send((what, value))
        return self._pipe.recv()

    def end(self) -> None:
        """Let it go."""
        self._pipe.send(None)
        self._process.join()


def settings_that_reach(
    side: Side, process: Process, queries: np.ndarray, exact: Hits, recall: float
) -> Iterator[tuple[int, int]]:
    """For every shortlist the least effort that finds enough; of shortlists that need the same effort, the shortest."""
    from matryo.evaluation.index_quality import neighbour_recall

    least = len(EFFORTS)
    for shortlist in side.shortlists:
        low, high = 0, least
        while low < high:
            middle = (low + high) // 2
            process.ask("configure", (EFFORTS[middle], shortlist))
            shares = neighbour_recall(exact, process.ask("search", queries))
            enough = shares.mean() - shares.std() / len(shares) ** 0.5 >= recall
            low, high = (low, middle) if enough else (middle + 1, high)
        if low < least:
            least = low
            yield EFFORTS[low], shortlist


def calibrate(side: Side, process: Process, queries: np.ndarray, exact: Hits, recall: float) -> tuple[int, int]:
    """The fastest of the settings that reach the recall."""
    found = {}
    for setting in settings_that_reach(side, process, queries, exact, recall):
        process.ask("configure", setting)
        found[setting] = min(process.ask("batch", queries[:500]) for _ in range(3))
    if not found:
        raise SystemExit(f"{side.name} does not reach recall {recall} with any setting")
    chosen = min(found, key=lambda setting: found[setting])
    process.ask("configure", chosen)
    return chosen


def main() -> None:
    """Build, calibrate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds debian-descriptions and medquad")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/search-corpus"), help="where vectors and indexes are kept"
    )
    parser.add_argument("--lists", type=int, default=512)
    parser.add_argument("--dim", type=int, default=192, help="rotated numbers that the fast-scanned codes stand for")
    parser.add_argument("--recall", type=float, default=0.99)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--only", default="", help="letters of names: measure these sides and the first one only")
    parser.add_argument("--build-only", action="store_true", help="make what is missing and measure nothing")
    arguments = parser.parse_args()

    import torch

    from machine import print_header
    from matryo.evaluation.index_quality import neighbour_recall
    from matryo.measures.statistics import bootstrap_mean
    from matryo.search import search_dim
    from search_corpus import encoded_corpus

    torch.set_num_threads(arguments.threads)
    print_header()
    corpus = encoded_corpus(arguments.data, arguments.work)
    documents, width = corpus.documents, corpus.documents.width
    calibrating, verifying = corpus.calibrating, corpus.verifying
    known = search_dim(calibrating, documents, width, K)
    true = search_dim(verifying, documents, width, K)
    sides = all_sides(arguments.lists, arguments.dim)
    sides = [side for at, side in enumerate(sides) if not at or arguments.only in side.name]
    seconds = [build(side, documents, arguments.work, arguments.threads) for side in sides]
    if arguments.build_only:
        return
    processes = [Process(side, arguments.work, arguments.threads) for side in sides]
    settings = [
        calibrate(side, process, calibrating, known, arguments.recall)
        for side, process in zip(sides, processes, strict=True)
    ]
    held = [process.ask("held", calibrating) for process in processes]
    recalls = [
        bootstrap_mean(neighbour_recall(true, process.ask("search", verifying)), seed=0) for process in processes
    ]
    batch = verifying[:1000]
    batches: list[list[float]] = [[] for _ in sides]
    singles: list[list[float]] = [[] for _ in sides]
    for _ in range(arguments.runs):
        for at, process in enumerate(processes):
            batches[at].append(process.ask("batch", batch))
            singles[at].append(process.ask("singles", verifying[:100]))
    for process in processes:
        process.end()

    print(
        f"{documents.n_rows:,} x {width}; recall@{K} - s.e. >= {arguments.recall} on {len(calibrating):,} queries, "
        f"stated of {len(verifying):,} others; {arguments.runs} runs in turns, {arguments.threads} threads"
    )
    print(
        f"{'side':<38}{'effort':>7}{'rows':>5}{'recall [95 %]':>21}{'batch q/s':>10}{'x':>6}{'single ms':>10}{'x':>6}"
        f"{'held MiB':>9}{'share':>7}{'mapped B/query':>15}{'build s':>9}"
    )
    for at, side in enumerate(sides):
        effort, shortlist = settings[at]
        found = recalls[at]
        faster, quicker = (
            statistics.median(first / own for first, own in zip(runs[0], runs[at], strict=True))
            for runs in (batches, singles)
        )
        mapped = 0 if side.dim is None else shortlist * width * FLOAT_BYTES
        print(
            f"{side.name:<38}{effort:>7}{shortlist:>5}{found.value:>7.4f} [{found.low:.4f} {found.high:.4f}]"
            f"{len(batch) / statistics.median(batches[at]):>9.0f}{faster:>7.2f}"
            f"{1e3 * statistics.median(singles[at]):>9.3f}{quicker:>7.2f}"
            f"{held[at] / 2**20:>9.1f}{held[at] / held[0]:>7.2f}{mapped:>15,}{seconds[at]:>9.1f}"
        )


if __name__ == "__main__":
    main()
