"""What an audit says, as data: which leaks were found and what a method must beat, each with its numbers.

The thresholds are constants of this file. They are chosen so that a set without a leak passes in silence at a few
hundred pairs, and they are conventions: the numbers stand beside every verdict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from matryo.data.views import Views
from matryo.evaluation.copied import CopiedLabel, Repeated
from matryo.evaluation.leak_rows import LeakRow, difference
from matryo.evaluation.template_leak import TemplateDependence

SOLVED_HIT = 0.9
"""String overlap has solved what it matches at once this often."""
FAR = 0.1
"""So much MRR ahead of the frozen encoder is far."""
NEAR_CHANCE = 0.02
"""So little MRR above chance is near it; more, with an interval above chance, is a leak."""
TEMPLATE_P = 0.001
"""Templates drawn independently give so small a p value in one set of a thousand."""
TEMPLATE_V = 0.1
"""Weaker dependence tells next to nothing, however many entities make it significant."""
LABEL_SHARE = 0.1
"""A label is a leak if its value stands in both texts of so many pairs ..."""
LABEL_LIFT = 2.0
"""... and so many times as often as in a text of somebody else."""
EQUAL_PAIRS = 0.01
"""Share of pairs with two equal texts from which they count as a leak."""
TEXTS_ACROSS = 0.01
"""Share of a domain's texts that other parts know, from which they count as a leak; of ids a single one does."""

LENGTHS = "lengths"
"""What the system is called that ranks by length."""

Check = Literal[
    "string overlap",
    "lengths",
    "templates",
    "labels",
    "equal texts",
    "parts",
    "must beat",
]


@dataclass(frozen=True)
class LeakVerdict:
    """One thing that was looked for.

    Attributes:
        check: what was looked for.
        texts: "as given" or "names masked"; "" = it does not depend on that.
        leak: whether it was found.
        name: what was found, in a few words.
        says: its numbers, in a sentence.
        numbers: name -> value, those the verdict rests on.
    """

    check: Check
    texts: str
    leak: bool
    name: str
    says: str
    numbers: Mapping[str, float] = field(default_factory=dict)


def judge_rows(views: Views, rows: Sequence[LeakRow], *, seed: int) -> tuple[LeakVerdict, ...]:
    """Judge the systems of one form of the texts.

    Args:
        views: that were measured.
        rows: of one form, chance among them.
        seed: of the intervals.
    """
    texts = rows[0].texts
    chance = next(row for row in rows if row.kind == "floor")
    lengths = [_lengths(row, chance) for row in rows if row.system == LENGTHS]
    best = max(rows, key=lambda row: row.mrr.value)
    beat = LeakVerdict(
        "must beat",
        texts,
        False,
        f"a method must beat {best.system} at MRR {best.mrr.value:.3f}",
        f"95 % interval {best.mrr.low:.3f} to {best.mrr.high:.3f}, hit@1 {best.hit.value:.3f}, {_gallery(best)}",
        {"MRR": best.mrr.value, "low": best.mrr.low, "high": best.mrr.high, "hit@1": best.hit.value},
    )
    return (_strings(views, rows, chance, seed), *lengths, beat)


def judge_templates(found: TemplateDependence) -> LeakVerdict:
    """Judge whether the one template tells the other."""
    leak = found.p < TEMPLATE_P and found.cramers_v >= TEMPLATE_V
    return LeakVerdict(
        "templates",
        "",
        leak,
        "a template leak" if leak else "templates are independent",
        f"Cramer's V {found.cramers_v:.2f}, chi-square {found.chi_square:.1f} with {found.degrees} degrees of freedom, "
        f"p {found.p:.2g}, {found.n:,} entities",
        {"V": found.cramers_v, "chi-square": found.chi_square, "p": found.p},
    )


def judge_labels(found: Sequence[CopiedLabel]) -> LeakVerdict:
    """Judge which labels stand in both texts; the ids are one of them.

    Args:
        found: labels that were looked for, at least one.
    """
    copied = [one for one in found if one.in_both >= LABEL_SHARE and one.in_both >= LABEL_LIFT * one.in_wrong]
    told = copied or [max(found, key=lambda one: one.in_both)]
    told.sort(key=lambda one: -one.in_both)
    says = ", ".join(f"{one.label} in {one.in_both:.1%} (wrong pairs {one.in_wrong:.1%})" for one in told)
    return LeakVerdict(
        "labels",
        "",
        bool(copied),
        f"a label leak: {', '.join(one.label for one in told)}"
        if copied
        else "no label stands in both texts of many pairs",
        f"share of pairs with the value word for word in both texts: {says}",
        {one.label: one.in_both for one in told},
    )


def judge_repeats(found: Repeated) -> tuple[LeakVerdict, ...]:
    """Judge equal texts within pairs and across parts; without other parts only the former."""
    share = found.equal_pairs / found.n_pairs
    equal = share >= EQUAL_PAIRS
    pairs = LeakVerdict(
        "equal texts",
        "",
        equal,
        "pairs of equal texts" if equal else "few or no pairs of equal texts",
        f"{found.equal_pairs:,} of {found.n_pairs:,} pairs ({share:.1%}) are one text twice",
        {"share": share},
    )
    if not found.parts:
        return (pairs,)
    across = [n / of for n, of in zip(found.texts_across, found.n_texts, strict=True)]
    leak = any(found.ids_across) or max(across) >= TEXTS_ACROSS
    parts = LeakVerdict(
        "parts",
        "",
        leak,
        "a leak across parts" if leak else "parts are apart",
        f"{sum(found.ids_across):,} ids and {sum(found.texts_across):,} of {sum(found.n_texts):,} texts stand in "
        f"{' or '.join(found.parts)} too",
        {"ids": float(sum(found.ids_across)), "texts a": across[0], "texts b": across[1]},
    )
    return (pairs, parts)


def _strings(views: Views, rows: Sequence[LeakRow], chance: LeakRow, seed: int) -> LeakVerdict:
    strings = [row for row in rows if row.kind == "strings"]
    first = max(strings, key=lambda row: row.hit.value)
    best = max(strings, key=lambda row: row.mrr.value)
    numbers = {"hit@1": first.hit.value, "MRR": best.mrr.value, "chance MRR": chance.mrr.value}
    says = f"{best.system} reaches MRR {_interval(best)}, hit@1 {best.hit.value:.3f}; chance {chance.mrr.value:.3f}"

    def verdict(leak: bool, name: str, more: str = "") -> LeakVerdict:
        return LeakVerdict("string overlap", best.texts, leak, name, says + more, numbers)

    if first.hit.value >= SOLVED_HIT:
        more = (
            ""
            if first.hit.value == best.hit.value
            else f"; {first.system} has the right one first for {first.hit.value:.1%} of queries"
        )
        return verdict(True, "solved by string overlap", more)
    if not _above(best, chance):
        return verdict(False, "near chance for string overlap")
    encoders = [row for row in rows if row.kind == "encoder"]
    if encoders:
        frozen = max(encoders, key=lambda row: row.mrr.value)
        ahead = difference(views, best, frozen, seed=seed)
        numbers |= {"ahead": ahead.value, "ahead low": ahead.low, "ahead high": ahead.high}
        says += f", {ahead.value:+.3f} ({ahead.low:+.3f} to {ahead.high:+.3f}) against the frozen {frozen.system}"
        if ahead.value >= FAR and ahead.low > 0:
            return verdict(True, "string overlap beats the frozen encoder by far")
    return verdict(False, "string overlap helps and does not solve it")


def _lengths(row: LeakRow, chance: LeakRow) -> LeakVerdict:
    leak = _above(row, chance)
    return LeakVerdict(
        "lengths",
        row.texts,
        leak,
        "a length leak" if leak else "lengths tell next to nothing",
        f"lengths alone reach MRR {_interval(row)}, chance {chance.mrr.value:.3f}",
        {"MRR": row.mrr.value, "chance MRR": chance.mrr.value},
    )


def _above(row: LeakRow, chance: LeakRow) -> bool:
    """Whether a row is above chance by more than its uncertainty and by more than next to nothing."""
    return row.mrr.value - chance.mrr.value >= NEAR_CHANCE and not row.mrr.low <= chance.mrr.value


def _interval(row: LeakRow) -> str:
    return f"{row.mrr.value:.3f} ({row.mrr.low:.3f} to {row.mrr.high:.3f})"


def _gallery(row: LeakRow) -> str:
    sizes = sorted({direction.gallery for direction in row.directions})
    return f"both ways, {' and '.join(f'{size:,}' for size in sizes)} texts to choose from"
