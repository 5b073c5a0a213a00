"""The loss part of a gradient-cached step, ours against sentence-transformers: from embeddings to their gradient.

Run `python bench/cached_loss.py`. A gradient-cached step embeds a large batch without a graph, computes the loss and
its gradient by the embeddings, and embeds again with a graph. Only the middle is measured: it gets random embeddings
in mini-batches and leaves a gradient at each. Theirs is CachedMultipleNegativesRankingLoss under MatryoshkaLoss, called
as its own step calls it; ours takes the whole batch as two matrices. All sides take turns in one process; a ratio is
taken within each turn. Theirs adds the losses of the dims where ours takes the mean.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from sentence_transformers.sentence_transformer.losses import CachedMultipleNegativesRankingLoss, MatryoshkaLoss
from torch import Tensor, nn

from machine import print_header
from matryo.losses import nested_info_nce

SCALE = 20.0
OURS = "nested_info_nce"
# Mini-batch -> how many times faster ours is to be.
MINI_BATCHES = {256: 2.5, 32: 8.0}
Step = Callable[[], tuple[float, list[Tensor]]]


class Unused(nn.Sequential):
    """Stands where the losses want a model, which this part of a step does not call."""

    def __init__(self, width: int) -> None:
        super().__init__(nn.Identity())
        self.width = width

    def get_embedding_dimension(self) -> int:
        """Width of the embeddings."""
        return self.width


def make_inputs(rows: int, width: int) -> tuple[Tensor, Tensor]:
    """Pairs of noisy copies."""
    generator = torch.Generator().manual_seed(0)
    a = torch.randn(rows, width, generator=generator)
    return a, torch.randn(rows, width, generator=generator).add_(a)


def ours(rows: int, width: int, dims: list[int]) -> Step:
    """Loss and gradients by both matrices, divided as ours is: the mean over dims."""
    sides = make_inputs(rows, width)

    def step() -> tuple[float, list[Tensor]]:
        leaves = [x.detach().requires_grad_() for x in sides]
        loss = nested_info_nce(*leaves, dims, temperatures=1 / SCALE).total
        loss.backward()
        return loss.item(), [x.grad for x in leaves if x.grad is not None]

    return step


def theirs(rows: int, width: int, dims: list[int], mini_batch: int) -> Step:
    """The same of sentence-transformers, on leaves of `mini_batch` rows."""
    sides = make_inputs(rows, width)
    model = Unused(width)
    base = CachedMultipleNegativesRankingLoss(model, scale=SCALE, mini_batch_size=mini_batch)
    MatryoshkaLoss(model, base, dims)  # puts its own calculate_loss in place of the base's

    def step() -> tuple[float, list[Tensor]]:
        leaves = [[part.detach().requires_grad_() for part in x.split(mini_batch)] for x in sides]
        loss = base.calculate_loss(leaves, None, with_backward=True)
        return float(loss) / len(dims), [torch.cat([part.grad for part in side]) / len(dims) for side in leaves]

    return step


def measure(steps: dict[str, Step], turns: int) -> dict[str, list[float]]:
    """Seconds of every side in every turn; the first turn, which warms up, is thrown away."""
    seconds: dict[str, list[float]] = {side: [] for side in steps}
    for turn in range(turns + 1):
        for side, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:
                seconds[side].append(time.perf_counter() - start)
    return seconds


def spread(values: list[float]) -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def least_cosine(one: list[Tensor], other: list[Tensor]) -> float:
    """Cosine of two gradients, the smaller one of both sides of the pairs."""
    pairs = zip(one, other, strict=True)
    return min(torch.cosine_similarity(x.double().view(-1), y.double().view(-1), dim=0).item() for x, y in pairs)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=8192)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--dims", type=int, nargs="+", default=[384, 256, 128, 64, 32])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3, help="turns of all sides, after one that warms up")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print_header()
    print(f"{arguments.rows} pairs x {arguments.width}, dims {arguments.dims}, {arguments.runs} runs\n")
    size = arguments.rows, arguments.width, arguments.dims
    names = {mini_batch: f"cached MNRL under MatryoshkaLoss, mini-batch {mini_batch}" for mini_batch in MINI_BATCHES}
    steps = {OURS: ours(*size)} | {name: theirs(*size, mini_batch) for mini_batch, name in names.items()}
    seconds = measure(steps, arguments.runs)
    print(f"{'loss and gradient by the embeddings':<52} {'seconds, median (range)':<26}")
    for side, values in seconds.items():
        print(f"{side:<52} {spread(values):<26}")
    print(f"\n{'ratio within a run':<52} {'median (range)':<26} {'wanted':<8} {'cosine of gradients':<20} losses")
    own_loss, own_gradients = steps[OURS]()
    for mini_batch, name in names.items():
        ratios = [slow / fast for slow, fast in zip(seconds[name], seconds[OURS], strict=True)]
        loss, gradients = steps[name]()
        wanted, cosine = MINI_BATCHES[mini_batch], least_cosine(own_gradients, gradients)
        judged = "reached" if statistics.median(ratios) >= wanted and cosine > 0.999 else "MISSED"
        print(
            f"{f'mini-batch {mini_batch} / ours':<52} {spread(ratios):<26} {f'>= {wanted:g}':<8} {cosine:<20.6f} "
            f"{loss:.6f} / {own_loss:.6f}  {judged}"
        )


if __name__ == "__main__":
    main()
