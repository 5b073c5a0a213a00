"""Two stores asked by their own vectors of the same texts: how far the lists that the engine gives agree."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.errors import MatryoError
from matryo.experiments.translation_note import with_names
from matryo.measures.edits import edit_shares
from matryo.measures.intervals import Interval
from matryo.measures.list_agreement import ListAgreement, compare_lists
from matryo.measures.statistics import bootstrap_mean
from matryo.search.passages import Passages
from matryo.search.stores import Location, Origin, Store
from matryo.search.stores.base import MISSING

_DRAWS = 2_000
_FEWEST = 2
_P = 0.9

Lists = list[list[str]]


@dataclass(frozen=True)
class Side:
    """One of the two stores.

    Attributes:
        name: of the store.
        n_rows: rows that it has.
        dim: prefix length that was compared.
        origin: models and map that the vectors come from, None if nobody told.
    """

    name: str
    n_rows: int
    dim: int
    origin: Origin | None


@dataclass(frozen=True)
class DifferentLists:
    """A text whose neighbours the two stores see differently.

    Attributes:
        id: of the text.
        text: itself, "" if no passages were given.
        edit_share: edits over k, 1 = nothing in common.
        a: ids that the first store gives.
        b: ids that the second one gives.
    """

    id: str
    text: str
    edit_share: float
    a: tuple[str, ...]
    b: tuple[str, ...]


@dataclass(frozen=True)
class StoreComparison:
    """What was found.

    Attributes:
        a: the first store.
        b: the second one.
        n_shared: ids that are in both.
        n: of them, how many were asked.
        k: neighbours of each.
        p: persistence of the rank-biased overlap.
        chance: mutual neighbours of unrelated vectors.
        values: measure -> its mean with a 95 % interval; of the edit distance less is closer.
        different: texts whose lists differ most, first the most different.
        notes: what a reader must know, one sentence each.
    """

    a: Side
    b: Side
    n_shared: int
    n: int
    k: int
    p: float
    chance: float
    values: dict[str, Interval]
    different: tuple[DifferentLists, ...]
    notes: tuple[str, ...]

    def lines(self) -> list[str]:
        """The result as lines of plain text."""
        told = [
            f"{side.name}: {side.n_rows:,} rows at dim {side.dim}{f', {side.origin}' if side.origin else ''}"
            for side in (self.a, self.b)
        ]
        told.append(f"{self.n:,} of {self.n_shared:,} shared texts asked for {self.k} neighbours each, 95 % intervals")
        beside = {
            "mutual neighbours": f", chance {self.chance:.4f}",
            "edit distance": ", lower is closer",
            "RBO": f", p = {self.p}",
        }
        told += [
            f"{name}@{self.k}: {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]{beside.get(name, '')}"
            for name, found in self.values.items()
        ]
        for one in self.different:
            words = " ".join(one.text.split())
            told += [
                f"differs most: {one.id}, edit distance {one.edit_share:.2f}{f': {words}' if words else ''}",
                f"  {self.a.name}: {', '.join(one.a)}",
                f"  {self.b.name}: {', '.join(one.b)}",
            ]
        return told


def compare_stores(
    location: Location,
    first: str,
    second: str,
    *,
    n: int = 100,
    k: int = 10,
    dim: int | None = None,
    n_different: int = 3,
    seed: int = 0,
    passages: Path | None = None,
    token: str | None = None,
) -> StoreComparison:
    """Ask two stores of one place for the neighbours of the same texts.

    Nothing is compared across spaces: each store is asked by the vectors that it holds itself, through the engine, and
    the ids it gives are compared. A text is left out of its own list by its id.

    Args:
        location: where both stores are.
        first: name of one.
        second: name of the other, e.g. the native vectors that those of the first imitate.
        n: texts to ask, drawn from the ids that both have.
        k: neighbours of each.
        dim: prefix length to compare, pushed in both; None = the largest of each.
        n_different: texts to show whose lists differ most.
        seed: of the draw and of the intervals.
        passages: SQLite file with the texts, None to show ids alone.
        token: key of a Milvus cluster.

    Raises: MatryoError if they share fewer than two ids, k is not below the number of rows of each, or as
        `Store.neighbours`.
    """
    if n < _FEWEST or k < 1 or n_different < 0:
        raise MatryoError(
            f"a comparison asks at least {_FEWEST} texts for at least 1 neighbour, got n {n} and k {k}; ask for more"
        )
    stores = [location.store(name, token) for name in (first, second)]
    all_ids = [set(store.ids()) for store in stores]
    shared = sorted(all_ids[0] & all_ids[1])
    if len(shared) < _FEWEST:
        raise MatryoError(
            f"{first} and {second} at {location} share {len(shared)} ids, at least {_FEWEST} are needed; "
            "compare stores of the same texts"
        )
    asked = drawn_ids(shared, n, seed)
    lists_a, lists_b = (
        neighbour_lists(store, name, asked, k, dim) for store, name in zip(stores, (first, second), strict=True)
    )
    found = agreement(lists_a, lists_b, n_candidates=max(map(len, all_ids)) - 1)
    sizes = len(all_ids[0]), len(all_ids[1])
    told = [store.origin for store in stores]
    names = {origin.source_space: origin.source for origin in told if origin and origin.native and origin.source}
    sides = [
        Side(name, size, max(store.dims) if dim is None else dim, origin and with_names(origin, names))
        for name, size, store, origin in zip((first, second), sizes, stores, told, strict=True)
    ]
    return StoreComparison(
        a=sides[0],
        b=sides[1],
        n_shared=len(shared),
        n=len(asked),
        k=k,
        p=found.p,
        chance=_chance(k, len(shared), sizes),
        values=values_of(found, seed),
        different=_most_different(asked, lists_a, lists_b, n_different, passages),
        notes=_notes(first, second, len(shared), sizes),
    )


def drawn_ids(ids: Sequence[str], n: int, seed: int) -> list[str]:
    """At most n of some ids, drawn without replacement, in their order."""
    if len(ids) <= n:
        return list(ids)
    rows = np.sort(np.random.default_rng(seed).choice(len(ids), n, replace=False))
    return [ids[row] for row in rows.tolist()]


def neighbour_lists(store: Store, name: str, ids: Sequence[str], k: int, dim: int | None = None) -> Lists:
    """What a store gives for some of its texts, each left out of its own list.

    Raises: MatryoError if it does not find k others for each.
    """
    hits = store.neighbours(ids, k, dim)
    if (hits.ids == MISSING).any():
        raise MatryoError(
            f"{name} does not give {k} neighbours of each text; ask for fewer than its rows with a smaller k"
        )
    return [list(row) for row in hits.ids.tolist()]


def agreement(a: Lists, b: Lists, *, n_candidates: int) -> ListAgreement:
    """Measures of two lists of ids per text, at their whole length.

    Args:
        a: n lists of k ids, best first.
        b: the lists of the same texts in another store.
        n_candidates: rows that each list was drawn from.
    """
    left, right = _numbered(a, b)
    return compare_lists(left, right, (left.shape[1],), n_candidates=n_candidates, p=_P)


def values_of(found: ListAgreement, seed: int = 0) -> dict[str, Interval]:
    """Means over the texts with their intervals, by measure."""
    measured = {
        "mutual neighbours": found.mutual[:, -1],
        "Jaccard": found.jaccard[:, -1],
        "edit distance": found.edit_shares[:, -1],
        "RBO": found.rbo,
    }
    return {name: bootstrap_mean(values, n_draws=_DRAWS, seed=seed) for name, values in measured.items()}


def _numbered(a: Lists, b: Lists) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    numbers: dict[str, int] = {}
    left, right = (
        np.array([[numbers.setdefault(id, len(numbers)) for id in row] for row in side], dtype=np.int64)
        for side in (a, b)
    )
    return left, right


def _chance(k: int, n_shared: int, sizes: tuple[int, int]) -> float:
    """Share of k ids that two lists drawn at random from all rows but the text itself have in common."""
    return k * (n_shared - 1) / ((sizes[0] - 1) * (sizes[1] - 1))


def _most_different(
    ids: Sequence[str], a: Lists, b: Lists, n: int, passages: Path | None
) -> tuple[DifferentLists, ...]:
    left, right = _numbered(a, b)
    shares = edit_shares(left, right, (left.shape[1],))[:, 0]
    rows = np.argsort(-shares, kind="stable")[:n].tolist()
    texts = [""] * len(rows)
    if passages is not None:
        with Passages.open(passages) as opened:
            texts = opened.texts([ids[row] for row in rows])
    return tuple(
        DifferentLists(ids[row], text, float(shares[row]), tuple(a[row]), tuple(b[row]))
        for row, text in zip(rows, texts, strict=True)
    )


def _notes(first: str, second: str, n_shared: int, sizes: tuple[int, int]) -> tuple[str, ...]:
    alone = [
        f"{size - n_shared:,} rows of {name} are not in {other}: they may take places in its lists that cannot agree"
        for name, other, size in ((first, second, sizes[0]), (second, first, sizes[1]))
        if size > n_shared
    ]
    return tuple(alone)
