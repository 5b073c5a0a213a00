"""Encoders with an identity prefix: vectors of texts of two domains, whole, at the prefix, and at other lengths."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from matryo.encoders.base import Encoder, Progress
from matryo.encoders.notes import NOTES_FILE
from matryo.errors import FormatError, MatryoError, ShapeError
from matryo.files import check_fields, read_json
from matryo.prefix import check_dims, cut, unit_rows

Vectors = NDArray[np.float32]
_FIELDS = {"domains": list, "prefix_dim": int, "dims": list, "method": str}


@final
class DomainEncoder:
    """An encoder whose first `prefix_dim` numbers say whom a text is about, whichever domain it comes from.

    Both domains are read by one model in one way; the domain is asked for so that nobody passes texts of a third.

    Attributes:
        encoder: the encoder itself.
        domains: names of the two domains.
        prefix_dim: length of the identity prefix.
        dims: prefix lengths that may be asked for, rising.
    """

    def __init__(
        self, encoder: Encoder, *, domains: Sequence[str], prefix_dim: int, dims: Sequence[int] | None = None
    ) -> None:
        """Take over an encoder.

        Args:
            encoder: any encoder.
            domains: names of the two domains.
            prefix_dim: length of the identity prefix.
            dims: prefix lengths that may be asked for; None = the identity prefix and the full width.

        Raises: MatryoError if the names are not two; ShapeError if a dim exceeds the width or prefix_dim is no dim.
        """
        if len(domains) != 2 or len(set(domains)) != 2:
            raise MatryoError(f"two domains of different names are needed, got {list(domains)}; name both")
        self.encoder = encoder
        self.domains = (domains[0], domains[1])
        self.dims = check_dims({prefix_dim, encoder.width} if dims is None else dims, encoder.width)
        if prefix_dim not in self.dims:
            raise ShapeError(f"prefix_dim must be one of the dims {list(self.dims)}, got {prefix_dim}; add it")
        self.prefix_dim = prefix_dim

    @classmethod
    def load(cls, folder: Path | str, *, device: str = "auto", precision: str = "auto") -> Self:
        """Load a model that `train_identity` wrote.

        Raises: FormatError if the folder does not say what its domains are; otherwise as `load_encoder`.
        """
        # imported here: the class itself needs no torch
        from matryo.encoders.loading import load_encoder

        facts = read_domain_facts(folder)
        encoder = load_encoder(folder, device=device, precision=precision)
        return cls(encoder, domains=facts["domains"], prefix_dim=facts["prefix_dim"], dims=facts["dims"])

    def encode(self, texts: Sequence[str], domain: str, *, progress: Progress = False) -> Vectors:
        """Whole vectors, (n, width) float32 rows of length 1.

        Raises: MatryoError if the domain is unknown or texts is one string.
        """
        self._check_domain(domain)
        vectors: Vectors = unit_rows(self.encoder.encode(texts, "document", progress=progress))
        return vectors

    def encode_prefix(self, texts: Sequence[str], domain: str, *, progress: Progress = False) -> Vectors:
        """Identity prefixes, (n, prefix_dim) float32 rows of length 1.

        Raises: as `encode`.
        """
        return self.encode_at_dim(texts, domain, self.prefix_dim, progress=progress)

    def encode_at_dim(self, texts: Sequence[str], domain: str, dim: int, *, progress: Progress = False) -> Vectors:
        """Vectors cut to a prefix, (n, dim) float32 rows of length 1.

        Raises: ShapeError if the dim is none of this encoder's; otherwise as `encode`.
        """
        self._check_domain(domain)
        if dim not in self.dims:
            raise ShapeError(f"dim must be one of {list(self.dims)}, got {dim}; choose one of these")
        vectors: Vectors = cut(self.encode(texts, domain, progress=progress), dim)
        return vectors

    def _check_domain(self, domain: str) -> None:
        if domain not in self.domains:
            raise MatryoError(
                f"domain must be {self.domains[0]} or {self.domains[1]}, got {domain!r}; pass one of them"
            )


def domain_facts(domains: tuple[str, str], prefix_dim: int, dims: tuple[int, ...], method: str) -> dict[str, Any]:
    """What `save_model` is to note of such an encoder as `extra`."""
    return {"domains": list(domains), "prefix_dim": prefix_dim, "dims": list(dims), "method": method}


def read_domain_facts(folder: Path | str) -> dict[str, Any]:
    """What a model folder says of its domains: domains, prefix_dim, dims and method.

    Raises: FormatError if it says nothing of the kind.
    """
    path = Path(folder) / NOTES_FILE
    if not path.is_file():
        raise FormatError(f"{path} is missing, no domains are known; give a model that was trained across domains")
    notes = read_json(path, "notes of a model")
    extra = notes.get("extra") if isinstance(notes, dict) else None
    if not isinstance(extra, dict) or "domains" not in extra:
        raise FormatError(f"{path} names no domains; give a model that was trained across domains")
    check_fields(extra, _FIELDS, path)
    return extra
