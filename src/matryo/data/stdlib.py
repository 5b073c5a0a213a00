"""Real text without a download: what the running Python's own library says of its functions, and their source."""

import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from matryo.data.masking import mask_pairs
from matryo.data.pairs import Pair, Pairs
from matryo.data.python_source import documented_functions
from matryo.errors import FormatError, MatryoError

MIN_WORDS = 3
SKIPPED_FOLDERS = frozenset({"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__"})
SKIPPED_PACKAGES = frozenset({"idlelib", "turtledemo", "lib2to3", "distutils"})  # application, demonstrations, retired


def stdlib_pairs(*, mask_names: bool = False, folder: str | Path | None = None) -> Pairs:
    """Pairs (first paragraph of a docstring, source of the function without its docstring).

    Functions and methods of every module of the library, but for test folders, installed packages, `idlelib`,
    `turtledemo`, `lib2to3` and `distutils`. Left out, and counted in the notes: summaries of fewer than three words,
    and every pair whose summary or source occurs more than once. Functions that do nothing are not counted as
    functions. The id is "module:qualname", with "#2" and so on where a module defines a name again; the group is the
    top-level package or module. The order is that of module names, then of the source.

    Args:
        mask_names: replace the function's name and its parts in summary and source, see `mask_pairs`.
        folder: folder of modules to read instead of the running Python's library.

    Raises: MatryoError if the folder holds no module with a documented function.
    """
    root = Path(sysconfig.get_path("stdlib")) if folder is None else Path(folder)
    notes: list[str] = []
    found = list(_pairs(root, notes))
    worded = [p for p in found if len(p.query.split()) >= MIN_WORDS]
    queries = Counter(p.query for p in worded)
    documents = Counter(p.document for p in worded)
    unique = tuple(p for p in worded if queries[p.query] == documents[p.document] == 1)
    if not unique:
        raise MatryoError(
            f"{root} has no Python module with documented functions, expected the source of a library; "
            "use a Python that comes with its library as files"
        )
    if n := len(found) - len(worded):
        notes.append(f"{n:,} functions whose summary has fewer than {MIN_WORDS} words are left out")
    if n := len(worded) - len(unique):
        notes.append(f"{n:,} functions whose summary or source occurs more than once are left out")
    pairs = Pairs("stdlib", unique, tuple(notes))
    return mask_pairs(pairs) if mask_names else pairs


def _pairs(root: Path, notes: list[str]) -> Iterator[Pair]:
    seen: Counter[str] = Counter()
    for module, path in sorted(_modules(root)):
        try:
            functions = list(documented_functions(path))
        except FormatError as error:
            notes.append(f"not read: {error}")
            continue
        for function in functions:
            name = f"{module}:{function.qualname}"
            seen[name] += 1
            number = f"#{seen[name]}" if seen[name] > 1 else ""
            yield Pair(f"{name}{number}", function.summary, function.source, group=module.split(".")[0])


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        if SKIPPED_FOLDERS.isdisjoint(parts[:-1]) and parts[0] not in SKIPPED_PACKAGES:
            yield ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts), path
