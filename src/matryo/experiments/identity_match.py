"""A text of one domain in, the nearest texts of the other domain out, by the numbers of the identity prefix."""

from dataclasses import dataclass
from pathlib import Path

from matryo.config import read_config
from matryo.embeddings import EmbeddingSet
from matryo.encoders.domains import read_domain_facts
from matryo.errors import MatryoError
from matryo.experiments.identity_config import SharedPrefixConfig
from matryo.experiments.identity_data import PARTS, read_identity_data
from matryo.experiments.identity_vectors import encode_view
from matryo.experiments.index_search import Answer, Answers
from matryo.experiments.run_models import load_model
from matryo.hits import MISSING, check_k
from matryo.prefix import check_dims
from matryo.search import ExactIndex

PREFERRED = "v3_contrastive"


@dataclass(frozen=True)
class MatchSettings:
    """What is asked of a run.

    Attributes:
        domain: of the text; None = the first of the two.
        method: whose model; None = v3_contrastive if the run has it, else the first.
        seed: of that model; None = the first.
        dim: numbers that are compared; None = those of the identity prefix.
        part: of the split whose texts are searched: test, validation or train.
    """

    domain: str | None = None
    method: str | None = None
    seed: int | None = None
    dim: int | None = None
    part: str = "test"


def match(
    folder: Path, text: str, k: int = 10, asked: MatchSettings | None = None, *, progress: bool = False
) -> Answers:
    """Find the texts of the other domain that are most likely about the same entity.

    Args:
        folder: of a shared-prefix run that has trained its models.
        text: of one domain.
        k: hits; fewer come if there are fewer texts.
        asked: domain, method, seed, dim, part.
        progress: show the encoding of the searched texts, which happens once.

    Returns: ids of the other domain, best first, with their texts.
    Raises: MatryoError if the text is empty, k is below 1, or the run has no such domain, method, seed or part;
        FormatError if the folder holds no shared-prefix run; ShapeError for a dim beyond the width.
    """
    check_k(k)
    asked = asked or MatchSettings()
    if not text.strip():
        raise MatryoError("the text is empty, expected the description of somebody or something; put it in quotes")
    config = read_config(folder / "config.yaml", SharedPrefixConfig, ())
    method = asked.method or (PREFERRED if PREFERRED in config.methods else config.methods[0])
    seed = config.seeds[0] if asked.seed is None else asked.seed
    model = folder / "training" / method / f"seed-{seed}" / "model"
    if not model.is_dir():
        known = ", ".join(f"{name} seed {one}" for name in config.methods for one in config.seeds)
        raise MatryoError(f"{folder} has no model of {method} seed {seed}; it has or is to train {known}")
    if asked.part not in PARTS:
        raise MatryoError(f"part must be one of {', '.join(PARTS)}, got {asked.part!r}")
    first, second = read_domain_facts(model)["domains"]
    if asked.domain not in (None, first, second):
        raise MatryoError(f"domain must be {first} or {second}, got {asked.domain!r}")
    other, searched = (second, first) if asked.domain == second else (first, second)
    encoder = load_model(model, config.model)
    (dim,) = check_dims([asked.dim or config.prefix_dim], encoder.width)
    place = folder / "sets" / method / f"seed-{seed}" / asked.part / searched
    if (place / "manifest.json").is_file():
        stored = EmbeddingSet.open(place, space=encoder.space)
    else:
        views = read_identity_data(config.data, folder / "data").parts[asked.part]
        view = views.a if views.a.domain == searched else views.b
        stored = encode_view(encoder, view, place, progress=progress)
    hits = ExactIndex.build(stored).search(encoder.encode([text]), k, dim)
    ids, texts = stored.ids(), stored.texts() or [""] * stored.n_rows
    answers = tuple(
        Answer(rank, float(score), ids[row], texts[row])
        for rank, (row, score) in enumerate(zip(hits.rows[0].tolist(), hits.scores[0], strict=True), start=1)
        if row != MISSING
    )
    note = f"a text of {other} among {stored.n_rows:,} {searched} texts, {method} seed {seed}, {dim} numbers"
    return Answers(answers, (note,))
