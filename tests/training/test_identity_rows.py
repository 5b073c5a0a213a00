"""Rows and batches: what stands beside what, in which domain, and who is about whom."""

from itertools import islice

import numpy as np
import pytest

from matryo.data.views import Mined, View, Views
from matryo.errors import MatryoError, ShapeError
from matryo.training.identity_batches import DomainBatches
from matryo.training.identity_methods import IDENTITY_METHODS, identity_method
from matryo.training.identity_rows import ENTITIES, IdentityRows, identity_rows
from matryo.training.identity_settings import IdentityTrainSettings

N = 8


def view(domain: str, n: int = N, tag: str = "") -> View:
    return View(
        domain, tuple(f"{i}{tag}" for i in range(n)), tuple(f"{domain} {i}{tag}" for i in range(n)), np.arange(n)
    )


def views(
    triplets: tuple[int, int] = (10, 6), *, mined: bool = True, twins: int | None = N, n_negatives: int = 3
) -> Views:
    rng = np.random.default_rng(0)

    def of(n: int) -> np.ndarray:
        return np.stack([rng.permutation(N)[:3] for _ in range(n)]).reshape(n, 3) if n else np.zeros((0, 3), np.int64)

    own = np.arange(N)
    cross = np.stack([own, own, *((own + i) % N for i in range(1, 1 + n_negatives))], axis=1)
    return Views(
        "v",
        view("dating"),
        view("hiring"),
        tuple(map(str, range(N))),
        Mined((of(triplets[0]), of(triplets[1])), cross) if mined else None,
        None if twins is None else (view("dating", twins, "-twin"), view("hiring", twins, "-twin")),
    )


def rows(name: str = "v3_contrastive", of: Views | None = None, seed: int = 0, **settings: object) -> IdentityRows:
    return identity_rows(of or views(), identity_method(name), IdentityTrainSettings(**settings), seed)


def texts_of(found: IdentityRows, column: str) -> list[str]:
    return [found.texts[i] for i in found.columns[column].tolist()]


def test_a_row_holds_a_triplet_of_one_domain_and_a_pair_of_one_person() -> None:
    found = rows(negatives=2)
    names = ["anchor", "positive", "negative", "cross_a", "cross_b", "cross_negative_1", "cross_negative_2"]
    assert list(found.columns) == [*names, "twin_a", "twin_b"]
    assert len(found) == 16 and found.labels.shape == (16, 2 + 9)
    assert found.labels[:, 0].tolist() == list(range(16))
    assert found.labels[:, 1].tolist() == [0] * 10 + [1] * 6
    people = dict(zip(found.columns, found.labels.T[ENTITIES:], strict=True))
    for name in names:
        domain = {"cross_a": "dating"}.get(name, "hiring")
        expected = [
            f"{('dating', 'hiring')[d] if name in names[:3] else domain} {who}"
            for d, who in zip(found.labels[:, 1], people[name], strict=True)
        ]
        assert texts_of(found, name) == expected
    assert (people["cross_a"] == people["cross_b"]).all()
    assert (people["cross_negative_1"] != people["cross_a"]).all()
    # a twin is told by its own text and is never taken for the person
    assert (people["twin_a"] == people["cross_a"] + N).all() and (people["twin_b"] == people["twin_a"]).all()
    assert texts_of(found, "twin_b") == [f"hiring {who}-twin" for who in people["cross_a"]]


def test_every_pair_comes_before_any_comes_twice() -> None:
    people = rows().labels.T[ENTITIES + 3]
    assert sorted(people[:N]) == list(range(N)) == sorted(people[N : 2 * N])


def test_a_method_gets_what_it_needs_and_no_more() -> None:
    columns = {name: list(rows(name, negatives=1).columns) for name in IDENTITY_METHODS}
    triplet, pair = ["anchor", "positive", "negative"], ["cross_a", "cross_b"]
    full = [*triplet, *pair, "cross_negative_1", "twin_a", "twin_b"]
    assert columns["v3_contrastive"] == columns["projection_heads"] == columns["adversarial"] == full
    assert columns["v3_mse"] == [*triplet, *pair]
    assert columns["v3_no_prefix"] == columns["single_dating"] == columns["single_hiring"] == triplet
    assert list(rows(twins=False, negatives=0).columns) == [*triplet, *pair]


def test_single_domain_methods_do_not_touch_the_other_domain() -> None:
    dating, hiring = rows("single_dating"), rows("single_hiring")
    assert {text.split()[0] for text in dating.texts} == {"dating"} and len(dating) == 10
    assert {text.split()[0] for text in hiring.texts} == {"hiring"} and len(hiring) == 6
    assert set(hiring.labels[:, 1].tolist()) == {1}
    # so that a domain without triplets stops only those who need it
    assert len(rows("single_dating", views((10, 0)))) == 10


def test_a_person_without_a_twin_gets_their_own_text() -> None:
    found = rows(of=views(twins=3))
    people = dict(zip(found.columns, found.labels.T[ENTITIES:], strict=True))
    alone = people["cross_a"] >= 3
    assert (people["twin_a"][alone] == people["cross_a"][alone]).all()
    assert (people["twin_a"][~alone] == people["cross_a"][~alone] + N).all()


def test_real_views_without_triplets_train_pairs_only() -> None:
    found = rows(of=views(mined=False, twins=None), negatives=2)
    assert list(found.columns) == ["cross_a", "cross_b", "cross_negative_1", "cross_negative_2"]
    assert sorted(found.labels[:, ENTITIES].tolist()) == list(range(N))
    assert (found.labels[:, ENTITIES + 2 :] != found.labels[:, [ENTITIES]]).all()
    assert "no triplets" in found.notes[-1]


def test_entities_with_several_texts_bring_each_of_them() -> None:
    a = View("x", ("1", "2", "3"), ("one", "two", "three"), np.array([0, 1, 1]))
    b = View("y", ("4", "5"), ("four", "five"), np.array([0, 1]))
    found = rows(of=Views("v", a, b, ("0", "1")), negatives=0)
    pairs = set(zip(texts_of(found, "cross_a"), texts_of(found, "cross_b"), strict=True))
    assert pairs == {("one", "four"), ("two", "five"), ("three", "five")}


def test_the_same_seed_the_same_rows() -> None:
    assert rows(seed=1).digest() == rows(seed=1).digest() != rows(seed=2).digest()


@pytest.mark.parametrize(
    ("name", "of", "settings", "words"),
    [
        ("v3_contrastive", views((10, 0)), {}, "no triplets of hiring, which v3_contrastive learns within"),
        ("v3_no_prefix", views(mined=False), {}, "v3_no_prefix learns from triplets only and v has none"),
        ("v3_contrastive", views(), {"negatives": 4}, "4 negatives per pair are wanted, v has 3"),
    ],
)
def test_what_cannot_be_learned(name: str, of: Views, settings: dict[str, object], words: str) -> None:
    with pytest.raises(MatryoError, match=words):
        rows(name, of, **settings)


def test_one_entity_has_no_negatives() -> None:
    one = Views("v", View("x", ("1",), ("one",), np.array([0])), View("y", ("2",), ("two",), np.array([0])), ("0",))
    with pytest.raises(MatryoError, match="one entity in y"):
        rows(of=one, negatives=1)


def test_columns_must_fit() -> None:
    found = rows()
    with pytest.raises(ShapeError, match="columns of one length"):
        IdentityRows(found.texts, found.columns, found.labels[:3])


def test_unknown_method_names_the_nearest() -> None:
    with pytest.raises(MatryoError, match="'v3_contrastiv' is no method of the shared prefix, the nearest is v3_contr"):
        identity_method("v3_contrastiv")


def batches(found: IdentityRows, size: int, *, epoch: int = 0, drop_last: bool = False) -> list[list[int]]:
    sampler = DomainBatches(found.dataset(), size, drop_last, seed=5)
    sampler.set_epoch(epoch)
    made = list(sampler)
    assert len(made) == len(sampler)
    return made


def test_batches_hold_one_domain_and_alternate() -> None:
    found = rows()
    made = batches(found, 4)
    domains = [set(found.labels[batch, 1].tolist()) for batch in made]
    # three batches of ten dating rows; the six hiring rows start again after two
    assert domains == [{0}, {1}] * 3
    seen = [row for batch in made for row in batch]
    assert sorted(set(seen)) == list(range(16)) and [len(batch) for batch in made] == [4, 4, 4, 2, 2, 4]


def test_order_follows_seed_and_epoch() -> None:
    found = rows()
    assert batches(found, 4) == batches(found, 4) != batches(found, 4, epoch=1)
    assert [len(batch) for batch in batches(found, 4, drop_last=True)] == [4] * 4


def test_one_domain_alone_and_the_data_set_as_the_trainer_reads_it() -> None:
    found = rows("single_hiring")
    assert [len(batch) for batch in islice(batches(found, 4), 2)] == [4, 2]
    first = found.dataset()[0]
    assert first["anchor"] == texts_of(found, "anchor")[0] and first["label"] == found.labels[0].tolist()


def test_a_domain_that_fills_no_batch() -> None:
    with pytest.raises(MatryoError, match=r"\[10, 6\] rows do not fill one batch of 8"):
        batches(rows(), 8, drop_last=True)
