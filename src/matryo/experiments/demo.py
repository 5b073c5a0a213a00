"""The demo: cut a real model on real text, adapt it, and prove that what was saved ranks as the report states."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import Encoder
from matryo.encoders.loading import quiet
from matryo.errors import MatryoError
from matryo.evaluation.score import Score
from matryo.experiments.adaptation import (
    MEASURE,
    AdaptSettings,
    assemble,
    choice_note,
    keep,
    study_of,
)
from matryo.experiments.comparison import Say
from matryo.experiments.encoding import truncation_note
from matryo.experiments.paired import EncodedPairs, encode_pairs
from matryo.experiments.settings import ModelSettings
from matryo.experiments.stopwatch import Stopwatch
from matryo.experiments.study import Study
from matryo.measures.ranking import evaluate
from matryo.prefix import unit_rows
from matryo.reports import console_summary, write_reports
from matryo.search.exact import search_dim

MAX_TOKENS = 128
PROOF_TOLERANCE = 0.01


@dataclass(frozen=True)
class Proof:
    """The saved model, loaded with plain sentence-transformers, beside what the report states of it.

    Attributes:
        dim: numbers kept.
        stated: mean of the measure in the report, for this map and seed.
        found: the same from the loaded model's own vectors.
        same_order: share of test queries whose value is the same.
        n: test queries.
    """

    dim: int
    stated: float
    found: float
    same_order: float
    n: int

    def __str__(self) -> str:
        """One sentence."""
        return (
            f"proof: SentenceTransformer(..., truncate_dim={self.dim}) reaches {MEASURE} {self.found:.3f} on "
            f"{self.n:,} test queries, the report states {self.stated:.3f}; {self.same_order:.1%} of them rank alike"
        )


def run_demo(
    out: Path,
    model: ModelSettings,
    settings: AdaptSettings | None = None,
    *,
    say: Say = lambda line: None,
    progress: bool = False,
) -> str:
    """Run the whole demo and write everything to `out`.

    Args:
        out: folder of the run; a second run reuses the encoded sets.
        model: the model to cut.
        settings: dims, seeds.
        say: told when a step is finished.
        progress: show rate and time left of the encoding.

    Returns: what to print: tables, proof, and how to do the same with one's own model and texts.
    Raises: MatryoError if the saved model does not rank as stated.
    """
    settings = settings or AdaptSettings()
    clock = Stopwatch()
    with clock.step("load model"):
        encoder = model.load()
    dims = settings.ladder(encoder.width)
    notes: list[str] = []

    def part(*, masked: bool) -> tuple[EncodedPairs, Study]:
        with clock.step("read stdlib" + ", names masked" * masked):
            pairs = stdlib_pairs(mask_names=masked)
        say(f"{pairs.name}: {len(pairs):,} functions in {len(set(pairs.groups))} packages")
        before = encoder.truncated
        with clock.step(f"encode {pairs.name}"):
            data, told = encode_pairs(pairs, encoder, out / "sets" / pairs.name, seed=settings.seed, progress=progress)
        with clock.step(f"fit and measure {pairs.name}"):
            found = study_of(data, encoder, dims, settings, say)
        notes.extend(f"{data.name}: {line}" for line in (*told, *truncation_note(encoder, before)))
        return data, found

    data, found = part(masked=False)
    masked_data, masked_found = part(masked=True)
    with clock.step("save model"):
        stated = keep(found, encoder, dims, out)
    with clock.step("prove"):
        proof = prove(out / "model", data, stated, settings.target(encoder.width), encoder)
    notes += [choice_note(found, settings.target(encoder.width)), str(proof)]
    results = assemble(
        "demo", {data.name: found, masked_data.name: masked_found}, encoder, settings, clock, notes=tuple(notes)
    )
    results.write(out)
    write_reports(out)
    return "\n".join([console_summary(results), "", str(proof), "", *next_steps(out, proof.dim)])


def prove(folder: Path, data: EncodedPairs, stated: list[Score], dim: int, encoder: Encoder) -> Proof:
    """Load the saved folder with plain sentence-transformers and measure its first `dim` numbers anew.

    Raises: MatryoError if the mean differs from the stated one by more than PROOF_TOLERANCE.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    assert data.pairs is not None and data.task is not None
    (score,) = [s for s in stated if s.dim == dim]
    bf16 = encoder.description["precision"] == "bf16"
    with quiet():
        plain = SentenceTransformer(
            str(folder), truncate_dim=dim, model_kwargs={"dtype": torch.bfloat16} if bf16 else {}, local_files_only=True
        )
    queries, documents = (
        unit_rows(plain.encode([t.text for t in texts], batch_size=32, convert_to_numpy=True).astype(np.float32))
        for texts in (data.task.queries, data.task.documents)
    )
    hits = search_dim(queries, documents, dim, MEASURE.k or len(documents))
    values = evaluate(hits, data.judged, [MEASURE])[MEASURE]
    proof = Proof(dim, score.value, float(values.mean()), float((values == score.per_query).mean()), len(values))
    if abs(proof.found - proof.stated) > PROOF_TOLERANCE:
        raise MatryoError(f"the saved model does not rank as measured ({proof}); report this with {folder}")
    return proof


def next_steps(out: Path, dim: int) -> list[str]:
    """How to do the same with one's own model and texts."""
    return [
        f"report: {out / 'report.html'}",
        f"adapted model: {out / 'model'}, load it with SentenceTransformer({str(out / 'model')!r}, truncate_dim={dim})",
        "",
        "with your own model and texts:",
        "  matryo curve MODEL BEIR-FOLDER --map none --map rotation    how far may this model be cut here?",
        '  matryo adapt MODEL pairs.jsonl --out DIR                    lines {"query": ..., "document": ...}',
        f"  matryo export DIR/model SMALL --dim {dim}                       a model that is cut for keeps",
    ]
