"""Copied labels and repeated texts, counted by hand."""

import numpy as np

from matryo.data.views import View, Views
from matryo.evaluation.copied import copied_labels, repeated_texts


def views(first: list[str], second: list[str], labels: dict | None = None, ids: list[str] | None = None) -> Views:
    names = tuple(ids or [f"e{i}" for i in range(len(first))])
    number, known = np.arange(len(first)), {name: tuple(values) for name, values in (labels or {}).items()}
    return Views(
        "made", View("x", names, tuple(first), number, known), View("y", names, tuple(second), number, known), names
    )


CITIES = ["New York", "Rome", "Oslo", ""]
FIRST = ["I love new-york.", "Rome is home", "Romeo of Oslo", "nowhere"]
SECOND = ["Office: NEW YORK", "in Paris", "OSLO, Rome", "anywhere"]


def test_values_are_found_as_whole_words_in_any_case() -> None:
    found = {one.label: one for one in copied_labels(views(FIRST, SECOND, {"city": CITIES, "part": CITIES}), seed=0)}
    assert set(found) == {"city", "id"}
    city = found["city"]
    assert (city.n, city.in_a, city.in_b, city.in_both) == (3, 1.0, 2 / 3, 2 / 3)
    assert found["id"].in_both == 0.0


def test_common_values_are_common_in_wrong_pairs_too() -> None:
    both = ["a man"] * 50
    (sex, _) = copied_labels(views(both, both, {"sex": ["man"] * 50}), seed=1)
    assert (sex.in_both, sex.in_wrong) == (1.0, 1.0)


def test_rare_values_are_not() -> None:
    texts = [f"word{i}" for i in range(50)]
    (id_,) = copied_labels(views(texts, texts, ids=texts), seed=1)
    assert (id_.in_both, id_.in_wrong) == (1.0, 0.0)


def test_repeats() -> None:
    own = views(["One text.", "one TEXT", "third", "?"], ["one text", "other", "third!", "!"])
    train = views(["third"], ["nothing"], ids=["e0"])
    found = repeated_texts(own, {"train": train})
    assert (found.n_pairs, found.equal_pairs) == (4, 2)
    assert found.repeats == (2, 0)
    assert found.parts == ("train",)
    assert found.ids_across == (1, 1)
    assert found.texts_across == (1, 0)


def test_one_entity_may_repeat_itself() -> None:
    a = View("x", ("1", "2"), ("same", "same"), np.array([0, 0]))
    b = View("y", ("1",), ("other",), np.array([0]))
    found = repeated_texts(Views("made", a, b, ("1",)), {})
    assert found.repeats == (0, 0)
    assert (found.parts, found.texts_across) == ((), (0, 0))
