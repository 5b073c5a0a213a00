"""200 synthetic embedding spaces with known truth, for counting the false verdicts of a detector.

Run `python bench/probe_spaces.py` to print what there is, `--audit` to hold the stated truth against brute force,
`--write` to write the digest file. This file stands apart from every detector and was frozen before there was one.

What the truth means:

- privileged: on an infinite sample of the same space, the neighbours (cosine) that a prefix finds agree with those of
  the full width better than the neighbours of a random subset of as many dims do, at most dims below the width, and by
  more than the draw of one random subset explains. The truth follows from how a space is made: an order of dims drawn
  without looking at the content (a random basis, random places, a shuffle) is never privileged, however lucky one draw
  may be; an order by energy or by block of falling content is; the reverse of one is not. `--audit` measures the
  statement as it stands (fresh rows of the same space, many random subsets) and prints every space it contradicts.
- variance_ordered: the dims are the principal axes of the space in falling order, so that no other orthonormal basis
  puts more energy into any prefix; about the origin (a rotation that keeps cosines) or about the mean (textbook PCA).
  The axes may have been fitted on other rows of the same space. Neighbouring dims mixed with each other are not it.

Every space has rows of length 1 before it is quantised. What varies in all families: width 64..1024, 1,500..5,000
rows, a spectrum that falls as a power, clusters of unequal size, a common mean (cone), heavy tails, rounding to float16
or int8 steps, exact and near duplicates. `weak` marks spaces whose effect is small for their n; their truth stands.
"""

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

Array = NDArray[Any]
DIGEST_FILE = Path(__file__).with_suffix(".json")
# family -> number of spaces, privileged, variance-ordered; each privileged space gets a shuffled partner beside these
FAMILIES = {
    "pca": (14, True, True),
    "centred-pca": (8, True, True),
    "head-rotated": (10, True, True),
    "nearly-pca": (12, True, False),
    "nested": (10, True, False),
    "nested-flat": (6, True, False),
    "mild": (10, True, False),
    "isotropic": (20, False, False),
    "outlier": (20, False, False),
    "uneven": (8, False, False),
    "suffix": (12, False, False),
}
WIDTHS = (64, 96, 128, 192, 256, 256, 384, 384, 512, 768, 1024)
NORMAL, LAPLACE, STUDENT = "normal", "laplace", "student"


@dataclass(frozen=True)
class Recipe:
    """Everything a space is made from; the same recipe always gives the same rows.

    `strength` is what the family varies: the tilt of the gains (mild), the ratio of energy per dim between first and
    last block (nested), the factor of the outliers, the angle of the mixing (nearly-pca), the unevenness (uneven).
    """

    name: str
    family: str
    seed: int
    n: int
    width: int
    power: float
    n_clusters: int
    between: float
    mean: float
    tail: str
    rounded: str
    duplicates: float
    strength: float
    variant: str
    shuffled: bool
    privileged: bool
    variance_ordered: bool
    weak: bool


@dataclass(frozen=True)
class SyntheticSpace:
    """One space: its rows (n, width) float32 and its truth."""

    name: str
    family: str
    vectors: Array
    privileged: bool
    variance_ordered: bool
    weak: bool


@dataclass(frozen=True)
class World:
    """What all rows of one space share, in latent coordinates: scale of each axis, cluster centres, mean."""

    scales: Array
    centres: Array
    chances: Array
    mean: Array


def recipes() -> list[Recipe]:
    """The 200 recipes: every family, and a shuffled partner after each privileged space."""
    made = []
    for number, (family, (count, privileged, ordered)) in enumerate(FAMILIES.items()):
        for place in range(count):
            recipe = draw_recipe(family, place, 1000 * (number + 1) + place, privileged, ordered)
            made.append(recipe)
            if privileged:
                name = f"{recipe.name}-shuffled"
                made.append(
                    replace(recipe, name=name, shuffled=True, privileged=False, variance_ordered=False, weak=False)
                )
    return made


def draw_recipe(family: str, place: int, seed: int, privileged: bool, ordered: bool) -> Recipe:
    """One recipe; widths, tails and rounding take turns so that each family meets them all."""
    rng = default_rng([seed, 0])
    tail = (NORMAL, LAPLACE, STUDENT)[int(rng.integers(3))]
    n_clusters = (0, 12, 60, 250)[int(rng.integers(4))]
    strengths = {
        "mild": 0.12 + 0.025 * place,
        "nested": 1.8 * 1.17**place,
        "nested-flat": 0.75 + 0.04 * place,
        "outlier": rng.uniform(3.0, 12.0),
        "nearly-pca": rng.uniform(0.7, 1.5),
        "uneven": rng.uniform(0.15, 0.6),
    }
    variants = {
        "pca": ("fresh rows", "same rows"),
        "centred-pca": ("fresh rows", "same rows"),
        "outlier": ("variance", "mean", "both"),
        "suffix": ("pca", "nested"),
    }
    variant = variants.get(family, ("",))
    recipe = Recipe(
        name=f"{family}-{place:02d}",
        family=family,
        seed=seed,
        n=int(rng.integers(1500, 5001)),
        width=WIDTHS[(place * 4 + int(rng.integers(2))) % len(WIDTHS)],
        power=round(float(rng.uniform(0.5, 1.4)), 3),
        n_clusters=n_clusters,
        between=round(float(rng.uniform(0.2, 0.7)), 3) if n_clusters else 0.0,
        mean=(0.0, 0.3, 0.8, 1.5)[int(rng.integers(4))],
        tail=tail,
        rounded=("no", "no", "float16", "int8")[int(rng.integers(4))],
        duplicates=(0.0, 0.0, 0.02, 0.15)[int(rng.integers(4))],
        strength=round(float(strengths.get(family, 4.0)), 4),
        variant=variant[place % len(variant)],
        shuffled=False,
        privileged=privileged,
        variance_ordered=ordered,
        weak=False,
    )
    return replace(recipe, weak=is_weak(recipe))


def is_weak(recipe: Recipe) -> bool:
    """Too faint a tilt, too few factors' worth of dims, or too few rows to tell the axes of a flat spectrum apart."""
    if recipe.family == "nested-flat":
        return recipe.width < 160
    if recipe.family == "head-rotated":
        return recipe.n < 6 * recipe.width
    return recipe.family == "mild" and recipe.strength < 0.15


def make_spaces() -> Iterator[SyntheticSpace]:
    """The 200 spaces, one at a time, always the same."""
    for recipe in recipes():
        yield make_space(recipe)


def make_space(recipe: Recipe) -> SyntheticSpace:
    """The space of one recipe."""
    rows = make_rows(recipe, recipe.n, 2)
    return SyntheticSpace(
        recipe.name,
        f"{recipe.family}-shuffled" if recipe.shuffled else recipe.family,
        rows,
        recipe.privileged,
        recipe.variance_ordered,
        recipe.weak,
    )


def make_rows(recipe: Recipe, n: int, stream: int) -> Array:
    """n rows (n, width) float32 of the space of a recipe; another `stream` gives other rows of the same space."""
    rng = default_rng([recipe.seed, stream])
    rows = placed_rows(recipe, n, rng)
    rotation = fitted_rotation(recipe, rows)
    if rotation is not None:
        rows = rows @ rotation
    if recipe.family == "suffix":
        rows = rows[:, ::-1]
    if recipe.shuffled:
        rows = rows[:, default_rng([recipe.seed, 5]).permutation(recipe.width)]
    rows = with_duplicates(rows, recipe.duplicates, rng)
    return np.ascontiguousarray(rounded(rows, recipe.rounded), dtype=np.float32)


def draw_world(recipe: Recipe) -> World:
    """Axes, clusters and mean of a space."""
    rng = default_rng([recipe.seed, 1])
    scales = (np.arange(recipe.width) + 3.0) ** (-recipe.power / 2)
    if recipe.family == "head-rotated":
        # training at full width flattens the axes it uses and lets the others fade
        used = max(24, recipe.width // 3)
        scales = np.where(np.arange(recipe.width) < used, scales ** (1 / 3), 0.35 * scales ** (1 / 3))
    scales /= np.linalg.norm(scales)
    centres = rng.standard_normal((max(1, recipe.n_clusters), recipe.width)) * scales
    chances = (np.arange(len(centres)) + 2.0) ** -0.8
    mean = rng.standard_normal(recipe.width)
    return World(scales, centres, chances / chances.sum(), recipe.mean * mean / np.linalg.norm(mean))


def latent_rows(recipe: Recipe, world: World, n: int, rng: Generator) -> Array:
    """Rows in latent coordinates, whose axes fall in energy, with clusters, tails and mean."""
    noise = rng.laplace(size=(n, recipe.width)) / np.sqrt(2) if recipe.tail == LAPLACE else None
    rows = (rng.standard_normal((n, recipe.width)) if noise is None else noise) * world.scales
    if recipe.tail == STUDENT:
        rows *= np.sqrt(4 / rng.chisquare(4, size=(n, 1)))
    if recipe.n_clusters:
        labels = rng.choice(len(world.centres), size=n, p=world.chances)
        rows = np.sqrt(1 - recipe.between) * rows + np.sqrt(recipe.between) * world.centres[labels]
    return rows + world.mean


def placed_rows(recipe: Recipe, n: int, rng: Generator) -> Array:
    """Unit rows in the basis of the family, before any fitted rotation."""
    world = draw_world(recipe)
    basis = default_rng([recipe.seed, 4])
    kind = recipe.variant if recipe.family == "suffix" else recipe.family
    if kind == "nested-flat":
        return unit(flat_nested_rows(recipe, n, rng, basis))
    rows = latent_rows(recipe, world, n, rng)
    if kind == "nested":
        return unit(nested_rows(recipe, rows, world, basis))
    rows = rows @ random_orthogonal(recipe.width, basis)
    if kind == "mild":
        rows *= np.linspace(1 + recipe.strength, 1 - recipe.strength, recipe.width)
    if kind == "uneven":
        rows *= np.exp(recipe.strength * basis.standard_normal(recipe.width))
    if kind == "outlier":
        rows = with_outliers(recipe, rows, basis)
    return unit(rows)


def trained_dims(width: int) -> list[int]:
    """Edges of the blocks of a nested space: 16 or 32, doubled up to the width."""
    edges = [0, 16 if width < 256 else 32]
    while edges[-1] * 2 < width:
        edges.append(edges[-1] * 2)
    return [*edges, width]


def nested_rows(recipe: Recipe, rows: Array, world: World, basis: Generator) -> Array:
    """Blocks of falling energy per dim; inside a block the axes are rotated and every dim has the same variance."""
    edges = trained_dims(recipe.width)
    levels = np.geomspace(recipe.strength, 1.0, len(edges) - 1)
    # white first, so that only block and inner spectrum decide; the centred part alone is scaled, the mean stays
    centred = (rows - world.mean) / world.scales
    out = np.empty_like(rows)
    for level, start, end in zip(levels, edges[:-1], edges[1:], strict=True):
        # the spectrum goes on from block to block: were each to start anew, random dims would gather all their tops
        inner = (np.arange(start, end) + 3.0) ** (-recipe.power / 2)
        turned = inner[:, None] * random_orthogonal(end - start, basis)
        turned /= np.linalg.norm(turned, axis=0)
        out[:, start:end] = np.sqrt(level) * (centred[:, start:end] @ turned)
    scale = np.sqrt((levels * np.diff(edges)).sum())
    return out / scale + world.mean


def flat_nested_rows(recipe: Recipe, n: int, rng: Generator, basis: Generator) -> Array:
    """The same variance in every dim; what the dims share lies in the early blocks, noise of each dim in the late."""
    edges = trained_dims(recipe.width)
    shares = np.repeat(np.linspace(recipe.strength, 0.02, len(edges) - 1), np.diff(edges))
    n_factors = 8 + recipe.seed % 17
    loadings = basis.standard_normal((n_factors, recipe.width))
    loadings /= np.linalg.norm(loadings, axis=0)
    factors = rng.standard_normal((n, n_factors))
    rows = np.sqrt(shares) * (factors @ loadings) + np.sqrt(1 - shares) * rng.standard_normal((n, recipe.width))
    direction = basis.standard_normal(recipe.width)
    return rows + recipe.mean * np.sqrt(recipe.width) * direction / np.linalg.norm(direction)


def with_outliers(recipe: Recipe, rows: Array, basis: Generator) -> Array:
    """One to six dims at random places with a large variance, a large mean, or both."""
    places = basis.choice(recipe.width, size=int(basis.integers(1, 7)), replace=False)
    typical = np.sqrt((1 + recipe.mean**2) / recipe.width)
    if recipe.variant in ("variance", "both"):
        rows[:, places] *= recipe.strength / 2
    if recipe.variant in ("mean", "both"):
        rows[:, places] += recipe.strength * typical * basis.choice([-1.0, 1.0], size=len(places))
    return rows


def fitted_rotation(recipe: Recipe, rows: Array) -> Array | None:
    """Orthogonal (width, width) matrix onto the principal axes, or None for families without one."""
    kind = recipe.variant if recipe.family == "suffix" else recipe.family
    if kind not in ("pca", "centred-pca", "head-rotated", "nearly-pca"):
        return None
    if recipe.variant != "same rows":
        rows = placed_rows(recipe, max(12_000, 12 * recipe.width), default_rng([recipe.seed, 3]))
    if kind == "centred-pca":
        rows = rows - rows.mean(axis=0)
    _, axes = np.linalg.eigh(rows.T @ rows)
    axes = axes[:, ::-1]
    axes = axes * np.where(axes.sum(axis=0) < 0, -1.0, 1.0)
    if kind == "nearly-pca":
        axes = axes @ mixing(recipe, default_rng([recipe.seed, 6]))
    return axes


def mixing(recipe: Recipe, rng: Generator) -> Array:
    """Rotation that mixes runs of 12 to 48 neighbouring dims, each by an angle of about `strength`."""
    matrix = np.eye(recipe.width)
    start = 0
    while start < recipe.width:
        end = min(recipe.width, start + int(rng.integers(12, 49)))
        size = end - start
        draw = rng.standard_normal((size, size))
        skew = recipe.strength * (draw - draw.T) / (2 * np.sqrt(size))
        matrix[start:end, start:end] = np.linalg.solve(np.eye(size) - skew, np.eye(size) + skew)
        start = end
    return matrix


def random_orthogonal(width: int, rng: Generator) -> Array:
    """Orthogonal matrix drawn uniformly."""
    q, r = np.linalg.qr(rng.standard_normal((width, width)))
    return q * np.sign(np.diag(r))


def with_duplicates(rows: Array, share: float, rng: Generator) -> Array:
    """Replace a share of the rows by copies of others, every second copy with a trace of noise."""
    n_copies = int(share * len(rows))
    if not n_copies:
        return rows
    order = rng.permutation(len(rows))
    copies = rows[order[n_copies : 2 * n_copies]].copy()
    copies[::2] += 1e-4 * rng.standard_normal(copies[::2].shape)
    rows = rows.copy()
    rows[order[:n_copies]] = copies
    return unit(rows)


def rounded(rows: Array, how: str) -> Array:
    """Values as float16 or 255 even steps would keep them."""
    if how == "float16":
        return rows.astype(np.float16)
    if how == "int8":
        step = np.abs(rows).max() / 127
        return np.round(rows / step) * step
    return rows


def unit(rows: Array) -> Array:
    """Rows of length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def recipe_digest() -> str:
    """sha256 of all recipes: any change of a parameter or of a stated truth changes it."""
    return hashlib.sha256(json.dumps([asdict(r) for r in recipes()], sort_keys=True).encode()).hexdigest()


def moments(vectors: Array) -> list[float]:
    """Six numbers that change with the rows and hardly with the linear algebra library."""
    x = vectors.astype(np.float64)
    energy = (x**2).mean(axis=0)
    energy /= energy.sum()
    places = np.arange(len(energy)) / len(energy)
    numbers = (
        energy[: len(energy) // 4].sum(),
        (energy * places).sum(),
        energy.max(),
        np.linalg.norm(x.mean(axis=0)),
        np.einsum("ij,ij->i", x[::2][: len(x) // 2], x[1::2][: len(x) // 2]).std(),
        np.abs(x[0]).sum(),
    )
    return [round(float(number), 6) for number in numbers]


def brute_force(recipe: Recipe, n: int = 6000, n_queries: int = 200, n_draws: int = 24, k: int = 10) -> list[float]:
    """The definition, measured on fresh rows: agreement of the prefix minus the mean of random subsets, per dim.

    Returns: for an eighth, a quarter, three eighths and half of the width: the difference in shares of k neighbours
    and its size in standard deviations of the random subsets, one after the other.
    """
    rows = make_rows(replace(recipe, duplicates=0.0), n, 7).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    full = neighbours(rows, n_queries, k)
    rng = default_rng([recipe.seed, 8])
    numbers = []
    for dim in (recipe.width * part // 8 for part in (1, 2, 3, 4)):
        prefix = agreement(full, neighbours(rows[:, :dim], n_queries, k))
        draws = [
            agreement(full, neighbours(rows[:, rng.permutation(recipe.width)[:dim]], n_queries, k))
            for _ in range(n_draws)
        ]
        difference = prefix - float(np.mean(draws))
        numbers += [round(difference, 4), round(difference / max(1e-4, float(np.std(draws))), 1)]
    return numbers


def neighbours(rows: Array, n_queries: int, k: int) -> Array:
    """Rows of the k nearest others (cosine) of the first n_queries rows."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled = rows / np.where(lengths > 0, lengths, 1)
    scores = scaled[:n_queries] @ scaled.T
    scores[np.arange(n_queries), np.arange(n_queries)] = -np.inf
    return np.argpartition(-scores, k, axis=1)[:, :k]


def agreement(a: Array, b: Array) -> float:
    """Mean share of common entries of two (n, k) tables of rows."""
    return float(np.mean([len(np.intersect1d(x, y)) / len(x) for x, y in zip(a, b, strict=True)]))


def energy_shortfall(recipe: Recipe) -> float:
    """Largest energy share by which the best axes beat the prefix at any dim, about the origin or about the mean."""
    rows = make_rows(replace(recipe, duplicates=0.0), 12_000, 7).astype(np.float64)
    gaps = []
    for x in (rows, rows - rows.mean(axis=0)):
        second = x.T @ x
        have, best = np.diag(second), np.linalg.eigvalsh(second)[::-1]
        gaps.append(float((np.cumsum(best) - np.cumsum(have)).max() / have.sum()))
    return min(gaps)


def audit() -> list[str]:
    """One line per space: the stated truth and what brute force finds; `CONTRADICTS` where they differ."""
    lines = []
    for recipe in recipes():
        numbers = brute_force(recipe)
        better = sum(difference > 0 and sds > 2 for difference, sds in zip(numbers[::2], numbers[1::2], strict=True))
        mark = "CONTRADICTS" if (better >= 3) != recipe.privileged else ""
        gap = f"{energy_shortfall(recipe):.4f}" if recipe.privileged else "-"
        lines.append(
            f"{recipe.name:26} n={recipe.n} width={recipe.width:4} {recipe.privileged!s:5} {numbers} {gap} {mark}"
        )
    return lines


def main() -> None:
    """Print the families, audit the truth, or write the digest file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--audit", action="store_true", help="hold the stated truth against brute force")
    parser.add_argument("--write", action="store_true", help="write the digest file")
    arguments = parser.parse_args()
    if arguments.audit:
        print("\n".join(audit()))
    elif arguments.write:
        found = {space.name: moments(space.vectors) for space in make_spaces()}
        text = ",\n  ".join(f"{json.dumps(name)}: {json.dumps(numbers)}" for name, numbers in found.items())
        DIGEST_FILE.write_text(f'{{"recipes": "{recipe_digest()}",\n "moments": {{\n  {text}\n}}}}\n', encoding="utf-8")
    else:
        for family, count in Counter(make.family + "-shuffled" * make.shuffled for make in recipes()).items():
            print(f"{family:24} {count}")
        print(f"{'all':24} {len(recipes())}   recipes {recipe_digest()}")


if __name__ == "__main__":
    main()
