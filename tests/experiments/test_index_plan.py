"""A plan on made-up vectors: what it recommends keeps its word when it is built, and limits decide."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.index_quality import neighbour_recall
from matryo.experiments.index_build import make_index
from matryo.experiments.index_candidates import Candidate, dim_ladder, n_candidates
from matryo.experiments.index_plan import Limits, plan_index, recommend, recommendation, why_none
from matryo.experiments.index_settings import IndexSettings, read_settings
from matryo.prefix import Array, unit_rows
from matryo.search import search_dim
from matryo.space import Space

M, N, WIDTH = 1_200, 600, 48
SPACE = Space.declared("index plan", WIDTH)


def drawn(seed: int, n: int) -> Array:
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(np.random.default_rng(5).standard_normal((WIDTH, WIDTH)))[0]
    return unit_rows(((rng.standard_normal((n, WIDTH)) * 0.9 ** np.arange(WIDTH)) @ turn).astype(np.float32))


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbeddingSet, EmbeddingSet]:
    home = tmp_path_factory.mktemp("sets")
    ids = [str(i) for i in range(M)]
    return (
        EmbeddingSet.from_numpy(home / "d", drawn(1, M), ids, space=SPACE),
        EmbeddingSet.from_numpy(home / "q", drawn(2, N), ids[:N], space=SPACE, role="query"),
    )


@pytest.fixture(scope="module")
def planned(
    sets: tuple[EmbeddingSet, EmbeddingSet], tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, dict, Path]:
    out = tmp_path_factory.mktemp("out") / "plan"
    told = plan_index(sets[0].folder, recall=0.95, max_bytes=60, queries=sets[1].folder, out=out)
    return told, json.loads((out / "plan.json").read_text(encoding="utf-8")), out


def test_every_candidate_stands_there_and_nothing_else_is_left(planned: tuple[str, dict, Path]) -> None:
    told, stored, out = planned
    assert sorted(path.name for path in out.iterdir()) == ["pareto.png", "pareto.svg", "plan.json", "plan.md"]
    names = [one["name"] for one in stored["candidates"]]
    assert len(set(names)) == len(names) and len(names) + _skipped(stored) == n_candidates(WIDTH)
    assert {"flat", "funnel", "int8@32 rotated", "binary@48 rotated", "float16@16 rotated"} <= set(names)
    assert stored["n_queries"] == N and stored["limits"]["max_bytes"] == 60
    flat = stored["candidates"][0]
    assert flat["recall_low"] == 1.0 and flat["bytes_read"] == 4 * M * WIDTH
    assert stored["command"] in told and stored["command"] in (out / "plan.md").read_text(encoding="utf-8")
    assert stored["verdict"].startswith("recommended: ") and "--bits" in stored["command"]


def _skipped(stored: dict) -> int:
    return sum(int(note.split()[0]) for note in stored["notes"] if "candidates are not listed" in note)


def test_what_is_recommended_is_the_cheapest_that_keeps_the_limits(planned: tuple[str, dict, Path]) -> None:
    _, stored, _ = planned
    fit = [one for one in stored["candidates"] if one["recall_low"] >= 0.95 and one["bytes_per_vector"] <= 60]
    assert stored["chosen"]["bytes_read"] == min(one["bytes_read"] for one in fit)
    assert len(fit) < len(stored["candidates"])


def test_built_as_the_plan_says_it_finds_what_the_plan_says(
    planned: tuple[str, dict, Path], sets: tuple[EmbeddingSet, EmbeddingSet]
) -> None:
    _, stored, _ = planned
    fresh = drawn(3, 500)
    exact = search_dim(fresh, sets[0], WIDTH, 10)
    for one in stored["candidates"]:
        if one["settings"]["kind"] == "quantized" and one["settings"]["dims"] in ([16], [32]):
            index = make_index(read_settings(one["settings"]), sets[0])
            recall = neighbour_recall(exact, index.search(fresh, 10)).mean()
            assert recall == pytest.approx(one["recall"], abs=0.02) and recall >= 0.95
            assert index.facts().resident_bytes / M == pytest.approx(one["bytes_per_vector"], rel=0.01)


def test_rows_stand_in_where_there_are_no_queries(sets: tuple[EmbeddingSet, EmbeddingSet], tmp_path: Path) -> None:
    said: list[str] = []
    told = plan_index(sets[0].folder, recall=0.9, k=5, out=tmp_path, say=said.append)
    assert "rows of the set stand in" in said[0] and "rows of the set stand in" in told
    assert "recall@5" in told and " --queries " not in told


def test_too_few_queries_are_named_and_not_hidden(sets: tuple[EmbeddingSet, EmbeddingSet], tmp_path: Path) -> None:
    few = EmbeddingSet.from_numpy(tmp_path / "q", drawn(4, 40), [str(i) for i in range(40)], space=SPACE, role="query")
    told = plan_index(sets[0].folder, max_bytes=30, queries=few.folder, out=tmp_path / "plan")
    assert "20 queries that verify cannot show a recall of 0.99" in " ".join(told.split())
    assert "give at least 828 queries" in " ".join(told.split())
    assert "matryo index build" not in told


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"recall": 1.0}, "recall must lie between 0 and 1"),
        ({"max_bytes": 0.0}, "limit of bytes must be above 0"),
        ({"max_latency_ms": -1.0}, "limit of latency must be above 0"),
        ({"k": 0}, "k must be at least 1"),
        ({"k": 1_199}, "more than k"),
    ],
)
def test_limits_that_mean_nothing_are_refused(
    sets: tuple[EmbeddingSet, EmbeddingSet], tmp_path: Path, asked: dict, words: str
) -> None:
    with pytest.raises(MatryoError, match=words):
        plan_index(sets[0].folder, out=tmp_path, **asked)
    assert list(tmp_path.iterdir()) == []


CHEAP = Candidate(
    IndexSettings(kind="quantized", dims=(8,), bits=8, shortlist=20), "8 bits", (20,), 0.98, 0.97, 0.99, 10.0, 1e4, 1.0,
    2.0, 500.0,
)  # fmt: skip
SURE = replace(
    CHEAP, settings=IndexSettings(kind="flat"), sizes=(), recall_low=1.0, bytes_per_vector=192.0, bytes_read=9e5
)


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        (Limits(0.95), CHEAP),
        (Limits(0.98), SURE),
        (
            Limits(0.98, max_bytes=100),
            "limit of 100 bytes per vector together with the others; nearest is flat with 192",
        ),
        (Limits(0.95, max_latency_ms=0.5), "limit of 0.5 ms per query together with the others; nearest is int8@8"),
        (Limits(0.98, 100, 0.5), "all but one of the limits"),
    ],
)
def test_the_limit_that_cannot_be_kept_is_named(limits: Limits, expected: Candidate | str) -> None:
    found = recommend([CHEAP, SURE], limits)
    if isinstance(expected, Candidate):
        assert found is expected
    else:
        assert found is None and expected in why_none([CHEAP, SURE], limits, 1_000)


def test_bytes_are_compared_to_the_whole_byte() -> None:
    assert Limits(0.95, max_bytes=10).broken(replace(CHEAP, bytes_per_vector=10.02)) == set()
    assert Limits(0.95, max_bytes=10).broken(replace(CHEAP, bytes_per_vector=10.6)) == {"bytes"}


def test_a_recall_that_nothing_reaches_is_named_with_the_nearest() -> None:
    told = why_none([CHEAP, replace(CHEAP, recall_low=0.9)], Limits(0.98), 1_000)
    assert (
        told.startswith("no index keeps the recall of 0.98") and "int8@8 rotated, which is shown to have 0.97" in told
    )


def test_sentences_and_ladders() -> None:
    assert "int8@8 rotated, shortlist 20: recall@10 0.9800 (at least 0.9700" in recommendation(CHEAP, 10)
    assert "(exact), 192 bytes per vector" in recommendation(SURE, 10)
    assert dim_ladder(768) == (128, 192, 256, 384, 512, 768) and dim_ladder(2) == (1, 2)
