"""Reading vectors back and asking by them, and what the engine's own metadata tells of where they come from."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.prefix import cut, unit_rows
from matryo.search.stores import ChromaStore, MilvusStore, Origin, Store
from matryo.search.stores.chroma import ChromaEngine
from matryo.search.stores.label import Label
from matryo.search.stores.milvus import MilvusEngine
from matryo.space import Space

pytest.importorskip("chromadb")
pytest.importorskip("milvus_lite")

N, WIDTH, DIMS = 60, 12, (5, 12)
ORIGIN = Origin("stdlib", "minilm", "a" * 32, "wordllama", "b" * 32, "ridge", "c" * 64, "0", "held-out")


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> EmbeddingSet:
    """60 unit rows, three of them equal, one of them zero."""
    x = unit_rows(np.random.default_rng(3).standard_normal((N, WIDTH), dtype=np.float32))
    x[[20, 41]] = x[7]
    x[30] = 0.0
    ids = [f"d{row:02d}" for row in range(N)]
    return EmbeddingSet.from_numpy(tmp_path_factory.mktemp("set") / "set", x, ids, space=Space.declared("v", WIDTH))


@pytest.fixture(scope="module", params=["chroma", "milvus"])
def store(request: pytest.FixtureRequest, documents: EmbeddingSet, tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("store")
    made: Store = (
        ChromaStore(folder / "c", "docs") if request.param == "chroma" else MilvusStore(folder / "m.db", "docs")
    )
    made.push(documents, dims=DIMS, origin=ORIGIN)
    return made


@pytest.mark.parametrize("dim", [None, *DIMS])
def test_vectors_come_back_as_they_were_pushed(store: Store, documents: EmbeddingSet, dim: int | None) -> None:
    ids = ["d41", "d00", "d30", "d59", "d00"]
    rows = [int(id[1:]) for id in ids]
    found = store.vectors(ids, dim)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, cut(documents.to_numpy(), dim or WIDTH)[rows], atol=1e-6)
    assert store.vectors([], dim).shape == (0, dim or WIDTH)


def test_more_vectors_than_the_engine_takes_at_once(
    store: Store, documents: EmbeddingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    for kind in (ChromaEngine, MilvusEngine):
        read = kind.vectors
        monkeypatch.setattr(kind, "most_rows", lambda self, dim: 25)
        monkeypatch.setattr(
            kind, "vectors", lambda self, name, ids, read=read: (asked.append(len(ids)), read(self, name, ids))[1]
        )
    np.testing.assert_allclose(store.vectors(documents.ids()), documents.to_numpy(), atol=1e-6)
    assert asked == [25, 25, 10]


@pytest.mark.parametrize("dim", [None, 5])
def test_neighbours_are_those_of_exhaustive_comparison_without_the_row_itself(
    store: Store, documents: EmbeddingSet, dim: int | None
) -> None:
    x = cut(documents.to_numpy().astype(np.float64), dim or WIDTH)
    ids = [id for id in documents.ids() if id != "d30"]
    hits = store.neighbours(ids, 8, dim)
    for row, (own, found) in enumerate(zip(ids, hits.ids.tolist(), strict=True)):
        cosines = x @ x[int(own[1:])]
        theirs = [int(id[1:]) for id in found]
        assert own not in found and len(set(found)) == 8
        np.testing.assert_allclose(hits.scores[row], cosines[theirs], atol=1e-4)
        cosines[int(own[1:])] = -np.inf
        np.testing.assert_allclose(np.sort(cosines)[::-1][:8], cosines[theirs], atol=1e-4)
    assert hits.ids[ids.index("d20")].tolist()[:2] == ["d07", "d41"]  # equal rows, of which one is itself


def test_k_beyond_the_other_rows_is_filled_up(store: Store) -> None:
    hits = store.neighbours(["d01"], N + 1)
    assert hits.ids.shape == (1, N + 1) and hits.ids[0, -2:].tolist() == ["", ""]
    assert len(set(hits.ids[0].tolist())) == N and "d01" not in hits.ids


def test_what_is_not_there_is_refused(store: Store) -> None:
    for use in (lambda: store.vectors(["d00", "x"]), lambda: store.neighbours(["x"], 2)):
        with pytest.raises(MatryoError, match=r"docs at .* has no row 'x'"):
            use()
    with pytest.raises(MatryoError, match="pushed at dims 5, 12, got dim 6"):
        store.vectors(["d00"], 6)
    with pytest.raises(MatryoError, match="k must be at least 1"):
        store.neighbours(["d00"], 0)


def test_the_origin_stands_in_the_engines_own_metadata(store: Store) -> None:
    assert store.origin == ORIGIN
    engine = store._engine  # type: ignore[attr-defined]
    for dim in DIMS:
        told = engine.metadata(f"docs_{dim}")[f"docs_{dim}"]
        assert {key: told[key] for key in ("texts", "model", "from", "to", "map", "seed", "rows")} == {
            "texts": "stdlib", "model": "minilm", "from": "minilm", "to": "wordllama", "map": "ridge", "seed": "0",
            "rows": "held-out",
        }  # fmt: skip
        assert (told["from_space"], told["to_space"], told["map_digest"]) == ("a" * 32, "b" * 32, "c" * 64)


@pytest.mark.parametrize("kind", ["chroma", "milvus"])
def test_a_store_of_before_has_no_origin_and_is_given_one_later(
    kind: str, documents: EmbeddingSet, tmp_path: Path
) -> None:
    store = ChromaStore(tmp_path / "c", "docs") if kind == "chroma" else MilvusStore(tmp_path / "m.db", "docs")
    store.push(documents)
    assert store.origin is None and store.complete
    assert store.push(documents, origin=ORIGIN).n_sent == 0
    assert store.origin == ORIGIN and store.complete
    assert store.push(documents).n_sent == 0
    assert store.origin == ORIGIN  # who tells nothing erases nothing


def test_a_label_with_an_origin_is_read_by_who_does_not_know_it(documents: EmbeddingSet) -> None:
    label = Label.of("docs", documents, DIMS, 5, ORIGIN)
    stored = label.to_strings()
    assert Label.from_strings(stored, "here") == label
    ours = {key: value for key, value in stored.items() if key.startswith("matryo.")}
    assert ours == Label.of("docs", documents, DIMS, 5).to_strings()
    assert Label.from_strings(ours, "here") == replace(label, origin=None)


def test_an_origin_in_a_line() -> None:
    assert str(ORIGIN) == "from minilm to wordllama by ridge, seed 0"
    assert str(replace(ORIGIN, target="", seed="")) == "from minilm to bbbbbbbbbbbb by ridge"
    assert str(Origin()) == "native an unknown model" and Origin().native
    assert Origin.from_strings({"from": "somebody's own"}) is None
