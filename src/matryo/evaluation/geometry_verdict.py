"""The two verdicts on a space and the sentences that say them; never what a model was trained for."""

from dataclasses import dataclass

from matryo.evaluation.geometry_order import (
    BEND_SIGMA,
    EXPLAINED,
    ROWS_PER_COLUMN,
    SMALLEST_FALL,
    VarianceOrder,
    fit_rows,
)
from matryo.evaluation.geometry_privilege import (
    LEAST_COLUMNS,
    LEAST_ROWS,
    SIGMA,
    SMALLEST_ADVANTAGE,
    UNSURE_SIGMA,
    Privilege,
)


@dataclass(frozen=True)
class GeometryVerdict:
    """One of the two verdicts.

    Attributes:
        holds: yes, no, or None where nothing is decided.
        why: the reason, a sentence with its numbers.
    """

    holds: bool | None
    why: str


def too_small(n: int, width: int) -> GeometryVerdict | None:
    """Why nothing can be said of so few rows or columns; None if there are enough of both."""
    if n < LEAST_ROWS:
        return GeometryVerdict(
            None, f"{n:,} distinct texts are too few to tell the order of the numbers from chance; give {LEAST_ROWS:,}."
        )
    if width < LEAST_COLUMNS:
        return GeometryVerdict(
            None, f"{width} numbers are too few to tell their order from chance; that takes {LEAST_COLUMNS}."
        )
    return None


def judge_privilege(found: Privilege) -> GeometryVerdict:
    """Judge whether the prefix is privileged."""
    numbers = (
        f"{found.advantage:+.1%} of the neighbours against random dims (95 % interval {found.low:+.1%} to "
        f"{found.high:+.1%}), {found.over_suffix:+.1%} against the suffix, {found.sigma:.1f} standard deviations of "
        f"{found.n_orders} random orders, of which {found.rank} do as well"
    )
    left_out = f"; {found.n_outliers} columns of outlying energy left out" if found.n_outliers else ""
    if found.holds:
        return GeometryVerdict(True, f"The first numbers find more than others do: {numbers}{left_out}.")
    if found.holds is None:
        return GeometryVerdict(
            None,
            f"The first numbers seem to find more than others do, but chance is not excluded: {numbers}{left_out}; "
            f"{SIGMA:g} standard deviations and no equal among the orders are asked for, other texts may decide.",
        )
    if found.sigma <= -SIGMA:
        return GeometryVerdict(False, f"The first numbers find less than others do: {numbers}{left_out}.")
    if found.sigma < UNSURE_SIGMA:
        return GeometryVerdict(False, f"The first numbers are like any others: {numbers}{left_out}.")
    return GeometryVerdict(
        False,
        f"The first numbers find hardly more than others do: {numbers}{left_out}; {SMALLEST_ADVANTAGE:.0%} beyond "
        "random dims and beyond the suffix is asked for.",
    )


def judge_variance(found: tuple[VarianceOrder, VarianceOrder], n: int, width: int) -> GeometryVerdict:
    """Judge whether the columns stand in the order of variance.

    Args:
        found: the comparison with an uncentred and a centred PCA.
        n: rows compared.
        width: columns.
    """
    held = [order for order in found if order.holds]
    best = held[0] if held else min(found, key=lambda order: order.correlation)
    correlated = f"{best.correlation:.2g} times the correlation that a rotation fitted on other {_fit_rows(n)} leaves"
    falls = f"energies fall along the order by {best.falls:.3g} (first quarter over last)"
    if held and n < ROWS_PER_COLUMN * width:
        return GeometryVerdict(
            None,
            f"The columns look like the axes of a PCA, but {n:,} distinct texts are too few to tell that from what "
            f"resembles it; give {ROWS_PER_COLUMN * width:,}.",
        )
    if held:
        return GeometryVerdict(True, f"The columns are the axes of a PCA ({best.kind}): {falls}, {correlated}.")
    if not best.falls_along:
        return GeometryVerdict(
            False,
            f"The columns' energies do not fall along the order (first quarter over last {best.falls:.3g}, "
            f"{SMALLEST_FALL:g} is asked for; a falling curve explains {best.explained:.0%} of their differences, "
            f"{EXPLAINED:.0%} is asked for).",
        )
    if best.correlation > best.slack or best.near > best.slack:
        worse = max(best.correlation, best.near)
        return GeometryVerdict(
            False,
            f"The {falls}, but the columns are correlated, {worse:.2g} times as much as a rotation fitted on other "
            f"{_fit_rows(n)} leaves: not the order of variance of these texts, though it may be that of others.",
        )
    return GeometryVerdict(
        False,
        f"The {falls}, but not one column after the other (the largest rise is {best.worst_rise:.1f} standard errors, "
        f"{BEND_SIGMA:g} may be chance).",
    )


def sentences(
    privilege: GeometryVerdict, variance: GeometryVerdict, kinks: tuple[int, ...], searched: bool
) -> tuple[str, ...]:
    """Say it all, each verdict with its reason.

    Args:
        privilege: first verdict.
        variance: second verdict.
        kinks: dims.
        searched: whether kinks were looked for.
    """
    said = [
        f"Prefix privileged: {_word(privilege.holds)}. {privilege.why}",
        f"Variance-ordered: {_word(variance.holds)}. {variance.why}",
    ]
    if variance.holds and privilege.holds:
        said.append("Any vectors look so once they are rotated onto the axes of a PCA; training is not needed for it.")
    if kinks:
        at = ", ".join(str(dim) for dim in kinks)
        said.append(f"The variance of the columns steps down after {at}: these dims differ from their neighbours.")
    elif searched:
        said.append("No dim stands out: the variance of the columns has no step that a smooth curve does not explain.")
    return tuple(said)


def _fit_rows(n: int) -> str:
    return f"{fit_rows(n):,} texts of this kind"


def _word(holds: bool | None) -> str:
    return "undecided" if holds is None else "yes" if holds else "no"
