"""Ridge at penalty 0 from sets on disk against numpy's lstsq in memory: time, peak memory, and whether the maps agree.

    python bench/ridge.py --rows 200000 --width 384 --target-width 384 --threads 2

Each side runs alone in a process of its own, several times in turns. Peak memory is the highest resident size of that
process (mapped file pages count), beside what the same process holds after its imports. Theirs loads two .npy files,
adds a column of ones for the offset and solves; the time without loading is given too. Ours reads two embedding sets.
The made vectors have a spectrum that falls as a power of the rank, a mean, and a linear relation with noise;
`--sets A B` takes two real sets instead, joined by id. Real sets may lack a direction, as MiniLM's do:
then no map is the only best one, numpy takes its own along what is next to nothing, and only what both give can be
compared.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from machine import print_header
from matryo.embeddings import EmbeddingSet
from matryo.maps import RidgeSettings, SpaceRows, fit_ridge, joined_sides
from matryo.prefix import unit_rows
from matryo.space import Space

THEIRS, OURS, OURS_CHOSEN = "numpy lstsq, in memory", "fit_ridge, penalty 0", "fit_ridge, 12 penalties, 5 folds"
CHUNK = 20_000


def made_sets(folder: Path, n_rows: int, widths: tuple[int, int]) -> tuple[Path, Path]:
    """Two sets of made vectors, rows of length 1."""
    rng = np.random.default_rng(0)
    turns = [np.linalg.qr(rng.standard_normal((max(widths), width)))[0] for width in widths]
    falling = (1.0 + np.arange(max(widths))) ** -0.8
    means = [0.3 * rng.standard_normal(width) / np.sqrt(width) for width in widths]
    parts: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    for start in range(0, n_rows, CHUNK):
        hidden = rng.standard_normal((min(CHUNK, n_rows - start), max(widths))) * falling
        for part, turn, mean in zip(parts, turns, means, strict=True):
            noisy = hidden + 0.3 * falling * rng.standard_normal(hidden.shape)
            part.append(unit_rows((noisy @ turn / np.linalg.norm(falling) + mean).astype(np.float32)))
    ids = [str(row) for row in range(n_rows)]
    for name, part in zip(("source", "target"), parts, strict=True):
        matrix = np.concatenate(part)
        EmbeddingSet.from_numpy(folder / name, matrix, ids, space=Space(name, matrix.shape[1]))
    return folder / "source", folder / "target"


def sides(source: Path, target: Path) -> tuple[SpaceRows, SpaceRows]:
    """Both sets, joined by id where their ids differ."""
    left, right = EmbeddingSet.open(source), EmbeddingSet.open(target)
    if left.ids() == right.ids():
        return SpaceRows(left), SpaceRows(right)
    a, b, _ = joined_sides(left, right)
    return a, b


def write_npy(source: Path, target: Path, folder: Path) -> None:
    """The joined rows as two .npy files, for the side that wants them in memory."""
    for name, side in zip(("x", "y"), sides(source, target), strict=True):
        np.save(folder / f"{name}.npy", side.read(slice(None), 0, side.width))


def peak_bytes() -> int:
    """Highest resident size of this process so far, on Linux; what its parent held does not count."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


def run_one(side: str, source: Path, target: Path, folder: Path) -> dict[str, float]:
    """One measurement, in a process of its own: seconds and bytes; the map goes to a file."""
    before = peak_bytes()
    started = time.perf_counter()
    if side == THEIRS:
        x, y = (np.load(folder / f"{name}.npy") for name in ("x", "y"))
        wide = np.concatenate([x, np.ones((len(x), 1), dtype=np.float32)], axis=1)
        del x
        loaded = time.perf_counter()
        found = np.linalg.lstsq(wide, y, rcond=None)[0]
        matrix, offset = found[:-1], found[-1]
    else:
        loaded = started
        settings = RidgeSettings(penalties=(0.0,)) if side == OURS else RidgeSettings()
        left, right = EmbeddingSet.open(source), EmbeddingSet.open(target)
        fitted = fit_ridge(*(left, right) if left.ids() == right.ids() else sides(source, target), settings=settings)
        matrix, offset = fitted.matrix, fitted.offset
    ended = time.perf_counter()
    np.savez(folder / f"{'theirs' if side == THEIRS else side}.npz", matrix=matrix, offset=offset)
    peak = peak_bytes()
    return {"s": ended - started, "solve_s": ended - loaded, "before_bytes": before, "peak_bytes": peak}


def measured(side: str, arguments: argparse.Namespace, source: Path, target: Path, folder: Path) -> dict[str, float]:
    """`run_one` in a fresh interpreter."""
    threads = str(arguments.threads)
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, threads)
    command = [sys.executable, __file__, "--side", side, "--sets", str(source), str(target), "--folder", str(folder)]
    ran = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(ran.stdout)
    return found


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """Print times, memory and ratios to numpy."""

    def middle(name: str, key: str) -> float:
        return statistics.median(run[key] for run in found[name])

    def beyond(name: str) -> float:
        return statistics.median(run["peak_bytes"] - run["before_bytes"] for run in found[name])

    print(f"{'':<36}{'s':>8}{'min':>8}{'x numpy':>9}{'without load':>14}{'x numpy':>9}", end="")
    print(f"{'peak MiB':>10}{'share':>8}{'beyond imports':>16}{'share':>8}")
    for name, runs in found.items():
        ratios = [
            statistics.median(run[key] / base[key] for run, base in zip(runs, found[THEIRS], strict=True))
            for key in ("s", "solve_s")
        ]
        peak = middle(name, "peak_bytes")
        print(
            f"{name:<36}{middle(name, 's'):>8.2f}{min(run['s'] for run in runs):>8.2f}{ratios[0]:>9.2f}"
            f"{middle(name, 'solve_s'):>14.2f}{ratios[1]:>9.2f}{peak / 2**20:>10.0f}"
            f"{peak / middle(THEIRS, 'peak_bytes'):>8.2f}{beyond(name) / 2**20:>16.0f}"
            f"{beyond(name) / beyond(THEIRS):>8.2f}"
        )


def main() -> None:
    """Measure and print, or be one of the measured processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--target-width", type=int, default=384)
    parser.add_argument("--sets", nargs=2, type=Path, metavar=("A", "B"), help="two real sets instead of made ones")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps(run_one(arguments.side, *arguments.sets, arguments.folder)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source, target = arguments.sets or made_sets(folder, arguments.rows, (arguments.width, arguments.target_width))
        write_npy(source, target, folder)
        found: dict[str, list[dict[str, Any]]] = {THEIRS: [], OURS: [], OURS_CHOSEN: []}
        for _ in range(arguments.runs):
            for name in found:
                found[name].append(measured(name, arguments, source, target, folder))
        theirs, ours = np.load(folder / "theirs.npz"), np.load(folder / f"{OURS}.npz")
        x = np.load(folder / "x.npy", mmap_mode="r")
        centred = x[:CHUNK].astype(np.float64)
        spectrum = np.linalg.svd(centred - centred.mean(axis=0), compute_uv=False)
        print_header(precision="float32 vectors, float64 sums")
        print(f"threads of each side: {arguments.threads}")
        print(f"{len(x):,} pairs, {theirs['matrix'].shape[0]} -> {theirs['matrix'].shape[1]}, medians of", end=" ")
        print(f"{arguments.runs} runs in turns; condition of the centred source {spectrum[0] / spectrum[-1]:,.0f}")
        report(found)
        for part in ("matrix", "offset"):
            difference = float(np.abs(theirs[part] - ours[part]).max())
            largest = float(np.abs(theirs[part]).max())
            print(f"largest difference of the {part}: {difference:.1e} (largest entry {largest:.3g})")
        y = np.load(folder / "y.npy", mmap_mode="r")[:CHUNK].astype(np.float64)
        given = [x[:CHUNK].astype(np.float64) @ one["matrix"] + one["offset"] for one in (theirs, ours)]
        spread = float(((y - y.mean(axis=0)) ** 2).sum())
        r2 = [1.0 - float(((rows - y) ** 2).sum()) / spread for rows in given]
        print(f"R2 on the first {len(y):,} rows: numpy {r2[0]:.6f}, ours {r2[1]:.6f}", end="")
        print(f"; largest difference of what both give: {np.abs(given[0] - given[1]).max():.1e}")


if __name__ == "__main__":
    main()
