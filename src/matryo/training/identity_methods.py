"""The table of methods of the shared prefix: which terms each one trains, as data."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from matryo.errors import MatryoError

Cross = Literal["info_nce", "mse"]
BOTH = (0, 1)


@dataclass(frozen=True)
class IdentityMethod:
    """One row.

    Attributes:
        name: as configs and reports call it.
        within: domains whose triplets it learns, at every dim; 0 = the first, 1 = the second.
        cross: what draws the two texts of an entity together on the identity prefix; None = nothing.
        adversarial: hide the domain on the identity prefix behind a reversed gradient.
        heads: put one layer [identity | task] behind the model; the triplets are learned on the task part only.
        meaning: one sentence for the report.
    """

    name: str
    within: tuple[int, ...]
    cross: Cross | None
    adversarial: bool
    heads: bool
    meaning: str

    @property
    def needs_pairs(self) -> bool:
        """Whether a term looks at texts of both domains."""
        return self.cross is not None or self.adversarial

    @property
    def contrasts(self) -> bool:
        """Whether texts of other entities push away across domains."""
        return self.cross == "info_nce"


IDENTITY_METHODS = {
    method.name: method
    for method in (
        IdentityMethod(
            "v3_contrastive", BOTH, "info_nce", False, False,
            "triplets of both domains at every dim, and InfoNCE across domains on the identity prefix",
        ),
        IdentityMethod(
            "v3_mse", BOTH, "mse", False, False,
            "the same with the squared distance of partners in place of InfoNCE: no negatives keep people apart",
        ),
        IdentityMethod(
            "v3_no_prefix", BOTH, None, False, False,
            "triplets of both domains at every dim, nothing across domains",
        ),
        IdentityMethod("single_dating", (0,), None, False, False, "triplets of the first domain only"),
        IdentityMethod("single_hiring", (1,), None, False, False, "triplets of the second domain only"),
        IdentityMethod(
            "projection_heads", BOTH, "info_nce", False, True,
            "one layer [identity | task] behind the model: InfoNCE across domains on the one, triplets on the other",
        ),
        IdentityMethod(
            "adversarial", BOTH, "info_nce", True, False,
            "as v3_contrastive, and a domain classifier on the identity prefix behind a reversed gradient",
        ),
    )
}  # fmt: skip


def identity_method(name: str) -> IdentityMethod:
    """The row of this name.

    Raises: MatryoError for an unknown name, naming the nearest.

    >>> identity_method("v3_mse").cross
    'mse'
    """
    if name not in IDENTITY_METHODS:
        near = get_close_matches(name, IDENTITY_METHODS, n=1, cutoff=0.0)
        raise MatryoError(
            f"{name!r} is no method of the shared prefix, the nearest is {near[0]}; choose one of "
            f"{', '.join(IDENTITY_METHODS)}"
        )
    return IDENTITY_METHODS[name]
