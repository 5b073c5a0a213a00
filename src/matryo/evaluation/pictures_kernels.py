"""Kernel matrices of sample searches: the same few texts in three spaces, cell by cell."""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.evaluation.pictures import Cells, KernelMatrices, KernelPicture, short_text
from matryo.evaluation.pictures_searches import Asking, Fetched
from matryo.measures.cka import linear_cka
from matryo.measures.kernels import Kernel, kernel_pair
from matryo.prefix import Array

_DOCUMENTS_EACH: Final = 4
_SAMPLE: Final = 15
_FEWEST_FOR_CKA: Final = 4


class Item(NamedTuple):
    """A text whose vectors are compared: row of the queries, or of the documents."""

    is_query: bool
    row: int


def sample_items(fetched: Fetched, own: NDArray[np.int64] | None) -> tuple[Item, ...]:
    """The first search of each reason: its query, then the documents that both spaces fetched for it.

    Both spaces: native lists of source and target. They are filled up with what the target alone fetched, and no text
    is shown twice.

    Args:
        fetched: lists, and which queries are shown.
        own: row of the document that each query is itself; None = queries are texts of their own.
    """
    items: list[Item] = []
    taken: set[int] = set()
    firsts = {reason: row for row, reason in reversed(fetched.chosen)}
    for row in reversed(firsts.values()):
        if own is not None and int(own[row]) in taken:
            continue
        if own is not None:
            taken.add(int(own[row]))
        old = set(fetched.keep[row].tolist())
        left = [at for at in fetched.native[row].tolist() if at not in taken]
        documents = sorted(left, key=lambda at: at not in old)[:_DOCUMENTS_EACH]
        taken.update(documents)
        items += [Item(True, row), *(Item(False, at) for at in documents)]
    return tuple(items)


def kernel_picture(
    names: tuple[str, str, str], asking: Asking, fetched: Fetched, translated_queries: Array
) -> KernelPicture:
    """Kernel matrices of the first search of each reason; without searches, of a sample of the documents.

    Args:
        names: of source, target and translator.
        asking: what was searched.
        fetched: what was found, and which queries are shown.
        translated_queries: (m, q) float, what the translator makes of the source's queries.
    """
    items = sample_items(fetched, asking.own) or _drawn(len(asking.document_ids), fetched.seed)
    native, translated, source = (
        np.stack([(queries if item.is_query else documents)[item.row] for item in items])
        for queries, documents in (
            (asking.target_queries, asking.target_documents),
            (translated_queries, asking.translated_documents),
            (asking.source_queries, asking.source_documents),
        )
    )
    texts = [(asking.query_texts if item.is_query else asking.document_texts)[item.row] for item in items]
    return KernelPicture(
        source=names[0],
        target=names[1],
        translator=names[2],
        ids=tuple((asking.query_ids if item.is_query else asking.document_ids)[item.row] for item in items),
        texts=tuple(short_text(text) for text in texts),
        queries=tuple(place for place, item in enumerate(items) if item.is_query),
        matrices=kernel_matrices(native, translated, source),
    )


def _drawn(n: int, seed: int) -> tuple[Item, ...]:
    rows = np.sort(np.random.default_rng(seed).choice(n, min(_SAMPLE, n), replace=False))
    return tuple(Item(False, row) for row in rows.tolist())


def kernel_matrices(native: Array, translated: Array, source: Array) -> tuple[KernelMatrices, ...]:
    """Dot product and RBF among the same texts in three spaces, and how alike the matrices are.

    Args:
        native: (n, q) float, native vectors of the target.
        translated: (n, q) float.
        source: (n, p) float, native vectors of the source.

    Raises: ShapeError if rows do not pair; MatryoError if most rows are equal, so that there is no bandwidth.
    """
    return tuple(_matrices(native, translated, source, kernel) for kernel in ("dot", "rbf"))


def _matrices(native: Array, translated: Array, source: Array, kernel: Kernel) -> KernelMatrices:
    ours, theirs = kernel_pair(native, translated, kernel), kernel_pair(native, source, kernel)
    return KernelMatrices(
        kernel=kernel,
        native=_cells(ours.a),
        translated=_cells(ours.b),
        source=_cells(theirs.b),
        bandwidths=None if kernel == "dot" else (_r(ours.bandwidth_a), _r(ours.bandwidth_b), _r(theirs.bandwidth_b)),
        alignment=(_r(ours.alignment), _r(theirs.alignment)),
        difference=(_r(ours.difference), _r(theirs.difference)),
        cka=(_cka(ours.a, ours.b), _cka(theirs.a, theirs.b)),
    )


def _cka(a: NDArray[np.float64], b: NDArray[np.float64]) -> float | None:
    """Debiased CKA of two kernel matrices, whichever kernel: linear CKA of rows whose products the matrices are."""
    if len(a) < _FEWEST_FOR_CKA:
        return None
    value = linear_cka(_rows_of(a), _rows_of(b), debiased=True)
    return _r(value) if math.isfinite(value) else None


def _rows_of(kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh((kernel + kernel.T) / 2.0)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))  # below 0 by rounding only


def _cells(matrix: NDArray[np.float64]) -> Cells:
    return tuple(tuple(row) for row in np.round(matrix, 6).tolist())


def _r(value: float) -> float:
    return round(float(value), 6)
