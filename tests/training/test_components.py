from hypothesis import given
from hypothesis import strategies as st

from matryo.training.components import Components, text_key


def test_equal_texts_have_one_key():
    assert text_key("a b") == text_key(" A\n b ") != text_key("ab")
    assert text_key("Straße") == text_key("STRASSE")
    # fixed for all time, because mined files and caches of different machines must agree
    assert text_key("") == int.from_bytes(bytes.fromhex("e4a6a0577479b2b4"), "little")


def test_a_chain_is_one_component():
    graph = Components()
    for key in range(1_000):
        graph.join(key, key + 1)
    graph.add(5_000)
    assert len({graph.of(key) for key in range(1_001)}) == 1
    assert graph.of(5_000) not in (None, graph.of(0))
    assert graph.of(9_999) is None
    assert graph.keys() == [*range(1_001), 5_000]


@given(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 15)), max_size=20))
def test_two_texts_are_together_if_a_path_leads_from_one_to_the_other(edges):
    graph = Components()
    reached = {key: {key} for edge in edges for key in edge}
    for first, second in edges:
        graph.join(first, second)
        whole = reached[first] | reached[second]
        for key in whole:
            reached[key] = whole
    for first in reached:
        for second in reached:
            assert (graph.of(first) == graph.of(second)) == (second in reached[first])
