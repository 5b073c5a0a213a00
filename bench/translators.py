"""Translators between two made spaces: seconds to fit and to measure each kind, beside scikit-learn and numpy.

    python bench/translators.py                               # 4,000 pairs, 384 -> 384
    python bench/translators.py --kinds ridge "mlp1 8x" --rounds 1

Fits by gradients run a few epochs only, since seconds per epoch are what is compared; a real fit takes up to 20. The
native side is measured once, as a study of several translators does. Peers: scikit-learn's MLPRegressor with the same
hidden layers, batches and optimiser, float32 too, one epoch of each; and numpy's lstsq with a column of ones for linear
maps, beside our whole call, which for ridge chooses among 12 penalties in 5 folds. Ours and theirs take turns; times
are medians over the rounds, of whole calls; what only a first call pays is paid before.
"""

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from machine import installed, print_header
from matryo.evaluation.translation import Rows, TranslationSettings, measure_native, measure_translation
from matryo.maps import (
    LoopSettings,
    SpaceRows,
    TrainingSettings,
    fit_linear,
    fit_mlp,
    fit_procrustes,
    fit_ridge,
)
from matryo.maps.mlp import hidden_width
from matryo.prefix import unit_rows
from matryo.space import Space

KINDS = ("linear", "ridge", "procrustes", "mlp1 1x", "mlp1 8x", "mlp1 32x", "mlp2 1x", "mlp2 8x")
CLOSED = ("ridge", "procrustes")
N_HELD = 1_000
BATCH = 256


def made_pair(n_rows: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two views of the same hidden numbers, rows of length 1; the second is bent a little, which layers are for."""
    rng = np.random.default_rng(0)
    falling = (1.0 + np.arange(width)) ** -0.8
    hidden = rng.standard_normal((n_rows, width)) * falling
    views = []
    for bend in (0.0, 0.5):
        turn, mean = np.linalg.qr(rng.standard_normal((width, width)))[0], 0.3 * falling * rng.standard_normal(width)
        noisy = hidden + bend * np.abs(hidden) + 0.3 * falling * rng.standard_normal(hidden.shape) + mean
        views.append(unit_rows((noisy @ turn).astype(np.float32)))
    return views[0], views[1]


def fit_of(kind: str, sides: tuple[SpaceRows, SpaceRows], epochs: int) -> Callable[[], Any]:
    """A call that fits one kind of translator."""
    if kind in CLOSED:
        return lambda: {"ridge": fit_ridge, "procrustes": fit_procrustes}[kind](*sides)
    loop = LoopSettings(BATCH, 3e-3 if kind == "linear" else 1e-3, max_epochs=epochs, patience=epochs)
    settings = TrainingSettings(loop=loop)
    if kind == "linear":
        return lambda: fit_linear(*sides, settings=settings)
    name, hidden = kind.split()
    return lambda: fit_mlp(*sides, n_hidden=int(name[-1]), hidden=hidden, settings=settings)


def peer_of(kind: str, x: np.ndarray, y: np.ndarray) -> tuple[str, Callable[[], Any]]:
    """What others fit of this kind: its name, and a call."""
    if kind in ("linear", *CLOSED):
        return "numpy lstsq", lambda: np.linalg.lstsq(np.column_stack([x, np.ones(len(x), x.dtype)]), y)
    # of the bench only: nothing else here needs it
    from sklearn.neural_network import MLPRegressor

    name, hidden = kind.split()
    layers = (hidden_width(hidden, x.shape[1], y.shape[1]),) * int(name[-1])
    peer = MLPRegressor(hidden_layer_sizes=layers, batch_size=BATCH, max_iter=1, random_state=0)
    return "MLPRegressor, 1 epoch", lambda: peer.fit(x, y)


def seconds_of(call: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that a call takes, and what it returns."""
    started = time.perf_counter()
    found = call()
    return time.perf_counter() - started, found


def main() -> None:
    """Fit and measure every kind, print one line each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--epochs", type=int, default=3, help="of ours; the table gives seconds per epoch")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=KINDS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    warnings.filterwarnings("ignore", message="Stochastic Optimizer: Maximum iterations")
    print_header(precision="see each line")
    print(f"scikit-learn {installed('scikit-learn')}; NumPy takes as many threads as OMP_NUM_THREADS says")
    x, y = made_pair(options.rows + N_HELD, options.width)
    rows = options.rows
    sides = SpaceRows(x[:rows], Space("source", options.width)), SpaceRows(y[:rows], Space("target", options.width))
    held = Rows(x[rows:], y[rows:], y[:rows].mean(axis=0), tuple(map(str, range(N_HELD))))
    settings = TranslationSettings(
        dims=tuple(options.width // part for part in (8, 4, 2)), max_rows=N_HELD, n_permutations=50, n_draws=1_000
    )
    for precision in ("fp32", "bf16"):
        fit_mlp(*sides, settings=TrainingSettings(loop=LoopSettings(BATCH, max_epochs=1), precision=precision))
    native_s, native = seconds_of(lambda: measure_native(held, settings))
    print(
        f"{rows:,} pairs, {N_HELD:,} held out, {options.width} numbers; native side measured in {native_s:.2f} s, once"
    )
    print("kind        precision     fit s  s/epoch  measure s     R2  peer                    peer s  ours / peer")
    for kind in options.kinds:
        fits, firsts, peers, measures = [], [], [], []
        name, peer = peer_of(kind, x[:rows], y[:rows])
        for _ in range(options.rounds):
            firsts.append(seconds_of(fit_of(kind, sides, 1))[0])
            peers.append(seconds_of(peer)[0])
            took, fitted = seconds_of(fit_of(kind, sides, options.epochs))
            fits.append(took)
            took, measured = seconds_of(lambda fitted=fitted: measure_translation(fitted, held, settings, native))
            measures.append(took)
        fit_s, first_s, peer_s, measure_s = map(statistics.median, (fits, firsts, peers, measures))
        (r2,) = [one.found.value for one in measured.values if (one.row, one.measure) == ("translated", "R2")]
        per_epoch = "      -" if kind in CLOSED else f"{fit_s / options.epochs:7.2f}"
        ours = first_s if kind.startswith("mlp") else fit_s
        print(
            f"{kind:<11} {fitted.settings.get('precision', 'fp64'):<9} {fit_s:9.2f}  {per_epoch} {measure_s:10.2f} "
            f"{r2:6.3f}  {name:<23} {peer_s:6.2f} {ours / peer_s:12.2f}"
        )


if __name__ == "__main__":
    main()
