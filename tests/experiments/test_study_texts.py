"""The texts of a study: every kind, several files as one corpus, the sample, and how documents are divided."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data import Pair, Pairs
from matryo.errors import FormatError, MatryoError
from matryo.experiments import study_texts
from matryo.experiments.study_config import StudyConfig
from matryo.experiments.study_texts import StudyTexts, read_study_texts

SPACES = {"minilm": {"kind": "model", "name": "minilm"}, "lsa": {"kind": "lsa"}}


def read(share: float = 0.5, **texts: Any) -> StudyTexts:
    return read_study_texts(
        StudyConfig.model_validate(
            {
                "experiment": "translation", "name": "x", "spaces": SPACES, "translators": ["ridge"], "share": share,
                "texts": texts,
            }
        )
    )  # fmt: skip


@pytest.fixture
def save(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, value: Any) -> Path:
        path = tmp_path / name
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return path

    return write


def question(number: int, titles: list[str], supporting: list[str]) -> dict[str, Any]:
    return {
        "_id": f"q{number}",
        "question": f"Which one is number {number}?",
        "supporting_facts": [[title, 0] for title in supporting],
        "context": [[title, [f"{title} says {part}."]] for title in titles for part in ("this", "that")],
    }


QUESTIONS = [question(n, [f"Title {n} #{i}" for i in range(3)], [f"Title {n} #0", f"Title {n} #1"]) for n in range(10)]


def test_a_title_stays_on_one_side_and_questions_are_kept_apart(save) -> None:
    texts = read(kind="hotpotqa", path=str(save("hotpot.json", QUESTIONS)))
    documents = list(texts.documents)
    assert (texts.name, len(documents), len(texts.queries)) == ("hotpot", 60, 10)
    sides: dict[str, set[bool]] = {}
    for document in documents:
        sides.setdefault(document.group, set()).add(document.id in texts.fitted_ids)
    assert len(sides) == 30 and all(len(side) == 1 for side in sides.values()), "a # in a title mixes no titles"
    assert len({texts.split.group_of(document.id) for document in documents}) == 30
    assert 0 < len(texts.fitted_ids) < 60
    assert all(document.group not in query.text for document in documents for query in texts.queries)
    assert {len(grades) for grades in texts.judgements.values()} == {4}
    assert set().union(*texts.judgements.values()) <= set(texts.documents.ids())
    assert "paragraphs of one title stay together" in texts.notes[-1] and texts.labels == {}


def test_both_layouts_are_one_corpus(save) -> None:
    as_dictionaries = [
        {
            **one,
            "context": {"title": [t for t, _ in one["context"]], "sentences": [s for _, s in one["context"]]},
            "supporting_facts": {"title": [t for t, _ in one["supporting_facts"]], "sent_id": [0, 0]},
        }
        for one in QUESTIONS
    ]
    official, other = (
        read(kind="hotpotqa", path=str(save(f"{n}.json", given)))
        for n, given in enumerate((QUESTIONS, as_dictionaries))
    )
    assert official.documents.digest() == other.documents.digest() and official.judgements == other.judgements
    assert official.key == other.key, "the name of a file is no content"


def test_several_files_are_one_corpus_and_repeated_paragraphs_one(save) -> None:
    passages = [{"title": "Title 0 #0", "text": "Title 0 #0 says this."}, {"title": "New", "text": "A new one."}]
    held_back = [{key: value for key, value in question(77, ["Last"], []).items() if key != "supporting_facts"}]
    paths = [
        str(save(name, given))
        for name, given in {"hotpot.json": QUESTIONS, "more.json": passages, "test.json": held_back}.items()
    ]
    texts = read(kind="hotpotqa", path=paths)
    assert texts.name == "hotpot + more + test" and len(texts.documents) == 60 + 1 + 2 and len(texts.queries) == 10
    assert "1 paragraphs stand in an earlier file, too, and are kept once" in texts.notes
    assert texts.facts["labels"] == {"hotpot": 60, "test": 2, "more": 1}


def test_one_id_for_two_questions_is_refused(save) -> None:
    other = [{**question(0, ["Elsewhere"], ["Elsewhere"]), "question": "Something else?"}]
    paths = [str(save("a.json", QUESTIONS)), str(save("b.json", other))]
    with pytest.raises(FormatError, match=r"b\.json has the question id 'q0' of another question"):
        read(kind="hotpotqa", path=paths)


def test_passages_alone_have_no_queries(save) -> None:
    texts = read(kind="hotpotqa", path=str(save("p.json", {f"T{n}": [f"Sentence {n}."] for n in range(40)})))
    assert texts.queries is None and texts.judgements is None and len(texts.documents) == 40
    assert texts.facts["n_queries"] == texts.facts["n_judgements"] == 0
    with pytest.raises(MatryoError, match="p has no queries"):
        texts.training_task()


def test_a_sample_keeps_relevant_documents_first(save) -> None:
    path = str(save("hotpot.json", QUESTIONS))
    texts = read(kind="hotpotqa", path=path, max_documents=50)
    relevant = set().union(*texts.judgements.values())
    assert len(texts.documents) == 50 and len(texts.queries) == 10 and relevant <= set(texts.documents.ids())
    assert read(kind="hotpotqa", path=path, max_documents=50).key == texts.key
    assert read(kind="hotpotqa", path=path, max_documents=50, seed=1).key != texts.key
    assert read(kind="hotpotqa", path=path, max_documents=60).key == read(kind="hotpotqa", path=path).key


def test_of_too_many_relevant_documents_whole_queries_are_kept(save) -> None:
    texts = read(kind="hotpotqa", path=str(save("hotpot.json", QUESTIONS)), max_documents=30)
    assert len(texts.documents) == 30 and len(texts.queries) == 7, "4 of 30 for each query, and two others"
    assert all(len(grades) == 4 for grades in texts.judgements.values())
    assert set(texts.judgements) == set(texts.queries.ids())
    assert "3 of 10 queries are left out with their relevant documents" in texts.notes


def test_nothing_is_trained_on_that_asks_for_a_held_out_document(save) -> None:
    texts = read(kind="hotpotqa", path=str(save("hotpot.json", QUESTIONS)))
    task = texts.training_task()
    assert 0 < len(task.queries) < 10
    assert set(task.documents.ids()) == texts.fitted_ids
    assert set().union(*task.judgements.values()) <= texts.fitted_ids
    with pytest.raises(MatryoError, match="every one of 10 queries asks for a held-out document"):
        read(0.05, kind="hotpotqa", path=str(save("hotpot.json", QUESTIONS))).training_task()


def test_lines_have_no_queries_and_ids_may_be_grouped(save) -> None:
    plain = read(kind="lines", path=str(save("lines.txt", "\n".join(f"line {n}" for n in range(40)))))
    assert plain.name == "lines.txt" and plain.documents.ids()[0] == "1" and plain.queries is None
    chunks = "\n".join(json.dumps({"id": f"p{n // 4}/{n}", "text": f"text {n}"}) for n in range(80))
    grouped = read(kind="lines", path=str(save("chunks.jsonl", chunks)), group_end="/")
    assert all(len({f"p{n}/{4 * n + i}" in grouped.fitted_ids for i in range(4)}) == 1 for n in range(20))
    assert "equal up to '/' stay together" in grouped.notes[-1]


def test_a_retrieval_folder_brings_its_own_queries(tmp_path: Path) -> None:
    corpus = "".join(json.dumps({"_id": f"d{n}", "title": "", "text": f"document {n}"}) + "\n" for n in range(40))
    queries = "".join(json.dumps({"_id": f"q{n}", "text": f"query {n}"}) + "\n" for n in range(9))
    (tmp_path / "qrels").mkdir()
    for name, text in (("corpus.jsonl", corpus), ("queries.jsonl", queries)):
        (tmp_path / name).write_text(text)
    for split, numbers in (("test", range(5)), ("dev", range(5, 9))):
        lines = "".join(f"q{n}\td{n}\t1\n" for n in numbers)
        (tmp_path / "qrels" / f"{split}.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    assert read(kind="retrieval", path=str(tmp_path)).queries.ids() == [f"q{n}" for n in range(5)]
    assert read(kind="retrieval", path=str(tmp_path), split="dev").queries.ids() == [f"q{n}" for n in range(5, 9)]


def test_functions_of_the_library_are_labelled_by_package(monkeypatch: pytest.MonkeyPatch) -> None:
    packages = [*["email.mime.text"] * 20, *["json"] * 20]
    pairs = [Pair(f"{p}:f{n}", f"what {n} does", f"def f{n}(): pass", p.split(".")[0]) for n, p in enumerate(packages)]
    monkeypatch.setattr(study_texts, "stdlib_pairs", lambda **_: Pairs("stdlib", tuple(pairs)))
    texts = read(kind="stdlib")
    assert texts.facts["labels"] == {"email": 20, "json": 20} and texts.labels["email.mime.text:f0"] == "email"
    assert texts.queries is not None and texts.judgements["json:f20"] == {"json:f20": 1}
    # intervals draw queries of one group together: their groups are read, too
    ungrouped = tuple(Pair(pair.id, pair.query, pair.document, pair.id) for pair in pairs)
    monkeypatch.setattr(study_texts, "stdlib_pairs", lambda **_: Pairs("stdlib", ungrouped))
    assert read(kind="stdlib").key != texts.key == read_again(monkeypatch, pairs).key


def read_again(monkeypatch: pytest.MonkeyPatch, pairs: list[Pair]) -> StudyTexts:
    monkeypatch.setattr(study_texts, "stdlib_pairs", lambda **_: Pairs("stdlib", tuple(pairs)))
    return read(kind="stdlib")


def test_asked_are_queries_with_a_relevant_held_out_document(save) -> None:
    texts = read(kind="hotpotqa", path=str(save("hotpot.json", QUESTIONS)))
    held = set(texts.documents.ids()) - texts.fitted_ids
    asked = [name for name in texts.queries.ids() if held & set(texts.judgements[name])]
    assert texts.asked_queries.ids() == asked and 0 < len(asked) < 10 and texts.facts["n_asked"] == len(asked)
    assert not set(asked) & set(texts.training_task().queries.ids())
    assert read(kind="lines", path=str(save("lines.txt", "a\n" * 60))).asked_queries is None


def test_the_key_is_of_texts_and_split(save) -> None:
    path = str(save("lines.txt", "\n".join(f"line {n}" for n in range(60))))
    first = read(kind="lines", path=path)
    assert read(kind="lines", path=path).key == first.key != read(0.6, kind="lines", path=path).key
    save("lines.txt", "\n".join(f"line {n}" for n in range(59)) + "\nanother")
    assert read(kind="lines", path=path).key != first.key


def test_texts_that_stand_on_both_sides_are_counted(save) -> None:
    path = save("lines.txt", "\n".join("the same" if n % 2 else f"line {n}" for n in range(60)))
    texts = read(kind="lines", path=str(path))
    n = sum(document.text == "the same" for document in texts.documents if document.id not in texts.fitted_ids)
    assert n and texts.notes[-1] == f"held-out documents that repeat the text of a fitted one: {n}"


def test_too_few_texts_are_refused(save) -> None:
    path = str(save("lines.txt", "\n".join(f"line {n}" for n in range(15))))
    with pytest.raises(MatryoError, match=r"a share of 0.5 leaves \d+ of 15 documents to fit on.*give more documents"):
        read(kind="lines", path=path)
    with pytest.raises(FormatError, match="is missing"):
        read(kind="hotpotqa", path="nowhere.json")
