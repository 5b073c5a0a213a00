"""Weights, temperatures and sampled dims are functions of the step."""

import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.training.schedule import check_loss_dims, dims_at, temperatures_of, weights_at
from matryo.training.settings import LossSettings

DIMS = (32, 64, 128)


def test_weights_move_in_a_straight_line() -> None:
    loss = LossSettings(weights={128: 4.0}, weights_at_start={128: 0.0})
    assert [weights_at(loss, DIMS, step, 100)[2] for step in (0, 50, 100)] == [0.0, 2.0, 4.0]
    assert weights_at(loss, DIMS, 50, 100)[:2] == [1.0, 1.0]


def test_without_a_start_weights_stay() -> None:
    assert weights_at(LossSettings(weights={32: 3.0}), DIMS, 0, 10) == [3.0, 1.0, 1.0]


def test_sampled_dims_keep_the_widest_and_differ_between_steps() -> None:
    loss = LossSettings(sampled_dims=1)
    drawn = [dims_at(loss, DIMS, step, seed=1) for step in range(50)]
    assert {dims[-1] for dims in drawn} == {128}
    assert {dims[0] for dims in drawn} == {32, 64}
    assert drawn == [dims_at(loss, DIMS, step, seed=1) for step in range(50)]
    assert drawn != [dims_at(loss, DIMS, step, seed=2) for step in range(50)]


def test_all_dims_when_as_many_are_asked_for() -> None:
    assert dims_at(LossSettings(sampled_dims=2), DIMS, 0, 0) == DIMS
    assert dims_at(LossSettings(), DIMS, 0, 0) == DIMS


def test_temperature_per_dim() -> None:
    assert temperatures_of(LossSettings(temperature=0.1), DIMS) == [0.1] * 3
    assert temperatures_of(LossSettings(temperature={64: 0.2}), DIMS) == [0.05, 0.2, 0.05]


@pytest.mark.parametrize(
    "loss",
    [LossSettings(weights={48: 1.0}), LossSettings(temperature={48: 0.1}), LossSettings(weights_at_start={48: 1})],
)
def test_dims_that_are_not_trained_are_named(loss: LossSettings) -> None:
    with pytest.raises(ShapeError, match=r"\[48\].*trained are \[32, 64, 128\]"):
        check_loss_dims(loss, DIMS)


def test_a_step_that_may_have_no_weight_is_refused() -> None:
    silent = {32: 0.0, 128: 0.0}
    with pytest.raises(MatryoError, match=r"may draw only dims of weight 0.*raise sampled_dims"):
        check_loss_dims(LossSettings(weights=silent, sampled_dims=1), (32, 64, 128))
    check_loss_dims(LossSettings(weights=silent, sampled_dims=2), (32, 64, 128))
    check_loss_dims(LossSettings(weights={32: 0.0, 64: 0.0}, sampled_dims=1), (32, 64, 128))


def test_no_weight_left() -> None:
    with pytest.raises(MatryoError, match="weights are 0"):
        check_loss_dims(LossSettings(weights=dict.fromkeys(DIMS, 0.0)), DIMS)
