"""Config files: YAML that a pydantic model validates; everything that is wrong with a file is told in one line."""

import re
from collections.abc import Hashable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from matryo.errors import FormatError, MatryoError
from matryo.files import write_text

T = TypeVar("T", bound=BaseModel)

_SHOWN = 60
_MAPPING = "keys with values"
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "string": "a text",
    "tuple": "a list",
    "list": "a list",
    "dict": _MAPPING,
    "mapping": _MAPPING,
    "model": _MAPPING,
    "path": "a path",
    "none": "null",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}
_UNKNOWN = ("extra_forbidden", "invalid_key")


class _Loader(yaml.SafeLoader):
    """Plain values only; a key may occur once and `2e-5` is a number, neither of which PyYAML sees to by itself."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A dict; of a key that occurs twice one value would be lost in silence."""
        first: dict[str, int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            line = key.start_mark.line + 1
            if key.value in first:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value} stands in line {first[key.value]} already; keep one of them",
                    problem_mark=key.start_mark,
                )
            first[key.value] = line
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?\d[\d_]*(\.[\d_]*)?[eE][-+]?\d+$"), list("-+0123456789")
)


def read_config(path: Path, kind: type[T], overrides: Sequence[str] = ()) -> T:
    """Read and validate a config file.

    Args:
        path: YAML, one mapping of keys to values.
        kind: the model that knows which keys and values there are.
        overrides: values that replace those of the file, `key.key=value`, the value in YAML; later ones win.

    Raises: FormatError if the file is missing, is no YAML, names a key twice, or holds unknown keys or wrong values;
        MatryoError if an override cannot be read or put in its place.
    """
    values = read_yaml(path)
    for text in overrides:
        _override(values, text)
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        where = f"{path} with --set {' --set '.join(overrides)}" if overrides else str(path)
        raise FormatError(f"{where}: {explain(error, kind)}") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The values of a config file as they stand there.

    Raises: FormatError as `read_config`, but for unknown keys and wrong values.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise FormatError(f"{path} is missing, expected a config file (YAML); check the path") from None
    except (IsADirectoryError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is no config file, expected YAML in UTF-8: {error}; check the path") from None
    except yaml.YAMLError as error:
        raise FormatError(f"{path}{_place(error)}; correct the YAML") from None
    if not isinstance(values, dict):
        received = "nothing" if values is None else f"a {type(values).__name__}"
        raise FormatError(f"{path} must hold keys with values (YAML), got {received}; see configs/ for examples")
    return values


def write_config(path: Path, config: BaseModel) -> None:
    """Write every value of a config, defaults included, as YAML that `read_config` reads back."""
    write_text(path, yaml.safe_dump(_plain(config.model_dump()), sort_keys=False, allow_unicode=True, width=100))


def explain(error: ValidationError, kind: type[BaseModel], inside: str = "") -> str:
    """What is wrong, in one line: every problem by the path of its key, with what is accepted.

    Args:
        error: what pydantic found.
        kind: the model that refused.
        inside: path of the keys above, such as "arms.matryoshka.train".

    >>> class Train(BaseModel, extra="forbid"):
    ...     batch_size: int = 2
    >>> try:
    ...     Train.model_validate({"batch_sise": 3})
    ... except ValidationError as error:
    ...     explain(error, Train, "train")
    'unknown key train.batch_sise (did you mean batch_size?)'
    """
    problems: dict[str, list[str]] = {}  # what is wrong with a key -> what would be accepted, one of each kind of value
    endings: dict[str, str] = {}
    for item in error.errors():
        steps, holder, of_key = _path(kind, item["loc"])
        path = ".".join([inside, *steps] if inside else steps)
        if item["type"] in _UNKNOWN:
            start, wish, end = f"unknown key {path}{_nearest(str(item['loc'][-1]), holder, kind, inside)}", "", ""
        elif item["type"] == "missing":
            start, wish, end = f"the key {path} is missing", "", ""
        elif item["type"] == "value_error":
            start, wish, end = f"{path}: {item['ctx']['error']}" if path else str(item["ctx"]["error"]), "", ""
        else:
            start = f"a key of {path}" if of_key else path
            wish, end = _wish(item), f", got {_short(item['input'])}"
        wishes = problems.setdefault(start, [])
        if wish and wish not in wishes:
            wishes.append(wish)
        endings[start] = end
    # where one member of a union fits but for a value inside, that it is no other member is no news
    for start in [s for s, wishes in problems.items() if wishes and any(o.startswith(f"{s}.") for o in problems)]:
        del problems[start], endings[start]
    parts = (f"{start} must be {' or '.join(wishes)}" if wishes else start for start, wishes in problems.items())
    return "; ".join(part + end for part, end in zip(parts, endings.values(), strict=True))


def _place(error: yaml.YAMLError) -> str:
    """Where and why, in one line; YAML forbids tabs, which one does not see."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f": {' '.join(str(error).split())}"
    mark = error.problem_mark
    problem = " ".join((error.problem or error.context or "not readable").split())
    if "'\\t'" in problem:
        problem = "a tab, where YAML takes spaces only"
    return f", line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _override(values: dict[str, Any], text: str) -> None:
    """Put one `key.key=value` in its place, making the mappings on the way."""
    name, equals, value = text.partition("=")
    keys = name.strip().split(".")
    if not equals or not all(keys):
        raise MatryoError(f"--set takes KEY=VALUE such as train.batch_size=32, got {text!r}; correct it")
    try:
        read = yaml.load(value, _Loader)
    except yaml.YAMLError as error:
        raise MatryoError(f"--set {text}: the value is no YAML{_place(error)}; quote it") from None
    here = values
    for depth, key in enumerate(keys[:-1], start=1):
        key = _same_key(here, key)
        if here.get(key) is None:
            here[key] = {}
        here = here[key]
        if not isinstance(here, dict):
            whole = ".".join(keys[:depth])
            raise MatryoError(
                f"--set {text}: {whole} is {_short(here)} in the file and has no keys; set {whole} as a whole, "
                f"e.g. --set '{whole}={{...}}'"
            )
    here[_same_key(here, keys[-1])] = read


def _same_key(values: Mapping[Any, Any], key: str) -> Any:
    """The key that is written like this: 96 in a file is a number."""
    return next((known for known in values if str(known) == key), key)


def _plain(value: Any) -> Any:
    """Values of a model as YAML knows them."""
    if isinstance(value, Mapping):
        return {_plain(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _path(kind: Any, loc: Sequence[int | str]) -> tuple[list[str], type[BaseModel] | None, bool]:
    """Keys on the way to a problem without the names that pydantic gives to the members of a union.

    Returns: the keys; the model that was asked for the last one, None if that was no model; whether the problem is
        the key itself.
    """
    steps: list[str] = []
    holder: type[BaseModel] | None = None
    rest = list(loc)
    while rest:
        kind, members = _members(kind)
        step = str(rest.pop(0))
        if members:
            kind = _chosen(members, step)
            continue
        if step == "[key]":
            return steps[:-1], None, True
        steps.append(step)
        holder = kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None
        if holder is not None:
            kind = holder.model_fields[step].annotation if step in holder.model_fields else Any
        else:
            kind = (*get_args(kind), Any)[1 if get_origin(kind) in (dict, Mapping) else 0]
    return steps, holder, False


def _members(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without annotations and without None, and its members if it is then still a union."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) not in (Union, UnionType):
        return kind, ()
    members = tuple(member for member in get_args(kind) if member is not NoneType)
    return (kind, members) if len(members) > 1 else _members(members[0])


def _chosen(members: tuple[Any, ...], tag: str) -> Any:
    """The member of a union that pydantic means: a model by its name or by the value that tells it apart."""
    for member in members:
        bare, _ = _members(member)
        if isinstance(bare, type) and issubclass(bare, BaseModel):
            marks = [get_args(f.annotation) for f in bare.model_fields.values() if get_origin(f.annotation) is Literal]
            if bare.__name__ == tag or any(tag in map(str, values) for values in marks):
                return bare
        elif (origin := get_origin(bare)) is not None and tag.startswith(origin.__name__):
            return bare
    return Any


def _nearest(key: str, holder: type[BaseModel] | None, kind: type[BaseModel], inside: str) -> str:
    """The key that was probably meant, or else all that are accepted."""
    if holder is None:
        return ""
    accepted = list(holder.model_fields)
    if close := get_close_matches(key, accepted, n=1):
        return f" (did you mean {close[0]}?)"
    if elsewhere := [path for path in _all_keys(kind) if path.split(".")[-1] == key]:
        return f" (did you mean {'.'.join([inside, elsewhere[0]] if inside else elsewhere[:1])}?)"
    return f" (accepted: {', '.join(accepted)})"


def _all_keys(kind: type[BaseModel]) -> list[str]:
    found = []
    for name, field in kind.model_fields.items():
        found.append(name)
        part, _ = _members(field.annotation)
        if isinstance(part, type) and issubclass(part, BaseModel):
            found += [f"{name}.{key}" for key in _all_keys(part)]
    return found


def _wish(item: Any) -> str:
    """What would be accepted, to follow "must be"."""
    kind, context = item["type"], item.get("ctx", {})
    if kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        return f"{word} {context[key]}"
    if kind == "literal_error":
        return str(context["expected"])
    if kind == "union_tag_invalid":
        return f"one with {context['discriminator'].strip(chr(39))} {context['expected_tags']}"
    if kind == "too_short":
        return f"at least {context['min_length']} long"
    if kind == "string_pattern_mismatch":
        return f"a text that matches {context['pattern']}"
    return _KINDS.get(kind.split("_")[0], f"other ({item['msg']})")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
