"""The two sides of an ordered pair as jobs read them: joined, split, and what judges retrieval among held-out texts."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.translation import Native, Rows, TranslationSettings
from matryo.evaluation.translation_native import Chosen
from matryo.evaluation.translation_retrieval import Asked
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.study_config import PAIRS_FOLDER, pair_slug
from matryo.experiments.translate_fit import column_means
from matryo.files import atomic_path, read_json, write_json
from matryo.maps import SpaceRows, joined_sides
from matryo.measures.judged import Judged, judge
from matryo.prefix import block

MOST_ROWS = 20_000
JUDGED_FILE = "judged.json"
NATIVE_FILE = "before.npz"
_MOST_OPEN = 2


@dataclass(frozen=True)
class SideFiles:
    """One space of a study as files.

    Attributes:
        name: of the space.
        documents: folder of their set.
        queries: folder of their set, None without queries.
        key: of what made them.
    """

    name: str
    documents: Path
    queries: Path | None
    key: str


@dataclass(frozen=True)
class PairFiles:
    """An ordered pair of spaces as files, small enough to be sent to another process.

    Attributes:
        run: folder of the run.
        source: space to translate from.
        target: space to translate toward.
        split: which ids translators are fitted on.
        settings: how translators are measured.
    """

    run: Path
    source: SideFiles
    target: SideFiles
    split: IdSplit
    settings: TranslationSettings

    @property
    def slug(self) -> str:
        """Its name as that of a folder."""
        return pair_slug(self.source.name, self.target.name)

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.run / PAIRS_FOLDER / self.slug

    @property
    def label(self) -> str:
        """What it is called in messages."""
        return f"{self.source.name} -> {self.target.name}"


@dataclass(frozen=True, eq=False)
class PairTask:
    """Retrieval among held-out documents in both spaces.

    Attributes:
        name: of the texts.
        a: in the source's space.
        b: in the target's.
        judged: what is relevant.
        groups: query id -> group.
    """

    name: str
    a: Asked
    b: Asked
    judged: Judged
    groups: dict[str, str]


@dataclass(frozen=True, eq=False)
class Pair:
    """The rows of an ordered pair.

    Attributes:
        files: where they come from.
        a: rows of the source, joined.
        b: the same texts in the target.
        ids: of the rows.
        n_documents: rows of the source's set, with those that have no partner.
        n_only: rows without a partner, of the source and of the target.
        fitted: rows to fit on.
        held_out: the others.
    """

    files: PairFiles
    a: SpaceRows
    b: SpaceRows
    ids: tuple[str, ...]
    n_documents: int
    n_only: tuple[int, int]
    fitted: NDArray[np.int64]
    held_out: NDArray[np.int64]

    @classmethod
    def open(cls, files: PairFiles) -> "Pair":
        """Open both sets and join them by id.

        Raises: MatryoError if they share no id, or the split leaves no row to fit on or none to measure.
        """
        left, right = EmbeddingSet.open(files.source.documents), EmbeddingSet.open(files.target.documents)
        a, b, joined = joined_sides(left, right)
        ids = tuple(a.ids() or ())
        is_fitted = files.split.fitted(ids)
        if is_fitted.all() or not is_fitted.any():
            raise MatryoError(
                f"{files.label}: of {len(ids)} texts {int(is_fitted.sum())} are to fit on at a share of "
                f"{files.split.share:g}, which leaves none for the other part; give more texts or another share"
            )
        only = joined.n_only_source, joined.n_only_target
        return cls(files, a, b, ids, left.n_rows, only, np.flatnonzero(is_fitted), np.flatnonzero(~is_fitted))

    @cached_property
    def fit_groups(self) -> list[str] | None:
        """Groups of the fitted rows."""
        return self.files.split.groups([self.ids[row] for row in self.fitted.tolist()])

    @cached_property
    def held(self) -> NDArray[np.int64]:
        """Rows to measure on: those held out, at most 20,000 of them, drawn by a seed."""
        if len(self.held_out) <= MOST_ROWS:
            return self.held_out
        rng = np.random.default_rng(self.files.settings.seed)
        return np.sort(rng.choice(self.held_out, MOST_ROWS, replace=False))

    @cached_property
    def rows(self) -> Rows:
        """The rows to measure on, in memory."""
        ids = [self.ids[row] for row in self.held.tolist()]
        groups = self.files.split.groups(ids)
        mean = column_means(self.b.chosen(self.fitted))
        return Rows(
            source=self.a.take(self.held, 0, self.a.width),
            target=self.b.take(self.held, 0, self.b.width),
            mean=mean,
            ids=tuple(ids),
            groups=None if groups is None else tuple(groups),
        )

    @cached_property
    def native(self) -> Native:
        """What measuring a translator needs of the native side, as `write_native` kept it."""
        return read_native(self.files.folder / NATIVE_FILE, self.rows, self.files.settings)

    @cached_property
    def task(self) -> PairTask | None:
        """Retrieval among the held-out documents, None without judgements of them."""
        stored = read_json(self.files.run / JUDGED_FILE, "the judgements of a study")
        sides = self.files.source, self.files.target
        if not stored["judgements"] or any(side.queries is None for side in sides):
            return None
        searched = [self.ids[row] for row in self.held_out.tolist()]
        asked = [EmbeddingSet.open(side.queries) for side in sides if side.queries is not None]
        known = set(asked[0].ids()) & set(asked[1].ids())
        among = relevant_among(stored["judgements"], set(searched), known)
        if not among:
            return None
        names = list(among)
        a, b = (
            Asked(side.name, documents.chosen(self.held_out), _rows_of(one, names))
            for side, documents, one in zip(sides, (self.a, self.b), asked, strict=True)
        )
        groups = {name: stored["groups"][name] for name in names} if stored["groups"] else {}
        return PairTask(stored["name"], a, b, judge(among, names, searched), groups)


@lru_cache(maxsize=_MOST_OPEN)
def open_pair(files: PairFiles) -> Pair:
    """A pair, read once per process while its jobs follow each other."""
    return Pair.open(files)


def relevant_among(
    judgements: Mapping[str, Mapping[str, int]], documents: set[str], queries: set[str] | None = None
) -> dict[str, dict[str, int]]:
    """Judgements of some documents, of those queries that have a relevant one among them.

    Args:
        judgements: query id -> document id -> grade.
        documents: ids that are searched.
        queries: ids that are asked; None = all.

    >>> relevant_among({"q": {"a": 1, "b": 1}, "r": {"b": 1}}, {"a"})
    {'q': {'a': 1}}
    """
    among = {
        query: {document: grade for document, grade in grades.items() if document in documents}
        for query, grades in judgements.items()
        if queries is None or query in queries
    }
    return {query: grades for query, grades in among.items() if max(grades.values(), default=0) > 0}


def write_judged(
    run: Path, name: str, judgements: Mapping[str, Mapping[str, int]] | None, groups: Mapping[str, str], split: IdSplit
) -> None:
    """Keep the judgements of held-out documents for the jobs, which are other processes.

    Args:
        run: folder of the run.
        name: of the texts.
        judgements: query id -> document id -> grade, None if there are none.
        groups: query id -> group.
        split: which ids are fitted on.
    """
    judged = sorted({document for grades in (judgements or {}).values() for document in grades})
    held = {name for name, fitted in zip(judged, split.fitted(judged), strict=True) if not fitted}
    among = relevant_among(judgements or {}, held)
    kept = {query: groups[query] for query in among if query in groups}
    write_json(run / JUDGED_FILE, {"name": name, "judgements": among, "groups": kept})


def write_native(path: Path, native: Native) -> None:
    """Keep the native neighbour lists, which every translator of the pair is compared with."""
    lists: dict[str, Any] = {f"dim {dim}": one for dim, one in native.lists_by_dim.items()}
    lists |= {"rows": native.chosen.rows, "native": native.chosen.lists, "source": native.source_lists}
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, **lists)


def read_native(path: Path, rows: Rows, settings: TranslationSettings) -> Native:
    """Inverse of `write_native`, without the rows of the table that need no translator.

    Args:
        path: the file.
        rows: that it was measured on.
        settings: that it was measured with.
    """
    with np.load(path, allow_pickle=False) as stored:
        lists = {name: stored[name] for name in stored.files}
    some = lists["rows"]
    chosen = Chosen(
        rows=some,
        target=rows.target[some],
        groups=None if rows.groups is None else tuple(rows.groups[row] for row in some.tolist()),
        depths=tuple(depth for depth in settings.depths if depth < len(some)) or (settings.k,),
        lists=lists["native"],
        settings=settings,
    )
    by_dim = {int(name.split()[1]): one for name, one in lists.items() if name.startswith("dim ")}
    spread = (rows.target.astype(np.float64) - rows.mean) ** 2
    return Native(
        ids=rows.ids,
        dims=tuple(sorted(by_dim)),
        chosen=chosen,
        source_lists=lists["source"],
        lists_by_dim=by_dim,
        target_variance=float(spread.mean()),
        values=(),
        agreements={},
        tests={},
    )


def whole_only(native: Native, settings: TranslationSettings) -> Native:
    """The same for a measurement at the full width alone.

    Args:
        native: with all prefixes.
        settings: as it was measured, with the width for its dims.
    """
    width = native.dims[-1]
    lists = {width: block(native.chosen.lists, 0, settings.k)}
    return replace(native, dims=(width,), lists_by_dim=lists, chosen=replace(native.chosen, settings=settings))


def _rows_of(queries: EmbeddingSet, names: list[str]) -> SpaceRows:
    place = {name: row for row, name in enumerate(queries.ids())}
    return SpaceRows(queries, rows=np.array([place[name] for name in names], dtype=np.int64))
