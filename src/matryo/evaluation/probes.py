"""What a fresh classifier can still read from the prefix and from the rest: the domain, and labels of people.

A probe is fitted on people of one part and scored on people of another, because a probe that is scored on those it has
seen finds what it memorised. What a probe does not find may still be there; what it finds is there.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from matryo.data.views import Views
from matryo.errors import MatryoError
from matryo.measures.identity import Columns
from matryo.measures.statistics import bootstrap_mean
from matryo.prefix import Array, cut

Classifier = Literal["linear", "mlp"]
CLASSIFIERS: tuple[Classifier, ...] = ("linear", "mlp")
DOMAIN = "domain"
_N_DRAWS = 1_000


class Part(NamedTuple):
    """A part of a split with the vectors of its texts.

    Attributes:
        views: the texts.
        a: (n, width) float, vectors of the first domain's texts.
        b: (m, width) float, vectors of the second's.
    """

    views: Views
    a: Array
    b: Array


@dataclass(frozen=True)
class Probe:
    """What one classifier reads from some columns.

    Attributes:
        target: "domain" or the name of a label.
        column: "prefix 64", "rest", ...
        classifier: "linear" (logistic regression) or "mlp" (one hidden layer).
        accuracy: share of new texts it names rightly.
        low: lower end of the 95 % interval, people resampled.
        high: upper end.
        majority: share of new texts that have the value most frequent in the fitting part.
        n_fit: texts fitted on.
        n_scored: texts scored.
        n_classes: values in the fitting part; with one there is nothing to fit and the majority is the answer.
    """

    target: str
    column: str
    classifier: str
    accuracy: float
    low: float
    high: float
    majority: float
    n_fit: int
    n_scored: int
    n_classes: int


def probe(x_fit: Array, y_fit: Sequence[str], x_new: Array, *, classifier: Classifier, seed: int) -> NDArray[np.str_]:
    """Fit a fresh classifier and name new rows.

    Args:
        x_fit: (n, d) float.
        y_fit: n values, at least two different ones.
        x_new: (m, d) float.
        classifier: "linear": logistic regression, at most 100 steps; "mlp": 32 hidden units, 30 epochs.
        seed: of the network.

    Returns: m values.
    Raises: MatryoError if there is one value only.
    """
    if len(set(y_fit)) < 2:
        raise MatryoError(f"a probe needs at least two different values, got {set(y_fit)} only; probe something else")
    # scikit-learn takes a second to import, which commands that probe nothing must not wait for
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.preprocessing import StandardScaler

    model: Any = (
        LogisticRegression(max_iter=100, tol=1e-3)
        if classifier == "linear"
        else MLPClassifier(
            (32,), max_iter=30, batch_size=min(100, len(y_fit)), learning_rate_init=3e-3, random_state=seed
        )
    )
    scaler = StandardScaler().fit(x_fit)
    with warnings.catch_warnings():
        # the number of steps is the setting here: a probe that is not at its optimum is still a probe
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(scaler.transform(x_fit), np.asarray(y_fit))
    named: NDArray[np.str_] = model.predict(scaler.transform(x_new))
    return named


def probes(
    fit: Part,
    new: Part,
    columns: Sequence[Columns],
    labels: Sequence[str] = (),
    *,
    classifiers: Sequence[Classifier] = CLASSIFIERS,
    max_people: int = 600,
    seed: int,
) -> tuple[Probe, ...]:
    """Probe columns for the domain and for labels of people.

    Texts of both domains of the same people are taken, cut to the columns and renormalised; every dim is probed.

    Args:
        fit: people to fit on.
        new: people to score; none of them may be in `fit`.
        columns: what to read from.
        labels: names of labels that both domains of both parts know.
        classifiers: which to fit.
        max_people: of each part, chosen at random; both texts of each are taken.
        seed: of the choice and of the networks.

    Raises: MatryoError if a person is in both parts or a label is unknown.
    """
    for first, second in ((fit.views.a, new.views.a), (fit.views.b, new.views.b)):
        shared = sorted(set(first.ids) & set(second.ids))
        if shared:
            raise MatryoError(
                f"a probe must be scored on new people, got {len(shared)} ids of {first.domain} in both parts, "
                f"e.g. {shared[0]}; pass two parts of one split"
            )
    unknown = [name for name in labels for part in (fit, new) if name not in _labels(part.views)]
    if unknown:
        raise MatryoError(f"label {unknown[0]!r} is unknown, got labels {sorted(_labels(new.views))}; name one of them")
    rng = np.random.default_rng(seed)
    rows = [_rows(part.views, max_people, rng) for part in (fit, new)]
    found = []
    for chosen in columns:
        for place, name in enumerate(chosen.names):
            one = Columns((name,), (chosen.dims[place],), chosen.order)
            x_fit, x_new = (_vectors(part, *row, one) for part, row in zip((fit, new), rows, strict=True))
            for target in (DOMAIN, *labels):
                y_fit, y_new = (_values(part, *row, target) for part, row in zip((fit, new), rows, strict=True))
                people = np.concatenate(_people(new, *rows[1]))
                for classifier in classifiers:
                    found.append(_judged(target, name, classifier, (x_fit, y_fit), (x_new, y_new), people, seed))
    return tuple(found)


def _labels(views: Views) -> set[str]:
    return set(views.a.labels) & set(views.b.labels)


def _rows(views: Views, max_people: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of both domains of the same people, one text each, at most `max_people`."""
    people = views.matched
    if len(people) > max_people:
        people = np.sort(rng.choice(people, max_people, replace=False))
    first = []
    for view in (views.a, views.b):
        numbers, rows = np.unique(view.entities, return_index=True)
        first.append(rows[np.searchsorted(numbers, people)])
    return first[0], first[1]


def _people(
    part: Part, rows_a: NDArray[np.int64], rows_b: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return part.views.a.entities[rows_a], part.views.b.entities[rows_b]


def _vectors(part: Part, rows_a: NDArray[np.int64], rows_b: NDArray[np.int64], columns: Columns) -> Array:
    taken = [cut(columns.of(x[rows]), columns.dims[0]) for x, rows in ((part.a, rows_a), (part.b, rows_b))]
    return np.concatenate(taken)


def _values(part: Part, rows_a: NDArray[np.int64], rows_b: NDArray[np.int64], target: str) -> list[str]:
    sides = ((part.views.a, rows_a), (part.views.b, rows_b))
    if target == DOMAIN:
        return [view.domain for view, rows in sides for _ in rows]
    return [view.labels[target][row] for view, rows in sides for row in rows.tolist()]


def _judged(
    target: str,
    column: str,
    classifier: Classifier,
    fit: tuple[Array, list[str]],
    new: tuple[Array, list[str]],
    people: NDArray[np.int64],
    seed: int,
) -> Probe:
    values, counts = np.unique(fit[1], return_counts=True)
    most = str(values[counts.argmax()])
    truth = np.asarray(new[1])
    named = np.full(len(truth), most) if len(values) == 1 else probe(*fit, new[0], classifier=classifier, seed=seed)
    right = bootstrap_mean((named == truth).astype(np.float64), people, n_draws=_N_DRAWS, seed=seed)
    return Probe(
        target=target,
        column=column,
        classifier=classifier,
        accuracy=right.value,
        low=right.low,
        high=right.high,
        majority=float((truth == most).mean()),
        n_fit=len(fit[1]),
        n_scored=len(truth),
        n_classes=len(values),
    )
