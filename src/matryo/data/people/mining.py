"""Triplets and pairs of made-up people, chosen by how well they fit; of one part of a split at a time."""

import numpy as np
from numpy.typing import NDArray

from matryo.data.people.population import Population
from matryo.data.people.weights import Kind
from matryo.data.views import Mined
from matryo.errors import MatryoError

N_TRIPLETS, N_CANDIDATES, N_NEGATIVES = 5000, 20, 15
FEWEST_PEOPLE = 3
"""An anchor, a positive and a negative."""

Rows = NDArray[np.int64]

_ANCHORS_AT_ONCE = 8192  # 20 candidates each: some 50 MB, however many triplets are asked for


def mine(
    people: Population,
    *,
    n_triplets: int = N_TRIPLETS,
    n_candidates: int = N_CANDIDATES,
    n_cross: int | None = None,
    n_negatives: int = N_NEGATIVES,
    seed: int,
) -> Mined:
    """Choose triplets for each domain and pairs across domains.

    For a triplet, candidates are drawn for an anchor: the positive is the one with the highest score, the negative any
    of the lower half. Across domains the positive is the person themselves, negatives are others. Everybody is an
    anchor once before anybody is one twice, and likewise in pairs. Where there are fewer others than asked for as
    candidates or negatives, all others are taken.

    Args:
        people: of one part of a split; positions in it are the rows of both views.
        n_triplets: for each domain.
        n_candidates: for each anchor, at least 2.
        n_cross: pairs across domains; None = one for each person.
        n_negatives: for each pair across domains.
        seed: >= 0; decides what is drawn.

    Returns: triplets for dating and hiring, and pairs across.
    Raises: MatryoError if there are fewer than 3 people or a number is too small.
    """
    n = len(people)
    if n < FEWEST_PEOPLE:
        raise MatryoError(f"mining needs at least {FEWEST_PEOPLE} people in a part, got {n}; make the part larger")
    n_cross = n if n_cross is None else n_cross
    if min(n_triplets, n_cross, n_negatives) < 1 or n_candidates < 2 or seed < 0:
        raise MatryoError(
            f"mining needs at least 1 triplet, pair and negative, 2 candidates and a seed from 0, got {n_triplets}, "
            f"{n_cross}, {n_negatives}, {n_candidates} and {seed}; raise them"
        )
    dating, hiring, across = (np.random.default_rng([seed, stream]) for stream in range(3))
    return Mined(
        (
            _triplets(people, "dating", n_triplets, n_candidates, dating),
            _triplets(people, "hiring", n_triplets, n_candidates, hiring),
        ),
        _cross(n, n_cross, n_negatives, across),
    )


def draw_others(anchors: Rows, n: int, k: int, rng: np.random.Generator) -> Rows:
    """For each anchor k different others of n people, every choice of k as likely.

    Floyd's way: step j draws one of the first j, and takes number j itself where that one was taken before; k steps
    give k different numbers with no second try. The order within a row is not random.

    Args:
        anchors: (m,) positions below n.
        n: number of people.
        k: how many others, at most n - 1.
        rng: draws them.

    Returns: (m, k) int64, no row with its anchor or with one position twice.
    Source: Bentley and Floyd 1987, "A sample of brilliance".
    """
    taken = np.empty((len(anchors), k), dtype=np.int64)
    for column, top in enumerate(range(n - 1 - k, n - 1)):
        drawn = rng.integers(0, top + 1, len(anchors))
        again = (taken[:, :column] == drawn[:, None]).any(axis=1)
        taken[:, column] = np.where(again, top, drawn)
    # numbers below n - 1 become positions of others by stepping over the anchor
    others: Rows = taken + (taken >= anchors[:, None])
    return others


def _triplets(people: Population, kind: Kind, n_triplets: int, n_candidates: int, rng: np.random.Generator) -> Rows:
    anchors = _in_turns(len(people), n_triplets, rng)
    k = min(n_candidates, len(people) - 1)
    pieces = [
        _choose(people, kind, anchors[start : start + _ANCHORS_AT_ONCE], k, rng)
        for start in range(0, n_triplets, _ANCHORS_AT_ONCE)
    ]
    return np.concatenate(pieces)


def _choose(people: Population, kind: Kind, anchors: Rows, k: int, rng: np.random.Generator) -> Rows:
    candidates = draw_others(anchors, len(people), k, rng)
    scores = people.pair_scores(kind, np.repeat(anchors, k), candidates.ravel()).reshape(candidates.shape)
    rising = np.take_along_axis(candidates, np.argsort(scores, axis=1, kind="stable"), axis=1)
    of_lower_half = rng.integers(0, k // 2, len(anchors))
    return np.stack([anchors, rising[:, -1], rising[np.arange(len(anchors)), of_lower_half]], axis=1)


def _cross(n: int, n_cross: int, n_negatives: int, rng: np.random.Generator) -> Rows:
    same = _in_turns(n, n_cross, rng)
    others = draw_others(same, n, min(n_negatives, n - 1), rng)
    return np.concatenate([same[:, None], same[:, None], others], axis=1)


def _in_turns(n: int, count: int, rng: np.random.Generator) -> Rows:
    """Positions below n in random order, each once before any comes twice."""
    turns = [rng.permutation(n) for _ in range(-(-count // n))]
    return np.concatenate(turns)[:count].astype(np.int64)
