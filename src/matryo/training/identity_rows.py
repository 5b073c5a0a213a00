"""Rows that a training of the shared prefix learns from: a triplet of one domain beside a pair across domains."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.data.views import View, Views
from matryo.errors import MatryoError, MissingExtra, ShapeError
from matryo.training.identity_methods import IdentityMethod
from matryo.training.identity_settings import IdentityTrainSettings

if TYPE_CHECKING:
    from datasets import Dataset  # type: ignore[import-untyped]  # it carries no types

Rows = NDArray[np.int64]

TRIPLET = ("anchor", "positive", "negative")
PAIR = ("cross_a", "cross_b")
NEGATIVE = "cross_negative_"
TWINS = ("twin_a", "twin_b")
ROW, DOMAIN, ENTITIES = 0, 1, 2
"""Columns of the labels: number of the row, domain of its triplet, and from here on the entity of each text."""


@dataclass(frozen=True, eq=False)
class IdentityRows:
    """Rows of a training, whose texts are held once.

    Attributes:
        texts: every text that a row needs.
        columns: name -> (n,) int64 places in `texts`; the names are those of `TRIPLET`, `PAIR`, `NEGATIVE` and `TWINS`.
        labels: (n, 2 + number of columns) int64: number of the row, domain of its triplet (0 if it has none), then the
            entity of the text in each column. Twins have numbers of their own: nobody's twin is themselves.
        notes: what a reader must know, one sentence each.
    """

    texts: tuple[str, ...]
    columns: Mapping[str, Rows]
    labels: Rows
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse columns that do not fit each other."""
        lengths = {len(self.labels), *map(len, self.columns.values())}
        if len(lengths) != 1 or self.labels.shape[1] != ENTITIES + len(self.columns):
            raise ShapeError(
                f"rows need columns of one length and labels of {ENTITIES} + {len(self.columns)} numbers, got lengths "
                f"{sorted(lengths)} and labels of shape {self.labels.shape}; give one entry per row and column"
            )

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def dataset(self) -> "Dataset":
        """The rows as the sentence-transformers trainer takes them, in memory.

        Raises: MissingExtra if the library datasets is not installed.
        """
        try:
            from datasets import Dataset, DatasetInfo, Features, Sequence, Value
        except ImportError:
            raise MissingExtra("datasets", "train", "training") from None
        import pyarrow as pa

        texts = pa.array(self.texts, pa.large_string())
        table = {name: texts.take(pa.array(places)) for name, places in self.columns.items()}
        table["label"] = pa.FixedSizeListArray.from_arrays(pa.array(self.labels.ravel()), self.labels.shape[1])
        features = Features({name: Value("large_string") for name in self.columns})
        features["label"] = Sequence(Value("int64"), length=self.labels.shape[1])
        return Dataset(pa.table(table), info=DatasetInfo(features=features), fingerprint=self.digest()[:16])

    def digest(self) -> str:
        """SHA-256 over texts, each preceded by its length in bytes, columns and labels; notes do not count."""
        running = hashlib.sha256(repr((self.labels.shape, tuple(self.columns))).encode())
        for text in self.texts:
            encoded = text.encode()
            running.update(len(encoded).to_bytes(8, "little"))
            running.update(encoded)
        for numbers in (*self.columns.values(), self.labels):
            running.update(numbers.astype("<i8").tobytes())
        return running.hexdigest()


def identity_rows(views: Views, method: IdentityMethod, settings: IdentityTrainSettings, seed: int) -> IdentityRows:
    """Make the rows that a method needs, and no others.

    There is one row per triplet of a domain that the method learns within; each also carries a pair across domains if
    the method looks at pairs, dealt out so that every pair comes up equally often. Without triplets there is one row
    per pair. A method with InfoNCE across domains gets negatives, too: those that were mined, or else texts of other
    entities drawn at random, and the twins of the pair's entity.

    Args:
        views: one part of a split.
        method: row of the table.
        settings: how many negatives, and whether twins are taken.
        seed: decides which triplet stands beside which pair, and what is drawn.

    Raises: MatryoError if there is nothing that the method could learn, if one of its domains has no triplets, or if
        fewer negatives were mined than are wanted.
    """
    rng = np.random.default_rng(seed)
    texts = _Texts.of(views)
    triplets = {} if views.mined is None else {domain: views.mined.triplets[domain] for domain in method.within}
    for domain, found in triplets.items():
        if not len(found):
            raise MatryoError(
                f"{views.name} has no triplets of {views.domains[domain]}, which {method.name} learns within; mine "
                "some, or choose a method without that domain"
            )
    if not triplets and not method.needs_pairs:
        raise MatryoError(
            f"{method.name} learns from triplets only and {views.name} has none; choose a method that looks across "
            "domains, such as v3_contrastive"
        )
    columns: dict[str, Rows] = {}
    domain_of_row = np.repeat(list(triplets), [len(found) for found in triplets.values()])
    for place, name in enumerate(TRIPLET if triplets else ()):
        columns[name] = np.concatenate([texts.start[domain] + found[:, place] for domain, found in triplets.items()])
    notes = list(views.notes)
    if method.within and not triplets:
        notes.append(f"{views.name} has no triplets, so that nothing is learned within a domain.")
    if method.needs_pairs:
        pairs = _pairs(views, settings.negatives if method.contrasts else 0, rng)
        n_rows = len(domain_of_row) or len(pairs)
        columns |= _across(pairs[_dealt(len(pairs), n_rows, rng)], texts)
        if method.contrasts and settings.twins and views.twins is not None:
            columns |= _twins(texts, views, columns)
        domain_of_row = domain_of_row if len(domain_of_row) else np.zeros(n_rows)
    used, places = np.unique(np.stack(list(columns.values())), return_inverse=True)
    labels = [np.arange(len(domain_of_row)), domain_of_row, *(texts.entities[rows] for rows in columns.values())]
    return IdentityRows(
        tuple(texts.texts[i] for i in used.tolist()),
        dict(zip(columns, places.reshape(len(columns), -1).astype(np.int64), strict=True)),
        np.stack(labels, axis=1).astype(np.int64),
        tuple(notes),
    )


class _Texts(NamedTuple):
    """Texts of both views and their twins, one after the other."""

    texts: tuple[str, ...]
    entities: Rows
    start: tuple[int, ...]  # of a, b, twins of a, twins of b

    @classmethod
    def of(cls, views: Views) -> "_Texts":
        parts: tuple[View, ...] = (views.a, views.b, *(views.twins or ()))
        starts = np.cumsum([0, *map(len, parts)]).tolist()
        entities = [part.entities + views.n_entities * (place >= 2) for place, part in enumerate(parts)]
        return cls(tuple(t for part in parts for t in part.texts), np.concatenate(entities), tuple(starts))


def _pairs(views: Views, n_negatives: int, rng: np.random.Generator) -> Rows:
    """Row of a, row of b of the same entity, and rows of b of others, (n, 2 + n_negatives)."""
    if views.mined is not None and len(views.mined.cross):
        mined = views.mined.cross
        if mined.shape[1] - len(PAIR) < n_negatives:
            raise MatryoError(
                f"{n_negatives} negatives per pair are wanted, {views.name} has {mined.shape[1] - len(PAIR)}; lower "
                "negatives or mine more"
            )
        # all columns up to the last that is wanted
        return np.ascontiguousarray(mined.T[: len(PAIR) + n_negatives].T)
    pairs = _matches(views)
    if not n_negatives:
        return pairs
    own = views.a.entities[pairs.T[0]][:, None]
    if len(np.unique(views.b.entities)) < 2:
        raise MatryoError(f"{views.name} has one entity in {views.b.domain}, negatives need others; set negatives to 0")
    drawn = rng.integers(len(views.b), size=(len(pairs), n_negatives))
    while (wrong := views.b.entities[drawn] == own).any():
        drawn[wrong] = rng.integers(len(views.b), size=int(wrong.sum()))
    return np.concatenate([pairs, drawn], axis=1)


def _matches(views: Views) -> Rows:
    """Every text of a matched entity beside one of the other domain, (n, 2); the shorter side comes round again."""
    found = []
    for entity in views.matched.tolist():
        a, b = (np.flatnonzero(view.entities == entity) for view in (views.a, views.b))
        n = max(len(a), len(b))
        found.append(np.stack([np.resize(a, n), np.resize(b, n)], axis=1))
    return np.concatenate(found)


def _dealt(n: int, wanted: int, rng: np.random.Generator) -> Rows:
    """Numbers below n in random order, all of them before any comes a second time."""
    rounds = [rng.permutation(n) for _ in range(-(-wanted // n))]
    return np.concatenate(rounds)[:wanted]


def _across(pairs: Rows, texts: _Texts) -> dict[str, Rows]:
    a, b, *negatives = pairs.T
    columns = {PAIR[0]: texts.start[0] + a, PAIR[1]: texts.start[1] + b}
    return columns | {f"{NEGATIVE}{i}": texts.start[1] + rows for i, rows in enumerate(negatives, start=1)}


def _twins(texts: _Texts, views: Views, columns: Mapping[str, Rows]) -> dict[str, Rows]:
    """Twins of each pair's entity; where there is none its own text, which is taken once and so is no negative."""
    found = {}
    for name, own, view, start in zip(TWINS, PAIR, views.twins or (), texts.start[2:], strict=False):
        twin_of = np.full(views.n_entities, -1, dtype=np.int64)
        twin_of[view.entities] = start + np.arange(len(view))
        twins = twin_of[texts.entities[columns[own]]]
        found[name] = np.where(twins < 0, columns[own], twins)
    return found
