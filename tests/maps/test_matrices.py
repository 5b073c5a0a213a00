import numpy as np
import pytest
import torch
from torch import nn

from matryo.errors import MatryoError
from matryo.maps.matrices import LoopSettings, train


def trained(n_rows: int, max_epochs: int) -> tuple[float, ...]:
    """Validation losses of a line fitted to y = 3 x, 16 rows per step."""
    torch.manual_seed(0)
    x = torch.from_numpy(np.linspace(-1, 1, n_rows, dtype=np.float32))[:, None]
    line = nn.Linear(1, 1)

    def loss(rows: torch.Tensor) -> torch.Tensor:
        return ((line(x[rows]) - 3 * x[rows]) ** 2).mean()

    def validation() -> float:
        with torch.no_grad():
            return float(loss(torch.arange(n_rows)))

    settings = LoopSettings(batch_size=16, learning_rate=0.1, max_epochs=max_epochs, patience=max_epochs)
    return train(line, loss, validation, n_rows, settings, seed=0).validation


@pytest.mark.parametrize(("n_rows", "max_epochs"), [(16, 1), (16, 2), (16, 20), (32, 10), (160, 4)])
def test_however_few_steps_there_are_all_of_them_are_taken(n_rows: int, max_epochs: int) -> None:
    losses = trained(n_rows, max_epochs)
    assert len(losses) == max_epochs + 1 and losses[-1] < losses[0]


def test_less_than_a_batch_is_refused() -> None:
    with pytest.raises(MatryoError, match="at least one batch of 16 pairs, got 15"):
        trained(15, 1)


def test_the_best_state_is_what_is_left() -> None:
    line = nn.Linear(1, 1)
    seen: list[float] = []

    def validation() -> float:
        # best after epoch 2, then worse for good
        seen.append(line.weight.item())
        return (5.0, 4.0, 1.0, 2.0, 3.0)[len(seen) - 1]

    settings = LoopSettings(batch_size=4, learning_rate=0.1, max_epochs=9, patience=2)
    x = torch.ones(8, 1)
    found = train(line, lambda rows: (line(x[rows]) - 3.0).square().mean(), validation, 8, settings, seed=0)
    assert (found.kept_epoch, len(found.validation)) == (2, 5)
    assert line.weight.item() == seen[2] and len(set(seen)) == 5
    assert line.weight.grad is None  # as large as the weights, and of no use
