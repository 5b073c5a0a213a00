"""What a translation study says beside which translator is best: prediction, resemblance, learning, costs, lists."""

import math
from collections.abc import Sequence
from typing import Final

from matryo.reports.formats import count, number, percent
from matryo.reports.study_charts import correlation, curve_points
from matryo.reports.study_data import Pair, Row, Study, Trained, mean, named, number_of
from matryo.reports.study_findings import listed

_ALPHA: Final = 0.05
_ENOUGH: Final = 0.95  # of what all pairs reach
_BEFORE: Final = {"CKA": "CKA", "mutual": "the share of mutual neighbours"}  # as they stand in a sentence
_AFTER: Final = {
    "R2": "R2",
    "mutual after": "the share of mutual neighbours after translation",
    "nDCG kept": "the nDCG kept",
}


def prediction_findings(study: Study) -> tuple[str, ...]:
    """Whether similarity before training goes with how well a pair translates, one sentence for each combination."""
    told = []
    tried = [row for row in study.rows("prediction") if math.isfinite(number_of(row, "Spearman"))]
    for row in tried:
        rho = number_of(row, "Spearman")
        before = _BEFORE.get(str(row["predictor"]), str(row["predictor"]))
        after = _AFTER.get(str(row["outcome"]), str(row["outcome"]))
        if _shown(row, _ALPHA):
            how = "higher" if rho > 0 else "lower"
            sentence = (
                f"The higher {before.removeprefix('the ')} before training, the {how} {after.removeprefix('the ')}"
            )
        else:
            sentence = f"{before[0].upper()}{before[1:]} before training is not shown to tell {after}"
        told.append(f"{sentence}: {correlation(row)}")
    if len(tried) > 1:
        limit = _ALPHA / len(tried)
        n_strict = sum(_shown(row, limit) for row in tried)
        told.append(
            f"{len(tried)} combinations were tried, and {_ALPHA} is the limit for each alone; held to {_ALPHA} for all "
            f"together (p below {limit:.2g} each), {n_strict} of them {'is' if n_strict == 1 else 'are'} shown."
        )
    table = study.table("prediction")
    return (*told, *(table.notes if told and table is not None else ()))


def _shown(row: Row, limit: float) -> bool:
    """Whether a correlation is shown: by the permutations and by the interval."""
    excludes_zero = number_of(row, "low") > 0 or number_of(row, "high") < 0
    return excludes_zero and number_of(row, "p") < limit


def resemblance_findings(study: Study, pairs: Sequence[Pair] | None = None) -> tuple[str, ...]:
    """Whether translated vectors have the neighbours of the space they imitate or of the space they come from."""
    of = [study.best(pair) for pair in (study.pairs if pairs is None else pairs)]
    known = [one for one in of if math.isfinite(one.value("resemblance"))]
    if not known:
        return ()
    sides = {side: [one for one in known if resembles(one) == side] for side in ("target", "source", "neither")}
    told = [
        f"By their neighbours, the best translations resemble the space they imitate on {len(sides['target'])} of "
        f"{len(known)} ordered pairs, the space they come from on {len(sides['source'])}; on {len(sides['neither'])} "
        "neither is shown."
    ]
    for side, words in (("source", "Still closer to where they come from"), ("neither", "Undecided")):
        if 0 < len(sides[side]) <= 4 < len(known):
            told.append(f"{words}: {listed([named(one.pair) for one in sides[side]])}.")
    by_cka = [one for one in known if math.isfinite(one.value("resemblance CKA"))]
    if by_cka:
        n_target = sum(one.value("resemblance CKA") > 0 for one in by_cka)
        told.append(f"By CKA, {n_target} of {len(by_cka)} are closer to the target than to the source.")
    return tuple(told)


def resembles(one: Trained) -> str:
    """Whose space: "target", "source", or "neither" where the interval holds 0 or there is none."""
    low, high = one.value("resemblance low"), one.value("resemblance high")
    return "target" if low > 0 else "source" if high < 0 else "neither"


def learning_findings(study: Study, pair: Pair | None = None) -> tuple[str, ...]:
    """How many pairs are needed for most of what all of them give, and whether the curve still rises at its end."""
    rows = study.rows("curve", pair)
    told = []
    for name in dict.fromkeys(str(row["translator"]) for row in rows):
        points = curve_points(rows, name, "R2")
        if len(points) < 2 or points[-1][1] <= 0:
            continue
        whole = points[-1]
        size, value = next((size, value) for size, value, *_ in points if value >= _ENOUGH * whole[1])
        shares = [number_of(row, "share of corpus") for row in rows if int(row["pairs"]) == size]
        if size == whole[0]:
            told.append(
                f"{name}: R2 is {number(points[-2][1])} with {count(points[-2][0])} pairs and {number(whole[1])} with "
                f"{count(whole[0])}, all there are; no smaller number that was tried gives {percent(_ENOUGH)} of it."
            )
        else:
            told.append(
                f"{name}: {count(size)} pairs ({percent(mean(shares))} of the corpus) give R2 {number(value)}, "
                f"{percent(value / whole[1])} of what {count(whole[0])} pairs give ({number(whole[1])})."
            )
    return tuple(told)


def cost_findings(study: Study) -> tuple[str, ...]:
    """How fast vectors are translated against how fast texts are encoded."""
    encoded = {row["space"]: number_of(row, "texts per second") for row in study.rows("costs")}
    mapped = study.rows("map costs")
    ratios = {}
    for row in mapped:
        speed, anew = number_of(row, "vectors per second"), encoded.get(row["to"], math.nan)
        if math.isfinite(speed + anew) and anew > 0:
            ratios[row["from"], row["to"], row["translator"]] = speed / anew
    if not ratios:
        return ()
    low, high = min(ratios, key=lambda key: ratios[key]), max(ratios, key=lambda key: ratios[key])
    return (
        f"Translating a vector is between {_times(ratios[low])} times ({named(low[:2])}, {low[2]}) and "
        f"{_times(ratios[high])} times ({named(high[:2])}, {high[2]}) as fast as encoding its text with the new model.",
    )


def _times(ratio: float) -> str:
    return count(ratio) if ratio >= 100 else f"{ratio:.3g}"


def kernel_findings(study: Study, pair: Pair | None = None) -> tuple[str, ...]:
    """Whether the kernel matrices of the sample searches are alike: translated and source, each against native."""
    told = []
    for its, pictures in study.kernels.items():
        for picture, one in ((each, one) for each in pictures for one in each.matrices):
            if pair not in (None, its):
                continue
            nearer = one.difference[0] < one.difference[1]
            told.append(
                f"{named(its)}, {_KERNELS[one.kernel]} kernel of {len(picture.ids)} texts, by {picture.translator}: "
                f"the translated matrix is {'nearer to' if nearer else 'no nearer to'} the native one than the "
                f"source's is (cells differ by {number(one.difference[0])} against {number(one.difference[1])}, "
                f"alignment {number(one.alignment[0])} against {number(one.alignment[1])})."
            )
    return tuple(told)


_KERNELS: Final = {"dot": "dot-product", "rbf": "RBF"}


def kernel_counts(study: Study) -> tuple[str, ...]:
    """The same for all ordered pairs at once: how often the translated matrix is nearer."""
    told = []
    first = [one for pictures in study.kernels.values() for one in pictures[0].matrices]
    for kernel in dict.fromkeys(one.kernel for one in first):
        its = [one for one in first if one.kernel == kernel]
        n_nearer = sum(one.difference[0] < one.difference[1] for one in its)
        after, before = (mean([one.difference[at] for one in its]) for at in (0, 1))
        told.append(
            f"{_KERNELS[kernel][0].upper()}{_KERNELS[kernel][1:]} kernels of the sample searches: the translated "
            f"matrix is nearer to the native one than the source's own matrix on {n_nearer} of {len(its)} ordered "
            f"pairs; on average its cells differ from the native ones by {number(after)}, the source's by "
            f"{number(before)}."
        )
    return tuple(told)


def search_findings(study: Study) -> tuple[str, ...]:
    """Whether translated vectors fetch what native ones fetch, more than the old model's do."""
    its = [pictures[0] for pictures in study.searches.values()]
    if not its:
        return ()
    n_more = sum(one.mean_jaccard > one.mean_jaccard_keep for one in its)
    after, before = mean([one.mean_jaccard for one in its]), mean([one.mean_jaccard_keep for one in its])
    k = listed(sorted({str(one.k) for one in its}))
    return (
        f"Of the {k} texts that a search fetches, native and translated vectors share a Jaccard of {number(after)} on "
        f"average over the ordered pairs, native and source vectors {number(before)}; the translation brings the lists "
        f"closer on {n_more} of {len(its)}.",
    )
