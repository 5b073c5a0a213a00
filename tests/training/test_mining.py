import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matryo.data import Pair, Pairs, Retrieval, Texts, toy
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError, ShapeError, SpaceError
from matryo.prefix import cut
from matryo.space import Space
from matryo.training import mining
from matryo.training.components import text_key
from matryo.training.mining import Mined, mine_negatives
from matryo.training.settings import MineSettings

ANY = {"first": 1, "share": None}


def task_of(documents, queries, judgements):
    return Retrieval(
        "made",
        Texts.of(list(documents), list(documents.values()), name="documents"),
        Texts.of(list(queries), list(queries.values()), name="queries"),
        judgements,
    )


@pytest.fixture
def placed(tmp_path):
    """A function that makes a task of one query q at angle 0 and documents at given cosines, and its sets."""

    def place(cosines, relevant, texts=None, n_columns=2):
        texts = texts or {}
        ids = [f"d{i}" for i in range(len(cosines))]
        task = task_of({i: texts.get(i, f"text {i}") for i in ids}, {"q": "ask"}, {"q": dict.fromkeys(relevant, 1)})
        cosines = np.array(cosines)
        rows = np.zeros((len(ids), n_columns), dtype=np.float32)
        rows[:, 0], rows[:, 1] = cosines, np.sqrt(1 - cosines**2)
        query = np.zeros((1, n_columns), dtype=np.float32)
        query[0, 0] = 1.0
        space = Space.declared("plane", n_columns)
        return (
            task,
            EmbeddingSet.from_numpy(tmp_path / "q", query, ["q"], space=space, role="query"),
            EmbeddingSet.from_numpy(tmp_path / "d", rows, ids, space=space),
        )

    return place


def test_ranks_count_what_is_not_relevant(placed):
    # without d1, which answers, the ranks are d0 d2 d3 d4 d5
    made = placed([0.9, 0.8, 0.7, 0.6, 0.5, 0.4], ["d1"])
    (mined,) = mine_negatives(*made, MineSettings(n=2, first=2, last=4, share=None))
    assert (mined.query, mined.negatives) == ("q", ("d2", "d3"))
    assert mined.positive_score == pytest.approx(0.8, abs=1e-6)
    assert mined.scores == pytest.approx((0.7, 0.6), abs=1e-6)


@pytest.mark.parametrize(
    ("rules", "negatives"),
    [
        (ANY, ("d0", "d2", "d3")),
        ({"first": 1, "share": 0.95}, ("d2", "d3", "d4")),  # below .76
        ({"first": 1, "share": 0.85}, ("d3", "d4", "d5")),  # below .68
        ({**ANY, "margin": 0.15}, ("d3", "d4", "d5")),  # below .65
        ({**ANY, "margin": -0.2}, ("d0", "d2", "d3")),  # below 1
        ({**ANY, "max_score": 0.55}, ("d4", "d5")),
        (
            {"first": 1, "share": 0.9, "margin": 0.3, "max_score": 0.65},
            ("d4", "d5"),
        ),  # the strictest, below .5 + rounding
        ({**ANY, "last": 3}, ("d0", "d2", "d3")),
        ({"first": 2, "last": 4, "share": None}, ("d2", "d3", "d4")),
        ({"first": 3, "last": 5, "share": None}, ("d3", "d4", "d5")),
        ({**ANY, "max_score": -0.5}, ()),
    ],
)
def test_limits(placed, rules, negatives):
    made = placed([0.9, 0.8, 0.7, 0.6, 0.4999, 0.4], ["d1"])
    (mined,) = mine_negatives(*made, MineSettings(n=3, **rules))
    assert mined.negatives == negatives


def test_the_worst_relevant_document_sets_the_limit(placed):
    made = placed([0.9, 0.8, 0.7, 0.5, 0.3], ["d0", "d3"])
    (mined,) = mine_negatives(*made, MineSettings(n=3, first=1, share=1.0))
    assert mined.negatives == ("d4",)
    assert mined.positive_score == pytest.approx(0.5, abs=1e-6)


def test_a_share_of_a_negative_score_lies_below_it(placed):
    made = placed([-0.1, -0.104, -0.2], ["d0"])
    (mined,) = mine_negatives(*made, MineSettings(n=2, first=1, share=0.95))
    assert mined.negatives == ("d2",)


def test_copies_are_taken_out_before_ranks_are_counted(placed):
    texts = {"d0": "Ask", "d2": "ANSWER", "d3": "answer", "d5": "TEXT  d4"}
    made = placed([0.99, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4], ["d3"], texts)
    # d0 equals the query, d2 the answer d3, d5 the better d4: ranks are d1 d4 d6
    (mined,) = mine_negatives(*made, MineSettings(n=2, first=2, last=3, share=None))
    assert mined.negatives == ("d4", "d6")


def test_no_candidate_is_left(placed):
    made = placed([0.9, 0.8], ["d0", "d1"])
    (mined,) = mine_negatives(*made, MineSettings(n=2))
    assert mined == Mined("q", mined.positive_score, (), ())


def test_many_copies_make_the_search_go_deeper(placed, monkeypatch):
    depths = []
    search = mining.search_dim

    def counted(queries, documents, dim, k):
        depths.append(k)
        return search(queries, documents, dim, k)

    monkeypatch.setattr(mining, "search_dim", counted)
    texts = {f"d{i}": "the answer" for i in range(50)} | {f"d{i}": "a copy" for i in range(50, 90)}
    made = placed(np.linspace(0.9, 0.1, 100), ["d7"], texts)
    (mined,) = mine_negatives(*made, MineSettings(n=2, first=1, last=2, share=None))
    assert mined.negatives == ("d50", "d90")
    assert depths == [18, 72, 100]


def test_queries_that_share_a_document_share_what_is_relevant(encoded):
    task = task_of(
        {"d1": "red house", "d2": "blue house", "d3": "green house", "d4": "white house"},
        {"q1": "house", "q2": "the house"},
        {"q1": {"d1": 1, "d2": 1}, "q2": {"d2": 1, "d3": 1, "d4": 0}},
    )
    mined = list(mine_negatives(task, *encoded(task), MineSettings(n=3, **ANY)))
    assert [m.negatives for m in mined] == [("d4",), ("d4",)]


def slow(task, queries, documents, rules):
    """One query at a time, every document compared, every rule as it is written."""
    dim = rules.dim or documents.width
    scores = cut(queries.to_numpy(), dim).astype(np.float64) @ cut(documents.to_numpy(), dim).astype(np.float64).T
    keys = {d.id: text_key(d.text) for d in task.documents} | {q.id: text_key(q.text) for q in task.queries}
    edges = [{keys[q], *(keys[d] for d, g in grades.items() if g > 0)} for q, grades in task.judgements.items()]
    for row, query in enumerate(queries.ids()):
        related = {keys[query]}
        for _ in edges:
            for edge in edges:
                related |= edge if edge & related else set()
        ids = documents.ids()
        relevant = [ids.index(d) for d, g in task.judgements[query].items() if g > 0]
        positive = scores[row, relevant].min()
        seen, ranked = set(related), []
        for place in np.argsort(-scores[row], kind="stable"):
            if keys[ids[place]] not in seen:
                seen.add(keys[ids[place]])
                ranked.append(place)
        window = ranked[rules.first - 1 : rules.last]
        limits = [np.inf]
        limits += [] if rules.margin is None else [positive - rules.margin]
        limits += [] if rules.share is None else [positive - (1 - rules.share) * abs(positive)]
        limits += [] if rules.max_score is None else [rules.max_score]
        yield query, tuple(ids[p] for p in window if scores[row, p] < min(limits))[: rules.n]


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_equals_the_rules_one_by_one(tmp_path_factory, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 10_000)))
    m, n, width = 40, 7, 8
    documents = {f"d{i}": f"text {rng.integers(25)}" for i in range(m)}
    queries = {f"q{i}": f"ask {rng.integers(5)}" for i in range(n)}
    judgements = {q: {f"d{i}": int(i % 3) for i in rng.choice(m, 4, replace=False)} for q in queries}
    judgements = {q: {**grades, f"d{rng.integers(m)}": 1} for q, grades in judgements.items()}
    task = task_of(documents, queries, judgements)
    folder, space = tmp_path_factory.mktemp("sets"), Space(weights="declared:any", width=width, normalize=False)
    sets = [
        EmbeddingSet.from_numpy(
            folder / texts.name, rng.normal(size=(len(texts), width)).astype(np.float32), texts.ids(), space=space
        )
        for texts in (task.queries, task.documents)
    ]
    first = data.draw(st.integers(1, 6))
    rules = MineSettings(
        dim=data.draw(st.sampled_from([None, 1, 3, 8])),
        n=data.draw(st.integers(1, 4)),
        first=first,
        last=first + data.draw(st.integers(3, 30)),
        margin=data.draw(st.sampled_from([None, -0.5, 0.1])),
        share=data.draw(st.sampled_from([None, 0.5, 0.95])),
        max_score=data.draw(st.sampled_from([None, 0.3])),
    )
    found = [(m.query, m.negatives) for m in mine_negatives(task, *sets, rules, block=data.draw(st.integers(1, 8)))]
    if rules.dim != 1:  # at dim 1 every cosine is 1 or -1, up to rounding
        assert found == list(slow(task, *sets, rules))
    assert [query for query, _ in found] == list(queries)


def test_mined_negatives_of_the_toy_task_are_hard_but_wrong(encoded, rng):
    task = toy().train
    queries, documents = encoded(task)
    rules = MineSettings(dim=48, n=4, first=1, share=0.95, margin=0.02)
    place = {id: row for row, id in enumerate(documents.ids())}
    left, right = cut(queries.to_numpy(), 48), cut(documents.to_numpy(), 48)
    gains = []
    for row, mined in enumerate(mine_negatives(task, queries, documents, rules, block=10)):
        assert not set(mined.negatives) & set(task.judgements[mined.query])
        cosines = right[[place[id] for id in mined.negatives]] @ left[row]
        assert mined.scores == pytest.approx(cosines.tolist(), abs=1e-5)
        assert list(mined.scores) == sorted(mined.scores, reverse=True)
        assert all(s < 0.95 * mined.positive_score and s < mined.positive_score - 0.02 for s in mined.scores)
        gains.append(np.mean(mined.scores or 0.0) - (right[rng.integers(len(right), size=20)] @ left[row]).mean())
    assert len(gains) == 64
    assert np.mean(gains) > 0.2
    assert np.mean(np.array(gains) > 0) > 0.95


@pytest.mark.parametrize("block", [1, 7, 64, 1000])
def test_blocks_change_nothing(encoded, block):
    task = toy().train
    sets = encoded(task)
    whole = list(mine_negatives(task, *sets, MineSettings()))
    parts = list(mine_negatives(task, *sets, MineSettings(), block=block))
    assert [(m.query, m.negatives) for m in parts] == [(m.query, m.negatives) for m in whole]
    assert list(mine_negatives(task, *sets, MineSettings(), block=block)) == parts


def test_mining_goes_on_at_a_query(encoded):
    task = toy().train
    sets = encoded(task)
    whole = list(mine_negatives(task, *sets, MineSettings(), block=16))
    assert list(mine_negatives(task, *sets, MineSettings(), block=16, first_query=32)) == whole[32:]
    assert list(mine_negatives(task, *sets, MineSettings(), first_query=64)) == []


def test_nothing_is_searched_before_the_result_is_read(encoded, monkeypatch):
    task = toy().train
    searched = []
    search = mining.search_dim
    monkeypatch.setattr(mining, "search_dim", lambda *a, **k: searched.append(1) or search(*a, **k))
    mined = mine_negatives(task, *encoded(task), MineSettings(), block=16)
    assert searched == []
    next(mined)
    assert searched == [1]


def test_progress_is_shown_when_asked_for(encoded, monkeypatch, capsys):
    monkeypatch.setattr("matryo.progress._SECONDS_BETWEEN_LINES", 0.0)
    task = toy().train
    sets = encoded(task)
    list(mine_negatives(task, *sets, MineSettings(), block=32))
    assert capsys.readouterr().err == ""
    list(mine_negatives(task, *sets, MineSettings(), block=32, progress=True))
    assert "mine negatives: 32 of 64" in capsys.readouterr().err


def test_a_dim_beyond_the_width(encoded):
    task = toy().train
    with pytest.raises(ShapeError, match=r"within 1\.\.64, got \[65\]"):
        mine_negatives(task, *encoded(task), MineSettings(dim=65))


def test_sets_of_two_spaces(encoded):
    task = toy().train
    with pytest.raises(SpaceError, match="queries and documents"):
        mine_negatives(task, encoded(task)[0], encoded(task, 32, "others")[1], MineSettings())


@pytest.mark.parametrize("arguments", [{"block": 0}, {"first_query": 65}, {"first_query": -1}])
def test_numbers_out_of_range(encoded, arguments):
    task = toy().train
    with pytest.raises(MatryoError, match=r"at least 1 and first_query within 0\.\.64"):
        mine_negatives(task, *encoded(task), MineSettings(), **arguments)


def test_sets_of_another_task(encoded):
    task, dev = toy().train, toy().dev
    queries, documents = encoded(task)
    few_queries, few_documents = encoded(Pairs("p", (Pair("0", "a", "b", ""),)).to_retrieval(), name="few")
    with pytest.raises(MatryoError, match="row 0 of the set of queries is 'train0', the task has 'dev0'"):
        mine_negatives(dev, queries, documents, MineSettings())
    with pytest.raises(MatryoError, match=r"row 1 of the set of documents is no row, the task has '1'.*encode this"):
        mine_negatives(task, queries, few_documents, MineSettings())
    part = task_of({"0": "b"}, {"0": "a"}, {"0": {"0": 1}})
    with pytest.raises(MatryoError, match="the set of documents has 200 rows, the task only 1 documents"):
        mine_negatives(part, few_queries, documents, MineSettings())
    with pytest.raises(MatryoError, match="row 0 of the set of queries is 'train0'"):
        mine_negatives(part, queries, few_documents, MineSettings())


def test_an_answer_that_is_no_document(encoded):
    task = task_of({"d1": "a"}, {"q": "b"}, {"q": {"d1": 1}})
    sets = encoded(task)
    lost = task_of({"d1": "a"}, {"q": "b"}, {"q": {"d2": 1}})
    with pytest.raises(MatryoError, match="document 'd2' answers query 'q' and is none of the 1 documents"):
        mine_negatives(lost, *sets, MineSettings())
    with pytest.raises(MatryoError, match="query 'q' has no relevant document"):
        mine_negatives(task_of({"d1": "a"}, {"q": "b"}, {"q": {"d1": 0}}), *sets, MineSettings())
