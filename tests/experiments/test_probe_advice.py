"""What a cut wins, as numbers; the sentences about it are tested with the probe that makes them."""

from dataclasses import replace

from matryo.experiments.probe_advice import Savings, example_dim


def test_savings_are_worth_it_by_bytes_or_by_milliseconds() -> None:
    small = Savings(dim=192, width=384, n=5_000, full_ms=1.0, cut_ms=0.5)
    assert small.bytes_per_vector == 768 and not small.worth
    assert small.n_worth == 130_209
    assert replace(small, n=130_209).worth and not replace(small, n=130_208).worth
    assert replace(small, full_ms=6.0).worth
    assert replace(small, full_ms=None).saved_ms == 0.0


def test_example_dim_is_near_half_the_width() -> None:
    assert example_dim((4, 8, 16)) == 8
    assert example_dim((4, 16)) == 4
