"""Measuring the systems of a shared-prefix run: every trained model, the untrained one, and what needs no model."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from matryo.encoders import Encoder
from matryo.evaluation.identity import measure_identity
from matryo.evaluation.identity_baselines import known_baselines, measure_baselines
from matryo.evaluation.identity_measures import IdentityMeasures
from matryo.evaluation.probes import Part
from matryo.experiments.identity_config import SharedPrefixConfig
from matryo.experiments.identity_data import IdentityData
from matryo.experiments.identity_vectors import PartVectors, encode_part
from matryo.maps import HeadSettings, LoopSettings, MatrixMap, PairVectors, fit_full_head, fit_rotation
from matryo.measures.identity import with_partner
from matryo.prefix import Array

FROZEN, ROTATION, HEAD = "frozen", "rotation", "head"
MODEL_FLOORS = (FROZEN, ROTATION, HEAD)
_HEAD_EPOCHS = 400
SEED = 0
"""Of galleries, random columns, probes and nulls: the same for every system, or they would not be asked the same."""


def measure_model(
    config: SharedPrefixConfig,
    data: IdentityData,
    encoder: Encoder,
    sets: Path,
    dims: tuple[int, ...],
    *,
    progress: bool = False,
) -> IdentityMeasures:
    """Measure one trained model on the test part; probes are fitted on the validation part.

    Args:
        config: of the run.
        data: its parts.
        encoder: of the model.
        sets: folder of this model's vectors.
        dims: of the run, with the width.
        progress: show rate and time left of the encoding.
    """
    vectors = _encoded(data, encoder, sets, progress)
    return _measured(config, vectors["test"], vectors["validation"].part, dims)


def measure_floors(
    config: SharedPrefixConfig,
    data: IdentityData,
    load: Callable[[], Encoder],
    sets: Path,
    dims: tuple[int, ...],
    *,
    progress: bool = False,
) -> dict[str, IdentityMeasures]:
    """Measure everything that no method trained: name -> measures.

    Args:
        config: of the run.
        data: its parts.
        load: gives the untrained model, if it is asked for.
        sets: folder of its vectors.
        dims: of the run, with the width.
        progress: show rate and time left of the encoding.
    """
    asked = config.evaluate.baselines
    known = known_baselines(data.test, data.train)
    names = [name for name in asked if name in known]
    found = measure_baselines(data.test, training=data.train, seed=SEED, names=names, sizes=config.evaluate.galleries)
    if not set(MODEL_FLOORS) & set(asked):
        return found
    encoder = load()
    vectors = _encoded(data, encoder, sets, progress)
    if FROZEN in asked:
        found[FROZEN] = _measured(config, vectors["test"], vectors["validation"].part, dims)
    fits = {ROTATION, HEAD} & set(asked)
    if fits:
        train = encode_part(encoder, data.train, sets / "train", twins=False, progress=progress).part
    for name in (ROTATION, HEAD):
        if name in fits:
            fitted = _rotation(train, encoder) if name == ROTATION else _head(config, train, vectors, encoder)
            mapped = {part: _mapped(one, fitted) for part, one in vectors.items()}
            found[name] = _measured(config, mapped["test"], mapped["validation"].part, dims)
    return found


def _encoded(data: IdentityData, encoder: Encoder, sets: Path, progress: bool) -> dict[str, PartVectors]:
    return {
        part: encode_part(encoder, data.parts[part], sets / part, twins=part == "test", progress=progress)
        for part in ("validation", "test")
    }


def _measured(config: SharedPrefixConfig, test: PartVectors, fit: Part, dims: tuple[int, ...]) -> IdentityMeasures:
    asked = config.evaluate
    views = test.part.views
    known = set(views.a.labels) & set(views.b.labels)
    return measure_identity(
        views,
        test.part.a,
        test.part.b,
        dims=dims,
        prefix_dim=config.prefix_dim,
        twins=test.twins,
        seed=SEED,
        fit=fit if asked.probes else None,
        probe_labels=[label for label in asked.probe_labels if label in known],
        sizes=asked.galleries,
        n_random=asked.random_draws,
        n_permutations=asked.permutations,
    )


def _rotation(train: Part, encoder: Encoder) -> MatrixMap:
    return fit_rotation(train.a, encoder.space, more=train.b)


def _head(config: SharedPrefixConfig, train: Part, vectors: dict[str, PartVectors], encoder: Encoder) -> MatrixMap:
    """A supervised head of the full width on the same pairs that methods learn from, rotated."""
    pairs = _pairs(train, config.evaluate.fit_pairs)
    # patience decides when it is done, also with few pairs
    batch_size = max(2, min(LoopSettings().batch_size, len(pairs.queries) // 8))
    settings = HeadSettings(loop=LoopSettings(batch_size=batch_size, max_epochs=_HEAD_EPOCHS))
    held_out = _pairs(vectors["validation"].part, len(pairs.queries))
    return fit_full_head(pairs, held_out, encoder.space, settings=settings, seed=SEED)


def _pairs(part: Part, at_most: int) -> PairVectors:
    """One pair for each text of the first domain that has a partner, its first one."""
    views = part.views
    rows = with_partner(views.a.entities, views.b.entities)
    if len(rows) > at_most:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, at_most, replace=False))
    first: dict[int, int] = {}
    for row, entity in enumerate(views.b.entities.tolist()):
        first.setdefault(entity, row)
    entities = views.a.entities[rows]
    partners = np.array([first[entity] for entity in entities.tolist()], dtype=np.int64)
    return PairVectors(_float(part.a[rows]), _float(part.b[partners]), entities)


def _mapped(vectors: PartVectors, fitted: MatrixMap) -> PartVectors:
    part = vectors.part
    twins = vectors.twins and (fitted.apply(vectors.twins[0]), fitted.apply(vectors.twins[1]))
    return PartVectors(Part(part.views, fitted.apply(part.a), fitted.apply(part.b)), twins)


def _float(x: Array) -> Array:
    return np.ascontiguousarray(x, dtype=np.float32)
