import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.search.funnel_recall import fewest_queries, recall_bound


def test_worked_by_hand() -> None:
    # two values of 1 and wealth of mean over bets b of (1 + b (1 / m - 1))**2 = 2, solved for m by the test itself
    found = recall_bound([1.0, 1.0], confidence=0.5)
    bets = np.array([0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.98])
    assert ((1.0 + bets * (1.0 / found - 1.0)) ** 2).mean() == pytest.approx(2.0, rel=1e-9)


@pytest.mark.parametrize("confidence", [0.8, 0.95])
@pytest.mark.parametrize("shape", ["one in a hundred", "tenths", "halves", "spread", "never"])
def test_the_bound_is_above_the_mean_no_more_often_than_stated(
    rng: np.random.Generator, shape: str, confidence: float
) -> None:
    n, repeats = 300, 400
    draw, mean = {
        "one in a hundred": (lambda: rng.binomial(1, 0.99, n), 0.99),
        "tenths": (lambda: rng.binomial(10, 0.95, n) / 10, 0.95),
        "halves": (lambda: np.where(rng.random(n) < 0.1, 0.5, 1.0), 0.95),
        "spread": (lambda: rng.beta(9, 1, n), 0.9),
        "never": (lambda: np.zeros(n), 0.0),
    }[shape]
    above = np.mean([recall_bound(draw(), confidence) > mean for _ in range(repeats)])
    assert above <= 1.0 - confidence


def test_the_bound_grows_with_the_queries_and_the_recall_and_ignores_their_order(rng: np.random.Generator) -> None:
    values = rng.binomial(10, 0.98, 400) / 10
    bound = recall_bound(values)
    assert 0.9 < bound < values.mean()
    assert recall_bound(rng.permutation(values)) == pytest.approx(bound, abs=1e-12)
    assert recall_bound(np.tile(values, 4)) > bound > recall_bound(values[:50])
    assert recall_bound(values, confidence=0.99) < bound
    assert recall_bound(np.maximum(values - 0.1, 0.0)) < bound


def test_it_is_close_to_the_exact_binomial_bound_for_ones_and_zeros() -> None:
    from scipy.stats import beta

    values = np.repeat([1.0, 0.0], [990, 10])
    exact = beta.ppf(0.05, 990, 11)  # Clopper and Pearson
    assert exact - 0.01 < recall_bound(values) < exact


@pytest.mark.parametrize(("recall", "confidence"), [(0.5, 0.5), (0.9, 0.95), (0.99, 0.95)])
def test_the_fewest_queries_pass_and_one_less_does_not(recall: float, confidence: float) -> None:
    n = fewest_queries(recall, confidence)
    assert recall_bound(np.ones(n), confidence) >= recall
    assert n == 1 or recall_bound(np.ones(n - 1), confidence) < recall


def test_values_that_are_no_recalls_are_refused() -> None:
    for wrong in ([], [1.1], [-0.1], [np.nan]):
        with pytest.raises(MatryoError, match=r"within 0\.\.1"):
            recall_bound(wrong)
    for confidence in (0.0, 1.0, 95.0):
        with pytest.raises(MatryoError, match="between 0 and 1"):
            recall_bound([1.0], confidence)
