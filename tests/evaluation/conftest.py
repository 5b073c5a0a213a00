"""Toy views that several tests of this folder measure."""

from collections.abc import Callable

import numpy as np
import pytest

from matryo.data.views import Mined, View, Views

_CITIES, _CAREERS, _TEMPLATES = ("Oslo", "Rome", "Lima"), ("nurse", "baker", "pilot"), ("t0", "t1", "t2", "t3")


def _view(domain: str, ids: list[str], entities: np.ndarray, people: list[tuple[str, str]], seed: int) -> View:
    rng = np.random.default_rng(seed)
    templates = rng.choice(_TEMPLATES, len(ids)).tolist()
    texts = []
    for entity in entities.tolist():
        city, career = people[entity]
        words = np.random.default_rng(entity).choice(40, 6).tolist()  # a person's own words, in both domains
        noise = rng.choice(40, 8).tolist()
        texts.append(f"{domain} {city} {career} " + " ".join(f"w{word}" for word in [*words, *noise]))
    labels = {
        "city": tuple(people[entity][0] for entity in entities.tolist()),
        "career": tuple(people[entity][1] for entity in entities.tolist()),
        "template": tuple(templates),
    }
    return View(domain, tuple(ids), tuple(texts), entities, labels)


@pytest.fixture
def make_views() -> Callable[..., Views]:
    """Views of n people with one text in each domain, 30 triplets each and twins; ids begin with the seed."""

    def make(n: int = 60, seed: int = 0, *, twins: bool = True) -> Views:
        rng = np.random.default_rng(seed)
        people = [(str(rng.choice(_CITIES)), str(rng.choice(_CAREERS))) for _ in range(n)]
        number = np.arange(n, dtype=np.int64)
        views = [
            _view(domain, [f"{seed}-{i}" for i in order], order, people, seed + at)
            for at, (domain, order) in enumerate((("dating", number), ("hiring", rng.permutation(n))))
        ]
        altered = [
            _view(domain, [f"{seed}-{i}-twin" for i in number], number, people, seed + 7 + at)
            for at, domain in enumerate(("dating", "hiring"))
        ]
        triplets = [np.stack([rng.choice(n, 3, replace=False) for _ in range(30)]) for _ in range(2)]
        return Views(
            f"toy {seed}",
            views[0],
            views[1],
            tuple(f"{seed}-{i}" for i in range(n)),
            Mined((triplets[0], triplets[1]), np.empty((0, 2), np.int64)),
            (altered[0], altered[1]) if twins else None,
        )

    return make


@pytest.fixture
def make_vectors() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Vectors of both domains whose first 8 of 24 numbers say who it is, and whose rest says nothing of it."""

    def make(views: Views, seed: int = 0, *, noise: float = 0.7, twins: bool = False) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        who = np.random.default_rng(99).normal(size=(views.n_entities, 8))
        if twins:
            assert views.twins is not None
            who = who + 0.8 * rng.normal(size=who.shape)
        found = []
        for at, view in enumerate(views.twins if twins and views.twins else (views.a, views.b)):
            prefix = who[view.entities] + noise * rng.normal(size=(len(view), 8))
            rest = rng.normal(size=(len(view), 16)) + np.where(at, 1.0, -1.0)
            found.append(np.hstack([prefix, rest]).astype(np.float32))
        return found[0], found[1]

    return make
