"""`matryo translate fit`: two sets of the same texts into a map from one model's space toward the other's."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.translation_split import SETTING, IdSplit
from matryo.experiments.stopwatch import Stopwatch
from matryo.maps import AffineMap, MlpMap, SpaceRows, fit_nested_ridge, fit_procrustes, fit_ridge, joined_sides
from matryo.measures.intervals import Interval
from matryo.measures.regression import measure_regression, r2_interval
from matryo.measures.statistics import bootstrap_mean
from matryo.prefix import Array, block

if TYPE_CHECKING:
    from matryo.maps import TrainingSettings

KINDS = ("ridge", "procrustes", "linear", "mlp1", "mlp2")
_TRAINED = ("linear", "mlp1", "mlp2")
_BLOCK_ROWS = 4096
_MOST_HELD_OUT = 20_000

Fitted = AffineMap | MlpMap


@dataclass(frozen=True)
class TranslatorSettings:
    """Which translator to fit, and how.

    Attributes:
        kind: "ridge", "procrustes", "linear", "mlp1" or "mlp2".
        hidden: of mlp1 and mlp2: width of the hidden layers as a multiple of full rank, None = "1x".
        loss: of linear, mlp1 and mlp2: "mse", "cosine" or "relational", None = "mse".
        source_dim: of ridge: fit from the source's prefix of this length; None = from whole vectors.
        target_dim: of ridge and procrustes: fit toward the target's prefix of this length; None = all of it.
        centre: of procrustes: turn about the means.
        seed: of folds, held-out rows, first weights and shuffling.
        device: of linear, mlp1 and mlp2: "auto", "cpu" or "cuda".
        split: which ids to fit on.
        allow_degenerate: take fewer rows than columns, or constant columns.
    """

    kind: str = "ridge"
    hidden: str | None = None
    loss: str | None = None
    source_dim: int | None = None
    target_dim: int | None = None
    centre: bool = False
    seed: int = 0
    device: str = "auto"
    split: IdSplit = field(default_factory=IdSplit)
    allow_degenerate: bool = False

    def __post_init__(self) -> None:
        """Refuse a kind that there is not, and settings of another kind."""
        if self.kind not in KINDS:
            raise MatryoError(f"kind must be one of {', '.join(KINDS)}, got {self.kind!r}; choose one of them")
        given = {
            "hidden": (self.hidden is not None, ("mlp1", "mlp2")),
            "loss": (self.loss is not None, _TRAINED),
            "source_dim": (self.source_dim is not None, ("ridge",)),
            "target_dim": (self.target_dim is not None, ("ridge", "procrustes")),
            "centre": (self.centre, ("procrustes",)),
        }
        for name, (is_given, kinds) in given.items():
            if is_given and self.kind not in kinds:
                raise MatryoError(
                    f"{name} belongs to {' and '.join(kinds)}, got it with kind {self.kind!r}; leave it out"
                )


@dataclass(frozen=True)
class FitReport:
    """What `fit_sets` did.

    Attributes:
        folder: of the map.
        fitted: the map.
        n_fitted: rows fitted on.
        n_held_out: rows kept back and measured on.
        n_only_source: rows of the source without a partner.
        n_only_target: rows of the target without a partner.
        n_source: rows of the source in all.
        r2: on held-out rows against the mean of the fitted ones, None if no row was held out.
        cosine: on held-out rows, None likewise.
        seconds: of each step.
    """

    folder: Path
    fitted: Fitted
    n_fitted: int
    n_held_out: int
    n_only_source: int
    n_only_target: int
    n_source: int
    r2: Interval | None
    cosine: Interval | None
    seconds: dict[str, float]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, one sentence each."""
        told = []
        if self.n_only_source or self.n_only_target:
            told.append(
                f"{self.n_only_source:,} rows of the source and {self.n_only_target:,} of the target have no partner "
                "with their id and are left out"
            )
        if self.fitted.settings.get("at_edge"):
            told.append("the best penalty is the largest of the grid; the pairs may have little to do with each other")
        return tuple(told)

    def lines(self) -> list[str]:
        """The result as lines of plain text."""
        found = self.fitted.settings
        toward = f"{self.fitted.source.width} -> {self.fitted.target.width} numbers"
        share = self.n_fitted / self.n_source
        told = [
            f"{self.fitted.kind}: {toward}, fitted on {self.n_fitted:,} rows ({100 * share:.1f} % of the source's), "
            f"{self.n_held_out:,} held out"
        ]
        if "penalty" in found:
            told.append(f"lambda: {found['penalty']:g} of a direction's mean energy ({found['alpha']:.4g})")
        if "kept_epoch" in found:
            told.append(f"epochs: {len(found['held_out_loss']) - 1}, best after {found['kept_epoch']}")
        if self.r2 is None or self.cosine is None:
            told.append("held-out R2 and cosine: not measured, every row was fitted on")
        else:
            told.append(
                f"held-out R2 {_shown(self.r2)}, mean cosine {_shown(self.cosine)} (95 % intervals, n = {self.r2.n:,})"
            )
        taken = ", ".join(f"{step} {seconds:.1f}" for step, seconds in self.seconds.items())
        return [*told, f"seconds: {taken}", f"map: {self.folder}"]


def fit_sets(
    source: Path, target: Path, out: Path, settings: TranslatorSettings | None = None, *, progress: bool = False
) -> FitReport:
    """Fit a translator on two sets, measure it on the rows held out, and write it.

    Args:
        source: folder of the set to translate from.
        target: folder of a set of the same texts, encoded by the model to translate toward.
        out: folder of the map, new or of an earlier map, which is replaced.
        settings: which translator.
        progress: show epochs.

    Raises: MatryoError if the sets share no id, too few rows are left to fit on, or `out` holds something else;
        ShapeError for vectors that are not of length 1.
    """
    settings = settings or TranslatorSettings()
    clock = Stopwatch()
    with clock.step("join"):
        left, right = EmbeddingSet.open(source), EmbeddingSet.open(target)
        x, y, joined = joined_sides(left, right)
        ids = x.ids() or []
        is_fitted = settings.split.fitted(ids)
        rows, held = np.flatnonzero(is_fitted), np.flatnonzero(~is_fitted)
        if not rows.size:
            raise MatryoError(
                f"{len(ids)} joined rows leave none to fit on at a share of {settings.split.share}; "
                "give more rows or a larger share"
            )
    with clock.step("fit"):
        fitted = fit_rows(
            x.chosen(rows), y.chosen(rows), settings,
            groups=settings.split.groups([ids[row] for row in rows.tolist()]), progress=progress,
        )  # fmt: skip
    r2 = cosine = None
    if held.size:
        with clock.step("measure"):
            r2, cosine = _measured(fitted, x, y, rows, held, settings)
    fitted.save(out)
    return FitReport(
        folder=out,
        fitted=fitted,
        n_fitted=len(rows),
        n_held_out=len(held),
        n_only_source=joined.n_only_source,
        n_only_target=joined.n_only_target,
        n_source=left.n_rows,
        r2=r2,
        cosine=cosine,
        seconds=clock.seconds,
    )


def fit_rows(
    source: SpaceRows,
    target: SpaceRows,
    settings: TranslatorSettings,
    *,
    groups: list[str] | None = None,
    progress: bool = False,
) -> Fitted:
    """Fit a translator of any kind on rows that belong together; the split is noted in its settings, not applied.

    Args:
        source: rows to translate from.
        target: the same texts in the same order.
        settings: which translator.
        groups: one value per row; rows of one group are never on both sides of an inner fold.
        progress: show epochs.

    Raises: as `matryo.maps.fit_ridge`.
    """
    fitted = _fit(source, target, settings, groups, progress)
    return replace(fitted, settings={**fitted.settings, SETTING: settings.split.to_json()})


def _fit(
    source: SpaceRows, target: SpaceRows, settings: TranslatorSettings, groups: list[str] | None, progress: bool
) -> Fitted:
    from matryo.maps import RidgeSettings

    degenerate, dim = settings.allow_degenerate, settings.source_dim
    if settings.kind == "ridge":
        chosen = RidgeSettings(seed=settings.seed)
        if dim is None:
            return fit_ridge(
                source, target, settings=chosen, groups=groups, target_dim=settings.target_dim,
                allow_degenerate=degenerate,
            )  # fmt: skip
        whole = fit_nested_ridge(source, target, [dim], settings=chosen, groups=groups, allow_degenerate=degenerate)
        return whole[dim] if settings.target_dim is None else whole[dim].to_prefix(settings.target_dim)
    if settings.kind == "procrustes":
        return fit_procrustes(
            source, target, centre=settings.centre, target_dim=settings.target_dim, allow_degenerate=degenerate
        )
    # imported here: they need torch
    from matryo.maps import fit_linear, fit_mlp

    trained = _training(settings)
    if settings.kind == "linear":
        return fit_linear(
            source, target, settings=trained, groups=groups, allow_degenerate=degenerate, progress=progress
        )
    return fit_mlp(
        source, target, n_hidden=int(settings.kind[-1]), hidden=settings.hidden or "1x", settings=trained,
        groups=groups, allow_degenerate=degenerate, progress=progress,
    )  # fmt: skip


def _training(settings: TranslatorSettings) -> "TrainingSettings":
    from matryo.maps import TrainingSettings

    # the fit itself refuses a loss that there is not
    loss: Any = settings.loss or "mse"
    return TrainingSettings(loss=loss, seed=settings.seed, device=settings.device)


def _measured(
    fitted: Fitted,
    x: SpaceRows,
    y: SpaceRows,
    rows: NDArray[np.int64],
    held: NDArray[np.int64],
    settings: TranslatorSettings,
) -> tuple[Interval, Interval]:
    """R2 and mean cosine on held-out rows, at most 20,000 of them."""
    if len(held) > _MOST_HELD_OUT:
        held = np.sort(np.random.default_rng(settings.seed).choice(held, _MOST_HELD_OUT, replace=False))
    width = fitted.target.width
    native = block(y.take(held, 0, y.width), 0, width)
    mean = block(column_means(y.chosen(rows))[None, :], 0, width)[0]
    found = measure_regression(fitted.raw(x.take(held, 0, x.width)), native, mean)
    ids = x.ids() or []
    groups = settings.split.groups([ids[row] for row in held.tolist()])
    seed = settings.seed
    return r2_interval(found, groups=groups, n_draws=2_000, seed=seed), bootstrap_mean(
        found.cosines, groups, n_draws=2_000, seed=seed
    )


def column_means(rows: SpaceRows) -> Array:
    """Mean of every column, (width,) float64, some rows at a time."""
    total = np.zeros(rows.width)
    for start in range(0, rows.n_rows, _BLOCK_ROWS):
        total += rows.read(slice(start, start + _BLOCK_ROWS), 0, rows.width).sum(axis=0, dtype=np.float64)
    mean: Array = total / max(rows.n_rows, 1)
    return mean


def settings_to_json(settings: TranslatorSettings) -> dict[str, Any]:
    """Settings as JSON values."""
    return {**asdict(settings), "split": settings.split.to_json()}


def _shown(found: Interval) -> str:
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
