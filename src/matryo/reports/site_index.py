"""The first page of the site: the question, what was measured, what was found, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from matryo.reports.document import Fact, Section
from matryo.reports.formats import count, number, percent
from matryo.reports.html import html_text
from matryo.reports.site_architecture import measured_block
from matryo.reports.site_page import Block, Link, Page, Raw
from matryo.reports.site_pictures import layout_block, searches_block
from matryo.reports.site_study import study_path
from matryo.reports.study_charts import (
    before_heats,
    kernel_charts,
    learning_curves,
    pair_heats,
    prediction_scatters,
    target_curves,
)
from matryo.reports.study_data import Study, named, number_of
from matryo.reports.study_findings import (
    best_by,
    bridges,
    bridging_findings,
    headline,
    listed,
    swapped,
    translator_findings,
)  # fmt: skip
from matryo.reports.study_relations import (
    cost_findings,
    kernel_counts,
    learning_findings,
    prediction_findings,
    resemblance_findings,
    search_findings,
)
from matryo.reports.study_tables import migration_tables, spaces_table

TITLE = "Translating between embedding spaces"
_QUESTION = (
    "An index holds the vectors of one embedding model, and another model is to be used. Can the stored vectors be "
    "turned into those that the other model would have given, without encoding the texts again, and is that worth it?"
)
_HOW = (
    "A translator is fitted on texts that both models have encoded, and judged on texts that it has not seen: by its "
    "error against the native vectors, by whether neighbours and searches stay the same, and by whether real questions "
    "still find their answers. Beside every translator stand the answers that need none: the mean vector, the vectors "
    "as they are, the old model left alone, and everything encoded anew.",
    "The page on the method says what each measure is and draws each translator.",
)


@dataclass(frozen=True, slots=True)
class Placed:
    """A study with its place in the site.

    Attributes:
        study: as stored.
        key: of it in paths.
    """

    study: Study
    key: str


def index_page(placed: Sequence[Placed]) -> Page:
    """The first page.

    Args:
        placed: the studies, at least one.
    """
    n_pairs = sum(len(one.study.pairs) for one in placed)
    n_fits = sum(len(one.study.rows("translators")) for one in placed)
    alone = len(placed) == 1
    texts = listed(list(dict.fromkeys(one.study.results.dataset for one in placed)))
    return Page(
        path="index.html",
        title=TITLE,
        heading=TITLE,
        lead=_QUESTION,
        blocks=(
            Section("What was done", text=(*_HOW[:1], *(_done(one.study) for one in placed), *_HOW[1:])),
            measured_block(placed[0].study),
            _studies(placed),
            *(block for one in placed for block in _findings(one, alone=alone)),
            Section("Conclusion", findings=tuple(line for one in placed for line in _conclusion(one, alone=alone))),
        ),
        facts=(
            Fact(count(len(placed)), "study" if alone else "studies"),
            Fact(count(n_pairs), "ordered pairs of models"),
            Fact(count(n_fits), "translators fitted"),
            Fact(texts, "texts"),
        ),
    )


def _done(study: Study) -> str:
    spaces = listed([f"{row['space']} ({count(number_of(row, 'width'))} numbers)" for row in study.rows("spaces")])
    documents = max(number_of(row, "n_documents") for row in study.rows("spaces"))
    pairs = max(one.value("pairs") for one in study.trained.values())
    shares = max(one.value("share of corpus") for one in study.trained.values())
    return (
        f"{study.name}: {count(documents)} texts of {study.results.dataset} in {len(study.spaces)} spaces, {spaces}. "
        f"For each of {len(study.pairs)} ordered pairs of spaces these were fitted on {count(pairs)} texts "
        f"({percent(shares)} of them): {listed(study.translators)}."
    )


def _studies(placed: Sequence[Placed]) -> Raw:
    cards = "".join(
        f'<li><a href="{html_text(study_path(one.key))}">{html_text(one.study.name)}'
        f"<small>{html_text(headline(one.study))}.</small></a></li>"
        for one in placed
    )
    return Raw("Studies", f'<ul class="cards">{cards}</ul>')


def _findings(placed: Placed, *, alone: bool) -> tuple[Block, ...]:
    """One short section per question, with the figure that answers it."""
    study, end = placed.study, "" if alone else f" ({placed.study.name})"
    bridging, _ = migration_tables(study)
    return (
        Section(
            f"How well does one space translate into another?{end}", findings=translator_findings(study),
            charts=tuple(pair_heats(study)[:1]), tables=() if not alone else (spaces_table(study),),
        ),
        Section(
            f"Do the same texts stay neighbours?{end}",
            findings=(*kernel_counts(study), *search_findings(study), *resemblance_findings(study)),
            charts=tuple(pair_heats(study)[1:2]),
        ),
        *_examples(placed),
        Section(
            f"Is it worth it?{end}", findings=(*bridging_findings(study), *cost_findings(study)),
            tables=bridging[:1],
        ),
        Section(
            f"What is left in a truncated target?{end}", text=_dims(study), charts=tuple(target_curves(study)[:1]),
        ),
        Section(
            f"How many pairs are needed?{end}", findings=learning_findings(study),
            charts=tuple(learning_curves(study)[:1]),
        ),
        Section(
            f"Can it be told beforehand?{end}", findings=prediction_findings(study),
            charts=(*before_heats(study)[:1], *prediction_scatters(study)[:1]),
        ),
    )  # fmt: skip


def _examples(placed: Placed) -> tuple[Block, ...]:
    """Kernel matrices, map and searches of one ordered pair."""
    study, pair = placed.study, placed.study.hardest
    kernels = kernel_charts(study)
    text = f"{named(pair)}, the ordered pair with the lowest R2; those of the others are on their pages."
    return (
        Section("Kernel matrices of one pair", text=(text,) if kernels else (), charts=kernels),
        *(layout_block(one, f"map-{placed.key}") for one in study.layouts.get(pair, ())[:1]),
        *(searches_block(one, few=True) for one in study.searches.get(pair, ())[:1]),
    )


def _dims(study: Study) -> tuple[str, ...]:
    curves = target_curves(study)
    if not curves:
        return ()
    ends = [line.points() for line in curves[0].lines]
    rising = sum(points[-1][1] > points[0][1] for points in ends)
    few, whole = ends[0][0][0], ends[0][-1][0]
    return (
        f"{curves[0].measure}: {rising} of {len(ends)} sources explain more of the whole vector ({whole} numbers) than "
        f"of its first {few}.",
    )


def _conclusion(placed: Placed, *, alone: bool) -> tuple[str, ...]:
    """What follows, each line by a rule on the numbers."""
    study = placed.study
    start = "" if alone else f"{placed.study.name}: "
    found = bridges(study)
    if found is None:
        bridge = "whether to bridge between two models stays open here, because no search was judged."
    elif not found.shown:
        bridge = (
            f"do not bridge: in none of {len(found.ways)} moves from one model to another is a translation shown to "
            "be better than keeping the old model, and than a swap, until everything is encoded anew."
        )
    else:
        bridge = (
            f"bridge only after measuring: it is shown to be worth it in {len(found.shown)} of {len(found.ways)} "
            "moves from one model to another, and not in the others."
        )
    lowest = min(study.best(pair).value("R2") for pair in study.pairs)
    between = f"translated vectors are not native ones: on the hardest pair R2 is {number(lowest)}; 1 is the same."
    lines = (bridge, *_swapping(study), _shape(study), between, *_beforehand(study))
    return tuple(_opened(start, line) for line in lines)


def _swapping(study: Study) -> tuple[str, ...]:
    """That between revisions of one model there may be nothing to translate."""
    names = [named(pair) for pair in swapped(study)]
    if not names:
        return ()
    return (
        "let the new model ask the old vectors as they are before anything is translated: it finds more than the old "
        f"model does for {listed(names)}.",
    )


def _shape(study: Study) -> str:
    """Whether a linear map is enough, by R2 and by what searches find."""
    told, shares = [], []
    for column, name in (("R2", "R2"), (None, "the documents that searches find")):
        counts = best_by(study, column)
        n, n_linear = sum(counts.values()), sum(n for one, n in counts.items() if one.split()[0] in _LINEAR)
        if n:
            told.append(f"by {name} on {n_linear} of {n}")
            shares.append(n_linear / n)
    if not told:
        return "only one translator was fitted, so that nothing is said of which is best."
    advice = (
        "try one before anything deeper"
        if min(shares) >= 0.5
        else "it is only the start"
        if max(shares) < 0.25
        else "no kind is best everywhere: fit both and measure what you need"
    )
    return f"a linear map is the best translator {' and '.join(told)} ordered pairs; {advice}."


def _beforehand(study: Study) -> tuple[str, ...]:
    for row in study.rows("prediction"):
        if (row["predictor"], row["outcome"]) == ("CKA", "R2") and row["Spearman"] is not None:
            shown = number_of(row, "p") < 0.05 and number_of(row, "low") > 0
            told = "goes with" if shown else "is not shown to go with"
            advice = "compare the spaces first" if shown else "fit a map and measure it"
            return (f"CKA before training {told} a better translation; {advice}.",)
    return ()


def _opened(start: str, line: str) -> str:
    return f"{start}{line}" if start else f"{line[0].upper()}{line[1:]}"


_LINEAR = ("ridge", "procrustes", "linear")


def navigation(placed: Sequence[Placed]) -> list[Link]:
    """Links that every page of the site has."""
    studies = [Link(study_path(one.key), one.study.name) for one in placed]
    return [Link("index.html", "Start"), *studies, Link("method.html", "Method")]
