"""A template is data: sentences with named places. A telling fills the places with one person's wordings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter

from matryo.data.people.chances import INTENSE
from matryo.data.people.render_choices import Choices
from matryo.data.people.schema import TRAITS, Person

Values = Mapping[str, tuple[str, ...]]
"""value of one attribute -> the ways to say it, all of one grammatical form."""
Wordings = Mapping[str, Values]
"""attribute -> value -> the ways to say it."""
Frames = tuple[str, ...]
"""Ways to say one sentence, with the same named places in all of them; see `Telling` for the places."""

MIDDLE = (43, 57)
"""Big Five scores from the first to the second number are neither low nor high."""


@dataclass(frozen=True)
class Template:
    """How a text is built.

    Attributes:
        first: sentences at the start, in this order.
        free: sentences in the middle, in any order.
        last: sentences at the end, in this order.
        pool: places whose phrases are shuffled together and dealt out as {part1}, {part2} ...
        n_parts: number of these parts.
        n_traits: how many of the Big Five are told, the most pronounced.
        n_values: how many core values are told, the most important.
        n_items: how many interests or skills are told.
        join: stands between sentences.
    """

    first: tuple[Frames, ...]
    free: tuple[Frames, ...] = ()
    last: tuple[Frames, ...] = ()
    pool: tuple[str, ...] = ()
    n_parts: int = 2
    n_traits: int = 3
    n_values: int = 4
    n_items: int = 3
    join: str = " "

    @property
    def places(self) -> frozenset[str]:
        """Names of all places that are told, those of the pool included, parts left out."""
        sentences = (*self.first, *self.free, *self.last)
        fields = {field.lower() for frames in sentences for _, field, _, _ in Formatter().parse(frames[0]) if field}
        return frozenset(self.pool) | {field for field in fields if not field.startswith("part")}


def listed(items: Sequence[str]) -> str:
    """Items as running text.

    >>> listed(["tea"]), listed(["tea", "rain", "cats"])
    ('tea', 'tea, rain and cats')
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def with_article(words: str) -> str:
    """A noun with its indefinite article, by its first letter; no word of this folder needs more.

    >>> with_article("architect"), with_article("human resources manager")
    ('an architect', 'a human resources manager')
    """
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


def capital(text: str) -> str:
    """The text with a capital first letter.

    >>> capital("in my early thirties")
    'In my early thirties'
    """
    return text[:1].upper() + text[1:]


def trait_level(score: int) -> str:
    """What a Big Five score is called.

    >>> trait_level(20), trait_level(50), trait_level(80)
    ('low', 'middle', 'high')
    """
    return "low" if score < MIDDLE[0] else "high" if score > MIDDLE[1] else "middle"


def marked_traits(person: Person, n: int) -> list[tuple[str, str]]:
    """The n traits that lie farthest from the average, each with its level; earlier traits first where equal."""
    order = sorted(range(len(TRAITS)), key=lambda i: -abs(person.big_five[i] - 50))
    return [(TRAITS[i], trait_level(person.big_five[i])) for i in order[:n]]


def told_beliefs(person: Person) -> list[str]:
    """Which of religion and politics a text tells: who does not mind does not mention them."""
    strong = {"religion": person.religion_intensity, "politics": person.politics_intensity}
    return [belief for belief, intensity in strong.items() if intensity >= INTENSE]


def age_band(age: int) -> str:
    """A third of a decade.

    >>> age_band(22), age_band(35), age_band(49), age_band(60)
    ('early twenties', 'mid thirties', 'late forties', 'early sixties')
    """
    decade = ("twenties", "thirties", "forties", "fifties", "sixties")[age // 10 - 2]
    return f"{'early' if age % 10 < 4 else 'mid' if age % 10 < 7 else 'late'} {decade}"


class Telling:
    """One person told once: each place of a sentence is filled with a wording chosen for this text.

    Places are the attributes of a person, and {traits}, {values}, {beliefs} (religion and politics where strong),
    {part1} ..., {experience}, {title} and {a_title} (seniority and career, without and with an article). A place that
    begins with a capital gives its words a capital: {City}.
    """

    __slots__ = ("_parts", "_words", "choices", "person", "template")

    def __init__(self, person: Person, template: Template, words: Wordings, choices: Choices) -> None:
        """Tell `person` by `template` in `words`."""
        self.person, self.template, self._words, self.choices = person, template, words, choices
        phrases = choices.shuffled([phrase for place in template.pool for phrase in self.phrases(place)])
        self._parts = {f"part{i + 1}": phrases[i :: template.n_parts] for i in range(template.n_parts)}

    def text(self) -> str:
        """The text."""
        sentences = (*self.template.first, *self.choices.shuffled(self.template.free), *self.template.last)
        told = [self.choices.pick(frames).format_map(self) for frames in sentences if not self._silent(frames[0])]
        return self.template.join.join(told)

    def __getitem__(self, place: str) -> str:
        """The words for a place of a sentence."""
        if place[0].isupper():
            return capital(self[place[0].lower() + place[1:]])
        return listed(self._parts[place] if place in self._parts else self.phrases(place))

    def phrases(self, place: str) -> list[str]:
        """The phrases of a place; a place that is not in the table of places is an attribute of one value."""
        make = PLACES.get(place)
        return [self.say(place, str(getattr(self.person, place)))] if make is None else make(self)

    def say(self, attribute: str, value: str) -> str:
        """A wording of an attribute's value."""
        return self.choices.pick(self._words[attribute][value])

    def say_all(self, attribute: str, values: Sequence[str]) -> list[str]:
        """A wording of each value."""
        return [self.say(attribute, value) for value in values]

    def knows(self, attribute: str, value: str) -> bool:
        """Whether there is a wording for this value."""
        return value in self._words[attribute]

    def _silent(self, frame: str) -> bool:
        """Whether a sentence would tell only of what this person does not have."""
        if "{beliefs}" in frame:
            return not told_beliefs(self.person)
        return "{dealbreakers}" in frame and not self.person.dealbreakers


def _traits(t: Telling) -> list[str]:
    marked = marked_traits(t.person, t.template.n_traits)
    return [t.say(trait, level) for trait, level in t.choices.shuffled(marked)]


def _mbti(t: Telling) -> list[str]:
    """The type as one phrase where there is one, else a phrase for the first two letters and one for the others."""
    mbti = t.person.mbti
    return t.say_all("mbti", [mbti] if t.knows("mbti", mbti) else t.choices.shuffled((mbti[:2], mbti[2:])))


def _beliefs(t: Telling) -> list[str]:
    return [t.say(belief, getattr(t.person, belief)) for belief in told_beliefs(t.person)]


def _some(attribute: str, n: int | None = None) -> Callable[[Telling], list[str]]:
    """Values of an attribute that has many, in any order, as many as the template tells."""

    def phrases(t: Telling) -> list[str]:
        values = t.choices.shuffled(getattr(t.person, attribute))
        return t.say_all(attribute, values[: n or t.template.n_items])

    return phrases


def _experience(t: Telling) -> list[str]:
    years = t.person.experience
    return ["less than a year" if years < 1 else "1 year" if years == 1 else f"{years} years"]


def _title(t: Telling) -> list[str]:
    return [f"{t.say('seniority', t.person.seniority)} {t.say('career', t.person.career)}"]


PLACES: Mapping[str, Callable[[Telling], list[str]]] = {
    "traits": _traits,
    "mbti": _mbti,
    "values": lambda t: t.say_all("core_values", t.person.core_values[: t.template.n_values]),
    "beliefs": _beliefs,
    "interests": _some("interests"),
    "skills": _some("skills"),
    "lifestyle": _some("lifestyle", 2),
    "work_style": _some("work_style", 2),
    "dealbreakers": _some("dealbreakers", 3),
    "experience": _experience,
    "title": _title,
    "a_title": lambda t: [with_article(_title(t)[0])],
}
