"""Retrieval quality at every dim of the model that is being trained, from one encode."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, final

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.evaluation import SentenceEvaluator

from matryo.data import Retrieval
from matryo.encoders import ModelEncoder, Role
from matryo.errors import MatryoError
from matryo.evaluation.curve import search_depth
from matryo.losses.columns import Columns, column_order, reorder
from matryo.measures.judged import judge
from matryo.measures.measure import Measure
from matryo.measures.ranking import evaluate
from matryo.prefix import Array, check_dims
from matryo.search.exact import search_prefixes

MRR_10 = Measure("MRR", 10)


@final
class CurveEvaluator(SentenceEvaluator):
    """Measures a retrieval task at every dim, leaving the model as it was.

    The values are those of `retrieval_curve`, without intervals: training asks often and only follows the means.
    """

    def __init__(
        self,
        task: Retrieval,
        dims: Sequence[int],
        *,
        measure: Measure = MRR_10,
        precision: str = "auto",
        name: str = "validation",
        columns: Columns = "prefix",
    ) -> None:
        """Prepare a task, whose texts are held in memory.

        Args:
            task: documents, queries and judgements.
            dims: prefix lengths in any order.
            measure: what is measured.
            precision: numbers in which the transformer computes: auto, fp32 or bf16.
            name: of the task in messages.
            columns: which columns a dim takes, as in the training.

        Raises: MatryoError if judgements do not fit the texts; ShapeError if dims do not rise from 1.
        """
        super().__init__()  # type: ignore[no-untyped-call]  # untyped there
        self._dims = check_dims(dims)
        self._measure = measure
        self._precision = precision
        self._name = name
        self._columns = columns
        self._queries = [text.text for text in task.queries]
        self._documents = [text.text for text in task.documents]
        self._judged = judge(task.judgements, task.queries.ids(), task.documents.ids())
        if not self._judged.has_relevant.any():
            raise MatryoError(f"{name}: no query of {task.name!r} has a relevant document; check ids")
        self.primary_metric = self._key(self._dims[-1])

    def __call__(  # type: ignore[override]  # there any kind of model, here one that encodes
        self, model: SentenceTransformer, output_path: str | None = None, epoch: float = -1, steps: int = -1
    ) -> dict[str, float]:
        """Encode once and measure at every dim.

        Args:
            model: any model, in training or not; parameters, their type, its mode and random states stay as they are.
            output_path: not used; the trainer logs what is returned.
            epoch: of the training, not used.
            steps: of the training, for messages; -1 = unknown.

        Returns: e.g. {"MRR@10_at_96": 0.41, "MRR@10_at_384": 0.45}, dims rising.
        Raises: MatryoError if the model gives a vector that is not finite; ShapeError if a dim exceeds its width.
        """
        with undisturbed(model):
            encoder = ModelEncoder(model, name=self._name, device=str(model.device), precision=self._precision)
            queries = self._encoded(encoder, self._queries, "query", steps)
            documents = self._encoded(encoder, self._documents, "document", steps)
        hits = search_prefixes(queries, documents, self._dims, search_depth([self._measure]))
        counted = self._judged.has_relevant
        return {
            self._key(dim): float(evaluate(found, self._judged, [self._measure])[self._measure][counted].mean())
            for dim, found in hits.items()
        }

    def get_config_dict(self) -> dict[str, Any]:
        """What the model card of the trainer may say of it."""
        return {"dims": list(self._dims), "measure": str(self._measure), "precision": self._precision}

    def _key(self, dim: int) -> str:
        return f"{self._measure}_at_{dim}"

    def _encoded(self, encoder: ModelEncoder, texts: list[str], role: Role, steps: int) -> Array:
        vectors = encoder.encode(texts, role)
        broken = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
        if len(broken):
            when = f" at step {steps}" if steps >= 0 else ""
            raise MatryoError(
                f"{self._name}: {len(broken)} of {len(texts)} {role} vectors are not finite{when}, first "
                f"{texts[broken[0]][:60]!r}; lower the learning rate or use precision fp32"
            )
        order = column_order(vectors.shape[1], self._columns)
        return vectors if order is None else reorder(torch.from_numpy(vectors), order).numpy()


@contextmanager
def undisturbed(model: SentenceTransformer) -> Iterator[None]:
    """Put back every module's mode and the random states: encoding switches dropout off for the live model."""
    modes = [(module, module.training) for module in model.modules()]
    cards = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training
