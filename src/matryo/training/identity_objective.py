"""Loss of a step of the shared prefix: triplets of one domain, pairs across domains, and the domain to hide."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, final

import torch
from torch import Tensor, nn

from matryo.errors import MatryoError, ShapeError
from matryo.losses.adversarial import DomainClassifier, domain_loss, reversal_strength
from matryo.losses.cut import block
from matryo.losses.identity import once_each, prefix_info_nce, prefix_mse
from matryo.losses.nested import nested_info_nce
from matryo.training.embedding import embed
from matryo.training.identity_methods import Cross, IdentityMethod
from matryo.training.identity_rows import ENTITIES, NEGATIVE, PAIR, ROW, TRIPLET, TWINS
from matryo.training.identity_settings import IdentityTrainSettings
from matryo.training.objective import pack_budget
from matryo.training.packing import Pack, n_texts, packs_of
from matryo.training.terms import StepObjective, TermSums, check_finite


@dataclass(frozen=True)
class Embedded:
    """Some texts of a step.

    Attributes:
        vectors: (n, d) embeddings.
        entities: (n,) int64, whom each text is about.
    """

    vectors: Tensor
    entities: Tensor

    def take(self, rows: Tensor) -> "Embedded":
        """Some of them."""
        return Embedded(self.vectors[rows], self.entities[rows])


@dataclass(frozen=True)
class Pairs:
    """Everybody of a step once, with their texts in both domains, and who else is compared with them.

    Attributes:
        a: (p, d) texts of the first domain.
        b: (p, d) texts of the second, row i of the same entity.
        others_a: texts of the first domain, each entity once, the pairs' own among them.
        others_b: the same of the second.
        place_a: (p,) int64, row of `others_a` that is row i of `a`.
        place_b: (p,) int64, row of `others_b` that is row i of `b`.
    """

    a: Embedded
    b: Embedded
    others_a: Embedded
    others_b: Embedded
    place_a: Tensor
    place_b: Tensor


@final
class IdentityObjective(StepObjective):
    """Weighted sum of the terms of a method, for the trainer.

    Args:
        model: a SentenceTransformer; the trainer may replace it by its wrapped self.
        method: which terms there are.
        columns: names of the text columns, in their order.
        settings: how the terms are weighed.
        dims: strictly rising prefix lengths.
        prefix_dim: length of the identity prefix.
        seed: of the domain classifier.
        bf16: compute matrix products of the model in bf16.
        pad_id: token that fills up texts.
    """

    def __init__(
        self,
        model: nn.Module,
        method: IdentityMethod,
        columns: Sequence[str],
        settings: IdentityTrainSettings,
        *,
        dims: tuple[int, ...],
        prefix_dim: int,
        seed: int,
        bf16: bool,
        pad_id: int = 0,
    ) -> None:
        super().__init__()
        self.model = model
        self.method, self.columns, self.settings = method, tuple(columns), settings
        self.prefix_dim, self.seed, self.pad_id = prefix_dim, seed, pad_id
        self.dtype = torch.bfloat16 if bf16 else None
        self.step, self.n_steps = 0, 1
        # the task part begins behind the identity part, if there are parts
        self.task_start = prefix_dim if method.heads else 0
        self.task_ends = tuple(dim for dim in dims if dim > self.task_start)
        self.classifier = _classifier(prefix_dim, seed) if method.adversarial else None
        self._terms = TermSums()
        self._weighed = self._choose_terms()

    def forward(self, sentence_features: Iterable[dict[str, Any]], labels: Tensor | None = None) -> Tensor:
        """Loss of one batch, 0-d.

        Raises: MatryoError if the loss is not finite, naming step and rows; ShapeError for labels of another form.
        """
        features = list(sentence_features)
        checked = self._check(labels, [n_texts(column) for column in features])
        packs = [_one_pack(features)] if _are_bags(features) else self._packs(features)
        vectors = embed(self.model, packs, cached=self.settings.gradient_caching, dtype=self.dtype)
        parts = torch.split(vectors, len(checked))
        entities = checked.T[ENTITIES:].contiguous()
        texts = {name: Embedded(parts[i], entities[i]) for i, name in enumerate(self.columns)}
        total = torch.stack([weight * term(texts) for weight, term in self._weighed]).sum()
        check_finite(total, self.step, checked.T[ROW])
        return total

    def drain(self) -> dict[str, float]:
        """Mean of every term since the last call, over all processes; `within` at the end of each prefix."""
        return self._terms.drain()

    def get_config_dict(self) -> dict[str, Any]:
        """Settings for a model card of sentence-transformers."""
        return {"method": self.method.name, "prefix_dim": self.prefix_dim, "dims": list(self.task_ends)}

    def _packs(self, features: list[dict[str, Any]]) -> list[Pack]:
        return packs_of(features, pack_budget(features, self.settings.pack_tokens), self.pad_id)

    def _choose_terms(self) -> "list[tuple[float, _Term]]":
        """Terms of the method for which there are texts and a weight.

        Raises: MatryoError if there is none.
        """
        settings, method = self.settings, self.method
        offered: list[tuple[float, bool, _Term]] = [
            (settings.within_domain_weight, bool(method.within) and TRIPLET[0] in self.columns, self._within),
            (settings.prefix_weight, method.cross is not None, self._cross),
            (settings.adversarial_weight, method.adversarial, self._domain),
        ]
        chosen = [(weight, term) for weight, wanted, term in offered if wanted and weight]
        if not chosen:
            raise MatryoError(
                f"{method.name} has no term left to train: its weights are 0 or its texts are missing; give a weight "
                "above 0"
            )
        return chosen

    def _within(self, texts: dict[str, Embedded]) -> Tensor:
        """Each anchor finds its positive among the positives and negatives of all; mean over dims."""
        anchors = texts[TRIPLET[0]]
        others = _joined([texts[name] for name in TRIPLET[1:]])
        rows, places = once_each(others.entities)
        columns = others.take(rows)
        result = nested_info_nce(
            self._task(anchors.vectors),
            self._task(columns.vectors),
            [end - self.task_start for end in self.task_ends],
            positive=places[: len(anchors.entities)],
            groups_a=anchors.entities,
            groups_b=columns.entities,
            temperatures=self.settings.temperature,
        )
        for end, value in zip(self.task_ends, result.per_dim, strict=True):
            self._note(f"within_at_{end}", value)
        return result.total

    def _cross(self, texts: dict[str, Embedded]) -> Tensor:
        """The two texts of an entity are drawn together on the identity prefix."""
        if self.method.cross is None:
            raise AssertionError("asked for by methods with a term across domains only")
        return self._note("cross", _CROSS[self.method.cross](self, self._pairs(texts)))

    def _domain(self, texts: dict[str, Embedded]) -> Tensor:
        """The classifier learns the domain from the identity prefix, the model unlearns it."""
        if self.classifier is None:
            raise AssertionError("asked for by methods with a classifier only")
        strength = 1.0 if self.settings.reversal == "constant" else reversal_strength(self.step / max(self.n_steps, 1))
        pairs = self._pairs(texts)
        return self._note("domain", domain_loss(self.classifier, pairs.a.vectors, pairs.b.vectors, strength))

    def _pairs(self, texts: dict[str, Embedded]) -> Pairs:
        """Everybody once: who comes twice in a batch must be neither their own negative nor count twice."""
        a, b = (texts[name] for name in PAIR)
        rows, _ = once_each(a.entities)
        twins = [[texts[name]] if name in texts else [] for name in TWINS]
        negatives = [texts[name] for name in self.columns if name.startswith(NEGATIVE)]
        (others_a, place_a), (others_b, place_b) = (
            _everybody_once(_joined(found)) for found in ([a, *twins[0]], [b, *negatives, *twins[1]])
        )
        return Pairs(a.take(rows), others_b.take(place_b[rows]), others_a, others_b, place_a[rows], place_b[rows])

    def _task(self, x: Tensor) -> Tensor:
        return block(x, self.task_start, x.shape[1])

    def _note(self, name: str, value: Tensor) -> Tensor:
        if self.training:
            self._terms.note(name, value)
        return value

    def _check(self, labels: Tensor | None, sizes: list[int]) -> Tensor:
        expected = (sizes[0] if sizes else 0, ENTITIES + len(self.columns))
        if len(set(sizes)) != 1 or len(sizes) != len(self.columns):
            raise ShapeError(f"a step needs the columns {', '.join(self.columns)} of equal number, got sizes {sizes}")
        if labels is None or labels.dtype != torch.int64 or tuple(labels.shape) != expected:
            got = "none" if labels is None else f"{labels.dtype} of shape {tuple(labels.shape)}"
            raise ShapeError(f"labels must be int64 of shape {expected}: row, domain, entities; got {got}")
        return labels


_Term = Callable[[dict[str, Embedded]], Tensor]


def _info_nce(objective: IdentityObjective, pairs: Pairs) -> Tensor:
    """Both directions, each among all texts of the other domain."""
    ways = ((pairs.a, pairs.others_b, pairs.place_b), (pairs.b, pairs.others_a, pairs.place_a))
    losses = [
        prefix_info_nce(
            queries.vectors,
            others.vectors,
            objective.prefix_dim,
            positive=place,
            groups_a=queries.entities,
            groups_b=others.entities,
            temperature=objective.settings.temperature,
            symmetric=False,
        )
        for queries, others, place in ways
    ]
    return torch.stack(losses).mean()


def _mse(objective: IdentityObjective, pairs: Pairs) -> Tensor:
    return prefix_mse(pairs.a.vectors, pairs.b.vectors, objective.prefix_dim)


_CROSS: dict[Cross, Callable[[IdentityObjective, Pairs], Tensor]] = {"info_nce": _info_nce, "mse": _mse}


def _are_bags(columns: Sequence[dict[str, Any]]) -> bool:
    """Whether texts are bags of tokens in one row, as static models take them."""
    return all(set(column) == {"input_ids", "offsets"} for column in columns)


def _one_pack(columns: Sequence[dict[str, Any]]) -> Pack:
    """All bags at once: each pass over a table makes a gradient of its size."""
    starts = [0, *accumulate(len(column["input_ids"]) for column in columns)]
    offsets = torch.cat([column["offsets"] + start for column, start in zip(columns, starts, strict=False)])
    ids = torch.cat([column["input_ids"] for column in columns])
    return Pack({"input_ids": ids, "offsets": offsets}, torch.arange(len(offsets), device=offsets.device))


def _joined(parts: Sequence[Embedded]) -> Embedded:
    return Embedded(torch.cat([part.vectors for part in parts]), torch.cat([part.entities for part in parts]))


def _everybody_once(texts: Embedded) -> tuple[Embedded, Tensor]:
    """Each entity's first text, and which of them each text's entity is."""
    rows, places = once_each(texts.entities)
    return texts.take(rows), places


def _classifier(dim: int, seed: int) -> DomainClassifier:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return DomainClassifier(dim)
