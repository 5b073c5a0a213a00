"""Docstrings leave the source; the rest stays as written."""

import ast
import textwrap
from pathlib import Path

import pytest

from matryo.data.python_source import documented_functions
from matryo.errors import FormatError


def read(tmp_path: Path, source: str) -> dict[str, tuple[str, str]]:
    path = tmp_path / "module.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return {f.qualname: (f.summary, f.source) for f in documented_functions(path)}


def test_plain_function_worked_by_hand(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '''
        @cache
        def add(a, b):  # sums
            """Add two
            numbers.

            More of it.
            """

            # why
            return a + b  # end
        ''',
    )
    assert found == {
        "add": ("Add two numbers.", "@cache\ndef add(a, b):  # sums\n\n    # why\n    return a + b  # end")
    }


def test_methods_branches_and_nested_functions(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        '''
        if POSIX:
            class A:
                class B:
                    async def run(self):
                        """Run it at once."""
                        def inner():
                            "inner text"
                        class C:
                            """class text"""
                            x = 1
                        return inner
        else:
            try:
                import x
            except ImportError:
                def fallback():
                    """Fall back to this."""
                    return 1
            finally:
                match x:
                    case 1:
                        def matched():
                            """Match the one."""
                            while True:
                                class D:
                                    """Stay here for ever."""
        ''',
    )
    assert found == {
        "A.B.run": (
            "Run it at once.",
            "async def run(self):\n    def inner():\n        pass\n    class C:\n        x = 1\n    return inner",
        ),
        "matched": (
            "Match the one.",
            "def matched():\n    while True:\n        class D:\n            pass",
        ),
        "fallback": ("Fall back to this.", "def fallback():\n    return 1"),
    }


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('def f(): "Doc of f."; return 1', "def f(): return 1"),
        ('def f(): "Doc of f."; "more"; return 1', "def f(): return 1"),
        ('def f():\n    "Doc"  " of f."\n    "second"\n    return 1', "def f():\n    return 1"),
        ('def f():\n    ("Doc of"\n     " f.")\n    return 1', "def f():\n    return 1"),
        ('def f():\n    "Doc of f."  # noqa\n    return 1', "def f():\n      # noqa\n    return 1"),
        ('def f():\n    "Döc öf f."; return "ü"', 'def f():\n    return "ü"'),
        ('def f(ä="ü"): "Döc."; return ä', 'def f(ä="ü"): return ä'),
        ('def f():\n    r"""Doc."""\n    return """\n  x\n"""', 'def f():\n    return """\n  x\n"""'),
        ('def f():\n    "Doc."\n\f\n    return 1', "def f():\n\f\n    return 1"),
    ],
)
def test_awkward_places(tmp_path: Path, source: str, expected: str) -> None:
    (found,) = read(tmp_path, source).values()
    assert found[1] == expected
    assert ast.get_docstring(ast.parse(found[1]).body[0]) is None  # type: ignore[arg-type]  # a function by construction


def test_functions_that_do_nothing_are_not_listed(tmp_path: Path) -> None:
    source = "def f{}():\n    'Some words of text.'\n    {}"
    bodies = ["", "pass", "...", "raise NotImplementedError", "raise NotImplementedError('f')", "'another'"]
    assert read(tmp_path, "\n".join(source.format(i, b) for i, b in enumerate(bodies))) == {}
    assert len(read(tmp_path, source.format(0, "raise ValueError"))) == 1


def test_source_with_its_own_encoding(tmp_path: Path) -> None:
    path = tmp_path / "old.py"
    path.write_bytes('# -*- coding: latin-1 -*-\ndef f():\n    "Größe of it."\n    return "ü"\n'.encode("latin-1"))
    (found,) = documented_functions(path)
    assert (found.summary, found.source) == ("Größe of it.", 'def f():\n    return "ü"')


@pytest.mark.parametrize("content", [b"def f(:", b'"\xe9"', b"# coding: nonsense\n", b"x = '\0'"])
def test_no_python_is_a_format_error(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.py"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=r"bad\.py is no Python source"):
        list(documented_functions(path))
