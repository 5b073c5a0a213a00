"""What an engine holds: its stores, and one of them as a whole."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matryo.errors import FormatError, MatryoError
from matryo.search.stores.engine import Engine
from matryo.search.stores.label import Label


@dataclass(frozen=True)
class Contents:
    """A store as its labels describe it.

    Attributes:
        labels: by dim, rising; never empty.
    """

    labels: dict[int, Label]

    @property
    def any(self) -> Label:
        """One of the labels: within a store they differ in `dim` and `complete` alone."""
        return next(iter(self.labels.values()))

    @property
    def complete(self) -> bool:
        """Whether every dim is there and marked complete."""
        return tuple(self.labels) == self.any.dims and all(label.complete for label in self.labels.values())


def stores(engine: Engine, beginning: str = "") -> dict[str, Contents]:
    """Every store of an engine whose name begins so; collections without our label are left alone.

    Raises: FormatError if the labels of one store contradict each other or one is damaged.
    """
    return labelled(engine.metadata(beginning), engine.where)


def labelled(collections: Mapping[str, Mapping[str, object]], where: str) -> dict[str, Contents]:
    """The stores among some collections, given by name with their metadata; see `stores`."""
    found: dict[str, dict[int, Label]] = {}
    for collection, metadata in collections.items():
        label = Label.from_strings(metadata, f"{collection} at {where}")
        if label is not None:
            found.setdefault(label.store, {})[label.dim] = label
    for name, labels in found.items():
        if len({label.pushed for label in labels.values()}) > 1:
            raise FormatError(
                f"{name} at {where} has dims {sorted(labels)} of different pushes; drop the store and push it anew"
            )
    return {name: Contents(dict(sorted(found[name].items()))) for name in sorted(found)}


def find(engine: Engine, name: str) -> Contents | None:
    """One store, None if there is none of this name."""
    return stores(engine, f"{name}_").get(name)


def held(engine: Engine, name: str) -> Contents:
    """One store.

    Raises: MatryoError if there is none, naming those that there are.
    """
    contents = find(engine, name)
    if contents is None:
        others = ", ".join(stores(engine)) or "none"
        raise MatryoError(f"{engine.where} has no store {name!r}, it has: {others}; push a set first")
    return contents


def whole(engine: Engine, name: str) -> Contents:
    """One store, whose push came to its end.

    Raises: MatryoError if it did not, or there is no such store.
    """
    contents = held(engine, name)
    if not contents.complete:
        raise MatryoError(
            f"{name} at {engine.where} is not complete, a push of {contents.any.n_rows:,} rows was interrupted or "
            "still runs; push the same set again, which goes on where it ended"
        )
    return contents


def count(engine: Engine, name: str) -> int:
    """Rows that every dim of a store has, 0 if there is none."""
    contents = find(engine, name)
    if contents is None or tuple(contents.labels) != contents.any.dims:
        return 0
    return min(engine.count(label.collection) for label in contents.labels.values())


def all_ids(engine: Engine, name: str, page: int) -> Iterator[str]:
    """Every id of a store, page by page; see `Store.ids`."""
    if page < 1:
        raise MatryoError(f"a page has at least 1 id, got {page}; leave it out for the default")
    label = next(iter(whole(engine, name).labels.values()))
    for ids in engine.pages(label.collection, min(page, engine.most_rows(label.dim))):
        yield from ids


def drop(engine: Engine, name: str) -> None:
    """Remove a store; see `Store.drop`."""
    with engine.writing():
        for label in held(engine, name).labels.values():
            engine.drop(label.collection)
