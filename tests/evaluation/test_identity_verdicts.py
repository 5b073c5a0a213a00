import numpy as np
import pytest

from matryo.errors import MatryoError
from matryo.evaluation.identity import measure_identity
from matryo.evaluation.identity_baselines import measure_baselines
from matryo.evaluation.identity_verdicts import BASELINE_CLAIM, Baseline, decide

SETTINGS = {"dims": (4, 8, 16, 24), "prefix_dim": 8, "seed": 0, "sizes": (20, 60), "n_permutations": 20}


@pytest.fixture
def study(make_views, make_vectors):
    """A method that finds people by its prefix, one whose prefix is nearly one direction, one that knows nobody."""
    views = make_views()

    def measured(change):
        runs = []
        for seed in range(2):
            a, b = make_vectors(views, seed)
            runs.append(measure_identity(views, *change(a, b, np.random.default_rng(seed)), **SETTINGS))
        return runs

    def one_direction(a, b, rng):
        line = np.linspace(1.0, 2.0, 8, dtype=np.float32)
        a, b = a.copy(), b.copy()
        for x in (a, b):
            x[:, :8] = line + 1e-3 * rng.normal(size=(len(x), 8))
        return a, b

    def nobody(a, b, rng):
        return rng.normal(size=a.shape), rng.normal(size=b.shape)

    methods = {
        "v3_contrastive": measured(lambda a, b, rng: (a, b)),
        "v3_mse": measured(one_direction),
        "v3_no_prefix": measured(nobody),
        "single_dating": measured(nobody),
    }
    baselines = measure_baselines(views, seed=0, sizes=(20, 60), names=["chance", "attribute oracle"])
    return methods, [Baseline("chance", (baselines["chance"],)), Baseline("frozen", tuple(methods["v3_no_prefix"]))]


def test_claims_are_decided(study):
    methods, baselines = study
    found = decide(methods, baselines, gallery="random 60", n_draws=2_000, seed=1)
    outcomes = {one.claim: one.outcome for one in found.verdicts}
    assert outcomes == {
        "identity lives in the prefix": "holds",
        BASELINE_CLAIM: "holds",
        "MSE collapses": "holds",
        "elbow at K": "holds",
        "within-domain accuracy does not degrade": "undecided",
    }
    # every method against its rest, random columns, bend and the best baseline; ours against the three others
    assert len(found.family) == 4 * 4 + 3
    assert all(one.adjusted >= one.p for one in found.family)
    assert [one.name for one in found.within] == [
        "v3_contrastive - v3_no_prefix in dating",
        "v3_contrastive - single_dating in dating",
        "v3_contrastive - v3_no_prefix in hiring",
    ]
    assert f"v3_contrastive - {found.best_baseline}: " in found.verdicts[1].evidence
    evidence = found.verdicts[0].evidence
    assert "prefix - rest" in evidence
    assert "prefix - random 8" in evidence
    assert repr(found) == repr(decide(methods, baselines, gallery="random 60", n_draws=2_000, seed=1))


def test_a_baseline_that_is_better_wins(study):
    methods, _ = study
    ours = Baseline("ours twice", tuple(methods["v3_contrastive"]), "prefix 16")
    strong = {**methods, "v3_contrastive": methods["v3_no_prefix"]}
    found = decide(strong, [ours], gallery="random 60", n_draws=2_000)
    assert found.best_baseline == "ours twice"
    assert {one.claim: one.outcome for one in found.verdicts}[BASELINE_CLAIM] == "does not hold"


def test_methods_that_are_missing_leave_their_claims_out(study):
    methods, baselines = study
    found = decide({"v3_contrastive": methods["v3_contrastive"]}, baselines, gallery="random 60", n_draws=500)
    assert [one.claim for one in found.verdicts] == ["identity lives in the prefix", BASELINE_CLAIM, "elbow at K"]
    assert found.within == ()


def test_bad_input(study):
    methods, baselines = study
    with pytest.raises(MatryoError, match="v3_contrastive and at least one baseline"):
        decide(methods, [])
    with pytest.raises(MatryoError, match="v3_contrastive and at least one baseline"):
        decide({"v3_mse": methods["v3_mse"]}, baselines)
