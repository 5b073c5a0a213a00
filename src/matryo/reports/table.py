"""One small table and its plain renderings: console text, Markdown, LaTeX."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from matryo.errors import ShapeError

Align = Literal["left", "right"]

_GAP = "  "
_MARKDOWN_SPECIAL = str.maketrans({character: f"\\{character}" for character in "\\`*_~|<>[]#$&"})
_LATEX_SPECIAL = str.maketrans(
    {character: f"\\{character}" for character in "{}$&#%_"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    | {"[": "{[}"}  # at the start of a row it would open the optional argument of the line break before it
    | {"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}"}
    | {"–": "--", "·": r"$\cdot$", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$", "→": r"$\to$"}  # noqa: RUF001
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in one field: a text and, less prominent, a detail such as an interval.

    Attributes:
        text: the value.
        detail: what belongs to it.
        strong: whether it stands out: in bold, in console text by a star.
    """

    text: str
    detail: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """Name and alignment of one column."""

    name: str
    align: Align = "right"


@dataclass(frozen=True, slots=True)
class Table:
    """Title, columns, rows and notes; the first column names the row.

    Example:
        >>> table = Table.of("MRR@10", ["map", "96"], [["plain cut", Cell("0.398", "0.370-0.426")]])
        >>> print(console(table))
        MRR@10
        map                 96
        ----------------------
        plain cut        0.398
                   0.370-0.426
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a row that has more or fewer cells than there are columns."""
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ShapeError(
                    f"a row of table {self.title!r} has {len(row)} cells, its columns are {len(self.columns)}; "
                    "give one cell per column"
                )

    @classmethod
    def of(
        cls,
        title: str,
        columns: Sequence[str | Column],
        rows: Sequence[Sequence[str | Cell]],
        notes: Sequence[str] = (),
    ) -> Self:
        """Make a table from plain strings and cells.

        Args:
            title: one line above the table.
            columns: names; the first is aligned to the left, the others to the right, unless a Column says otherwise.
            rows: one sequence of strings or cells per row.
            notes: sentences below the table.

        Raises: ShapeError if a row does not have one cell per column.
        """
        named = tuple(
            column if isinstance(column, Column) else Column(column, "right" if place else "left")
            for place, column in enumerate(columns)
        )
        cells = tuple(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows)
        return cls(title, named, cells, tuple(notes))


def console(table: Table, width: int = 120) -> str:
    """Render as plain aligned text; a detail stands below its value.

    A table wider than the screen goes on in a second block, which repeats the first column.

    Args:
        table: what to render.
        width: columns of the screen.

    Returns: lines joined by newlines, without one at the end.
    """
    starred = [any(row[place].strong for row in table.rows) for place in range(len(table.columns))]
    heads = [Cell(column.name) for column in table.columns]
    texts = [[_starred(cell, star) for cell, star in zip(row, starred, strict=True)] for row in (heads, *table.rows)]
    sizes = [max(_size(line) for row in texts for line in row[place]) for place in range(len(table.columns))]
    blocks = []
    for places in _fitting(sizes, width):
        lines = []
        for row in texts:
            lines.append(_line([row[place][0] for place in places], places, sizes, table))
            if any(row[place][1] for place in places):
                lines.append(_line([row[place][1] for place in places], places, sizes, table))
        lines.insert(1, "-" * (sum(sizes[place] for place in places) + len(_GAP) * (len(places) - 1)))
        blocks.append("\n".join(lines))
    title = "\n".join(textwrap.wrap(printable(table.title), width))
    notes = [wrapped(note, width) for note in table.notes]
    return "\n".join(part for part in (title, "\n\n".join(blocks), *notes) if part)


def markdown(table: Table) -> str:
    r"""Render as a Markdown table under its title in bold; every name is escaped.

    Example:
        >>> print(markdown(Table.of("shares", ["map", "96"], [["a|b", "98.0 %"]])))
        **shares**
        <BLANKLINE>
        | map | 96 |
        | :-- | --: |
        | a\|b | 98.0 % |
    """
    lines = [
        _pipes([markdown_text(column.name) for column in table.columns]),
        _pipes([":--" if column.align == "left" else "--:" for column in table.columns]),
    ]
    lines += [_pipes([_markdown_cell(cell) for cell in row]) for row in table.rows]
    parts = [f"**{markdown_text(table.title)}**"] if table.title else []
    parts.append("\n".join(lines))
    parts.extend(markdown_text(note) for note in table.notes)
    return "\n\n".join(parts)


def latex(table: Table) -> str:
    """Render as a `table` with a plain `tabular` (no package needed); every name is escaped."""
    layout = "".join("l" if column.align == "left" else "r" for column in table.columns)
    lines = [r"\begin{table}", r"\centering"]
    if table.title:
        lines.append(rf"\caption{{{latex_text(table.title)}}}")
    lines += [rf"\begin{{tabular}}{{{layout}}}", r"\hline"]
    lines += [" & ".join(latex_text(column.name) for column in table.columns) + r" \\", r"\hline"]
    for row in table.rows:
        values = [rf"\textbf{{{latex_text(cell.text)}}}" if cell.strong else latex_text(cell.text) for cell in row]
        lines.append(" & ".join(values) + r" \\")
        if any(cell.detail for cell in row):
            details = [rf"{{\scriptsize {latex_text(cell.detail)}}}" if cell.detail else "" for cell in row]
            lines.append(" & ".join(details) + r" \\")
    lines += [r"\hline", r"\end{tabular}"]
    lines += [rf"\par{{\footnotesize {latex_text(note)}}}" for note in table.notes]
    return "\n".join([*lines, r"\end{table}"])


def printable(text: str) -> str:
    r"""One line without control characters, so that a name from a file cannot steer a terminal.

    Example:
        >>> printable("a\x1b[2Jb\nc")
        'a?[2Jb c'
    """
    return "".join(character if character.isprintable() else "?" for character in " ".join(text.split()))


def wrapped(text: str, width: int) -> str:
    """A sentence for the console, broken into lines of at most `width`, the later ones indented."""
    return "\n".join(textwrap.wrap(printable(text), width, subsequent_indent="  "))


def markdown_text(text: str) -> str:
    """Escape what Markdown or HTML inside Markdown would read as a mark."""
    return printable(text).translate(_MARKDOWN_SPECIAL)


def latex_text(text: str) -> str:
    r"""Escape what LaTeX would read as a command.

    Example:
        >>> latex_text("100 % of a_b")
        '100 \\% of a\\_b'
    """
    return printable(text).translate(_LATEX_SPECIAL)


def _starred(cell: Cell, star: bool) -> tuple[str, str]:
    """Text and detail for the console; where a column has a star, every other cell of it keeps its place free."""
    if not star:
        return printable(cell.text), printable(cell.detail)
    return printable(cell.text) + ("*" if cell.strong else " "), printable(cell.detail) + " " if cell.detail else ""


def _markdown_cell(cell: Cell) -> str:
    text = f"**{markdown_text(cell.text)}**" if cell.strong else markdown_text(cell.text)
    return f"{text} ({markdown_text(cell.detail)})" if cell.detail else text


def _pipes(fields: Sequence[str]) -> str:
    return f"| {' | '.join(fields)} |"


def _size(text: str) -> int:
    from rich.cells import cell_len  # wide characters take two columns of a terminal

    return cell_len(text)


def _fitting(sizes: Sequence[int], width: int) -> list[list[int]]:
    """Places of the columns of each block: the first column, then as many as fit, at least one."""
    blocks, places, used = [], [0], sizes[0]
    for place in range(1, len(sizes)):
        if len(places) > 1 and used + len(_GAP) + sizes[place] > width:
            blocks.append(places)
            places, used = [0], sizes[0]
        places.append(place)
        used += len(_GAP) + sizes[place]
    return [*blocks, places]


def _line(texts: Sequence[str], places: Sequence[int], sizes: Sequence[int], table: Table) -> str:
    fields = []
    for text, place in zip(texts, places, strict=True):
        padding = " " * (sizes[place] - _size(text))
        left = table.columns[place].align == "left"
        fields.append(text + padding if left else padding + text)
    return _GAP.join(fields).rstrip()
