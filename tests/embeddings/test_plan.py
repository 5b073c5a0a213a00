import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matryo.embeddings.plan import Plan, block_edges, check_plan, read_plan, row_ranges, write_plan
from matryo.errors import FormatError, MatryoError
from matryo.space import Space

PLAN = Plan(
    input_digest="d",
    n_rows=5,
    shard_rows=2,
    space=Space.declared("a", 70),
    role="query",
    prompt="query: ",
    batch_rule="one by one",
    dtype="float16",
    keep_texts=True,
    edges=block_edges(70),
)


@pytest.mark.parametrize(
    ("width", "edges"),
    [
        (1, (0, 1)),
        (32, (0, 32)),
        (33, (0, 32, 33)),
        (384, (0, 32, 64, 128, 256, 384)),
        (768, (0, 32, 64, 128, 256, 512, 768)),
        (1100, (0, 32, 64, 128, 256, 512, 768, 1024, 1100)),
    ],
)
def test_edges_are_fine_first_and_then_every_256(width: int, edges: tuple[int, ...]) -> None:
    assert block_edges(width) == edges


@given(st.integers(0, 50), st.integers(1, 60))
def test_ranges_hold_every_row_once_and_are_never_empty(n_rows: int, shard_rows: int) -> None:
    ranges = row_ranges(n_rows, shard_rows)
    assert [row for first, last in ranges for row in range(first, last)] == list(range(n_rows))
    assert all(0 < last - first <= shard_rows for first, last in ranges)


def test_a_plan_comes_back_as_written(tmp_path: Path) -> None:
    assert not check_plan(tmp_path, PLAN)
    write_plan(tmp_path, PLAN)
    assert read_plan(tmp_path) == PLAN
    assert check_plan(tmp_path, PLAN)
    stored = json.loads((tmp_path / "plan.json").read_text())
    assert stored["shards"] == [[0, 2], [2, 4], [4, 5]]
    assert stored["space_id"] == PLAN.space.id


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "float32"}, "dtype is 'float16' there and 'float32' here"),
        ({"prompt": ""}, "prompt is 'query: ' there and '' here"),
        ({"input_digest": "e"}, "input_digest is 'd' there and 'e' here"),
        ({"shard_rows": 3}, "shard_rows is 2 there and 3 here"),
        ({"space": Space.declared("b", 70)}, "space_id is"),
    ],
)
def test_another_plan_is_refused_with_what_differs(tmp_path: Path, change: dict[str, object], words: str) -> None:
    write_plan(tmp_path, PLAN)
    with pytest.raises(MatryoError, match="use another folder or delete") as caught:
        check_plan(tmp_path, replace(PLAN, **change))  # type: ignore[arg-type]  # fields of several types
    assert words in str(caught.value)


def test_parts_of_a_set_without_its_plan_are_not_touched(tmp_path: Path) -> None:
    (tmp_path / "shard-00000.parquet").write_bytes(b"")
    with pytest.raises(MatryoError, match=r"shard-00000\.parquet but no plan\.json"):
        check_plan(tmp_path, PLAN)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "format 2, this version reads 1"),
        ({"colour": "red"}, "unknown: ['colour']"),
        ({"prompt": None}, "wrong type: ['prompt']"),
        ({"n_rows": 6}, "contradicts itself in shards"),
        ({"space_id": "0"}, "contradicts itself in space_id"),
        ({"edges": [0, 64]}, "edges must rise from 0 to 70"),
        ({"edges": [0, "32", 70]}, "edges"),
        ({"space": {"weights": "a"}}, "stored space"),
        ({"role": "title"}, "role must be"),
    ],
)
def test_a_stored_plan_that_cannot_be_followed(tmp_path: Path, change: dict[str, object], words: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({**PLAN.to_json(), **change}))
    with pytest.raises(FormatError) as caught:
        read_plan(tmp_path)
    assert words in str(caught.value) and "plan.json" in str(caught.value)


@pytest.mark.parametrize("change", [{"dtype": "int8"}, {"role": "x"}, {"shard_rows": 0}, {"edges": (0, 70, 60)}])
def test_what_no_set_can_have(change: dict[str, object]) -> None:
    with pytest.raises(MatryoError, match=next(iter(change))):
        replace(PLAN, **change)  # type: ignore[arg-type]  # fields of several types
