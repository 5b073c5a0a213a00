"""Tables and plots of a probe, from its certificate and its stored scores."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matryo.encoders.certificate import Certificate, Quality
from matryo.evaluation.geometry_result import Geometry, GeometryPoint
from matryo.evaluation.results import RunResults
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.reports.charts import Chart, Line
from matryo.reports.formats import count, number, number_range, percent, percent_range
from matryo.reports.probe_verdict import shown_at, smallest
from matryo.reports.table import Cell, Table

_BYTES_PER_NUMBER = 4
PREFIX = "prefix"
_NAMES = {PLAIN_CUT: PREFIX, "random dims": "random dims", "suffix": "suffix", "rotation": "PCA rotation"}


def dims_table(certificate: Certificate, share: float) -> Table:
    """One row per dim: what the prefix keeps, beside other choices of as many numbers.

    Args:
        certificate: what was found.
        share: asked; the dim recommended for it stands out.
    """
    geometry = Geometry.from_json(certificate.geometry)
    quality, width = certificate.quality, certificate.dims[-1]
    at = {point.dim: point for point in geometry.points}
    if quality is None:
        columns = ["dims kept", "neighbours", "random dims", "suffix", "PCA order", "energy", "PCA energy", "bytes"]
        rows = [_geometry_row(at[dim]) for dim in certificate.dims]
        title = f"{certificate.model} on {certificate.texts.name}: what a prefix finds ({geometry.n:,} texts)"
        return Table.of(title, columns, rows, (_neighbours_note(geometry),))
    chosen = smallest(quality, share, width)
    columns = [
        "dims kept", quality.measure, "share of full", "shown to keep", "random dims", "suffix", "PCA rotation",
        "neighbours", "bytes",
    ]  # fmt: skip
    rows = [
        [
            Cell(str(point["dim"]), strong=point["dim"] == chosen),
            _value(point),
            _share(point),
            Cell(shown_at(quality, point["dim"], width)),
            *(Cell(number(_known(point[name]))) for name in ("random", "suffix", "pca")),
            Cell(percent(at[point["dim"]].agreement)),
            Cell(count(_BYTES_PER_NUMBER * point["dim"])),
        ]
        for point in quality.points
    ]
    grouped = f" in {quality.n_groups:,} groups" if quality.n_groups else ""
    title = f"{certificate.model}: {quality.measure} on {quality.judged_by} by dims kept, 95 % intervals"
    notes = [
        f"n = {quality.n:,} queries{grouped}. Shown to keep: from the widest dim down each is tested one-sided at "
        f"95 %, the first failure ends the test.{_detectable(quality)}",
        "Random dims, suffix and PCA rotation: as many other numbers of the same vectors. "
        + _neighbours_note(geometry),
    ]
    return Table.of(title, columns, rows, notes)


def geometry_table(geometry: Geometry) -> Table:
    """Neighbours found and energy held at every dim, by prefix and by other choices."""
    columns = ["dims kept", "neighbours", "random dims", "suffix", "PCA order", "energy", "PCA energy", "bytes"]
    rows = [_geometry_row(point) for point in geometry.points]
    return Table.of(f"Neighbours and energy ({geometry.n:,} texts)", columns, rows, (_neighbours_note(geometry),))


def quality_chart(results: RunResults) -> Chart | None:
    """The curves of prefix, random dims, suffix and rotation with their intervals; None without judgements."""
    curves: dict[str, list[Score]] = {}
    for score in results.scores:
        curves.setdefault(score.map, []).append(score)
    if PLAIN_CUT not in curves:
        return None
    full = max(curves[PLAIN_CUT], key=lambda score: score.dim)
    lines = tuple(
        # at full width every choice of numbers is the same
        _line(_NAMES.get(name, name), scores if name == PLAIN_CUT else [*scores, full], strong=name == PLAIN_CUT)
        for name, scores in curves.items()
    )
    return Chart(full.dataset, full.measure, lines)


def neighbours_chart(geometry: Geometry, texts: str) -> Chart:
    """Share of the full width's neighbours that each choice of numbers finds."""
    names: Mapping[str, str] = {
        "agreement": PREFIX,
        "agreement_random": "random dims",
        "agreement_suffix": "suffix",
        "agreement_pca": "PCA order",
    }
    lines = tuple(
        Line.exact(
            label,
            geometry.dims,
            tuple(getattr(point, name) for point in geometry.points),
            "strong" if label == PREFIX else "normal",
        )
        for name, label in names.items()
    )
    return Chart(texts, f"neighbours found of {geometry.k}", lines, name="neighbours")


def _line(label: str, scores: Sequence[Score], *, strong: bool) -> Line:
    ordered = sorted(scores, key=lambda score: score.dim)
    return Line(
        label,
        tuple(score.dim for score in ordered),
        tuple(score.value for score in ordered),
        tuple(score.low for score in ordered),
        tuple(score.high for score in ordered),
        "strong" if strong else "normal",
    )


def _geometry_row(point: GeometryPoint) -> list[Cell]:
    found = (point.agreement, point.agreement_random, point.agreement_suffix, point.agreement_pca)
    held = (point.energy, point.energy_pca)
    return [
        Cell(str(point.dim)),
        *(Cell(percent(share)) for share in (*found, *held)),
        Cell(count(_BYTES_PER_NUMBER * point.dim)),
    ]


def _detectable(quality: Quality) -> str:
    if quality.detectable is None:
        return ""
    return f" So many queries can rule out a loss of {percent(quality.detectable)} at the first dim below the width."


def _neighbours_note(geometry: Geometry) -> str:
    return f"Neighbours: share of the full width's {geometry.k} nearest texts that so many numbers find."


def _value(point: Mapping[str, Any]) -> Cell:
    return Cell(number(_known(point["value"])), number_range(_known(point["low"]), _known(point["high"])))


def _share(point: Mapping[str, Any]) -> Cell:
    if point["share"] == point["share_low"] == point["share_high"]:
        return Cell(percent(_known(point["share"])))
    return Cell(percent(_known(point["share"])), percent_range(_known(point["share_low"]), _known(point["share_high"])))


def _known(stored: Any) -> float:
    return math.nan if stored is None else float(stored)
