"""What is written as pairs is read as the same pairs."""

from pathlib import Path

from matryo.data import Pair, Pairs, read_pairs
from matryo.data.pair_lines import write_pairs


def test_written_pairs_are_read_back(tmp_path: Path) -> None:
    pairs = Pairs("p", (Pair("a", 'up "quoted"', "north\nwind\t—", "g1"), Pair("b", "down", "south", "g2")))
    write_pairs(pairs, tmp_path / "pairs.jsonl")
    found = read_pairs(tmp_path / "pairs.jsonl", group="group").pairs
    assert [(p.query, p.document, p.group) for p in found] == [(p.query, p.document, p.group) for p in pairs.pairs]
