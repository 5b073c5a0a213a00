"""Translators with one or two hidden layers, trained by gradients."""

import re

from matryo.errors import MatryoError
from matryo.maps.folds import Groups
from matryo.maps.gradient import TrainingSettings, train_network
from matryo.maps.mlp_map import MlpMap
from matryo.maps.pairs import PairPass
from matryo.maps.sides import Side


def fit_mlp(
    source: Side,
    target: Side,
    *,
    n_hidden: int = 1,
    hidden: str = "1x",
    settings: TrainingSettings | None = None,
    groups: Groups | None = None,
    allow_degenerate: bool = False,
    progress: bool = False,
) -> MlpMap:
    """Translator with hidden layers of max(0, x), trained with Adam and stopped early on held-out rows.

    Args:
        source: as for `fit_linear`.
        target: as for `fit_linear`.
        n_hidden: hidden layers, 1 or 2.
        hidden: their width as a multiple of full rank, which is the smaller of the two widths: "1x", "8x", "32x".
        settings: as for `fit_linear`.
        groups: as for `fit_linear`.
        allow_degenerate: as for `fit_linear`.
        progress: show a bar of epochs.

    Returns: MlpMap of kind "mlp1 1x", "mlp2 8x" ...
    Raises: as `fit_linear`; MatryoError too for other numbers of layers or an unreadable width.
    """
    if n_hidden not in (1, 2):
        raise MatryoError(f"a translator has 1 or 2 hidden layers, got {n_hidden!r}; use fit_linear for none")
    rows = PairPass(source, target)
    width = hidden_width(hidden, rows.source.width, rows.target.width)
    kind = f"mlp{n_hidden} {hidden}"
    layers, found = train_network(
        rows,
        (width,) * n_hidden,
        settings or TrainingSettings(),
        groups=groups,
        allow_degenerate=allow_degenerate,
        label=kind,
        show_progress=progress,
    )
    return MlpMap(layers, rows.source.space, rows.target.space, kind, {**found, "hidden_width": width})


def hidden_width(hidden: str, source_width: int, target_width: int) -> int:
    """Width of a hidden layer, a multiple of full rank.

    Raises: MatryoError if it is no whole number of at least 1 followed by "x".

    >>> hidden_width("8x", 384, 256)
    2048
    """
    found = re.fullmatch(r"([1-9]\d*)x", hidden) if isinstance(hidden, str) else None
    if found is None:
        raise MatryoError(f"hidden must be a multiple of full rank such as 1x, 8x or 32x, got {hidden!r}; write it so")
    return int(found[1]) * min(source_width, target_width)
