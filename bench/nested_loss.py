"""Nested InfoNCE, forward and backward: ours against sentence-transformers and against one plain InfoNCE at full width.

Run `python bench/nested_loss.py`. All sides get the same embeddings and take turns in one process; a ratio is taken
within each turn. Memory is measured in a fresh process per side: how much the high-water mark of resident memory rises
during one step, after a small step has loaded the libraries.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from sentence_transformers.sentence_transformer.losses import MatryoshkaLoss, MultipleNegativesRankingLoss
from torch import Tensor, nn

from machine import print_header
from matryo.losses import nested_info_nce

SCALE = 20.0
THEIRS, PLAIN, OURS = "MatryoshkaLoss(MNRL)", "plain InfoNCE, full width", "nested_info_nce, masks on"
UNMASKED, NO_GRAD = "nested_info_nce, no masks", "nested_info_nce, no_grad"
THEIRS_BOTH, OURS_BOTH = "symmetric: MatryoshkaLoss(MNRL)", "symmetric: nested_info_nce, masks on"
JUDGED, APART = (THEIRS, PLAIN, OURS), (UNMASKED, NO_GRAD, THEIRS_BOTH, OURS_BOTH)
SIDES = (*JUDGED, *APART)


class Passing(nn.Module):
    """A model whose embeddings are its input, so that only the loss is measured."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def get_embedding_dimension(self) -> int:
        """Width of the embeddings."""
        return self.width

    def forward(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """A new dictionary each time, because the loss writes into it."""
        return {"sentence_embedding": features["x"]}


def make_inputs(rows: int, width: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of noisy copies, and ids of which about four rows share one."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(rows, width, generator=generator)
    b = torch.randn(rows, width, generator=generator).add_(a)
    groups = torch.randint(max(rows // 4, 2), (rows,), generator=generator)
    return a.requires_grad_(), b.requires_grad_(), groups


def make_step(side: str, rows: int, width: int, dims: list[int]) -> Callable[[], float]:
    """One forward and backward pass of a side; returns the loss."""
    a, b, groups = make_inputs(rows, width)
    model, labels = Passing(width), torch.arange(rows)

    def theirs(**directions: object) -> Tensor:
        base = MultipleNegativesRankingLoss(model, scale=SCALE, **directions)
        value: Tensor = MatryoshkaLoss(model, base, dims)([{"x": a}, {"x": b}], None)
        return value / len(dims)

    def ours(masks: bool, symmetric: bool = False) -> Tensor:
        ids = groups if masks else None
        return nested_info_nce(
            a, b, dims, groups_a=ids, groups_b=ids, temperatures=1 / SCALE, symmetric=symmetric
        ).total

    losses: dict[str, Callable[[], Tensor]] = {
        THEIRS: theirs,
        PLAIN: lambda: F.cross_entropy(F.normalize(a) @ F.normalize(b).T * SCALE, labels),
        OURS: lambda: ours(masks=True),
        UNMASKED: lambda: ours(masks=False),
        NO_GRAD: lambda: ours(masks=True),
        THEIRS_BOTH: lambda: theirs(directions=("query_to_doc", "doc_to_query"), partition_mode="per_direction"),
        OURS_BOTH: lambda: ours(masks=True, symmetric=True),
    }

    def step() -> float:
        a.grad = b.grad = None
        with torch.set_grad_enabled(side != NO_GRAD):
            loss = losses[side]()
            if side != NO_GRAD:
                loss.backward()
        return loss.item()

    return step


def peak_bytes(*, reset: bool = False) -> int:
    """High-water mark of this process's resident memory; `reset` first lowers it to what is resident now.

    Only Linux can reset it. Elsewhere the mark of the whole process is taken, which understates small steps.
    """
    status = Path("/proc/self/status")
    if status.exists():
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        (line,) = (x for x in status.read_text(encoding="ascii").splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def measure_memory(side: str, arguments: argparse.Namespace) -> int:
    """Bytes that one step needs beyond its inputs, from a fresh process."""
    options = {"--rows": arguments.rows, "--width": arguments.width, "--threads": arguments.threads}
    command = [sys.executable, __file__, "--memory-of", side, "--dims", *map(str, arguments.dims)]
    command += [str(word) for option in options.items() for word in option]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_memory(side: str, arguments: argparse.Namespace) -> None:
    """What the fresh process does."""
    make_step(side, 256, arguments.width, arguments.dims)()
    step = make_step(side, arguments.rows, arguments.width, arguments.dims)
    before = peak_bytes(reset=True)
    step()
    print(peak_bytes() - before)


def measure_seconds(sides: tuple[str, ...], repeats: int, arguments: argparse.Namespace) -> dict[str, list[float]]:
    """Seconds of every repetition of some sides, in turns; the first turn is thrown away."""
    steps = {side: make_step(side, arguments.rows, arguments.width, arguments.dims) for side in sides}
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(repeats + 1):
        for side, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:
                seconds[side].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float], digits: int = 2) -> str:
    """Median and range."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def compare(label: str, ratios: list[float], wanted: str, reached: bool) -> None:
    """One line that says whether a goal is met."""
    print(f"{label:<64} {spread(ratios):<20} {wanted:<10} {'reached' if reached else 'MISSED'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--dims", type=int, nargs="+", default=[768, 384, 192, 96])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="turns of the sides that are judged")
    parser.add_argument("--repeats-apart", type=int, default=2, help="turns of the others; 0 leaves them out")
    parser.add_argument("--memory-of", choices=SIDES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.memory_of:
        print_memory(arguments.memory_of, arguments)
        return
    print_header()
    print(f"{arguments.rows} pairs x {arguments.width}, dims {arguments.dims}, {arguments.repeats} turns\n")
    seconds = measure_seconds(JUDGED, arguments.repeats, arguments)
    if arguments.repeats_apart:
        seconds |= measure_seconds(APART, arguments.repeats_apart, arguments)
    memory = {side: measure_memory(side, arguments) for side in seconds}
    print(f"{'forward + backward':<40} {'seconds, median (range)':<26} {'peak extra MB':>13}")
    for side in seconds:
        print(f"{side:<40} {spread(seconds[side]):<26} {memory[side] / 1e6:>13.0f}")

    def ratios(slow: str, fast: str) -> list[float]:
        return [s / f for s, f in zip(seconds[slow], seconds[fast], strict=True)]

    print(f"\n{'ratio within a turn':<64} {'median (range)':<20} {'wanted':<10}")
    faster, against_plain = ratios(THEIRS, OURS), ratios(OURS, PLAIN)
    compare(f"{THEIRS} / {OURS}", faster, ">= 2.5", statistics.median(faster) >= 2.5)
    compare(f"{OURS} / {PLAIN}", against_plain, "<= 1.1", statistics.median(against_plain) <= 1.1)
    share = memory[OURS] / max(memory[THEIRS], 1)
    compare(f"memory: {OURS} / {THEIRS}", [share], "<= 0.125", share <= 1 / 8)
    if arguments.repeats_apart:
        print(f"{THEIRS_BOTH + ' / nested_info_nce':<64} {spread(ratios(THEIRS_BOTH, OURS_BOTH)):<20} shown apart")
    values = {side: make_step(side, arguments.rows, arguments.width, arguments.dims)() for side in (THEIRS, UNMASKED)}
    print(f"\nsame loss without masks: theirs / len(dims) {values[THEIRS]:.6f}, ours {values[UNMASKED]:.6f}")


if __name__ == "__main__":
    main()
