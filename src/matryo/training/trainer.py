"""The sentence-transformers trainer with an objective of ours: per-dim losses in its log, evaluations by plan."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import torch
from sentence_transformers import SentenceTransformerTrainer
from transformers import TrainerCallback
from transformers.trainer_callback import PrinterCallback

from matryo.errors import MatryoError
from matryo.training.checkpoints import keep_newest, mark
from matryo.training.terms import StepObjective, own_parameters, own_state


class PrefixTrainer(SentenceTransformerTrainer):
    """Logs what the objective noted at each dim; writes no model card of its own, because the run writes one."""

    def __init__(self, *, objective: StepObjective, **settings: Any) -> None:
        """Take over an objective; everything else as there."""
        super().__init__(loss=objective, **settings)
        self._objective = objective
        self.remove_callback(PrinterCallback)

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Leave out the card of sentence-transformers, which reads through the data set first."""

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, with the mean of every term at every dim."""
        if "loss" in logs:
            logs = {**logs, **self._objective.drain()}
        super().log(logs, start_time)


@final
class Guard(TrainerCallback):
    """Tells the objective the step, evaluates and saves by plan, and stops before a broken gradient reaches weights."""

    def __init__(
        self,
        objective: StepObjective,
        *,
        evaluations: int,
        checkpoints: int,
        keep: int,
        facts: Callable[[], dict[str, Any]],
    ) -> None:
        """Plan a training.

        Args:
            objective: of the trainer.
            evaluations: evenly spaced, the last at the end; 0 = none.
            checkpoints: evenly spaced within the training, none at its end, where the model itself is written.
            keep: checkpoints on disk; older ones go when a newer one is whole, which the trainer does not wait for.
            facts: what is stored in a checkpoint's mark.
        """
        self._objective, self._facts, self._keep = objective, facts, keep
        self._evaluations, self._checkpoints = evaluations, checkpoints
        self._evaluate_at: set[int] = set()
        self._save_at: set[int] = set()

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Lay out the plan, now that the number of steps is known."""
        n = self._objective.n_steps = state.max_steps
        self._evaluate_at = _spread(n, self._evaluations, self._evaluations)
        self._save_at = _spread(n, self._checkpoints, self._checkpoints + 1)

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Count."""
        self._objective.step = state.global_step

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Agree on gradients that the wrapped model does not carry; refuse what is not finite."""
        for parameter in own_parameters(self._objective) if torch.distributed.is_initialized() else ():
            if parameter.grad is not None:
                torch.distributed.all_reduce(parameter.grad)
                parameter.grad /= torch.distributed.get_world_size()
        gradients = [p.grad for p in self._objective.parameters() if p.grad is not None]
        if not torch.isfinite(torch.nn.utils.get_total_norm(gradients)):
            raise MatryoError(
                f"the gradient is not finite at step {state.global_step + 1} (seed {self._objective.seed}); weights "
                "are as before, earlier checkpoints are kept: lower the learning rate or use precision fp32"
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Ask for what the plan says."""
        control.should_evaluate = state.global_step in self._evaluate_at
        control.should_save = state.global_step in self._save_at
        return control

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Complete the checkpoint with the state of the loss."""
        if torch.distributed.is_initialized():
            torch.distributed.barrier()  # every process has written its random state
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            mark(folder, own_state(self._objective), self._facts())
            keep_newest(Path(args.output_dir), self._keep)


def _spread(n_steps: int, n: int, parts: int) -> set[int]:
    """The ends of the first n of equal parts of a training, each at least one step in."""
    return {max(1, round(n_steps * i / parts)) for i in range(1, n + 1)}
