"""Many people as arrays: the compatibility scores of `compatibility`, for whole columns of pairs at once."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from matryo.data.people.careers import INDUSTRIES, SKILLS
from matryo.data.people.dealbreakers import DIFFERING, WANTS_KIDS, WANTS_NO_KIDS, broken_by
from matryo.data.people.schema import (
    ATTACHMENT_STYLES,
    CITIES,
    COMMUNICATION_STYLES,
    CORE_VALUES,
    DEALBREAKERS,
    INTERESTS,
    LIFESTYLES,
    POLITICS,
    RELATIONSHIP_GOALS,
    RELATIONSHIP_STYLES,
    RELIGIONS,
    TEAM_SIZES,
    WORK_STYLES,
    Person,
)
from matryo.data.people.weights import (
    BEST_SKILL_OVERLAP,
    DATING_WEIGHTS,
    DEALBREAKER_COST,
    GOAL_FITS,
    HIRING_WEIGHTS,
    IDENTITY_WEIGHTS,
    MAX_DEALBREAKER_COST,
    Kind,
)
from matryo.errors import MatryoError
from matryo.prefix import unit_rows

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
Bits = NDArray[np.uint8]

_KIDS = (WANTS_NO_KIDS, ("unsure",), WANTS_KIDS)
_DIFFERING_PLACES = {DEALBREAKERS.index(name): attribute for name, attribute in DIFFERING.items()}


@dataclass(frozen=True, eq=False)
class Population:
    """n people as columns, about 120 bytes each.

    Attributes:
        big_five: (n, 5) float64, centred at 50, rows of length 1, or 0 for somebody average in all.
        letters: (n, 4) int16, the MBTI letters.
        intensities: (n, 2) float64 of religion and politics.
        communication, attachment, religion, politics, goal, relationship, city, industry: (n,) int16, number of the
            value.
        kids, team: (n,) int16, ordered: kids 0 = wants none, 1 = unsure, 2 = wants; team from solo upward.
        values, lifestyle, interests, work_style, skills: (n, bytes) uint8, one bit per value.
        dealbreakers, broken: (n, bytes) uint8: those they have, those they break for anybody.
    """

    big_five: Scores
    letters: NDArray[np.int16]
    intensities: Scores
    communication: NDArray[np.int16]
    attachment: NDArray[np.int16]
    religion: NDArray[np.int16]
    politics: NDArray[np.int16]
    goal: NDArray[np.int16]
    relationship: NDArray[np.int16]
    city: NDArray[np.int16]
    industry: NDArray[np.int16]
    kids: NDArray[np.int16]
    team: NDArray[np.int16]
    values: Bits
    lifestyle: Bits
    interests: Bits
    work_style: Bits
    skills: Bits
    dealbreakers: Bits
    broken: Bits

    @classmethod
    def of(cls, people: Iterable[Person]) -> "Population":
        """Columns of people, in their order.

        Raises: MatryoError if there are none, or for a value that the schema does not have.
        """
        held = list(people)
        if not held:
            raise MatryoError("a population needs at least one person, got none; check which part was asked for")
        return cls(
            big_five=unit_rows(np.array([p.big_five for p in held], dtype=np.float64) - 50),
            letters=np.array([[ord(letter) for letter in p.mbti] for p in held], dtype=np.int16),
            intensities=np.array([(p.religion_intensity, p.politics_intensity) for p in held], dtype=np.float64),
            communication=_codes([p.communication for p in held], COMMUNICATION_STYLES),
            attachment=_codes([p.attachment for p in held], ATTACHMENT_STYLES),
            religion=_codes([p.religion for p in held], RELIGIONS),
            politics=_codes([p.politics for p in held], POLITICS),
            goal=_codes([p.goal for p in held], RELATIONSHIP_GOALS),
            relationship=_codes([p.relationship_style for p in held], RELATIONSHIP_STYLES),
            city=_codes([p.city for p in held], CITIES),
            industry=_codes([p.industry for p in held], INDUSTRIES),
            kids=np.array([next(i for i, of in enumerate(_KIDS) if p.kids in of) for p in held], dtype=np.int16),
            team=_codes([p.team for p in held], TEAM_SIZES),
            values=_bits([p.core_values for p in held], CORE_VALUES),
            lifestyle=_bits([p.lifestyle for p in held], LIFESTYLES),
            interests=_bits([p.interests for p in held], INTERESTS),
            work_style=_bits([p.work_style for p in held], WORK_STYLES),
            skills=_bits([p.skills for p in held], SKILLS),
            dealbreakers=_bits([p.dealbreakers for p in held], DEALBREAKERS),
            broken=_bits([broken_by(p) for p in held], DEALBREAKERS),
        )

    @classmethod
    def join(cls, parts: Sequence["Population"]) -> "Population":
        """Several populations, one behind the other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def __len__(self) -> int:
        """Number of people."""
        return len(self.big_five)

    def take(self, rows: Rows) -> "Population":
        """Some people, in the order given."""
        return Population(*(getattr(self, f.name)[rows] for f in fields(self)))

    def scores(self, kind: Kind, anchor: int, candidates: Rows) -> Scores:
        """Scores of one person against many.

        Args:
            kind: which score.
            anchor: position of the one person.
            candidates: (n,) positions of the others.

        Returns: (n,) float64 in 0..1, as the function of `compatibility` of that kind gives them.
        Raises: MatryoError for an unknown kind.
        """
        return self.pair_scores(kind, np.full(len(candidates), anchor, dtype=np.int64), candidates)

    def pair_scores(self, kind: Kind, a: Rows, b: Rows) -> Scores:
        """Scores of pairs of people.

        Args:
            kind: which score.
            a: (n,) positions of the ones.
            b: (n,) positions of the others.

        Returns: (n,) float64 in 0..1.
        Raises: MatryoError for an unknown kind.
        """
        if kind not in get_args(Kind):
            raise MatryoError(f"a score is one of {', '.join(get_args(Kind))}, got {kind!r}; name one of them")
        parts = {"identity": self._identity, "dating": self._dating, "hiring": self._hiring}[kind](a, b)
        clipped: Scores = np.clip(parts, 0.0, 1.0)
        return clipped

    def _identity(self, a: Rows, b: Rows) -> Scores:
        cosines: Scores = np.einsum("ij,ij->i", self.big_five[a], self.big_five[b])
        matters = (self.intensities[a] + self.intensities[b]) / 2
        differ = np.stack([self.religion[a] != self.religion[b], self.politics[a] != self.politics[b]], axis=1)
        parts = {
            "personality": (1 + cosines) / 2,
            "values": _jaccard(self.values[a], self.values[b]),
            "letters": np.mean(self.letters[a] == self.letters[b], axis=1),
            "style": (_equal(self.communication, a, b) + _equal(self.attachment, a, b)) / 2,
            "belief": 1 - (differ * matters).sum(axis=1) / 2,
        }
        return _weighted(IDENTITY_WEIGHTS, parts)

    def _dating(self, a: Rows, b: Rows) -> Scores:
        other_style = np.where((self.relationship[a] > 0) & (self.relationship[b] > 0), 0.5, 0.0)
        parts = {
            "identity": self.pair_scores("identity", a, b),
            "goal": np.array(GOAL_FITS)[self.goal[a], self.goal[b]],
            "lifestyle": _jaccard(self.lifestyle[a], self.lifestyle[b]),
            "interests": _jaccard(self.interests[a], self.interests[b]),
            "relationship": np.where(self.relationship[a] == self.relationship[b], 1.0, other_style),
            "kids": 1 - np.abs(self.kids[a] - self.kids[b]) / 2,
        }
        cost = DEALBREAKER_COST * (self._n_broken(a, b) + self._n_broken(b, a))
        fit: Scores = _weighted(DATING_WEIGHTS, parts) - np.minimum(MAX_DEALBREAKER_COST, cost)
        return fit

    def _hiring(self, a: Rows, b: Rows) -> Scores:
        shared = _overlap(self.skills[a], self.skills[b])
        best = BEST_SKILL_OVERLAP
        parts = {
            "identity": self.pair_scores("identity", a, b),
            "work_style": _jaccard(self.work_style[a], self.work_style[b]),
            "team": 1 - np.abs(self.team[a] - self.team[b]) / (len(TEAM_SIZES) - 1),
            "skills": np.where(shared <= best, shared / best, (1 - shared) / (1 - best)),
            "industry": _equal(self.industry, a, b),
        }
        return _weighted(HIRING_WEIGHTS, parts)

    def _n_broken(self, a: Rows, b: Rows) -> NDArray[np.int64]:
        """How many dealbreakers of the ones are broken by the others."""
        n = _count(self.dealbreakers[a] & self.broken[b])
        has = np.unpackbits(self.dealbreakers[a], axis=1, count=len(DEALBREAKERS))
        for place, attribute in _DIFFERING_PLACES.items():
            column = getattr(self, attribute)
            n += has[:, place] * (column[a] != column[b])
        return n


def _codes(values: Sequence[str], accepted: Sequence[str]) -> NDArray[np.int16]:
    number = {value: i for i, value in enumerate(accepted)}
    unknown = sorted(set(values) - set(number))
    if unknown:
        raise MatryoError(f"a person has the value {unknown[0]!r}, expected one of {', '.join(accepted)}; correct it")
    return np.array([number[value] for value in values], dtype=np.int16)


def _bits(values: Sequence[Collection[str]], accepted: Sequence[str]) -> Bits:
    flags = np.zeros((len(values), len(accepted)), dtype=bool)
    rows = np.repeat(np.arange(len(values)), [len(some) for some in values])
    flags[rows, _codes([value for some in values for value in some], accepted)] = True
    return np.packbits(flags, axis=1)


def _count(bits: Bits) -> NDArray[np.int64]:
    n: NDArray[np.int64] = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    return n


def _jaccard(a: Bits, b: Bits) -> Scores:
    shared: Scores = _count(a & b) / np.maximum(1, _count(a | b))
    return shared


def _overlap(a: Bits, b: Bits) -> Scores:
    shared: Scores = _count(a & b) / np.maximum(1, np.minimum(_count(a), _count(b)))
    return shared


def _equal(column: NDArray[np.int16], a: Rows, b: Rows) -> Scores:
    equal: Scores = (column[a] == column[b]).astype(np.float64)
    return equal


def _weighted(weights: dict[str, float], parts: dict[str, Scores]) -> Scores:
    total: Scores = np.sum([weights[name] * part for name, part in parts.items()], axis=0)
    return total
