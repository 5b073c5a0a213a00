"""Whole training steps of MiniLM on real pairs: ours against the trainer of sentence-transformers with MatryoshkaLoss.

    python bench/train_step.py                      # batch 64, 128 tokens, 4 dims
    python bench/train_step.py --cached             # batch 2,048 with gradient caching, 64 tokens
    python bench/train_step.py --quality            # one epoch each: is what is learned the same?

Every side runs in a process of its own, sides take turns, and a step is timed from its beginning to the next one's:
tokenising, both passes, clipping, the optimiser. The first steps are left out. Texts are the standard library's
docstrings and sources.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from machine import print_header

DIMS = (48, 96, 192, 384)
# side -> precision, tokens per pack
OURS = {"ours, bf16": ("bf16", None), "ours, bf16, no packs": ("bf16", 0), "ours, fp32": ("fp32", None)}
THEIRS = {"theirs, as it comes (fp32)": "fp32", "theirs, bf16": "bf16"}
PLAIN = (*THEIRS, *OURS)
CACHED = ("theirs, bf16", "ours, bf16")


def main() -> None:
    """Run the sides in turns and print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--steps", type=int, help="timed steps per run, or with --quality all of them; default 6, 1, one epoch"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, help="default 64, with --cached 2048")
    parser.add_argument("--tokens", type=int, help="default 128, with --cached 64")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--mini-batch", type=int, default=32, help="theirs, with --cached")
    parser.add_argument("--cached", action="store_true")
    parser.add_argument("--quality", action="store_true")
    parser.add_argument("--side", choices=PLAIN, help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.batch = options.batch or (2048 if options.cached else 64)
    options.tokens = options.tokens or (64 if options.cached else 128)
    if not options.quality:
        options.steps = options.steps or (1 if options.cached else 6)
    if options.side:
        print(json.dumps(_one_side(options)))
        return
    torch.set_num_threads(options.threads)
    print_header(precision="see each side")
    print(f"batch {options.batch}, {options.tokens} tokens, dims {DIMS}, median over {options.rounds} rounds in turns")
    sides = CACHED if options.cached else PLAIN
    if options.quality:
        _print_quality({side: _in_a_process(side) for side in ("theirs, bf16", "ours, bf16")})
        return
    seconds: dict[str, list[float]] = {side: [] for side in sides}
    memory: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(options.rounds):
        for side in sides:
            found = _in_a_process(side)
            seconds[side] += found["seconds"]
            memory[side].append(found["peak_gib"])
    mine = statistics.median(seconds["ours, bf16"])
    for side in sides:
        middle = statistics.median(seconds[side])
        print(
            f"{side:28} {middle:7.2f} s a step ({min(seconds[side]):.2f}-{max(seconds[side]):.2f}), "
            f"{middle / mine:.2f} times ours in bf16, peak {max(memory[side]):.2f} GiB"
        )


def _in_a_process(side: str) -> dict[str, Any]:
    done = subprocess.run([sys.executable, *sys.argv, "--side", side], check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _one_side(options: argparse.Namespace) -> dict[str, Any]:
    """Train once; step times without the first ones, peak memory, and with --quality the curve of what was trained."""
    torch.set_num_threads(options.threads)
    from matryo.data.split import split_groups
    from matryo.data.stdlib import stdlib_pairs
    from matryo.encoders.start import write_start
    from matryo.experiments.paired import SHARES
    from matryo.training.rows import training_rows

    pairs = stdlib_pairs()
    parts = split_groups(pairs.groups, SHARES, 0)
    chosen = parts["train"] if options.quality else range(len(pairs))
    rows = training_rows(pairs.take(chosen).to_retrieval())
    warm = 0 if options.cached or options.quality else 2
    steps = options.steps if options.quality else warm + options.steps + (1 if options.cached else 0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        start = write_start("minilm", folder / "start", max_tokens=options.tokens, projection=None, normalize=True)
        train = _ours if options.side in OURS else _theirs
        marks: list[float] = []
        model = train(options, rows, start, folder, steps, marks)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        seconds = [b - a for a, b in pairwise(marks)][warm:]
        found: dict[str, Any] = {"seconds": seconds, "peak_gib": peak}
        if options.quality:
            found["curve"] = _curve(model, pairs.to_retrieval(parts["test"].tolist()))
    return found


def _clock(marks: list[float]) -> Any:
    from transformers import TrainerCallback

    class Clock(TrainerCallback):
        """Notes when each step begins, and the end."""

        def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
            """The first step begins with reading its batch."""
            marks.append(time.perf_counter())

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            """One step is done."""
            marks.append(time.perf_counter())

    return Clock()


def _arguments(options: argparse.Namespace, folder: Path, steps: int | None, precision: str) -> Any:
    from sentence_transformers import SentenceTransformerTrainingArguments

    return SentenceTransformerTrainingArguments(
        output_dir=str(folder / "out"),
        per_device_train_batch_size=options.batch,
        max_steps=steps or -1,
        num_train_epochs=1,
        learning_rate=2e-5,
        weight_decay=0.01,
        warmup_steps=0.1,
        bf16=precision == "bf16",
        use_cpu=True,
        seed=0,
        data_seed=0,
        disable_tqdm=True,
        report_to="none",
        save_strategy="no",
        logging_strategy="no",
    )


def _theirs(options: argparse.Namespace, rows: Any, start: Path, folder: Path, steps: Any, marks: list[float]) -> Any:
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer, losses

    model = SentenceTransformer(str(start), device="cpu")
    inner = (
        losses.CachedMultipleNegativesRankingLoss(model, mini_batch_size=options.mini_batch)
        if options.cached
        else losses.MultipleNegativesRankingLoss(model)
    )
    SentenceTransformerTrainer(
        model=model,
        args=_arguments(options, folder, steps, THEIRS[options.side]),
        train_dataset=Dataset.from_dict({"anchor": rows.queries, "positive": rows.documents}),
        loss=losses.MatryoshkaLoss(model, inner, list(reversed(DIMS))),
        callbacks=[_clock(marks)],
    ).train()
    return model


def _ours(options: argparse.Namespace, rows: Any, start: Path, folder: Path, steps: Any, marks: list[float]) -> Any:
    from matryo.encoders import load_encoder
    from matryo.training.methods import METHODS, Arm
    from matryo.training.objective import Objective
    from matryo.training.settings import TrainSettings
    from matryo.training.trainer import PrefixTrainer

    precision, pack_tokens = OURS[options.side]
    encoder = load_encoder(start, device="cpu")
    settings = TrainSettings(batch_size=options.batch, pack_tokens=pack_tokens, gradient_caching=options.cached)
    arm = Arm("matryoshka", METHODS["matryoshka"], DIMS, settings)
    PrefixTrainer(
        model=encoder.model,
        args=_arguments(options, folder, steps, precision),
        train_dataset=rows.dataset(),
        objective=Objective(encoder.model, arm, encoder.width, seed=0, bf16=precision == "bf16"),
        callbacks=[_clock(marks)],
    ).train()
    return encoder.model


def _curve(model: Any, task: Any) -> dict[str, tuple[float, float, float]]:
    from matryo.encoders import ModelEncoder
    from matryo.evaluation.curve import retrieval_curve
    from matryo.measures.judged import judge
    from matryo.measures.measure import Measure

    encoder = ModelEncoder(model.eval(), name="trained", device="cpu")
    documents = encoder.encode([text.text for text in task.documents])
    queries = encoder.encode([text.text for text in task.queries], "query")
    judged = judge(task.judgements, task.queries.ids(), task.documents.ids())
    scores = retrieval_curve(
        queries, documents, judged, DIMS, [Measure("MRR", 10)], groups=task.groups, dataset="stdlib", model="trained"
    )
    return {str(score.dim): (score.value, score.low, score.high) for score in scores}


def _print_quality(found: dict[str, dict[str, Any]]) -> None:
    for side, result in found.items():
        seconds = statistics.median(result["seconds"])
        curve = ", ".join(f"{dim}: {v:.3f} [{lo:.3f}, {hi:.3f}]" for dim, (v, lo, hi) in result["curve"].items())
        print(f"{side:28} {len(result['seconds'])} steps, {seconds:.2f} s a step; MRR@10 at {curve}")


if __name__ == "__main__":
    main()
