"""What the curves of a run say beside each other: differences with the control, shares, dims to recommend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matryo.evaluation.comparisons import differences, pool_seeds, recommend, shares
from matryo.evaluation.queries import Queries
from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.experiments.arm_scores import Curve, own_map
from matryo.experiments.comparison import RANDOM, ROTATION
from matryo.training.methods import Arm

BASELINE = "dense_baseline"

Key = tuple[str, str]


@dataclass(frozen=True)
class Compared:
    """Everything that follows from the curves.

    Attributes:
        pooled: one score per curve, dim and measure; a mean over seeds or draws where there are some.
        shares: of each curve's own full width and of the untrained model's plain full width.
        differences: in the first measure, each with its name "LEFT vs RIGHT at DIM".
        recommendations: smallest dim shown to keep 95 % of each curve's own full width.
        notes: what could not be compared, and why.
    """

    pooled: tuple[Score, ...]
    shares: tuple[Share, ...]
    differences: tuple[Difference, ...]
    recommendations: tuple[Recommended, ...]
    notes: tuple[str, ...]


def compare_arms(
    curves: Sequence[Curve],
    arms: Mapping[str, Arm],
    start: str,
    queries: Queries,
    dims: tuple[int, ...],
    measure: str,
    *,
    seed: int,
) -> Compared:
    """Compare the curves of a run.

    Args:
        curves: of the untrained model and of every arm.
        arms: name -> what was trained.
        start: name of the untrained model.
        queries: the counted queries.
        dims: strictly rising, the last one the width.
        measure: the first one, as printed.
        seed: of the bootstrap.

    Returns: Compared.
    """
    # each side is one object wherever it occurs, so that it is resampled once
    sides = {((c.model, c.map), dim): c.at(dim, measure) for c in curves for dim in dims}
    labels = {(c.model, c.map): c.label for c in curves}
    notes = _control_notes(labels, arms)
    pairs, silent = _share_pairs(sides, curves, (start, PLAIN_CUT), dims)
    named = _differences(sides, labels, arms, start, dims)
    worth_a_test = [c for c in curves if c.map != RANDOM and _finds(sides[(c.model, c.map), dims[-1]])]
    if silent:
        notes.append(f"no shares of what finds nothing at the full width: {', '.join(silent)}")
    return Compared(
        pooled=tuple(score for curve in curves for score in _pooled(curve, queries, seed)),
        # curve by curve, because draws and seeds differ in number and cannot share one resampling
        shares=tuple(share for of_curve in pairs for share in shares(of_curve, queries, seed=seed)),
        differences=tuple(differences(named, queries, seed=seed)),
        recommendations=tuple(
            recommend([s for s in c.runs if s.measure == measure], queries, seed=seed) for c in worth_a_test
        ),
        notes=tuple(notes),
    )


def control_of(arms: Mapping[str, Arm]) -> str | None:
    """The arm that, rotated, nested arms must beat: the first dense_baseline at the widest dim; None without one."""
    widest = max(arm.dims[-1] for arm in arms.values())
    return next((name for name, arm in arms.items() if arm.method.name == BASELINE and arm.dims == (widest,)), None)


def nested_arms(arms: Mapping[str, Arm]) -> list[str]:
    """Arms that train more than the full width."""
    return [name for name, arm in arms.items() if len(arm.dims) > 1]


def _pooled(curve: Curve, queries: Queries, seed: int) -> Sequence[Score]:
    return pool_seeds(curve.runs, queries, seed=seed) if curve.has_seeds else curve.runs


def _control_notes(labels: Mapping[Key, str], arms: Mapping[str, Arm]) -> list[str]:
    if not nested_arms(arms):
        return []
    control = control_of(arms)
    if control is None:
        return [
            f"no arm of method {BASELINE} was trained at the full width, so that nothing here says whether nesting "
            "itself helps: training at the full width and rotating afterwards may reach the same"
        ]
    if (control, ROTATION) not in labels:
        return [f"{control} was not rotated, so that the control of nested training is missing; set rotate_arms"]
    return []


def _differences(
    sides: Mapping[tuple[Key, int], list[Score]],
    labels: Mapping[Key, str],
    arms: Mapping[str, Arm],
    start: str,
    dims: tuple[int, ...],
) -> dict[str, tuple[list[Score], list[Score]]]:
    """Pairs to compare by name, those with the control first."""
    control = control_of(arms)
    own = {name: (name, own_map(arm)) for name, arm in arms.items()}
    plain, rotated = (control or "", PLAIN_CUT), (control or "", ROTATION)
    nested = nested_arms(arms)
    asked: list[tuple[Key, Key, Sequence[int]]] = [
        *((own[name], rotated, dims) for name in nested),
        *(((name, ROTATION), rotated, dims) for name in nested),
        *((own[name], plain, dims[:-1]) for name in nested),
        *((own[name], (start, PLAIN_CUT), dims) for name in arms),
    ]
    named = {
        f"{labels[left]} vs {labels[right]} at {dim}": (sides[left, dim], sides[right, dim])
        for left, right, at in asked
        if left in labels and right in labels
        for dim in at
    }
    if control is not None:
        named |= {
            f"full widths: {name} vs {control}": (sides[own[name], dims[-1]], sides[plain, dims[-1]])
            for name in arms
            if name != control
        }
    return named


def _share_pairs(
    sides: Mapping[tuple[Key, int], list[Score]], curves: Sequence[Curve], plain: Key, dims: tuple[int, ...]
) -> tuple[list[list[tuple[list[Score], list[Score]]]], list[str]]:
    """Pairs (of, base) of each curve, and the names of those whose full width is no base because it finds nothing."""
    full = dims[-1]
    base = sides.get((plain, full), [])
    found, silent = [], []
    for curve in curves:
        key = (curve.model, curve.map)
        pairs = [(sides[key, dim], base) for dim in dims] if key != plain and _finds(base) else []
        if _finds(sides[key, full]):
            pairs += [(sides[key, dim], sides[key, full]) for dim in dims[:-1]]
        else:
            silent.append(curve.label)
        found.append(pairs)
    return found, silent


def _finds(scores: Sequence[Score]) -> bool:
    return sum(score.value for score in scores) > 0.0
