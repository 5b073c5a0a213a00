"""Made-up views that leak by construction in exactly one way each, and one that does not: the right one is named."""

from collections.abc import Callable

import numpy as np
import pytest

from matryo.data.views import View, Views
from matryo.errors import MatryoError
from matryo.evaluation.leak_audit import GIVEN, MASKED, Frozen, LeakAudit, audit_leaks
from matryo.prefix import unit_rows

N = 160
LETTERS = "abcdefghijklmnopqrstuvwxyz"

Texts = list[list[str]]


def drawn(rng: np.random.Generator, n: int = N) -> tuple[Texts, Texts]:
    """Words of n texts of each domain, drawn independently of each other from one vocabulary."""
    vocabulary = ["".join(rng.choice(list(LETTERS), 6)) for _ in range(1_000)]
    sides = ([list(rng.choice(vocabulary, rng.integers(8, 16))) for _ in range(n)] for _ in range(2))
    first, second = sides
    return first, second


def views(texts: tuple[Texts, Texts], labels: tuple[dict, dict] = ({}, {}), start: int = 0, **more) -> Views:
    """Views whose row i describes entity i on both sides."""
    n = len(texts[0])
    ids, numbers = tuple(f"e{i}" for i in range(start, start + n)), np.arange(n)
    a, b = (
        View(domain, ids, tuple(" ".join(words) for words in side), numbers, known)
        for domain, side, known in zip(("x", "y"), texts, labels, strict=True)
    )
    return Views("made", a, b, ids, **more)


def templates(rng: np.random.Generator, offset: int | None) -> tuple[dict, dict]:
    """Numbers of eight templates: the second domain's by a fixed offset, or drawn by itself."""
    first = rng.integers(0, 8, N)
    second = rng.integers(0, 8, N) if offset is None else (first + offset) % 8
    return {"template": tuple(map(str, first))}, {"template": tuple(map(str, second))}


def cities(rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(rng.choice(["Rome", "Oslo", "Cairo", "New York", "Lima"], N))


def clean(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    labels = templates(rng, None)
    for side in labels:
        side["city"] = cities(rng) if side is labels[0] else labels[0]["city"]
    return views(drawn(rng), labels), {"train": views(drawn(rng), start=N)}


def offset_templates(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    return views(drawn(rng), templates(rng, 3)), {"train": views(drawn(rng), start=N)}


def verbatim_label(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    city, (first, second) = cities(rng), drawn(rng)
    told = [[[*words, name.lower()] for words, name in zip(side, city, strict=True)] for side in (first, second)]
    return views((told[0], told[1]), ({"city": city}, {"city": city})), {"train": views(drawn(rng), start=N)}


def same_lengths(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    first, second = drawn(rng)
    long = [[*words, "zzzz" * place] for place, words in enumerate(map(lambda words: words[:5], first))]
    also = [[*words, "zzzz" * place] for place, words in enumerate(map(lambda words: words[:5], second))]
    return views((long, also)), {"train": views(drawn(rng), start=N)}


def across_parts(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    first, other = drawn(rng), drawn(rng)
    other[1][:20] = [[f"{words[0].upper()},", *words[1:]] for words in first[1][:20]]
    return views(first), {"train": views(other, start=N)}


def ids_across(rng: np.random.Generator) -> tuple[Views, dict[str, Views]]:
    return views(drawn(rng)), {"train": views(drawn(rng), start=N - 1)}


def found(audit: LeakAudit) -> list[str]:
    return [one.check for one in audit.leaks]


@pytest.mark.parametrize(
    ("make", "leaks"),
    [
        (clean, []),
        (offset_templates, ["templates"]),
        (verbatim_label, ["labels"]),
        (same_lengths, ["lengths"]),
        (across_parts, ["parts"]),
        (ids_across, ["parts"]),
    ],
)
@pytest.mark.parametrize("seed", [0])
def test_each_leak_is_named_and_nothing_else(make: Callable, leaks: list[str], seed: int) -> None:
    part, others = make(np.random.default_rng(seed))
    audit = audit_leaks(part, others=others, seed=seed)
    assert found(audit) == leaks, [f"{one.name}: {one.says}" for one in audit.leaks]


def test_a_clean_set_is_near_chance_for_strings(rng: np.random.Generator) -> None:
    audit = audit_leaks(clean(rng)[0])
    (strings,) = [one for one in audit.verdicts if one.check == "string overlap"]
    assert strings.name == "near chance for string overlap"
    chance = audit.rows[0]
    expected = np.mean(1 / np.arange(1, N + 1))
    assert chance.mrr.value == pytest.approx(expected)
    assert chance.hit.value == pytest.approx(1 / N)
    assert [(one.n, one.gallery) for one in chance.directions] == [(N, N), (N, N)]


def test_equal_texts_are_solved_by_strings_and_reported_as_pairs(rng: np.random.Generator) -> None:
    first, _ = drawn(rng)
    audit = audit_leaks(views((first, [[word.upper() for word in words] for words in first])))
    assert {"string overlap", "equal texts"} <= set(found(audit))
    (strings,) = [one for one in audit.verdicts if one.check == "string overlap"]
    assert (strings.name, strings.numbers["hit@1"]) == ("solved by string overlap", 1.0)
    (beat,) = [one for one in audit.verdicts if one.check == "must beat"]
    assert beat.numbers["MRR"] == 1.0


def test_half_a_text_copied_is_found_by_strings_alone(rng: np.random.Generator) -> None:
    first, second = drawn(rng)
    mixed = [[*a[:2], *b[2:]] for a, b in zip(first, second, strict=True)]
    audit = audit_leaks(views((first, mixed)), frozen=blind(rng))
    assert found(audit) == ["string overlap"]


def blind(rng: np.random.Generator, width: int = 16, dim: int | None = 4) -> Frozen:
    """A model that knows nothing."""
    return Frozen("blind", lambda texts: unit_rows(rng.normal(size=(len(texts), width))), width, dim)


def test_strings_far_ahead_of_the_frozen_model_are_told_with_their_difference(rng: np.random.Generator) -> None:
    first, second = drawn(rng)
    some = [[*a[:3], *b[3:]] if place % 2 else b for place, (a, b) in enumerate(zip(first, second, strict=True))]
    audit = audit_leaks(views((first, some)), frozen=blind(rng))
    (strings,) = [one for one in audit.verdicts if one.check == "string overlap"]
    assert strings.name == "string overlap beats the frozen encoder by far"
    rows = {row.system: row for row in audit.rows}
    best = max((row for row in audit.rows if row.kind == "strings"), key=lambda row: row.mrr.value)
    frozen = max(rows["blind at 16"].mrr.value, rows["blind at 4"].mrr.value)
    assert strings.numbers["ahead"] == pytest.approx(best.mrr.value - frozen)


def test_a_good_model_is_what_must_be_beaten(rng: np.random.Generator) -> None:
    texts = views(drawn(rng))
    vectors = unit_rows(rng.normal(size=(N, 16)))
    audit = audit_leaks(texts, frozen=Frozen("oracle", lambda asked: vectors, 16, 4))
    (beat,) = [one for one in audit.verdicts if one.check == "must beat"]
    assert beat.name == "a method must beat oracle at 16 at MRR 1.000"
    assert found(audit) == []


def test_masked_texts_stand_beside_with_their_change(rng: np.random.Generator) -> None:
    first, second = drawn(rng)
    named = [[*words, f"N{place}"] for place, words in enumerate(first)]
    also = [[*words, f"N{place}"] for place, words in enumerate(second)]
    audit = audit_leaks(views((named, also)), masked=views((first, second)))
    assert [(one.check, one.texts) for one in audit.leaks] == [("string overlap", GIVEN)]
    rows = {(row.system, row.texts): row for row in audit.rows}
    fallen, before = rows["names and numbers", MASKED], rows["names and numbers", GIVEN]
    assert before.hit.value == 1.0
    assert fallen.change is not None and fallen.change.value == pytest.approx(fallen.mrr.value - before.mrr.value)
    assert ("lengths", MASKED) not in rows


def test_templates_that_were_held_out_are_judged_too(rng: np.random.Generator) -> None:
    part, _ = offset_templates(rng)
    row = next(row for row in audit_leaks(part).rows if row.system == "template")
    # eight templates: the right eighth of the gallery is known
    assert 4 / N < row.hit.value < 12 / N


def test_more_texts_than_asked_for_are_drawn(rng: np.random.Generator) -> None:
    audit = audit_leaks(views(drawn(rng)), max_texts=50, seed=3)
    assert (audit.n_texts, audit.n_pairs) == ((50, 50), 50)
    assert any("50 of 160 entities" in note for note in audit.notes)


def test_what_is_unknown_is_left_out_and_said(rng: np.random.Generator) -> None:
    audit = audit_leaks(views(drawn(rng, 10)))
    told = " ".join(audit.notes)
    for word in ("only one part", "no label", "no template", "no model"):
        assert word in told
    assert audit.templates is None
    assert audit.to_json()["templates"] is None


def test_no_queries_without_a_partner(rng: np.random.Generator) -> None:
    whole = views(drawn(rng))
    few = Views("made", whole.a.take(np.arange(30)), whole.b, whole.groups)
    there, back = audit_leaks(few).rows[0].directions
    assert ((there.n, there.gallery), (back.n, back.gallery)) == ((30, N), (30, 30))


def test_bad_input(rng: np.random.Generator) -> None:
    both = views(drawn(rng, 5))
    one = Views("made", both.a.take(np.array([0])), both.b, both.groups)
    with pytest.raises(MatryoError, match="1 entity in both domains, at least 2"):
        audit_leaks(one)
    with pytest.raises(MatryoError, match="same ids"):
        audit_leaks(both, masked=views(drawn(rng, 5), start=1))
    with pytest.raises(MatryoError, match="limit of 1"):
        audit_leaks(both, max_texts=1)
