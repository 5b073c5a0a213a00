"""The plan of a set: what will be encoded, how, and which rows each shard holds; written before anything else."""

from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from matryo.errors import FormatError, MatryoError
from matryo.files import check_fields, check_format, digest_json, read_json, write_json
from matryo.space import Space

FORMAT = 1
PLAN_FILE = "plan.json"
DTYPES = ("float32", "float16")
ROLES = ("document", "query")
_FIRST_EDGES = (0, 32, 64, 128, 256)
_STEP = 256
_STORED = {
    "format": int,
    "input_digest": str,
    "n_rows": int,
    "shard_rows": int,
    "shards": list,
    "width": int,
    "edges": list,
    "dtype": str,
    "space": dict,
    "space_id": str,
    "role": str,
    "prompt": str,
    "batch_rule": str,
    "keep_texts": bool,
}


def block_edges(width: int) -> tuple[int, ...]:
    """Where the columns are split into blocks: fine for the short prefixes, then every 256 numbers.

    >>> block_edges(384)
    (0, 32, 64, 128, 256, 384)
    """
    edges = (*_FIRST_EDGES, *range(_FIRST_EDGES[-1] + _STEP, width, _STEP))
    return (*(e for e in edges if e < width), width)


def row_ranges(n_rows: int, shard_rows: int) -> list[tuple[int, int]]:
    """Rows of each shard, none of them empty.

    >>> row_ranges(5, 2)
    [(0, 2), (2, 4), (4, 5)]
    """
    return [(first, min(first + shard_rows, n_rows)) for first in range(0, n_rows, shard_rows)]


def shard_name(number: int) -> str:
    """File name of a shard without suffix.

    >>> shard_name(7)
    'shard-00007'
    """
    return f"shard-{number:05d}"


@dataclass(frozen=True)
class Plan:
    """Everything that decides the bytes of a set's first generation.

    Attributes:
        input_digest: SHA-256 over the ids and texts (or ids and vectors) that go in.
        n_rows: how many they are.
        shard_rows: rows of every shard but the last one, also of shards appended later.
        space: space of the vectors.
        role: "document" or "query".
        prompt: text put before every text, "" for none.
        batch_rule: how the encoder makes batches of one shard's texts.
        dtype: "float32" or "float16", as stored.
        keep_texts: whether the texts are stored beside the ids.
        edges: rising column numbers from 0 to the width, the blocks' borders.
    """

    input_digest: str
    n_rows: int
    shard_rows: int
    space: Space
    role: str
    prompt: str
    batch_rule: str
    dtype: str
    keep_texts: bool
    edges: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check what callers may choose.

        Raises: MatryoError if dtype, role, shard_rows or edges are none that a set can have.
        """
        if self.dtype not in DTYPES:
            raise MatryoError(f"dtype must be one of {', '.join(DTYPES)}, got {self.dtype!r}; choose one of these")
        if self.role not in ROLES:
            raise MatryoError(f"role must be one of {', '.join(ROLES)}, got {self.role!r}; choose one of these")
        if self.shard_rows < 1 or self.n_rows < 0:
            raise MatryoError(f"shard_rows must be at least 1, got {self.shard_rows}; 8192 suits most sets")
        rising = all(type(b) is int and a < b for a, b in pairwise(self.edges))
        if len(self.edges) < 2 or self.edges[0] != 0 or self.edges[-1] != self.space.width or not rising:
            raise MatryoError(f"edges must rise from 0 to {self.space.width}, got {self.edges}; use block_edges(width)")

    @property
    def shards(self) -> list[tuple[int, int]]:
        """Row range of each shard."""
        return row_ranges(self.n_rows, self.shard_rows)

    @property
    def digest(self) -> str:
        """SHA-256 over every field; shards carry it, so that they are never taken for those of another plan."""
        return digest_json(self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Fields as JSON values, with what follows from them and readers want to see."""
        return {
            "format": FORMAT,
            "input_digest": self.input_digest,
            "n_rows": self.n_rows,
            "shard_rows": self.shard_rows,
            "shards": [list(rows) for rows in self.shards],
            "width": self.space.width,
            "edges": list(self.edges),
            "dtype": self.dtype,
            "space": self.space.to_json(),
            "space_id": self.space.id,
            "role": self.role,
            "prompt": self.prompt,
            "batch_rule": self.batch_rule,
            "keep_texts": self.keep_texts,
        }

    @classmethod
    def from_json(cls, stored: Any, path: Path) -> "Plan":
        """Inverse of `to_json`; `path` is the file for the messages.

        Raises: FormatError if the format is unknown, a field is missing, unknown or contradicts another one.
        """
        if isinstance(stored, dict):
            check_format(stored.get("format"), FORMAT, path)
        check_fields(stored, _STORED, path)
        plain = {f.name: stored[f.name] for f in fields(cls)}
        try:
            plan = cls(**{**plain, "space": Space.from_json(stored["space"]), "edges": tuple(stored["edges"])})
        except (MatryoError, TypeError) as error:
            raise FormatError(f"{path} holds no plan that can be followed: {error}; restore it") from None
        changed = sorted(name for name, value in plan.to_json().items() if value != stored[name])
        if changed:
            raise FormatError(f"{path} contradicts itself in {', '.join(changed)}; restore it or write the set anew")
        return plan


def read_plan(folder: Path) -> Plan:
    """Read the plan of a set.

    Raises: FormatError if it is missing or cannot be followed.
    """
    path = folder / PLAN_FILE
    return Plan.from_json(read_json(path, "the plan of an embedding set"), path)


def write_plan(folder: Path, plan: Plan) -> None:
    """Write the plan of a new set."""
    write_json(folder / PLAN_FILE, plan.to_json())


def check_plan(folder: Path, plan: Plan) -> bool:
    """Make sure that a folder follows this plan, or none yet.

    Returns: whether the plan is there.
    Raises: MatryoError if the folder follows another plan (it names the fields) or holds parts of a set without plan.
    """
    if not (folder / PLAN_FILE).exists():
        parts = sorted(p.name for pattern in ("shard-*", "manifest*.json") for p in folder.glob(pattern))
        if parts:
            raise MatryoError(f"{folder} holds {parts[0]} but no {PLAN_FILE}; use another folder or delete this one")
        return False
    there, here = read_plan(folder).to_json(), plan.to_json()
    differing = [name for name in here if here[name] != there[name]]
    if differing:
        seen = "; ".join(f"{name} is {_short(there[name])} there and {_short(here[name])} here" for name in differing)
        raise MatryoError(f"{folder} holds a set of another plan: {seen}; use another folder or delete this one")
    return True


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
