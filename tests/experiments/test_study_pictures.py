from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from matryo.data import Texts
from matryo.embeddings import EmbeddingSet
from matryo.errors import MatryoError
from matryo.evaluation.pictures import KernelPicture, LayoutPicture, SearchPicture
from matryo.evaluation.translation_split import IdSplit
from matryo.experiments import study_pictures
from matryo.experiments.study_config import Job, PicturesConfig, TranslatorConfig
from matryo.experiments.study_pictures import clusters, colours, make_pictures, picture_path
from matryo.experiments.study_spaces import MadeSpace
from matryo.experiments.study_texts import StudyTexts
from matryo.maps import fit_ridge
from matryo.prefix import unit_rows
from matryo.space import Space

N, M = 60, 8
JOB = Job("old", "new", TranslatorConfig.model_validate("ridge"), 0)
CONFIG = PicturesConfig(umap=False, n_points=30, n_neighbours=5)
IDS = [f"d{at}" for at in range(N)]


class Study:
    """Two small spaces of the same texts, a ridge map between them, and the rows that it was not fitted on."""

    def __init__(self, folder: Path) -> None:
        rng = np.random.default_rng(3)
        what = rng.normal(size=(N + M, 6))
        what[N:] = what[:M] + 0.1 * rng.normal(size=(M, 6))  # query i asks for document i
        spaces = {}
        for name, width, order in (("old", 10, np.arange(N)), ("new", 8, np.arange(N)[::-1])):
            vectors = unit_rows(what @ rng.normal(size=(6, width))).astype(np.float32)
            space = Space(name, width)
            documents = EmbeddingSet.from_numpy(
                folder / name / "d", vectors[order], [IDS[at] for at in order], space=space
            )
            queries = EmbeddingSet.from_numpy(
                folder / name / "q", vectors[N:], [f"q{at}" for at in range(M)], space=space, role="query"
            )
            spaces[name] = MadeSpace(name, documents, queries, {}, "", None)  # type: ignore[arg-type]
        self.old, self.new = spaces["old"], spaces["new"]
        in_order = self.new.documents.to_numpy()[::-1].copy()
        both = [
            EmbeddingSet.from_numpy(folder / "fit" / name, vectors, IDS, space=made.documents.space)
            for name, vectors, made in (("a", self.old.documents.to_numpy(), self.old), ("b", in_order, self.new))
        ]
        self.fitted = fit_ridge(*both)
        self.held = np.arange(4, N)
        self.folder = folder / "run"

    def texts(self, *, labels: dict[str, str] | None = None, judged: bool = True) -> StudyTexts:
        return StudyTexts(
            name="toy",
            documents=Texts.of(IDS, [f"text {at} " + "word " * 40 for at in range(N)]),
            queries=Texts.of([f"q{at}" for at in range(M)], [f"question {at}" for at in range(M)]) if judged else None,
            judgements={f"q{at}": {f"d{at}": 1, "d50": 0} for at in range(M)} if judged else None,
            groups={},
            labels=labels or {},
            split=IdSplit(),
            notes=(),
            key="key",
        )

    def make(
        self, texts: StudyTexts, config: PicturesConfig = CONFIG, held: Any = None, folder: Path | None = None
    ) -> tuple[str, ...]:
        rows, run = self.held if held is None else held, folder or self.folder
        return make_pictures(run, ("old", "new"), JOB, self.old, self.new, texts, self.fitted, rows, config)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return Study(tmp_path_factory.mktemp("study"))


def test_queries_ask_for_held_out_documents_joined_by_id(study: Study) -> None:
    assert study.make(study.texts()) == ()
    found = SearchPicture.read(picture_path(study.folder, "searches", JOB))
    assert (found.source, found.target, found.translator, found.asked) == ("old", "new", "ridge", "queries")
    # documents d0 .. d3 were fitted on, so that their queries have nothing to find
    assert found.n_asked == 4 and found.n_documents == N - 4 and len(found.searches) == 4
    for search in found.searches:
        answer = f"d{search.query[1:]}"
        assert search.relevant == (answer,)
        # the target's rows stand in another order than the source's: a join by row number would find others
        assert answer in [one.id for one in search.native[:3]] and answer in [one.id for one in search.keep[:3]]
        assert [one.relevant for one in search.native] == [one.id == answer for one in search.native]
        assert search.text == f"question {search.query[1:]}" and len(search.native[0].text) == 120
    kernels = KernelPicture.read(picture_path(study.folder, "kernels", JOB))
    assert set(kernels.ids[at] for at in kernels.queries) <= {search.query for search in found.searches}


def test_texts_ask_for_each_other_where_there_are_no_queries(study: Study) -> None:
    study.make(study.texts(judged=False))
    found = SearchPicture.read(picture_path(study.folder, "searches", JOB))
    assert found.asked == "texts" and found.n_asked == found.n_documents == N - 4
    for search in found.searches:
        for hits in (search.native, search.translated, search.keep):
            assert search.query not in [one.id for one in hits]
            assert {one.relevant for one in hits} == {None}


def test_no_searches_leave_kernels_of_a_sample_and_a_map_takes_enough_texts(study: Study, tmp_path: Path) -> None:
    config = CONFIG.model_copy(update={"n_searches": 0, "umap": True})
    (note,) = study.make(study.texts(judged=False), config, np.arange(10), tmp_path)
    assert "10 are held out, it takes 20" in note
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["kernels--old--new--ridge.json"]
    assert KernelPicture.read(picture_path(tmp_path, "kernels", JOB)).queries == ()


def test_what_is_not_wanted_any_more_goes(study: Study, tmp_path: Path) -> None:
    study.make(study.texts(), folder=tmp_path)
    picture_path(tmp_path, "umap", JOB).write_text("of a config with umap")
    assert len([*(tmp_path / "pictures").iterdir()]) == 3
    study.make(study.texts(), CONFIG.model_copy(update={"n_searches": 0}), folder=tmp_path)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["kernels--old--new--ridge.json"]


def test_a_text_that_one_space_lacks_is_named(study: Study) -> None:
    lacking = SimpleNamespace(documents=study.new.queries, queries=None, name="new")
    with pytest.raises(MatryoError, match=r"space new lacks 56 of the texts .* 'd4'"):
        make_pictures(
            study.folder,
            ("old", "new"),
            JOB,
            study.old,
            lacking,
            study.texts(),
            study.fitted,
            study.held,
            CONFIG,  # type: ignore[arg-type]
        )


class Plane:
    """Stands in for a layout: the first two numbers of every vector."""

    fits = 0

    def __init__(self, native: np.ndarray) -> None:
        self.native = native[:, :2].astype(np.float64)
        Plane.fits += 1

    def place(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, :2].astype(np.float64)


def test_a_map_holds_a_sample_of_native_and_translated_points_and_a_target_is_fitted_once(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_pictures, "fit_layout", lambda native, **_: Plane(native))
    study_pictures._fitted.cache_clear()
    labels = {name: "even" if int(name[1:]) % 2 == 0 else "odd" for name in IDS}
    config = CONFIG.model_copy(update={"umap": True})
    assert study.make(study.texts(labels=labels), config) == ()
    found = LayoutPicture.read(picture_path(study.folder, "umap", JOB))
    assert len(found.ids) == found.n_fitted == 30 and set(found.ids) <= {IDS[at] for at in study.held}
    assert all(labels[name] == label for name, label in zip(found.ids, found.labels, strict=True))
    assert found.label_kind == "label" and found.n_neighbours == found.trust_neighbours == 5
    rows = {name: at for at, name in enumerate(study.new.documents.ids())}
    native = study.new.documents.to_numpy()[[rows[name] for name in found.ids]]
    assert np.allclose(found.native, native[:, :2], atol=1e-4)
    sources = study.old.documents.to_numpy()[[int(name[1:]) for name in found.ids]]
    assert np.allclose(found.translated, study.fitted.apply(sources)[:, :2], atol=1e-4)
    before = Plane.fits
    study.make(study.texts(), config)
    assert Plane.fits == before == 1
    study_pictures._fitted.cache_clear()


def test_rare_labels_are_put_together_and_labels_that_say_nothing_give_clusters(rng: np.random.Generator) -> None:
    ids = [f"{at}" for at in range(60)]
    x = rng.normal(size=(60, 4))
    many = {name: f"label {int(name) % 12:02d}" for name in ids} | {name: "label 00" for name in ids[:20]}
    found, kind = colours(ids, many, x, 0)
    assert len(set(found)) == 10 and "other" in found and kind == "label, the 9 most frequent of 12"
    assert found[:20] == ("label 00",) * 20
    few, kind = colours(ids, {"0": "only"}, x, 0)
    assert set(few) == {f"cluster {at}" for at in range(1, 9)} and "hold few of the texts" in kind
    none, kind = colours(ids, {}, x, 0)
    assert none == few and "carry no labels" in kind


def test_clusters_are_numbered_by_size(rng: np.random.Generator) -> None:
    centres = np.eye(3)[[0] * 5 + [1] * 20 + [2] * 10]
    found = clusters(centres + 0.01 * rng.normal(size=centres.shape), 3, seed=0)
    assert found == ("cluster 3",) * 5 + ("cluster 1",) * 20 + ("cluster 2",) * 10
