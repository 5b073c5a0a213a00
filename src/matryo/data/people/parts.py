"""Parts of a split of made-up people, and the templates that each part may use."""

from collections.abc import Mapping

import numpy as np

from matryo.data.people.draws import Draws
from matryo.data.people.mining import FEWEST_PEOPLE
from matryo.data.people.schema import DATING_TEMPLATES, HIRING_TEMPLATES, Domain
from matryo.errors import MatryoError

TRAIN, VALIDATION, TEST = PARTS = ("train", "validation", "test")
STUDY = {TRAIN: 3400, VALIDATION: 600, TEST: 2000}
"""Number of people in each part of the study."""
N_STUDY, N_BASE = sum(STUDY.values()), 1000
SHARES = {part: count / N_STUDY for part, count in STUDY.items()}

N_HELD_OUT = 2
"""So many last templates of each domain occur in the test part only, and no others occur there."""
_TEMPLATES: dict[Domain, tuple[str, ...]] = {"dating": DATING_TEMPLATES, "hiring": HIRING_TEMPLATES}
_SUM_TOLERANCE = 1e-6


def counts_of(n: int, shares: Mapping[str, float]) -> dict[str, int]:
    """Number of people in each part.

    Args:
        n: people in all.
        shares: part -> share, sum 1.

    Returns: part -> number, in the order of `PARTS`; what rounding leaves goes to the largest remainders.
    Raises: MatryoError as `check_counts`, or if the shares do not sum to 1.

    >>> counts_of(1000, SHARES)
    {'train': 567, 'validation': 100, 'test': 333}
    """
    _check_names(shares)
    if not all(s > 0 for s in shares.values()) or abs(sum(shares.values()) - 1) > _SUM_TOLERANCE:
        raise MatryoError(f"shares must be above 0 and sum to 1, got {dict(shares)}; correct them")
    exact = {part: n * shares[part] for part in PARTS}
    # a share such as 3400/6000 times 6000 may end just below 3400
    counts = {part: int(exact[part] + _SUM_TOLERANCE) for part in PARTS}
    by_rest = sorted(PARTS, key=lambda part: counts[part] - exact[part])
    for part in by_rest[: n - sum(counts.values())]:
        counts[part] += 1
    check_counts(counts, n)
    return counts


def check_counts(counts: Mapping[str, int], n: int) -> None:
    """Refuse parts that do not sum to n, or in which nothing could be mined.

    Raises: MatryoError naming the part.
    """
    _check_names(counts)
    for part in PARTS:
        if counts[part] < FEWEST_PEOPLE:
            raise MatryoError(
                f"part {part} would have {counts[part]} of {n} people, at least {FEWEST_PEOPLE} are needed for an "
                "anchor, a positive and a negative; make more people or give that part more"
            )
    if sum(counts.values()) != n:
        told = ", ".join(f"{part} {counts[part]}" for part in PARTS)
        raise MatryoError(f"parts must sum to n={n}, got {told} (sum {sum(counts.values())}); correct one of them")


def part_numbers(counts: Mapping[str, int], seed: int) -> np.ndarray[tuple[int], np.dtype[np.int8]]:
    """Part of each person, as the position in `PARTS`.

    Args:
        counts: of each part.
        seed: decides who goes where.

    Returns: (n,) int8, by the number of the person.
    """
    numbers = np.repeat(np.arange(len(PARTS), dtype=np.int8), [counts[part] for part in PARTS])
    order = np.random.default_rng(seed).permutation(len(numbers))
    shuffled = np.empty_like(numbers)
    shuffled[order] = numbers
    return shuffled


def templates_of(domain: Domain, part: str, *, held_out: bool) -> tuple[str, ...]:
    """Templates that texts of a part may have.

    >>> templates_of("dating", "test", held_out=True)
    ('narrative', 'psychology-forward')
    """
    templates = _TEMPLATES[domain]
    if not held_out:
        return templates
    return templates[-N_HELD_OUT:] if part == TEST else templates[:-N_HELD_OUT]


def draw_templates(seed: int, id: str, part: str, *, held_out: bool) -> dict[Domain, str]:
    """Template of each domain for one person, the two drawn apart from each other.

    Args:
        seed: with the id decides the draw.
        id: of the person.
        part: where the person is.
        held_out: whether the test part has templates of its own.

    Returns: domain -> template.
    """
    return {
        domain: Draws(seed, "template", domain, id).pick(templates_of(domain, part, held_out=held_out))
        for domain in _TEMPLATES
    }


def _check_names(parts: Mapping[str, object]) -> None:
    if set(parts) != set(PARTS):
        raise MatryoError(f"parts are {', '.join(PARTS)}, got {', '.join(parts)}; give each of them once")
