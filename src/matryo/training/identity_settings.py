"""What a training of the shared prefix is told: validated values, as they stand in a config file."""

from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from matryo.training.settings import Settings, Share, Weight


class IdentityTrainSettings(Settings):
    """One training of the shared prefix.

    Attributes:
        temperature: of every InfoNCE term.
        within_domain_weight: of the loss on triplets of one domain, the mean over dims.
        prefix_weight: of the loss across domains on the identity prefix.
        adversarial_weight: of the domain classifier behind the reversed gradient, for methods that have one.
        reversal: ramp = the gradient's reversal grows from 0 to full strength, constant = full strength throughout.
        classifier_rate: learning rate of the domain classifier, which starts from nothing.
        negatives: texts of other entities per pair across domains, beside those of the batch.
        twins: take altered texts of a pair's own entity as negatives, too, where there are any.
        batch_size: rows per step and device: triplets of one domain, each with a pair across domains.
        accumulate: batches whose gradients are added up before one optimiser step; an even number holds both domains.
        epochs: passes over the rows; not used with max_steps.
        max_steps: optimiser steps; None = as epochs say.
        learning_rate: peak.
        weight_decay: of AdamW; tokens of a static model that no text of the training has are left as they are.
        warmup_share: of all steps, over which the learning rate rises.
        schedule: of the learning rate afterwards.
        max_grad_norm: gradients are clipped to this length.
        precision: numbers that the transformer computes in; auto = bf16 where the hardware has it.
        pack_tokens: a forward pass takes texts of similar length up to this many padded tokens; 0 = whole columns;
            None = what suits the device.
        gradient_caching: embed without a graph first and once more with it, so that memory does not grow with the
            batch; the gradient is the same.
        evaluations: how often validation is measured during training, the end included; 0 = never.
        checkpoints: how often a checkpoint is kept that training can go on from.
        keep_checkpoints: number of checkpoints on disk.
        log_steps: optimiser steps between two lines of the log.
        tensorboard: write events for TensorBoard, too.
    """

    temperature: PositiveFloat = 0.07
    within_domain_weight: Weight = 1.0
    prefix_weight: Weight = 1.0
    adversarial_weight: Weight = 1.0
    reversal: Literal["ramp", "constant"] = "ramp"
    classifier_rate: PositiveFloat = 1e-3
    negatives: Annotated[int, Field(ge=0)] = 1
    twins: bool = True
    batch_size: Annotated[int, Field(ge=2)] = 128
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
    evaluations: Annotated[int, Field(ge=0)] = 0
    checkpoints: PositiveInt = 2
    keep_checkpoints: PositiveInt = 1
    log_steps: PositiveInt = 1
    tensorboard: bool = False
