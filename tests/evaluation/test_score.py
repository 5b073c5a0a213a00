import json
import math

import numpy as np
import pytest

from matryo.errors import FormatError
from matryo.evaluation.score import Arm, Score

SCORE = Score("scifact", "minilm", "none", 96, "nDCG@10", 0.5, 0.4, 0.6, 300)


def test_json_has_the_fields_that_are_promised():
    assert SCORE.to_json() == {
        "dataset": "scifact",
        "model": "minilm",
        "map": "none",
        "dim": 96,
        "measure": "nDCG@10",
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "n": 300,
    }


def test_optional_fields_appear_when_set():
    score = Score("d", "m", "head", 96, "MRR@10", 0.5, 0.4, 0.6, 9, seed=0, n_groups=4, n_seeds=3)
    assert set(score.to_json()) - set(SCORE.to_json()) == {"seed", "n_groups", "n_seeds"}
    assert Score.from_json(json.loads(json.dumps(score.to_json()))) == score


def test_values_per_query_are_neither_stored_nor_compared():
    score = Score("scifact", "minilm", "none", 96, "nDCG@10", 0.5, 0.4, 0.6, 300, per_query=np.ones(300))
    assert score == SCORE
    assert score.to_json() == SCORE.to_json()


def test_no_interval_is_null():
    score = Score("d", "m", "none", 96, "MRR@10", 0.5, math.nan, math.nan, 9)
    stored = json.loads(json.dumps(score.to_json(), allow_nan=False))
    assert stored["low"] is None and stored["high"] is None
    assert math.isnan(Score.from_json(stored).low)


@pytest.mark.parametrize("broken", [{}, {**SCORE.to_json(), "dim": "wide"}, {**SCORE.to_json(), "value": []}])
def test_garbled_score_is_refused(broken):
    with pytest.raises(FormatError, match="a stored score is not readable"):
        Score.from_json(broken)


def test_arm_through_json():
    for arm in (Arm("m", "none", 96), Arm("m", "head", 96, 0)):
        assert Arm.from_json(arm.to_json()) == arm
    assert "seed" not in Arm("m", "none", 96).to_json()
    assert SCORE.arm == Arm("minilm", "none", 96)
