"""The linear translator trained by gradients: the plan's linear layer, which ridge solves in closed form."""

from matryo.maps.affine import AffineMap
from matryo.maps.folds import Groups
from matryo.maps.gradient import TrainingSettings, train_network
from matryo.maps.pairs import PairPass
from matryo.maps.sides import Side


def fit_linear(
    source: Side,
    target: Side,
    *,
    settings: TrainingSettings | None = None,
    groups: Groups | None = None,
    allow_degenerate: bool = False,
    progress: bool = False,
) -> AffineMap:
    """Linear translator of full rank with an offset, trained with Adam and stopped early on held-out rows.

    Args:
        source: (n, d) unit rows of the space to translate from: a set, or `SpaceRows`.
        target: (n, d2) unit rows of the same texts in the same order.
        settings: loss, batch size, step size, held-out share, seed, device.
        groups: one value per row; rows with equal values are held out together.
        allow_degenerate: take fewer rows than source columns, or constant columns.
        progress: show a bar of epochs.

    Returns: AffineMap of kind "linear"; its settings hold the loss on held-out rows after every epoch.
    Raises: as `train_network`.
    """
    layers, found = train_network(
        rows := PairPass(source, target),
        (),
        settings or TrainingSettings(),
        groups=groups,
        allow_degenerate=allow_degenerate,
        label="linear",
        show_progress=progress,
    )
    return AffineMap(*layers[0], rows.source.space, rows.target.space, "linear", found)
