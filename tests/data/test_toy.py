"""The toy task."""

from pathlib import Path

from matryo.data.processed import read_processed
from matryo.data.toy import toy, write_toy


def test_counts_of_the_layout() -> None:
    made = toy()
    assert len(made.dev.documents) == 200
    assert (len(made.train.queries), len(made.dev.queries)) == (64, 32)
    for task in (made.train, made.dev):
        assert [len(grades) for grades in task.judgements.values()] == [1] * len(task.queries)
    asked = [d for task in (made.train, made.dev) for grades in task.judgements.values() for d in grades]
    assert len(set(asked)) == 96


def test_seeded() -> None:
    assert toy(1).dev.documents.digest() == toy(1).dev.documents.digest() != toy(2).dev.documents.digest()
    assert toy(1).dev.queries.digest() != toy(2).dev.queries.digest()


def test_words_match_but_not_perfectly() -> None:
    task = toy().dev
    passages = {d.id: set(d.text.split()) for d in task.documents}
    first = 0
    for query in task.queries:
        words = set(query.text.split())
        (relevant,) = task.judgements[query.id]
        overlap = {id: len(words & passage) for id, passage in passages.items()}
        assert overlap[relevant] == 2
        first += overlap[relevant] == max(overlap.values())
    assert 0.1 < first / len(task.queries) < 0.9


def test_written_in_the_processed_layout(tmp_path: Path) -> None:
    write_toy(tmp_path, seed=3)
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "passages.jsonl",
        "qrels_dev.tsv",
        "qrels_train.tsv",
        "queries_dev.jsonl",
        "queries_train.jsonl",
    ]
    assert read_processed(tmp_path).judgements == toy(3).dev.judgements
    assert read_processed(tmp_path, "train").queries.digest() == toy(3).train.queries.digest()
