import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.errors import MatryoError
from matryo.measures.measure import NAMES, Measure


@given(st.sampled_from(NAMES), st.integers(1, 10_000))
def test_what_is_printed_parses_to_the_same(name, k):
    measure = Measure(name, k)
    assert Measure.parse(str(measure)) == measure
    assert Measure.parse(f" {str(measure).upper()} ") == measure
    assert Measure.parse(str(measure).lower()) == measure


@pytest.mark.parametrize("name", ["MRR", "nDCG", "MAP"])
def test_no_cutoff_prints_the_bare_name(name):
    assert str(Measure(name)) == name
    assert Measure.parse(name.lower()) == Measure(name, None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("bleu@10", "MRR, nDCG, recall, hit, MAP, P"),
        ("", "MRR, nDCG"),
        ("recall", "needs a cutoff"),
        ("P", "needs a cutoff"),
        ("hit", "needs a cutoff"),
        ("nDCG@0", "at least 1"),
        ("nDCG@-1", "whole number"),
        ("nDCG@", "whole number"),
        ("nDCG@ten", "whole number"),
        ("nDCG@1.5", "whole number"),
        ("nDCG@²", "whole number"),
    ],
)
def test_bad_text_is_refused_with_what_is_accepted(text, words):
    with pytest.raises(MatryoError, match=words):
        Measure.parse(text)
