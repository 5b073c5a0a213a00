"""Fields of one line: JSON objects, whole numbers, texts; anything else is a `BadLine` that says what it is."""

import json
import re
from collections.abc import Mapping
from typing import Any

from matryo.data.problems import BadLine, shown

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")  # 18 digits fit into 64 bits


def json_object(line: str) -> dict[str, Any]:
    """The object on a line of a JSON Lines file.

    Raises: BadLine.
    """
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        raise BadLine(f"not JSON: {error.msg} at character {error.pos + 1} of {shown(line)}") from None
    except ValueError as error:  # a number of thousands of digits is JSON, but none that Python takes
        raise BadLine(f"not readable: {error}") from None
    except RecursionError:
        raise BadLine(f"nested too deeply: {shown(line)}") from None
    if not isinstance(value, dict):
        raise BadLine(f"JSON, but no object: {shown(line)}")
    return value


def text_of(record: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """A field that is a text.

    Args:
        record: the object.
        name: of the field.
        default: for a field that is missing or null; None = the field must be there.

    Raises: BadLine if it is missing, no string, or holds half a surrogate pair, which no file and no model can take.
    """
    value = record.get(name)
    if value is None:
        if default is None:
            raise BadLine(f"no field {name!r} among {list(record)}")
        return default
    if not isinstance(value, str):
        raise BadLine(f"field {name!r} is a {type(value).__name__}, no text")
    return whole_text(value, name)


def whole_text(value: str, name: str) -> str:
    """The text itself, if it can be encoded.

    Raises: BadLine.
    """
    if not value.isascii() and any("\ud800" <= c <= "\udfff" for c in value):
        raise BadLine(f"field {name!r} holds half a surrogate pair: {shown(value)}")
    return value


def id_of(record: Mapping[str, Any], name: str) -> str:
    """A field that is an id: a text that is not blank, or a whole number.

    Raises: BadLine.
    """
    value = record.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    text = text_of(record, name)
    if not text.strip():
        raise BadLine(f"field {name!r} is blank")
    return text


def whole_number(value: str, what: str) -> int:
    """A whole number, with or without a sign.

    Raises: BadLine.

    >>> whole_number("-1", "grade")
    -1
    """
    if not _WHOLE.fullmatch(value.strip()):
        raise BadLine(f"{what} is {shown(value)}, no whole number")
    return int(value)
