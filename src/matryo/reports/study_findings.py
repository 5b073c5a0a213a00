"""What a translation study found, in sentences composed from its numbers: translators, seeds, directions, bridging."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matryo.evaluation.translation_retrieval import STORED
from matryo.reports.formats import number, percent, signed
from matryo.reports.study_data import TARGET_MEAN, Pair, Row, Study, Trained, mean, models, named, number_of

BRIDGE: Final = "bridge"
CLOSED: Final = ("ridge", "procrustes", "procrustes centred")
"""Translators of a closed form: nothing of them is drawn but the folds."""
_FEW: Final = 4  # ordered pairs that are named one by one


@dataclass(frozen=True, slots=True)
class Bridges:
    """Where a translation is shown to be worth it.

    Attributes:
        measure: what judges.
        ways: every (old, new) model that was judged.
        shown: of them, those where at least one translator, one way of using it, has the verdict in all its seeds.
        by: (old, new) -> those translators and ways.
        n_tried: (old, new, translator, way) that were judged.
    """

    measure: str
    ways: tuple[Pair, ...]
    shown: tuple[Pair, ...]
    by: dict[Pair, tuple[str, ...]]
    n_tried: int


def bridges(study: Study) -> Bridges | None:
    """Verdicts in the measure that decides, the first one stored; None if no search was judged."""
    rows = deciding(study)
    if not rows:
        return None
    verdicts: dict[tuple[Pair, str, str], list[bool]] = {}
    for row in rows:
        key = (models(row), str(row["translator"]), str(row["way"]))
        verdicts.setdefault(key, []).append(row["verdict"] == BRIDGE)
    ways = tuple(dict.fromkeys(pair for pair, _, _ in verdicts))
    by: dict[Pair, tuple[str, ...]] = {}
    for (pair, translator, way), found in verdicts.items():
        if all(found):
            by[pair] = (*by.get(pair, ()), f"{translator}, {way}")
    return Bridges(str(rows[0]["measure"]), ways, tuple(pair for pair in ways if pair in by), by, len(verdicts))


def deciding(study: Study) -> list[Row]:
    """Rows of the migrations in the measure that decides."""
    rows = study.rows("migrations")
    return [row for row in rows if row["measure"] == rows[0]["measure"]]


def representative(study: Study) -> list[Row]:
    """One migration for each pair of models and way: by the translator that is best by R2 on most pairs, first seed.

    That translator is not chosen by what is shown here, so that no row is the luckiest of many.
    """
    chosen: dict[tuple[Pair, str], Row] = {}
    rows = deciding(study)
    for row in sorted(rows, key=lambda row: row["translator"] != study.main_translator):
        chosen.setdefault((models(row), str(row["way"])), row)
    order = {pair: place for place, pair in enumerate(dict.fromkeys(models(row) for row in rows))}
    return sorted(chosen.values(), key=lambda row: (order[models(row)], row["way"]))


def headline(study: Study) -> str:
    """What came out, in one sentence without its full stop."""
    n = len(study.pairs)
    (first, most), *others = study.wins.items()
    level = [name for name, count in others if count == most]
    if level:
        best = f"{listed([first, *level])} have the highest R2 on {most} of {n} ordered pairs each"
    elif n == 1:
        best = f"{first} has the highest R2 on the only ordered pair"
    elif most == n:
        best = f"{first} has the highest R2 on all {n} ordered pairs"
    else:
        best = f"{first} has the highest R2 on {most} of {n} ordered pairs"
    n_swaps = len(swapped(study))
    swaps = f"; a swap without a translator beats the old model in {n_swaps}" if n_swaps else ""
    return f"{best}; {_bridging(bridges(study))}{swaps}"


def _bridging(found: Bridges | None) -> str:
    if found is None:
        return "whether to bridge is not decided, because no search was judged"
    n = len(found.ways)
    if not found.shown:
        return f"bridging is shown to be worth it in none of {n} moves ({found.measure})"
    return f"bridging is shown to be worth it in {len(found.shown)} of {n} moves ({found.measure})"


def translator_findings(study: Study) -> tuple[str, ...]:
    """Which translator is best where, by how much, and whether seeds or intervals tell it from the next."""
    best = {pair: study.best(pair) for pair in study.pairs}
    values = {pair: one.value("R2") for pair, one in best.items()}
    low, high = min(values, key=lambda p: values[p]), max(values, key=lambda p: values[p])
    counts = ", ".join(f"{name} on {count}" for name, count in study.wins.items())
    told = [
        f"Highest R2 on texts held out, of {len(study.pairs)} ordered pairs: {counts}. The highest R2 of a pair lies "
        f"between {number(values[low])} ({named(low)}) and {number(values[high])} ({named(high)})."
    ]
    others = (_told_apart(study, best), _by_others(study), _against_ridge(study), _directions(values))
    return (*told, *(sentence for sentences in others for sentence in sentences), *_cosines(study, best))


def _told_apart(study: Study, best: dict[Pair, Trained]) -> list[str]:
    """How often the lead of the best is more than its interval and more than what its seeds differ by."""
    seconds = {
        pair: max((one.value("R2") for one in study.of_pair(pair) if one is not best[pair]), default=math.nan)
        for pair in study.pairs
    }
    known = [pair for pair in study.pairs if math.isfinite(seconds[pair])]
    if not known:
        return []
    clear = [pair for pair in known if best[pair].value("R2 low") > seconds[pair]]
    others = "; on the others that interval does not tell the two apart" if len(clear) < len(known) else ""
    return [
        f"On {len(clear)} of {len(known)} ordered pairs the 95 % interval of the best lies above the R2 of the "
        f"second best{others}."
    ]


def best_by(study: Study, column: str | None) -> dict[str, int]:
    """Translator -> ordered pairs on which it is the best by a measure, most first.

    Args:
        study: as stored.
        column: of the table of translators; None = what searches find among translated documents.
    """
    searched = {} if column else _searched(study)
    winners = []
    for pair in study.pairs:
        values = {
            one.translator: one.value(column) if column else searched.get((pair, one.translator), math.nan)
            for one in study.of_pair(pair)
        }
        known = {translator: value for translator, value in values.items() if math.isfinite(value)}
        if len(known) > 1:
            winners.append(max(known, key=lambda translator: known[translator]))
    return dict(sorted(((one, winners.count(one)) for one in dict.fromkeys(winners)), key=lambda found: -found[1]))


def _by_others(study: Study) -> list[str]:
    """Who is best where another measure than R2 is asked: what is near by R2 need not find its own text."""
    told = []
    for column, name in (
        ("mutual", "mutual neighbours"),
        ("top-1", "top-1"),
        (None, "the documents that searches find"),
    ):
        counts = best_by(study, column)
        if counts:
            told.append(f"by {name}, {', '.join(f'{one} on {n}' for one, n in counts.items())}")
    return [f"The best by other measures: {'; '.join(told)}."] if told else []


def _searched(study: Study) -> dict[tuple[Pair, str], float]:
    """What searches find among translated documents, in the measure that decides, mean over seeds."""
    found: dict[tuple[Pair, str], list[float]] = {}
    for row in deciding(study):
        if row["way"] == STORED:
            key = (str(row["from"]), str(row["to"])), str(row["translator"])
            found.setdefault(key, []).append(number_of(row, "translated"))
    return {key: mean(values) for key, values in found.items()}


def _against_ridge(study: Study) -> list[str]:
    """Every other translator against the closed form that each has to beat."""
    told = []
    for name in study.translators:
        both = [
            (study.trained[pair, name].value("R2"), study.trained[pair, "ridge"].value("R2"))
            for pair in study.pairs
            if name != "ridge" and (pair, name) in study.trained and (pair, "ridge") in study.trained
        ]
        both = [(a, b) for a, b in both if math.isfinite(a + b)]
        if both:
            n_above = sum(a > b for a, b in both)
            told.append(
                f"{name} against ridge: higher R2 on {n_above} of {len(both)} ordered pairs, "
                f"{signed(mean([a - b for a, b in both]))} R2 on average."
            )
    return told


def _directions(values: dict[Pair, float]) -> list[str]:
    both = [(a, b) for a, b in values if (b, a) in values and a < b and math.isfinite(values[a, b] + values[b, a])]
    if not both:
        return []
    a, b = max(both, key=lambda pair: abs(values[pair] - values[pair[1], pair[0]]))
    forth, back = ((a, b), (b, a)) if values[a, b] >= values[b, a] else ((b, a), (a, b))
    return [
        f"The two directions of a pair differ most between {a} and {b}: R2 {number(values[forth])} for {named(forth)}, "
        f"{number(values[back])} for {named(back)}."
    ]


def _cosines(study: Study, best: dict[Pair, Trained]) -> list[str]:
    rows = {(row["from"], row["to"]): row for row in study.rows("references") if row["vectors"] == TARGET_MEAN}
    known = {pair: number_of(row, "cosine") for pair, row in rows.items() if math.isfinite(number_of(row, "cosine"))}
    if not known:
        return []
    pair = max(known, key=lambda one: known[one])
    told = f"A cosine alone says little: toward {pair[1]} the same vector for every text has {number(known[pair])}"
    if pair in best and math.isfinite(best[pair].value("cosine")):
        told += f", the best translation from {pair[0]} {number(best[pair].value('cosine'))}"
    return [f"{told}."]


def seed_findings(study: Study) -> tuple[str, ...]:
    """How far seeds differ, and whether that is less than what separates the best from the second best."""
    spreads = {key: one.spread("R2") for key, one in study.trained.items()}
    known = {key: value for key, value in spreads.items() if math.isfinite(value)}
    if not known:
        return ()
    pair, name = max(known, key=lambda key: known[key])
    told = [
        f"R2 of one translator on one pair differs by at most {number(known[pair, name])} between "
        f"{len(study.seeds)} seeds ({name}, {named(pair)})."
    ]
    leads = [lead for one in study.pairs if (lead := _lead_holds(study, one)) is not None]
    if leads:
        told.append(
            f"The lead of the best translator over the second best is larger than what the seeds of either differ by "
            f"on {sum(leads)} of the {len(leads)} ordered pairs where one of the two has several seeds."
        )
    single = [one for one in study.wins if all(len(its.rows) < 2 for its in study.trained.values()
                                               if its.translator == one)]  # fmt: skip
    trained = [one for one in single if one not in CLOSED]
    if trained:
        told.append(
            f"What a seed changes is not known of {listed(trained)}, best on {sum(study.wins[one] for one in trained)} "
            f"of {len(study.pairs)} ordered pairs but fitted with one seed only."
        )
    return tuple(told)


def _lead_holds(study: Study, pair: Pair) -> bool | None:
    """Whether the best is ahead by more than seeds differ by; None if neither it nor the second has several."""
    its = sorted(study.of_pair(pair), key=lambda found: -found.value("R2"))[:2]
    spreads = [spread for one in its if math.isfinite(spread := one.spread("R2"))]
    if len(its) < 2 or not spreads:
        return None
    return its[0].value("R2") - its[1].value("R2") > max(spreads)


def bridging_findings(study: Study) -> tuple[str, ...]:
    """Whether a translation is worth it anywhere, what there was to win, and what a forced move keeps."""
    found = bridges(study)
    if found is None:
        return ()
    n = len(found.ways)
    if found.shown:
        places = [f"{named(pair)} ({_some(found.by[pair])})" for pair in found.shown]
        where = f": {'; '.join(places)}" if len(places) <= _FEW else ""
        told = [
            f"Bridging is shown to be worth it for {len(found.shown)} of {n} moves from an old to a new model, "
            f"in {found.measure}{where}. {found.n_tried} translations were judged, and the more are judged, the more "
            "pass by chance."
        ]
    else:
        told = [
            f"Do not bridge: for none of {n} moves from an old to a new model is any of {found.n_tried} translations "
            f"shown, in all its seeds, to be better than keeping the old model, and than a swap without a translator, "
            f"where encoding anew is better too "
            f"({found.measure})."
        ]
    rows = representative(study)
    if found.shown and found.n_tried > len(rows):
        alone = [pair for pair in found.ways if any(models(row) == pair and row["verdict"] == BRIDGE for row in rows)]
        told.append(
            f"By {study.main_translator}, which is best by R2 on most pairs and so not chosen by these numbers, it is "
            f"shown for {len(alone)}{': ' if alone else ''}{listed([named(pair) for pair in alone])}."
        )
    gaps = {models(row) for row in rows if number_of(row, "gap low") > 0}
    told.append(
        f"There is something to win in {len(gaps)} of {n} moves: encoding everything with the new model is shown to be "
        "better than keeping the old one only there."
    )
    kept = [(number_of(row, "share kept"), row) for row in rows if math.isfinite(number_of(row, "share kept"))]
    if kept:
        (low, worst), (high, finest) = min(kept, key=lambda one: one[0]), max(kept, key=lambda one: one[0])
        told.append(
            f"Where the old model can no longer be run, a translation keeps between {percent(low)} ({_way(worst)}) and "
            f"{percent(high)} ({_way(finest)}) of what the old model found, by {rows[0]['translator']}."
        )
    return (*told, *_swaps(study))


def swap_wins(row: Row) -> bool:
    """Whether a swap is shown to be better than the old model: by their paired difference, or by intervals apart."""
    return number_of(row, "swap gain low") > 0 or number_of(row, "swap low") > number_of(row, "keep high")


def decides(row: Row) -> bool:
    """Whether a migration is one to think about: something to win, a bridge, or a swap that is better than keeping."""
    return number_of(row, "gap low") > 0 or row["verdict"] == BRIDGE or swap_wins(row)


def swapped(study: Study) -> dict[Pair, Row]:
    """(old, new) model -> a row of it, where the new one may ask the old vectors as they are, as between revisions."""
    return {models(row): row for row in representative(study) if swap_wins(row)}


def _swaps(study: Study) -> list[str]:
    """The option that needs no translator, by name."""
    found = swapped(study)
    if not found:
        return []
    n = len(dict.fromkeys(models(row) for row in deciding(study)))
    told = [
        f"{named(pair)} ({number(number_of(row, 'swap'))} against {number(number_of(row, 'keep'))})"
        for pair, row in found.items()
    ]
    return [
        f"A swap is an option of its own in {len(found)} of {n} moves: without any translator, the new model finds "
        f"more in the old vectors, as they are, than the old model does: {listed(told)}. There a translation has to "
        "beat that, too."
    ]


def listed(names: Sequence[str]) -> str:
    """Names as a list in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def _some(ways: Sequence[str]) -> str:
    return ways[0] if len(ways) == 1 else f"{ways[0]} and {len(ways) - 1} more"


def _way(row: Row) -> str:
    return f"{named(models(row))}, {row['way']}"
