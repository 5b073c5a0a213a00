"""How much of who it is the prefix of a space tells, across two domains and both ways."""

from collections.abc import Sequence

from matryo.data.views import Views
from matryo.errors import MatryoError, ShapeError
from matryo.evaluation.galleries import HARD_LABELS, SIZES
from matryo.evaluation.identity_measures import IdentityMeasures, PerQuery, Search, TripletHits
from matryo.evaluation.identity_search import Asked, direction_names, paired_rows, search_both
from matryo.evaluation.open_set import OpenSet, open_set
from matryo.evaluation.probes import CLASSIFIERS, Classifier, Part, probes
from matryo.measures.cka import CkaTest, cka_test, linear_cka
from matryo.measures.collapse import Collapse, collapse
from matryo.measures.identity import Columns, Cosines, identity_columns, triplet_hits
from matryo.prefix import Array, block, check_dims, check_matrix, cut

__all__ = ["IdentityMeasures", "Part", "PerQuery", "Search", "TripletHits", "measure_identity"]


def measure_identity(
    views: Views,
    a: Array,
    b: Array,
    *,
    dims: Sequence[int],
    prefix_dim: int,
    twins: tuple[Array, Array] | None = None,
    seed: int,
    fit: Part | None = None,
    probe_labels: Sequence[str] = (),
    classifiers: Sequence[Classifier] = CLASSIFIERS,
    hard_labels: Sequence[str] = HARD_LABELS,
    sizes: Sequence[int] = SIZES,
    max_queries: int = 5_000,
    n_random: int = 5,
    n_permutations: int = 100,
) -> IdentityMeasures:
    """Measure everything of one system on one part of a split.

    Args:
        views: the texts; triplets are measured where some were mined.
        a: (n, width) float, vectors of the first domain's texts.
        b: (m, width) float, vectors of the second's.
        dims: prefix lengths in any order, `prefix_dim` among them; the width is added.
        prefix_dim: numbers K that are to say who it is.
        twins: vectors of both domains' twins, None = no galleries of twins.
        seed: the same for all systems that are to be compared.
        fit: people of another part, to fit probes on; None = no probes.
        probe_labels: what probes read besides the domain, from the prefix and from the rest.
        classifiers: which probes to fit.
        hard_labels: see `galleries`.
        sizes: of the galleries.
        max_queries: of each direction.
        n_random: draws of K random columns.
        n_permutations: of the null of CKA, which uses at most 1,000 entities.

    Raises: ShapeError if there is not one vector per text or dims do not fit; MatryoError as `probes` and `open_set`.
    """
    _check(views, a, b, twins)
    width = a.shape[1]
    rising = check_dims({*dims, width}, width)
    columns = identity_columns(width, rising, prefix_dim, n_random=n_random, seed=seed)
    plain = columns[:2] if prefix_dim < width else columns[:1]  # prefixes and rest, without the controls
    asked = Asked(seed, tuple(hard_labels), tuple(sizes), max_queries)
    sides = ((a, b, None if twins is None else twins[1]), (b, a, None if twins is None else twins[0]))
    scores = {
        direction: Cosines(*side[:2], columns, side[2])
        for direction, side in zip(direction_names(views), sides, strict=True)
    }
    read = (Columns((f"prefix {prefix_dim}",), (prefix_dim,)), *plain[1:])
    return IdentityMeasures(
        digest=asked.digest(views),
        domains=views.domains,
        width=width,
        dims=rising,
        prefix_dim=prefix_dim,
        seed=seed,
        columns=tuple(name for chosen in columns for name in chosen.names),
        searches=search_both(views, scores, asked, with_twins=twins is not None),
        triplets=_triplets(views, a, b, plain),
        collapse=_panels(views, a, b, plain),
        cka=_cka(views, a, b, rising, n_permutations, seed),
        shuffled_cka=_shuffled_cka(views, a, b, columns[-1]),
        probes=()
        if fit is None
        else probes(fit, Part(views, a, b), read, probe_labels, classifiers=classifiers, seed=seed),
        open_set=_open_set(views, a, b, plain, max_queries, seed),
    )


def _check(views: Views, a: Array, b: Array, twins: tuple[Array, Array] | None) -> None:
    given = [(views.a, a, "a"), (views.b, b, "b")]
    if twins is not None:
        if views.twins is None:
            raise MatryoError(f"{views.name} has no twins, got vectors of some; leave them out")
        given += [(views.twins[0], twins[0], "twins of a"), (views.twins[1], twins[1], "twins of b")]
    for view, x, name in given:
        check_matrix(x, name=name)
        if x.shape != (len(view), a.shape[1]):
            raise ShapeError(
                f"{name} must be one vector for each of the {len(view)} texts of {view.domain}, {a.shape[1]} wide, "
                f"got shape {x.shape}; encode all of them with one model"
            )


def _triplets(views: Views, a: Array, b: Array, plain: Sequence[Columns]) -> dict[str, TripletHits]:
    if views.mined is None:
        return {}
    names = tuple(name for chosen in plain for name in chosen.names)
    return {
        view.domain: TripletHits(names, view.entities[rows[:, 0]], triplet_hits(x, rows, plain))
        for view, x, rows in zip((views.a, views.b), (a, b), views.mined.triplets, strict=True)
        if len(rows)
    }


def _panels(views: Views, a: Array, b: Array, plain: Sequence[Columns]) -> dict[tuple[str, str], Collapse]:
    return {
        (view.domain, name): collapse(block(chosen.of(x), 0, dim))
        for view, x in ((views.a, a), (views.b, b))
        for chosen in plain
        for name, dim in zip(chosen.names, chosen.dims, strict=True)
    }


def _cka(views: Views, a: Array, b: Array, dims: Sequence[int], n_permutations: int, seed: int) -> tuple[CkaTest, ...]:
    rows_a, rows_b = paired_rows(views)
    left, right = a[rows_a], b[rows_b]
    return tuple(cka_test(cut(left, dim), cut(right, dim), n_permutations=n_permutations, seed=seed) for dim in dims)


def _shuffled_cka(views: Views, a: Array, b: Array, shuffled: Columns) -> tuple[float, ...]:
    """Debiased CKA at every dim of shuffled columns: the control of any elbow that CKA shows."""
    left, right = (shuffled.of(x[rows]) for x, rows in zip((a, b), paired_rows(views), strict=True))
    return tuple(linear_cka(cut(left, dim), cut(right, dim), debiased=True) for dim in shuffled.dims)


def _open_set(
    views: Views, a: Array, b: Array, plain: Sequence[Columns], max_queries: int, seed: int
) -> tuple[OpenSet, ...]:
    there, back = direction_names(views)
    of_a, of_b = views.a.entities, views.b.entities
    return (
        *open_set(Cosines(a, b, plain), of_a, of_b, direction=there, max_queries=max_queries, seed=seed),
        *open_set(Cosines(b, a, plain), of_b, of_a, direction=back, max_queries=max_queries, seed=seed),
    )
