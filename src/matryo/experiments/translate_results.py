"""What was measured of a translation, as the tables that are stored and that its report is written from."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from matryo.evaluation.results import ExtraTable
from matryo.evaluation.score import Score
from matryo.evaluation.translation import Translation
from matryo.evaluation.translation_prefixes import PrefixCell
from matryo.evaluation.translation_retrieval import Migration
from matryo.measures.intervals import Interval
from matryo.prefix import block

MEASURES = "measures"
DIMS = "dims"
LISTS = "lists"
GRID = "grid"
RESEMBLANCE = "resemblance"
MIGRATIONS = "migrations"
DIFFERENT = "different"
COSTS = "costs"
_SHOWN = 3
_INTERVAL = ("value", "low", "high")

Stored = str | float | int | None


def translation_tables(found: Translation, texts: Mapping[str, str] | None = None) -> list[ExtraTable]:
    """The tables of a translation without judgements.

    Args:
        found: what was measured.
        texts: id -> text, to show beside the ids; None if the sets keep none.
    """
    compared = f"{found.n_compared:,} texts compared with each other"
    return [
        ExtraTable(
            MEASURES,
            f"Translated vectors beside what one gets without a translator ({found.n:,} texts, {compared})",
            ("vectors", "measure", *_INTERVAL, "n"),
            tuple((one.row, one.measure, *_numbers(one.found), one.found.n) for one in found.values),
            (f"Chance of mutual neighbours@{found.k}: {found.chance:.4f}. RBO at p = {found.p:g}.",),
        ),
        ExtraTable(
            DIMS,
            "By prefix of the target",
            (
                "dim", "R2", "R2 low", "R2 high", "cosine", "cosine low", "cosine high", "mutual", "mutual low",
                "mutual high", "CKA", "CKA null low", "CKA null high", "p",
            ),
            tuple(
                (
                    point.dim, *_numbers(point.r2), *_numbers(point.cosine), *_numbers(point.mutual),
                    _known(point.cka.debiased), _known(point.cka.null_low), _known(point.cka.null_high),
                    _known(point.cka.p_value),
                )
                for point in found.dims
            ),
            ("R2 of prefixes as they are; cosine, neighbours and CKA (debiased) of renormalised prefixes.",),
        ),
        ExtraTable(
            LISTS,
            "Neighbour lists against those of the native vectors, by their length",
            ("vectors", "k", "mutual", "chance", "Jaccard", "edit distance", "rank-harmonic"),
            tuple(
                (
                    row, depth, float(lists.mutual[:, i].mean()), float(lists.chance[i]),
                    float(lists.jaccard[:, i].mean()), float(lists.edit_shares[:, i].mean()),
                    float(lists.rank_harmonic[:, i].mean()),
                )
                for row, lists in found.lists.items()
                for i, depth in enumerate(lists.depths)
            ),
        ),
        ExtraTable(
            RESEMBLANCE,
            "Do the translated vectors resemble the space they come from or the one they imitate?",
            ("measure", "with", *_INTERVAL),
            tuple(
                (name, side, *_numbers(getattr(found.resemblance, f"{field}_{key}")))
                for name, field in (("CKA", "cka"), (f"mutual neighbours@{found.k}", "mutual"))
                for side, key in (("source", "source"), ("target", "target"), ("target - source", "difference"))
            ),
        ),
        _different(found, texts or {}),
    ]  # fmt: skip


def grid_table(cells: Sequence[PrefixCell], quality: Mapping[tuple[int, int], float], measure: str) -> ExtraTable:
    """Every source prefix toward every target prefix.

    Args:
        cells: without judgements.
        quality: (source dim, target dim) -> mean of the measure, {} without judgements.
        measure: what judges.
    """
    return ExtraTable(
        GRID,
        "Source prefix to target prefix: one ridge fit per source prefix, cut to every target prefix",
        ("source dim", "target dim", "R2", "mutual", *([measure] if quality else [])),
        tuple(
            (
                cell.source_dim, cell.target_dim, _known(cell.r2), cell.mutual,
                *([quality[cell.source_dim, cell.target_dim]] if quality else []),
            )
            for cell in cells
        ),
    )  # fmt: skip


def migrations_table(found: Sequence[Migration]) -> ExtraTable:
    """Every way from the one model to the other, in every measure."""
    rows = []
    for one in found:
        bridging = one.bridging
        scores = [number for score in (one.keep, one.bridged, one.swap, one.reencode) for number in _score(score)]
        won = [bridging.gap, bridging.gain, bridging.lost, bridging.recovered, bridging.kept]
        told = [number for interval in won for number in _numbers(interval)]
        verdict = "bridge" if bridging.bridge else "do not bridge"
        rows.append(
            (one.old, one.new, one.way, one.map, str(one.measure), one.keep.n, *scores, *told, verdict, one.sentence())
        )
    numbers = ("keep", "translated", "swap", "re-encode", "gap", "gain", "lost", "share of the gap", "share kept")
    ends = [name if not end else f"{name} {end}" for name in numbers for end in ("", "low", "high")]
    return ExtraTable(
        MIGRATIONS,
        "Keep, translate or encode anew",
        ("old", "new", "way", "map", "measure", "n", *ends, "verdict", "sentence"),
        tuple(rows),
    )


def costs_table(n_pairs: int, n_documents: int, seconds: float, dim: int) -> ExtraTable:
    """What each choice costs, counted in texts and vectors.

    Args:
        n_pairs: texts that the map was fitted on.
        n_documents: texts stored.
        seconds: to translate them all, measured.
        dim: numbers per translated vector.
    """
    return ExtraTable(
        COSTS,
        "What each choice costs",
        ("choice", "texts to encode with the other model", "share of the corpus", "vectors to rewrite", "seconds"),
        (
            ("keep the old model", 0, 0.0, 0, 0.0),
            ("translate the queries", n_pairs, n_pairs / n_documents, 0, None),
            ("translate the documents", n_pairs, n_pairs / n_documents, n_documents, seconds),
            ("encode everything anew", n_documents, 1.0, n_documents, None),
        ),
        (
            f"Pairs used for the fit: {n_pairs:,}. Seconds: measured here, for {n_documents:,} vectors of "
            f"{dim} numbers; encoding takes as long as the other model takes.",
        ),
    )


def ids_shown(found: Translation) -> set[str]:
    """Ids of the texts that the table of the most different lists shows."""
    different = found.different
    nearest = (block(lists, 0, _SHOWN).ravel() for lists in (different.a, different.b))
    rows = np.concatenate([different.rows, *nearest])
    return {found.ids[row] for row in rows.tolist()}


def _different(found: Translation, texts: Mapping[str, str]) -> ExtraTable:
    """Texts whose neighbours differ most between native and translated vectors."""
    rows: list[tuple[Stored, ...]] = []
    for row, share, native, ours in zip(
        found.different.rows, found.different.shares, found.different.a, found.different.b, strict=True
    ):
        named = [
            _shown(found.ids[place], texts) for place in (int(row), *native[:_SHOWN].tolist(), *ours[:_SHOWN].tolist())
        ]
        rows.append((named[0], float(share), " | ".join(named[1 : 1 + _SHOWN]), " | ".join(named[1 + _SHOWN :])))
    return ExtraTable(
        DIFFERENT,
        "Texts whose neighbours differ most",
        ("text", "edit distance", "nearest by native vectors", "nearest by translated vectors"),
        tuple(rows),
    )


def _shown(name: str, texts: Mapping[str, str]) -> str:
    text = " ".join(texts.get(name, "").split())
    return f"{name}: {text[:60]}" if text else name


def _numbers(found: Interval | None) -> tuple[float | None, float | None, float | None]:
    return (None, None, None) if found is None else (_known(found.value), _known(found.low), _known(found.high))


def _score(score: Score) -> tuple[float | None, float | None, float | None]:
    return _known(score.value), _known(score.low), _known(score.high)


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
