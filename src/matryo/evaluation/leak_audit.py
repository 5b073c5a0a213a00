"""How well pairs of texts can be matched without understanding anything, and what a method must therefore beat."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from matryo.data.views import Views
from matryo.errors import MatryoError
from matryo.evaluation.copied import ID, CopiedLabel, Repeated, copied_labels, repeated_texts
from matryo.evaluation.identity_rules import Rule, bm25_rule, chance_rule, tf_idf_rule
from matryo.evaluation.leak_rows import Kind, LeakRow, difference, encoder_rows, rule_row
from matryo.evaluation.leak_verdict import (
    LENGTHS,
    LeakVerdict,
    judge_labels,
    judge_repeats,
    judge_rows,
    judge_templates,
)
from matryo.evaluation.score import number_to_json
from matryo.evaluation.shared_tokens import character_rule, length_rule, names_and_numbers, overlap_rule
from matryo.evaluation.template_leak import (
    TemplateDependence,
    crossed_template_rule,
    knows_templates,
    template_dependence,
)
from matryo.prefix import Array
from matryo.progress import progress as show_progress

FORMAT = 1
GIVEN, MASKED = "as given", "names masked"
MAX_TEXTS = 2_000
_LEAST_FOR_TEMPLATES = 4

Encode = Callable[[Sequence[str]], Array]


@dataclass(frozen=True)
class Frozen:
    """A model that was not trained for these pairs.

    Attributes:
        name: of the model.
        encode: texts -> (n, width) float vectors.
        width: of a vector.
        dim: prefix length that is measured beside the width; None = none.
    """

    name: str
    encode: Encode
    width: int
    dim: int | None = None


@dataclass(frozen=True, eq=False)
class LeakAudit:
    """Everything an audit found.

    Attributes:
        name: of the views.
        domains: names of the two.
        n_texts: texts of each domain that were measured.
        n_pairs: entities among them that both domains describe.
        seed: of the choice of texts, of halves and intervals.
        rows: systems, those of the texts as given first.
        templates: None where no template is known.
        labels: those that both domains know, and the ids.
        repeats: texts that occur more than once.
        verdicts: everything that was looked for, found or not.
        notes: what was left out, one sentence each.
    """

    name: str
    domains: tuple[str, str]
    n_texts: tuple[int, int]
    n_pairs: int
    seed: int
    rows: tuple[LeakRow, ...]
    templates: TemplateDependence | None
    labels: tuple[CopiedLabel, ...]
    repeats: Repeated
    verdicts: tuple[LeakVerdict, ...]
    notes: tuple[str, ...]

    @property
    def leaks(self) -> tuple[LeakVerdict, ...]:
        """The leaks that were found."""
        return tuple(verdict for verdict in self.verdicts if verdict.leak)

    def to_json(self) -> dict[str, Any]:
        """Everything but the values of single queries."""
        templates = None
        if self.templates is not None:
            templates = {**asdict(self.templates), "n_templates": list(self.templates.n_templates)}
        return {
            "format": FORMAT,
            "name": self.name,
            "domains": list(self.domains),
            "n_texts": list(self.n_texts),
            "n_pairs": self.n_pairs,
            "seed": self.seed,
            "verdicts": [
                {**asdict(one), "numbers": {key: number_to_json(value) for key, value in one.numbers.items()}}
                for one in self.verdicts
            ],
            "rows": [row.to_json() for row in self.rows],
            "templates": templates,
            "labels": [asdict(one) for one in self.labels],
            "repeats": {key: list(v) if isinstance(v, tuple) else v for key, v in asdict(self.repeats).items()},
            "notes": list(self.notes),
        }


def audit_leaks(
    views: Views,
    *,
    others: Mapping[str, Views] | None = None,
    masked: Views | None = None,
    frozen: Frozen | None = None,
    max_texts: int = MAX_TEXTS,
    seed: int = 0,
    progress: bool = False,
) -> LeakAudit:
    """Measure how far strings, templates, lengths and an untrained model get, and say which of them leaks.

    Args:
        views: the part to audit. Labels both domains know are looked for in the texts; the label "template" is tested.
        others: further parts of the same split, name -> views, in which its ids and texts must not stand.
        masked: the same rows with names hidden, measured beside them.
        frozen: a model to measure beside the strings; None = no row of a model.
        max_texts: of each domain; beyond it entities are chosen at random.
        seed: of every choice.
        progress: show on stderr which system is measured.

    Raises: MatryoError for fewer than 2 matched entities, or masked views of other rows.
    Source: ours; the ladder of floors that Sparkly (PVLDB 2023) shows cannot be left out.
    """
    if len(views.matched) < 2:
        raise MatryoError(
            f"{views.name} has {len(views.matched)} entity in both domains, at least 2 are needed to tell them apart; "
            "give more data or another part"
        )
    if masked is not None and any(
        own.ids != other.ids or not np.array_equal(own.entities, other.entities)
        for own, other in ((views.a, masked.a), (views.b, masked.b))
    ):
        raise MatryoError(f"{views.name}: the masked views must have the same ids and entities; mask the same rows")
    notes = []
    repeats = repeated_texts(views, others or {})
    if not others:
        notes.append("only one part is known: whether ids or texts cross parts was not looked for")
    labels = copied_labels(views, seed=seed)
    if not any(one.label != ID for one in labels):
        notes.append("no label is known in both domains: whether attributes are copied was not looked for")
    chosen = _sample(views, max_texts, seed)
    if len(chosen) < views.n_entities:
        notes.append(f"{len(chosen):,} of {views.n_entities:,} entities are measured, chosen with seed {seed}")
    part = replace(views, mined=None, twins=None).take(chosen)
    forms = {GIVEN: part}
    if masked is not None:
        forms[MASKED] = replace(masked, mined=None, twins=None).take(chosen)
    if frozen is None:
        notes.append("no model was given: strings are not compared with a frozen encoder")
    rows: list[LeakRow] = []
    verdicts: list[LeakVerdict] = []
    for form, texts in forms.items():
        own = _rows(texts, form, frozen, seed, progress)
        given = {row.system: row for row in rows}
        if given:
            own = [replace(row, change=difference(texts, row, given[row.system], seed=seed)) for row in own]
        rows += own
        verdicts += judge_rows(texts, own, seed=seed)
    templates = template_dependence(views) if knows_templates(views) else None
    if templates is None:
        notes.append("no template is known in both domains: whether templates depend on each other was not looked for")
    else:
        verdicts.append(judge_templates(templates))
    if labels:
        verdicts.append(judge_labels(labels))
    verdicts += judge_repeats(repeats)
    return LeakAudit(
        name=views.name,
        domains=views.domains,
        n_texts=(len(part.a), len(part.b)),
        n_pairs=len(part.matched),
        seed=seed,
        rows=tuple(rows),
        templates=templates,
        labels=labels,
        repeats=repeats,
        verdicts=tuple(verdicts),
        notes=tuple(dict.fromkeys((*views.notes, *(masked.notes if masked else ()), *notes))),
    )


def _sample(views: Views, max_texts: int, seed: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Entities at random, as many as leave no domain with more than `max_texts` texts, at least 2 matched ones."""
    if max_texts < 2:
        raise MatryoError(f"at least 2 texts of each domain are needed, got a limit of {max_texts}; 2000 is usual")
    counts = [np.bincount(view.entities, minlength=views.n_entities) for view in (views.a, views.b)]
    order = np.random.default_rng(seed).permutation(views.n_entities)
    fits = np.max([np.cumsum(count[order]) for count in counts], axis=0) <= max_texts
    chosen = np.sort(order[fits]).astype(np.int64)
    if len(np.intersect1d(chosen, views.matched)) < 2:
        raise MatryoError(
            f"{views.name}: among {max_texts} texts of each domain fewer than 2 entities stand in both; "
            "allow more texts"
        )
    return chosen


def _rows(views: Views, form: str, frozen: Frozen | None, seed: int, progress: bool) -> list[LeakRow]:
    """Every system on one form of the texts; what masking cannot change is measured once."""
    rules: list[tuple[str, Kind, Rule]] = [("chance", "floor", chance_rule())]
    if form == GIVEN:
        if knows_templates(views) and len(views.matched) >= _LEAST_FOR_TEMPLATES:
            rules.append(("template", "structure", crossed_template_rule(views, seed)))
        rules.append((LENGTHS, "structure", length_rule()))
    rules += [
        ("names and numbers", "strings", overlap_rule(names_and_numbers, by_rarity=True)),
        ("shared words", "strings", overlap_rule(by_rarity=False)),
        ("shared rare words", "strings", overlap_rule(by_rarity=True)),
        ("character n-grams", "strings", character_rule(views)),
        ("TF-IDF", "strings", tf_idf_rule(None, views)),
        ("BM25", "strings", bm25_rule()),
    ]
    found = []
    with show_progress(f"audit of texts {form}", len(rules), "systems", shown=progress) as advance:
        for system, kind, rule in rules:
            found.append(rule_row(views, rule, system, kind, form, seed=seed))
            advance(1)
    if frozen is not None:
        a, b = frozen.encode(views.a.texts), frozen.encode(views.b.texts)
        dims = (frozen.width,) if frozen.dim is None else tuple({frozen.dim, frozen.width})
        found += encoder_rows(views, a, b, frozen.name, dims, form, seed=seed)
    return found
