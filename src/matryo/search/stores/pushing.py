"""Pushing a set into an engine: batch by batch, repeatable, and called done only when all of it was seen there."""

import time
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace as changed

import numpy as np

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.prefix import check_dims, cut
from matryo.progress import Advance
from matryo.progress import progress as show_progress
from matryo.search.stores.base import Pushed
from matryo.search.stores.contents import Contents, labelled
from matryo.search.stores.engine import Engine
from matryo.search.stores.label import Label
from matryo.search.stores.origin import Origin
from matryo.search.stores.seen import send_unseen

_SAMPLE = 100


def push_set(
    engine: Engine,
    name: str,
    vectors: EmbeddingSet,
    *,
    dims: Sequence[int] | None,
    batch: int,
    replace: bool,
    progress: bool,
    origin: Origin | None = None,
) -> Pushed:
    """Bring a store to hold a set; see `Store.push`."""
    if batch < 1:
        raise MatryoError(f"a batch has at least 1 row, got {batch}; leave it out for the default")
    chosen = check_dims([vectors.width] if dims is None else dims, vectors.width)
    wanted = {dim: Label.of(name, vectors, chosen, dim, origin) for dim in chosen}
    with engine.writing():
        listed = engine.metadata(f"{name}_")
        contents = labelled(listed, engine.where).get(name)
        there, dropped = _kept(engine, contents, wanted, replace)
        if origin is None and there:
            kept = next(iter(there.values())).origin
            wanted = {dim: changed(label, origin=kept) for dim, label in wanted.items()}
        counts = {dim: engine.count(wanted[dim].collection) for dim in there}
        whole = all(dim in there and there[dim].complete and counts[dim] == vectors.n_rows for dim in chosen)
        if whole:
            for dim, label in wanted.items():
                if label.origin != there[dim].origin:
                    engine.relabel(label.collection, changed(label, complete=True).to_strings())
            return Pushed(vectors.n_rows, chosen, n_sent=0)
        for dim, label in wanted.items():
            if dim not in there:
                _create(engine, label, listed.keys() - dropped)
            elif there[dim].complete:
                engine.relabel(label.collection, label.to_strings())
        rows = min(batch, engine.most_rows(chosen[-1]))
        looked_at = {dim for dim in chosen if counts.get(dim, 0) > 0}
        total = vectors.n_rows * len(chosen)
        with show_progress(f"push {name}", total, "vectors", shown=progress) as advance:
            n_sent = _send(engine, wanted, vectors, rows, looked_at, advance)
        n_more, again = _settle(engine, wanted, vectors, rows)
        n_sent += n_more
        for dim, label in wanted.items():
            # only rows that came after a reading can be lost to a search, see seen.py; else a sample will do
            looked_for = range(vectors.n_rows) if dim in looked_at | again else _sample(vectors.n_rows)
            pieces = [looked_for[first : first + rows] for first in range(0, len(looked_for), rows)]
            n_sent += send_unseen(engine, label, vectors, pieces)
        for label in wanted.values():
            engine.relabel(label.collection, changed(label, complete=True).to_strings())
    return Pushed(vectors.n_rows, chosen, n_sent)


def _kept(
    engine: Engine, contents: Contents | None, wanted: Mapping[int, Label], replace: bool
) -> tuple[dict[int, Label], set[str]]:
    """Labels that are there already from pushes of the same, by dim, and collections that were dropped."""
    if contents is None:
        return {}, set()
    found, asked = contents.any, next(iter(wanted.values()))
    if found.pushed == asked.pushed:
        return contents.labels, set()
    if not replace:
        raise MatryoError(
            f"{found.store} at {engine.where} holds a push of set {found.set_digest[:12]} at dims "
            f"{_listed(found.dims)}, got set {asked.set_digest[:12]} at dims {_listed(asked.dims)}; choose another "
            "name, or ask to replace it"
        )
    for label in contents.labels.values():
        engine.drop(label.collection)
    return {}, {label.collection for label in contents.labels.values()}


def _create(engine: Engine, label: Label, taken: Set[str]) -> None:
    if label.collection in taken:
        raise MatryoError(
            f"{engine.where} has a collection {label.collection} already, which matryo did not make; "
            "choose another name"
        )
    engine.create(label.collection, label.dim, label.to_strings())


def _listed(dims: tuple[int, ...]) -> str:
    return ",".join(str(dim) for dim in dims)


def _send(
    engine: Engine,
    wanted: Mapping[int, Label],
    vectors: EmbeddingSet,
    rows: int,
    looked_at: set[int],
    advance: Advance,
) -> int:
    """Send all rows, of the dims in `looked_at` only those that are not there; returns how many were sent.

    One reading of the set serves all dims.
    """
    n_sent = 0
    ids = vectors.ids()
    for first in range(0, vectors.n_rows, rows):
        some = ids[first : first + rows]
        absent = {dim: _absent(engine, label, some, dim in looked_at) for dim, label in wanted.items()}
        needed = [dim for dim, places in absent.items() if places]
        if needed:
            piece = vectors.read(slice(first, first + rows), 0, max(needed))
            for dim in needed:
                places = absent[dim]
                sent = [some[place] for place in places]
                engine.put(wanted[dim].collection, sent, np.ascontiguousarray(cut(piece, dim)[places]))
                n_sent += len(places)
        advance(len(some) * len(wanted))
    return n_sent


def _absent(engine: Engine, label: Label, ids: Sequence[str], look: bool) -> list[int]:
    """Places of the ids that have to be sent."""
    there = engine.present(label.collection, ids) if look else set()
    return [place for place, id in enumerate(ids) if id not in there]


def _sample(n_rows: int) -> Sequence[int]:
    """Rows spread over the set, the first and the last among them."""
    places = np.linspace(0, max(n_rows - 1, 0), min(_SAMPLE, n_rows), dtype=np.int64)
    return [int(place) for place in np.unique(places)]


def _settle(engine: Engine, wanted: Mapping[int, Label], vectors: EmbeddingSet, rows: int) -> tuple[int, set[int]]:
    """Compare counts and a sample of ids with the set, and send again what is not there.

    Returns: how many rows were sent, and the dims they were sent at.
    Raises: MatryoError if rows stay away however often they are sent, or the engine has rows that are not the set's.
    """
    n_sent, again = 0, set[int]()
    for pause in (*engine.pauses, None):
        short = _short(engine, wanted, vectors)
        if not short:
            return n_sent, again
        if pause is None:
            dim, n = next(iter(short.items()))
            raise MatryoError(
                f"{engine.where} confirmed {vectors.n_rows:,} rows of {wanted[dim].collection} and has {n:,} of them, "
                f"sent {len(engine.pauses) + 1} times; see its log and free space, then push the same set again: "
                "the store stays marked as not complete"
            )
        time.sleep(pause)
        again |= set(short)
        lacking = {dim: wanted[dim] for dim in short}
        n_sent += _send(engine, lacking, vectors, rows, set(short), lambda n: None)
    raise AssertionError("the last look returns or raises")


def _short(engine: Engine, wanted: Mapping[int, Label], vectors: EmbeddingSet) -> dict[int, int]:
    """Dims at which rows are missing, and how many are there."""
    ids = vectors.ids()
    sample = [ids[place] for place in _sample(len(ids))]
    short = {}
    for dim, label in wanted.items():
        n = engine.count(label.collection)
        if n > vectors.n_rows:
            raise MatryoError(
                f"{label.collection} at {engine.where} has {n:,} rows, the set has {vectors.n_rows:,}; "
                "something else writes there, drop the store and push the set under another name"
            )
        n_lost = len(sample) - len(engine.present(label.collection, sample)) if sample else 0
        if n < vectors.n_rows or n_lost:
            short[dim] = min(n, vectors.n_rows - n_lost)
    return short
