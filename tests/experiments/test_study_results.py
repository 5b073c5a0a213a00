"""Results of a study: the best translator of a pair, and what is known before training as a predictor."""

from itertools import permutations

import numpy as np
import pytest

from matryo.experiments.study_result_prediction import correlation, permutation_p, prediction_table
from matryo.experiments.study_results import best_translator
from matryo.measures.similarity import spearman


def before_rows(n_spaces: int, rng, noise: float) -> list[dict]:
    rows = []
    for a, b in permutations("abcdefg"[:n_spaces], 2):
        shared = float(ord(a) * ord(b) % 101) / 101
        rows.append(
            {"from": a, "to": b, "CKA": shared, "mutual": shared**2, "R2": shared + noise * rng.normal(), "x": 0.5}
        )
    return rows


def test_the_best_translator_is_that_of_the_highest_mean() -> None:
    rows = [
        {"translator": "ridge", "R2": 0.5},
        {"translator": "mlp1 1x", "R2": 0.9},
        {"translator": "mlp1 1x", "R2": 0.2},
        {"translator": "procrustes", "R2": None},
    ]
    assert best_translator(rows) == "mlp1 1x"
    assert best_translator(rows[:1] + rows[2:]) == "ridge" and best_translator(rows[3:]) == "procrustes"


def test_every_permutation_of_few_pairs_is_tried() -> None:
    x = np.array([1.0, 1.0, 2.0, 2.0, 3.0, 3.0])
    groups = ["ab", "ab", "ac", "ac", "bc", "bc"]
    y = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    # of the six orders of three means only 1 2 3 and 3 2 1 reach the correlation of the first
    assert permutation_p(x, y, groups) == pytest.approx(2 / 6)
    assert permutation_p(np.ones(6), y, groups) is None


def test_many_pairs_are_drawn(rng) -> None:
    rows = before_rows(7, rng, 0.01)
    n, value, low, high, p = correlation(rows, ("CKA", "R2"))
    assert n == 42 and value == pytest.approx(spearman([r["CKA"] for r in rows], [r["R2"] for r in rows]))
    assert 0.9 < low < value <= high and p == pytest.approx(1 / 2_001)
    unrelated = [{**row, "R2": float(value)} for row, value in zip(rows, rng.normal(size=42), strict=True)]
    assert correlation(unrelated, ("CKA", "R2"))[4] > 0.02


def test_two_pairs_of_spaces_or_a_constant_tell_nothing(rng) -> None:
    rows = before_rows(4, rng, 0.1)
    assert correlation(rows, ("CKA", "x")) == (12, None, None, None, None)
    assert correlation(rows[:2], ("CKA", "R2")) == (2, None, None, None, None)
    assert correlation([], ("CKA", "R2")) == (0, None, None, None, None)


def test_the_table_says_how_few_they_are(rng) -> None:
    rows = [{**row, "mutual after": row["R2"], "nDCG kept": None} for row in before_rows(4, rng, 0.1)]
    table = prediction_table(rows)
    assert [row[:3] for row in table.rows] == [
        (predictor, outcome, n)
        for predictor in ("CKA", "mutual")
        for outcome, n in (("R2", 12), ("mutual after", 12), ("nDCG kept", 0))
    ]
    assert table.rows[2][3:] == (None, None, None, None)
    assert "12 ordered pairs are 6 pairs of 4 spaces" in table.notes[0] and "few" in table.notes[0]
