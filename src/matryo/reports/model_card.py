"""The model card of a trained model, README.md of its folder, written from the results of its run and nothing else."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from matryo.errors import MatryoError
from matryo.evaluation.results import RunResults
from matryo.reports.answer import answer, as_trained, full_widths, purpose_of, question_of
from matryo.reports.curve_report import flat
from matryo.reports.curve_table import counted
from matryo.reports.formats import count, number, number_range
from matryo.reports.panels import Panel, Row, panels
from matryo.reports.table import Cell, Column, Table, markdown, markdown_text

_BYTES_PER_NUMBER = 4
# names that stand for a model of the hub, checked by its digest when it is loaded
_HUB_NAMES = {"minilm": "sentence-transformers/all-MiniLM-L6-v2"}
_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def model_card(results: RunResults, arm: str, seed: int, dims: Sequence[int]) -> str:
    """Write the card of one trained model.

    Args:
        results: of the run that trained it; per-query values are not needed.
        arm: that was trained.
        seed: of the training.
        dims: prefix lengths that it trained.

    Returns: Markdown with YAML front matter as the hub of Hugging Face reads it.
    Raises: MatryoError if the run holds no scores of that arm and seed.
    """
    panel = next(iter(panels(results)), None)
    rows = [] if panel is None else [*panel.seed_rows, *panel.rows]
    own = [row for row in rows if row.model == arm and as_trained(row.map)]
    single = next((row for row in own if all(score.seed == seed for score in row.scores.values())), None)
    if panel is None or single is None:
        trained = ", ".join(panel.trained) if panel and panel.trained else "no arm"
        raise MatryoError(
            f"no scores of arm {arm!r}, seed {seed}; the run has {trained} and seeds {list(results.seeds)}"
        )
    mean = next((row for row in own if all((score.n_seeds or 1) > 1 for score in row.scores.values())), None)
    width, nested = panel.dims[-1], len(dims) > 1
    target = results.settings.get("target_dim")
    shown = next((dim for dim in dims if dim == target), min(dims)) if nested else width
    parts = [
        f"---\n{yaml.safe_dump(_front_matter(results, nested), sort_keys=False, allow_unicode=True).rstrip()}\n---",
        f"# {markdown_text(f'{results.run_name}: {arm}')}",
        *_purpose(results),
        markdown_text(_what_it_is(results, arm, seed, sorted(dims), width)),
        "## Use",
        _use(shown, width),
        "## Measured",
        *_measured(results, panel, arm, single, mean, dims),
        *_compared(results, panel),
        "## Training",
        *_training(results, arm, seed),
        "## Limits",
        "\n".join(f"- {markdown_text(limit)}" for limit in _limits(results, panel, nested)),
        "## Versions",
        markdown(_listed("package", flat(results.versions))),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(results: RunResults, nested: bool) -> dict[str, Any]:
    start = str(_part(results.settings, "encoder").get("name", ""))
    base = _HUB_NAMES.get(start, start if _HUB_ID.fullmatch(start) else None)
    facts = {
        "license": results.settings.get("license"),
        "library_name": "sentence-transformers",
        "pipeline_tag": "sentence-similarity",
        "base_model": base,
        "datasets": [results.dataset],
        "tags": [
            "sentence-transformers",
            "sentence-similarity",
            "feature-extraction",
            "dense-retrieval",
            *(["matryoshka"] if nested else []),
        ],
    }
    return {name: value for name, value in facts.items() if value is not None}


def _purpose(results: RunResults) -> list[str]:
    purpose = purpose_of(results)
    return [f"> **{markdown_text(purpose)}**"] if purpose else []


def _what_it_is(results: RunResults, arm: str, seed: int, dims: Sequence[int], width: int) -> str:
    meaning = _part(results.settings, "methods").get(arm)
    start = _part(results.settings, "encoder").get("name")
    said = f"A sentence-transformers model that gives {width} numbers per text"
    if len(dims) > 1:
        said += f"; its first {_enumerated([str(dim) for dim in dims if dim < width])} are an embedding, too"
    said += f". Arm {arm}, seed {seed}, of the run {results.run_name} on {results.dataset}"
    said += f", started from {start}" if start else ""
    return said + (f": {meaning}." if meaning else ".")


def _use(dim: int, width: int) -> str:
    cut = dim < width
    lines = [
        "from sentence_transformers import SentenceTransformer",
        "",
        f'model = SentenceTransformer("FOLDER"{f", truncate_dim={dim}" if cut else ""})',
        'queries = model.encode_query(["a question"], normalize_embeddings=True)',
        'documents = model.encode_document(["a text"], normalize_embeddings=True)',
    ]
    ours = [
        "import matryo",
        "",
        'encoder = matryo.load_encoder("FOLDER")',
        'vectors = encoder.encode(["a text"], "document")',
        *([f"short = matryo.cut(vectors, {dim})  # the first {dim} numbers, brought back to length 1"] if cut else []),
    ]
    parts = ["```python", *lines, "```", ""]
    if cut:
        parts += [
            "`truncate_dim` alone leaves vectors off length 1: normalise after the cut as above, or compare by cosine.",
            "",
        ]
    parts += ["With matryo:", "", "```python", *ours, "```"]
    if cut:
        parts += ["", f"For keeps: `matryo export FOLDER small-model --dim {dim}`."]
    return "\n".join(parts)


def _measured(
    results: RunResults, panel: Panel, arm: str, single: Row, mean: Row | None, dims: Sequence[int]
) -> list[str]:
    columns = ["dims kept", "bytes, float32", "trained at", "this model"]
    columns += [f"mean of {max(s.n_seeds or 1 for s in mean.scores.values())} seeds"] if mean else []
    rows = []
    for dim in reversed(panel.dims):
        cells = [Cell(str(dim)), Cell(count(_BYTES_PER_NUMBER * dim)), Cell("yes" if dim in dims else "no")]
        for row in (single, *([mean] if mean else [])):
            score = row.scores.get(dim)
            cells.append(Cell(number(score.value), number_range(score.low, score.high)) if score else Cell("-"))
        rows.append(cells)
    title = f"{panel.name}, 95 % intervals ({counted(list(single.scores.values()))})"
    said = [markdown(Table.of(title, columns, rows))]
    chosen = _part(_part(results.settings, "chosen"), arm)
    values = _part(chosen, "validation")
    if len(values) > 1:
        found = "; ".join(f"seed {seed}: {number(float(value))}" for seed, value in values.items())
        said.append(f"Chosen by the validation part, never by the queries above: {markdown_text(found)}.")
    return said


def _compared(results: RunResults, panel: Panel) -> list[str]:
    question = question_of(results)
    if question is None or purpose_of(results):
        return []
    widths = full_widths(panel, question)
    said = [f"{answer(panel, question)}.", *([widths] if widths else [])]
    return ["## Against the control", *(markdown_text(f"{sentence}") for sentence in said)]


def _training(results: RunResults, arm: str, seed: int) -> list[str]:
    counts = [(name.replace("_", " "), count(value)) for name, value in _counts(results)]
    settings = flat({**_part(_part(results.settings, "arms"), arm), "seed": seed})
    tables = [_listed("data", counts), _listed("setting", settings)]
    return [markdown(table) for table in tables if table.rows]


def _counts(results: RunResults) -> list[tuple[str, int]]:
    stored = _part(results.settings, "data")
    return [(name, value) for name, value in stored.items() if isinstance(value, int) and not isinstance(value, bool)]


def _limits(results: RunResults, panel: Panel, nested: bool) -> list[str]:
    limits = [f"Measured on {panel.dataset} alone; how far a model may be cut differs from text to text."]
    if purpose_of(results):
        limits.append("The values above show that the parts work together and say nothing about quality.")
    if not nested:
        limits.append("Trained at the full width only: its prefixes are not meant to be used without a rotation.")
    max_tokens = _part(results.settings, "encoder").get("max_tokens")
    if max_tokens:
        limits.append(f"Reads at most {max_tokens} tokens of a text.")
    return [*limits, *results.notes]


def _listed(what: str, pairs: Any) -> Table:
    return Table.of("", [what, Column("value", "left")], [[name, value] for name, value in pairs])


def _part(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A nested object of the settings; empty if the run did not store one."""
    found = settings.get(name)
    return found if isinstance(found, Mapping) else {}


def _enumerated(names: Sequence[str]) -> str:
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
