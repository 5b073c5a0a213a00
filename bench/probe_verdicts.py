"""How often `measure_geometry` is right: on 200 synthetic spaces with known truth, and on real models.

Run `python bench/probe_verdicts.py --out FOLDER`; `--real-only` and `--synthetic-only` run a part, `--sets FOLDER`
keeps the encoded sets of the real models for another run. Every verdict is kept in FOLDER as it comes, so that the same
command goes on where it was; verdicts of another state of the detector's files are not taken over. The synthetic
spaces (probe_spaces.py) were frozen before the detector was fixed; their digest is checked first. A verdict that is
right says what is true; one that says the contrary is wrong; one that leaves it open is undecided, and counts as
neither. Intervals are Wilson's at 95 %.

Real models: what is packaged, a folder of potion weights if `--potion` names one, MiniLM rotated, MiniLM with a head
that was trained at the full width and rotated, and each of them with its dims shuffled. What is expected of a real
model follows from how it was made; where that decides nothing, nothing is counted.
"""

import argparse
import hashlib
import inspect
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from machine import describe
from matryo.data.stdlib import stdlib_pairs
from matryo.encoders import load_encoder
from matryo.evaluation.geometry import measure_geometry
from matryo.experiments.demo import MAX_TOKENS
from matryo.experiments.paired import EncodedPairs, encode_pairs
from matryo.maps import fit_full_head, fit_rotation, random_dims
from matryo.prefix import Array, unit_rows
from matryo.space import Space
from probe_spaces import DIGEST_FILE, make_space, recipe_digest, recipes

Z = 1.959964
QUESTIONS = ("privileged", "variance_ordered")


@dataclass(frozen=True)
class Verdict:
    """What was found of one space, beside the truth; None = undecided, and of a truth: nothing is expected."""

    name: str
    family: str
    n: int
    width: int
    weak: bool
    seconds: float
    privileged: bool | None
    privileged_truth: bool | None
    variance_ordered: bool | None
    variance_ordered_truth: bool | None

    def outcome(self, question: str) -> str | None:
        """right, wrong or undecided; None if nothing is expected."""
        found, truth = getattr(self, question), getattr(self, f"{question}_truth")
        if truth is None:
            return None
        return "undecided" if found is None else "right" if found == truth else "wrong"


def judged(
    name: str, family: str, vectors: Array, privileged: bool | None, ordered: bool | None, weak: bool = False
) -> Verdict:
    """Measure one space with the default settings."""
    started = time.perf_counter()
    found = measure_geometry(vectors)
    taken = round(time.perf_counter() - started, 2)
    return Verdict(
        name, family, *vectors.shape, weak, taken, found.privileged, privileged, found.variance_ordered, ordered
    )


class Kept:
    """Verdicts kept line by line in a file, for as long as the files of the detector stay as they are."""

    def __init__(self, folder: Path | None) -> None:
        """Read what an earlier run of the same detector found."""
        self.detector = detector_digest()
        self._path = None if folder is None else folder / "verdicts.jsonl"
        self.found: dict[str, Verdict] = {}
        if self._path is not None and self._path.exists():
            lines = [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]
            same = [line["verdict"] for line in lines if line["detector"] == self.detector]
            self.found = {one["name"]: Verdict(**one) for one in same}

    def add(self, verdict: Verdict) -> Verdict:
        """Keep one more."""
        print(f"{verdict.name}: {verdict.seconds:.1f} s", file=sys.stderr, flush=True)
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"detector": self.detector, "verdict": asdict(verdict)}) + "\n")
        return verdict


def detector_digest() -> str:
    """sha256 of the detector's files."""
    files = sorted(Path(inspect.getfile(measure_geometry)).parent.glob("geometry*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def synthetic(kept: Kept) -> Iterator[Verdict]:
    """Verdicts on the 200 frozen spaces."""
    frozen = json.loads(DIGEST_FILE.read_text(encoding="utf-8"))["recipes"]
    if recipe_digest() != frozen:
        raise SystemExit(f"the recipes of probe_spaces.py are not those of {DIGEST_FILE.name}: they are frozen")
    for recipe in recipes():
        if recipe.name in kept.found:
            yield kept.found[recipe.name]
            continue
        space = make_space(recipe)
        yield kept.add(
            judged(space.name, space.family, space.vectors, space.privileged, space.variance_ordered, space.weak)
        )


def real(sets: Path, potion: Path | None, n_shuffles: int, kept: Kept) -> Iterator[Verdict]:
    """Verdicts on real models, on the documents of the standard library's pairs."""
    for name, vectors, privileged, ordered in real_spaces(sets, potion):
        forms = [(name, "real", privileged, ordered, vectors.documents)]
        for seed in range(n_shuffles):
            shuffled = random_dims(vectors.space, seed).apply(vectors.documents)
            forms.append((f"{name}, shuffled {seed}", "real, shuffled", False, False, shuffled))
        for called, family, *truth, rows in forms:
            yield kept.found[called] if called in kept.found else kept.add(judged(called, family, rows, *truth))


@dataclass(frozen=True)
class Documents:
    """Vectors of documents in a space."""

    documents: Array
    space: Space


def real_spaces(sets: Path, potion: Path | None) -> Iterator[tuple[str, EncodedPairs | Documents, bool, bool | None]]:
    """Name, vectors, and what is expected: privileged, variance-ordered (None = nothing)."""
    yield "wordllama", encoded("wordllama", sets), True, None
    if potion is not None:
        with tempfile.TemporaryDirectory() as folder:
            widened = with_float_weights(potion, Path(folder) / "potion")
            # its PCA was fitted on token vectors: on vectors of texts, means of these, the best axes have 26 to 44
            # points more energy in some prefix, so that only the token table is in the order of its variance
            yield "potion", encoded(str(widened), sets), True, False
            yield "potion, token vectors", token_vectors(widened), True, True
    minilm = encoded("minilm", sets, MAX_TOKENS)
    yield "minilm", minilm, False, False
    rotation = fit_rotation(minilm.documents, minilm.space)
    yield "minilm, rotated", Documents(rotation.apply(minilm.documents), rotation.target), True, True
    train = minilm.vectors("train")
    others = fit_rotation(train.documents, minilm.space)
    test = minilm.vectors("test").documents
    yield "minilm, rotated on other documents", Documents(others.apply(test), others.target), True, None
    head = fit_full_head(train, minilm.vectors("validation"), minilm.space)
    yield "minilm, head at full width + rotation", Documents(head.apply(minilm.documents), head.target), True, None


def encoded(model: str, sets: Path, max_tokens: int | None = None) -> EncodedPairs:
    """The pairs of the standard library in the space of a model."""
    encoder = load_encoder(model, max_tokens=max_tokens)
    return encode_pairs(stdlib_pairs(), encoder, sets / encoder.name, seed=0, progress=True)[0]


def token_vectors(folder: Path, n: int = 5_000) -> Documents:
    """Vectors of every so many tokens of a static model."""
    table = load_file(folder / "model.safetensors")["embeddings"].numpy()
    some = table[:: max(1, len(table) // n)][:n]
    kept = unit_rows(some[(some != 0).any(axis=1)])
    return Documents(kept, Space.declared("token vectors", kept.shape[1]))


def with_float_weights(folder: Path, out: Path) -> Path:
    """A copy of a static model whose int8 weights are float32: sentence-transformers cannot hold them as they are."""
    out.mkdir(parents=True)
    for path in folder.iterdir():
        if path.is_file() and path.suffix != ".safetensors":
            shutil.copyfile(path, out / path.name)
    weights = {name: tensor.float() for name, tensor in load_file(folder / "model.safetensors").items()}
    save_file(weights, out / "model.safetensors")
    return out


def wilson(n_hits: int, n: int) -> tuple[float, float]:
    """Interval of a share."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = n_hits / n, Z * Z
    middle, half = share + z2 / (2 * n), Z * sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z2 / n)), min(1.0, (middle + half) / (1 + z2 / n))


def table(verdicts: Sequence[Verdict], question: str) -> list[str]:
    """Markdown lines: right, wrong and undecided of each family and of all."""
    rows: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        rows.setdefault(verdict.family, []).append(verdict)
    rows["all"] = list(verdicts)
    if any(verdict.weak for verdict in verdicts):
        rows["all but the weak"] = [verdict for verdict in verdicts if not verdict.weak]
    lines = [f"| {question.replace('_', '-')} | spaces | right | wrong | undecided | share right |"]
    lines.append("|---|---:|---:|---:|---:|---:|")
    for family, some in rows.items():
        outcomes = [outcome for verdict in some if (outcome := verdict.outcome(question))]
        if not outcomes:
            continue
        right, wrong = outcomes.count("right"), outcomes.count("wrong")
        low, high = wilson(right, len(outcomes))
        share = f"{100 * right / len(outcomes):.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
        lines.append(f"| {family} | {len(outcomes)} | {right} | {wrong} | {outcomes.count('undecided')} | {share} |")
    return lines


def shown(verdict: Verdict) -> list[str]:
    """One line for each answer that is not right."""
    lines = []
    for question in QUESTIONS:
        outcome = verdict.outcome(question)
        if outcome not in (None, "right"):
            weak = ", weak" if verdict.weak else ""
            truth = getattr(verdict, f"{question}_truth")
            sizes = f"{verdict.n:,} x {verdict.width}{weak}"
            lines.append(f"- {verdict.name} ({sizes}): {question.replace('_', '-')} {outcome}, the truth is {truth}")
    return lines


def report(parts: dict[str, list[Verdict]], facts: dict[str, str]) -> str:
    """Everything as Markdown."""
    lines = ["# Verdicts on geometry against the truth", ""]
    for title, verdicts in parts.items():
        if not verdicts:
            continue
        taken = [verdict.seconds for verdict in verdicts]
        lines += [f"## {title}", ""]
        for question in QUESTIONS:
            lines += [*table(verdicts, question), ""]
        lines += [f"Seconds per space: {sum(taken) / len(taken):.2f} on average, {max(taken):.2f} at most.", ""]
        misses = [line for verdict in verdicts for line in shown(verdict)]
        lines += [*misses, ""] if misses else []
    return "\n".join([*lines, " · ".join(f"{label} {value}" for label, value in facts.items()), ""])


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for verdicts.json and verdicts.md")
    parser.add_argument("--sets", type=Path, help="folder that keeps the encoded sets of the real models")
    parser.add_argument("--potion", type=Path, help="folder of potion weights")
    parser.add_argument("--shuffles", type=int, default=3, help="shuffles of the dims of each real model")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--real-only", action="store_true")
    parser.add_argument("--synthetic-only", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    kept = Kept(arguments.out)
    facts = {**describe(), "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "not set")}
    facts |= {"spaces": recipe_digest(), "detector": kept.detector}
    parts: dict[str, list[Verdict]] = {"Synthetic spaces": [], "Real models": []}
    if not arguments.real_only:
        parts["Synthetic spaces"] = list(synthetic(kept))
    if not arguments.synthetic_only:
        with tempfile.TemporaryDirectory() as temporary:
            sets = arguments.sets or Path(temporary)
            parts["Real models"] = list(real(sets, arguments.potion, arguments.shuffles, kept))
    text = report(parts, facts)
    print(text)
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "verdicts.md").write_text(text, encoding="utf-8")
        stored = {"facts": facts, "verdicts": [asdict(verdict) for some in parts.values() for verdict in some]}
        (arguments.out / "verdicts.json").write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
