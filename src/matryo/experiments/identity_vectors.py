"""Vectors of two views by one model, as sets on disk: what is encoded once is read afterwards."""

from dataclasses import dataclass
from pathlib import Path

from matryo.data.texts import Texts
from matryo.data.views import View, Views
from matryo.embeddings import EmbeddingSet
from matryo.encoders import Encoder, encode_to_set
from matryo.evaluation.probes import Part
from matryo.prefix import Array


@dataclass(frozen=True, eq=False)
class PartVectors:
    """Vectors of one part of a split.

    Attributes:
        part: its views, with the vectors of both domains.
        twins: vectors of both domains' twins; None where there are none.
    """

    part: Part
    twins: tuple[Array, Array] | None


def encode_part(
    encoder: Encoder, views: Views, folder: Path, *, twins: bool = True, progress: bool = False
) -> PartVectors:
    """Encode one part; sets that are finished are read instead.

    Args:
        encoder: of one model.
        views: the part.
        folder: of this model's sets of this part; a domain's set has its name.
        twins: encode twins, too, where there are any.
        progress: show rate and time left.

    Raises: MatryoError if the folder holds sets of another model or of other texts.
    """

    def vectors(view: View, name: str) -> Array:
        return encode_view(encoder, view, folder / name, progress=progress).to_numpy()

    both = [vectors(view, view.domain) for view in (views.a, views.b)]
    altered = None
    if twins and views.twins is not None:
        first, second = (vectors(view, f"{view.domain}-twins") for view in views.twins)
        altered = (first, second)
    return PartVectors(Part(views, both[0], both[1]), altered)


def encode_view(encoder: Encoder, view: View, folder: Path, *, progress: bool = False) -> EmbeddingSet:
    """The set of one domain's texts, with the texts beside the ids, so that a match can show them."""
    texts = Texts.of(view.ids, view.texts, name=view.domain)
    return encode_to_set(encoder, texts, folder, keep_texts=True, progress=progress)
