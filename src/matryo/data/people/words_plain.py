"""The plain level: every attribute in the schema's own words, the same in both domains."""

from matryo.data.people.careers import CAREERS, INDUSTRIES, SKILLS
from matryo.data.people.render_telling import Values, Wordings, with_article
from matryo.data.people.schema import (
    ATTACHMENT_STYLES,
    CITIES,
    COMMUNICATION_STYLES,
    CORE_VALUES,
    INTERESTS,
    POLITICS,
    RELIGIONS,
    SENIORITIES,
    TRAITS,
)

MBTI_TYPES = tuple(f"{a}{b}{c}{d}" for a in "EI" for b in "SN" for c in "TF" for d in "JP")
_LEVELS = {"low": "low", "middle": "average", "high": "high"}
_BELIEFS: Wordings = {
    "religion": {
        **{r: (f"my {r.capitalize()} faith", f"a {r.capitalize()} faith") for r in RELIGIONS},
        "spiritual": ("my spiritual side", "a spiritual outlook"),
        "none": ("having no religion", "a life with no religion"),
    },
    "politics": {
        **{p: (f"my {p} politics", f"{p} politics") for p in POLITICS},
        "unpolitical": ("my unpolitical stance", "an unpolitical stance"),
    },
}


def _same(values: tuple[str, ...]) -> Values:
    return {value: (value,) for value in values}


DATING_PLAIN: Wordings = {
    "age": {str(age): (str(age),) for age in range(18, 100)},
    "city": _same(CITIES),
    "career": {c: (f"work as {with_article(c)}", f"earn my money as {with_article(c)}") for c in CAREERS},
    **{t: {v: (f"have {w} {t}", f"show {w} {t}") for v, w in _LEVELS.items()} for t in TRAITS},
    "core_values": _same(CORE_VALUES),
    "mbti": {m: (f"have the personality type {m}", f"come out as {with_article(m)} in the MBTI") for m in MBTI_TYPES},
    "communication": {
        c: (f"have {with_article(c)} communication style", f"communicate in {with_article(c)} way")
        for c in COMMUNICATION_STYLES
    },
    "attachment": {
        a: (f"have {with_article(a)} attachment style", f"show {with_article(a)} attachment style")
        for a in ATTACHMENT_STYLES
    },
    **_BELIEFS,
    "goal": {
        "marriage": ("marriage",),
        "long-term": ("a long-term partner", "something long-term"),
        "casual": ("something casual", "casual dates"),
        "friendship-first": ("a friendship-first start", "something friendship-first"),
        "undecided": ("something, though I am undecided what", "company, and I am undecided about the rest"),
    },
    "lifestyle": {
        "active": ("active days", "an active lifestyle"),
        "homebody": ("homebody evenings", "a homebody lifestyle"),
        "nightlife": ("nightlife",),
        "outdoors": ("the outdoors", "days outdoors"),
        "urban culture": ("urban culture",),
        "minimalist": ("a minimalist flat", "a minimalist lifestyle"),
        "family-centred": ("family-centred weekends", "a family-centred lifestyle"),
        "nomadic": ("a nomadic lifestyle", "nomadic months"),
    },
    "interests": _same(INTERESTS),
    "relationship_style": {
        "monogamous": ("a monogamous couple", "something monogamous"),
        "open": ("an open couple", "an open arrangement"),
        "polyamorous": ("a polyamorous circle", "something polyamorous"),
    },
    "kids": {
        "has and wants more": ("have kids and want more", "have kids and would want more"),
        "has and wants no more": ("have kids and want no more", "have kids, though I want no more"),
        "wants": ("want kids", "want kids one day"),
        "wants none": ("want no kids", "would rather have no kids"),
        "unsure": ("feel unsure about kids", "stay unsure about kids"),
    },
    "dealbreakers": {
        "smoking": ("smoking",),
        "heavy drinking": ("heavy drinking",),
        "no ambition": ("no ambition at all", "someone with no ambition"),
        "long distance": ("long distance",),
        "wants kids": ("someone who wants kids", "a date who wants kids"),
        "wants no kids": ("someone who wants no kids", "a date who wants no kids"),
        "different faith": ("a different faith",),
        "different politics": ("different politics",),
        "dishonesty": ("dishonesty",),
        "workaholism": ("workaholism",),
    },
}

_INDUSTRIES: dict[str, tuple[str, ...]] = {
    **{industry: (industry, f"the {industry} sector") for industry in INDUSTRIES},
    "nonprofit": ("the nonprofit sector", "the nonprofit world"),
    "law": ("law", "the field of law"),
}

HIRING_PLAIN: Wordings = {
    "city": _same(CITIES),
    "career": {c: (c,) for c in CAREERS},
    **{t: {v: (f"{w} {t}",) for v, w in _LEVELS.items()} for t in TRAITS},
    "core_values": _same(CORE_VALUES),
    "mbti": {m: (f"the personality type {m}", f"the MBTI type {m}") for m in MBTI_TYPES},
    "communication": {
        c: (f"{with_article(c)} communication style", f"{c} communication") for c in COMMUNICATION_STYLES
    },
    "attachment": {a: (f"{with_article(a)} attachment style", f"{a} attachment to others") for a in ATTACHMENT_STYLES},
    "religion": {
        **{r: (f"{r.capitalize()} faith", f"{with_article(r.capitalize())} background") for r in RELIGIONS},
        "spiritual": ("a spiritual outlook", "a spiritual background"),
        "none": ("no religion", "a background with no religion"),
    },
    "politics": {
        **{p: (f"{p} politics", f"{with_article(p)} outlook") for p in POLITICS},
        "unpolitical": ("an unpolitical stance", "an unpolitical outlook"),
    },
    "industry": _INDUSTRIES,
    "skills": _same(SKILLS),
    "seniority": {**_same(SENIORITIES), "mid": ("mid-level",), "executive": ("executive-level",)},
    "work_style": {
        "structured": ("structured work", "a structured setting"),
        "autonomous": ("autonomous work", "an autonomous role"),
        "collaborative": ("collaborative work", "a collaborative setting"),
        "fast-paced": ("fast-paced work", "a fast-paced setting"),
        "deep-focus": ("deep-focus work", "deep-focus hours"),
        "flexible": ("flexible work", "flexible hours"),
    },
    "team": {
        "solo": ("a solo position", "a solo role"),
        "small team": ("a small team",),
        "mid-size team": ("a mid-size team",),
        "large organisation": ("a large organisation",),
    },
    "ambition": {
        "steady": ("steady progress", "a steady career"),
        "growth": ("growth", "professional growth"),
        "leadership": ("leadership", "a leadership role"),
        "founder": ("a founder role", "becoming a founder"),
        "mastery": ("mastery", "mastery of the profession"),
        "impact": ("impact", "impact beyond the role"),
    },
}
