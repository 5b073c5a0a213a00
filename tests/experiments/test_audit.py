"""Paired texts of every kind read for an audit, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest

from matryo.data.people.files import write_people
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.experiments.audit import PairsFile, read_audit_data, run_audit
from matryo.experiments.settings import ModelSettings

COLUMNS = ("first", "second")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Forty packages described twice, both times by their names, half of them in each part."""
    rng = np.random.default_rng(4)
    words = ["".join(rng.choice(list("abcdefghij"), 5)) for _ in range(300)]
    lines = ["part\tname\tfirst\tsecond"]
    for row in range(40):
        name = f"pkg-{words[row]}"
        told = (" ".join([name, *rng.choice(words[40:], 8)]) for _ in range(2))
        lines.append("\t".join(("train" if row % 2 else "test", name, *told)))
    path = tmp_path / "pairs.tsv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("people") / "made"
    write_people(folder, n=90, counts={"train": 40, "validation": 10, "test": 40}, seed=0, level="plain", n_triplets=20)
    return folder


def test_a_file_with_parts_and_names(pairs: Path) -> None:
    data = read_audit_data(str(pairs), file=PairsFile(COLUMNS, id="name", mask="name", part="part"))
    assert (len(data.views.a), list(data.others)) == (20, ["train"])
    assert data.masked is not None and data.masked.a.ids == data.views.a.ids
    assert data.views.a.texts[0].startswith("pkg-") and data.masked.a.texts[0].startswith("NAME ")
    assert data.views.domains == COLUMNS


def test_ids_that_stand_in_the_texts_are_names(pairs: Path) -> None:
    data = read_audit_data(str(pairs), file=PairsFile(COLUMNS, id="name"))
    assert len(data.views.a) == 40 and data.others == {}
    assert data.masked is not None and all(text.startswith("NAME ") for text in data.masked.b.texts)
    numbered = read_audit_data(str(pairs), file=PairsFile(COLUMNS))
    assert numbered.masked is None


def test_everything_is_written_and_the_masked_names_cost(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit = run_audit(str(pairs), file=PairsFile(COLUMNS, id="name", mask="name", part="part"), out=out)
    assert sorted(path.name for path in out.iterdir()) == ["audit.html", "audit.json", "audit.md"]
    assert [one.name for one in audit.leaks] == ["solved by string overlap", "a label leak: id"]
    stored = json.loads((out / "audit.json").read_text())
    assert stored["n_pairs"] == 20 and stored["format"] == 1
    masked = [row for row in stored["rows"] if row["texts"] == "names masked" and row["system"] == "BM25"]
    assert masked[0]["change of MRR"]["value"] < -0.3
    assert "solved by string overlap" in (out / "audit.md").read_text()


def test_people_with_the_parts_of_their_split(people: Path) -> None:
    audit = run_audit(str(people))
    assert (audit.n_pairs, audit.domains, audit.repeats.parts) == (40, ("dating", "hiring"), ("train", "validation"))
    assert audit.templates is not None and audit.repeats.ids_across == (0, 0)
    assert {"city", "career", "mbti"} <= {one.label for one in audit.labels}
    assert run_audit(str(people), part="train").n_pairs == 40


def test_a_config_of_tables_and_one_of_people(tmp_path: Path, people: Path) -> None:
    for side in "ab":
        rows = [f"{side}{i},{side} word{i} more{i % 7}" for i in range(60)]
        (tmp_path / f"{side}.csv").write_text("\n".join(["id,text", *rows]) + "\n")
    matches = [f"a{i},b{i}" for i in range(50)]
    (tmp_path / "matches.csv").write_text("\n".join(["a,b", *matches]) + "\n")
    config = tmp_path / "run.yaml"
    tables = "  a: {path: %s/a.csv, domain: x}\n  b: {path: %s/b.csv, domain: y}\n  matches: %s/matches.csv\n"
    start = "experiment: shared_prefix\nname: r\ndims: [64]\ndata:\n"
    config.write_text(start + "  kind: tables\n  name: both\n" + tables % ((tmp_path,) * 3))
    audit = run_audit(str(config))
    assert audit.domains == ("x", "y") and audit.leaks[0].name == "solved by string overlap"
    assert audit.n_texts[0] > audit.n_pairs
    config.write_text(start + f"  kind: people\n  path: {people}\n")
    assert run_audit(str(config), part="validation").n_pairs == 10
    config.write_text(start + "  kind: people\n  path: elsewhere\n")
    assert run_audit(str(config), overrides=[f"data.path={people}"]).n_pairs == 40


def test_people_that_a_config_describes_are_made_for_the_audit(tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(
        "experiment: shared_prefix\nname: r\ndims: [64]\n"
        "data: {kind: people, train: 30, validation: 10, test: 30, triplets: 10, level: disjoint}\n"
    )
    audit = run_audit(str(config))
    assert (audit.n_pairs, audit.repeats.parts) == (30, ("train", "validation"))


@pytest.mark.slow
def test_stdlib_has_names_to_mask() -> None:
    data = read_audit_data("stdlib")
    assert data.masked is not None and data.masked.a.ids == data.views.a.ids
    assert data.masked.b.texts != data.views.b.texts


def test_a_frozen_model_at_its_width_and_at_its_prefix(pairs: Path, tiny_model_folder: Path) -> None:
    file = PairsFile(COLUMNS, id="name", part="part")
    model = ModelSettings(str(tiny_model_folder))
    rows = run_audit(str(pairs), file=file, model=model, dim=8).rows
    names = [row.system.rpartition(" at ")[2] for row in rows if row.kind == "encoder" and row.texts == "as given"]
    assert names == ["32", "8"]
    short = run_audit(str(pairs), file=file, model=model).rows
    assert sum(row.kind == "encoder" and row.texts == "as given" for row in short) == 1
    with pytest.raises(ShapeError, match=r"within 1\.\.32, the width"):
        run_audit(str(pairs), file=file, model=model, dim=33)


def test_bad_input(pairs: Path, people: Path, tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="does not exist; give a folder"):
        read_audit_data(str(tmp_path / "none.tsv"))
    with pytest.raises(FormatError, match=r"holds no people\.json"):
        read_audit_data(str(tmp_path))
    with pytest.raises(MatryoError, match="needs the columns"):
        read_audit_data(str(pairs), file=PairsFile(("first",)))
    with pytest.raises(MatryoError, match="columns can be said of a file of pairs only"):
        read_audit_data("stdlib", file=PairsFile(COLUMNS))
    with pytest.raises(MatryoError, match="--set replaces values of a config"):
        read_audit_data("stdlib", overrides=["data.seed=1"])
    with pytest.raises(MatryoError, match="stdlib is not divided into parts, got part 'test'"):
        read_audit_data("stdlib", part="test")
    with pytest.raises(MatryoError, match="not divided into parts"):
        read_audit_data(str(pairs), part="test", file=PairsFile(COLUMNS))
    with pytest.raises(MatryoError, match="parts test, train, got 'dev'"):
        read_audit_data(str(pairs), part="dev", file=PairsFile(COLUMNS, part="part"))
    with pytest.raises(MatryoError, match="parts train, validation, test, got 'dev'"):
        read_audit_data(str(people), part="dev")
    config = tmp_path / "other.yaml"
    config.write_text("experiment: dense_retrieval\n")
    with pytest.raises(MatryoError, match="of experiment 'dense_retrieval', an audit reads"):
        read_audit_data(str(config))


def test_a_domain_without_texts_and_one_entity(tmp_path: Path) -> None:
    path = tmp_path / "few.tsv"
    path.write_text("first\tsecond\na text\t\n")
    with pytest.raises(FormatError, match="'second' is empty"):
        run_audit(str(path), file=PairsFile(COLUMNS))
    with pytest.raises(FormatError, match="no row that can be used"):
        run_audit(str(path), file=PairsFile(COLUMNS, skip_bad=True))
    path.write_text("first\tsecond\na text\tanother\n")
    with pytest.raises(MatryoError, match="1 entity in both domains"):
        run_audit(str(path), file=PairsFile(COLUMNS))
