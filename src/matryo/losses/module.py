"""The nested loss as a module of sentence-transformers: one line to swap in a training script."""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses.arguments import check_margin
from matryo.losses.nested import nested_info_nce
from matryo.prefix import check_dims


class NestedLoss(nn.Module):
    """InfoNCE at every dim, in place of MatryoshkaLoss(model, MultipleNegativesRankingLoss(model), dims).

    The columns of the data set are anchor, positive and any number of negatives, as there. The value is the weighted
    *mean* over dims, where MatryoshkaLoss adds: theirs is len(dims) times ours, which Adam does not notice but gradient
    clipping does. An int64 label column holds ids: rows with equal labels are no negatives of each other.
    The width should be among the dims, or full-length vectors are not trained.

    Args:
        model: a SentenceTransformer, or any module that maps features to {"sentence_embedding": (n, d)}.
        dims: prefix lengths in any order.
        weights: one per dim as given, by default equal.
        temperature: > 0, one, or one per dim as given; a torch Parameter is trained along. .05 is a scale of 20.
        symmetric: also find the anchor of each positive among the batch's anchors.
        margin: a document whose full-width cosine to an anchor exceeds that of its positive minus this margin is no
            negative of it; None = off.
        labels_are_groups: False ignores labels, as MultipleNegativesRankingLoss does.

    Raises: ShapeError if dims do not fit the model; MatryoError for labels that are no ids and a margin out of range.
    Source: see `nested_info_nce`.

    Example: `trainer = SentenceTransformerTrainer(model=model, train_dataset=data, loss=NestedLoss(model, [64, 384]))`
    """

    def __init__(
        self,
        model: nn.Module,
        dims: Iterable[int],
        *,
        weights: Sequence[float] | None = None,
        temperature: float | Sequence[float] | Tensor = 0.05,
        symmetric: bool = False,
        margin: float | None = None,
        labels_are_groups: bool = True,
    ) -> None:
        super().__init__()
        self.model = model
        self.dims = tuple(dims)
        check_dims(self.dims, _width(model))
        self.weights = None if weights is None else tuple(float(w) for w in weights)
        self.temperature = temperature
        self.symmetric = symmetric
        self.margin = check_margin(margin)
        self.labels_are_groups = labels_are_groups
        self.last_per_dim: Tensor | None = None
        """Loss at each dim of the last batch, shortest dim first, detached: for a callback to log."""

    def forward(self, sentence_features: Iterable[dict[str, Tensor]], labels: Tensor | None = None) -> Tensor:
        """Loss of one batch, 0-d.

        Args:
            sentence_features: one entry per column, as the trainer's collator makes them.
            labels: (n,) or (n, 1) int64 ids, or None.
        """
        columns = [self.model(features)["sentence_embedding"] for features in sentence_features]
        if len(columns) < 2:
            raise ShapeError(f"the nested loss needs an anchor and a positive column, got {len(columns)}; add a column")
        anchors, documents = columns[0], torch.cat(columns[1:])
        groups_a, groups_b = self._groups(labels, len(anchors), len(documents))
        result = nested_info_nce(
            anchors,
            documents,
            self.dims,
            groups_a=groups_a,
            groups_b=groups_b,
            weights=self.weights,
            temperatures=self.temperature,
            symmetric=self.symmetric,
            margin=self.margin,
        )
        self.last_per_dim = result.per_dim
        return result.total

    def _groups(self, labels: Tensor | None, n_rows: int, n_documents: int) -> tuple[Tensor | None, Tensor | None]:
        """Labels as ids of anchors and documents, or None if there are none to use."""
        if labels is None or not self.labels_are_groups:
            return None, None
        if labels.dtype != torch.int64 or labels.shape not in ((n_rows,), (n_rows, 1)):
            raise MatryoError(
                f"labels must be int64 ids of shape ({n_rows},), got {labels.dtype} of shape {tuple(labels.shape)}; "
                "drop the label column or pass labels_are_groups=False"
            )
        distinct, ids = torch.unique(labels.reshape(-1), return_inverse=True)
        if n_rows > 1 and len(distinct) == 1 and n_documents == n_rows:
            raise MatryoError(
                f"every label of this batch is {int(distinct)}, so that no row has a negative; labels are ids here: "
                "drop the label column or pass labels_are_groups=False"
            )
        # A mined negative stays one for every anchor: it gets an id that no anchor has.
        return ids, torch.nn.functional.pad(ids, (0, n_documents - n_rows), value=-1)

    def get_config_dict(self) -> dict[str, Any]:
        """Settings for the model card."""
        temperature = self.temperature
        return {
            "dims": list(self.dims),
            "weights": None if self.weights is None else list(self.weights),
            "temperature": temperature.tolist() if isinstance(temperature, Tensor) else temperature,
            "symmetric": self.symmetric,
            "margin": self.margin,
            "labels_are_groups": self.labels_are_groups,
        }


def _width(model: nn.Module) -> int | None:
    """Numbers per embedding, None if the model does not know; the method was renamed in sentence-transformers 5."""
    for name in ("get_embedding_dimension", "get_sentence_embedding_dimension"):
        if hasattr(model, name):
            width: int | None = getattr(model, name)()
            return width
    return None
