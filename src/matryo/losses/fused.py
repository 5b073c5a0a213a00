"""Nested InfoNCE as one pass with its own gradient.

The loss is a scalar, so its gradient is known up to one factor while a tile of scores is still in the cache: the
forward pass computes it there and the backward pass only scales. Work is three full-width matrix products, however
many dims there are, because the gradient of a block of columns sums over every dim that contains the block *before*
it is multiplied.

With z = logits in base 2, N = sum of 2**z over a row's negatives and D = N + 2**z+, the loss of a row is log2(D) - z+,
times ln 2; its derivative is 2**z / D at a negative and -N / D at the positive, which loses no digits when N is small
against D. Everything below is in base 2 until losses and gradients leave.
"""

from typing import Any

import torch
from torch import Tensor

from matryo.errors import MatryoError
from matryo.losses.cut import block, work_dtype
from matryo.losses.scores import ERASED, LN2, Groups, PrefixScores, Side, Tile, measure_side
from matryo.prefix import prefix_blocks


class _Gradient:
    """Gathers the gradient of both sides and of the temperatures, tile by tile."""

    def __init__(self, scores: PrefixScores, wanted: tuple[bool, bool]) -> None:
        self.scores, self.wanted = scores, wanted
        a, b, n_dims = scores.a, scores.b, len(scores.dims)
        self.shares = [scores.new_tile() for _ in range(n_dims)]  # per dim: derivative by the logits
        self.row_dots, self.column_dots = torch.zeros_like(a.inverse), torch.zeros_like(b.inverse)
        self.a = torch.zeros_like(a.unit) if wanted[0] else None
        self.b = torch.zeros_like(b.unit) if wanted[1] else None

    def add(self, rows: slice, tile: Tile, share: Tensor, row_factor: Tensor) -> None:
        """Take the derivative by the logits of one tile at one dim, which is share * row_factor[:, None]."""
        level = tile.level
        tile.logits.view(-1)[tile.positions] = tile.positive_logits
        dots = tile.logits.mul_(share)
        self.row_dots[level, rows] = dots.sum(1).mul_(row_factor).mul_(LN2)
        # A product of matrices, because that with a vector runs at half the speed.
        self.column_dots[level, None].addmm_(row_factor[None], dots, alpha=LN2)
        share.mul_((row_factor * self.scores.row_scale[level, rows])[:, None])

    def pull(self, rows: slice) -> None:
        """Multiply what `add` gathered at all dims of one tile, widest first, into the gradient of the embeddings."""
        if not any(self.wanted):
            return
        a, b = self.scores.a, self.scores.b
        wider: Tensor | None = None
        blocks = list(enumerate(prefix_blocks(self.scores.dims)))
        for level, (start, stop) in reversed(blocks):
            share = self.shares[level][: rows.stop - rows.start]
            if wider is None:
                share.mul_(b.inverse[level])
            else:
                torch.addcmul(wider, share, b.inverse[level], out=share)
            wider = share
            if self.a is not None:
                block(self.a[rows], start, stop).addmm_(share, block(b.unit, start, stop))
            if self.b is not None:
                block(self.b, start, stop).addmm_(share.t(), block(a.unit[rows], start, stop))

    def of_embeddings(self, total: Tensor | None, side: Side, dots: Tensor, width: int) -> Tensor | None:
        """Gradient by one side's embeddings as they came: only what changes the direction of each prefix is kept."""
        if total is None:
            return None
        along = (dots * side.inverse.square()).flip(0).cumsum(0).flip(0)
        for level, (start, stop) in enumerate(prefix_blocks(self.scores.dims)):
            block(total, start, stop).addcmul_(block(side.unit, start, stop), along[level][:, None], value=-1.0)
        total.mul_(side.scale[:, None])
        return torch.nn.functional.pad(total, (0, width - total.shape[1])) if width > total.shape[1] else total

    def of_temperatures(self, temperatures: Tensor) -> Tensor:
        """Gradient by the temperatures, (L,)."""
        return -self.row_dots.sum(1) / temperatures


def _lift(delta: Tensor) -> Tensor:
    """log2(1 + 2**delta), exact at both ends."""
    return torch.logaddexp2(torch.zeros_like(delta), delta)


def _share_of_negatives(delta: Tensor) -> Tensor:
    """2**delta / (1 + 2**delta)."""
    return (delta * LN2).sigmoid()


def _one_way(scores: PrefixScores, weights: Tensor, gradient: _Gradient | None) -> Tensor:
    """Loss of every row of a at every dim, (L, n), gathering the gradient of their weighted mean in the same pass."""
    losses = torch.empty_like(scores.row_scale)
    log_weights = (weights / scores.shape[0]).log2()
    for rows in scores.tiles():
        for tile in scores.of(rows):
            level, logits, positive_logits, positions = tile
            top = torch.maximum(logits.amax(1), positive_logits)
            share = logits if gradient is None else gradient.shares[level][: len(logits)]
            negatives = torch.sub(logits, top[:, None], out=share).exp2_().sum(1)
            losses[level, rows] = _lift(negatives.log2() + top - positive_logits)
            if gradient is not None:
                share.view(-1)[positions] = -negatives
                row_factor = (log_weights[level] + top - positive_logits - losses[level, rows]).exp2_()
                gradient.add(rows, tile, share, row_factor)
        if gradient is not None:
            gradient.pull(rows)
    return losses


def _both_ways(scores: PrefixScores, weights: Tensor, gradient: _Gradient | None) -> Tensor:
    """Mean of the losses of both directions for every positive pair at every dim, (L, n).

    The sum over a column is complete only after the last tile, so the gradient takes a second pass over the scores.
    """
    positive = scores.positive
    scratch = scores.new_tile()
    logits_of_pairs, row_deltas = torch.empty_like(scores.row_scale), torch.empty_like(scores.row_scale)
    columns = torch.full_like(scores.b.inverse, ERASED)
    for rows in scores.tiles():
        for level, logits, positive_logits, _ in scores.of(rows):
            columns[level] = torch.logaddexp2(columns[level], _logsumexp2(logits, 0, scratch))
            logits_of_pairs[level, rows] = positive_logits
            row_deltas[level, rows] = _logsumexp2(logits, 1, scratch) - positive_logits
    column_deltas = columns[:, positive] - logits_of_pairs
    row_losses, column_losses = _lift(row_deltas), _lift(column_deltas)
    if gradient is not None:
        weights = weights[:, None] / (2 * scores.shape[0])
        of_rows = weights.log2() - logits_of_pairs - row_losses
        of_columns = _logsumexp2_by(weights.log2() - logits_of_pairs - column_losses, positive, scores.shape[1])
        of_pairs = -weights * (_share_of_negatives(row_deltas) + _share_of_negatives(column_deltas))
        ones = torch.ones_like(of_rows[0])
        for rows in scores.tiles():
            for tile in scores.of(rows):
                level, logits, _, positions = tile
                share, other = gradient.shares[level][: len(logits)], scratch[: len(logits)]
                torch.add(logits, of_rows[level, rows, None], out=share).exp2_()
                share.add_(torch.add(logits, of_columns[level], out=other).exp2_())
                share.view(-1)[positions] = of_pairs[level, rows]
                gradient.add(rows, tile, share, ones[rows])
            gradient.pull(rows)
    return (row_losses + column_losses) / 2


def _logsumexp2(logits: Tensor, along: int, scratch: Tensor) -> Tensor:
    """log2 of the sum of 2**logits along one side of a tile, through scratch memory of at least its size."""
    top = logits.amax(along, keepdim=True)
    sums = torch.sub(logits, top, out=scratch[: len(logits)]).exp2_().sum(along)
    return sums.log2_().add_(top.squeeze(along))


def _logsumexp2_by(values: Tensor, index: Tensor, size: int) -> Tensor:
    """log2 of the sum of 2**values of those with equal index, (L, n) -> (L, size); -inf where there are none."""
    spread = index.expand_as(values)
    top = values.new_full((len(values), size), ERASED).scatter_reduce_(1, spread, values, "amax")
    sums = torch.zeros_like(top).scatter_add_(1, spread, (values - top.gather(1, spread)).exp2())
    return top + sums.log2()


class NestedInfoNCE(torch.autograd.Function):
    """The weighted mean over dims, differentiable once by both sides and the temperatures."""

    @staticmethod
    def forward(
        ctx: Any,
        a: Tensor,
        b: Tensor,
        temperatures: Tensor,
        dims: tuple[int, ...],
        weights: Tensor,
        positive: Tensor,
        groups: Groups | None,
        symmetric: bool,
        margin: float | None,
        wanted: tuple[bool, bool, bool],
    ) -> tuple[Tensor, Tensor]:
        """Loss and, where any of a, b, temperatures wants it, the gradient; weights sum to 1."""
        dtype = work_dtype(a, b)
        with torch.autocast(a.device.type, enabled=False):
            sides = measure_side(a, dims, dtype), measure_side(b, dims, dtype)
            scores = PrefixScores(*sides, dims, temperatures, positive, groups, margin)
            gradient = _Gradient(scores, wanted[:2]) if any(wanted) else None
            per_dim = (_both_ways if symmetric else _one_way)(scores, weights, gradient).mean(1) * LN2
            total = weights @ per_dim
            if gradient is not None:
                ctx.save_for_backward(
                    gradient.of_embeddings(gradient.a, scores.a, gradient.row_dots, a.shape[1]),
                    gradient.of_embeddings(gradient.b, scores.b, gradient.column_dots, b.shape[1]),
                    gradient.of_temperatures(temperatures) if wanted[2] else None,
                )
                ctx.dtypes = (a.dtype, b.dtype, temperatures.dtype)
        ctx.mark_non_differentiable(per_dim)
        return total, per_dim

    @staticmethod
    def backward(ctx: Any, of_total: Tensor, _: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the gradient that the forward pass left."""
        if torch.is_grad_enabled():  # asked for with create_graph=True
            raise MatryoError("the nested loss has first derivatives only, got create_graph=True; leave it False")
        scaled = (
            None if g is None else (g * of_total).to(dtype)
            for g, dtype in zip(ctx.saved_tensors, ctx.dtypes, strict=True)
        )
        return (*scaled, *(None,) * 7)
