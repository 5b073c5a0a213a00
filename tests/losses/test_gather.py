"""Two processes against one that holds the whole batch. Run as a script, this file is one of the two processes."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch import distributed as dist

from matryo.errors import ShapeError
from matryo.losses import gather_ids, gather_rows, nested_info_nce

DIMS = (2, 4)
SPLITS = {"equal": (4, 4), "different": (5, 3)}
EXTRA = 2  # rows of b per process that are nobody's positive, as mined negatives are


def batch(split: tuple[int, int]) -> list[dict[str, Tensor]]:
    """What each process gets: queries, documents and ids; the same in all processes."""
    generator = torch.Generator().manual_seed(1)
    return [
        {
            "a": torch.randn(n, 6, generator=generator, dtype=torch.float64),
            "b": torch.randn(n + EXTRA, 6, generator=generator, dtype=torch.float64),
            "ids": torch.randint(3, (n + EXTRA,), generator=generator),
        }
        for n in split
    ]


def parameter() -> Tensor:
    """A linear model that embeds both sides."""
    return torch.randn(6, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64).requires_grad_()


def loss(a: Tensor, b: Tensor, offset: int, ids_a: Tensor, ids_b: Tensor) -> Tensor:
    """Of some rows of a against all rows of b."""
    positive = offset + torch.arange(len(a))
    return nested_info_nce(a, b, DIMS, positive=positive, groups_a=ids_a, groups_b=ids_b, margin=0.5).total


def one_rank(rank: int, folder: Path) -> None:
    """What one of the two processes does; its results are left in a file."""
    dist.init_process_group("gloo", init_method=(folder / "store").as_uri(), rank=rank, world_size=2)
    found: dict[str, Any] = {}
    for name, split in SPLITS.items():
        own, weight = batch(split)[rank], parameter()
        rows, offset = gather_rows(own["b"] @ weight)
        ids = gather_ids(own["ids"])
        loss(own["a"] @ weight, rows, offset, own["ids"][: len(own["a"])], ids).backward()
        assert weight.grad is not None
        dist.all_reduce(weight.grad)
        found[name] = {"rows": rows.detach(), "offset": offset, "ids": ids, "gradient": weight.grad / 2}
    try:
        gather_rows(torch.ones(2, 3 + rank))
    except ShapeError as error:
        found["widths"] = str(error)
    try:
        gather_rows(torch.ones(2, 3, dtype=(torch.float32, torch.float64)[rank]))
    except ShapeError as error:
        found["dtypes"] = str(error)
    torch.save(found, folder / f"rank-{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Results of both processes."""
    folder = tmp_path_factory.mktemp("ranks")
    processes = [subprocess.Popen([sys.executable, __file__, str(rank), str(folder)]) for rank in range(2)]
    try:
        assert [process.wait(timeout=120) for process in processes] == [0, 0]
    finally:
        for process in processes:
            process.kill()
    return [torch.load(folder / f"rank-{rank}.pt") for rank in range(2)]


@pytest.mark.parametrize("name", SPLITS)
def test_rows_and_ids_stand_in_rank_order(ranks: list[dict[str, Any]], name: str) -> None:
    whole = batch(SPLITS[name])
    rows = torch.cat([part["b"] @ parameter().detach() for part in whole])
    for rank, offset in enumerate((0, SPLITS[name][0] + EXTRA)):
        assert torch.allclose(ranks[rank][name]["rows"], rows)
        assert torch.equal(ranks[rank][name]["ids"], torch.cat([part["ids"] for part in whole]))
        assert ranks[rank][name]["offset"] == offset


def losses_of_one_process(name: str, weight: Tensor) -> tuple[list[Tensor], Tensor]:
    """Losses of both shares of the batch against all documents, and the loss of the whole batch."""
    whole = batch(SPLITS[name])
    b, ids = torch.cat([part["b"] for part in whole]) @ weight, torch.cat([part["ids"] for part in whole])
    offsets = (0, len(whole[0]["b"]))
    shares = [
        loss(part["a"] @ weight, b, offset, part["ids"][: len(part["a"])], ids)
        for part, offset in zip(whole, offsets, strict=True)
    ]
    positive = torch.cat([offset + torch.arange(len(p["a"])) for p, offset in zip(whole, offsets, strict=True)])
    ids_a = torch.cat([part["ids"][: len(part["a"])] for part in whole])
    a = torch.cat([part["a"] for part in whole]) @ weight
    return shares, nested_info_nce(a, b, DIMS, positive=positive, groups_a=ids_a, groups_b=ids, margin=0.5).total


def test_gradient_is_that_of_one_process_with_the_whole_batch(ranks: list[dict[str, Any]]) -> None:
    weight = parameter()
    losses_of_one_process("equal", weight)[1].backward()
    assert weight.grad is not None
    assert weight.grad.norm() > 0.1
    for rank in ranks:
        assert torch.allclose(rank["equal"]["gradient"], weight.grad, rtol=1e-10, atol=1e-12)


def test_processes_weigh_the_same_when_their_rows_differ(ranks: list[dict[str, Any]]) -> None:
    weight, other = parameter(), parameter()
    shares, _ = losses_of_one_process("different", weight)
    (torch.stack(shares).sum() / 2).backward()
    losses_of_one_process("different", other)[1].backward()
    assert weight.grad is not None
    assert other.grad is not None
    for rank in ranks:
        assert torch.allclose(rank["different"]["gradient"], weight.grad, rtol=1e-10, atol=1e-12)
        assert not torch.allclose(rank["different"]["gradient"], other.grad, rtol=1e-2)


def test_what_does_not_fit_is_refused_in_every_process(ranks: list[dict[str, Any]]) -> None:
    for rank in ranks:
        assert "same width and dtype in every process, got 3 x torch.float32, 4 x torch.float32" in rank["widths"]
        assert "got 3 x torch.float32, 3 x torch.float64" in rank["dtypes"]


def test_one_process_alone_gets_what_it_gives() -> None:
    x, ids = torch.ones(2, 3).requires_grad_(), torch.tensor([4, 5])
    assert gather_rows(x) == (x, 0)
    assert gather_ids(ids) is ids


def test_bad_input() -> None:
    with pytest.raises(ShapeError, match="rows must be a float tensor"):
        gather_rows(torch.ones(3))
    for ids in (torch.ones(3), torch.ones(3, 1, dtype=torch.int64), [1, 2]):
        with pytest.raises(ShapeError, match="ids must be an int64 tensor"):
            gather_ids(ids)  # type: ignore[arg-type]  # the point of the test


if __name__ == "__main__":
    one_rank(int(sys.argv[1]), Path(sys.argv[2]))
