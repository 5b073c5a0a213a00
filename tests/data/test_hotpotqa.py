"""Both layouts of the questions, passages without questions, and what is wrong with either."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from matryo.data.hotpotqa import read_hotpotqa, read_passages
from matryo.data.open import open_retrieval, open_texts
from matryo.data.split import split_groups
from matryo.errors import FormatError, MatryoError

REAL = Path(__file__).parents[3] / "shared" / "data" / "multihop"

OFFICIAL: list[dict[str, Any]] = [
    {
        "_id": "q1",
        "question": "Which town?",
        "answer": "Ulm",
        "supporting_facts": [["Ulm", 0], ["Ulm", 1], ["Rhine", 0]],
        "context": [["Ulm", ["Ulm is a town.", " It has a tower."]], ["Rhine", ["A river."]], ["Oak", ["A tree."]]],
    },
    {
        "_id": "q2",
        "question": "Which tree?",
        "answer": "oak",
        "supporting_facts": [["Oak", 0], ["Elsewhere", 2]],
        "context": [["Oak", ["A  TREE. "]], ["Rhine (river)", ["A river."]], ["Ulm", ["Another Ulm."]]],
    },
    {"_id": "q3", "question": "Held back?", "context": [["Elm", ["A tree like an oak."]]]},
]


@pytest.fixture
def save(tmp_path: Path) -> Callable[[Any], Path]:
    def write(value: Any) -> Path:
        path = tmp_path / "hotpot.json"
        path.write_text(json.dumps(value), encoding="utf-8")
        return path

    return write


def as_dictionaries(record: dict[str, Any]) -> dict[str, Any]:
    titles, sentences = zip(*record["context"], strict=True)
    changed = {**record, "context": {"title": titles, "sentences": sentences}}
    if "supporting_facts" in record:
        names, numbers = zip(*record["supporting_facts"], strict=True)
        changed["supporting_facts"] = {"title": names, "sent_id": numbers}
    return changed


def test_official_layout(save: Callable[[Any], Path]) -> None:
    task = read_hotpotqa(save(OFFICIAL))
    documents = list(task.documents)
    assert [(d.group, d.text) for d in documents] == [
        ("Ulm", "Ulm Ulm is a town. It has a tower."),
        ("Rhine", "Rhine A river."),
        ("Oak", "Oak A tree."),
        ("Ulm", "Ulm Another Ulm."),
        ("Elm", "Elm A tree like an oak."),
    ]
    ids = [d.id for d in documents]
    assert task.name == "hotpot"
    assert [(q.id, q.text) for q in task.queries] == [("q1", "Which town?"), ("q2", "Which tree?")]
    assert task.judgements == {"q1": {ids[0]: 1, ids[1]: 1}, "q2": {ids[2]: 1}}
    assert task.notes == (
        "2 of 7 paragraphs repeat an earlier one, 1 of them under another title; each is kept once",
        "1 supporting titles are not in their question's context and are not judged",
        "1 of 3 queries have no relevant document and are left out",
    )


def test_dictionary_layout_gives_the_same(save: Callable[[Any], Path]) -> None:
    official = read_hotpotqa(save(OFFICIAL))
    other = read_hotpotqa(save([as_dictionaries(record) for record in OFFICIAL]))
    assert list(other.documents) == list(official.documents)
    assert (other.judgements, other.notes) == (official.judgements, official.notes)


def test_ids_are_those_of_the_text_whatever_the_file(save: Callable[[Any], Path]) -> None:
    forward = {d.text: d.id for d in read_hotpotqa(save(OFFICIAL)).documents}
    backward = {d.text: d.id for d in read_passages(save(OFFICIAL[:1]))}
    assert backward.items() <= forward.items()
    without = [{k: v for k, v in record.items() if k != "_id"} for record in OFFICIAL]
    first, second = (read_hotpotqa(save(records)).queries.ids() for records in (without, without[::-1]))
    assert sorted(first) == sorted(second) and len(set(first)) == 2


def test_sentences_without_a_space_before_them_get_one(save: Callable[[Any], Path]) -> None:
    spaced, bare = ([["T", ["One.", gap + "Two.", ""]]] for gap in (" ", ""))
    texts = [next(iter(read_passages(save([{"question": "q", "context": c}])))).text for c in (spaced, bare)]
    assert texts == ["T One. Two.", "T One. Two."]


def test_passages_of_every_layout(save: Callable[[Any], Path]) -> None:
    expected = [("Ulm", "Ulm A town. Big."), ("Oak", "Oak A tree.")]
    lists = [{"title": "Ulm", "text": "A town. Big."}, {"title": "Oak", "text": "A tree."}]
    for content in (lists, {"Ulm": ["A town.", " Big."], "Oak": ["A tree."]}):
        assert [(t.group, t.text) for t in read_passages(save(content))] == expected
    repeated = read_passages(save([*lists, lists[0]]))
    assert (len(repeated), repeated.notes) == (2, ("1 of 3 paragraphs repeat an earlier one; each is kept once",))
    assert list(repeated) == list(repeated)


def test_open_sees_the_layout(save: Callable[[Any], Path], tmp_path: Path) -> None:
    path = save(OFFICIAL)
    packed = tmp_path / "packed.json.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert open_retrieval(packed).judgements == open_retrieval(path, "test").judgements
    assert open_texts(packed).ids() == read_hotpotqa(path).documents.ids()
    with pytest.raises(FormatError, match="one set of judgements"):
        open_retrieval(path, "dev")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"question": None}, "record 1: no field 'question'"),
        ({"question": " "}, "the question is blank"),
        ({"context": None}, "field 'context' is missing"),
        ({"context": [["Ulm"]]}, "field 'context' is 1 in a list, no list of"),
        ({"context": [["Ulm", "One."]]}, "a paragraph is a str with a str"),
        ({"context": [["Ulm", [1]]]}, "no title with a list of sentences"),
        ({"context": [["", [" "]]]}, "a paragraph is blank"),
        ({"context": [["Ulm", ["\ud800"]]]}, "half a surrogate pair"),
        ({"context": {"title": ["a"], "sentences": []}}, "no equally long lists"),
        ({"supporting_facts": [0]}, "field 'supporting_facts' is 1 in a list"),
        ({"supporting_facts": {"title": ["a"]}}, "missing 'sent_id', no equally long"),
        ({"_id": "q2"}, "record 2: the id 'q2' occurs again"),
    ],
)
def test_bad_records(change: dict[str, Any], words: str, save: Callable[[Any], Path]) -> None:
    path = save([{**OFFICIAL[0], **change}, OFFICIAL[1]])
    with pytest.raises(FormatError) as caught:
        read_hotpotqa(path)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    task = read_hotpotqa(path, skip_bad=True)
    assert len(task.queries) == 1
    assert task.notes[0].startswith("hotpot.json: 1 bad records skipped: record ")


def test_nothing_to_judge_or_to_read(save: Callable[[Any], Path]) -> None:
    with pytest.raises(MatryoError, match="none of 1 queries has a relevant document"):
        read_hotpotqa(save(OFFICIAL[2:]))
    with pytest.raises(FormatError, match="record 1: an int, no object"):
        read_passages(save([1]))
    with pytest.raises(FormatError, match="holds no paragraph"):
        read_passages(save([]))


@pytest.mark.skipif(not REAL.exists(), reason="data beside the repository")
def test_real_files() -> None:
    train = open_retrieval(REAL / "hotpotqa" / "qa_train.json.gz")
    dev = open_retrieval(REAL / "hotpotqa" / "hotpot_dev_distractor_v1.first100.json.gz")
    assert (len(train.documents), len(train.queries), train.n_relevant) == (994, 100, 200)
    assert (len(dev.documents), len(dev.queries), dev.n_relevant) == (990, 100, 200)
    corpus = open_texts(REAL / "hotpotqa" / "train_corpus.json.gz")
    assert sorted(corpus.ids()) == sorted(train.documents.ids())
    wiki = list(open_texts(REAL / "2wiki" / "corpus.json.gz"))
    assert len(wiki) == 6_119
    parts = split_groups([t.group for t in wiki], {"train": 0.8, "test": 0.2}, seed=0)
    titles = [{wiki[i].group for i in part} for part in parts.values()]
    assert not titles[0] & titles[1]
