from dataclasses import replace

import numpy as np
import pytest

from matryo.data.views import Mined, View, Views, check_parts, split_views
from matryo.errors import MatryoError, ShapeError


def view(domain: str, n: int, start: int = 0) -> View:
    ids = tuple(f"e{i}" for i in range(start, start + n))
    return View(domain, ids, tuple(f"{domain} {id}" for id in ids), np.arange(n), {"city": ids})


def views(n: int = 6) -> Views:
    groups = tuple(f"g{i // 2}" for i in range(n))
    return Views("v", view("x", n), view("y", n), groups, twins=(view("x", n, 100), view("y", n, 100)))


def test_a_part_is_renumbered_and_keeps_its_labels_and_twins() -> None:
    part = views().take(np.array([4, 1]))
    assert part.a.ids == ("e1", "e4") and part.a.entities.tolist() == [1, 0]
    assert part.groups == ("g2", "g0") and part.a.labels["city"] == ("e1", "e4")
    assert part.twins is not None and part.twins[1].ids == ("e101", "e104")
    assert part.twins[1].entities.tolist() == [1, 0]


def test_groups_are_not_torn_apart() -> None:
    parts = split_views(views(), {"train": 2 / 3, "test": 1 / 3}, seed=3)
    assert sum(len(part.a) for part in parts.values()) == 6
    assert set(parts["train"].groups).isdisjoint(parts["test"].groups)
    check_parts(list(parts.values()))


def test_an_id_that_crosses_is_named() -> None:
    whole = views()
    with pytest.raises(MatryoError, match="id e1 of x lies in train and in test"):
        check_parts([whole.take(np.array([0, 1]), "train"), whole.take(np.array([1, 2]), "test")])


def test_a_part_with_one_entity_is_refused() -> None:
    with pytest.raises(MatryoError, match="test has 1 entity in both domains, at least 2"):
        check_parts([views().take(np.array([3]), "test")])


def test_what_was_mined_must_not_be_split() -> None:
    none = np.empty((0, 3), dtype=np.int64)
    mined = replace(views(), mined=Mined((none, none), np.empty((0, 17), dtype=np.int64)))
    with pytest.raises(MatryoError, match="split first"):
        split_views(mined, {"train": 0.5, "test": 0.5}, seed=0)
    assert mined.take(np.array([0, 1])).mined is None


def test_the_digest_is_that_of_every_part_but_names() -> None:
    base = views()
    assert replace(base, name="w", notes=("n",)).digest() == base.digest()
    other = replace(base, a=replace(base.a, texts=("changed", *base.a.texts[1:])))
    relabelled = replace(base, b=replace(base.b, labels={"city": base.b.ids[::-1]}))
    digests = {base.digest(), other.digest(), relabelled.digest(), replace(base, twins=None).digest()}
    assert len(digests) == 4


def test_bad_views() -> None:
    whole = view("x", 3)
    with pytest.raises(MatryoError, match="has no texts"):
        View("x", (), (), np.empty(0, dtype=np.int64))
    with pytest.raises(MatryoError, match="1 texts are empty, the first has id e1"):
        replace(whole, texts=("a", " ", "b"))
    with pytest.raises(MatryoError, match="e0"):
        replace(whole, ids=("e0", "e0", "e1"))
    with pytest.raises(ShapeError, match="differ in length"):
        replace(whole, labels={"city": ("one",)})
    with pytest.raises(MatryoError, match="two domains are needed"):
        Views("v", whole, whole, ("a", "b", "c"))
    with pytest.raises(ShapeError, match="entities of y lie outside"):
        Views("v", whole, view("y", 5), ("a", "b", "c"))
    with pytest.raises(MatryoError, match="no entity stands in both"):
        Views("v", whole, replace(view("y", 1), entities=np.array([3])), ("a", "b", "c", "d"))
