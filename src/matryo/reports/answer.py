"""The answer to the question of a training run: does nesting beat the same training at the full width, then rotated?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from matryo.errors import FormatError
from matryo.evaluation.records import Difference
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT
from matryo.reports.curve_table import counted
from matryo.reports.document import Fact
from matryo.reports.formats import count, number, number_range, signed, signed_range
from matryo.reports.panels import Panel

NO_DIFFERENCE = "no significant difference"


@dataclass(frozen=True, slots=True)
class Question:
    """Is an arm, cut plainly to a dim, better than its control?

    Attributes:
        arm: what was trained at all dims.
        control: what was trained at the full width only.
        map: what is done to the control afterwards, "none" = nothing.
        dim: prefix length of both.
    """

    arm: str
    control: str
    map: str
    dim: int


def question_of(results: RunResults) -> Question | None:
    """The question that a run was made to answer; None if it says none.

    Raises: FormatError if what the settings say is no question.
    """
    stored = results.settings.get("control")
    if stored is None:
        return None
    try:
        return Question(str(stored["arm"]), str(stored["control"]), str(stored["map"]), int(stored["dim"]))
    except (KeyError, TypeError, ValueError):
        raise FormatError(
            f"settings.control of the results must give arm, control, map and dim, got {stored!r}; evaluate anew"
        ) from None


def purpose_of(results: RunResults) -> str:
    """What a run says of itself, e.g. that it makes no claim; "" = nothing."""
    return str(results.settings.get("purpose") or "")


def as_trained(map_name: str) -> bool:
    """Whether a map only takes the numbers that were trained, so that nothing was fitted afterwards."""
    return map_name == PLAIN_CUT or map_name.endswith(_OWN_COLUMNS)


def difference_at(panel: Panel, question: Question) -> Difference | None:
    """The stored difference that answers a question; the arm is taken as it was trained, not with a fitted map."""
    sides = (question.arm, question.dim), (question.control, question.map, question.dim)
    for one in panel.differences:
        found = (one.left.model, one.left.dim), (one.right.model, one.right.map, one.right.dim)
        if found == sides and as_trained(one.left.map):
            return one
    return None


def answer(panel: Panel, question: Question) -> str:
    """One sentence: the difference to the control, its interval, and what follows from it.

    Args:
        panel: data set and measure that the question is asked of.
        question: of the run.
    """
    left, right = panel.label(question.arm, PLAIN_CUT), panel.label(question.control, question.map)
    found = difference_at(panel, question)
    place = f"At {question.dim} of {panel.dims[-1]} numbers" if panel.dims else f"At {question.dim} numbers"
    afterwards = "cut plainly" if question.map == PLAIN_CUT else f"then {_DONE.get(question.map, question.map)}"
    control = f"{right} (the control: trained at the full width only, {afterwards})"
    if found is None:
        return f"{place}, {left} was not compared with {control}: this run does not say whether nesting helps"
    figures = f"{signed(found.value)} {panel.measure}{_bracketed(found)} on {panel.dataset} ({_size(panel, found)})"
    if math.isnan(found.low):
        return f"{place}, {left} minus {control}: {figures}; without an interval nothing follows from it"
    if found.low > 0 or found.high < 0:
        return f"{place}, {left} is {'better' if found.low > 0 else 'worse'} than {control}: {figures}"
    return (
        f"{place}, there is {NO_DIFFERENCE} between {left} and {control}: {figures}; "
        f"the interval holds 0, differences beyond {_excluded(found)} can be excluded"
    )


def full_widths(panel: Panel, question: Question) -> str | None:
    """One sentence on both arms at their full width; None if that was not compared."""
    if not panel.dims:
        return None
    width = panel.dims[-1]
    found = difference_at(panel, Question(question.arm, question.control, PLAIN_CUT, width))
    if found is None or math.isnan(found.low):
        return None
    figures = f"{signed(found.value)} {panel.measure}{_bracketed(found)}"
    if found.low > 0 or found.high < 0:
        said = f"{question.arm} is {'better' if found.low > 0 else 'worse'} than {question.control}: {figures}"
    else:
        said = (
            f"there is {NO_DIFFERENCE} between {question.arm} and {question.control}: {figures}; "
            f"differences beyond {_excluded(found)} can be excluded"
        )
    return f"At the full width, {width} numbers, {said}."


def answer_facts(panel: Panel, question: Question) -> tuple[Fact, ...]:
    """Numbers for the first screen: the difference, both sides of it, how many queries and seeds say so."""
    facts = []
    found = difference_at(panel, question)
    if found is not None:
        label = f"difference in {panel.measure} at {question.dim}"
        facts.append(Fact(signed(found.value), ", ".join(filter(None, [label, signed_range(found.low, found.high)]))))
    for model, map_name in ((question.arm, PLAIN_CUT), (question.control, question.map)):
        score = panel.at(model, map_name, question.dim)
        if score is not None:
            known = number_range(score.low, score.high)
            facts.append(Fact(number(score.value), f"{panel.label(model, map_name)}{known and f', {known}'}"))
    if found is not None:
        grouped = found.n_groups is not None and found.n_groups != found.n
        facts.append(Fact(count(found.n), "queries" + (f" in {found.n_groups:,} groups" if grouped else "")))
        facts.append(Fact(str(seeds_of(panel, question)), "seeds, one training of each arm per seed"))
    return tuple(facts)


def seeds_of(panel: Panel, question: Question) -> int:
    """Number of seeds that the arm of a question was trained with."""
    found = [row.scores for row in panel.rows if row.model == question.arm and question.dim in row.scores]
    return max((scores[question.dim].n_seeds or 1 for scores in found), default=0)


_DONE: Mapping[str, str] = {"rotation": "rotated"}
_OWN_COLUMNS = " columns"  # end of the name of the map under which an arm was trained that takes others than the first


def _size(panel: Panel, found: Difference) -> str:
    n_seeds = seeds_of(panel, Question(found.left.model, found.right.model, found.right.map, found.left.dim))
    seeds = "" if n_seeds == 0 else ", one seed" if n_seeds == 1 else f", {n_seeds} seeds"
    return f"{counted([found])}{seeds}"


def _bracketed(found: Difference) -> str:
    interval = signed_range(found.low, found.high)
    return f" [{interval}]" if interval else ""


def _excluded(found: Difference) -> str:
    """The end of the interval that is farther from 0, rounded away from 0 so that the statement stays true."""
    return f"{math.ceil(1000 * max(-found.low, found.high) - 1e-6) / 1000:.3f}"
