"""From measures of all systems to the results of a run: scores, comparisons, verdicts."""

from collections.abc import Mapping, Sequence
from typing import Any

from matryo.evaluation.identity_baselines import COOCCURRENCE
from matryo.evaluation.identity_measures import IdentityMeasures
from matryo.evaluation.identity_results import (
    IdentityResults,
    IdentityScore,
    Kind,
    deciding_gallery,
    identity_scores,
)
from matryo.evaluation.identity_statistics import Comparison, Pair, check_alike, compare, corrected, values_of
from matryo.evaluation.identity_verdicts import CONTRASTIVE, Baseline, Decided, decide
from matryo.experiments.identity_config import SharedPrefixConfig
from matryo.experiments.identity_data import IdentityData
from matryo.training.identity_methods import identity_method

ORACLE = "attribute oracle"
FROZEN, HEAD = "frozen", "head"

_WHY_COUNTING_WINS = (
    "the best baseline counts in the training pairs which words of one domain go with which of the other: it uses no "
    "vectors, and where few wordings tell each attribute there is little that it cannot find"
)

Measured = Mapping[str, Sequence[IdentityMeasures]]


def compare_systems(
    config: SharedPrefixConfig,
    data: IdentityData,
    measured: Measured,
    *,
    seconds: Mapping[str, float],
    settings: Mapping[str, Any],
    notes: Sequence[str] = (),
) -> IdentityResults:
    """Join what was measured into results.

    Args:
        config: of the run.
        data: its parts.
        measured: system -> one entry per seed.
        seconds: of each step.
        settings: what else is to be kept.
        notes: what else a reader must know.
    """
    check_alike([run for runs in measured.values() for run in runs])
    kinds: dict[str, Kind] = {
        name: "method" if name in config.methods else "ceiling" if name == ORACLE else "baseline" for name in measured
    }
    scores = [score for name, runs in measured.items() for score in identity_scores(name, kinds[name], runs)]
    some = measured[config.methods[0]][0]
    gallery = deciding_gallery(some.galleries)
    decided = _decided(config, measured, kinds, gallery)
    lacking = [name for name in config.evaluate.baselines if name not in measured]
    told = [*data.notes, *notes]
    if decided.best_baseline == COOCCURRENCE:
        told.append(_WHY_COUNTING_WINS)
    if lacking:
        told.append(f"baselines that the data lack the labels for are left out: {', '.join(lacking)}")
    return IdentityResults(
        run_name=config.name,
        purpose=config.purpose,
        dataset=data.name,
        domains=some.domains,
        width=some.width,
        dims=some.dims,
        prefix_dim=some.prefix_dim,
        seeds=config.seeds,
        systems=kinds,
        meanings={name: identity_method(name).meaning for name in config.methods},
        scores=tuple(scores),
        best_baseline=decided.best_baseline,
        family=decided.family,
        within=decided.within,
        verdicts=decided.verdicts,
        settings=dict(settings),
        seconds=dict(seconds),
        notes=tuple(dict.fromkeys(told)),
        gallery=gallery,
        full_width=_against_full_width(config, measured, gallery),
    )


def _decided(config: SharedPrefixConfig, measured: Measured, kinds: Mapping[str, Kind], gallery: str) -> Decided:
    methods = {name: tuple(runs) for name, runs in measured.items() if kinds[name] == "method"}
    floors = [_at_its_best(name, runs, gallery) for name, runs in measured.items() if kinds[name] == "baseline"]
    if CONTRASTIVE in methods and floors:
        return decide(methods, floors, gallery=gallery)
    if not floors:
        return Decided("", (), (), ())
    # a run of single methods decides no claim, but says what each gains over the best floor
    best = max(floors, key=lambda floor: values_of(floor.runs, "hit@1", floor.column, gallery=gallery).values.mean())
    right = values_of(best.runs, "hit@1", best.column, gallery=gallery)
    pairs = {}
    for name, runs in methods.items():
        left = values_of(runs, "hit@1", gallery=gallery)
        pairs[f"{name} - {best.name}"] = Pair(left.values, _alike(right.values), left.people)
    return Decided(best.name, tuple(corrected(compare(pairs))), (), ())


def _at_its_best(name: str, runs: Sequence[IdentityMeasures], gallery: str) -> Baseline:
    """A floor by its prefix or by all its numbers, whichever finds more: a prefix has to beat both."""
    if not runs[0].width:
        return Baseline(name, tuple(runs))
    columns = (f"prefix {runs[0].prefix_dim}", f"prefix {runs[0].width}")
    best = max(columns, key=lambda column: float(values_of(runs, "hit@1", column, gallery=gallery).values.mean()))
    return Baseline(f"{name} by {best.removeprefix('prefix ')}", tuple(runs), best)


def _against_full_width(config: SharedPrefixConfig, measured: Measured, gallery: str) -> tuple[Comparison, ...]:
    """Every method by its prefix against untrained vectors, and a head on them, by all their numbers."""
    pairs = {}
    for floor in (FROZEN, HEAD):
        if floor in measured:
            runs = measured[floor]
            right = values_of(runs, "hit@1", f"prefix {runs[0].width}", gallery=gallery)
            for name in config.methods:
                left = values_of(measured[name], "hit@1", gallery=gallery)
                pairs[f"{name} - {floor} by {runs[0].width}"] = Pair(left.values, _alike(right.values), left.people)
    return tuple(corrected(compare(pairs))) if pairs else ()


def _alike(values: Any) -> Any:
    """Values of one run without the axis of seeds, so that they stand beside each seed of another."""
    return values[0] if len(values) == 1 else values


def told_of(results: IdentityResults) -> str:
    """A few lines for the console: what every system reaches on the prefix, and the verdicts."""
    rows: list[tuple[str, IdentityScore]] = []
    for system in results.systems:
        found = results.score(system)
        if found is not None:
            rows.append((system, found))
    width = max(len(system) for system, _ in rows)
    lines = [
        f"{system:<{width}}  {one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"
        + (f"  {one.kind}" if one.kind != "method" else "")
        for system, one in sorted(rows, key=lambda row: -row[1].value)
    ]
    head = f"hit@1 by {results.prefix_dim} numbers, both ways, {rows[0][1].size:,.0f} to choose from"
    return "\n".join([head, *lines, *(f"{v.claim}: {v.outcome} ({v.evidence})" for v in results.verdicts)])
