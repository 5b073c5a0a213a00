from collections.abc import Callable
from dataclasses import replace

from matryo.evaluation.results import RunResults
from matryo.reports.panels import panels
from matryo.reports.verdict import best_recommendation, commands, difference_sentences, facts, meanings, verdict


def test_the_verdict_names_dim_share_and_map(results: RunResults) -> None:
    panel = panels(results)[0]
    best = best_recommendation(panel)
    assert best is not None and (best.map, best.result.dim) == ("head + rotation", 96)
    assert verdict(panel) == (
        "With head + rotation, 96 of 384 numbers keep 99.2 % [97.1–101.2] of the model's MRR@10 on stdlib, "  # noqa: RUF001
        "and 95.2 % [93.7–96.6] of head + rotation at 384"  # noqa: RUF001
    )


def test_the_verdict_for_the_plain_cut(results: RunResults) -> None:
    plain = replace(results, recommendations=results.recommendations[:1])
    assert verdict(panels(plain)[0]) == (
        "With plain cut, 192 of 384 numbers keep 96.0 % [94.5–97.4] of MRR@10 on stdlib"  # noqa: RUF001
    )


def test_the_verdict_when_nothing_may_be_cut(results: RunResults) -> None:
    found = results.recommendations[0]
    full = replace(found, result=replace(found.result, dim=384))
    text = verdict(panels(replace(results, recommendations=(full,)))[0])
    assert text.startswith("No cut below 384 was shown to keep 93 % of MRR@10 on stdlib")


def test_without_a_recommendation_the_verdict_says_what_was_measured(
    results: RunResults, only_map: Callable[[str], RunResults]
) -> None:
    assert "0.495 [0.468–0.523] at 384 numbers" in verdict(panels(only_map("none"))[0])  # noqa: RUF001
    assert verdict(panels(only_map("bm25"))[0]) == "MRR@10 on stdlib: BM25 0.412"
    one_dim = tuple(score for score in only_map("none").scores if score.dim == 96)
    assert verdict(panels(replace(results, scores=one_dim, recommendations=()))[0]).endswith("plain cut 0.398")


def test_facts_hold_bytes_value_and_queries(results: RunResults) -> None:
    found = {fact.label: fact.value for fact in facts(panels(results)[0])}
    assert found["numbers to keep"] == "96 of 384"
    assert found["bytes per vector, float32"] == "384 of 1,536"
    assert found["queries in 46 groups"] == "1,159"
    assert "0.491" in found.values()


def test_differences_in_words_say_when_nesting_does_not_help(results: RunResults) -> None:
    sentences = difference_sentences(panels(results)[0])
    assert "nested head - rotation: better at 32, 64, 96, 192, 384." in sentences
    assert "nested head - head + rotation: worse at 64; not told apart at 32, 96, 192, 384." in sentences


def test_meanings_only_of_what_is_there(only_map: Callable[[str], RunResults]) -> None:
    assert len(meanings(panels(only_map("rotation")))) == 1
    assert meanings(panels(replace(only_map("rotation"), scores=()))) == ()


def test_commands_quote_what_comes_from_the_results(results: RunResults) -> None:
    hostile = tuple(replace(score, measure="x; rm -rf y") for score in results.scores[:3])
    lines = commands(panels(replace(results, scores=hostile))[0])
    assert any("--measure 'x; rm -rf y'" in line for line in lines)
    assert any("--dim 96" in line for line in commands(panels(results)[0]))
