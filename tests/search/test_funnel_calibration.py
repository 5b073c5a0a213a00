import numpy as np
import pytest

from matryo.errors import MatryoError, ShapeError
from matryo.search.funnel import FunnelIndex
from matryo.search.funnel_calibration import calibrate, choose_sizes, neighbour_ranks, neighbours_of
from matryo.search.funnel_plan import FunnelPlan, Stage
from matryo.space import Space

WIDTH = 32
RAW = Space("declared:funnel", WIDTH, normalize=False)


def falling(n: int, rng: np.random.Generator) -> np.ndarray:
    """Rows whose energy falls from column to column, as after a rotation."""
    return (rng.standard_normal((n, WIDTH)) * 0.88 ** np.arange(WIDTH)).astype(np.float32)


@pytest.fixture
def index(rng: np.random.Generator) -> FunnelIndex:
    return FunnelIndex.build(falling(1500, rng), space=RAW, dims=(8, 16), scan="bfloat16")


def test_the_plan_keeps_its_promise_on_other_queries(index: FunnelIndex, rng: np.random.Generator) -> None:
    plan = calibrate(index, falling(300, rng), 10, recall=0.9)
    assert plan.recall_lower >= 0.9 and plan.n == 225 and (plan.k, plan.confidence) == (10, 0.95)
    assert [stage.dim for stage in plan.stages] == [8, 16]
    assert plan.stages[0].shortlist < 700  # worth having
    others = falling(300, rng)
    found, truth = index.with_plan(plan).search(others, 10), index.search(others, 10)
    shares = [len(np.intersect1d(a, b)) / 10 for a, b in zip(found.rows, truth.rows, strict=True)]
    assert 0.9 <= np.mean(shares)


def test_more_recall_needs_longer_shortlists(index: FunnelIndex, rng: np.random.Generator) -> None:
    queries = falling(300, rng)
    loose, strict = (calibrate(index, queries, 5, recall, seed=3) for recall in (0.6, 0.95))
    assert loose.stages[0].shortlist < strict.stages[0].shortlist
    assert calibrate(index.with_plan(loose), queries, 5, 0.95, seed=3) == strict


@pytest.mark.parametrize("seed", [0, 1])
def test_the_promise_holds_as_often_as_stated(seed: int) -> None:
    """Ranks drawn from a known distribution, so that the true recall of any sizes is known exactly."""
    rng = np.random.default_rng(seed)
    n_rows, k, recall, confidence = 10_000, 5, 0.95, 0.8
    # queries differ: a hard one has long ranks at every stage
    hardness = [1.0, 4.0, 40.0]
    weight = [0.7, 0.25, 0.05]

    def true_recall(sizes: tuple[int, ...]) -> float:
        kept = [
            np.prod([1.0 - 0.5 ** (s / (h * scale)) for s, scale in zip(sizes, (20, 4), strict=True)]) for h in hardness
        ]
        return float(np.dot(weight, kept))

    broken, repeats = 0, 100
    for draw in range(repeats):
        hard = rng.choice(hardness, 400, p=weight)[:, None, None]
        ranks = np.ceil(-np.log2(1.0 - rng.random((400, k, 2))) * hard * np.array([20, 4])).astype(np.int64)
        chosen = choose_sizes(np.minimum(ranks, n_rows), n_rows, recall, confidence, seed=draw)
        broken += true_recall(chosen.sizes) < recall
        assert chosen.sizes[0] < n_rows
    assert broken / repeats <= 1.0 - confidence


def test_places_among_all_rows(index: FunnelIndex, rng: np.random.Generator) -> None:
    queries = falling(7, rng)
    asked = index.asked(queries)
    rows = rng.integers(0, index.n_rows, (7, 3))
    places = neighbour_ranks(index.parts, asked, rows)
    assert places.shape == (7, 3, 2)
    stored = index.parts.rows.read(slice(None), 0, WIDTH)
    scanned = index.parts.scan.codes.float().numpy()
    for at, query in enumerate(asked.narrow):
        first = scanned @ query[:8]
        for i, scores in enumerate((first, first + stored[:, 8:16] @ query[8:16])):
            order = np.lexsort((np.arange(len(scores)), -scores))
            expected = [int(np.flatnonzero(order == row)[0]) + 1 for row in rows[at]]
            np.testing.assert_allclose(places[at, :, i], expected, atol=1)  # nearly equal scores may change places


def test_duplicates_take_neighbouring_places() -> None:
    documents = np.tile(np.eye(4, WIDTH, dtype=np.float32), (3, 1))
    index = FunnelIndex.build(documents, space=RAW, dims=(2,))
    places = neighbour_ranks(index.parts, index.asked(documents[:1]), np.array([[0, 4, 8, 1]]))
    assert places[0, :, 0].tolist() == [1, 2, 3, 4]


def test_what_cannot_be_promised_is_refused(index: FunnelIndex, rng: np.random.Generator) -> None:
    queries = falling(100, rng)
    with pytest.raises(MatryoError, match=r"recall 0\.99 at confidence 0\.95 needs at least 552 queries, got 100"):
        calibrate(index, queries, 10, 0.99)
    for wrong in (0.0, 1.0, 99.0):
        with pytest.raises(MatryoError, match="between 0 and 1"):
            calibrate(index, queries, 10, wrong)
    with pytest.raises(MatryoError, match="k must be at least 1"):
        calibrate(index, queries, 0, 0.9)
    with pytest.raises(ShapeError, match="as wide as"):
        calibrate(index, queries[:, :8], 10, 0.9)
    single = FunnelIndex.build(queries, space=RAW, dims=(WIDTH,))
    with pytest.raises(MatryoError, match="a dim below the width"):
        calibrate(single, queries, 10, 0.9)
    nothing = FunnelIndex.build(np.empty((0, WIDTH), dtype=np.float32), space=RAW)
    with pytest.raises(MatryoError, match="got 0 rows"):
        calibrate(nothing, queries, 10, 0.9)


def test_a_row_that_stands_in_for_a_query_is_none_of_its_neighbours(rng: np.random.Generator) -> None:
    documents = falling(400, rng)
    documents[300:] = documents[:100]  # the copy of a query is a neighbour, the query itself is not
    index = FunnelIndex.build(documents, space=RAW, dims=(8,))
    own = np.arange(100)
    found = neighbours_of(index, documents[:100], 5, own)
    every = index.search(documents[:100], 400).rows
    for row, others in zip(own, found, strict=True):
        assert others.tolist() == [other for other in every[row] if other != row][:5]
    with_copies = calibrate(index, documents[:100], 5, 0.9, own_rows=own)
    assert with_copies.recall_lower >= 0.9 and with_copies.k == 5


def test_many_copies_push_the_own_row_out(rng: np.random.Generator) -> None:
    documents = np.repeat(falling(2, rng), 20, axis=0)
    index = FunnelIndex.build(documents, space=RAW, dims=(8,))
    assert neighbours_of(index, documents[[19, 0]], 3, np.array([19, 0])).tolist() == [[0, 1, 2], [1, 2, 3]]


@pytest.mark.parametrize("own", [np.array([0]), np.array([[0], [1]]), np.array([0, 400]), np.array([-1, 0])])
def test_own_rows_that_do_not_fit_are_refused(index: FunnelIndex, rng: np.random.Generator, own: np.ndarray) -> None:
    with pytest.raises(MatryoError, match="own_rows must name one row"):
        neighbours_of(index, falling(2, rng), 3, np.where(own == 400, index.n_rows, own))


def test_a_single_row_has_no_neighbours(rng: np.random.Generator) -> None:
    documents = falling(1, rng)
    with pytest.raises(MatryoError, match="needs other rows"):
        neighbours_of(FunnelIndex.build(documents, space=RAW, dims=(8,)), documents, 3, np.array([0]))


def test_k_beyond_the_rows_keeps_all(rng: np.random.Generator) -> None:
    index = FunnelIndex.build(falling(6, rng), space=RAW, dims=(8,))
    plan = calibrate(index, falling(100, rng), 50, 0.9)
    assert plan == FunnelPlan((Stage(8, 6),), 6, 0.9, plan.recall_lower, 0.95, 75)


def test_a_plan_is_printed_as_its_stages() -> None:
    plan = FunnelPlan((Stage(8, 40), Stage(16, 20)), 10, 0.9, 0.91, 0.95, 225)
    assert str(plan) == "40@8 -> 20@16"
    assert FunnelPlan.from_json(plan.to_json()) == plan


@pytest.mark.parametrize("sizes", [(20, 40), (40, 9), ()])
def test_plans_that_cannot_work_are_refused(sizes: tuple[int, ...]) -> None:
    with pytest.raises(MatryoError, match="falling shortlists"):
        FunnelPlan(tuple(Stage(8 * (i + 1), size) for i, size in enumerate(sizes)), 10, 0.9, 0.9, 0.95, 100)
