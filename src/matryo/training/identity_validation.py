"""How well people are found across domains by the model that is being trained."""

from typing import Any, final

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from matryo.data.views import Views
from matryo.encoders import ModelEncoder
from matryo.errors import MatryoError
from matryo.measures.identity import Columns, partner_ranks
from matryo.prefix import check_dims
from matryo.training.validation import undisturbed


@final
class IdentityEvaluator(SentenceEvaluator):
    """Measures the MRR of each text's partner among all texts of the other domain, in both directions at every dim."""

    def __init__(self, views: Views, dims: tuple[int, ...], *, precision: str = "auto") -> None:
        """Prepare views, whose texts are held in memory.

        Args:
            views: a part of a split that is not trained on.
            dims: prefix lengths.
            precision: numbers in which the transformer computes: auto, fp32 or bf16.
        """
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self._views, self._dims, self._precision = views, check_dims(dims), precision
        self.primary_metric = f"MRR_{views.domains[0]}_at_{self._dims[-1]}"

    def __call__(  # type: ignore[override]  # there any kind of model, here one that encodes
        self, model: SentenceTransformer, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Encode once and measure; the model, its mode and random states stay as they are.

        Args:
            model: any model, in training or not.
            output_path: not used; the trainer logs what is returned.
            epoch: not used.
            steps: of the training, for messages.

        Returns: e.g. {"MRR_dating_at_64": .41, "MRR_hiring_at_64": .40}: how well texts of this domain find theirs.
        Raises: MatryoError if the model gives a vector that is not finite.
        """
        a, b = self._views.a, self._views.b
        with undisturbed(model):
            encoder = ModelEncoder(model, name=self._views.name, device=str(model.device), precision=self._precision)
            vectors = [encoder.encode(view.texts) for view in (a, b)]
        if not all(np.isfinite(x).all() for x in vectors):
            raise MatryoError(
                f"{self._views.name}: vectors are not finite at step {steps}; lower the learning rate or use precision "
                "fp32"
            )
        columns = [Columns(tuple(map(str, self._dims)), self._dims)]
        found: dict[str, float] = {}
        for query, other in ((0, 1), (1, 0)):
            sides = ((a, b)[query], (a, b)[other])
            ranks = partner_ranks(vectors[query], vectors[other], sides[0].entities, sides[1].entities, columns)
            for dim, value in zip(self._dims, ranks.reciprocal.mean(axis=1), strict=True):
                found[f"MRR_{sides[0].domain}_at_{dim}"] = float(value)
        return found

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card of the trainer may say of it."""
        return {"dims": list(self._dims), "precision": self._precision}
