"""A published figure, to be met: all-MiniLM-L6-v2 scores 82.03 on the STS-B test split (MTEB)."""

import csv
from pathlib import Path

import pytest
from scipy.stats import spearmanr

from matryo.encoders import load_encoder

STSB = Path(__file__).parents[3] / "shared" / "data" / "stsb-multi-mt" / "stsb-en-test.csv"


@pytest.mark.slow
@pytest.mark.skipif(not STSB.is_file(), reason="the STS-B data are not here")
def test_minilm_on_sts_b() -> None:
    with STSB.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.reader(stream) if row]
    assert len(rows) == 1379
    encoder = load_encoder("minilm", precision="fp32")
    left, right = (encoder.encode([row[side] for row in rows]) for side in (0, 1))
    found = spearmanr((left * right).sum(axis=1), [float(row[2]) for row in rows]).statistic
    assert 100 * found == pytest.approx(82.03, abs=0.1)
