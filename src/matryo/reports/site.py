"""A static site about translation studies, written beside its place and then put there: it is whole or not there."""

import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, Final

from matryo.errors import FormatError, MatryoError
from matryo.evaluation.environment import versions
from matryo.evaluation.results import RESULTS_FILE
from matryo.files import only_writer, read_json, write_json
from matryo.reports.html import colours
from matryo.reports.site_index import Placed, index_page, navigation
from matryo.reports.site_method import method_page
from matryo.reports.site_page import Page, file_stem, page_files
from matryo.reports.site_pair import pair_page
from matryo.reports.site_study import study_page
from matryo.reports.study_data import RUN_NAME, read_study

MARKER: Final = "site.json"
FORMAT: Final = 1
_WHAT: Final = "matryo site"


def write_site(out: str | Path, runs: Sequence[str | Path]) -> list[Path]:
    """Write the site; a site that is there is replaced as a whole, in one step, when the new one is complete.

    Args:
        out: folder of the site: new, empty, or a site that this function wrote.
        runs: folders of translation studies, in the order of the pages.

    Returns: the files, the first page first.
    Raises: MatryoError if there is no run, or `out` holds something else; FormatError if a run is no whole study.
    """
    out = Path(out).resolve()
    _check_place(out)
    if not runs:
        raise MatryoError("a site needs at least one translation study, got none; name the folder of its run")
    placed = _placed([Path(run) for run in runs])
    building = out.with_name(f".{out.name}.building")
    with only_writer(building):
        _clear(building)
        written = _write(building, placed)
        _swap(building, out)
    return [out / path for path in written]


def find_studies(folder: str | Path) -> list[Path]:
    """Runs of translation studies in a folder, by name.

    Args:
        folder: e.g. `runs`; what is no finished study is left out.

    Raises: FormatError if the results of a run are not readable.
    """
    found = []
    for path in sorted(Path(folder).glob(f"*/{RESULTS_FILE}")):
        stored = read_json(path, "the results of a run")
        if isinstance(stored, dict) and stored.get("run_name") == RUN_NAME:
            found.append(path.parent)
    return found


def _check_place(out: Path) -> None:
    """Refuse to replace what is no site."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not out.is_dir():
        raise MatryoError(f"{out} must be a folder, a file is in the way; choose another name")
    marker: Any = None
    if (out / MARKER).is_file():
        try:
            marker = read_json(out / MARKER, "the list of a site")
        except FormatError:
            marker = None
    if not isinstance(marker, dict) or marker.get("what") != _WHAT:
        raise MatryoError(
            f"{out} holds something that is no site of this program; choose a new or an empty folder, nothing is "
            "written over"
        )


def _placed(runs: Sequence[Path]) -> list[Placed]:
    """Studies with names of their own."""
    placed: list[Placed] = []
    for run in runs:
        study = read_study(run)
        key, number = file_stem(study.name), 1
        while (unique := key if number == 1 else f"{key}-{number}") in _TAKEN or unique in [p.key for p in placed]:
            number += 1
        placed.append(Placed(study, unique))
    return placed


_TAKEN: Final = ("data",)


def _pages(placed: Sequence[Placed]) -> list[Page]:
    pages = [index_page(placed), method_page(placed)]
    for one in placed:
        pages.append(study_page(one.study, one.key))
        pages += [pair_page(one.study, one.key, pair) for pair in one.study.pairs]
    return pages


def _write(folder: Path, placed: Sequence[Placed]) -> list[str]:
    """Write every file of the site, the list of them last."""
    links = navigation(placed)
    dates = ", ".join(dict.fromkeys(one.study.results.timestamp[:10] for one in placed))
    footer = f"Measured {dates}. Written by matryo {versions().get('matryo', '')} from the stored results alone."
    style = Template(files("matryo.reports").joinpath("site.css").read_text(encoding="utf-8"))
    texts = {"site.css": style.substitute(light=colours(dark=False), dark=colours(dark=True))}
    pages = _pages(placed)
    written = []
    for page in pages:
        made = page_files(page, links, footer)
        texts |= made
        written.append(page.path)
    marker = {"format": FORMAT, "what": _WHAT, "studies": [one.study.name for one in placed], "pages": written}
    for path, text in texts.items():
        place = folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    write_json(folder / MARKER, marker)
    return [*written, *(path for path in texts if path not in written), MARKER]


def _clear(folder: Path) -> None:
    """Remove what a killed run left behind."""
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
        else:
            left.unlink()


def _swap(building: Path, out: Path) -> None:
    """Put the new site in its place and remove the one before."""
    before = out.with_name(f".{out.name}.before")
    if before.exists():
        shutil.rmtree(before)
    if out.exists():
        out.rename(before)
    building.rename(out)
    if before.exists():
        shutil.rmtree(before)
