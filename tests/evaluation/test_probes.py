import warnings

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from matryo.errors import MatryoError
from matryo.evaluation.probes import Part, probe, probes
from matryo.measures.identity import Columns
from matryo.prefix import cut

PREFIX, REST = Columns(("prefix 8",), (8,)), Columns(("rest",), (16,), np.arange(8, 24))


@pytest.fixture
def parts(make_views, make_vectors):
    fit, new = make_views(80, 1), make_views(60, 2)
    return Part(fit, *make_vectors(fit, 1)), Part(new, *make_vectors(new, 2))


def test_the_domain_is_read_from_where_it_stands(parts):
    found = probes(*parts, [PREFIX, REST], seed=0)
    accuracy = {(one.column, one.classifier): one for one in found}
    assert set(accuracy) == {(c, k) for c in ("prefix 8", "rest") for k in ("linear", "mlp")}
    for kind in ("linear", "mlp"):
        assert accuracy["rest", kind].accuracy > 0.95
        assert accuracy["prefix 8", kind].low < 0.5 < accuracy["prefix 8", kind].high
    assert {(one.majority, one.n_fit, one.n_scored, one.n_classes) for one in found} == {(0.5, 160, 120, 2)}
    assert found == probes(*parts, [PREFIX, REST], seed=0)


def test_a_network_reads_what_no_plane_divides(rng):
    x = rng.normal(size=(1200, 2)).astype(np.float32)
    y = np.where(x[:, 0] * x[:, 1] > 0, "same", "other")
    shares = {
        kind: (probe(x[:600], y[:600].tolist(), x[600:], classifier=kind, seed=0) == y[600:]).mean()
        for kind in ("linear", "mlp")
    }
    assert shares["linear"] < 0.65
    assert shares["mlp"] > 0.85


def test_the_linear_probe_is_sklearns(parts):
    fit, new = parts
    (found,) = (
        one for one in probes(fit, new, [REST], ["city"], classifiers=["linear"], seed=0) if one.target == "city"
    )
    x, z = (np.vstack([cut(side[:, 8:], 16) for side in (part.a, part.b)]) for part in (fit, new))
    y, truth = (np.array([*part.views.a.labels["city"], *part.views.b.labels["city"]]) for part in (fit, new))
    # rows of both domains stand in the order of the people there, here in that of the texts
    scaler = StandardScaler().fit(x)
    named = LogisticRegression(max_iter=100, tol=1e-3).fit(scaler.transform(x), y).predict(scaler.transform(z))
    assert found.accuracy == pytest.approx((named == truth).mean(), abs=0.03)
    values, counts = np.unique(y, return_counts=True)
    assert found.majority == pytest.approx((truth == values[counts.argmax()]).mean())


def test_no_probe_warns(rng):
    x = rng.normal(size=(400, 30)) * 1e3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in ("linear", "mlp"):
            probe(x, [str(i % 40) for i in range(400)], x[:9], classifier=kind, seed=0)


def test_people_are_capped(parts):
    (found,) = probes(*parts, [REST], classifiers=["linear"], max_people=30, seed=0)
    assert (found.n_fit, found.n_scored) == (60, 60)


def test_a_label_of_one_value_is_its_majority(parts):
    fit, new = parts
    for part in parts:
        for view in (part.views.a, part.views.b):
            view.labels["planet"] = ("Earth",) * len(view)
    found = [one for one in probes(fit, new, [PREFIX], ["planet"], seed=0) if one.target == "planet"]
    assert {(one.accuracy, one.majority, one.n_classes) for one in found} == {(1.0, 1.0, 1)}


def test_bad_input(parts):
    fit, new = parts
    with pytest.raises(MatryoError, match="60 ids of dating in both parts"):
        probes(new, new, [PREFIX], seed=0)
    with pytest.raises(MatryoError, match=r"'height' is unknown.*career"):
        probes(fit, new, [PREFIX], ["height"], seed=0)
    with pytest.raises(MatryoError, match="two different values"):
        probe(np.ones((3, 2)), ["x"] * 3, np.ones((1, 2)), classifier="linear", seed=0)
