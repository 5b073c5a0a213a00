"""A folder of made-up people: written as they are made, whole or not there; read back as views, part by part."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from matryo.data.people.generate import generate_people, person_id, twin
from matryo.data.people.manifest import (
    CROSS,
    MANIFEST,
    PEOPLE,
    TRIPLETS,
    TWINS,
    PeopleManifest,
    PeopleSettings,
    check_same,
    read_manifest,
)
from matryo.data.people.mining import N_TRIPLETS, mine
from matryo.data.people.parts import PARTS, SHARES, counts_of, draw_templates, part_numbers
from matryo.data.people.population import Population
from matryo.data.people.reading import read_people, read_persons
from matryo.data.people.records import record_of
from matryo.data.people.schema import Level, Person
from matryo.data.views import Mined
from matryo.errors import MatryoError
from matryo.files import atomic_path, digest_file, only_writer, write_pieces
from matryo.progress import progress as show_progress

__all__ = ["read_people", "read_persons", "write_people"]

_AT_ONCE = 500
"""People that are held as objects while their columns are made."""
_COMPARED = 50
"""So many lines are made again to see that a folder is what would be made today."""
_UNFINISHED = ".unfinished"

_encode = json.JSONEncoder(ensure_ascii=False).encode


def write_people(
    folder: str | Path,
    *,
    n: int,
    seed: int,
    level: Level,
    shares: Mapping[str, float] = SHARES,
    counts: Mapping[str, int] | None = None,
    n_triplets: int = N_TRIPLETS,
    held_out: bool = True,
    progress: bool = False,
) -> PeopleManifest:
    """Make people, split them, write both texts of each and of a twin, and mine inside each part.

    People stream by: what is held are their columns for mining, some 120 bytes each. Everything is written to a folder
    beside, which gets its name when it is whole. A folder that was made with the same settings is kept.

    Args:
        folder: to be made; may exist if empty.
        n: people in all.
        seed: >= 0; decides everything that is drawn: people, parts, templates, wordings, triplets.
        level: "plain" or "disjoint", see `render`.
        shares: part -> share of the people.
        counts: part -> number of people, instead of shares.
        n_triplets: for each domain and part.
        held_out: the last two templates of each domain occur only in the test part, which has no others.
        progress: show it on stderr.

    Returns: the manifest.
    Raises: MatryoError for a part with fewer than 3 people, an unknown level, counts that do not sum to n, a folder
        that holds something else, people of another config or of another version of the texts.
    """
    folder = Path(folder).absolute()
    counts = counts_of(n, shares) if counts is None else dict(counts)
    settings = PeopleSettings(n, seed, level, counts, n_triplets, held_out)
    kept = _kept(folder, settings)
    if kept is not None:
        return kept
    unfinished = folder.with_name(folder.name + _UNFINISHED)
    with only_writer(unfinished):
        try:
            manifest = _write_all(unfinished, settings, progress)
            os.replace(unfinished, folder)
        finally:
            if unfinished.exists():
                shutil.rmtree(unfinished)
    return manifest


def _kept(folder: Path, settings: PeopleSettings) -> PeopleManifest | None:
    """The manifest of a folder that is already what is asked for; None if there is nothing."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return None
    if not (folder / MANIFEST).is_file():
        raise MatryoError(f"{folder} exists and holds no made-up people; choose another name, nothing is overwritten")
    manifest = read_manifest(folder)
    check_same(manifest.settings, settings, folder)
    made = (line for chunk in _chunks(settings) for _, line, _ in chunk)
    with (folder / PEOPLE).open("rb") as stored:
        if any(line != found for line, found in zip(islice(made, _COMPARED), stored, strict=False)):
            raise MatryoError(
                f"{folder} was made with the same settings by another version of the generator or of its words; "
                "choose another folder or delete this one"
            )
    return manifest


def _chunks(settings: PeopleSettings) -> Iterator[list[tuple[Person, bytes, bytes]]]:
    """People in pieces, each with their line and their twin's."""
    parts = part_numbers(settings.counts, settings.seed)
    made = (
        (person, *_lines(person, PARTS[part], settings))
        for person, part in zip(generate_people(settings.n, settings.seed), parts.tolist(), strict=True)
    )
    while chunk := list(islice(made, _AT_ONCE)):
        yield chunk


def _lines(person: Person, part: str, settings: PeopleSettings) -> tuple[bytes, bytes]:
    """The twin has the person's templates, so that the two differ in who they are and in nothing else."""
    seed, level = settings.seed, settings.level
    templates = draw_templates(seed, person.id, part, held_out=settings.held_out)
    return (
        _line(record_of(person, part, templates, level, seed)),
        _line(record_of(twin(person, seed), part, templates, level, seed, of=person.id)),
    )


def _write_all(folder: Path, settings: PeopleSettings, progress: bool) -> PeopleManifest:
    population = _write_texts(folder, settings, progress)
    digests = {name: digest_file(folder / name) for name in (PEOPLE, TWINS)}
    digests |= _write_mined(folder, settings, population)
    files = {name: {"bytes": (folder / name).stat().st_size, "sha256": digests[name]} for name in sorted(digests)}
    manifest = PeopleManifest(settings, files)
    manifest.save(folder)
    return manifest


def _write_texts(folder: Path, settings: PeopleSettings, progress: bool) -> Population:
    columns = []
    with ExitStack() as stack:
        paths = [stack.enter_context(atomic_path(folder / name)) for name in (PEOPLE, TWINS)]
        people, twins = (stack.enter_context(path.open("wb")) for path in paths)
        advance = stack.enter_context(show_progress("make people", settings.n, "people", shown=progress))
        for chunk in _chunks(settings):
            people.writelines(line for _, line, _ in chunk)
            twins.writelines(line for _, _, line in chunk)
            columns.append(Population.of(person for person, _, _ in chunk))
            advance(len(chunk))
    return Population.join(columns)


def _write_mined(folder: Path, settings: PeopleSettings, population: Population) -> dict[str, str]:
    """Mine inside each part and write ids; gives the digest of each file."""
    numbers = part_numbers(settings.counts, settings.seed)
    mined: dict[str, tuple[list[str], Mined]] = {}
    for number, part in enumerate(PARTS):
        rows = np.flatnonzero(numbers == number)
        found = mine(population.take(rows), n_triplets=settings.n_triplets, seed=settings.seed)
        mined[part] = [person_id(row) for row in rows.tolist()], found
    digests = {
        name: write_pieces(folder / name, _triplet_lines(mined, place)) for place, name in enumerate(TRIPLETS.values())
    }
    return digests | {CROSS: write_pieces(folder / CROSS, _cross_lines(mined))}


def _triplet_lines(mined: Mapping[str, tuple[list[str], Mined]], place: int) -> Iterator[bytes]:
    for part, (ids, found) in mined.items():
        for anchor, positive, negative in found.triplets[place].tolist():
            triplet = {"anchor": ids[anchor], "positive": ids[positive], "negative": ids[negative]}
            yield _line({"part": part, **triplet})


def _cross_lines(mined: Mapping[str, tuple[list[str], Mined]]) -> Iterator[bytes]:
    for part, (ids, found) in mined.items():
        for person, _, *negatives in found.cross.tolist():
            yield _line({"part": part, "person": ids[person], "negatives": [ids[row] for row in negatives]})


def _line(record: Mapping[str, Any]) -> bytes:
    return _encode(record).encode() + b"\n"
