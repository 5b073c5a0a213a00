"""Migrations: which side is translated, which model is old, and what the references find."""

import numpy as np
import pytest

from matryo.errors import SpaceError
from matryo.evaluation.translation_retrieval import ASKED, STORED, Asked, measure_migrations
from matryo.maps import AffineMap, SpaceRows
from matryo.measures.judged import judge
from matryo.prefix import Array, unit_rows
from matryo.space import Space

A, B = Space("a", 6), Space("b", 6)
TURN = np.linalg.qr(np.random.default_rng(4).normal(size=(6, 6)))[0].astype(np.float32)
ZERO = np.zeros(6, np.float32)
FORTH, BACK = AffineMap(TURN, ZERO, A, B, "procrustes"), AffineMap(TURN.T.copy(), ZERO, B, A, "procrustes")


def task(noise_a: float, noise_b: float, n: int = 60) -> tuple[Asked, Asked]:
    """Documents that a rotation leads exactly from A to B; each model asks with noise of its own."""
    rng = np.random.default_rng(0)
    documents = unit_rows(rng.normal(size=(n, 6)).astype(np.float32))

    def asked(noise: float) -> Array:
        return unit_rows((documents + noise * rng.normal(size=documents.shape)).astype(np.float32))

    qa, qb = asked(noise_a), asked(noise_b) @ TURN
    return (
        Asked("old", SpaceRows(documents, A), SpaceRows(qa, A)),
        Asked("new", SpaceRows(documents @ TURN, B), SpaceRows(qb, B)),
    )


IDS = [str(i) for i in range(60)]
JUDGED = judge({name: {name: 1} for name in IDS}, IDS, IDS)


def test_what_a_perfect_map_gives() -> None:
    a, b = task(0.5, 0.05)
    found = measure_migrations(FORTH, a, b, JUDGED, back=BACK, dataset="made", n_draws=300)
    ndcg = {(one.old, one.new, one.way): one for one in found.migrations if str(one.measure) == "nDCG@10"}
    assert len(found.migrations) == 8 and len(ndcg) == 4
    moved, asked = ndcg["old", "new", STORED], ndcg["old", "new", ASKED]
    # stored vectors led to B, asked by B, are B's own; queries of B led back ask the old vectors as well
    for one in (moved, asked):
        assert one.bridged.value == pytest.approx(one.reencode.value)
        assert one.bridging.bridge and one.bridging.recovered.value == pytest.approx(1.0)
        assert one.keep.value < 0.9 < one.reencode.value and one.swap.value < 0.5
    for way in (STORED, ASKED):
        backward = ndcg["new", "old", way]
        assert not backward.bridging.bridge and backward.bridging.recovered is None
        assert backward.keep.value == moved.reencode.value and backward.reencode.value == moved.keep.value
    assert "old to new" in moved.name and "nDCG@10" in moved.sentence()
    assert len({(one.model, one.map, one.measure) for one in found.scores}) == len(found.scores)


def test_one_map_serves_both_migrations_one_way_each() -> None:
    found = measure_migrations(FORTH, *task(0.1, 0.1), JUDGED, dataset="made", n_draws=200)
    assert [(one.old, one.new, one.way) for one in found.migrations[::2]] == [
        ("old", "new", STORED),
        ("new", "old", ASKED),
    ]


def test_a_map_toward_a_prefix_is_searched_at_that_prefix() -> None:
    a, b = task(0.1, 0.1)
    short = FORTH.to_prefix(4)
    found = measure_migrations(short, a, b, JUDGED, dataset="made", n_draws=200)
    assert {one.bridged.dim for one in found.migrations} == {4}
    assert all(one.bridged.value > 0.5 for one in found.migrations)


def test_the_wrong_way_round_is_refused() -> None:
    a, b = task(0.1, 0.1)
    with pytest.raises(SpaceError):
        measure_migrations(BACK, a, b, JUDGED, dataset="made")
    with pytest.raises(SpaceError):
        measure_migrations(FORTH, a, b, JUDGED, back=FORTH, dataset="made")
