"""The cross-batch memory keeps the newest rows and travels with checkpoints."""

import pytest
import torch

from matryo.errors import ShapeError
from matryo.training.memory import Memory


def test_the_newest_rows_stay() -> None:
    memory = Memory(5, 1)
    for start in (0, 3, 6):
        rows = torch.arange(start, start + 3).float()[:, None]
        memory.push(rows, rows[:, 0].long())
    vectors, groups = memory.rows()
    assert sorted(groups.tolist()) == [4, 5, 6, 7, 8]
    assert vectors[:, 0].long().tolist() == groups.tolist()


def test_more_rows_than_fit() -> None:
    memory = Memory(2, 1)
    memory.push(torch.arange(5.0)[:, None], torch.arange(5))
    assert sorted(memory.rows()[1].tolist()) == [3, 4]
    memory.push(torch.tensor([[5.0]]), torch.tensor([5]))
    assert sorted(memory.rows()[1].tolist()) == [4, 5]


def test_no_memory_and_the_first_rows() -> None:
    assert Memory(0, 4).used == 0
    memory = Memory(4, 2)
    memory.push(torch.ones(1, 2), torch.tensor([7]))
    assert memory.used == 1
    assert memory.rows()[1].tolist() == [7]


def test_rows_that_were_taken_do_not_change_later() -> None:
    memory = Memory(1, 1)
    memory.push(torch.tensor([[1.0]]), torch.tensor([1]))
    taken, _ = memory.rows()
    memory.push(torch.tensor([[2.0]]), torch.tensor([2]))
    assert taken.tolist() == [[1.0]]


def test_its_state_can_be_stored() -> None:
    memory, other = Memory(3, 2), Memory(3, 2)
    memory.push(torch.ones(2, 2), torch.tensor([1, 2]))
    other.load_state_dict(memory.state_dict())
    assert other.used == 2
    assert other.rows()[1].tolist() == [1, 2]


def test_one_group_per_row() -> None:
    with pytest.raises(ShapeError, match="one group per row"):
        Memory(2, 1).push(torch.ones(2, 1), torch.tensor([1]))
