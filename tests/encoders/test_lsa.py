import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from matryo.encoders import LsaEncoder, fit_lsa, load_lsa
from matryo.encoders.lsa import WORDS
from matryo.encoders.lsa_files import is_lsa
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.prefix import unit_rows

TEXTS = [
    "the cat runs to the dog",
    "the dog runs to the cat",
    "a dog chases a bird in the garden",
    "read_json reads a file of JSON",
    "write_json writes a file",
    "JSON is a format of files",
    "birds sing in a garden",
    "the file holds a bird",
]


@pytest.fixture(scope="module")
def fitted() -> LsaEncoder:
    return fit_lsa(TEXTS, width=4, name="words")


def test_it_is_what_scikit_learn_computes(fitted: LsaEncoder) -> None:
    counts = TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True, max_features=20_000, dtype=np.float32)
    weighted = counts.fit_transform(TEXTS)
    reduced = TruncatedSVD(4, n_iter=5, random_state=0).fit(weighted)
    assert fitted.vocabulary == tuple(counts.get_feature_names_out())
    assert np.allclose(fitted.encode(TEXTS), unit_rows(reduced.transform(weighted)), atol=1e-6)


def test_the_directions_explain_less_and_less(fitted: LsaEncoder) -> None:
    counts = TfidfVectorizer(token_pattern=WORDS, sublinear_tf=True, dtype=np.float32)
    exact = np.linalg.svd(counts.fit_transform(TEXTS).toarray(), compute_uv=False)
    found = np.linalg.norm(counts.transform(TEXTS) @ fitted.components.T, axis=0)
    assert np.allclose(found, exact[:4], rtol=1e-3)


def test_a_word_worked_by_hand() -> None:
    # two texts of one word each: idf = ln(3 / 2) + 1, and the directions are the words themselves
    encoder = fit_lsa(["cat", "dog"], width=2)
    assert encoder.vocabulary == ("cat", "dog") and np.allclose(encoder.idf, np.log(1.5) + 1)
    assert np.allclose(encoder.encode(["cat cat"]) @ encoder.encode(["cat", "dog", "cat dog"]).T, [[1, 0, 0.5**0.5]])


def test_parts_of_names_in_code_are_words(fitted: LsaEncoder) -> None:
    assert "json" in fitted.vocabulary and "read_json" not in fitted.vocabulary and "a" not in fitted.vocabulary


def test_unknown_words_give_a_zero_row(fitted: LsaEncoder) -> None:
    vectors = fitted.encode(["zebra", "", "a", "the zebra"])
    assert not vectors[:3].any() and np.isclose(np.linalg.norm(vectors[3]), 1, atol=1e-6)


def test_the_same_fit_is_the_same_space(fitted: LsaEncoder) -> None:
    again = fit_lsa(TEXTS, width=4, name="another name")
    assert again.space == fitted.space and again.encode(TEXTS).tobytes() == fitted.encode(TEXTS).tobytes()
    others = [fit_lsa(TEXTS[:-1], 4), fit_lsa(TEXTS, 3), fit_lsa(TEXTS, 4, max_features=9)]
    assert len({encoder.space.id for encoder in [fitted, *others]}) == 4
    assert len(others[-1].vocabulary) == 9


@pytest.mark.slow
def test_the_number_of_threads_does_not_change_the_space() -> None:
    code = (
        "import random; from matryo.encoders import fit_lsa; random.seed(1); "
        "words = [f'word{i}' for i in range(3000)]; "
        "print(fit_lsa([' '.join(random.choices(words, k=50)) for _ in range(1000)], 64).space.id)"
    )

    def ran(n_threads: str) -> str:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), n_threads)
        return subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, env={**os.environ, **threads}
        ).stdout

    assert ran("1") == ran("2") != ""


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(st.sampled_from("catdog JSONfile_ "), max_size=30), max_size=12))
def test_a_row_does_not_depend_on_its_neighbours(texts: list[str]) -> None:
    encoder = fit_lsa(TEXTS, width=2)
    alone = [encoder.encode([text]) for text in texts]
    assert encoder.encode(texts).tobytes() == b"".join(row.tobytes() for row in alone)


def test_saved_and_loaded_it_is_the_same(fitted: LsaEncoder, tmp_path: Path) -> None:
    folder = fitted.save(tmp_path / "lsa")
    assert sorted(p.name for p in folder.iterdir()) == ["lsa.json", "lsa.safetensors", "vocabulary.json"]
    assert is_lsa(folder) and not is_lsa(tmp_path)
    loaded = load_lsa(folder)
    assert loaded.space == fitted.space and loaded.name == "lsa"
    assert loaded.encode(TEXTS).tobytes() == fitted.encode(TEXTS).tobytes()
    loaded.save(folder)
    assert load_lsa(folder).space == fitted.space


def test_a_folder_of_something_else_is_left_alone(fitted: LsaEncoder, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(MatryoError, match="other files"):
        fitted.save(tmp_path)
    with pytest.raises(FormatError, match=r"lsa\.json is missing"):
        load_lsa(tmp_path)


def change_words(folder: Path) -> None:
    words = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps(words[::-1]))


def change_about(key: str, value: object) -> object:
    def change(folder: Path) -> None:
        about = json.loads((folder / "lsa.json").read_text())
        (folder / "lsa.json").write_text(json.dumps({**about, key: value}))

    return change


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (change_words, "do not match the digest"),
        (change_about("width", 5), "do not fit"),
        (change_about("format", 9), "format 9"),
        (change_about("words", "[a-z]+"), "splits words"),
        (change_about("digest", "0"), "do not match the digest"),
        (lambda folder: (folder / "vocabulary.json").write_text('{"cat": 0}'), "list of words"),
        (lambda folder: (folder / "vocabulary.json").write_text('["cat"]'), "do not fit"),
        (lambda folder: (folder / "lsa.safetensors").write_bytes(b"no numbers"), "cannot be read"),
        (lambda folder: (folder / "lsa.safetensors").unlink(), "cannot be read"),
    ],
)
def test_damaged_files_are_told(fitted: LsaEncoder, tmp_path: Path, damage: object, message: str) -> None:
    folder = fitted.save(tmp_path / "lsa")
    damage(folder)  # type: ignore[operator]
    with pytest.raises(FormatError, match=message):
        load_lsa(folder)


@pytest.mark.parametrize(
    ("texts", "width", "message"),
    [
        (TEXTS, 9, "at most 8"),
        (["cat dog"] * 5, 3, "at most 2"),
        (["a", "?"], 1, "two letters"),
        ([], 1, "two letters"),
        (TEXTS, 0, "at least 1"),
        ("cat", 1, "list of strings"),
    ],
)
def test_what_cannot_be_fitted_is_refused(texts: list[str], width: int, message: str) -> None:
    with pytest.raises(MatryoError, match=message):
        fit_lsa(texts, width)


def test_numbers_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ShapeError, match="got 2 words"):
        LsaEncoder(["cat", "dog"], np.ones(3, np.float32), np.ones((1, 2), np.float32))
