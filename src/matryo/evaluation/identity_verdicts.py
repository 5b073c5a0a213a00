"""The claims about a shared prefix, decided from measured systems: one family of comparisons, one verdict per claim."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matryo.errors import MatryoError
from matryo.evaluation.identity_measures import MAIN_GALLERY, IdentityMeasures
from matryo.evaluation.identity_statistics import (
    LEVEL,
    Comparison,
    Pair,
    Verdict,
    beats_all,
    bend,
    bends,
    check_alike,
    collapses,
    compare,
    corrected,
    not_worse,
    triplets_of,
    values_of,
)

CONTRASTIVE, MSE, NO_PREFIX, SINGLE = "v3_contrastive", "v3_mse", "v3_no_prefix", ("single_dating", "single_hiring")
PREFIX_CLAIM = "identity lives in the prefix"
BASELINE_CLAIM = "the trained prefix finds more than every baseline"
COLLAPSE_CLAIM = "MSE collapses"
ELBOW_CLAIM = "elbow at K"
WITHIN_CLAIM = "within-domain accuracy does not degrade"


@dataclass(frozen=True)
class Baseline:
    """What a method has to beat.

    Attributes:
        name: for the comparisons.
        runs: one run, or one for each seed.
        column: what it is measured by; None = its main column.
    """

    name: str
    runs: tuple[IdentityMeasures, ...]
    column: str | None = None


@dataclass(frozen=True)
class Decided:
    """What was compared and what it says.

    Attributes:
        best_baseline: name of the baseline with the highest mean; it is chosen on the same queries, which favours it.
        family: comparisons of transfer, corrected over all of them.
        within: comparisons of triplet accuracy, for non-inferiority; not part of the family.
        verdicts: one per claim, claims whose methods are missing left out.
    """

    best_baseline: str
    family: tuple[Comparison, ...]
    within: tuple[Comparison, ...]
    verdicts: tuple[Verdict, ...]


def decide(
    methods: Mapping[str, Sequence[IdentityMeasures]],
    baselines: Sequence[Baseline],
    *,
    measure: str = "hit@1",
    gallery: str = MAIN_GALLERY,
    level: float = LEVEL,
    n_draws: int = 10_000,
    seed: int = 0,
) -> Decided:
    """Compare methods with their own controls, with the best baseline and with the contrastive one, and decide.

    The family holds, for every method: its prefix against its rest, against K random columns of its own and against the
    best baseline, and its bend at K against that of shuffled columns; and the contrastive method against every other.

    Args:
        methods: name -> one run per seed, seeds in the same order; "v3_contrastive" must be among them.
        baselines: none of them an oracle.
        measure: what transfer is judged by.
        gallery: in which it is judged, both directions together.
        level: of the tests, after correction.
        n_draws: bootstrap draws; a family of m needs more than 2 m / level of them to find anything.
        seed: of the draws.

    Raises: MatryoError if the contrastive method or baselines are missing, or runs were not measured alike.
    """
    if CONTRASTIVE not in methods or not baselines:
        raise MatryoError(
            f"a verdict needs {CONTRASTIVE} and at least one baseline, got methods {sorted(methods)} and "
            f"{len(baselines)} baselines; measure them"
        )
    check_alike([*(run for runs in methods.values() for run in runs), *(r for one in baselines for r in one.runs)])
    values = {one.name: values_of(one.runs, measure, one.column, gallery=gallery).values for one in baselines}
    best = max(values, key=lambda name: float(values[name].mean()))
    pairs: dict[str, Pair] = {}
    for name, runs in methods.items():
        pairs |= _against_controls(name, runs, measure, gallery)
        own = values_of(runs, measure, gallery=gallery)
        against = values[best][0] if len(values[best]) == 1 else values[best]
        pairs[f"{name} - {best}"] = Pair(own.values, against, own.people)
    ours = values_of(methods[CONTRASTIVE], measure, gallery=gallery)
    for name, runs in methods.items():
        if name != CONTRASTIVE:
            pairs[f"{CONTRASTIVE} - {name}"] = Pair(
                ours.values, values_of(runs, measure, gallery=gallery).values, ours.people
            )
    family = {one.name: one for one in corrected(compare(pairs, n_draws=n_draws, seed=seed))}
    within = compare(_within(methods), n_draws=n_draws, seed=seed)
    return Decided(best, tuple(family.values()), tuple(within), _verdicts(methods, family, within, best, level))


def _against_controls(name: str, runs: Sequence[IdentityMeasures], measure: str, gallery: str) -> dict[str, Pair]:
    own = values_of(runs, measure, gallery=gallery)
    random = f"random {runs[0].prefix_dim}"
    controls = {f"{name}: prefix - rest": "rest", f"{name}: prefix - {random}": random}
    if "rest" not in runs[0].columns:
        controls = {}
    pairs = {
        title: Pair(own.values, values_of(runs, measure, column, gallery=gallery).values, own.people)
        for title, column in controls.items()
    }
    bent = bend(runs, measure, gallery=gallery)
    shuffled = bend(runs, measure, columns="shuffled", gallery=gallery)
    if bent is not None and shuffled is not None:
        pairs[_bend_name(name)] = Pair(bent.values, shuffled.values, bent.people)
    return pairs


def _bend_name(name: str) -> str:
    return f"{name}: bend at K - bend of shuffled columns"


def _within(methods: Mapping[str, Sequence[IdentityMeasures]]) -> dict[str, Pair]:
    """Triplet accuracy at full width against the method without a prefix loss and the one of that domain alone."""
    ours = methods[CONTRASTIVE]
    pairs = {}
    for domain, single in zip(ours[0].domains, SINGLE, strict=True):
        for name in (NO_PREFIX, single):
            if name in methods and domain in ours[0].triplets:
                left, right = triplets_of(ours, domain), triplets_of(methods[name], domain)
                pairs[f"{CONTRASTIVE} - {name} in {domain}"] = Pair(left.values, right.values, left.people)
    return pairs


def _verdicts(
    methods: Mapping[str, Sequence[IdentityMeasures]],
    family: Mapping[str, Comparison],
    within: Sequence[Comparison],
    best: str,
    level: float,
) -> tuple[Verdict, ...]:
    ours = f"{CONTRASTIVE}: prefix - "
    prefix = [one for name, one in family.items() if name.startswith(ours)]
    # a prefix that is the whole vector has nothing beside it
    found = [beats_all(PREFIX_CLAIM, prefix, level)] if prefix else []
    found.append(beats_all(BASELINE_CLAIM, [family[f"{CONTRASTIVE} - {best}"]], level))
    if MSE in methods:
        ranks, others = (_effective_ranks(methods[name]) for name in (MSE, CONTRASTIVE))
        found.append(collapses(COLLAPSE_CLAIM, ranks, others, family[f"{CONTRASTIVE} - {MSE}"], level))
    found.append(bends(ELBOW_CLAIM, family.get(_bend_name(CONTRASTIVE)), level))
    if within:
        found.append(not_worse(WITHIN_CLAIM, within))
    return tuple(found)


def _effective_ranks(runs: Sequence[IdentityMeasures]) -> list[float]:
    """Effective rank of the prefix in every run, mean of both domains."""
    return [
        float(np.mean([run.collapse[domain, run.main_column].effective_rank for domain in run.domains])) for run in runs
    ]
