"""What is written as pairs is read as the same pairs."""

from pathlib import Path

from matryo.data import Pair, Pairs, read_pairs, write_pairs


def test_written_pairs_are_read_back(tmp_path: Path) -> None:
    pairs = Pairs("pairs", (Pair("m:a", 'up "quoted"', "north\nwind\t—", "g1"), Pair("m:b", "down", "south", "g2")))
    write_pairs(pairs, tmp_path / "pairs.jsonl")
    assert read_pairs(tmp_path / "pairs.jsonl") == pairs
