"""Texts of a run: three parts without a common query, small validation, one key for one content."""

import json
from pathlib import Path

import pytest

from matryo.data import Pair, Pairs, Retrieval, write_beir, write_pairs, write_toy
from matryo.data.toy import toy
from matryo.errors import FormatError, MatryoError
from matryo.experiments import run_data
from matryo.experiments.run_config import DataConfig
from matryo.experiments.run_data import open_run_data, read_run_data


def ids(task: Retrieval | None) -> set[str]:
    assert task is not None
    return set(task.queries.ids())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The toy task in the processed layout."""
    write_toy(tmp_path / "task")
    return tmp_path / "task"


def pairs(n: int = 40, per_group: int = 2) -> Pairs:
    return Pairs("p", tuple(Pair(str(i), f"query {i}", f"document {i}", f"g{i // per_group}") for i in range(n)))


def test_toy_is_written_and_read_back(tmp_path: Path) -> None:
    data = open_run_data(DataConfig(kind="toy"), tmp_path / "data")
    assert (data.name, len(data.train.queries), len(data.validation.queries), len(data.test.queries)) == (
        "toy", 58, 6, 32,
    )  # fmt: skip
    assert ids(data.train) | ids(data.validation) == set(toy().train.queries.ids())
    assert ids(data.test) == set(toy().dev.queries.ids())
    assert data.train.documents.digest() == toy().dev.documents.digest()
    assert data.key == read_run_data(DataConfig(kind="toy"), tmp_path / "data").key
    assert data.key != open_run_data(DataConfig(kind="toy", seed=1), tmp_path / "other").key


def test_a_folder_is_split_and_validation_searches_a_sample(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_data, "N_OTHER_DOCUMENTS", 20)
    config = DataConfig(kind="retrieval", path=str(folder), validation_share=0.25)
    data = open_run_data(config, folder / "unused")
    assert data.validation is not None and not (folder / "unused").exists()
    assert len(data.validation.queries) == 16 and not ids(data.validation) & ids(data.train)
    searched = set(data.validation.documents.ids())
    relevant = {d for grades in data.validation.judgements.values() for d in grades}
    assert relevant <= searched and 20 <= len(searched) <= 20 + len(relevant)
    assert len(data.test.documents) == 200
    smaller = DataConfig(kind="retrieval", path=str(folder), validation_share=0.25, max_validation=5)
    few = open_run_data(smaller, folder)
    assert len(ids(few.validation)) == 5 and len(ids(few.train)) == 59  # nothing is held out in vain
    assert open_run_data(config, folder).key == data.key != few.key


def test_no_validation_and_nothing_but_validation(folder: Path) -> None:
    config = DataConfig(kind="retrieval", path=str(folder), validation_share=0)
    data = open_run_data(config, folder)
    assert data.validation is None and len(data.train.queries) == 64
    with pytest.raises(MatryoError, match="validation_share 1 leaves none"):
        open_run_data(DataConfig(kind="retrieval", path=str(folder), validation_share=1), folder)


def test_training_queries_that_are_tested_are_left_out(folder: Path) -> None:
    train, dev = folder / "queries_train.jsonl", folder / "queries_dev.jsonl"
    asked = json.loads(dev.read_text().splitlines()[0])["text"]
    lines = train.read_text().splitlines()
    lines[0] = json.dumps({**json.loads(lines[0]), "text": f" {asked.upper()}"})
    train.write_text("\n".join(lines) + "\n")
    data = open_run_data(DataConfig(kind="retrieval", path=str(folder), validation_share=0), folder)
    assert len(data.train.queries) == 63
    assert "1 training queries are test queries, too, and are left out of training" in data.notes
    with pytest.raises(MatryoError, match="name another test_split"):
        open_run_data(DataConfig(kind="retrieval", path=str(folder), test_split="train"), folder)


def test_a_query_that_validates_is_not_trained_on_under_another_id(folder: Path) -> None:
    path = folder / "queries_train.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for first, second in zip(lines[::2], lines[1::2], strict=True):
        second["text"] = first["text"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    data = open_run_data(DataConfig(kind="retrieval", path=str(folder), validation_share=0.2), folder)
    asked = [{q.text for q in part.queries} for part in (data.train, data.validation) if part]
    assert len(asked) == 2 and not asked[0] & asked[1]


def test_groups_of_queries_stay_together(tmp_path: Path) -> None:
    task = pairs().to_retrieval()
    write_beir(task, tmp_path, "train")
    other = Pairs("p", tuple(Pair(f"t{p.id}", f"other {p.query}", p.document, p.group) for p in pairs().pairs))
    held = other.to_retrieval()
    lines = (tmp_path / "queries.jsonl").read_text()
    write_beir(held, tmp_path, "test")
    (tmp_path / "queries.jsonl").write_text(lines + (tmp_path / "queries.jsonl").read_text())
    (tmp_path / "corpus.jsonl").write_text(
        "".join(
            json.dumps({"_id": i, "text": text}) + "\n"
            for source in (task, held)
            for i, text in ((d.id, d.text) for d in source.documents)
        )
    )
    data = open_run_data(DataConfig(kind="retrieval", path=str(tmp_path), validation_share=0.3), tmp_path)
    groups = [{q.group for q in part.queries} for part in (data.train, data.validation) if part]
    assert len(groups) == 2 and not groups[0] & groups[1]
    odd = DataConfig(kind="retrieval", path=str(tmp_path), validation_share=0.3, max_validation=1)
    data = open_run_data(odd, tmp_path)
    groups = [{q.group for q in part.queries} for part in (data.train, data.validation) if part]
    assert data.validation is not None and len(data.validation.queries) == 1 and not groups[0] & groups[1]
    assert any("in the groups that validate" in note for note in data.notes)


def test_pairs_are_split_by_group_and_tested_on_all_documents(tmp_path: Path) -> None:
    write_pairs(pairs(), tmp_path / "p.jsonl")
    config = DataConfig(kind="pairs", path=str(tmp_path / "p.jsonl"), max_validation=3)
    data = open_run_data(config, tmp_path / "unused")
    assert len(data.test.documents) == 40 and data.validation is not None
    assert (len(data.train.queries), len(data.validation.queries), len(data.test.queries)) == (24, 3, 10)
    assert len(data.validation.documents) == 6 and len(data.train.documents) == 24
    assert not ids(data.train) & ids(data.test) and not ids(data.validation) & (ids(data.test) | ids(data.train))
    before = data.key
    write_pairs(Pairs("p", (*pairs().pairs[:-1], Pair("39", "another", "text", "g19"))), tmp_path / "p.jsonl")
    assert open_run_data(config, tmp_path).key != before


def test_queries_that_groups_share_are_trained_on_nowhere_else(tmp_path: Path) -> None:
    same = Pairs("p", tuple(Pair(p.id, f"query {int(p.id) % 30}", p.document, p.group) for p in pairs().pairs))
    write_pairs(same, tmp_path / "p.jsonl")
    data = open_run_data(DataConfig(kind="pairs", path=str(tmp_path / "p.jsonl")), tmp_path)
    asked = [{q.text for q in part.queries} for part in (data.train, data.validation, data.test) if part]
    assert not asked[0] & (asked[1] | asked[2])
    assert not asked[1] & asked[2]
    assert any("ask a query of another part and are left out of training" in note for note in data.notes)


def test_the_standard_library_with_and_without_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = []

    def made(*, mask_names: bool) -> Pairs:
        asked.append(mask_names)
        return pairs()

    monkeypatch.setattr(run_data, "stdlib_pairs", made)
    for masked in (False, True):
        open_run_data(DataConfig(kind="pairs", path="stdlib", mask_names=masked), tmp_path)
    assert asked == [False, True]


def test_msmarco_is_converted_into_the_run(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "collection.tsv").write_text("".join(f"{i}\tpassage {i}\n" for i in range(30)))
    for split, first in (("train", 0), ("dev", 20)):
        (raw / f"queries.{split}.tsv").write_text("".join(f"{first + i}\twhat is {first + i}\n" for i in range(10)))
        (raw / f"qrels.{split}.tsv").write_text("".join(f"{first + i}\t0\t{first + i}\t1\n" for i in range(10)))
    config = DataConfig(kind="msmarco", path=str(raw), validation_share=0.2)
    data = open_run_data(config, tmp_path / "data")
    assert (data.name, len(data.train.queries), len(data.test.queries), len(data.test.documents)) == (
        "msmarco", 8, 10, 30,
    )  # fmt: skip
    assert read_run_data(config, tmp_path / "data").key == data.key


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("qrels_train.tsv", "train0\t9999\t1\n", "documents that the collection does not have: '9999'"),
        ("qrels_dev.tsv", "nobody\t3\t1\n", "queries that the collection does not have: 'nobody'"),
        ("queries_train.jsonl", '{"qid": "t", "text": " "}\n', "the query is blank"),
    ],
)
def test_bad_folders_are_refused_in_one_line(folder: Path, file: str, line: str, told: str) -> None:
    with (folder / file).open("a") as stream:
        stream.write(line)
    config = DataConfig(kind="retrieval", path=str(folder))
    with pytest.raises(FormatError) as caught:
        open_run_data(config, folder)
    assert told in str(caught.value) and file in str(caught.value)
    skipped = open_run_data(config.model_copy(update={"skip_bad": True}), folder)
    assert any(file in note for note in skipped.notes)


def test_an_empty_query_in_a_file_of_pairs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    write_pairs(pairs(), path)
    with path.open("a") as stream:
        stream.write('{"query": "", "document": "text"}\n')
    with pytest.raises(FormatError, match=r"line 41.*'query' is blank"):
        open_run_data(DataConfig(kind="pairs", path=str(path)), tmp_path)
