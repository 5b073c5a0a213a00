"""What a training is told: validated values, as they stand in a config file."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt, model_validator

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0)]
Columns = Literal["prefix", "random", "strided"]


NOT_LEARNED = frozenset({"tensorboard", "keep_checkpoints"})
"""Keys of `TrainSettings` that change what is kept beside a training and nothing of the model."""


class Settings(BaseModel):
    """Frozen values; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())


class LossSettings(Settings):
    """Terms of the loss and how they are weighed.

    Attributes:
        temperature: one for all dims, or dim -> temperature, where dims that are not named take .05.
        learn_temperatures: train the temperatures along.
        symmetric: also find each query among the batch's queries.
        weights: dim -> weight; dims that are not named weigh 1.
        weights_at_start: the same at the first step; from there weights move in a straight line to `weights`.
        schedule_share: share of all steps after which `weights` are reached.
        sampled_dims: dims drawn at each step besides the widest, which is always kept; None = all.
        margin: false-negative filter: a document whose full-width cosine to a query exceeds that of its own document
            minus this margin is no negative of it; None = off.
        memory: rows of the cross-batch memory: embeddings of earlier documents that are further negatives; 0 = off.
        distillation: weight of the term that pulls the similarities of every prefix to those of the full width.
        orthogonality: weight of the term that spreads unrelated embeddings over the sphere at every dim.
        columns: which columns a dim takes: the first (prefix), or, as an ablation, random or strided ones.
    """

    temperature: PositiveFloat | dict[PositiveInt, PositiveFloat] = 0.05
    learn_temperatures: bool = False
    symmetric: bool = False
    weights: dict[PositiveInt, Weight] = {}
    weights_at_start: dict[PositiveInt, Weight] | None = None
    schedule_share: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    sampled_dims: PositiveInt | None = None
    margin: Annotated[float, Field(ge=-2.0, le=2.0)] | None = None
    memory: Annotated[int, Field(ge=0)] = 0
    distillation: Weight = 0.0
    orthogonality: Weight = 0.0
    columns: Columns = "prefix"


class TrainSettings(Settings):
    """One training.

    Attributes:
        loss: terms of the loss.
        batch_size: pairs per step and device, whose documents are each other's negatives.
        accumulate: batches whose gradients are added up before one optimiser step; negatives stay within a batch.
        epochs: passes over the training pairs; not used with max_steps.
        max_steps: optimiser steps; None = as epochs say.
        learning_rate: peak.
        weight_decay: of AdamW.
        warmup_share: of all steps, over which the learning rate rises.
        schedule: of the learning rate afterwards.
        max_grad_norm: gradients are clipped to this length.
        precision: numbers that the transformer computes in; auto = bf16 where the hardware has it.
        pack_tokens: a forward pass takes texts of similar length up to this many padded tokens; 0 = whole columns;
            None = what suits the device, 1,024 on a CPU and 16,384 on a GPU.
        gradient_caching: embed without a graph first and once more with it, so that memory does not grow with the
            batch; the gradient is the same.
        negatives: mined hard negatives per pair; needs the mining stage; 0 = none.
        evaluations: how often validation is measured during training, the end included; 0 = never.
        checkpoints: how often a checkpoint is kept that training can go on from.
        keep_checkpoints: number of checkpoints on disk.
        log_steps: optimiser steps between two lines of the log.
        tensorboard: write events for TensorBoard, too.
        gather: share negatives among all devices.
    """

    loss: LossSettings = LossSettings()
    batch_size: Annotated[int, Field(ge=2)] = 64
    accumulate: PositiveInt = 1
    epochs: PositiveFloat = 1.0
    max_steps: PositiveInt | None = None
    learning_rate: PositiveFloat = 2e-5
    weight_decay: Weight = 0.01
    warmup_share: Share = 0.1
    schedule: Literal["linear", "cosine", "constant"] = "linear"
    max_grad_norm: PositiveFloat = 1.0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    pack_tokens: Annotated[int, Field(ge=0)] | None = None
    gradient_caching: bool = False
    negatives: Annotated[int, Field(ge=0)] = 0
    evaluations: Annotated[int, Field(ge=0)] = 4
    checkpoints: PositiveInt = 4
    keep_checkpoints: PositiveInt = 2
    log_steps: PositiveInt = 1
    tensorboard: bool = True
    gather: bool = True


class MineSettings(Settings):
    """How hard negatives are found.

    Attributes:
        model: encoder that finds them; None = the model that is trained.
        dim: numbers of each vector that are compared; None = all.
        n: negatives per query.
        first: rank from which candidates are taken, 1 = the best; leaves out those that are likely relevant.
        last: rank of the last candidate.
        margin: a candidate's cosine must stay below that of the query's own document minus this; None = no rule.
        share: a candidate's cosine must stay below this share of that of the query's own document; None = no rule.
        max_score: a candidate's cosine must stay below this; None = no rule.
    """

    model: str | None = None
    dim: PositiveInt | None = None
    n: PositiveInt = 4
    first: PositiveInt = 2
    last: PositiveInt = 100
    margin: float | None = None
    share: PositiveFloat | None = 0.95
    max_score: float | None = None

    @model_validator(mode="after")
    def _ranks_hold_enough(self) -> Self:
        if self.last - self.first + 1 < self.n:
            raise ValueError(f"ranks {self.first} to {self.last} hold fewer than {self.n} candidates; raise last")
        return self


class ArmSettings(Settings):
    """One arm of a comparison: a row of the table of methods with what it changes.

    Attributes:
        method: row of the table.
        dims: prefix lengths it trains; None = as the method says.
        train: settings that replace those of the run, keys as in `TrainSettings`; `loss` may be given in part.
    """

    method: str
    dims: tuple[PositiveInt, ...] | None = None
    train: dict[str, object] = {}
