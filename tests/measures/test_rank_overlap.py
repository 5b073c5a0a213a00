import re
from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.errors import MatryoError, ShapeError
from matryo.measures.rank_overlap import rank_harmonic, rbo, rbo_lists

TIES = ("same rank", "average", "corrected")

# Origin: rows of rbo/test.csv in julian-urbano/sigir2024-rbo, the values that accompany Corsi and Urbano 2024:
# two rankings (ties in brackets), p, RBO_EXT with ties w, a, b.
PUBLISHED = """
(i5 i9 i13 i15 i16 i19 i20) (i3 i8)|i6 (i4 i18) i2 i7 i8 i17 i14 (i11 i12) i1|0.958074765324023|0.0816485573277354|0.0808189832771587|0.0813693619867344
i13 (i1 i4 i5 i6)|i3 i14 i11 (i10 i15) i12 (i6 i9) i4 i2|0.92238320668128|0.117578490431637|0.114619469221414|0.11474835409049
i11 (i8 i21) (i2 i18) (i6 i16 i20) (i4 i10)|i8 (i9 i20 i21) (i2 i3) i13 i1 i11 i14 i19|0.93912403977192|0.482369482292872|0.46852753894333|0.486650566878314
(i4 i7 i15) (i2 i11) i8 i18|i4 i8 i17 i11 (i2 i3 i5 i7 i9 i13 i14)|0.955836875418683|0.601671359995661|0.584235464666522|0.632087129618464
(i3 i5 i6 i8 i9)|(i1 i6) (i8 i10) i11 i2 (i3 i4)|0.946588158477176|0.481477824833812|0.456505385192971|0.482684075039396
(i3 i6) (i2 i7) i10|(i3 i6 i7 i10) (i1 i2)|0.965413635276732|0.946064537517568|0.92051534467649|0.956844651806714
i1 (i15 i16) i10 i12 i2 i14|i16 (i1 i10 i11 i15) i2 (i4 i5 i6)|0.988786023528663|0.691527178549045|0.7056986088397|0.718722074850857
i4 (i2 i14) i7 i5 i3|(i9 i13) (i6 i8) i1 i5 i10 i15 i11|0.986650551181127|0.155835200392091|0.155835200392091|0.155835200392091
i3 (i1 i5 i7) i9|(i1 i9) i7 i3 i4|0.930093081332594|0.697096710334179|0.678580739450433|0.684614956129899
(i1 i10 i14) (i8 i12) i2|(i1 i10) (i2 i12) i14 (i8 i15) (i13 i19) (i3 i16 i18) i4 i7|0.954651398781568|0.905498378418572|0.875718976213755|0.928088210146485
i21 i20 (i1 i16 i19) (i5 i10) i4|(i12 i17) (i2 i3 i8 i11) (i15 i18) (i6 i13) (i7 i14) i9|0.930074017489188|0|0|0
i2 i5 i3 (i1 i4)|i5 i8 i2 (i3 i9)|0.968922741966306|0.580287544332462|0.580994268838527|0.583518284931614
i23 (i1 i7 i9 i11 i17 i18) i3 i15|(i3 i11 i17 i18 i23) i1 (i7 i15 i19) i5 (i9 i14) i21 i2|0.937283622416433|0.829709983835696|0.771054717340052|0.843515651496785
i1 i17 (i6 i15) i10 i7|(i1 i3 i5 i6 i7 i8 i9 i10 i11 i12 i13 i14 i15)|0.926802755339298|0.520452751754945|0.419290751781313|0.556823927544628
i8 (i4 i12 i15) (i14 i17) (i10 i22) i2|i8 i4 i15 i12 i10 i22 i14 i2 (i1 i3 i5 i6 i11 i13)|0.966219599499292|0.816438875378186|0.868951270558705|0.895898263400099
"""  # noqa: E501


def ranking(text):
    return [set(tied.split()) if tied else one for tied, one in re.findall(r"\(([^)]*)\)|(\S+)", text)]


@pytest.mark.parametrize("line", PUBLISHED.strip().splitlines())
def test_published_values(line):
    a, b, p, *expected = line.split("|")
    for ties, value in zip(TIES, expected, strict=True):
        assert rbo(ranking(a), ranking(b), float(p), ties) == pytest.approx(float(value), abs=1e-12)
        assert rbo(ranking(b), ranking(a), float(p), ties) == pytest.approx(float(value), abs=1e-12)


def test_the_published_example():
    # from the README of the same repository
    a, b = ranking("red (blue green) yellow pink"), ranking("(blue red) white (yellow black purple) green")
    found = [round(rbo(a, b, 0.95, ties), 7) for ties in TIES]
    assert found == [0.7068257, 0.6922853, 0.7207131]


def equation_32(short, long, p):
    """RBO_EXT of lists without ties as Webber, Moffat and Zobel print it."""
    s, l = len(short), len(long)  # noqa: E741
    shared = [len(set(short[:d]) & set(long[:d])) for d in range(l + 1)]
    total = sum(shared[d] / d * p**d for d in range(1, l + 1))
    total += sum(shared[s] * (d - s) / (s * d) * p**d for d in range(s + 1, l + 1))
    return (1 - p) / p * total + ((shared[l] - shared[s]) / l + shared[s] / s) * p**l


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 8), st.integers(1, 8), st.floats(0.05, 0.99), st.integers(0, 2**32 - 1))
def test_without_ties_all_three_are_the_classic_value(n, m, p, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.permutation(10)[:n].tolist(), rng.permutation(10)[:m].tolist()
    expected = equation_32(*sorted((a, b), key=len), p)
    for ties in TIES:
        assert rbo(a, b, p, ties) == pytest.approx(expected, abs=1e-12)
    if n == m:
        assert rbo_lists(np.array([a]), np.array([b]), p)[0] == pytest.approx(expected, abs=1e-12)


def test_average_is_the_mean_over_all_orders():
    a, b = [{1, 2, 3}, 4, {5, 6}], [2, {1, 7}, {4, 5, 3}]
    orders = [[[*x, 4, *y] for x in permutations((1, 2, 3)) for y in permutations((5, 6))]]
    orders.append([[2, *x, *y] for x in permutations((1, 7)) for y in permutations((4, 5, 3))])
    values = [rbo(x, y, 0.8) for x, y in product(*orders)]
    assert rbo(a, b, 0.8, "average") == pytest.approx(np.mean(values), abs=1e-12)


def test_worked_by_hand():
    # agreements 1, 1/2, 2/3, the last one going on: 0.5 + 0.125 + 1/12 + 1/12
    assert rbo([1, 2, 3], [1, 4, 2], p=0.5) == pytest.approx(0.5 + 0.125 + 1 / 12 + 1 / 12)
    assert rbo_lists(np.array([[1, 2, 3]]), np.array([[1, 4, 2]]), p=0.5)[0] == pytest.approx(0.5 + 0.125 + 1 / 6)


def test_equal_disjoint_and_tied_lists():
    lists = np.arange(12).reshape(2, 6)
    assert rbo_lists(lists, lists).tolist() == pytest.approx([1.0, 1.0])
    assert rbo_lists(lists, lists + 100).tolist() == [0.0, 0.0]
    tied = [{1, 2}, 3, (4, 5)]
    assert [rbo(tied, tied, 0.9, ties) == pytest.approx(1.0) for ties in TIES] == [True, False, True]
    assert rbo(tied, tied, 0.9, "average") < 1.0


def slow_harmonic(a, b, shared_only):
    shared = set(a) & set(b)
    ranks = [(a.index(x) + 1, b.index(x) + 1) for x in shared]
    gained = sum(2 / ((1 + abs(r - s)) * (r + s)) for r, s in ranks)
    m = len(shared) if shared_only else len(a)
    return gained / sum(1 / i for i in range(1, m + 1)) if shared else 0.0


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_rank_harmonic_equals_a_slow_loop(k, seed):
    rng = np.random.default_rng(seed)
    a, b = (np.array([rng.permutation(10)[:k] for _ in range(3)]) for _ in range(2))
    for out_of in ("list", "shared"):
        found = rank_harmonic(a, b, out_of=out_of)
        for d in range(1, k + 1):
            cut = [(x[:d], y[:d]) for x, y in zip(a.tolist(), b.tolist(), strict=True)]
            np.testing.assert_allclose(found[:, d - 1], [slow_harmonic(x, y, out_of == "shared") for x, y in cut])
        np.testing.assert_allclose(rank_harmonic(b, a, out_of=out_of), found)
    assert (found <= 1.0 + 1e-12).all()


def test_rank_harmonic_by_hand():
    a, b = np.array([[1, 2, 3]]), np.array([[1, 3, 2]])
    # id 1: 1; ids 2 and 3: 2 / (2 * 5) each; over 1 + 1/2 + 1/3
    assert rank_harmonic(a, b, (3,))[0, 0] == pytest.approx(1.4 / (11 / 6))
    assert rank_harmonic(a, a)[0].tolist() == pytest.approx([1.0, 1.0, 1.0])
    # one id shared at the top: all of what is shared, little of the list
    top = np.array([[1, 8, 9]])
    assert rank_harmonic(a, top, (3,), out_of="shared")[0, 0] == 1.0
    assert rank_harmonic(a, top, (3,))[0, 0] == pytest.approx(6 / 11)


LISTS = np.arange(4).reshape(2, 2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: rbo_lists(LISTS, LISTS, p=1.0), MatryoError, "p must lie between 0 and 1, got 1.0"),
        (lambda: rbo_lists(LISTS, LISTS[:1]), ShapeError, "one shape"),
        (lambda: rbo([], [1]), MatryoError, "a must hold at least one item"),
        (lambda: rbo([1], [1, {1, 2}]), MatryoError, "b must hold .* none twice"),
        (lambda: rbo([1], [1], ties="random"), MatryoError, "got 'random'"),
        (lambda: rank_harmonic(LISTS, LISTS, out_of="all"), MatryoError, "got 'all'"),
        (lambda: rank_harmonic(LISTS, LISTS, (3,)), MatryoError, r"within 1\.\.2"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words) as caught:
        call()
    assert type(caught.value) is error
