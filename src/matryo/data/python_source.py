"""Functions of a Python file with their docstring taken out of their source, the rest left as written."""

import ast
import inspect
import re
import tokenize
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from matryo.errors import FormatError

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method: where it is, what its docstring says first, and its source without any docstring."""

    qualname: str
    summary: str
    source: str


def documented_functions(path: Path) -> Iterator[Function]:
    """Functions and methods that have a docstring and a body besides it, in source order.

    Functions inside functions are part of the outer one's source and not listed on their own. A function whose body
    does nothing (`pass`, `...`, `raise NotImplementedError`) is not listed either: its source says nothing that its
    name does not.

    Raises: FormatError if the file is not Python that this interpreter can parse.
    """
    text, tree = _parse(path)
    lines = text.split("\n")  # not splitlines: a form feed within a line ends no line for the parser
    for prefix, node in _definitions(tree.body, ""):
        docstring = ast.get_docstring(node)
        if docstring and not _idle(node.body):
            yield Function(f"{prefix}{node.name}", first_paragraph(docstring), _without_docstrings(node, lines))


def first_paragraph(docstring: str) -> str:
    r"""Text up to the first blank line, as one line.

    >>> first_paragraph("Cut a\n    string.\n\n    Twice.")
    'Cut a string.'
    """
    paragraph: list[str] = []
    for line in inspect.cleandoc(docstring).splitlines():
        if not line.strip():
            break
        paragraph.append(line)
    return " ".join(" ".join(paragraph).split())


def _parse(path: Path) -> tuple[str, ast.Module]:
    try:
        with tokenize.open(path) as stream, warnings.catch_warnings():
            # old code holds invalid escapes; they are its authors' business
            warnings.simplefilter("ignore")
            text = stream.read()
            return text, ast.parse(text)
    except (SyntaxError, UnicodeDecodeError) as error:
        raise FormatError(f"{path} is no Python source that this interpreter parses: {error}; leave it out") from None


def _definitions(body: Sequence[ast.AST], prefix: str) -> Iterator[tuple[str, _Function]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix, node
        elif isinstance(node, ast.ClassDef):
            yield from _definitions(node.body, f"{prefix}{node.name}.")
        else:  # behind `if`, `try`, `with`, for instance per platform
            yield from _definitions(_statements(node), prefix)


def _statements(node: ast.AST) -> list[ast.AST]:
    """What stands in the blocks of a statement; far fewer nodes than `ast.walk` visits."""
    return [inner for block in _BLOCKS for inner in getattr(node, block, ())]


def _nested(node: ast.AST) -> Iterator[_Definition]:
    if isinstance(node, _DEFINITIONS):
        yield node
    for inner in _statements(node):
        yield from _nested(inner)


def _idle(body: list[ast.stmt]) -> bool:
    return all(isinstance(s, ast.Pass) or _is_constant(s) or _is_not_implemented(s) for s in body)


def _is_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _is_string(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _is_not_implemented(statement: ast.stmt) -> bool:
    if not isinstance(statement, ast.Raise):
        return False
    raised = statement.exc.func if isinstance(statement.exc, ast.Call) else statement.exc
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


def _without_docstrings(node: _Function, lines: list[str]) -> str:
    first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
    encoded = [line.encode() + b"\n" for line in lines[first - 1 : node.end_lineno]]
    # the parser counts columns in bytes
    starts = [0, *accumulate(map(len, encoded))]
    source = b"".join(encoded)
    strings = [
        (starts[s.lineno - first] + s.col_offset, starts[(s.end_lineno or 0) - first] + (s.end_col_offset or 0), filler)
        for inner in _nested(node)
        for s, filler in _leading_strings(inner)
    ]
    for begin, end, filler in sorted(strings, reverse=True):  # from the end: earlier positions stay true
        source = _removed(source, begin, end, filler)
    text = source.decode().strip("\n")
    indent = text[: len(text) - len(text.lstrip())]
    # not textwrap.dedent: lines inside a string may be indented less than the function and would stop it
    return "\n".join(line.removeprefix(indent) for line in text.split("\n"))


def _leading_strings(node: _Definition) -> Iterator[tuple[ast.stmt, bytes]]:
    """Every string statement at the start: behind a removed docstring a second one would become the docstring."""
    for position, statement in enumerate(node.body):
        if not _is_string(statement):
            return
        yield statement, b"pass" if position == len(node.body) - 1 else b""


def _removed(source: bytes, begin: int, end: int, filler: bytes) -> bytes:
    """The source without this span, nor the semicolon behind it, nor the lines that it leaves blank."""
    if semicolon := re.compile(rb"[ \t]*;[ \t]*").match(source, end):
        end = semicolon.end()
    line_begin = source.rfind(b"\n", 0, begin) + 1
    line_end = source.index(b"\n", end)
    if not filler and not source[line_begin:begin].strip() and not source[end:line_end].strip():
        return source[:line_begin] + source[line_end + 1 :]
    return source[:begin] + filler + source[end:]
