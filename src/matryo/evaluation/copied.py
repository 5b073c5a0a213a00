"""What stands word for word where it should not: labels in both texts of a pair, one text in two places."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from matryo.data.views import View, Views
from matryo.evaluation.identity_rules import TEMPLATE_LABEL
from matryo.evaluation.identity_search import paired_rows
from matryo.search.bm25 import words

ID = "id"
"""Stands among the labels for the ids, where both texts of a pair have the same."""

_BOOKKEEPING = {TEMPLATE_LABEL, "part"}


@dataclass(frozen=True)
class CopiedLabel:
    """How often one label's value stands in the texts.

    Attributes:
        label: its name.
        n: pairs whose value is known on both sides.
        in_a: share of them with the value, word for word, in the first text.
        in_b: share with the value in the second one.
        in_both: share with one value in both.
        in_wrong: the same with the second text of somebody else: what common values and common words give.
    """

    label: str
    n: int
    in_a: float
    in_b: float
    in_both: float
    in_wrong: float


@dataclass(frozen=True)
class Repeated:
    """Texts that occur more than once; equal = the same words in the same order.

    Attributes:
        n_pairs: pairs looked at.
        equal_pairs: pairs whose two texts are equal.
        n_texts: texts of each domain.
        repeats: of each domain, texts equal to one of another entity: no system can tell these apart.
        parts: other parts looked at.
        ids_across: of each domain, ids that stand in another part too.
        texts_across: of each domain, texts that stand in another part too.
    """

    n_pairs: int
    equal_pairs: int
    n_texts: tuple[int, int]
    repeats: tuple[int, int]
    parts: tuple[str, ...]
    ids_across: tuple[int, int]
    texts_across: tuple[int, int]


def copied_labels(views: Views, *, seed: int) -> tuple[CopiedLabel, ...]:
    """Look for each label's value in both texts of each pair.

    Args:
        views: labels that both domains know are looked at, but for template and part; the ids too, where both texts of
            every pair have the same.
        seed: of whose second text is taken for the wrong one.

    Returns: one for each label, by name, the ids last; those without a value in any pair are left out.
    """
    rows_a, rows_b = (rows.tolist() for rows in paired_rows(views))
    texts_a = [_padded(views.a.texts[row]) for row in rows_a]
    texts_b = [_padded(views.b.texts[row]) for row in rows_b]
    # everybody gets the text of the next one in a random ring, so never the own one
    ring = np.random.default_rng(seed).permutation(len(rows_a))
    wrong = np.empty_like(ring)
    wrong[ring] = np.roll(ring, 1)
    known: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        label: (views.a.labels[label], views.b.labels[label])
        for label in sorted((set(views.a.labels) & set(views.b.labels)) - _BOOKKEEPING)
    }
    if all(views.a.ids[i] == views.b.ids[j] for i, j in zip(rows_a, rows_b, strict=True)):
        known[ID] = (views.a.ids, views.b.ids)
    found = []
    for label, (values_a, values_b) in known.items():
        counts = np.zeros(4)
        n = 0
        for place, (row_a, row_b) in enumerate(zip(rows_a, rows_b, strict=True)):
            value_a, value_b = _padded(values_a[row_a]), _padded(values_b[row_b])
            if not (value_a.strip() and value_b.strip()):
                continue
            n += 1
            first, second = value_a in texts_a[place], value_b in texts_b[place]
            both = first and value_a in texts_b[place]
            counts += (first, second, both, first and value_a in texts_b[wrong[place]])
        if n:
            found.append(CopiedLabel(label, n, *(float(count) for count in counts / n)))
    return tuple(found)


def repeated_texts(views: Views, others: Mapping[str, Views]) -> Repeated:
    """Count texts that occur more than once: within a pair, within a domain, in another part of the split.

    Args:
        views: the part that is audited.
        others: the other parts, by name.
    """
    sides = [[_normal(text) for text in view.texts] for view in (views.a, views.b)]
    rows_a, rows_b = (rows.tolist() for rows in paired_rows(views))
    equal = sum(sides[0][i] == sides[1][j] for i, j in zip(rows_a, rows_b, strict=True))
    ids_a, texts_a = _across(views.a, sides[0], [part.a for part in others.values()])
    ids_b, texts_b = _across(views.b, sides[1], [part.b for part in others.values()])
    return Repeated(
        n_pairs=len(rows_a),
        equal_pairs=equal,
        n_texts=(len(views.a), len(views.b)),
        repeats=(_repeats(views.a, sides[0]), _repeats(views.b, sides[1])),
        parts=tuple(others),
        ids_across=(ids_a, ids_b),
        texts_across=(texts_a, texts_b),
    )


def _across(view: View, texts: Sequence[str], others: Sequence[View]) -> tuple[int, int]:
    """Ids and texts of a view that other views have too."""
    ids = {id for other in others for id in other.ids}
    known = {_normal(text) for other in others for text in other.texts}
    return sum(id in ids for id in view.ids), sum(text in known for text in texts)


def _repeats(view: View, texts: Sequence[str]) -> int:
    """Texts that another entity of the domain has too."""
    owners = Counter(text for text, _ in set(zip(texts, view.entities.tolist(), strict=True)))
    return sum(owners[text] > 1 for text in texts)


def _padded(text: str) -> str:
    """Words in lower case with single spaces between and around, so that whole words are found in one another."""
    return f" {' '.join(words(text))} "


def _normal(text: str) -> str:
    """Words in lower case with single spaces between; a text without a word is taken as it is."""
    return " ".join(words(text)) or text.strip()
