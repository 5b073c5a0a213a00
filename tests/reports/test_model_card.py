from dataclasses import replace
from typing import Any

import pytest
import yaml

from matryo.errors import MatryoError
from matryo.evaluation.results import RunResults
from matryo.reports.model_card import model_card

DIMS = (32, 64, 96, 192, 384)
PURPOSE = "A pipeline check, no quality claim."


def front_matter(card: str) -> dict[str, Any]:
    assert card.startswith("---\n")
    found = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(found, dict)
    return found


def with_settings(results: RunResults, **settings: Any) -> RunResults:
    return replace(results, settings={**results.settings, **settings})


def test_the_front_matter_is_what_the_hub_expects(dense_results: RunResults) -> None:
    assert front_matter(model_card(dense_results, "matryoshka", 1, DIMS)) == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "base_model": "sentence-transformers/all-MiniLM-L6-v2",
        "datasets": ["stdlib"],
        "tags": [
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "dense-retrieval",
            "matryoshka",
        ],
    }


def test_what_is_not_known_is_left_out(dense_results: RunResults) -> None:
    bare = front_matter(model_card(with_settings(dense_results, encoder={"name": "tiny"}), "matryoshka", 1, DIMS))
    assert "base_model" not in bare and "license" not in bare
    known = with_settings(dense_results, license="mit", encoder={"name": "some-org/some.model"})
    full = front_matter(model_card(known, "matryoshka", 1, DIMS))
    assert full["base_model"] == "some-org/some.model" and full["license"] == "mit"


def test_names_cannot_leave_the_front_matter(dense_results: RunResults) -> None:
    hostile = "x\n---\nlicense: mit"
    renamed = replace(
        dense_results,
        dataset=hostile,
        scores=tuple(replace(score, dataset=hostile) for score in dense_results.scores),
        differences=(),
    )
    text = model_card(renamed, "matryoshka", 1, DIMS)
    head = next(iter(yaml.safe_load_all(text.split("\n# ")[0])))
    assert head["datasets"] == [hostile] and "license" not in head


def test_the_curve_of_this_seed_stands_beside_the_mean(dense_results: RunResults) -> None:
    text = model_card(dense_results, "matryoshka", 2, DIMS)
    assert "| dims kept | bytes, float32 | trained at | this model | mean of 3 seeds |" in text
    assert "| 96 | 384 | yes | 0.524 (0.493–0.548) | 0.520 (0.493–0.548) |" in text  # noqa: RUF001
    assert "n = 1,159 in 46 groups" in text and "seed 1: 0.530" in text


def test_the_control_training_data_limits_and_versions_are_told(dense_results: RunResults) -> None:
    text = model_card(dense_results, "matryoshka", 1, DIMS)
    for wanted in (
        "no significant difference between matryoshka and dense\\_baseline + rotation",
        "At the full width, 384 numbers",
        "| train rows | 2,781 |",
        "| train.batch\\_size | 64 |",
        "| train.loss.temperature | 0.05 |",
        "Reads at most 128 tokens",
        "12 texts are longer than 128 tokens",
        "| sentence-transformers | 6.2.0 |",
        'SentenceTransformer("FOLDER", truncate_dim=96)',
        "normalize_embeddings=True",
        "matryo.cut(vectors, 96)",
    ):
        assert wanted in text, wanted


def test_the_baseline_is_not_called_matryoshka(dense_results: RunResults) -> None:
    text = model_card(dense_results, "dense_baseline", 0, (384,))
    assert "matryoshka" not in front_matter(text)["tags"]
    assert "truncate_dim" not in text and "| 96 | 384 | no |" in text
    assert "not meant to be used without a rotation" in text and "are an embedding, too" not in text


def test_a_pipeline_check_says_so_and_claims_nothing(dense_results: RunResults) -> None:
    text = model_card(with_settings(dense_results, purpose=PURPOSE), "matryoshka", 1, DIMS)
    assert f"> **{PURPOSE}**" in text and "say nothing about quality" in text
    assert "Against the control" not in text and "significant" not in text


def test_one_seed_has_no_mean(dense_results: RunResults) -> None:
    scores = tuple(replace(s, n_seeds=1) if s.n_seeds else s for s in dense_results.scores if s.seed in (None, 0))
    text = model_card(replace(dense_results, scores=scores), "matryoshka", 0, DIMS)
    assert "mean of" not in text.split("## Training")[0].split("## Against")[0]
    assert "| 96 | 384 | yes | 0.516 (" in text


@pytest.mark.parametrize(("arm", "seed"), [("nobody", 0), ("matryoshka", 7)])
def test_a_model_without_scores_is_refused(dense_results: RunResults, arm: str, seed: int) -> None:
    with pytest.raises(MatryoError, match=rf"no scores of arm '{arm}', seed {seed}; the run has dense_baseline, matry"):
        model_card(dense_results, arm, seed, DIMS)
    with pytest.raises(MatryoError, match="the run has no arm"):
        model_card(replace(dense_results, scores=(), settings={}), arm, seed, DIMS)
