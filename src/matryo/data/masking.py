"""Hide the name of a function from its summary and its source: how much of a match is mere repetition of the name?"""

import keyword
import re
from dataclasses import replace
from functools import lru_cache

from matryo.data.pairs import Pairs

MASK = "FUNC"
MIN_PART = 3

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_WORDS = re.compile(r"[A-Za-z]+")
_ENDINGS = re.compile(r"(?:ings?|ers?|ions?|ed|es|s|e)$")
_MIN_STEM = 3


def name_of(pair_id: str) -> str:
    """Name of the function in an id "module:qualname".

    >>> name_of("json.decoder:JSONDecoder.raw_decode#2")
    'raw_decode'
    """
    return pair_id.partition(":")[2].partition("#")[0].rpartition(".")[2]


def name_parts(name: str) -> list[str]:
    """Words that a snake_case or camelCase name is made of, in lower case.

    >>> name_parts("_parseHTTPHeader_line2")
    ['parse', 'http', 'header', 'line', '2']
    """
    return [part.lower() for part in _PARTS.findall(name)]


def mask_name(text: str, name: str, mask: str = MASK) -> str:
    """Replace a name and its parts, as whole words in any case, by a mask.

    Parts shorter than three letters and Python's keywords stay: `is`, `to` and `import` tell nothing of one function.

    >>> mask_name("Read text: read_text(path) reads the text", "read_text")
    'FUNC FUNC: FUNC(path) reads the FUNC'
    """
    return _pattern(name).sub(mask, text)


def mask_pairs(pairs: Pairs) -> Pairs:
    """Pairs whose queries and documents do not show the name in the pair's id; ids and groups stay.

    Pairs that become equal by it stay too, so that figures with and without the mask are of the same pairs.
    """
    masked = tuple(
        replace(p, query=mask_name(p.query, name_of(p.id)), document=mask_name(p.document, name_of(p.id)))
        for p in pairs.pairs
    )
    note = f"the function's name and its parts are replaced by {MASK} in queries and documents"
    return Pairs(f"{pairs.name} masked", masked, (*pairs.notes, note))


def share_with_name(pairs: Pairs) -> float:
    """Share of queries with a word of the same stem as a part of the function's name; the stems are crude.

    Args:
        pairs: their queries are looked at, the names come from their ids.
    """
    hits = 0
    for pair in pairs.pairs:
        stems = {_stem(word) for word in _WORDS.findall(pair.query)}
        hits += any(_stem(part) in stems for part in name_parts(name_of(pair.id)) if part.isalpha())
    return hits / len(pairs)


def _stem(word: str) -> str:
    """A crude stem, enough to see that `parser`, `parsing` and `parse` belong together."""
    word = word.lower()
    stem = _ENDINGS.sub("", word)
    return stem if len(stem) >= _MIN_STEM else word


@lru_cache(maxsize=4096)
def _pattern(name: str) -> re.Pattern[str]:
    parts = {p for p in name_parts(name) if len(p) >= MIN_PART and not keyword.iskeyword(p)}
    # the longest first, so that the whole name goes before a part of it
    words = sorted({name.lower(), *parts}, key=lambda w: (-len(w), w))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", re.IGNORECASE)
