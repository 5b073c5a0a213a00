"""Which arm is the control of a comparison."""

import pytest

from matryo.experiments.arm_comparisons import control_of
from matryo.training.methods import METHODS, Arm
from matryo.training.settings import TrainSettings


@pytest.mark.parametrize(("dims", "control"), [((24,), "short"), ((8,), None), ((8, 24), None)])
def test_the_control_is_trained_at_the_full_width(dims: tuple[int, ...], control: str | None) -> None:
    arms = {
        "short": Arm("short", METHODS["dense_baseline"], dims, TrainSettings()),
        "nested": Arm("nested", METHODS["matryoshka"], (8, 24), TrainSettings()),
    }
    assert control_of(arms) == control
