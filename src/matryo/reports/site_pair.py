"""The page of one ordered pair: which translator, by how much, with every picture, curve and table of it."""

from matryo.reports.document import Fact, Section
from matryo.reports.formats import number, percent
from matryo.reports.site_page import Block, Link, Page
from matryo.reports.site_pictures import picture_blocks
from matryo.reports.study_charts import learning_curves, migration_bars, pair_curves, prefix_heats
from matryo.reports.study_data import Pair, Row, Study, models, named, number_of, slug
from matryo.reports.study_pair_tables import (
    different_table,
    first_seeds,
    fit_table,
    lists_table,
    pair_migration_tables,
    pair_tables,
)
from matryo.reports.study_relations import learning_findings, resemblance_findings
from matryo.reports.study_tables import curve_table


def pair_path(key: str, pair: Pair) -> str:
    """Path of the page of an ordered pair, inside the site.

    Args:
        key: of its study.
        pair: from and to.
    """
    return f"{key}/pairs/{slug(pair)}.html"


def pair_page(study: Study, key: str, pair: Pair) -> Page:
    """The page of one ordered pair.

    Args:
        study: that it belongs to.
        key: of the study in paths.
        pair: from and to.
    """
    best = study.best(pair)
    reverse = (pair[1], pair[0])
    trail = [Link("index.html", "Start"), Link(f"{key}/index.html", study.name)]
    trail += [Link(pair_path(key, reverse), named(reverse))] if reverse in study.pairs else []
    return Page(
        path=pair_path(key, pair),
        title=f"{named(pair)}: {study.name}",
        heading=_heading(study, pair),
        lead=f"From {pair[0]} to {pair[1]}, on texts that no translator was fitted on: {study.results.dataset}.",
        blocks=_blocks(study, pair),
        facts=(
            Fact(number(best.value("R2")), f"R2 of {best.translator}"),
            Fact(percent(best.value("top-1")), "find their counterpart first"),
            Fact(number(best.value("mutual")), "mutual neighbours with the native vectors"),
            *_before(study, pair),
        ),
        trail=tuple(trail),
    )


def _heading(study: Study, pair: Pair) -> str:
    best, n = study.best(pair), len(study.of_pair(pair))
    explained = f"{best.translator} explains {percent(best.value('R2'))} of the variance of {pair[1]} from {pair[0]}"
    return f"{explained}, the most of {n} translators" if n > 1 else explained


def _before(study: Study, pair: Pair) -> tuple[Fact, ...]:
    rows = study.rows("before", pair)
    return (Fact(number(number_of(rows[0], "CKA")), "CKA of the two spaces before training"),) if rows else ()


def _blocks(study: Study, pair: Pair) -> tuple[Block, ...]:
    rows = first_seeds(study.rows("migrations", pair))
    drawn = (
        migration_bars([row for row in rows if row["way"] == way], pair)
        for way in dict.fromkeys(row["way"] for row in rows)
    )
    verdicts = tuple(
        f"{named(models(row))}, {row['way']} by {row['translator']}. {row['sentence']}."
        for row in _deciding(study, pair)
    )
    table, different, lists = curve_table(study, pair), different_table(study, pair), lists_table(study, pair)
    return (
        Section("Translators", tables=(fit_table(study, pair), *pair_tables(study, pair))),
        *picture_blocks(study, pair),
        Section("Against the dimension", charts=tuple(pair_curves(study, pair))),
        Section(
            "How many pairs are needed?",
            findings=learning_findings(study, pair),
            charts=tuple(learning_curves(study, pair)),
            tables=(table,) if table else (),
        ),
        Section("Source prefix to target prefix", charts=tuple(prefix_heats(study, pair))),
        Section(
            "Keep, translate or encode anew",
            findings=verdicts,
            charts=tuple(chart for chart in drawn if chart is not None),
            tables=tuple(pair_migration_tables(study, pair)),
        ),
        Section("Whose space do they resemble?", findings=resemblance_findings(study, [pair])),
        Section("Neighbour lists", tables=tuple(one for one in (lists, different) if one is not None), folded=True),
    )


def _deciding(study: Study, pair: Pair) -> list[Row]:
    """Migrations of the best translator of the pair in the measure that decides, first seed."""
    rows = first_seeds(study.rows("migrations", pair))
    best = study.best(pair).translator
    return [row for row in rows if row["measure"] == rows[0]["measure"] and row["translator"] == best]
