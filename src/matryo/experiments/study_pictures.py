"""What is drawn of one translator of a study, worked out and stored: layout, kernel matrices, sample searches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.layout import FEWEST, Layout, fit_layout, trustworthiness
from matryo.evaluation.pictures import LayoutPicture, Point, short_text
from matryo.evaluation.pictures_kernels import kernel_picture
from matryo.evaluation.pictures_searches import Asking, fetch_both, search_picture
from matryo.experiments.study_config import Job, PicturesConfig
from matryo.experiments.study_spaces import MadeSpace
from matryo.experiments.study_texts import StudyTexts
from matryo.files import digest_bytes
from matryo.maps import Translator
from matryo.prefix import Array, cut, unit_rows

FOLDER: Final = "pictures"
LAYOUT: Final = "umap"
KERNELS: Final = "kernels"
SEARCHES: Final = "searches"
OTHER: Final = "other"
_MOST_LABELS: Final = 9
_LEAST_COVERED: Final = 1 / 3
_CLUSTERS: Final = 8
_K: Final = 10
_MOST_ASKED: Final = 1_000
_MOST_SEARCHED: Final = 10_000
_DECIMALS: Final = 4


def picture_path(run: Path, kind: str, job: Job) -> Path:
    """File of one picture.

    Args:
        run: folder of the run.
        kind: "umap", "kernels" or "searches".
        job: whose translator it shows.
    """
    return run / FOLDER / f"{kind}--{job.pair}--{job.translator.slug}.json"


def make_pictures(
    folder: Path,
    pair: tuple[str, str],
    job: Job,
    source: MadeSpace,
    target: MadeSpace,
    texts: StudyTexts,
    fitted: Translator,
    held_rows: NDArray[np.int64],
    config: PicturesConfig,
) -> tuple[str, ...]:
    """Work out the pictures of one translator and write them to `pictures/` of the run.

    The first layout of a process compiles code, 20 s of one core, and a target's layout is kept for its next source:
    call this for all pairs from one process.

    Args:
        folder: of the run.
        pair: names of source and target.
        job: whose translator it is.
        source: space to translate from.
        target: space to translate toward.
        texts: of the study.
        fitted: the translator.
        held_rows: rows of the source's documents that no translator was fitted on.
        config: what is drawn.

    Returns: what was left out and why, one sentence each.
    Raises: MissingExtra if a layout is wanted and umap-learn is not installed; MatryoError if a held-out document is
        missing in the target.
    """
    names = (*pair, job.translator.name)
    held = _Held.read(source, target, fitted, _some(held_rows, _MOST_SEARCHED, config.seed))
    searched = set(held.ids)
    known = {text.id: text.text for text in texts.documents if text.id in searched}
    notes = []
    for kind in (LAYOUT, SEARCHES):  # of an earlier config that wanted what this one may not
        picture_path(folder, kind, job).unlink(missing_ok=True)
    if config.umap and len(held.ids) < FEWEST:
        notes.append(f"no map of the texts for {pair[0]} to {pair[1]}: {len(held.ids)} are held out, it takes {FEWEST}")
    elif config.umap:
        _layout(names, held, known, texts.labels, config).write(picture_path(folder, LAYOUT, job))
    questions = _queries(held, source, target, texts, fitted, config.seed) or _each_other(held, known, config.seed)
    asking = _asking(held, known, questions)
    fetched = fetch_both(asking, _K, config.n_searches, config.seed)
    kernel_picture(names, asking, fetched, questions.translated).write(picture_path(folder, KERNELS, job))
    if config.n_searches:
        search_picture(names, asking, fetched).write(picture_path(folder, SEARCHES, job))
    return tuple(notes)


@dataclass(frozen=True, eq=False)
class _Held:
    """Held-out documents in both spaces, in one order."""

    ids: tuple[str, ...]
    source: Array
    target: Array
    translated: Array

    @classmethod
    def read(cls, source: MadeSpace, target: MadeSpace, fitted: Translator, rows: NDArray[np.int64]) -> "_Held":
        documents = source.documents
        ids = documents.ids()
        names = tuple(ids[row] for row in rows.tolist())
        vectors = unit_rows(documents.take(rows, 0, documents.width))
        native = _cut(_taken(target.documents, names, target.name), fitted)
        return cls(names, vectors, native, fitted.apply(vectors))


def _taken(documents: EmbeddingSet, names: Sequence[str], space: str) -> Array:
    place = {name: row for row, name in enumerate(documents.ids())}
    if missing := [name for name in names if name not in place]:
        raise MatryoError(
            f"the space {space} lacks {len(missing)} of the texts to be drawn, the first is {missing[0]!r}; "
            "encode the same texts in every space"
        )
    return documents.take(np.array([place[name] for name in names], dtype=np.int64), 0, documents.width)


def _cut(native: Array, fitted: Translator) -> Array:
    """Native vectors at the dims that the translator gives."""
    return unit_rows(native) if native.shape[1] == fitted.target.width else cut(native, fitted.target.width)


def _some(rows: NDArray[np.int64], most: int, seed: int) -> NDArray[np.int64]:
    if len(rows) <= most:
        return np.asarray(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


class _Questions(NamedTuple):
    """What asks, in both spaces; see `Asking`."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    source: Array
    target: Array
    translated: Array
    own: NDArray[np.int64] | None
    relevant: Mapping[str, set[str]] | None


def _queries(
    held: _Held, source: MadeSpace, target: MadeSpace, texts: StudyTexts, fitted: Translator, seed: int
) -> _Questions | None:
    """The queries that ask for a held-out document; None if there are none."""
    if texts.queries is None or source.queries is None or target.queries is None:
        return None
    searched = set(held.ids)
    relevant = {
        query: {name for name, grade in grades.items() if grade > 0 and name in searched}
        for query, grades in (texts.judgements or {}).items()
    }
    said = {text.id: text.text for text in texts.queries}
    asked = [name for name in said if relevant.get(name)]
    if not asked:
        return None
    ids = tuple(asked[at] for at in _some(np.arange(len(asked)), _MOST_ASKED, seed).tolist())
    vectors = unit_rows(_taken(source.queries, ids, source.name))
    native = _cut(_taken(target.queries, ids, target.name), fitted)
    asks = tuple(said[name] for name in ids)
    return _Questions(ids, asks, vectors, native, fitted.apply(vectors), None, relevant)


def _each_other(held: _Held, known: Mapping[str, str], seed: int) -> _Questions:
    """Held-out texts ask for their neighbours, themselves left out."""
    own = _some(np.arange(len(held.ids)), _MOST_ASKED, seed)
    ids = tuple(held.ids[at] for at in own.tolist())
    asks = tuple(known[name] for name in ids)
    return _Questions(ids, asks, held.source[own], held.target[own], held.translated[own], own, None)


def _asking(held: _Held, known: Mapping[str, str], questions: _Questions) -> Asking:
    return Asking(
        query_ids=questions.ids,
        query_texts=questions.texts,
        document_ids=held.ids,
        document_texts=tuple(known[name] for name in held.ids),
        source_queries=questions.source,
        target_queries=questions.target,
        source_documents=held.source,
        target_documents=held.target,
        translated_documents=held.translated,
        own=questions.own,
        relevant=questions.relevant,
    )


def _layout(
    names: tuple[str, str, str],
    held: _Held,
    known: Mapping[str, str],
    labels: Mapping[str, str],
    config: PicturesConfig,
) -> LayoutPicture:
    rows = _some(np.arange(len(held.ids)), config.n_points, config.seed)
    ids = tuple(held.ids[row] for row in rows.tolist())
    native, translated = held.target[rows], held.translated[rows]
    # below half of the texts, where trustworthiness is defined
    n_neighbours = min(config.n_neighbours, (len(ids) - 1) // 2)
    wanted = _Wanted(digest_bytes(native.tobytes()), n_neighbours, config.min_dist, config.seed, native)
    layout = _fitted(wanted)
    placed = layout.place(translated)
    coloured, kind = colours(ids, labels, native, config.seed)
    return LayoutPicture(
        source=names[0],
        target=names[1],
        translator=names[2],
        ids=ids,
        texts=tuple(short_text(known[name]) for name in ids),
        labels=coloured,
        label_kind=kind,
        native=_points(layout.native),
        translated=_points(placed),
        native_trust=round(trustworthiness(native, layout.native, n_neighbours), _DECIMALS),
        translated_trust=round(trustworthiness(translated, placed, n_neighbours), _DECIMALS),
        trust_neighbours=n_neighbours,
        n_neighbours=n_neighbours,
        min_dist=config.min_dist,
        seed=config.seed,
        n_fitted=len(ids),
    )


@dataclass(frozen=True)
class _Wanted:
    """A layout by what decides it, so that the sources of one target share its fit."""

    digest: str
    n_neighbours: int
    min_dist: float
    seed: int
    native: Array = field(compare=False, repr=False)


@lru_cache(maxsize=16)
def _fitted(wanted: _Wanted) -> Layout:
    return fit_layout(wanted.native, n_neighbours=wanted.n_neighbours, min_dist=wanted.min_dist, seed=wanted.seed)


def _points(points: NDArray[np.float64]) -> tuple[Point, ...]:
    return tuple((round(x, _DECIMALS), round(y, _DECIMALS)) for x, y in points.tolist())


def colours(ids: Sequence[str], labels: Mapping[str, str], native: Array, seed: int) -> tuple[tuple[str, ...], str]:
    """What points are coloured by: their labels, the rarer ones as one, or clusters where labels would say nothing.

    Args:
        ids: of the n texts.
        labels: id -> label; {} = none.
        native: (n, q) float, native vectors of the target.
        seed: of the clusters.

    Returns: n labels, ten different ones at most, and what they are.
    """
    counts = Counter(labels[name] for name in ids if name in labels)
    frequent = dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:_MOST_LABELS])
    if sum(frequent.values()) >= _LEAST_COVERED * len(ids):
        found = tuple(label if (label := labels.get(name, OTHER)) in frequent else OTHER for name in ids)
        left_out = len(counts) - len(frequent)
        return found, "label" + (f", the {_MOST_LABELS} most frequent of {len(counts):,}" if left_out > 0 else "")
    why = "the texts carry no labels"
    if counts:
        why = f"the {len(frequent)} most frequent of {len(counts):,} labels hold few of the texts"
    n = min(_CLUSTERS, len(ids))
    return clusters(native, n, seed), f"k-means cluster of the native vectors ({why})"


def clusters(vectors: Array, n: int, seed: int) -> tuple[str, ...]:
    """k-means clusters of unit vectors, "cluster 1" the largest.

    Args:
        vectors: (m, d) float.
        n: how many clusters, up to m.
        seed: of their starts.
    """
    from sklearn.cluster import KMeans

    found = KMeans(n_clusters=n, n_init=10, random_state=seed).fit_predict(unit_rows(vectors.astype(np.float64)))
    order = [label for label, _ in Counter(found.tolist()).most_common()]
    return tuple(f"cluster {order.index(label) + 1}" for label in found.tolist())
