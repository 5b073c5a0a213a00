"""The table of methods: what is trained, as data."""

from dataclasses import dataclass
from typing import Any, Literal

from matryo.errors import MatryoError
from matryo.prefix import check_dims
from matryo.training.settings import ArmSettings, TrainSettings


@dataclass(frozen=True)
class Method:
    """One row.

    Attributes:
        name: as configs and reports call it.
        dims: which dims of the run it trains.
        meaning: one sentence for the report.
    """

    name: str
    dims: Literal["full", "all"]
    meaning: str


METHODS = {
    method.name: method
    for method in (
        Method("dense_baseline", "full", "trained at the full width only: what nesting has to beat, rotated or not"),
        Method("matryoshka", "all", "trained at all dims at once, each prefix brought back to length 1"),
    )
}


@dataclass(frozen=True)
class Arm:
    """One arm, resolved for a model of a known width.

    Attributes:
        name: of the arm.
        method: row of the table.
        dims: strictly rising prefix lengths that it trains.
        train: its settings.
    """

    name: str
    method: Method
    dims: tuple[int, ...]
    train: TrainSettings


def resolve_arm(name: str, arm: ArmSettings, train: TrainSettings, dims: tuple[int, ...], width: int) -> Arm:
    """What an arm of a config comes to.

    Args:
        name: of the arm.
        arm: as in the config.
        train: settings of the run, which `arm.train` changes.
        dims: of the run, in any order.
        width: of the model.

    Raises: MatryoError for an unknown method; ShapeError for dims beyond the width; pydantic.ValidationError for
        settings that do not exist.
    """
    if arm.method not in METHODS:
        raise MatryoError(f"arm {name}: method must be one of {', '.join(METHODS)}, got {arm.method!r}")
    method = METHODS[arm.method]
    whole = check_dims({*dims, width}, width)
    chosen = check_dims(arm.dims, width) if arm.dims else (whole if method.dims == "all" else (width,))
    return Arm(name, method, chosen, _changed(train, arm.train))


def _changed(train: TrainSettings, changes: dict[str, object]) -> TrainSettings:
    merged: dict[str, Any] = {**train.model_dump(), **changes}
    loss = changes.get("loss", {})
    if isinstance(loss, dict):
        merged["loss"] = {**train.loss.model_dump(), **loss}
    return TrainSettings.model_validate(merged)
