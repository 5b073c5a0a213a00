import math

import pytest
import torch

from matryo.losses import scores
from matryo.losses.cut import cut
from matryo.losses.scores import ERASED, Groups, PrefixScores, measure_side

DIMS = (2, 5, 6)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_inverse_lengths_of_prefixes() -> None:
    side = measure_side(torch.tensor([[3.0, 4.0, 12.0], [0.0, 0.0, 2.0], [0.0, 0.0, 0.0]]), (2, 3), torch.float32)
    assert side.unit[0].tolist() == pytest.approx([3 / 13, 4 / 13, 12 / 13])
    assert side.inverse[:, 0].tolist() == pytest.approx([13 / 5, 1.0])
    assert side.inverse[:, 1].tolist() == [0.0, 1.0]
    assert side.inverse[:, 2].tolist() == [0.0, 0.0]
    assert side.scale.tolist() == pytest.approx([1 / 13, 0.5, 0.0])


def test_a_prefix_that_is_rounding_noise_counts_as_zero() -> None:
    side = measure_side(torch.tensor([[1e-20, 1.0], [1e-10, 1.0]]), (1, 2), torch.float32)
    assert side.inverse[0].tolist() == [0.0, pytest.approx(1e10)]


@pytest.mark.parametrize("tile_rows", [1, 3, 100])
def test_logits_are_cosines_over_temperature_in_base_2(tile_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "MAX_ROWS", tile_rows)
    a, b, temperatures = random(7, 8), random(9, 8, seed=1), torch.tensor([0.5, 1.0, 2.0], dtype=torch.float64)
    positive = torch.tensor([3, 3, 0, 8, 1, 2, 5])
    sides = (measure_side(x, DIMS, torch.float64) for x in (a, b))
    tiles = PrefixScores(*sides, DIMS, temperatures, positive, None)
    seen = 0
    for rows in tiles.tiles():
        for level, logits, positive_logits, _ in tiles.of(rows):
            expected = cut(a, DIMS[level]) @ cut(b, DIMS[level]).T / temperatures[level] / math.log(2)
            own = torch.arange(7)[rows], positive[rows]
            assert torch.allclose(positive_logits, expected[own], atol=1e-12)
            expected[own] = ERASED
            assert torch.allclose(logits, expected[rows], atol=1e-12)
            seen += len(logits)
    assert seen == 7 * len(DIMS)


@pytest.mark.parametrize("n_groups", [1, 3, 40], ids=["as mask", "as mask still", "as positions"])
def test_equal_pairs_in_both_forms(n_groups: int) -> None:
    generator = torch.Generator().manual_seed(2)
    a = torch.randint(-n_groups, n_groups, (13,), generator=generator)
    b = torch.randint(-n_groups, n_groups, (17,), generator=generator)
    pairs = Groups.of(a, b).equal_pairs(slice(4, 11))
    assert (pairs.dtype == torch.bool) == (n_groups < 40)
    if pairs.dtype != torch.bool:
        pairs = torch.zeros(7 * 17, dtype=torch.bool).index_fill(0, pairs, True).view(7, 17)
    assert torch.equal(pairs, a[4:11, None] == b[None, :])


@pytest.mark.parametrize(
    ("margin", "form"), [(-1.1, torch.int64), (0.1, torch.bool), (2.0, torch.bool)], ids=["few", "many", "all"]
)
def test_pairs_that_are_too_similar_in_both_forms(margin: float, form: torch.dtype) -> None:
    a, b, positive = random(7, 6), random(9, 6, seed=1), torch.tensor([3, 3, 0, 8, 1, 2, 5])
    sides = (measure_side(x, DIMS, torch.float64) for x in (a, b))
    tiles = PrefixScores(*sides, DIMS, torch.ones(3, dtype=torch.float64), positive, None, margin)
    cosines = cut(a, 6) @ cut(b, 6).T
    expected = cosines > cosines.gather(1, positive[:, None]) - margin
    pairs = tiles._too_similar(slice(0, 7), torch.arange(7) * 9 + positive, margin)
    assert pairs.dtype == form
    if form != torch.bool:
        pairs = torch.zeros(63, dtype=torch.bool).index_fill(0, pairs, True).view(7, 9)
    assert torch.equal(pairs, expected)
    assert 0 < expected.sum() <= 63


def test_no_pair_is_equal() -> None:
    assert Groups.of(torch.arange(3), torch.arange(3, 9)).equal_pairs(slice(0, 3)).tolist() == []


@pytest.mark.parametrize(("n", "m", "n_dims"), [(8192, 8192, 4), (8192, 8192, 12), (100_000, 300_000, 4), (3, 5, 1)])
def test_tiles_stay_small(n: int, m: int, n_dims: int) -> None:
    """On the meta device nothing is allocated, so that sizes beyond this machine can be asked for."""
    dims = tuple(range(1, n_dims + 1))
    sides = (measure_side(torch.ones(rows, n_dims, device="meta"), dims, torch.float32) for rows in (n, m))
    tiles = PrefixScores(*sides, dims, torch.ones(n_dims, device="meta"), torch.zeros(n, dtype=torch.int64), None)
    assert tiles.tile_rows <= n
    assert tiles.tile_rows == min(n, scores.MIN_ROWS) or tiles.tile_rows * m * (n_dims + 2) <= scores.TILE["cpu"][1]
