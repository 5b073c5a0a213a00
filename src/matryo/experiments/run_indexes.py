"""Approximate search in a run: the indexes of its config, built over one model's vectors, saved and measured."""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from matryo.errors import MatryoError
from matryo.evaluation.index_quality import measure_index
from matryo.evaluation.index_table import MeasuredIndex, index_table
from matryo.evaluation.results import ExtraTable
from matryo.experiments.arm_scores import Measuring
from matryo.experiments.comparison import Say
from matryo.experiments.index_build import make_index
from matryo.experiments.index_settings import IndexSettings
from matryo.experiments.model_vectors import ModelVectors
from matryo.maps import fit_rotation
from matryo.prefix import Array
from matryo.progress import progress as show_progress
from matryo.search import ExactIndex, Index, load_index, search_dim

K = 10
START = "start"
_EXACT = "exact"
_N_MEASURES = 2
_MAX_SAMPLE = 800  # training queries that choose sizes; a recall of .99 is promised from 552 on


@dataclass(frozen=True)
class FoundIndexes:
    """What was measured.

    Attributes:
        table: one row per index, exact search first.
        settings: which vectors, which indexes; as JSON values.
        notes: what a reader must know.
    """

    table: ExtraTable
    settings: dict[str, Any]
    notes: tuple[str, ...]


def chosen_arm(
    asked: str | None, chosen: Mapping[str, int], validation: Mapping[tuple[str, int], float]
) -> tuple[str, int | None]:
    """Whose vectors are indexed: arm and seed; no seed for the untrained model.

    Args:
        asked: an arm, "start", or None for the arm that is best on the validation part, without one the first.
        chosen: arm -> the seed that is kept, in the order of the config.
        validation: (arm, seed) -> value on the validation part; empty without one.

    >>> chosen_arm(None, {"a": 0, "b": 2}, {("a", 0): 0.5, ("b", 2): 0.6}), chosen_arm("start", {"a": 0}, {})
    (('b', 2), ('start', None))
    """
    if asked == START:
        return START, None
    arm = asked or max(chosen, key=lambda name: validation.get((name, chosen[name]), 0.0))
    return arm, chosen[arm]


def measure_indexes(
    asked: Sequence[IndexSettings],
    vectors: ModelVectors,
    measuring: Measuring,
    folder: Path,
    *,
    label: str,
    n_single: int,
    say: Say = lambda line: None,
    progress: bool = False,
) -> FoundIndexes:
    """Build, save, load and measure every index; an index that cannot be built is noted and left out.

    Args:
        asked: indexes; those of one name, which have equal settings, are measured once.
        vectors: of one model; its training queries choose sizes where a recall is asked for.
        measuring: queries, judgements and measures, of which the first two are taken.
        folder: of the indexes, one folder each; what an earlier evaluation left there is removed.
        label: of the model, for the title.
        n_single: single queries to time.
        say: told what was left out.
        progress: show how many are left.
    """
    if folder.exists():
        shutil.rmtree(folder)
    documents = vectors.documents
    k = min(K, documents.n_rows)
    exact = search_dim(vectors.queries, documents, documents.width, k)
    unique = list({one.name: one for one in asked}.values())
    rotation = fit_rotation(documents, documents.space) if any(one.rotated for one in unique) else None
    sample = calibration_queries(vectors.train.queries, measuring.seeds[0])
    found: list[MeasuredIndex] = []
    notes: list[str] = []

    def measure(kind: str, name: str, built: Index, build_s: float, place: str) -> None:
        built.save(folder / place)
        # measured as a server would hold it: mapped, with the bytes of its folder
        quality = measure_index(
            load_index(folder / place), name, vectors.queries, exact, judged=measuring.judged,
            measures=measuring.measures[:_N_MEASURES], groups=measuring.groups, dataset=measuring.dataset,
            n_single=n_single, seed=measuring.seeds[0],
        )  # fmt: skip
        found.append(MeasuredIndex(kind, quality, build_s))

    with show_progress("indexes", 1 + len(unique), "indexes", shown=progress) as advance:
        measure(_EXACT, f"exact {documents.width}", ExactIndex.build(documents), 0.0, _EXACT)
        advance(1)
        for number, one in enumerate(unique, start=1):
            started = perf_counter()
            try:
                built = make_index(one, documents, calibration=sample, k=k, rotation=rotation)
            except MatryoError as error:
                notes.append(f"index {one.name} is not measured: {error}")
                say(notes[-1])
            else:
                build_s = perf_counter() - started
                measure(one.kind, one.name, built, build_s, f"{number:02d}-{_folder_name(one.name)}")
            advance(1)
    told = (
        f"vectors of {label}, {documents.n_rows:,} documents; the first row is exact search of the full width",
        f"where a recall stands behind the name, sizes were chosen with {len(sample):,} training queries, never with "
        "one that is measured; build s counts that, but not the rotation, which all of them share",
    )
    settings = {"vectors": label, "asked": [one.model_dump(mode="json") for one in unique], "folder": folder.name}
    title = f"Indexes over the vectors of {label}"
    return FoundIndexes(index_table(found, title, told), settings, tuple(notes))


def calibration_queries(queries: Array, seed: int) -> Array:
    """Different rows among the training queries, at most as many as an index is calibrated with."""
    different = np.unique(queries, axis=0)
    drawn = np.random.default_rng(seed).permutation(len(different))[:_MAX_SAMPLE]
    kept: Array = different[np.sort(drawn)]
    return kept


def _folder_name(name: str) -> str:
    """A name as a folder: what a shell or a file system reads as a mark becomes a dash."""
    return re.sub(r"[^A-Za-z0-9.@=]+", "-", name)
