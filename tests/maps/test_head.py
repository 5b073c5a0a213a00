"""Heads learn what the pairs say, keep their seed's word and refuse what they cannot use."""

import numpy as np
import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.maps import HeadSettings, LoopSettings, PairVectors, fit_full_head, fit_nested_head, fit_rotation
from matryo.prefix import Array, cut, unit_rows
from matryo.space import Space

WIDTH = 24
FAST = HeadSettings(loop=LoopSettings(batch_size=64, learning_rate=1e-2, max_epochs=25))


def noisy_pairs(rng: np.random.Generator, n: int) -> PairVectors:
    """Pairs that agree in 8 hidden directions of small energy and differ in 16 loud ones."""
    shared = rng.normal(size=(n, 8))

    def side() -> Array:
        loud = 1.5 * rng.normal(size=(n, 16))
        return unit_rows(np.concatenate([loud, shared + 0.1 * rng.normal(size=(n, 8))], axis=1).astype(np.float32))

    return PairVectors(side(), side())


def hit_rate(pairs: PairVectors, dim: int) -> float:
    """Share of queries whose own document comes first."""
    scores = cut(pairs.queries, dim) @ cut(pairs.documents, dim).T
    return float((scores.argmax(axis=1) == np.arange(len(scores))).mean())


def mapped(pairs: PairVectors, fitted) -> PairVectors:
    return PairVectors(fitted.apply(pairs.queries), fitted.apply(pairs.documents))


@pytest.fixture(scope="module")
def sides() -> tuple[PairVectors, PairVectors, PairVectors]:
    rng = np.random.default_rng(7)
    return noisy_pairs(rng, 512), noisy_pairs(rng, 128), noisy_pairs(rng, 256)


@pytest.mark.parametrize("fit", ["nested", "full"])
def test_a_head_beats_the_rotation_at_a_short_prefix_and_at_the_full_width(sides, fit: str) -> None:
    train, validation, test = sides
    space = Space("w", WIDTH)
    if fit == "nested":
        head = fit_nested_head(train, validation, space, (4, 8, 16), settings=FAST)
    else:
        head = fit_full_head(train, validation, space, settings=FAST)
    rotation = fit_rotation(train.documents, space, more=train.queries)
    for dim in (8, WIDTH):
        assert hit_rate(mapped(test, head), dim) > hit_rate(mapped(test, rotation), dim) + 0.2


def test_the_seed_decides_everything(sides) -> None:
    train, validation, _ = sides
    short = HeadSettings(loop=LoopSettings(batch_size=64, max_epochs=2))
    fits = [fit_nested_head(train, validation, Space("w", WIDTH), (8,), settings=short, seed=s) for s in (1, 1, 2)]
    assert fits[0].digest == fits[1].digest != fits[2].digest


def test_the_best_epoch_is_kept(sides) -> None:
    train, validation, _ = sides
    wild = HeadSettings(loop=LoopSettings(batch_size=64, learning_rate=0.5, max_epochs=6, patience=6))
    settings = fit_nested_head(train, validation, Space("w", WIDTH), (8,), settings=wild).settings
    losses = settings["validation_loss"]
    assert losses.index(min(losses)) == settings["kept_epoch"]


def test_the_rotated_head_keeps_the_heads_full_width_scores(sides) -> None:
    train, validation, _ = sides
    fitted = fit_full_head(train, validation, Space("w", WIDTH), settings=FAST)
    moment = fitted.apply(train.documents).T @ fitted.apply(train.documents)
    moment = moment / len(train.documents)
    queries = fitted.apply(train.queries)
    moment += queries.T @ queries / len(queries)
    off_diagonal = moment - np.diag(np.diag(moment))
    assert np.abs(off_diagonal).max() < 1e-4  # the last step was the rotation: its directions do not correlate
    assert (np.diff(np.diag(moment)) < 1e-6).all()


def test_pairs_that_are_no_negatives_of_each_other_change_the_fit(sides) -> None:
    train, validation, _ = sides
    groups = np.repeat(np.arange(256), 2)
    grouped = PairVectors(train.queries, train.documents, groups)
    plain, masked = (fit_nested_head(p, validation, Space("w", WIDTH), (8,), settings=FAST) for p in (train, grouped))
    assert plain.digest != masked.digest


def test_bad_pairs_are_refused(sides) -> None:
    train, validation, _ = sides
    with pytest.raises(ShapeError, match="align them row by row"):
        PairVectors(train.queries, train.documents[:-1])
    with pytest.raises(MatryoError, match="at least one batch of 512 pairs, got 128"):
        fit_nested_head(validation, train, Space("w", WIDTH), (8,))
    with pytest.raises(ShapeError, match=r"1\.\.24"):
        fit_nested_head(train, validation, Space("w", WIDTH), (48,))
