import json
import math

import numpy as np
import pytest

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.identity import Part, measure_identity
from matryo.evaluation.identity_baselines import measure_baselines
from matryo.evaluation.identity_measures import IdentityMeasures


@pytest.fixture
def found(make_views, make_vectors):
    views, other = make_views(), make_views(30, 5)
    return measure_identity(
        views,
        *make_vectors(views),
        dims=(8, 24),
        prefix_dim=8,
        twins=make_vectors(views, 1, twins=True),
        seed=0,
        fit=Part(other, *make_vectors(other, 5)),
        sizes=(20, 60),
        n_permutations=20,
    )


def assert_equal(one: IdentityMeasures, other: IdentityMeasures):
    assert one.summary() == other.summary()
    for name in ("digest", "domains", "dims", "columns", "collapse", "cka", "shuffled_cka", "probes", "open_set"):
        assert repr(getattr(one, name)) == repr(getattr(other, name))
    assert list(one.searches) == list(other.searches)
    assert list(one.triplets) == list(other.triplets)
    for key, search in one.searches.items():
        same = other.searches[key]
        assert search.size == same.size
        np.testing.assert_array_equal(search.people, same.people)
        for name in ("queries", "above", "tied", "margin"):
            left, right = getattr(search.ranks, name), getattr(same.ranks, name)
            assert left.dtype == right.dtype
            np.testing.assert_array_equal(left, right)
    for domain, hits in one.triplets.items():
        np.testing.assert_array_equal(hits.hits, other.triplets[domain].hits)
        np.testing.assert_array_equal(hits.people, other.triplets[domain].people)
        assert hits.columns == other.triplets[domain].columns


def test_what_is_saved_is_read_back_exactly(found, tmp_path):
    found.save(tmp_path / "new", "seed-0")
    assert_equal(found, IdentityMeasures.load(tmp_path / "new", "seed-0"))
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["seed-0.json", "seed-0.npz"]
    first = (tmp_path / "new" / "seed-0.npz").read_bytes()
    found.save(tmp_path / "new", "seed-0")
    assert (tmp_path / "new" / "seed-0.npz").read_bytes() == first


def test_baselines_and_numbers_that_are_none_are_read_back(make_views, tmp_path):
    views = make_views(30)
    for name, measured in measure_baselines(views, seed=0, sizes=(20, 60), names=["chance", "BM25"]).items():
        measured.save(tmp_path, name)
        assert_equal(measured, IdentityMeasures.load(tmp_path, name))


def test_constant_vectors_are_measured_and_stored(make_views, tmp_path):
    views = make_views(30)
    flat = np.ones((30, 4), np.float32)
    found = measure_identity(views, flat, flat, dims=(2, 4), prefix_dim=2, seed=0, sizes=(10, 30), n_permutations=20)
    assert found.mean("hit@1", gallery="random 10") == pytest.approx(0.1)
    assert found.triplet_values("dating").values.tolist() == [0.5] * 30
    assert math.isnan(found.cka[0].debiased)
    assert math.isnan(found.shuffled_cka[0])
    assert found.collapse["dating", "prefix 2"].effective_rank == pytest.approx(1.0)
    assert {one.auc for one in found.open_set} == {0.5}
    found.save(tmp_path, "flat")
    assert json.loads((tmp_path / "flat.json").read_text())["cka"][0]["debiased"] is None
    assert_equal(found, IdentityMeasures.load(tmp_path, "flat"))


def test_means_in_the_file_are_those_of_the_values(found):
    stored = found.summary()
    (one,) = (s for s in stored["searches"] if s["direction"] == "hiring->dating" and s["gallery"] == "hard 20")
    for measure in ("hit@1", "hit@10", "MRR", "rank"):
        values = found.values(measure, "rest", gallery="hard 20", direction="hiring->dating").values
        assert one["means"]["rest"][measure] == pytest.approx(values.mean())
    (triplets,) = (t for t in stored["triplets"] if t["domain"] == "hiring")
    assert triplets["accuracy"]["prefix 8"] == found.triplet_values("hiring", "prefix 8").values.mean()


def test_random_columns_are_averaged(found):
    draws = [found.values("MRR", f"random 8 #{draw}", gallery="random 20").values for draw in range(5)]
    np.testing.assert_allclose(found.values("MRR", "random 8", gallery="random 20").values, np.mean(draws, axis=0))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda f: f.values("accuracy", gallery="random 20"), "must be one of hit@1"),
        (lambda f: f.values("hit@1", gallery="random 7"), "there are directions.*random 20"),
        (lambda f: f.values("hit@1", gallery="random 20", direction="x->y"), "nothing was measured for x->y"),
        (lambda f: f.values("hit@1", "prefix 9", gallery="random 20"), "'prefix 9' was not measured"),
        (lambda f: f.triplet_values("music"), "no triplets of 'music'"),
    ],
)
def test_what_was_not_measured_is_refused(found, call, words):
    with pytest.raises(MatryoError, match=words):
        call(found)


def test_damaged_files(found, tmp_path):
    with pytest.raises(FormatError, match="is missing"):
        IdentityMeasures.load(tmp_path, "x")
    found.save(tmp_path, "x")
    path, values = tmp_path / "x.json", tmp_path / "x.npz"
    whole = path.read_text()
    path.write_text(whole.replace('"format": 1', '"format": 9'))
    with pytest.raises(FormatError, match="has format 9"):
        IdentityMeasures.load(tmp_path, "x")
    path.write_text(whole)
    values.write_bytes(values.read_bytes()[:-9])
    with pytest.raises(FormatError, match="does not belong"):
        IdentityMeasures.load(tmp_path, "x")
    values.unlink()
    with pytest.raises(FormatError, match="not readable as measures"):
        IdentityMeasures.load(tmp_path, "x")
    path.write_text("[]")
    with pytest.raises(FormatError, match="JSON object"):
        IdentityMeasures.load(tmp_path, "x")
