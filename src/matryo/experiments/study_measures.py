"""What is measured of a pair and of each of its translators, as rows of the tables that a study stores."""

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from matryo.evaluation.score import Score
from matryo.evaluation.translation import (
    IDENTITY,
    KEEP,
    MEAN,
    REENCODE,
    TRANSLATED,
    DimPoint,
    Native,
    Translation,
    TranslationSettings,
    Value,
    measure_native,
    measure_translation,
)
from matryo.evaluation.translation_prefixes import prefix_grid
from matryo.evaluation.translation_retrieval import Migration, measure_migrations
from matryo.experiments.settings import default_dims
from matryo.experiments.study_config import MeasureConfig
from matryo.experiments.study_job_pair import Pair, whole_only
from matryo.maps import AffineMap, MlpMap, Translator, fit_nested_ridge, round_trip
from matryo.measures.intervals import Interval
from matryo.measures.list_agreement import ListAgreement
from matryo.prefix import block

Stored = str | float | int | None
Row = dict[str, Stored]

REFERENCES: Final = (MEAN, IDENTITY, KEEP, REENCODE)
_MOST_DIFFERENT = 3
_SECONDS_TIMED = 0.05


def measure_before(pair: Pair) -> tuple[dict[str, Any], Native]:
    """What is there before any translator: how the two spaces resemble each other, and the reference rows.

    Args:
        pair: the rows.

    Returns: facts as JSON values, and the native side that translators are measured with.
    Raises: as `measure_native`.
    """
    settings = pair.files.settings
    native = measure_native(pair.rows, settings)
    test = native.tests[KEEP]
    references = [{"vectors": row, **_columns(native.values, row, settings.k)} for row in REFERENCES]
    mutual = next(one["mutual"] for one in references if one["vectors"] == KEEP)
    facts = {
        "before": {
            "CKA": _known(test.debiased),
            "CKA biased": _known(test.biased),
            "CKA null low": _known(test.null_low),
            "CKA null high": _known(test.null_high),
            "p": _known(test.p_value),
            "mutual": mutual,
            "mutual chance": settings.k / (len(native.chosen.rows) - 1),
        },
        "references": references,
        "lists": [row for name, found in native.agreements.items() for row in _list_rows(name, found)],
        "n_documents": pair.n_documents,
        "n_fitted": len(pair.fitted),
        "n_held_out": len(pair.held_out),
        "n_measured": len(pair.held),
        "n_compared": len(native.chosen.rows),
        "n_only": list(pair.n_only),
        "n_queries": None if pair.task is None else pair.task.judged.n_queries,
    }
    return facts, native


def measure_job(pair: Pair, fitted: Translator, *, first: bool, seed: int) -> dict[str, Any]:
    """Everything that is measured of one translator, as JSON values.

    Args:
        pair: the rows.
        fitted: the translator.
        first: whether this is the translator's first seed, of which prefixes, lists and texts are shown, too.
        seed: of the fit, for the rows of the migrations.
    """
    settings, native = pair.files.settings, pair.native
    if not first:
        settings = replace(settings, dims=(native.dims[-1],))
        native = whole_only(native, settings)
    found = measure_translation(fitted, pair.rows, settings, native)
    told = {
        "translator": _translator_row(found),
        "migrations": _migrations(pair, fitted, seed),
        "vectors per second": vectors_per_second(fitted, pair),
    }
    if not first:
        return told
    return told | {
        "dims": [_dim_row(point) for point in found.dims],
        "lists": _list_rows(TRANSLATED, found.lists[TRANSLATED]),
        "different": _different(found),
    }


def measure_return(pair: Pair, forward: Translator, back: Translator) -> float:
    """Mean cosine between held-out vectors and what comes back from the way there and back."""
    vectors = pair.rows.source
    # an empty text is a zero row, which has no direction to keep
    return round_trip(forward, back, vectors[vectors.any(axis=1)])


def measure_prefixes(pair: Pair) -> list[Row]:
    """Every source prefix toward every target prefix, by ridge maps fitted for each source prefix.

    Raises: MatryoError for too few rows or constant columns.
    """
    settings, rows = pair.files.settings, pair.rows
    source_dims = default_dims(pair.a.width)
    nested = fit_nested_ridge(
        pair.a.chosen(pair.fitted), pair.b.chosen(pair.fitted), source_dims, groups=pair.fit_groups
    )
    cells = prefix_grid(nested, rows, settings.dims, k=settings.k, seed=settings.seed)
    return [
        {"source dim": one.source_dim, "target dim": one.target_dim, "R2": _known(one.r2), "mutual": one.mutual}
        for one in cells
    ]


def study_settings(measure: MeasureConfig, width: int) -> TranslationSettings:
    """How the translators toward a space of some width are measured.

    Args:
        measure: of the study's config.
        width: numbers per vector of the target.
    """
    asked = measure.dims or default_dims(width)
    dims = tuple(sorted({*(dim for dim in asked if dim < width), width}))
    return TranslationSettings(
        dims=dims,
        k=measure.k,
        depths=measure.depths,
        max_rows=measure.max_rows,
        n_permutations=measure.n_permutations,
        n_draws=measure.n_draws,
    )


def n_parameters(fitted: Translator) -> int:
    """Numbers that were fitted.

    Raises: TypeError for another kind of map.
    """
    if isinstance(fitted, AffineMap):
        return int(fitted.matrix.size + fitted.offset.size)
    if isinstance(fitted, MlpMap):
        return int(sum(part.size for layer in fitted.layers for part in layer))
    raise TypeError(f"{type(fitted).__name__} is no translator of a study")


def vectors_per_second(fitted: Translator, pair: Pair) -> float:
    """Vectors that this process translates in a second, from the held-out ones."""
    vectors = pair.rows.source
    fitted.apply(vectors[:16])  # what only the first call pays
    n, started = 0, time.perf_counter()
    while (seconds := time.perf_counter() - started) < _SECONDS_TIMED:
        fitted.apply(vectors)
        n += len(vectors)
    return round(n / seconds, 1)


def _translator_row(found: Translation) -> Row:
    resemblance = found.resemblance
    return {
        "MSE": found.mse,
        "target variance": found.target_variance,
        **_columns(found.values, TRANSLATED, found.k),
        **_interval("resemblance", resemblance.mutual_difference),
        "resemblance CKA": _known(resemblance.cka_difference.value),
    }


def _columns(values: Iterable[Value], row: str, k: int) -> Row:
    """Measures of one row of the table by the names of a study's columns."""
    found = {one.measure: one.found for one in values if one.row == row}
    named: Row = {}
    for name, column in (("R2", "R2"), ("cosine", "cosine"), ("top-1", "top-1"), (f"mutual neighbours@{k}", "mutual")):
        if name in found:
            named |= _interval(column, found[name])
    plain = {
        **{name: name for name in _PLACES},
        f"Jaccard@{k}": "Jaccard",
        f"edit distance@{k}": "edit distance",
        f"RBO@{k}": "RBO",
        f"rank-harmonic@{k}": "rank-harmonic",
        "CKA": "CKA",
        "CKA biased": "CKA biased",
    }
    named |= {column: _known(found[name].value) for name, column in plain.items() if name in found}
    null = found.get("CKA of rows paired at random")
    return named | ({} if null is None else {"CKA null low": _known(null.low), "CKA null high": _known(null.high)})


_PLACES = (
    "top-1 CSLS", "mean rank", "mean rank CSLS", "top-1 back", "top-1 back CSLS", "mean rank back",
    "mean rank back CSLS",
)  # fmt: skip


def _dim_row(point: DimPoint) -> Row:
    test = point.cka
    return {
        "dim": point.dim,
        **_interval("R2", point.r2),
        "MSE": point.mse,
        "cosine": _known(point.cosine.value),
        "mutual": _known(point.mutual.value),
        "CKA": _known(test.debiased),
        "CKA null low": _known(test.null_low),
        "CKA null high": _known(test.null_high),
    }


def _list_rows(vectors: str, found: ListAgreement) -> list[Row]:
    return [
        {
            "vectors": vectors,
            "k": depth,
            "mutual": float(found.mutual[:, i].mean()),
            "chance": float(found.chance[i]),
            "Jaccard": float(found.jaccard[:, i].mean()),
            "edit distance": float(found.edit_shares[:, i].mean()),
            "rank-harmonic": float(found.rank_harmonic[:, i].mean()),
        }
        for i, depth in enumerate(found.depths)
    ]


def _different(found: Translation) -> list[dict[str, Any]]:
    """Texts whose neighbours differ most, by ids: the texts are the main process's to add."""
    one = found.different
    return [
        {
            "id": found.ids[row],
            "edit distance": float(share),
            "native": [found.ids[place] for place in native],
            "translated": [found.ids[place] for place in ours],
        }
        for row, share, native, ours in zip(
            one.rows.tolist(),
            one.shares,
            block(one.a, 0, _MOST_DIFFERENT).tolist(),
            block(one.b, 0, _MOST_DIFFERENT).tolist(),
            strict=True,
        )
    ]


def _migrations(pair: Pair, fitted: Translator, seed: int) -> list[Row]:
    """Both migrations that one map serves, in every measure; none without judgements."""
    task, settings = pair.task, pair.files.settings
    if task is None:
        return []
    found = measure_migrations(
        fitted, task.a, task.b, task.judged, groups=task.groups, dataset=task.name, seed=settings.seed,
        n_draws=settings.n_draws,
    )  # fmt: skip
    return [{"seed": seed, **_migration_row(one)} for one in found.migrations]


def _migration_row(one: Migration) -> Row:
    bridging = one.bridging
    numbers: Mapping[str, Score | Interval | None] = {
        "keep": one.keep,
        "translated": one.bridged,
        "swap": one.swap,
        "re-encode": one.reencode,
        "gap": bridging.gap,
        "gain": bridging.gain,
        "lost": bridging.lost,
        "over swap": bridging.over_swap,
        "swap gain": bridging.swap_gain,
        "share of the gap": bridging.recovered,
        "share kept": bridging.kept,
    }
    row: Row = {"way": one.way, "measure": str(one.measure), "n": one.keep.n}
    for name, found in numbers.items():
        row |= _interval(name, found)
    return {**row, "verdict": "bridge" if bridging.bridge else "do not bridge", "sentence": one.sentence()}


def _interval(name: str, found: Interval | Score | None) -> Row:
    ends: Sequence[float | None] = (None, None, None)
    if found is not None:
        ends = _known(found.value), _known(found.low), _known(found.high)
    return dict(zip((name, f"{name} low", f"{name} high"), ends, strict=True))


def _known(value: float) -> float | None:
    """JSON knows no NaN."""
    return float(value) if math.isfinite(value) else None
