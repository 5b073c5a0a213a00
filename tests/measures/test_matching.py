import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from matryo.errors import MatryoError, ShapeError
from matryo.measures.matching import match, match_both_ways


def slow(queries, targets, own, k):
    """Every place and every correction by loops."""
    q = queries / np.linalg.norm(queries, axis=1, keepdims=True)
    t = targets / np.linalg.norm(targets, axis=1, keepdims=True)
    near_t = [np.mean(sorted(q[i] @ t.T)[-k:]) for i in range(len(q))]
    near_q = [np.mean(sorted(t[j] @ q.T)[-k:]) for j in range(len(t))]
    found = []
    for corrected in (False, True):
        ranks, counts = [], np.zeros(len(t), dtype=int)
        for i in range(len(q)):
            scores = [2 * (q[i] @ t[j]) - corrected * (near_t[i] + near_q[j]) for j in range(len(t))]
            ranks.append(1 + sum(s > scores[own[i]] for s in scores))
            counts[sorted(range(len(t)), key=lambda j: -scores[j])[:k]] += 1
        found.append((ranks, counts))
    return found


@pytest.mark.parametrize(("n", "m"), [(15, 15), (6, 17)])
def test_equals_a_slow_loop(n, m, rng):
    queries, targets, own = rng.normal(size=(n, 4)), rng.normal(size=(m, 4)), rng.integers(0, m, n)
    found = match(queries, targets, own, k=3)
    (plain, plain_counts), (csls, csls_counts) = slow(queries, targets, own, 3)
    assert found.plain.ranks.tolist() == plain
    assert found.csls.ranks.tolist() == csls
    assert found.plain.occurrences.tolist() == plain_counts.tolist()
    assert found.csls.occurrences.tolist() == csls_counts.tolist()
    assert found.plain.top1 == np.mean(np.array(plain) == 1)
    assert found.plain.hubness == pytest.approx(stats.skew(plain_counts))


def test_csls_takes_the_hub_down():
    # target 2 lies between both queries and is first for each until its crowding is subtracted
    queries = np.array([[1.0, 0.3], [0.3, 1.0]])
    targets = np.array([[1.0, -0.6], [-0.6, 1.0], [1.0, 1.0]])
    found = match(queries, targets, [0, 1], k=2)
    assert (found.plain.ranks.tolist(), found.plain.top1) == ([2.0, 2.0], 0.0)
    assert (found.csls.ranks.tolist(), found.csls.top1) == ([1.0, 1.0], 1.0)


def test_a_collapsed_map_scores_chance():
    found = match(np.ones((8, 3)), np.ones((8, 3)), k=2)
    assert found.plain.mean_rank == found.csls.mean_rank == 4.5
    assert found.plain.top1 == found.csls.top1 == 1 / 8


def test_both_ways_differ_where_one_side_has_a_hub():
    a = np.array([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]])
    b = np.array([[1.0, 0.0], [0.9, 0.5], [0.6, 1.0]])
    forward, backward = match_both_ways(a, b, k=1)
    assert forward.plain.ranks.tolist() == [1.0, 2.0, 1.0]
    assert backward.plain.ranks.tolist() == [1.0, 1.0, 1.0]
    assert (forward.n, forward.n_targets, forward.k) == (3, 3, 1)


@pytest.mark.parametrize("most", [0, 100])
def test_both_ways_are_two_single_ones(most, rng, monkeypatch):
    monkeypatch.setattr("matryo.measures.matching._MOST_AT_ONCE", most)
    a, b = rng.normal(size=(31, 5)), rng.normal(size=(31, 5))
    b[3:6] = b[2]  # ties, within and across the last of the best k
    for found, alone in zip(match_both_ways(a, b, k=4), (match(a, b, k=4), match(b, a, k=4)), strict=True):
        for one, two in ((found.plain, alone.plain), (found.csls, alone.csls)):
            np.testing.assert_array_equal(one.ranks, two.ranks)
            np.testing.assert_array_equal(one.firsts, two.firsts)
            np.testing.assert_array_equal(one.occurrences, two.occurrences)


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_invariances(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(14, 4)), rng.normal(size=(14, 4))
    found = match(a, b, k=3)
    rotation, order = np.linalg.qr(rng.normal(size=(4, 4)))[0], rng.permutation(14)
    other = match((a @ rotation * rng.uniform(0.5, 2.0, (14, 1)))[order], (3.0 * b @ rotation)[order], k=3)
    for one, two in ((found.plain, other.plain), (found.csls, other.csls)):
        np.testing.assert_array_equal(two.ranks, one.ranks[order])
        np.testing.assert_array_equal(two.occurrences, one.occurrences[order])


def test_blocks_of_rows_change_nothing(rng, monkeypatch):
    a, b = rng.normal(size=(13, 4)), rng.normal(size=(13, 4))
    whole = match(a, b, k=4)
    monkeypatch.setattr("matryo.measures.neighbours._CELLS_PER_BLOCK", 50)
    parts = match(a, b, k=4)
    for one, two in ((whole.plain, parts.plain), (whole.csls, parts.csls)):
        np.testing.assert_array_equal(two.ranks, one.ranks)
        np.testing.assert_array_equal(two.occurrences, one.occurrences)


def test_targets_that_occur_alike_have_no_hub():
    assert match(np.eye(4), np.eye(4), k=1).plain.hubness == 0.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: match(x, x[:, :2], k=1), ShapeError, "equally wide, got 3 and 2"),
        (lambda x: match(x, x[:3], k=1), ShapeError, "6 and 3 rows; or name"),
        (lambda x: match(x, x, np.arange(5), k=1), ShapeError, "own must be 6 row numbers"),
        (lambda x: match(x, x, np.arange(1, 7), k=1), ShapeError, r"within 0\.\.5"),
        (lambda x: match(x, x), MatryoError, r"within 1\.\.6, .* got 10"),
    ],
)
def test_bad_input(call, error, words, rng):
    with pytest.raises(error, match=words) as caught:
        call(rng.normal(size=(6, 3)))
    assert type(caught.value) is error
