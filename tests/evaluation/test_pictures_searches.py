from dataclasses import replace

import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.pictures_kernels import Item, kernel_matrices, kernel_picture, sample_items
from matryo.evaluation.pictures_searches import Asking, Fetched, choose, fetch, fetch_both, search_picture
from matryo.measures.cka import linear_cka
from matryo.measures.neighbours import nearest_neighbours

NAMES = ("old", "new", "ridge")


def unit(degrees: list[float]) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def asking(**changes: object) -> Asking:
    """Documents at 0, 10, 40 and 90 degrees; the translator swaps the last two, the source sees them mirrored."""
    native = unit([0, 10, 40, 90])
    given = Asking(
        query_ids=("q0", "q1"),
        query_texts=("low", "high " * 60),
        document_ids=("a", "b", "c", "d"),
        document_texts=("A", "B", "C", "D"),
        source_queries=unit([-1, -80]),
        target_queries=unit([1, 80]),
        source_documents=native[::-1] * [1, -1],
        target_documents=native,
        translated_documents=native[[0, 1, 3, 2]],
        relevant={"q0": {"a", "c"}, "q1": set()},
    )
    return replace(given, **changes)


def test_three_searches_by_hand() -> None:
    found = fetch_both(asking(), k=2, n_searches=2, seed=0)
    assert found.native.tolist() == [[0, 1], [3, 2]]
    assert found.translated.tolist() == [[0, 1], [2, 3]]
    assert found.keep.tolist() == [[3, 2], [0, 1]]  # documents of the source lie in the other order
    assert found.jaccard.tolist() == [1.0, 1.0] and found.jaccard_keep.tolist() == [0.0, 0.0]
    assert found.edit_distance.tolist() == [0.0, 1.0]


def test_what_is_shown_has_ids_texts_cosines_and_relevance() -> None:
    one = asking()
    shown = search_picture(NAMES, one, fetch_both(one, k=2, n_searches=3, seed=0))
    assert (shown.k, shown.asked, shown.n_asked, shown.n_documents) == (2, "queries", 2, 4)
    assert (shown.mean_jaccard, shown.mean_jaccard_keep) == (1.0, 0.0)
    best, worst = shown.searches
    assert (best.query, best.reason, worst.query, worst.reason) == ("q0", "agree most", "q1", "differ most")
    assert [(hit.id, hit.text, hit.relevant) for hit in best.native] == [("a", "A", True), ("b", "B", False)]
    assert best.native[0].score == pytest.approx(np.cos(np.radians(1)), abs=1e-4)
    assert best.relevant == ("a", "c") and worst.relevant == ()
    assert (worst.shared, worst.jaccard, worst.edit_distance, worst.shared_keep) == (2, 1.0, 1.0, 0)
    assert len(worst.text) == 120 and worst.text.endswith("…")


def test_without_judgements_nothing_is_called_irrelevant() -> None:
    one = asking(relevant=None)
    shown = search_picture(NAMES, one, fetch_both(one, k=2, n_searches=3, seed=0))
    assert {hit.relevant for hit in shown.searches[0].native} == {None}


def test_a_text_that_asks_is_left_out_by_its_row_also_among_equal_texts(rng: np.random.Generator) -> None:
    x = rng.normal(size=(12, 4))
    everyone = np.arange(12)
    assert (fetch(x, x, 5, everyone) == nearest_neighbours(x, 5)).all()
    same = np.ones((5, 2))
    found = fetch(same, same, 2, np.arange(5))
    assert not (found == np.arange(5)[:, None]).any() and found.shape == (5, 2)
    own = asking(query_ids=("a",), query_texts=("A",), source_queries=unit([0]), target_queries=unit([0]),
                 own=np.array([0]), relevant=None)  # fmt: skip
    shown = search_picture(NAMES, own, fetch_both(own, k=10, n_searches=3, seed=0))
    assert shown.asked == "texts" and shown.k == 3
    assert [hit.id for hit in shown.searches[0].native] == ["b", "c", "d"]


def test_samples_are_where_lists_agree_where_they_differ_and_at_random(rng: np.random.Generator) -> None:
    agreement = rng.permutation(np.linspace(0.0, 1.0, 40))
    chosen = choose(agreement, 1.0 - agreement, 6, seed=4)
    assert [reason for _, reason in chosen] == ["agree most"] * 2 + ["differ most"] * 2 + ["at random"] * 2
    rows = [row for row, _ in chosen]
    ordered = np.argsort(agreement)
    assert rows[:2] == ordered[::-1][:2].tolist() and rows[2:4] == ordered[:2].tolist() and len(set(rows)) == 6
    assert chosen == choose(agreement, 1.0 - agreement, 6, seed=4)
    assert any(chosen[4:] != choose(agreement, 1.0 - agreement, 6, seed=seed)[4:] for seed in range(5, 8))


@pytest.mark.parametrize(("n_searches", "m", "expected"), [(0, 5, 0), (1, 5, 1), (6, 1, 1), (6, 3, 3), (4, 9, 4)])
def test_no_query_is_shown_twice_and_there_are_as_many_as_there_can_be(n_searches: int, m: int, expected: int) -> None:
    chosen = choose(np.linspace(0, 1, m), np.zeros(m), n_searches, seed=0)
    assert len({row for row, _ in chosen}) == len(chosen) == expected


@pytest.mark.parametrize("side", ["target_queries", "source_queries"])
def test_a_query_that_asks_nothing_is_no_example_of_agreement_nor_counted_in_it(side: str) -> None:
    """All its cosines are 0, so that both of its lists are the first rows and look alike."""
    three = {"query_ids": ("none", "q0", "q1"), "query_texts": ("?", "low", "high"), "relevant": None}
    vectors = {"source_queries": unit([0, -1, -80]), "target_queries": unit([0, 1, 80])}
    vectors[side][0] = 0.0
    one = asking(**three, **vectors)
    shown = search_picture(NAMES, one, fetch_both(one, k=1, n_searches=3, seed=0))
    assert [(search.query, search.reason) for search in shown.searches] == [
        ("q0", "agree most"), ("q1", "differ most"), ("none", "at random"),
    ]  # fmt: skip
    assert (shown.mean_jaccard, shown.mean_jaccard_keep) == (0.5, 0.0)
    mute = asking(**three, source_queries=np.zeros((3, 2)), target_queries=np.zeros((3, 2)))
    shown = search_picture(NAMES, mute, fetch_both(mute, k=1, n_searches=3, seed=0))
    assert {search.reason for search in shown.searches} == {"at random"} and shown.mean_jaccard == 0.0


def test_too_few_documents_are_refused() -> None:
    one = asking(document_ids=("a", "b"))
    with pytest.raises(MatryoError, match="at least 3 documents, got 2 and 2"):
        fetch_both(one, 2, 6, 0)


def test_kernels_take_each_search_with_what_both_spaces_fetched_first() -> None:
    lists = np.array([[5, 6, 7, 8, 9, 4], [5, 0, 1, 2, 3, 9]])
    old = np.array([[8, 7, 20, 21, 22, 23], [3, 2, 1, 20, 21, 22]])
    nothing = np.zeros(2)
    chosen = ((0, "agree most"), (1, "agree most"), (1, "differ most"))
    fetched = Fetched(lists, lists, old, nothing, nothing, nothing, chosen, 0)
    assert sample_items(fetched, None) == (
        Item(True, 0), Item(False, 7), Item(False, 8), Item(False, 5), Item(False, 6),
        Item(True, 1), Item(False, 1), Item(False, 2), Item(False, 3), Item(False, 0),
    )  # fmt: skip
    # query 1 is document 7, which stands in the first search already
    assert sample_items(fetched, np.array([10, 7])) == sample_items(fetched, None)[:5]


def test_the_matrices_of_sample_searches_hold_queries_before_their_documents() -> None:
    one = asking()
    fetched = fetch_both(one, k=2, n_searches=3, seed=0)
    found = kernel_picture(NAMES, one, fetched, unit([1, 80]))
    assert found.ids == ("q0", "a", "b", "q1", "d", "c") and found.queries == (0, 3)
    dot = found.matrices[0]
    assert dot.kernel == "dot" and dot.native[0][1] == pytest.approx(np.cos(np.radians(1)), abs=1e-6)
    assert dot.translated[3][5] == pytest.approx(np.cos(np.radians(10)), abs=1e-6)  # document c was moved to 90 degrees


def test_without_searches_a_sample_of_the_documents_is_compared() -> None:
    one = asking()
    found = kernel_picture(NAMES, one, fetch_both(one, k=2, n_searches=0, seed=0), unit([1, 80]))
    assert found.ids == ("a", "b", "c", "d") and found.queries == ()


def test_kernels_of_equal_spaces_are_equal_and_cka_is_that_of_the_vectors(rng: np.random.Generator) -> None:
    x, y = rng.normal(size=(9, 5)), rng.normal(size=(9, 7))
    dot, rbf = kernel_matrices(x, x.copy(), y)
    for one in (dot, rbf):
        assert one.alignment[0] == pytest.approx(1.0) and one.difference[0] == 0.0 and one.cka[0] == pytest.approx(1.0)
    assert dot.cka[1] == pytest.approx(linear_cka(x, y, debiased=True), abs=1e-6)
    assert dot.bandwidths is None and rbf.bandwidths is not None and rbf.bandwidths[0] == rbf.bandwidths[1] > 0
    assert np.allclose(np.diag(rbf.source), 1.0)
    assert kernel_matrices(x[:3], x[:3], y[:3])[0].cka == (None, None)
