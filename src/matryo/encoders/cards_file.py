"""Card files: the built-in one and the user's, read fast and refused with the place and the word that was meant."""

import os
from collections.abc import Hashable
from functools import lru_cache
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from matryo.config import explain
from matryo.encoders.cards import BUILT_IN, Card, Cards
from matryo.encoders.certificate import data_folder
from matryo.errors import FormatError
from matryo.files import check_format

FORMAT = 1
CARDS_VARIABLE = "MATRYO_CARDS"
_FILE = "cards.yaml"
# the parser of libyaml, where PyYAML was built with it, reads the built-in cards ten times as fast
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]  # one of two classes of PyYAML
    """Plain values; a key may occur once, because of two cards with one name the first would be lost in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A dict without double keys."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.value in first:
                raise yaml.MarkedYAMLError(
                    problem=f"{key.value} stands in line {first[key.value]} already; keep one of them",
                    problem_mark=key.start_mark,
                )
            first[key.value] = line
        read: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return read


# a date stays the text that it is
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
    for first, rules in _Base.yaml_implicit_resolvers.items()
}


def read_cards(extra: Path | None = None) -> Cards:
    """The built-in cards and the user's.

    Args:
        extra: the user's file; None = the one named in `$MATRYO_CARDS`, else `cards.yaml` in the user's data folder,
            if it is there. A card of it replaces the built-in card of that name.

    Raises: FormatError if a file is missing, is no YAML, or holds an unknown key or a wrong value, naming file, card,
        key and the key that was probably meant.
    """
    own = _users_file(extra)
    built_in = _built_in()
    if own is None:
        return Cards({BUILT_IN: built_in})
    try:
        text = own.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise FormatError(f"{own} is missing, expected a file of model cards (YAML); check the path") from None
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise FormatError(f"{own} is no file of model cards, expected YAML in UTF-8: {error}; check it") from None
    return Cards({BUILT_IN: built_in, str(own): parse_cards(text, own)})


def parse_cards(text: str, path: Path) -> tuple[Card, ...]:
    """Cards of a file's text.

    Args:
        text: YAML with `format: 1` and `cards:`, a mapping from each card's name to its keys.
        path: for messages.

    Raises: FormatError.
    """
    try:
        stored = yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or " ".join(str(error).split())
        raise FormatError(f"{path}{where}: {problem}; correct the YAML") from None
    if not isinstance(stored, dict) or set(stored) != {"format", "cards"} or not isinstance(stored["cards"], dict):
        found = sorted(map(str, stored)) if isinstance(stored, dict) else type(stored).__name__
        raise FormatError(f"{path} must hold the keys format and cards (names with their keys), got {found}")
    check_format(stored["format"], FORMAT, path)
    return tuple(_card(name, keys, path) for name, keys in stored["cards"].items())


def _card(name: Any, keys: Any, path: Path) -> Card:
    if not isinstance(name, str) or not isinstance(keys, dict):
        raise FormatError(f"{path}, card {name}: expected a name in text and keys such as width, got {keys!r:.60}")
    if "name" in keys:
        raise FormatError(f"{path}, card {name}: the name stands above the keys; drop the key name")
    try:
        return Card.model_validate({"name": name, **keys})
    except ValidationError as error:
        raise FormatError(f"{path}, card {name}: {explain(error, Card)}") from None


def _users_file(extra: Path | None) -> Path | None:
    if extra is not None:
        return extra
    if named := os.environ.get(CARDS_VARIABLE):
        return Path(named).expanduser()
    kept = data_folder() / _FILE
    return kept if kept.is_file() else None


@lru_cache(maxsize=1)
def _built_in() -> tuple[Card, ...]:
    resource = package_files("matryo.encoders").joinpath(_FILE)
    return parse_cards(resource.read_text(encoding="utf-8"), Path(str(resource)))
