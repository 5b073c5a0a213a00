"""What a translator is evaluated on: two sets and a map that belong together, and rows that it was not fitted on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from matryo.embeddings import EmbeddingSet
from matryo.errors import FormatError, MatryoError
from matryo.evaluation.translation import Rows
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments.encoding import noted_model
from matryo.experiments.translate_fit import Fitted, column_means
from matryo.maps import AffineMap, MlpMap, SpaceRows, check_source, compatible, joined_sides, load_map
from matryo.prefix import block, cut

MOST_ROWS = 20_000


@dataclass(frozen=True, eq=False)
class Inputs:
    """A map with the two sets that it is evaluated on.

    Attributes:
        fitted: the map.
        a: rows of its source, joined.
        b: rows of its target, the same texts in the same order.
        ids: of the rows.
        names: of the two models.
        sets: the two sets.
        split: which ids are to fit on; None if all rows are evaluated.
        fitted_rows: rows that were or may have been fitted on.
        held_rows: rows to evaluate.
        notes: what was left out, and what is not known.
    """

    fitted: Fitted
    a: SpaceRows
    b: SpaceRows
    ids: list[str]
    names: tuple[str, str]
    sets: tuple[EmbeddingSet, EmbeddingSet]
    split: IdSplit | None
    fitted_rows: NDArray[np.int64]
    held_rows: NDArray[np.int64]
    notes: tuple[str, ...]

    @property
    def width(self) -> int:
        """Numbers per translated vector."""
        return self.fitted.target.width

    def rows(self, seed: int = 0) -> Rows:
        """The rows to evaluate, in memory, at most 20,000 of them, drawn by a seed."""
        held = self.held_rows
        if len(held) > MOST_ROWS:
            held = np.sort(np.random.default_rng(seed).choice(held, MOST_ROWS, replace=False))
        native, width = self.b.take(held, 0, self.b.width), self.width
        # where nothing is known to be fitted on, these rows' own mean is the opponent, a stronger one than any user has
        known = self.b.chosen(self.fitted_rows if self.fitted_rows.size else self.held_rows)
        ids = [self.ids[row] for row in held.tolist()]
        groups = self.split.groups(ids) if self.split else None
        return Rows(
            source=self.a.take(held, 0, self.a.width),
            target=native if width == self.b.width else cut(native, width),
            mean=block(column_means(known)[None, :], 0, width)[0],
            ids=tuple(ids),
            groups=None if groups is None else tuple(groups),
        )


def read_translator(folder: Path) -> Fitted:
    """A stored translator.

    Raises: FormatError if the folder holds no map, or one that imitates no space, such as a rotation.
    """
    fitted = load_map(folder)
    if not isinstance(fitted, AffineMap | MlpMap):
        raise FormatError(f"{folder} holds a {fitted.kind}, expected a translator; make one with: matryo translate fit")
    return fitted


def open_inputs(folder: Path, source: Path, target: Path, *, all_rows: bool = False) -> Inputs:
    """Open a map and two sets, and choose the rows to evaluate.

    Args:
        folder: of the map.
        source: set in the space that it reads.
        target: set of the same texts in the space that it imitates.
        all_rows: evaluate every row, for sets of other texts than those that the map was fitted on.

    Raises: SpaceError for sets of other spaces or the wrong way round; MatryoError if no row is known to be held out.
    """
    fitted = read_translator(folder)
    sets = EmbeddingSet.open(source), EmbeddingSet.open(target)
    check_source(fitted, sets[0].space)
    compatible(fitted, sets[1].space)
    a, b, joined = joined_sides(*sets)
    ids = a.ids() or []
    notes = []
    if joined.n_missing:
        notes.append(
            f"{joined.n_only_source:,} rows of {source} and {joined.n_only_target:,} of {target} have no partner with "
            "their id and are left out"
        )
    split, told = _split(fitted, a, b, all_rows)
    is_fitted = split.fitted(ids) if split else np.zeros(len(ids), dtype=np.bool_)
    if is_fitted.all():
        raise MatryoError(
            f"all {len(ids)} rows may have been fitted on (share {split.share if split else 1:g}), none is left to "
            "evaluate; fit on a smaller share, or give sets of other texts with --all-rows"
        )
    n_held = int((~is_fitted).sum())
    if n_held > MOST_ROWS:
        notes.append(f"errors are measured on {MOST_ROWS:,} rows drawn from the {n_held:,} that could be evaluated")
    return Inputs(
        fitted=fitted,
        a=a,
        b=b,
        ids=ids,
        names=_names(*sets),
        sets=sets,
        split=split,
        fitted_rows=np.flatnonzero(is_fitted),
        held_rows=np.flatnonzero(~is_fitted),
        notes=(*notes, *told),
    )


def _split(fitted: Fitted, a: SpaceRows, b: SpaceRows, all_rows: bool) -> tuple[IdSplit | None, list[str]]:
    """How to tell the rows that were fitted on; None if all are to be evaluated."""
    settings = fitted.settings
    split, sets = IdSplit.of_map(settings), settings.get("sets") or [None, None]
    same = any(digest is not None and digest in sets for digest in (a.digest(), b.digest()))
    if same and (all_rows or split is None):
        raise MatryoError(
            f"this map was fitted on {settings.get('n_rows', 'some')} rows of these very sets, so that not all of them "
            "can judge it; leave --all-rows out, or fit with `matryo translate fit`, which keeps rows back"
        )
    if all_rows or split is None:
        return None, [
            "all rows are evaluated: the map was fitted on other sets; whether these held some of the same texts is "
            "not known. R2 is against the mean of the evaluated rows themselves"
        ]
    told = [
        f"rows are chosen by a hash of their id: the share of {split.share:g} that the map was fitted on is left out"
        + (f"; ids that are equal up to {split.group_end!r} stay together" if split.group_end else "")
    ]
    if not same:
        told.append(
            "these are not the sets that the map was fitted on, or they were changed since; if their texts are others, "
            "--all-rows evaluates all of them"
        )
    return split, told


def _names(a: EmbeddingSet, b: EmbeddingSet) -> tuple[str, str]:
    """Names of the models as they were noted, else of the folders; told apart where they are equal."""
    found = []
    for one in (a, b):
        model = noted_model(one.folder, one.space.id)
        found.append(Path(model.name).name if model else one.folder.name)
    if found[0] == found[1]:
        found = [f"{name} ({one.space.id[:6]})" for name, one in zip(found, (a, b), strict=True)]
    return found[0], found[1]
