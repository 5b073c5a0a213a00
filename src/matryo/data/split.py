"""Splits that never tear a group apart: what is tested is never, not even in part, what was trained on."""

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from matryo.data.pairs import Pairs
from matryo.errors import MatryoError

_SUM_TOLERANCE = 1e-6


def split_groups(groups: Sequence[str], shares: Mapping[str, float], seed: int) -> dict[str, NDArray[np.int64]]:
    """Divide members into parts so that each group lies in one part.

    Groups come by falling size, and within one power of two in the order the seed draws, so that small ones even out
    what large ones leave. Each goes where most room is left, except that the last groups fill parts that are still
    empty. The result depends on the groups and the seed, not on the order of the members.

    Args:
        groups: group of each member.
        shares: part name -> share of the members, all above 0, sum 1.
        seed: decides the order of the groups.

    Returns: part name -> positions of its members, rising; every part has at least one.
    Raises: MatryoError if the shares do not add up or there are fewer groups than parts.

    >>> {k: v.tolist() for k, v in split_groups(["a", "a", "a", "b"], {"train": 0.75, "test": 0.25}, seed=0).items()}
    {'train': [0, 1, 2], 'test': [3]}
    """
    _check_shares(shares)
    sizes = Counter(groups)
    if len(sizes) < len(shares):
        raise MatryoError(
            f"a split into {len(shares)} parts ({', '.join(shares)}) needs as many groups, got {len(sizes)}; "
            "use fewer parts or a finer group"
        )
    room = {part: share * len(groups) for part, share in shares.items()}
    part_of = _assign(_order(sizes, seed), sizes, room)
    parts = np.array([part_of[g] for g in groups])
    return {part: np.flatnonzero(parts == part).astype(np.int64) for part in shares}


def _order(sizes: Mapping[str, int], seed: int) -> list[str]:
    names = sorted(sizes)
    drawn = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    # the sort is stable: groups within one power of two stay in the order drawn
    return sorted(drawn, key=lambda name: -sizes[name].bit_length())


def _assign(order: Sequence[str], sizes: Mapping[str, int], room: dict[str, float]) -> dict[str, str]:
    part_of: dict[str, str] = {}
    empty = set(room)
    for position, group in enumerate(order):
        must_fill = len(order) - position <= len(empty)
        part = max((p for p in room if not must_fill or p in empty), key=room.__getitem__)
        part_of[group] = part
        room[part] -= sizes[group]
        empty.discard(part)
    return part_of


def _check_shares(shares: Mapping[str, float]) -> None:
    total = sum(shares.values())
    if not shares or not all(s > 0 for s in shares.values()) or abs(total - 1) > _SUM_TOLERANCE:
        raise MatryoError(f"shares must be above 0 and sum to 1, got {dict(shares)} (sum {total:g}); correct them")


def split_pairs(pairs: Pairs, shares: Mapping[str, float], seed: int) -> dict[str, Pairs]:
    """Divide pairs into parts so that each group lies in one part.

    Args:
        pairs: each with its group.
        shares: part name -> share of the pairs, sum 1.
        seed: decides which groups go where.

    Returns: part name -> its pairs, in their old order, named "NAME PART".
    Raises: MatryoError as `split_groups`.
    """
    return {
        part: pairs.take(indices.tolist(), name=f"{pairs.name} {part}")
        for part, indices in split_groups(pairs.groups, shares, seed).items()
    }
