"""Which texts of a tree are new, changed or gone since it was encoded last; nothing is encoded or written here."""

import hashlib
import heapq
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from matryo.collections.stored import StoredSet, text_digest
from matryo.data.chunk_tree import Collection, Left, collection_texts
from matryo.errors import FormatError, MatryoError

Pieces = Callable[[str, str], list[tuple[str, str]]]
"""Id and text of a text to those of its pieces."""

_SAMPLE = 512
_SAMPLED_CHARACTERS = 20_000
# A place is one whole number: which set, and which stored row of it.
_ROWS = 1 << 40


@dataclass
class Work:
    """What has to be done for one collection.

    Attributes:
        collection: its files, None if it is gone from the tree.
        name: of the set.
        stored: what the set holds.
        fresh: digest by id of every text that is new or changed, in the order in which it will be stored.
        removed: live rows that go, changed ones included, numbered over the live rows.
        n_changed: how many of `fresh` have an id that was there.
        n_encode: how many of `fresh` have a text whose vector is not known.
        input_digest: SHA-256 over ids and digests of `fresh`.
        notes: what was left out on reading.
        n_empty: empty texts left out.
    """

    collection: Collection | None
    name: str
    stored: StoredSet
    fresh: dict[str, bytes] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)
    n_changed: int = 0
    n_encode: int = 0
    input_digest: str = ""
    notes: tuple[str, ...] = ()
    n_empty: int = 0

    @property
    def idle(self) -> bool:
        """Whether the set is as the tree is."""
        return not self.fresh and not self.removed


@final
class Known:
    """Where the vector of each text is, or will be: every text of the tree has one vector, computed once."""

    def __init__(self) -> None:
        """Know none."""
        self._places: dict[bytes, int] = {}

    def add(self, digest: bytes, number: int, row: int) -> bool:
        """Remember a text at a stored row of set `number`, unless it is known; returns whether it was not."""
        place = number * _ROWS + row
        return self._places.setdefault(digest, place) == place

    def place(self, digest: bytes) -> tuple[int, int] | None:
        """Set and stored row of a text, None if it is unknown."""
        place = self._places.get(digest)
        return None if place is None else divmod(place, _ROWS)


@final
class Sample:
    """Some of the texts to encode, always the same ones of the same texts, and the lengths of all."""

    def __init__(self) -> None:
        """Start with none."""
        self._lowest: list[tuple[int, str]] = []
        self.lengths = array("Q")

    def add(self, digest: bytes, text: str) -> None:
        """Count a text, and keep it if its digest is among the lowest."""
        self.lengths.append(len(text))
        entry = (-int.from_bytes(digest[:8], "big"), text[:_SAMPLED_CHARACTERS])
        if len(self._lowest) < _SAMPLE:
            heapq.heappush(self._lowest, entry)
        elif entry > self._lowest[0]:
            heapq.heapreplace(self._lowest, entry)

    def texts(self) -> list[str]:
        """The texts kept, by length; of very long ones the beginning."""
        return sorted((text for _, text in self._lowest), key=lambda text: (len(text), text))


@dataclass
class Survey:
    """All that a run has to do, in the order in which it is done.

    Attributes:
        works: one per collection, by name.
        known: where each text's vector is.
        sample: of the texts to encode.
    """

    works: list[Work]
    known: Known
    sample: Sample


def survey(
    collections: list[Collection], gone: list[str], out: Path, *, skip_bad: bool, pieces: Pieces | None
) -> Survey:
    """Compare a tree with the sets made from it, reading each once.

    Args:
        collections: of the tree.
        gone: names of sets whose collection is not in the tree any more.
        out: folder of the sets.
        skip_bad: leave out files and entries that cannot be read.
        pieces: splits a text, None for texts that are encoded whole.

    Raises: FormatError for what cannot be read, a collection without texts, and two texts with one id.
    """
    by_name = {collection.name: collection for collection in collections}
    works = [Work(by_name.get(name), name, StoredSet(out / name)) for name in sorted({*by_name, *gone})]
    found = Survey(works, Known(), Sample())
    for number, work in enumerate(works):
        for row, digest in enumerate(work.stored.digests):
            found.known.add(digest, number, row)
    for number, work in enumerate(works):
        _compare(work, number, found, skip_bad, pieces)
    return found


def _compare(work: Work, number: int, found: Survey, skip_bad: bool, pieces: Pieces | None) -> None:
    live = work.stored.live()
    order = {row: place for place, row in enumerate(live.values())}
    running, seen = hashlib.sha256(), dict[str, Path]()
    left, n_stored = Left(skip_bad), len(work.stored.digests)
    for path, name, text in _texts(work, left, pieces):
        if name in seen:
            raise FormatError(
                f"collection {work.name}: the id {name!r} stands in {seen[name]} and again in {path}; make ids unique"
            )
        seen[name] = path
        digest, row = text_digest(text), live.pop(name, None)
        if row is not None and work.stored.digests[row] == digest:
            continue
        if row is not None:
            work.n_changed += 1
            work.removed.append(order[row])
        if found.known.add(digest, number, n_stored + len(work.fresh)):
            work.n_encode += 1
            found.sample.add(digest, text)
        work.fresh[name] = digest
        running.update(len(name.encode()).to_bytes(8, "little") + name.encode() + digest)
    work.removed = sorted([*work.removed, *(order[row] for row in live.values())])
    work.n_empty, work.notes = left.n_empty, left.notes
    work.input_digest = running.hexdigest()
    if work.collection is not None and not seen and not skip_bad:
        raise FormatError(
            f"collection {work.name} ({work.collection.files[0].parent}) has no text; "
            "remove the folder or skip it (skip_bad=True, --skip-bad)"
        )


def _texts(work: Work, left: Left, pieces: Pieces | None) -> Iterator[tuple[Path, str, str]]:
    """File, id and text of every text, or of every piece of it."""
    for path, text in collection_texts(work.collection, left) if work.collection is not None else ():
        for name, part in [(text.id, text.text)] if pieces is None else pieces(text.id, text.text):
            yield path, name, part


def fresh_texts(work: Work, *, skip_bad: bool, pieces: Pieces | None) -> Iterator[tuple[str, str]]:
    """Id and text of what has to be stored, read again in the same order.

    Raises: MatryoError if the texts are not those that were seen at first.
    """
    for _, name, text in _texts(work, Left(skip_bad), pieces):
        digest = work.fresh.get(name)
        if digest is None:
            continue
        if digest != text_digest(text):
            raise MatryoError(f"text {name!r} of collection {work.name} changed while it was read; run it again")
        yield name, text
