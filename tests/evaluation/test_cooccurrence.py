"""Matching by counted pairs of words: values worked by hand, a slow loop, and scipy beside them."""

from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2, chi2_contingency

from matryo.data.views import View, Views
from matryo.errors import MatryoError
from matryo.evaluation import cooccurrence
from matryo.evaluation.cooccurrence import LEAST_RATIO, cooccurrence_rule, log_likelihood_ratio
from matryo.evaluation.identity_rules import Texts
from matryo.evaluation.identity_search import paired_rows
from matryo.search.bm25 import words


def views_of(left: list[str], right: list[str], second: list[int] | None = None) -> Views:
    """Views whose rows are matched one to one, or by the entities given for the second domain."""
    number = list(range(len(left)))
    ids = tuple(map(str, number))
    return Views(
        "made",
        View("x", ids, tuple(left), np.array(number)),
        View("y", ids, tuple(right), np.array(second or number)),
        ids,
    )


def sides(queries: list[str], gallery: list[str]) -> tuple[Texts, Texts]:
    return Texts("x", tuple(queries), {}), Texts("y", tuple(gallery), {})


@given(st.lists(st.integers(1, 60), min_size=4, max_size=4))
def test_the_ratio_is_that_of_scipy(cells: list[int]) -> None:
    both, only_first, only_second, neither = cells
    first, second, n = both + only_first, both + only_second, sum(cells)
    expected = chi2_contingency(
        [[both, only_first], [only_second, neither]], correction=False, lambda_="log-likelihood"
    ).statistic
    got = log_likelihood_ratio(np.array([float(both)]), np.array([float(first)]), np.array([float(second)]), n)
    assert got[0] == pytest.approx(expected if both * n > first * second else 0.0, abs=1e-9)


def test_ratios_by_hand() -> None:
    together, first, second = np.array([[2.0, 1.0, 0.0, 4.0], [2.0, 2.0, 2.0, 4.0], [2.0, 2.0, 2.0, 4.0]])
    # of four entities two have both words, two neither: 2 * 4 * log 2; met as by chance; never met; in every text
    assert log_likelihood_ratio(together, first, second, 4) == pytest.approx([8 * log(2), 0, 0, 0])


def test_scores_by_hand() -> None:
    # of 20 entities 10 say "hot" and "warm", 5 others "cold" and "chilly": ratios 27.7 and 22.5, all other pairs 0
    left = ["hot thing"] * 10 + ["cold thing"] * 5 + ["thing"] * 5
    right = ["warm item"] * 10 + ["chilly item"] * 5 + ["item"] * 5
    rule = cooccurrence_rule(views_of(left, right))
    scores = rule(*sides(["hot", "cold thing", "hot cold", "unseen"], ["warm", "chilly", "warm chilly item", "new"]))
    often, seldom = log(21 / 11), log(21 / 6)  # rarity of words in 10 and in 5 of 20 texts
    link = sqrt(2 * (5 * log(4) + 15 * log(20 / 15))) / sqrt(40 * log(2))  # of the surest pair
    both = sqrt(often**2 + (link * seldom) ** 2)
    # one word each: rarity^2 * link, over rarity * link of the one text and of the other
    expected = [
        [1.0, 0.0, often / both, 0.0],
        [0.0, 1 / link, seldom / both, 0.0],
        [often / both, seldom / both, (often**2 + link * seldom**2) / both**2, 0.0],
        [0.0, 0.0, 0.0, 0.0],
    ]
    assert scores(np.arange(4)) == pytest.approx(np.array(expected), abs=1e-6)
    assert scores(np.array([2, 0])) == pytest.approx(np.array(expected)[[2, 0]], abs=1e-6)


def slow_scores(training: Views, queries: list[str], gallery: list[str]) -> list[list[float]]:
    """What the rule says, pair of words by pair of words."""
    rows = paired_rows(training)
    left, right = (
        [set(words(view.texts[row])) for row in chosen]
        for view, chosen in zip((training.a, training.b), rows, strict=True)
    )
    n = len(left)
    links: dict[tuple[str, str], float] = {}
    rarity: list[dict[str, float]] = []
    for told in (left, right):
        known = set().union(*told)
        rarity.append({word: log((n + 1) / (sum(word in text for text in told) + 1)) for word in known})
    for first in rarity[0]:
        for second in rarity[1]:
            in_first, in_second = [first in text for text in left], [second in text for text in right]
            both = sum(a and b for a, b in zip(in_first, in_second, strict=True))
            if both < 2 or both * n <= sum(in_first) * sum(in_second) or n in (sum(in_first), sum(in_second)):
                continue
            table = [[sum(a == p and b == q for a, b in zip(in_first, in_second, strict=True)) for q in (True, False)]
                     for p in (True, False)]  # fmt: skip
            ratio = chi2_contingency(table, correction=False, lambda_="log-likelihood").statistic
            if ratio >= LEAST_RATIO:
                links[first, second] = sqrt(ratio)
    surest = max(links.values())
    links = {pair: link / surest for pair, link in links.items()}

    def length(side: int, text: str) -> float:
        sums: dict[str, float] = {}
        for pair, link in links.items():
            if pair[side] in words(text):
                sums[pair[1 - side]] = sums.get(pair[1 - side], 0.0) + rarity[side][pair[side]] * link
        return sqrt(sum(value**2 for value in sums.values()))

    found = []
    for query in queries:
        found.append([])
        for text in gallery:
            total = sum(
                rarity[0][first] * rarity[1][second] * link
                for (first, second), link in links.items()
                if first in words(query) and second in words(text)
            )
            over = length(0, query) * length(1, text)
            found[-1].append(total / over if over else 0.0)
    return found


@pytest.mark.parametrize("block_words", [2, 512])
def test_a_slow_loop_says_the_same(rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, block_words: int) -> None:
    monkeypatch.setattr(cooccurrence, "_BLOCK_WORDS", block_words)
    told = [rng.choice(8, 3, replace=False).tolist() for _ in range(80)]
    left, right = (
        [" ".join([*(f"{mark}{trait}" for trait in traits), f"{mark}n{rng.integers(60)}", "the"]) for traits in told]
        for mark in "ab"
    )
    training = views_of(left[:60], right[59::-1], list(range(59, -1, -1)))
    rule = cooccurrence_rule(training)
    there = rule(*sides(left[60:], right[60:]))(np.arange(20))
    assert there == pytest.approx(np.array(slow_scores(training, left[60:], right[60:])), abs=1e-5)
    back = rule(*reversed(sides(left[60:], right[60:])))(np.arange(20))
    assert back.T == pytest.approx(there, abs=1e-6)


def test_partners_drawn_apart_teach_nothing(rng: np.random.Generator) -> None:
    traits = rng.integers(12, size=(300, 3))
    left, right = ([" ".join(f"{mark}{at}{trait}" for at, trait in enumerate(one)) for one in traits] for mark in "ab")
    apart = views_of(left[:200], right[:200], rng.permutation(200).tolist())

    def hits(training: Views) -> float:
        scores = cooccurrence_rule(training)(*sides(left[200:], right[200:]))(np.arange(100))
        best = scores == scores.max(axis=1, keepdims=True)
        return float((np.diagonal(best) / best.sum(axis=1)).mean())

    assert hits(views_of(left[:200], right[:200])) > 0.9
    assert hits(apart) < 0.1


def test_words_that_met_once_are_no_pair() -> None:
    # each in 2 of 2,000 entities: the ratio of one meeting is above the threshold, but one meeting says nothing
    left = ["odd thing"] * 2 + ["thing"] * 1998
    once, twice = (["item"] * gap + ["rare item"] * 2 + ["item"] * (1998 - gap) for gap in (1, 0))
    assert log_likelihood_ratio(np.ones(1), np.full(1, 2.0), np.full(1, 2.0), 2000)[0] > LEAST_RATIO
    asked = sides(["odd"], ["rare"])
    assert not cooccurrence_rule(views_of(left, once))(*asked)(np.array([0])).any()
    assert cooccurrence_rule(views_of(left, twice))(*asked)(np.array([0])).all()


def test_the_threshold_is_one_in_a_thousand() -> None:
    assert pytest.approx(chi2.isf(0.001, 1), abs=0.01) == LEAST_RATIO


def test_training_without_a_common_word_ties_all() -> None:
    rule = cooccurrence_rule(views_of(["p", "q", "r"], ["s", "t", "u"]))
    assert rule(*sides(["p", "!"], ["s", "t", "?"]))(np.arange(2)).tolist() == [[0.0] * 3] * 2


def test_one_domain_says_nothing_of_itself() -> None:
    training = views_of(["a b"] * 4, ["c d"] * 4)
    rule = cooccurrence_rule(training)
    own = Texts.of(training.a)
    with pytest.raises(MatryoError, match="between x and y, got queries of x and texts of x; match texts of the one"):
        rule(own, own)
    with pytest.raises(MatryoError, match="got queries of z and texts of y"):
        rule(Texts.of(replace(training.a, domain="z")), Texts.of(training.b))
