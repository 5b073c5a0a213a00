"""What the figures come to, in sentences."""

import math
import shlex
from collections.abc import Mapping, Sequence

from matryo.evaluation.records import Difference, Recommended, Share
from matryo.evaluation.score import PLAIN_CUT, Score
from matryo.reports.curve_table import counted, pair_name
from matryo.reports.document import Fact
from matryo.reports.formats import count, number, number_range, percent, percent_range
from matryo.reports.panels import Panel

_MEANINGS = {
    PLAIN_CUT: "plain cut: the first dims of the model as it is, brought back to length 1",
    "bm25": "BM25: search by words, without any vector; a floor that a cut vector should stay above",
    "random dims": "random dims: as many dims drawn at random, mean over several draws; what any prefix must beat",
    "rotation": "rotation: the axes turned so that the first carry most (PCA without centring); the full width keeps "
    "every similarity to rounding",
    "head + rotation": "head + rotation: one matrix trained at the full width only, then rotated; the control that "
    "tells what nesting itself adds",
    "nested head": "nested head: one matrix trained at all dims at once, started at the rotation",
}

HOW_TO_READ = (
    "Each value is a mean over n queries. Below it stands the 95 % interval: the queries, and the seeds of what was "
    "trained, are drawn anew with replacement, many times over (bootstrap). Where queries come in groups, such as the "
    "functions of one package, whole groups are drawn, because queries of one group resemble each other.",
    "Two intervals may overlap although one map is reliably better, because both were asked the same queries. Compare "
    "maps by the table of differences, which is paired by query, and not by their intervals.",
    "A share is the ratio of two means over the same queries. The share of the plain full width says what is kept of "
    "the model you have today; the share of a map's own full width says what the cut alone costs.",
)


def verdict(panel: Panel) -> str:
    """One sentence on how far vectors may be cut, by the best recommendation; without one, what was measured."""
    best = best_recommendation(panel)
    if best is None:
        return _measured(panel)
    result = best.result
    label = panel.label(best.model, best.map)
    if result.dim == result.full_dim:
        return (
            f"No cut below {result.full_dim} was shown to keep {100 * result.share:g} % of {panel.measure} on "
            f"{panel.dataset} ({counted(panel.scores)})"
        )
    kept = next(step for step in result.tested if step.dim == result.dim)
    own = percent(kept.ratio.value) + _bracketed(percent_range(kept.ratio.low, kept.ratio.high))
    of_plain = share_of_plain(panel, best)
    if of_plain is None or best.map == PLAIN_CUT:
        return (
            f"With {label}, {result.dim} of {result.full_dim} numbers keep {own} of {panel.measure} on {panel.dataset}"
        )
    plain = percent(of_plain.value) + _bracketed(percent_range(of_plain.low, of_plain.high))
    return (
        f"With {label}, {result.dim} of {result.full_dim} numbers keep {plain} of the model's {panel.measure} on "
        f"{panel.dataset}, and {own} of {label} at {result.full_dim}"
    )


def facts(panel: Panel) -> tuple[Fact, ...]:
    """Numbers for the first screen: what is kept, what it costs, what it scores, how many queries say so."""
    found = []
    best = best_recommendation(panel)
    if best is not None:
        result = best.result
        score = panel.at(best.model, best.map, result.dim)
        found.append(Fact(f"{result.dim} of {result.full_dim}", "numbers to keep"))
        found.append(Fact(f"{count(4 * result.dim)} of {count(4 * result.full_dim)}", "bytes per vector, float32"))
        if score is not None:
            known = number_range(score.low, score.high)
            found.append(Fact(number(score.value), f"{panel.measure} at {result.dim}" + (known and f", {known}")))
    size = {(score.n, score.n_groups) for score in panel.scores}
    if len(size) == 1:
        n, n_groups = size.pop()
        grouped = n_groups is not None and n_groups != n
        found.append(Fact(count(n), "queries" + (f" in {n_groups:,} groups" if grouped else "")))
    return tuple(found)


def best_recommendation(panel: Panel) -> Recommended | None:
    """The smallest recommended dim; among equals the map that scores best there."""

    def rank(found: Recommended) -> tuple[int, float]:
        score = panel.at(found.model, found.map, found.result.dim)
        known = score is not None and math.isfinite(score.value)
        return found.result.dim, -score.value if score is not None and known else math.inf

    return min(panel.recommendations, key=rank, default=None)


def share_of_plain(panel: Panel, found: Recommended) -> Share | None:
    """The stored share of the plain full width that a recommended map and dim keep."""
    for share in panel.shares:
        same = (share.of.model, share.of.map, share.of.dim) == (found.model, found.map, found.result.dim)
        plain = share.base.map == PLAIN_CUT and share.base.dim == found.result.full_dim
        if same and plain and share.of.seed is None:
            return share
    return None


def difference_sentences(panel: Panel, undecided: str = "not told apart") -> tuple[str, ...]:
    """For each pair of maps: at which dims the difference is clear of 0, and at which it is not.

    Args:
        panel: with its differences.
        undecided: word for a difference whose interval holds 0.
    """
    pairs: dict[str, list[Difference]] = {}
    for difference in panel.differences:
        name = pair_name(difference)
        if name is not None:
            pairs.setdefault(name, []).append(difference)
    sentences = []
    for name, found in pairs.items():
        found.sort(key=lambda difference: difference.left.dim)
        above = [str(one.left.dim) for one in found if one.low > 0]
        below = [str(one.left.dim) for one in found if one.high < 0]
        open_ = [str(one.left.dim) for one in found if not (one.low > 0 or one.high < 0)]
        parts = [
            f"{word} at {', '.join(dims)}"
            for word, dims in (("better", above), ("worse", below), (undecided, open_))
            if dims
        ]
        sentences.append(f"{name}: {'; '.join(parts)}.")
    return tuple(sentences)


def meanings(panels: Sequence[Panel], methods: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """What the rows are, for the arms that are given and the maps that occur and are known here.

    Args:
        panels: whose rows are explained.
        methods: arm of a training -> what it is.
    """
    names = dict.fromkeys(row.map for panel in panels for row in panel.rows)
    arms = tuple(f"{name}: {meaning}" for name, meaning in (methods or {}).items())
    return arms + tuple(_MEANINGS[name] for name in names if name in _MEANINGS)


def commands(panel: Panel) -> tuple[str, ...]:
    """Lines of a terminal that do the same with the reader's own model and texts."""
    best = best_recommendation(panel)
    dims = ",".join(str(dim) for dim in panel.dims)
    keep = best.result.dim if best else (panel.dims[0] if panel.dims else 96)
    measure = shlex.quote(panel.measure)
    with_dims = f" --dims {dims}" if dims else ""
    return (
        "# how far may MODEL be cut on my texts? (DATA: a BEIR folder)",
        f"matryo curve MODEL DATA{with_dims} --map none --map rotation --measure {measure} --bm25 --out runs/mine",
        "# adapt MODEL with pairs of query and document, then keep that many numbers for good",
        f"matryo adapt MODEL pairs.jsonl{with_dims} --out runs/adapted",
        f"matryo export runs/adapted/model small-model --dim {keep}",
        "# write the reports anew from its stored results",
        "matryo report runs/adapted",
    )


def training_commands(panel: Panel, run: str, arm: str, dim: int) -> tuple[str, ...]:
    """Lines of a terminal for a run of a config: the same again, on other pairs, and what to do with the model.

    Args:
        panel: the main one.
        run: folder of the run.
        arm: whose model is used.
        dim: numbers to keep.
    """
    model = shlex.quote(f"{run}/models/{arm}")
    dims = ",".join(str(one) for one in panel.dims)
    measure = shlex.quote(panel.measure)
    return (
        "# this run once more, from its resolved config; what is finished is not redone",
        f"matryo run {shlex.quote(f'{run}/config.yaml')}",
        "# the same on your own pairs of query and document",
        "matryo run configs/pairs.yaml --set data.path=pairs.jsonl --out runs/mine",
        "# keep that many numbers of the trained model for good",
        f"matryo export {model} small-model --dim {dim}",
        "# how far may it be cut on other texts? (DATA: a BEIR folder)",
        f"matryo curve {model} DATA --dims {dims} --map none --map rotation --measure {measure} --bm25",
        "# write the reports anew from the stored results",
        f"matryo report {shlex.quote(run)}",
    )


def _measured(panel: Panel) -> str:
    """Widest and shortest dim of the first map, or the floors where there is no vector."""
    for row in panel.rows:
        if not row.is_floor and len(row.scores) > 1:
            wide, short = row.scores[max(row.scores)], row.scores[min(row.scores)]
            return (
                f"{panel.name}: {_at(wide)} and {_at(short)} with {row.label}; no dim was tested for a recommendation"
            )
    found = "; ".join(f"{row.label} {number(score.value)}" for row in panel.rows for score in row.scores.values())
    return f"{panel.name}: {found}"


def _at(score: Score) -> str:
    return f"{number(score.value)}{_bracketed(number_range(score.low, score.high))} at {score.dim} numbers"


def _bracketed(interval: str) -> str:
    return f" [{interval.removesuffix(' %')}]" if interval else ""
