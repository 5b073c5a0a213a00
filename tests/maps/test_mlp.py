"""Trained translators: what they learn, that layers equal the network, seeds, losses, devices, early stopping."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from matryo.errors import MatryoError, ShapeError
from matryo.maps import LoopSettings, MlpMap, SpaceRows, TrainingSettings, fit_linear, fit_mlp, fit_ridge
from matryo.maps import precision as precision_module
from matryo.maps.gradient import Network, torch_device
from matryo.maps.layers import Layer
from matryo.maps.precision import training_precision
from matryo.maps.training_rows import Spread
from matryo.maps.translation_losses import cosine_loss, relational_loss, squared_error, translation_loss
from matryo.prefix import unit_rows
from matryo.space import Space

QUICK = TrainingSettings(loop=LoopSettings(32, 1e-2, max_epochs=12, patience=12))


def r2(fitted, pair) -> float:
    return 1.0 - float(((fitted.raw(pair.x) - pair.y) ** 2).sum() / ((pair.y - pair.y.mean(axis=0)) ** 2).sum())


def test_the_linear_layer_comes_close_to_its_closed_form(pair, other_pair) -> None:
    patient = TrainingSettings(loop=LoopSettings(32, 3e-2, max_epochs=40, patience=40))
    trained, solved = fit_linear(pair.source, pair.target, settings=patient), fit_ridge(pair.source, pair.target)
    assert r2(trained, other_pair) > r2(solved, other_pair) - 0.02
    assert r2(solved, other_pair) > 0.6


def test_hidden_layers_learn_what_no_linear_map_can(rng) -> None:
    x = unit_rows(rng.normal(size=(1500, 4)).astype(np.float32))
    y = unit_rows(np.abs(x).astype(np.float32))
    sides = SpaceRows(x, Space("a", 4)), SpaceRows(y, Space("b", 4))
    fitted = {n: fit_mlp(*sides, n_hidden=n, hidden="8x", settings=QUICK) for n in (1, 2)}
    errors = {n: float(((m.raw(x) - y) ** 2).sum(axis=1).mean()) for n, m in fitted.items()}
    linear = float(((fit_ridge(*sides).raw(x) - y) ** 2).sum(axis=1).mean())
    assert max(errors.values()) < 0.2 * linear
    assert [layer.matrix.shape for layer in fitted[2].layers] == [(4, 32), (32, 32), (32, 4)]
    assert fitted[2].kind == "mlp2 8x" and fitted[2].settings["hidden_width"] == 32


def test_bf16_products_learn_what_float32_learns(pair, other_pair) -> None:
    fits = {
        p: fit_mlp(pair.source, pair.target, settings=replace(QUICK, precision=p)) for p in ("fp32", "bf16", "auto")
    }
    assert {p: fitted.settings["precision"] for p, fitted in fits.items()} == {
        "fp32": "fp32", "bf16": "bf16", "auto": "fp32"
    }  # fmt: skip
    assert fits["auto"].digest == fits["fp32"].digest != fits["bf16"].digest
    assert r2(fits["bf16"], other_pair) == pytest.approx(r2(fits["fp32"], other_pair), abs=0.02)
    # weights stay float32: rounded to bf16 they would have 16 empty bits each
    assert (fits["bf16"].layers[0].matrix.view(np.uint32) & 0xFFFF).any()


def test_wide_layers_are_multiplied_in_bf16_where_the_hardware_does(monkeypatch) -> None:
    cpu = torch.device("cpu")
    for has, expected in ((True, "bf16"), (False, "fp32")):
        monkeypatch.setattr(precision_module, "multiplies_bf16", lambda device, has=has: has)
        assert training_precision("auto", (1024, 64), cpu) == expected
        assert training_precision("auto", (1023,), cpu) == training_precision("auto", (), cpu) == "fp32"
        assert training_precision("bf16", (), cpu) == "bf16"
    with pytest.raises(MatryoError, match="precision must be one of auto, fp32, bf16, got 'half'"):
        training_precision("half", (8,), cpu)


@pytest.mark.parametrize("fit", [fit_linear, fit_mlp])
def test_rows_in_memory_and_gathered_rows_make_the_same_map(pair, monkeypatch, fit) -> None:
    short = replace(QUICK, loop=replace(QUICK.loop, max_epochs=2))
    held = fit(pair.source, pair.target, settings=short)
    monkeypatch.setattr("matryo.maps.training_rows._MOST_BYTES", 0)
    assert fit(pair.source, pair.target, settings=short).digest == held.digest


def test_folded_layers_are_the_network(rng) -> None:
    spreads = [Spread(rng.normal(size=d), rng.random(size=d) + 0.1) for d in (6, 5)]
    torch.manual_seed(0)
    network = Network((6, 7, 9, 5), *spreads)
    fitted = MlpMap(network.folded(), Space("a", 6), Space("b", 5), "mlp2 1x")
    x = rng.normal(size=(5000, 6)).astype(np.float32)
    with torch.no_grad():
        expected = network(torch.from_numpy(x)).numpy()
    assert np.abs(fitted.raw(x) - expected).max() < 1e-4


def test_the_seed_decides_everything_and_leaves_the_generator_alone(pair) -> None:
    torch.manual_seed(5)
    short = replace(QUICK, loop=replace(QUICK.loop, max_epochs=2))
    fits = [fit_mlp(pair.source, pair.target, settings=replace(short, seed=1))]
    torch.manual_seed(6)
    before = torch.get_rng_state()
    fits += [fit_mlp(pair.source, pair.target, settings=replace(short, seed=s)) for s in (1, 2)]
    assert fits[0].digest == fits[1].digest != fits[2].digest
    assert (torch.get_rng_state() == before).all()


def test_the_best_epoch_on_held_out_rows_is_kept(pair) -> None:
    wild = replace(QUICK, loop=LoopSettings(32, 0.5, max_epochs=6, patience=2))
    found = fit_mlp(pair.source, pair.target, settings=wild).settings
    losses = found["held_out_loss"]
    assert losses.index(min(losses)) == found["kept_epoch"] and found["n_held_out"] == 40
    assert len(losses) <= 7


def test_rows_of_one_group_are_held_out_together(pair) -> None:
    short = replace(QUICK, held_out=0.5, loop=replace(QUICK.loop, max_epochs=1))
    found = fit_linear(pair.source, pair.target, settings=short, groups=np.arange(400) < 100).settings
    assert found["n_held_out"] in (100, 300) and found["grouped"]


@pytest.mark.parametrize("name", ["cosine", "relational"])
def test_other_losses_are_brought_down(pair, other_pair, name: str) -> None:
    chosen = replace(QUICK, loss=name, loop=replace(QUICK.loop, learning_rate=3e-2))
    fitted = fit_linear(pair.source, pair.target, settings=chosen)
    losses = fitted.settings["held_out_loss"]
    assert min(losses) < 0.7 * losses[0]
    assert float((fitted.apply(other_pair.x) * other_pair.y).sum(axis=1).mean()) > 0.9


def test_losses_by_hand() -> None:
    a, b = torch.tensor([[3.0, 4.0], [1.0, 0.0]]), torch.tensor([[0.6, 0.8], [0.0, 1.0]])
    assert squared_error(a, b).item() == pytest.approx((2.4**2 + 3.2**2 + 2.0) / 2)
    assert translation_loss("mse", 2.0)(a, b).item() == pytest.approx(squared_error(a, b).item() / 2)
    assert cosine_loss(a, b).item() == pytest.approx(0.5)
    c = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    # similarities of c: 0, .6, .8 off the diagonal; of three equal rows: 1, 1, 1
    spread = np.var([0.0, 0.6, 0.8])
    wanted = (1.0 + 0.16 + 0.04) / 3 / spread
    equal = torch.tensor([[1.0, 0.0]] * 3)
    assert relational_loss(equal, c).item() == pytest.approx(cosine_loss(equal, c).item() + wanted, rel=1e-5)
    assert relational_loss(5.0 * c, c).item() == pytest.approx(0.0, abs=1e-6)


def test_what_cannot_be_trained_is_refused(pair) -> None:
    with pytest.raises(MatryoError, match="1 or 2 hidden layers, got 3"):
        fit_mlp(pair.source, pair.target, n_hidden=3)
    for bad in ("x", "0x", "8", "1.5x", 8):
        with pytest.raises(MatryoError, match="multiple of full rank"):
            fit_mlp(pair.source, pair.target, hidden=bad)
    with pytest.raises(MatryoError, match="mse, cosine, relational, got 'l1'"):
        fit_linear(pair.source, pair.target, settings=replace(QUICK, loss="l1"))
    lonely = replace(QUICK, loss="relational", held_out=0.001)
    with pytest.raises(MatryoError, match="compares pairs of rows, got 1 held-out rows"):
        fit_linear(pair.source, pair.target, settings=lonely)
    with pytest.raises(MatryoError, match="at least one batch of 256 pairs, got 90"):
        fit_linear(pair.source.chosen(np.arange(100)), pair.target.chosen(np.arange(100)))
    with pytest.raises(MatryoError, match="needs more rows"):
        fit_linear(pair.source.chosen(np.arange(9)), pair.target.chosen(np.arange(9)), settings=QUICK)
    with pytest.raises(MatryoError, match="device 'abacus'"):
        torch_device("abacus")


def test_layers_that_do_not_follow_each_other_are_refused() -> None:
    def layer(a: int, b: int) -> Layer:
        return Layer(np.ones((a, b), np.float32), np.ones(b, np.float32))

    with pytest.raises(ShapeError, match="5 outputs is followed by one of 6 inputs"):
        MlpMap((layer(4, 5), layer(6, 3)), Space("a", 4), Space("b", 3), "mlp1 1x")
    with pytest.raises(ShapeError, match="two layers or more and reads 4 numbers"):
        MlpMap((layer(4, 3),), Space("a", 4), Space("b", 3), "mlp1 1x")


def test_progress_is_shown_when_asked(pair, capsys, monkeypatch) -> None:
    monkeypatch.setattr("matryo.progress._SECONDS_BETWEEN_LINES", 0.0)
    short = replace(QUICK, loop=replace(QUICK.loop, max_epochs=2))
    fit_mlp(pair.source, pair.target, settings=short, progress=True)
    assert "mlp1 1x: 2 of 2" in capsys.readouterr().err
    fit_mlp(pair.source, pair.target, settings=short)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_a_gpu_finds_what_the_cpu_finds(pair, other_pair) -> None:
    fits = [fit_mlp(pair.source, pair.target, settings=replace(QUICK, device=d)) for d in ("cpu", "auto")]
    assert fits[1].settings["device"] == "cuda"
    assert r2(fits[0], other_pair) == pytest.approx(r2(fits[1], other_pair), abs=0.02)
