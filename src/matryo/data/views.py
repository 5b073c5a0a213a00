"""Two views: the same entities described in two domains, and what is mined inside one part of a split."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.data.split import split_groups
from matryo.data.texts import check_unique
from matryo.errors import MatryoError, ShapeError

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class View:
    """Texts of one domain.

    Attributes:
        domain: its name, such as "dating".
        ids: n ids, each once.
        texts: n texts, none empty.
        entities: (n,) int64, number of the entity each text describes; texts of one number match each other.
        labels: name -> n values known of each row, such as its template or city; for controls and probes only.
    """

    domain: str
    ids: tuple[str, ...]
    texts: tuple[str, ...]
    entities: Rows
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no view: no texts, empty texts, equal ids, columns of other lengths."""
        if not self.texts:
            raise MatryoError(f"domain {self.domain} has no texts; give at least one, or check which column was read")
        lengths = {len(self.ids), len(self.texts), len(self.entities), *map(len, self.labels.values())}
        if lengths != {len(self.texts)}:
            raise ShapeError(f"domain {self.domain}: ids, texts, entities and labels differ in length: {lengths}")
        empty = [id for id, text in zip(self.ids, self.texts, strict=True) if not text.strip()]
        if empty:
            raise MatryoError(
                f"domain {self.domain}: {len(empty):,} texts are empty, the first has id {empty[0]}; fill or drop them"
            )
        check_unique(self.ids, f"domain {self.domain}")

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.texts)

    def take(self, rows: Rows, entities: Rows | None = None) -> "View":
        """Some rows, in the order given; `entities` renumbers them."""
        places = rows.tolist()
        return View(
            self.domain,
            tuple(self.ids[i] for i in places),
            tuple(self.texts[i] for i in places),
            self.entities[rows] if entities is None else entities,
            {name: tuple(values[i] for i in places) for name, values in self.labels.items()},
        )


class Mined(NamedTuple):
    """What a compatibility score chose within one part of a split.

    Attributes:
        triplets: for each domain (n, 3) int64 rows of its view: anchor, positive, negative.
        cross: (n, 2 + k) int64: row of a, row of b of the same entity, k rows of b of other entities.
    """

    triplets: tuple[Rows, Rows]
    cross: Rows


@dataclass(frozen=True, eq=False)
class Views:
    """Two views of one set of entities.

    Attributes:
        name: what they are called in reports.
        a: texts of the first domain.
        b: texts of the second.
        groups: label of each entity 0 .. n_entities - 1; entities of one label never land in two parts of a split.
        mined: triplets and pairs of this part, None where there is no score to mine by.
        twins: for each domain texts of altered entities: row i is like the entity of its number but for a few
            attributes, and must not be taken for it; None = none.
        notes: what was left out on reading, one sentence each.
    """

    name: str
    a: View
    b: View
    groups: tuple[str, ...]
    mined: Mined | None = None
    twins: tuple[View, View] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse entities without a label, one domain twice, and views without a match."""
        if self.a.domain == self.b.domain:
            raise MatryoError(f"{self.name}: two domains are needed, got {self.a.domain} twice; name one otherwise")
        for view in (self.a, self.b):
            if view.entities.min() < 0 or view.entities.max() >= len(self.groups):
                raise ShapeError(f"{self.name}: entities of {view.domain} lie outside 0..{len(self.groups) - 1}")
        if not len(self.matched):
            raise MatryoError(f"{self.name}: no entity stands in both domains; check which columns hold the ids")

    @property
    def domains(self) -> tuple[str, str]:
        """Names of the two domains."""
        return self.a.domain, self.b.domain

    @property
    def n_entities(self) -> int:
        """Number of entities, matched or not."""
        return len(self.groups)

    @property
    def matched(self) -> Rows:
        """Entities that both domains describe, rising."""
        return np.intersect1d(self.a.entities, self.b.entities)

    def take(self, entities: Rows, name: str | None = None) -> "Views":
        """The part that describes these entities, renumbered in the order given; what was mined is not part of it."""
        number = np.full(self.n_entities, -1, dtype=np.int64)
        number[entities] = np.arange(len(entities))

        def part(view: View) -> View:
            rows = np.flatnonzero(number[view.entities] >= 0)
            return view.take(rows, number[view.entities[rows]])

        return replace(
            self,
            name=name or self.name,
            a=part(self.a),
            b=part(self.b),
            groups=tuple(self.groups[i] for i in entities.tolist()),
            mined=None,
            twins=None if self.twins is None else (part(self.twins[0]), part(self.twins[1])),
        )

    def digest(self) -> str:
        """SHA-256 over domains, ids, texts, entities, labels, twins and what was mined; name and notes do not count."""
        running = hashlib.sha256()
        for view in (self.a, self.b, *(self.twins or ())):
            columns = (view.ids, view.texts, *(values for _, values in sorted(view.labels.items())))
            for values in ((view.domain, *sorted(view.labels)), *columns):
                running.update(len(values).to_bytes(8, "little"))
                for value in values:
                    encoded = value.encode()
                    running.update(len(encoded).to_bytes(8, "little"))
                    running.update(encoded)
            running.update(view.entities.astype("<i8").tobytes())
        for rows in (*self.mined.triplets, self.mined.cross) if self.mined else ():
            running.update(repr(rows.shape).encode() + rows.astype("<i8").tobytes())
        return running.hexdigest()


def split_views(views: Views, shares: Mapping[str, float], seed: int) -> dict[str, Views]:
    """Divide views into parts so that every entity, and every group of entities, lies in one part.

    Args:
        views: not yet mined: mining comes after splitting, inside each part.
        shares: part name -> share of the entities, sum 1.
        seed: decides which groups go where.

    Returns: part name -> its views, named "NAME PART".
    Raises: MatryoError if something was mined already, as `split_groups`, or if a part has no matched entity.

    >>> ids, number = ("1", "2", "3", "4"), np.arange(4)
    >>> views = Views("v", View("x", ids, tuple("abcd"), number), View("y", ids, tuple("efgh"), number), ids)
    >>> {part: views.a.ids for part, views in split_views(views, {"train": 0.5, "test": 0.5}, seed=0).items()}
    {'train': ('2', '3'), 'test': ('1', '4')}
    """
    if views.mined is not None:
        raise MatryoError(f"{views.name} was mined before it was split, so that parts would share pairs; split first")
    return {
        part: views.take(entities, f"{views.name} {part}")
        for part, entities in split_groups(views.groups, shares, seed).items()
    }


def check_parts(parts: Sequence[Views]) -> None:
    """Refuse parts of a split that share an id or a text's entity, and parts too small to be searched.

    Raises: MatryoError naming the id, or the part with fewer than 2 matched entities.
    """
    seen: dict[tuple[str, str], str] = {}
    for views in parts:
        if len(views.matched) < 2:
            raise MatryoError(
                f"{views.name} has {len(views.matched)} entity in both domains, at least 2 are needed to tell "
                "them apart; give more data or other shares"
            )
        for view in (views.a, views.b):
            for id in view.ids:
                other = seen.setdefault((view.domain, id), views.name)
                if other != views.name:
                    raise MatryoError(f"id {id} of {view.domain} lies in {other} and in {views.name}; split anew")
