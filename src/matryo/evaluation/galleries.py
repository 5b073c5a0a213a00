"""Whom a partner is to be found among: random others, people of the same city and career, or an altered twin.

Every query has a gallery of its own, so that all queries count in small galleries too. Galleries depend on the views
and the seed only: every system is asked the same.
"""

from collections.abc import Sequence

import numpy as np

from matryo.data.views import View
from matryo.errors import MatryoError
from matryo.measures.identity import Rivals, Rows, with_partner

SIZES = (150, 2_000)
HARD_LABELS = ("career", "city")
"""Labels that make a rival hard, the weightier one first."""
_BLOCK_CELLS = 1 << 22


def galleries(
    queries: View,
    gallery: View,
    twins: View | None = None,
    *,
    hard_labels: Sequence[str] = HARD_LABELS,
    sizes: Sequence[int] = SIZES,
    max_queries: int = 5_000,
    seed: int,
) -> dict[str, Rivals]:
    """Galleries of one direction.

    - "random N": the partner and N - 1 random others, all where there are not more.
    - "hard N", N the smallest size: those that share both labels, filled up by those that share the first one, then
      the second one; smaller than N where fewer share any. Left out where the views do not know both labels.
    - "twin N": as "random N", but one of the others is the partner's twin; where all others fit in it is one more.
    - "twin pair": the partner and its twin alone. Galleries of twins ask queries that have one, the first if several.

    Args:
        queries: texts of one domain; rows without a partner ask nothing here.
        gallery: texts of the other one.
        twins: texts of altered entities in the gallery's domain, None = none.
        hard_labels: names of two labels, the weightier one first.
        sizes: of the galleries, the partner counted.
        max_queries: beyond this many a random choice asks.
        seed: of the choices.

    Raises: MatryoError if a size is below 2, hard labels are not two, or no query has a partner.
    """
    if not sizes or min(sizes) < 2 or len(hard_labels) != 2:
        raise MatryoError(
            f"galleries need sizes of at least 2 and two labels, got {tuple(sizes)} and {tuple(hard_labels)}"
        )
    asked = with_partner(queries.entities, gallery.entities)
    if not len(asked):
        raise MatryoError(f"no text of {queries.domain} has a partner in {gallery.domain}; check the entities")
    rng = np.random.default_rng(seed)
    if len(asked) > max_queries:
        asked = np.sort(rng.choice(asked, max_queries, replace=False))
    own = queries.entities[asked]
    found = {f"random {size}": Rivals(asked, _nearest(own, gallery, size - 1, None, rng)) for size in sizes}
    if all(label in view.labels for label in hard_labels for view in (queries, gallery)):
        likeness = [_same(queries, gallery, label, asked) for label in hard_labels]
        small = min(sizes)
        found[f"hard {small}"] = Rivals(asked, _nearest(own, gallery, small - 1, likeness, rng))
    if twins is not None and np.isin(own, twins.entities).any():
        found |= _twin_galleries(own, found, twins, sizes)
    return found


def gallery_size(rivals: Rivals, entities_a: Rows, entities_b: Rows) -> float:
    """Mean number of texts to choose from, the partner counted once however many there are."""
    own = entities_a[rivals.queries]
    if rivals.rows is None:
        numbers, counts = np.unique(entities_b, return_counts=True)
        n_rivals = len(entities_b) - counts[np.searchsorted(numbers, own)]
    else:
        others = (rivals.rows >= 0) & (entities_b[rivals.rows] != own[:, None])
        n_rivals = others.sum(axis=1)
    return float(n_rivals.mean()) + 1.0 + (rivals.extra is not None)


def _same(queries: View, gallery: View, label: str, asked: Rows) -> tuple[Rows, Rows]:
    """Numbers of a label's values on both sides, equal where the values are."""
    chosen = [queries.labels[label][row] for row in asked.tolist()]
    numbers = np.unique([*chosen, *gallery.labels[label]], return_inverse=True)[1].astype(np.int64)
    left, right = np.split(numbers, [len(chosen)])
    return left, right


def _nearest(
    own: Rows,
    gallery: View,
    n: int,
    likeness: Sequence[tuple[Rows, Rows]] | None,
    rng: np.random.Generator,
) -> Rows | None:
    """(q, n) rows of others, those of most likeness first, else at random; None = all others are no more than n."""
    m = len(gallery)
    counts = np.unique(gallery.entities, return_counts=True)[1]
    if likeness is None and m - int(counts.min()) <= n:
        return None
    width = min(n, m)
    found = np.empty((len(own), width), dtype=np.int64)
    step = max(1, _BLOCK_CELLS // m)
    for start in range(0, len(own), step):
        part = slice(start, start + step)
        # within 0..1 at random; every label shared outweighs all behind it; own rows and strangers come last
        order = rng.random((len(own[part]), m))
        for weight, (left, right) in zip((2, 1), likeness or (), strict=False):
            order -= weight * (left[part, None] == right)
        unwanted = own[part, None] == gallery.entities
        if likeness is not None:
            unwanted |= order >= 0.0
        order[unwanted] = np.inf
        rows = np.argpartition(order, width - 1, axis=1)[:, :width]
        found[part] = np.where(np.isinf(np.take_along_axis(order, rows, axis=1)), -1, rows)
    return found


def _twin_galleries(own: Rows, found: dict[str, Rivals], twins: View, sizes: Sequence[int]) -> dict[str, Rivals]:
    numbers, first = np.unique(twins.entities, return_index=True)
    having = np.flatnonzero(np.isin(own, numbers))
    extra = first[np.searchsorted(numbers, own[having])].astype(np.int64)
    made = {}
    for size in sizes:
        queries, rows, _ = found[f"random {size}"]
        made[f"twin {size}"] = Rivals(queries[having], None if rows is None else rows[having, :-1], extra)
    nobody = np.empty((len(having), 0), dtype=np.int64)
    return {**made, "twin pair": Rivals(queries[having], nobody, extra)}
