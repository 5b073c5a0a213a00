"""What was logged during trainings, as plots: loss and validation per dim over the steps."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from matryo.errors import FormatError
from matryo.reports.charts import Chart, Line

LOG_FILE = "log.jsonl"
_LOSS = re.compile(r"loss_at_(\d+)")
_VALIDATION = re.compile(r"eval_(?:.*_)?([^_]+@\d+)_at_(\d+)")
_MOST_POINTS = 200  # of one line; more would only blacken it

Series = Mapping[int, float]
"""Value by step."""


@dataclass(frozen=True, slots=True)
class Course:
    """One training as it was logged.

    Attributes:
        arm: name of the arm.
        seed: of the training.
        loss: loss by step, for each dim; the dim 0 stands for a loss that was not logged per dim.
        validation: validation by step, for each measure and dim.
    """

    arm: str
    seed: int
    loss: Mapping[int, Series]
    validation: Mapping[tuple[str, int], Series]


def read_courses(folder: Path) -> tuple[Course, ...]:
    """Read every `ARM/seed-N/log.jsonl` in a folder, by name of the arm and seed; none if the folder is not there.

    Raises: FormatError if a line is no JSON object with a step.
    """
    found = []
    for path in folder.glob(f"*/seed-*/{LOG_FILE}"):
        seed = path.parent.name.removeprefix("seed-")
        if seed.isdecimal():
            found.append(_course(path, path.parent.parent.name, int(seed)))
    return tuple(sorted(found, key=lambda course: (course.arm, course.seed)))


def training_charts(arm: str, courses: Sequence[Course]) -> tuple[Chart, ...]:
    """Loss and each validation measure of one arm over the steps: the mean over its seeds, each seed behind it.

    Args:
        arm: name.
        courses: of all arms, so that a dim has the same colour in every plot of a run.
    """
    dims = sorted({dim for c in courses for dim in (*c.loss, *(d for _, d in c.validation))} - {0})
    own = [course for course in courses if course.arm == arm]
    measures = dict.fromkeys(measure for course in own for measure, _ in course.validation)
    charts = [_chart(f"Loss of {arm}", f"training-{arm}-loss", [course.loss for course in own], dims)]
    for measure in measures:
        per_seed = [{dim: s for (name, dim), s in c.validation.items() if name == measure} for c in own]
        charts.append(_chart(f"{measure} of {arm} on validation", f"training-{arm}-validation", per_seed, dims))
    return tuple(chart for chart in charts if chart.lines)


def training_notes(arm: str, courses: Sequence[Course]) -> tuple[str, ...]:
    """How the plots of one arm are to be read."""
    own = [course for course in courses if course.arm == arm]
    notes = []
    if len(own) > 1:
        notes.append(f"Strong lines are means over {len(own)} seeds, hairs are single seeds.")
    logged = max((len(series) for course in own for series in course.loss.values()), default=0)
    if _block(logged) > 1:
        notes.append(f"Every point of the loss is the mean of {_block(logged)} logged values in a row.")
    return tuple(notes)


def _course(path: Path, arm: str, seed: int) -> Course:
    loss: dict[int, dict[int, float]] = {}
    validation: dict[tuple[str, int], dict[int, float]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            logged = json.loads(line)
            step = int(logged["step"])
            values = {name: float(value) for name, value in logged.items() if _is_number(value)}
        except (ValueError, KeyError, TypeError, AttributeError):
            raise FormatError(
                f"{path} line {number} is no JSON object with a step: {line[:80]!r}; train anew or remove the file"
            ) from None
        per_dim = {int(match[1]): value for name, value in values.items() if (match := _LOSS.fullmatch(name))}
        if not per_dim and "loss" in values:
            per_dim = {0: values["loss"]}
        for dim, value in per_dim.items():
            loss.setdefault(dim, {})[step] = value
        for name, value in values.items():
            if match := _VALIDATION.fullmatch(name):
                validation.setdefault((match[1], int(match[2])), {})[step] = value
    return Course(arm, seed, loss, validation)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _chart(measure: str, name: str, per_seed: Sequence[Mapping[int, Series]], dims: Sequence[int]) -> Chart:
    lines = []
    for dim in sorted({dim for found in per_seed for dim in found}):
        series = [found[dim] for found in per_seed if found.get(dim)]
        colour = dims.index(dim) if dim else 0
        if len(series) > 1:
            lines += [_line("", one, colour, trace=True) for one in series]
        shared = sorted(set.intersection(*(set(one) for one in series)))
        mean = {step: fmean(one[step] for one in series) for step in shared}
        if mean:
            lines.append(_line(f"{dim} dims" if dim else "all terms", mean, colour, trace=False))
    return Chart("", measure, tuple(lines), across="steps", name=name)


def _line(label: str, series: Series, colour: int, *, trace: bool) -> Line:
    points = [(step, value) for step, value in sorted(series.items()) if math.isfinite(value)]
    size = _block(len(points))
    blocks = [points[start : start + size] for start in range(0, len(points), size)]
    steps = tuple(round(fmean(step for step, _ in block)) for block in blocks)
    values = tuple(fmean(value for _, value in block) for block in blocks)
    return Line.exact(label, steps, values, "trace" if trace else "normal", colour)


def _block(n_points: int) -> int:
    """How many points in a row become one."""
    return max(1, math.ceil(n_points / _MOST_POINTS))
