"""The texts a run encodes: each once, pairs found among them, what belongs together in one group."""

from pathlib import Path

import numpy as np
import pytest

from matryo.data.retrieval import Retrieval
from matryo.data.texts import Texts
from matryo.embeddings import EmbeddingSet
from matryo.encoders import load_encoder
from matryo.experiments.model_vectors import encode_sample, rows_of
from matryo.experiments.run_sample import RunSample, run_sample
from matryo.space import Space


def task(name: str, documents: dict[str, str], queries: dict[str, str], relevant: dict[str, list[str]]) -> Retrieval:
    return Retrieval(
        name,
        Texts.of(list(documents), list(documents.values())),
        Texts.of(list(queries), list(queries.values())),
        {query: dict.fromkeys(found, 1) for query, found in relevant.items()},
    )


TEST = task("t", {"d0": "north", "d1": "south", "d2": "east"}, {"q": "where is up"}, {"q": ["d0"]})
# other ids for the same texts, and one text that the test part does not hold
TRAIN = task(
    "train",
    {"x": "south", "y": "west", "z": "east"},
    {"a": "down", "b": "left", "c": "right", "e": "right or left"},
    {"a": ["x"], "b": ["y"], "c": ["z"], "e": ["z", "y"]},
)
VALIDATION = task("v", {"m": "east", "n": "below"}, {"k": "sunrise", "l": "down"}, {"k": ["m"], "l": ["n"]})


def sample(max_pairs: int = 100) -> RunSample:
    return run_sample(TEST, TRAIN, VALIDATION, max_pairs=max_pairs, seed=0)


def texts_at(drawn: RunSample, rows: np.ndarray, kind: str) -> list[str]:
    known, more = (getattr(drawn.task, kind), getattr(drawn, f"more_{kind}"))
    every = [text.text for text in [*known, *more]]
    return [every[row] for row in rows]


def test_texts_of_the_test_part_are_not_encoded_again() -> None:
    drawn = sample()
    assert [text.text for text in drawn.more_documents] == ["west", "below"]
    assert [text.text for text in drawn.more_queries] == ["down", "left", "right", "right or left", "sunrise"]


def test_rows_lead_to_the_texts_of_each_pair() -> None:
    drawn = sample()
    assert texts_at(drawn, drawn.train.queries, "queries") == ["down", "left", "right", *["right or left"] * 2]
    assert texts_at(drawn, drawn.train.documents, "documents") == ["south", "west", "east", "east", "west"]
    assert texts_at(drawn, drawn.validation.documents, "documents") == ["east", "below"]
    assert drawn.search is not None
    assert texts_at(drawn, drawn.search.documents, "documents") == ["east", "below"]
    assert texts_at(drawn, drawn.search.queries, "queries") == ["sunrise", "down"]
    assert drawn.search.judged.counted_ids == ("k", "l")


def test_pairs_that_hang_together_are_one_group() -> None:
    groups = sample().train.groups.tolist()
    assert groups[1:] == [groups[1]] * 4 and groups[0] != groups[1]


def test_the_draw_is_bounded_and_repeats() -> None:
    assert len(sample(2).train) == 2 and len(sample(0).train) == 0
    assert sample(3).train.documents.tolist() == sample(3).train.documents.tolist()
    assert sample(0).search is not None


def test_without_validation_there_is_nothing_to_choose_by() -> None:
    drawn = run_sample(TEST, TRAIN, None, max_pairs=10, seed=0)
    assert drawn.search is None and len(drawn.validation) == 0


def test_vectors_are_those_of_the_texts(tiny_model_folder: Path, tmp_path: Path) -> None:
    encoder, drawn = load_encoder(tiny_model_folder), sample()
    vectors = encode_sample(encoder, drawn, tmp_path)
    rows = texts_at(drawn, drawn.train.documents, "documents")
    np.testing.assert_allclose(vectors.train.documents, encoder.encode(rows), atol=2e-2)
    asked = texts_at(drawn, drawn.train.queries, "queries")
    np.testing.assert_allclose(vectors.train.queries, encoder.encode(asked, "query"), atol=2e-2)
    assert vectors.validation_documents.shape == (2, 32) and vectors.queries.shape == (1, 32)


def test_texts_that_were_cut_off_are_known_when_their_vectors_are_only_read(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    drawn = sample()
    found = [encode_sample(load_encoder(tiny_model_folder, max_tokens=4), drawn, tmp_path) for _ in range(2)]
    assert found[0].n_truncated == found[1].n_truncated > 0


@pytest.mark.parametrize("wanted", [[], [0], [9, 3, 4, 4, 11, 0, 10, 5]])
def test_rows_of_a_set_and_what_follows_it(rng: np.random.Generator, tmp_path: Path, wanted: list[int]) -> None:
    matrix = rng.standard_normal((12, 4)).astype(np.float32)
    ids = [str(i) for i in range(10)]
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    stored = EmbeddingSet.from_numpy(tmp_path / "set", matrix[:10], ids, space=Space.declared("test", 4), shard_rows=3)
    found = rows_of(stored, matrix[10:], np.array(wanted, dtype=np.int64))
    np.testing.assert_array_equal(found, matrix[wanted].reshape(len(wanted), 4))
