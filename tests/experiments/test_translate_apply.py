"""A translated set: the map's vectors with the source's ids, texts and role, in the map's own space."""

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet, verify_set
from matryo.errors import MatryoError, SpaceError
from matryo.experiments import translate_apply
from matryo.experiments.translate_apply import apply_map
from matryo.experiments.translate_fit import fit_sets
from matryo.maps import imitated_id, load_map
from matryo.space import Space


@pytest.fixture(scope="module")
def forth(made_models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps") / "forth"
    fit_sets(made_models.old, made_models.new, folder)
    return folder


def test_a_translated_set(forth, made_models, tmp_path) -> None:
    made, given = (
        apply_map(forth, made_models.old, tmp_path / "out", shard_rows=100),
        EmbeddingSet.open(made_models.old),
    )
    fitted = load_map(forth)
    assert made.space == fitted.target and imitated_id(made.space) == EmbeddingSet.open(made_models.new).space.id
    assert made.ids() == given.ids() and made.texts() == given.texts() and made.role == "document"
    assert np.abs(made.to_numpy() - fitted.apply(given.to_numpy())).max() < 1e-6
    assert verify_set(tmp_path / "out") == []


def test_role_and_lack_of_texts_are_kept(forth, made_models, tmp_path) -> None:
    made = apply_map(forth, made_models.old_queries, tmp_path / "out", dtype="float16")
    assert (made.role, made.texts(), made.dtype) == ("query", None, "float16")
    x, ids = np.eye(12, dtype=np.float32), [str(i) for i in range(12)]
    EmbeddingSet.from_numpy(tmp_path / "said", x, ids, space=Space("old", 12), prompt="query: ")
    assert apply_map(forth, tmp_path / "said", tmp_path / "said-as-new").prompt == "query: "


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(forth, made_models, tmp_path, monkeypatch) -> None:
    apply_map(forth, made_models.old, tmp_path / "whole", shard_rows=100)
    fitted, asked, lives = load_map(forth), [], [1]

    class Dies:
        def __init__(self, vectors) -> None:
            self.width, self._vectors = vectors.width, vectors

        def read(self, rows: slice, start: int, stop: int):
            if rows.start == 200 and lives:
                lives.pop()
                raise KeyboardInterrupt
            asked.append(rows.start)
            return self._vectors.read(rows, start, stop)

    translated = translate_apply.translated
    monkeypatch.setattr(translate_apply, "translated", lambda *args, **kept: Dies(translated(*args, **kept)))
    with pytest.raises(KeyboardInterrupt):
        apply_map(fitted, made_models.old, tmp_path / "part", shard_rows=100)
    apply_map(fitted, made_models.old, tmp_path / "part", shard_rows=100)
    assert asked == [0, 100, 200, 300]  # the first two are kept
    for path in (tmp_path / "whole").iterdir():
        assert (tmp_path / "part" / path.name).read_bytes() == path.read_bytes()


def test_what_the_map_does_not_read_is_refused(forth, made_models, tmp_path, changed_set) -> None:
    with pytest.raises(SpaceError, match="that is the other direction"):
        apply_map(forth, made_models.new, tmp_path / "out")
    older = changed_set(made_models.old, "older", space=Space("old, revised", 12))
    with pytest.raises(SpaceError, match="another revision"):
        apply_map(forth, older, tmp_path / "out")
    with pytest.raises(MatryoError, match="the set to translate itself"):
        apply_map(forth, made_models.old, made_models.old)
    apply_map(forth, made_models.old, tmp_path / "out")
    with pytest.raises(MatryoError, match="holds a set of another plan"):
        apply_map(forth, made_models.old_queries, tmp_path / "out")
    x = EmbeddingSet.open(made_models.old).to_numpy()
    with pytest.raises(MatryoError, match="input_digest is"):
        apply_map(forth, changed_set(made_models.old, "turned", vectors=x[::-1]), tmp_path / "notexts")
        apply_map(forth, changed_set(made_models.old, "again", vectors=x), tmp_path / "notexts")


def test_there_and_back_only_if_asked(forth, made_models, tmp_path) -> None:
    fit_sets(made_models.new, made_models.old, tmp_path / "back")
    apply_map(forth, made_models.old, tmp_path / "there")
    with pytest.raises(SpaceError, match="only imitate it"):
        apply_map(tmp_path / "back", tmp_path / "there", tmp_path / "again")
    again = apply_map(tmp_path / "back", tmp_path / "there", tmp_path / "again", as_native=True)
    before = EmbeddingSet.open(made_models.old).to_numpy()
    assert np.einsum("ij,ij->i", again.to_numpy(), before).mean() > 0.9
