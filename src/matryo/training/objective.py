"""The adapter between the sentence-transformers trainer and the losses, which know embeddings and ids only."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from torch import Tensor, nn

from matryo.errors import ShapeError
from matryo.losses import NestedResult, nested_info_nce
from matryo.losses.columns import column_order, reorder
from matryo.losses.distillation import prefix_distillation
from matryo.losses.gather import gather_ids, gather_rows
from matryo.losses.orthogonality import global_orthogonality
from matryo.training.embedding import embed
from matryo.training.memory import Memory
from matryo.training.methods import Arm
from matryo.training.packing import n_texts, packs_of
from matryo.training.schedule import check_loss_dims, dims_at, temperatures_of, weights_at
from matryo.training.terms import StepObjective, TermSums, check_finite

# A core is fastest when a layer's activations stay in its caches, a GPU when it is full.
PACK_TOKENS = {"cpu": 1024, "cuda": 16384}


@dataclass(frozen=True)
class Batch:
    """Embeddings of one step and what belongs together.

    Attributes:
        a: (n, d) queries of this process.
        b: (m, d) documents of all processes, then those of the memory.
        positive: (n,) row of b that answers each row of a.
        groups_a: (n,) ids; rows of b with the same id are no negatives.
        groups_b: (m,) ids.
    """

    a: Tensor
    b: Tensor
    positive: Tensor
    groups_a: Tensor
    groups_b: Tensor


@dataclass(frozen=True)
class Step:
    """What one step trains: dims (rising), the weight and the temperature of each."""

    dims: tuple[int, ...]
    weights: list[float]
    temperatures: Tensor


@final
class Objective(StepObjective):
    """Loss of a batch for the trainer: embeds the columns, joins processes and memory, adds up the terms of an arm.

    Args:
        model: a SentenceTransformer; the trainer may replace it by its wrapped self.
        arm: what is trained.
        width: of the model.
        seed: decides sampled dims.
        bf16: compute matrix products of the model in bf16.
        pad_id: token that fills up texts.

    The label column is one int64 matrix (n, columns of documents + 1): number of the row, then the group of each
    document. `step` and `n_steps` are set by the training loop. Temperatures that are trained are stored as offsets of
    their logarithms, so that weight decay pulls them to where they started.
    """

    def __init__(self, model: nn.Module, arm: Arm, width: int, *, seed: int, bf16: bool, pad_id: int = 0) -> None:
        super().__init__()
        loss = arm.train.loss
        check_loss_dims(loss, arm.dims)
        self.model = model
        self.arm, self.seed, self.pad_id = arm, seed, pad_id
        self.dtype = torch.bfloat16 if bf16 else None
        self.step, self.n_steps = 0, 1
        self.start_temperatures: Tensor
        self.order: Tensor | None
        self.register_buffer("start_temperatures", torch.tensor(temperatures_of(loss, arm.dims)), persistent=False)
        self.temperature_offsets = nn.Parameter(torch.zeros(len(arm.dims)), requires_grad=loss.learn_temperatures)
        self.memory = Memory(loss.memory, width)
        self.register_buffer("order", column_order(width, loss.columns), persistent=False)
        self._terms = TermSums()

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None) -> Tensor:
        """Loss of one batch, 0-d.

        Raises: MatryoError if the loss is not finite, naming step and rows; ShapeError for labels of another form.
        """
        columns = list(sentence_features)
        sizes = [n_texts(column) for column in columns]
        rows, groups = _row_and_groups(labels, sizes)
        train = self.arm.train
        packs = packs_of(columns, pack_budget(columns, train.pack_tokens), self.pad_id)
        vectors = embed(self.model, packs, cached=train.gradient_caching, dtype=self.dtype)
        vectors = reorder(vectors, self.order)
        a, b = vectors[: sizes[0]], vectors[sizes[0] :]
        batch = self._batch(a, b, groups)
        total = self._total(batch, self._step())
        check_finite(total, self.step, rows)
        if self.training and self.memory.size:
            documents = len(batch.b) - self.memory.used
            self.memory.push(batch.b[:documents].detach(), batch.groups_b[:documents])
        return total

    def drain(self) -> dict[str, float]:
        """Mean of every term at every dim since the last call, over all processes."""
        found = self._terms.drain()
        if self.arm.train.loss.learn_temperatures:
            learned = self._temperatures().tolist()
            found |= {f"temperature_at_{dim}": value for dim, value in zip(self.arm.dims, learned, strict=True)}
        return found

    def get_config_dict(self) -> dict[str, Any]:
        """Settings for a model card of sentence-transformers."""
        return {"arm": self.arm.name, "dims": list(self.arm.dims), "loss": self.arm.train.loss.model_dump()}

    def _batch(self, a: Tensor, b: Tensor, groups: Tensor) -> Batch:
        """Join the documents of all processes, once and at full width, and those of the memory."""
        own = torch.arange(len(a), device=a.device)
        groups_a, groups_b = groups[: len(a)], groups
        if self.arm.train.gather:
            b, offset = gather_rows(b)
            groups_b, own = gather_ids(groups_b), own + offset
        if self.memory.used:
            stored, stored_groups = self.memory.rows()
            b, groups_b = torch.cat([b, stored]), torch.cat([groups_b, stored_groups])
        return Batch(a, b, own, groups_a, groups_b)

    def _step(self) -> Step:
        loss, dims = self.arm.train.loss, self.arm.dims
        chosen = dims_at(loss, dims, self.step, self.seed)
        places = [dims.index(dim) for dim in chosen]
        weights = weights_at(loss, dims, self.step, self.n_steps)
        return Step(chosen, [weights[place] for place in places], self._temperatures()[places])

    def _temperatures(self) -> Tensor:
        temperatures: Tensor = self.start_temperatures * self.temperature_offsets.exp()
        return temperatures

    def _total(self, batch: Batch, step: Step) -> Tensor:
        total = self._noted("loss", _info_nce(self, batch, step), step.dims)
        for name, term, weight in (
            ("distillation", _distillation, self.arm.train.loss.distillation),
            ("orthogonality", _orthogonality, self.arm.train.loss.orthogonality),
        ):
            if weight:
                total = total + weight * self._noted(name, term(batch, step), step.dims)
        return total

    def _noted(self, name: str, result: NestedResult, dims: tuple[int, ...]) -> Tensor:
        if self.training:
            for dim, value in zip(dims, result.per_dim, strict=True):
                self._terms.note(f"{name}_at_{dim}", value)
        return result.total


def _info_nce(objective: Objective, batch: Batch, step: Step) -> NestedResult:
    """InfoNCE at every dim of the step."""
    loss = objective.arm.train.loss
    apart = loss.symmetric and len(batch.b) != 0 and torch.distributed.is_initialized() and objective.arm.train.gather

    def one(a: Tensor, b: Tensor, positive: Tensor, groups_a: Tensor, groups_b: Tensor, both: bool) -> NestedResult:
        return nested_info_nce(
            a,
            b,
            step.dims,
            positive=positive,
            groups_a=groups_a,
            groups_b=groups_b,
            weights=step.weights,
            temperatures=step.temperatures,
            symmetric=both,
            margin=loss.margin,
        )

    if not apart:
        return one(batch.a, batch.b, batch.positive, batch.groups_a, batch.groups_b, loss.symmetric)
    # the other direction needs the queries of all processes, which lie apart from the documents' memory
    queries, offset = gather_rows(batch.a)
    if loss.margin is not None:
        # a query's own document decides which pairs are left out, in both directions, and that of a query elsewhere
        # is not among the pairs of this process: every process takes the loss of the whole batch
        return one(queries, batch.b, gather_ids(batch.positive), gather_ids(batch.groups_a), batch.groups_b, True)
    forth = one(batch.a, batch.b, batch.positive, batch.groups_a, batch.groups_b, False)
    own = torch.arange(len(batch.a), device=queries.device) + offset
    back = one(batch.b[batch.positive], queries, own, batch.groups_a, gather_ids(batch.groups_a), False)
    return NestedResult((forth.total + back.total) / 2, (forth.per_dim + back.per_dim) / 2)


def _distillation(batch: Batch, step: Step) -> NestedResult:
    """Similarities of every prefix pulled to those of the full width."""
    return prefix_distillation(batch.a, batch.b, step.dims)


def _orthogonality(batch: Batch, step: Step) -> NestedResult:
    """Unrelated embeddings spread over the sphere at every dim."""
    return global_orthogonality(
        batch.a, batch.b, step.dims, groups_a=batch.groups_a, groups_b=batch.groups_b, positive=batch.positive
    )


Term = Callable[[Batch, Step], NestedResult]


def pack_budget(columns: Sequence[Mapping[str, Any]], asked: int | None) -> int:
    """Padded tokens of a forward pass: as asked for, or what suits the device that the features are on."""
    on = next(value.device.type for value in columns[0].values() if isinstance(value, Tensor))
    return PACK_TOKENS[on] if asked is None else asked


def _row_and_groups(labels: Tensor | None, sizes: list[int]) -> tuple[Tensor, Tensor]:
    """Numbers of the rows, and groups of all documents, positives first."""
    n, n_documents = sizes[0], len(sizes) - 1
    if n_documents < 1 or any(size != n for size in sizes):
        raise ShapeError(f"a step needs queries and documents of equal number, got columns of {sizes}; add a column")
    if labels is None or labels.dtype != torch.int64 or labels.shape != (n, 1 + n_documents):
        got = "none" if labels is None else f"{labels.dtype} of shape {tuple(labels.shape)}"
        raise ShapeError(f"labels must be int64 of shape ({n}, {1 + n_documents}): row, then groups; got {got}")
    return labels[:, 0], labels[:, 1:].T.reshape(-1).contiguous()
