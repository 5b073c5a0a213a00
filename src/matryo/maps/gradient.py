"""Training of translators by gradients: mini-batches gathered from the sets, stopped early on held-out rows."""

from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from matryo.errors import MatryoError
from matryo.maps.folds import Groups, held_out_rows
from matryo.maps.layers import Layer
from matryo.maps.matrices import LoopSettings, train
from matryo.maps.pairs import PairPass
from matryo.maps.precision import PrecisionName, training_precision
from matryo.maps.training_rows import Spread, TrainingRows
from matryo.maps.translation_losses import LossName, translation_loss
from matryo.progress import progress


@dataclass(frozen=True)
class TrainingSettings:
    """How a translator is trained by gradients.

    Attributes:
        loss: "mse", "cosine" or "relational".
        loop: batch size, step size, when to stop; None for what did best on MiniLM toward wordllama: batches of 256, at
            most 20 epochs, stopped after 3 without gain, steps of 0.003 without hidden layers and of 0.001 with them.
        held_out: share of the rows, or groups, that are kept back to stop on.
        seed: of the held-out rows, the first weights and the shuffling.
        device: "auto" (a GPU if there is one), "cpu", "cuda", "cuda:1" ...
        precision: what matrix products are made in: "fp32", "bf16", or "auto", see `training_precision`. Weights and
            Adam's state are float32 in any case, and the losses that decide when to stop are measured in float32.
    """

    loss: LossName = "mse"
    loop: LoopSettings | None = None
    held_out: float = 0.1
    seed: int = 0
    device: str = "auto"
    precision: PrecisionName = "auto"


class Network(nn.Module):
    """Affine layers with max(0, x) in between, between a centring of the source and the target's mean.

    The numbers around the layers are fixed: unit rows hold numbers of the size 1 / sqrt(width) around a mean that is
    often longer than what varies, which first weights of the usual size are not made for.
    """

    def __init__(self, widths: tuple[int, ...], source: Spread, target: Spread) -> None:
        """Draw first weights from torch's generator; `widths` from the source's to the target's."""
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.x_mean: Tensor
        self.y_mean: Tensor
        self.register_buffer("x_mean", torch.from_numpy(source.mean).float())
        self.register_buffer("y_mean", torch.from_numpy(target.mean).float())
        self.x_size, self.y_size = source.size, target.size

    def forward(self, x: Tensor) -> Tensor:
        """Translate rows, not scaled to length 1."""
        x = (x - self.x_mean) / self.x_size
        for number, layer in enumerate(self.layers):
            x = layer(x.relu() if number else x)
        return self.y_mean + self.y_size * x.float()

    def folded(self) -> tuple[Layer, ...]:
        """The same function as layers alone."""
        linear = [layer for layer in self.layers if isinstance(layer, nn.Linear)]
        last = len(linear) - 1
        return tuple(self._folded(layer, first=i == 0, last=i == last) for i, layer in enumerate(linear))

    def _folded(self, layer: nn.Linear, *, first: bool, last: bool) -> Layer:
        matrix, offset = (part.detach().cpu().numpy().T for part in (layer.weight, layer.bias))
        # only the outer layers change: those between may be so large that copies of them matter
        if first or last:
            matrix, offset = matrix.astype(np.float64), offset.astype(np.float64)
        if first:
            matrix = matrix / self.x_size
            offset = offset - self.x_mean.cpu().double().numpy() @ matrix
        if last:
            matrix, offset = matrix * self.y_size, offset * self.y_size + self.y_mean.cpu().double().numpy()
        return Layer(*(np.array(part, dtype=np.float32, order="C") for part in (matrix, offset)))


def train_network(
    rows: PairPass,
    hidden: tuple[int, ...],
    settings: TrainingSettings,
    *,
    groups: Groups | None,
    allow_degenerate: bool,
    label: str,
    show_progress: bool,
) -> tuple[tuple[Layer, ...], dict[str, Any]]:
    """Train a network toward the target rows and keep the state that is best on the held-out ones.

    Args:
        rows: both sides, joined.
        hidden: widths of the hidden layers, () for none.
        settings: loss, loop, held-out share, seed, device, precision.
        groups: one value per row; rows with equal values are held out together.
        allow_degenerate: take fewer rows than source columns, or constant columns.
        label: of the progress bar.
        show_progress: show a bar of epochs.

    Returns: the layers, and what the training found.
    Raises: as `fit_ridge`; MatryoError too for fewer training rows than one batch, a loss that is not finite, a
        device that is not there, or an unknown precision.
    """
    loop = settings.loop or LoopSettings(256, 1e-3 if hidden else 3e-3, max_epochs=20, patience=3)
    device = torch_device(settings.device)
    precision = training_precision(settings.precision, hidden, device)
    held = held_out_rows(rows.source.n_rows, settings.held_out, groups=groups, seed=settings.seed)
    data = TrainingRows(rows, ~held, device)
    facts = rows.check_decided(allow_degenerate)
    trained, kept_back = np.flatnonzero(~held), np.flatnonzero(held)
    if settings.loss == "relational" and min(len(kept_back), loop.batch_size) < 2:
        raise MatryoError(
            f"the relational loss compares pairs of rows, got {len(kept_back)} held-out rows and batches of "
            f"{loop.batch_size}; hold out and batch at least 2"
        )
    loss = translation_loss(settings.loss, max(float(data.target.variance.sum()), 1e-12))
    widths = (rows.source.width, *hidden, rows.target.width)
    # a generator of its own: the caller's stays where it is
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        network = Network(widths, data.source, data.target).to(device)

    def training_loss(batch: Tensor) -> Tensor:
        x, y = data.take(trained[batch.numpy()])
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            predicted = network(x)
        return loss(predicted, y)

    step = loop.batch_size
    with progress(label, loop.max_epochs, "epochs", shown=show_progress) as advance:
        n_finished = iter([0])  # the first look comes before the first epoch

        def held_out_loss() -> float:
            parts = [kept_back[start : start + step] for start in range(0, len(kept_back), step)]
            # a single row has no pairs: it goes with the part before
            if len(parts) > 1 and len(parts[-1]) == 1:
                parts[-2:] = [np.concatenate(parts[-2:])]
            with torch.no_grad():
                losses = [loss(network(x), y).item() for x, y in map(data.take, parts)]
            advance(next(n_finished, 1))
            return float(np.average(losses, weights=[len(part) for part in parts]))

        history = train(
            network,
            training_loss,
            held_out_loss,
            len(trained),
            loop,
            settings.seed,
            fused=True,
        )
    found = {
        **facts,
        **asdict(replace(settings, loop=loop, precision=precision)),
        "grouped": groups is not None,
        "n_held_out": len(kept_back),
        "held_out_loss": [round(v, 6) for v in history.validation],
        "kept_epoch": history.kept_epoch,
        "device": device.type,
    }
    return network.folded(), found


def torch_device(name: str) -> torch.device:
    """A device by name, "auto" for a GPU if there is one.

    Raises: MatryoError if torch does not know it or it is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
        torch.empty(1, device=found)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise MatryoError(f"device {name!r} cannot be used ({first}); pass auto, cpu or a GPU that is there") from None
    return found
