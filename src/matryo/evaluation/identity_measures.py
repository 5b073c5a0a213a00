"""What was measured of one system on two views: values of every query, and what is told of the whole.

On disk: `NAME.npz` (values of every query, written first) and `NAME.json` (everything else, readable, with the means
and the digest of the former, written last). Both are read back exactly.
"""

import math
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo import files
from matryo.errors import FormatError, MatryoError
from matryo.evaluation.open_set import OpenSet
from matryo.evaluation.probes import Probe
from matryo.evaluation.score import number_from_json, number_to_json
from matryo.measures.cka import CkaTest
from matryo.measures.collapse import Collapse
from matryo.measures.identity import Ranks, Rows

FORMAT = 1
MEASURES = ("hit@1", "hit@5", "hit@10", "MRR", "rank", "margin")
"""What every query has a value in; hit@1 on the prefix is the transfer accuracy. Higher is better but for the rank."""
BOTH = "both"
MAIN_GALLERY = "random 2000"
TWIN_PAIR = "twin pair"


class PerQuery(NamedTuple):
    """Values of queries, and who each query is about: what is resampled together.

    Attributes:
        values: (n,) float64.
        people: (n,) int64 entities; in both directions each occurs more than once.
    """

    values: NDArray[np.float64]
    people: Rows


@dataclass(frozen=True, eq=False)
class Search:
    """One direction in one gallery.

    Attributes:
        size: mean number of texts to choose from.
        people: (q,) int64 entities of the queries.
        ranks: one row for each column, one value for each query.
    """

    size: float
    people: Rows
    ranks: Ranks


@dataclass(frozen=True, eq=False)
class TripletHits:
    """Triplets of one domain.

    Attributes:
        columns: names of the columns.
        people: (t,) int64 entities of the anchors.
        hits: (columns, t) float64: 1, 0, or 0.5 where positive and negative are as near.
    """

    columns: tuple[str, ...]
    people: Rows
    hits: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class IdentityMeasures:
    """What was measured of one system.

    Attributes:
        digest: of the views and of everything that decides the galleries: only equal digests can be compared.
        domains: names of the two domains.
        width: numbers of a full vector, 0 for what has no vectors.
        dims: prefix lengths, () for what has no vectors.
        prefix_dim: numbers that say who it is, 0 for what has no vectors.
        seed: of galleries, random columns, probes and nulls.
        columns: names of what is compared by, "score" alone for what has no vectors.
        searches: (direction, gallery) -> ranks; directions are named "dating->hiring".
        triplets: domain -> hits; empty where nothing was mined.
        collapse: (domain, column) -> panel.
        cka: one test for each dim, between both domains.
        shuffled_cka: debiased CKA at each dim of shuffled columns: the control of any elbow that `cka` shows.
        probes: what classifiers read.
        open_set: one for each direction and column.
    """

    digest: str
    domains: tuple[str, str]
    width: int
    dims: tuple[int, ...]
    prefix_dim: int
    seed: int
    columns: tuple[str, ...]
    searches: Mapping[tuple[str, str], Search]
    triplets: Mapping[str, TripletHits] = field(default_factory=dict)
    collapse: Mapping[tuple[str, str], Collapse] = field(default_factory=dict)
    cka: tuple[CkaTest, ...] = ()
    shuffled_cka: tuple[float, ...] = ()
    probes: tuple[Probe, ...] = ()
    open_set: tuple[OpenSet, ...] = ()

    @property
    def main_column(self) -> str:
        """The identity prefix, or the only column of what has no vectors."""
        return f"prefix {self.prefix_dim}" if self.prefix_dim else self.columns[0]

    @property
    def directions(self) -> tuple[str, str]:
        """Names of the two directions."""
        first, second = self.domains
        return f"{first}->{second}", f"{second}->{first}"

    @property
    def galleries(self) -> tuple[str, ...]:
        """Names of the galleries, in order."""
        return tuple(dict.fromkeys(gallery for _, gallery in self.searches))

    def values(
        self, measure: str, column: str | None = None, *, gallery: str = MAIN_GALLERY, direction: str = BOTH
    ) -> PerQuery:
        """Values of every query.

        Args:
            measure: one of `MEASURES`; hit@1 in the gallery "twin pair" is the two-way accuracy.
            column: one of `columns`; "random 64" is the mean over the draws "random 64 #0", ...; None = the main one.
            gallery: one of `galleries`.
            direction: one of `directions`, or "both": the queries of the one behind those of the other.

        Raises: MatryoError if one of them is unknown.
        """
        asked = self.directions if direction == BOTH else (direction,)
        missing = [one for one in asked if (one, gallery) not in self.searches]
        if missing:
            raise MatryoError(
                f"nothing was measured for {missing[0]} in gallery {gallery!r}; there are directions "
                f"{', '.join(self.directions)} and galleries {', '.join(self.galleries)}"
            )
        places = self._places(self.main_column if column is None else column, self.columns)
        found = [self.searches[one, gallery] for one in asked]
        values = [_measure(search.ranks, measure)[places].mean(axis=0) for search in found]
        return PerQuery(np.concatenate(values), np.concatenate([search.people for search in found]))

    def triplet_values(self, domain: str, column: str | None = None) -> PerQuery:
        """Hits of every triplet of a domain, at the full width unless another column is named.

        Raises: MatryoError if the domain has no triplets or the column is unknown.
        """
        if domain not in self.triplets:
            raise MatryoError(f"no triplets of {domain!r} were measured, only of {sorted(self.triplets)}; mine some")
        found = self.triplets[domain]
        full = f"prefix {self.width}" if self.width else self.main_column
        places = self._places(full if column is None else column, found.columns)
        return PerQuery(found.hits[places].mean(axis=0), found.people)

    def mean(
        self, measure: str, column: str | None = None, *, gallery: str = MAIN_GALLERY, direction: str = BOTH
    ) -> float:
        """Mean of `values`, over the queries that have one: a margin needs a rival."""
        values = self.values(measure, column, gallery=gallery, direction=direction).values
        return _mean(values)

    @staticmethod
    def _places(column: str, known: tuple[str, ...]) -> list[int]:
        places = [place for place, name in enumerate(known) if name == column or name.startswith(f"{column} #")]
        if not places:
            raise MatryoError(f"column {column!r} was not measured; there are {', '.join(known)}")
        return places

    def summary(self) -> dict[str, Any]:
        """Everything but the values of single queries, as JSON: means take their place."""
        searches = []
        for (direction, gallery), search in self.searches.items():
            measured = {name: _measure(search.ranks, name) for name in MEASURES}
            by_column = {
                column: {name: number_to_json(_mean(values[place])) for name, values in measured.items()}
                for place, column in enumerate(self.columns)
            }
            searches.append(
                {
                    "direction": direction,
                    "gallery": gallery,
                    "size": search.size,
                    "n": len(search.people),
                    "means": by_column,
                }
            )
        triplets = [
            {
                "domain": domain,
                "n": len(found.people),
                "accuracy": dict(zip(found.columns, map(float, found.hits.mean(axis=1)), strict=True)),
            }
            for domain, found in self.triplets.items()
        ]
        return {
            "digest": self.digest,
            "domains": list(self.domains),
            "width": self.width,
            "dims": list(self.dims),
            "prefix_dim": self.prefix_dim,
            "seed": self.seed,
            "columns": list(self.columns),
            "searches": searches,
            "triplets": triplets,
            "collapse": [
                {"domain": domain, "column": column, **_to_json(panel)}
                for (domain, column), panel in self.collapse.items()
            ],
            "cka": [_to_json(test) for test in self.cka],
            "shuffled_cka": [number_to_json(value) for value in self.shuffled_cka],
            "probes": [_to_json(probe) for probe in self.probes],
            "open_set": [_to_json(one) for one in self.open_set],
        }

    def save(self, folder: Path, name: str) -> None:
        """Write `NAME.npz`, then `NAME.json`.

        Raises: MatryoError if the disk is full.
        """
        arrays: dict[str, NDArray[Any]] = {}
        for place, search in enumerate(self.searches.values()):
            for key in ("queries", "above", "tied", "margin"):
                arrays[f"search {place} {key}"] = getattr(search.ranks, key)
            arrays[f"search {place} people"] = search.people
        for place, found in enumerate(self.triplets.values()):
            arrays[f"triplets {place} people"], arrays[f"triplets {place} hits"] = found.people, found.hits
        path = folder / f"{name}.npz"
        with files.atomic_path(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]  # its stub takes the names for its options
        stored = {"format": FORMAT, "values": {"file": path.name, "sha256": files.digest_file(path)}}
        files.write_json(folder / f"{name}.json", {**stored, **self.summary()})

    @classmethod
    def load(cls, folder: Path, name: str) -> "IdentityMeasures":
        """Read what `save` wrote.

        Raises: FormatError if a file is missing, damaged or does not belong to the other.
        """
        path = folder / f"{name}.json"
        stored = files.read_json(path, "measures of an identity prefix")
        if not isinstance(stored, dict):
            raise FormatError(f"{path} must hold a JSON object, got {type(stored).__name__}; measure anew")
        files.check_format(stored.get("format"), FORMAT, path)
        try:
            values = folder / stored["values"]["file"]
            if files.digest_file(values) != stored["values"]["sha256"]:
                raise FormatError(f"{values} does not belong to {path}; measure anew")
            with np.load(values, allow_pickle=False) as arrays:
                return cls._read(stored, arrays)
        except (KeyError, TypeError, OSError, zipfile.BadZipFile) as error:
            raise FormatError(f"{path} is not readable as measures ({error!r}); measure anew") from None

    @classmethod
    def _read(cls, stored: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> "IdentityMeasures":
        searches = {}
        for place, one in enumerate(stored["searches"]):
            ranks = Ranks(*(arrays[f"search {place} {key}"] for key in ("queries", "above", "tied", "margin")))
            searches[one["direction"], one["gallery"]] = Search(one["size"], arrays[f"search {place} people"], ranks)
        triplets = {
            one["domain"]: TripletHits(
                tuple(one["accuracy"]), arrays[f"triplets {place} people"], arrays[f"triplets {place} hits"]
            )
            for place, one in enumerate(stored["triplets"])
        }
        panels = {(one.pop("domain"), one.pop("column")): Collapse(**_from_json(one)) for one in stored["collapse"]}
        first, second = stored["domains"]
        return cls(
            digest=stored["digest"],
            domains=(first, second),
            width=stored["width"],
            dims=tuple(stored["dims"]),
            prefix_dim=stored["prefix_dim"],
            seed=stored["seed"],
            columns=tuple(stored["columns"]),
            searches=searches,
            triplets=triplets,
            collapse=panels,
            cka=tuple(CkaTest(**_from_json(one)) for one in stored["cka"]),
            shuffled_cka=tuple(map(number_from_json, stored["shuffled_cka"])),
            probes=tuple(Probe(**_from_json(one)) for one in stored["probes"]),
            open_set=tuple(OpenSet(**_from_json(one)) for one in stored["open_set"]),
        )


def _measure(ranks: Ranks, name: str) -> NDArray[np.float64]:
    """Values (columns, queries) of one measure."""
    if name not in MEASURES:
        raise MatryoError(f"measure must be one of {', '.join(MEASURES)}, got {name!r}")
    if name == "MRR":
        return ranks.reciprocal
    if name == "rank":
        return ranks.rank
    if name == "margin":
        return ranks.margin.astype(np.float64)
    return ranks.hit(int(name.removeprefix("hit@")))


def _mean(values: NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan


def _to_json(record: Any) -> dict[str, Any]:
    """Fields of a flat record, NaN as null."""
    fields: dict[str, Any] = asdict(record)
    return {name: number_to_json(value) if isinstance(value, float) else value for name, value in fields.items()}


def _from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Inverse: none of the records has another use for null."""
    return {name: math.nan if value is None else value for name, value in stored.items()}
