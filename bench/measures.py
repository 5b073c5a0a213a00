"""CKA, RBO and Procrustes against other implementations: the largest difference in value, and the ratio of times.

    pip install --no-deps ckatorch==1.0.3 rbo==0.1.3 seaborn
    python bench/measures.py --threads 1

Two sets can be named (`--sets A B`, joined by id); otherwise rows are made. Times are those of one call, medians over
turns. ckatorch keeps CKA, rbo the rank-biased overlap, scipy the orthogonal Procrustes problem.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from machine import installed, print_header
from matryo.embeddings import EmbeddingSet
from matryo.maps import SpaceRows, fit_procrustes, joined_sides
from matryo.measures.cka import linear_cka
from matryo.measures.neighbours import nearest_neighbours
from matryo.measures.rank_overlap import rbo, rbo_lists
from matryo.prefix import Array, unit_rows
from matryo.space import Space

N_QUERIES, LIST_LENGTH, PERSISTENCE = 200, 50, 0.9


def made_rows(n: int, widths: tuple[int, int]) -> tuple[Array, Array]:
    """Two sides of unit rows that have something in common."""
    rng = np.random.default_rng(0)
    common = rng.standard_normal((n, 32))
    mixed = (common @ rng.standard_normal((32, width)) + rng.standard_normal((n, width)) for width in widths)
    x, y = (unit_rows(side.astype(np.float32)) for side in mixed)
    return x, y


def set_rows(folders: list[Path], n: int) -> tuple[Array, Array]:
    """Rows of two sets of the same texts."""
    x, y, _ = joined_sides(*(EmbeddingSet.open(folder) for folder in folders))
    rows = slice(0, min(n, x.n_rows))
    return x.read(rows, 0, x.width), y.read(rows, 0, y.width)


def timed(call: Callable[[], object], turns: int) -> float:
    """Median seconds of a call."""
    taken = []
    for _ in range(turns):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def compared(name: str, ours: Callable[[], Array], theirs: Callable[[], Array], turns: int) -> None:
    """Print how far two implementations are apart, and their times."""
    apart = float(np.abs(np.asarray(ours()) - np.asarray(theirs())).max())
    seconds = timed(ours, turns), timed(theirs, turns)
    print(f"| {name} | {apart:.1e} | {seconds[0]:.4f} | {seconds[1]:.4f} | {seconds[1] / seconds[0]:.1f} |")


def main() -> None:
    """Compare and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--sets", nargs=2, type=Path, metavar=("A", "B"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--turns", type=int, default=5)
    given = parser.parse_args()

    import torch
    from ckatorch.core import cka_base
    from rbo import RankingSimilarity
    from scipy.linalg import orthogonal_procrustes
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(given.threads)
    with threadpool_limits(given.threads):
        print_header(precision="float64")
        print(" · ".join(f"{name} {installed(name)}" for name in ("ckatorch", "rbo", "scipy")))
        x, y = set_rows(given.sets, given.rows) if given.sets else made_rows(given.rows, (384, 256))
        print(f"{len(x):,} rows of {x.shape[1]} and {y.shape[1]} numbers; {N_QUERIES} lists of {LIST_LENGTH}\n")
        print("| value | largest difference | ours, s | theirs, s | theirs / ours |\n|---|---:|---:|---:|---:|")
        wide = [torch.from_numpy(side).double() for side in (x, y)]
        for name, debiased in (("linear CKA, biased", False), ("linear CKA, debiased", True)):
            compared(
                name,
                lambda debiased=debiased: np.array([linear_cka(x, y, debiased=debiased)]),
                lambda debiased=debiased: np.array([float(cka_base(*wide, unbiased=debiased, method="fro_norm"))]),
                given.turns,
            )
        n = min(N_QUERIES, len(x))
        lists = [nearest_neighbours(side, LIST_LENGTH)[:n] for side in (x, y)]
        pairs = [(a.tolist(), b.tolist()) for a, b in zip(*lists, strict=True)]
        of_theirs = lambda: np.array([RankingSimilarity(a, b).rbo_ext(p=PERSISTENCE) for a, b in pairs])  # noqa: E731
        compared("RBO, extrapolated, equal lengths", lambda: rbo_lists(*lists, PERSISTENCE), of_theirs, given.turns)
        uneven = [(a, b[: 20 + i % 30]) for i, (a, b) in enumerate(pairs)]
        compared(
            "RBO, extrapolated, unequal lengths",
            lambda: np.array([rbo(a, b, PERSISTENCE) for a, b in uneven]),
            lambda: np.array([RankingSimilarity(a, b).rbo_ext(p=PERSISTENCE) for a, b in uneven]),
            given.turns,
        )
        n_columns = max(x.shape[1], y.shape[1])
        sides = [SpaceRows(side, Space(name, side.shape[1])) for name, side in (("a", x), ("b", y))]
        padded = [np.pad(side.astype(np.float64), ((0, 0), (0, n_columns - side.shape[1]))) for side in (x, y)]
        # where widths differ the square rotation is open in the directions filled up; what it gives for the rows is not
        compared(
            "Procrustes, translated rows",
            lambda: x @ fit_procrustes(*sides).matrix,
            lambda: (padded[0] @ orthogonal_procrustes(*padded)[0])[:, : y.shape[1]],
            given.turns,
        )


if __name__ == "__main__":
    main()
