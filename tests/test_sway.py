"""Predicted gains: by hand, and against the simulated judge's real win rate."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.special import expit

from dissection.dataset import PairDataset
from dissection.errors import InputError, UnknownNameError
from dissection.judges import DATA_FOLDER, Judge
from dissection.properties import Property
from dissection.readers import open_dataset
from dissection.regression.model import PAPER
from dissection.simulate import draw_verdicts
from dissection.sway.basis import Basis, basis
from dissection.sway.changes import Change, moves, seen_from
from dissection.sway.gains import DRAWS, GAIN_COLUMNS, best_changes, cumulative, predicted_gain, single_changes
from dissection.sway.liked import liked
from dissection.sway.study import ranked, study
from tests.conftest import make_dataset

SEEDS = 50
# Of 50 intervals of 95 %, fewer than 43 holding is a matter of 1 in 1,000.
LEAST_HELD = 43


def all_rows(dataset: PairDataset) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    return np.arange(len(dataset))


def certain(dataset: PairDataset, weights: list[float]) -> Basis:
    """A fit that knows the weights and no position bias."""
    found = basis(dataset, dataset.judge_names[0], model=PAPER)
    mean, d = np.array(weights), len(weights)
    posterior = dataclasses.replace(found.posterior, mean=mean, low=mean, high=mean, sd=np.zeros(d), covariance=np.zeros((d, d)))
    return dataclasses.replace(found, posterior=posterior)


def scored() -> PairDataset:
    """Two properties: of the first, scores 0 to 3; of the second, comparisons alone. Models x and y in turn."""
    dataset = make_dataset(4, 2, {"one": [1.0, 1.0]}, scenarios=("All",))
    scores = np.full((4, 2, 2), np.nan)
    scores[:, 0] = [[1, 2], [3, 3], [0, 0], [3, 1]]
    comparisons = np.array([[-1.0, -1.0], [0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    pairs = dataset.pairs.assign(model_a=["x", "x", "y", "y"], model_b=["y", "y", "x", "y"])
    return dataclasses.replace(dataset, scores=scores, comparisons=comparisons, pairs=pairs)


# --- Changes and win rates, by hand -----------------------------------------------------------------------------------------------


def test_moves_by_scores_and_by_comparisons() -> None:
    sides = seen_from(scored(), np.arange(4), "x")
    assert sides.comparisons[:3].tolist() == [[-1, -1], [0, 0], [0, -1]], "the third pair is turned"
    # Scores of 2 or less lose somewhere (only 1 did here, and 2 won), so the best beats 0 and 1 and equals the rest.
    assert seen_from(scored(), np.arange(4)).losing.tolist()[0] == 1
    assert moves(sides, 0, more=True)[:3].tolist() == [1, 0, 1]
    assert moves(sides, 1, more=True)[:3].tolist() == [1, 1, 1]
    assert moves(sides, 1, more=False)[:3].tolist() == [0, -1, 0]
    # 2 is the lowest score that won: against it and more, the worst loses; against less it equals.
    assert moves(sides, 0, more=False)[:3].tolist() == [0, -1, 0]


def test_both_sides_stand_for_the_model_where_none_is_named() -> None:
    sides = seen_from(scored(), np.arange(4))
    assert sides.both
    np.testing.assert_array_equal(sides.comparisons[4:], -sides.comparisons[:4])
    for more in (True, False):
        for place in (0, 1):
            move = moves(sides, place, more=more)
            assert (np.abs(sides.comparisons[:, place] + move) <= 1).all()
            assert ((move >= 0) if more else (move <= 0)).all()


def test_counts_that_are_better_when_lower_are_turned() -> None:
    dataset = make_dataset(4, 1, {"one": [1.0]}, scenarios=("All",))
    scores = np.array([[[2.0, 0.0]], [[0.0, 1.0]], [[1.0, 1.0]], [[0.0, 0.0]]])
    found = dataclasses.replace(dataset, scores=scores, comparisons=np.array([[-1.0], [1.0], [0.0], [0.0]]))
    # A's errors go away: it beats 1 error, and equals an answer without any.
    assert moves(seen_from(found, np.arange(4)), 0, more=True)[:4].tolist() == [1, 0, 1, 0]


def test_a_property_of_some_queries_changes_only_there() -> None:
    dataset = make_dataset(6, 1, {"one": [1.0]}, conditions={"express_feeling": np.arange(6) < 2})
    dataset = dataclasses.replace(dataset, properties=(Property("empathetic"),), comparisons=np.zeros((6, 1)))
    assert moves(seen_from(dataset, np.arange(6)), 0, more=True)[:6].tolist() == [1, 1, 0, 0, 0, 0]


def test_win_rates_by_brute_force() -> None:
    dataset = scored()
    gains = predicted_gain(dataset, certain(dataset, [0.8, -0.5]), [(Change("p0", True),), (Change("p0", True), Change("p1", False))], "x")
    now = 100 * np.mean([expit(-0.8 + 0.5), expit(0.0), expit(0.5)])
    first = 100 * np.mean([expit(0.0 + 0.5), expit(0.0), expit(0.8 + 0.5)])
    second = 100 * np.mean([expit(0.0 + 0.5), expit(0.5), expit(0.8 + 0.5)])
    assert gains.now[0] == pytest.approx(now)
    assert gains.table["rate"].tolist() == pytest.approx([first, second])
    assert gains.table["gain"].tolist() == pytest.approx([first - now, second - now])
    assert gains.table["changed"].tolist() == pytest.approx([200 / 3, 100])
    assert gains.table["each"].tolist() == pytest.approx([(first - now) * 1.5, second - now])
    assert (gains.n, gains.of, gains.without) == (3, 3, 1), "y against y is no pair of x"
    labels = dataset.labels[:3, 0]
    assert gains.observed == pytest.approx(100 * np.mean([labels[0], labels[1], 1 - labels[2]]))


def test_the_position_counts_in_both_orders() -> None:
    dataset = make_dataset(40, 1, {"one": [1.0]}, scenarios=("All",), position_bias=2.0, both_orders=True)
    found = basis(dataset, "one")
    bias = dataclasses.replace(found.posterior.position_bias, mean=2.0, low=2.0, high=2.0)  # type: ignore[type-var]
    sure = certain(dataset, [1.0])
    gains = predicted_gain(
        dataset, dataclasses.replace(sure, posterior=dataclasses.replace(sure.posterior, position_bias=bias)), [(Change("p0", True),)]
    )
    phi = np.concatenate([dataset.comparisons[:, 0], -dataset.comparisons[:, 0]])
    after = np.minimum(phi + 1, 1)
    assert gains.table["rate"].iloc[0] == pytest.approx(100 * np.mean([expit(after + 2), expit(after - 2)]))
    assert gains.now == pytest.approx((50, 50, 50))


def test_gain_and_loss_mirror_each_other_where_only_comparisons_are_known() -> None:
    dataset = make_dataset(200, 3)
    gains = predicted_gain(dataset, basis(dataset, "one"), single_changes(dataset))
    assert tuple(gains.table.columns) == GAIN_COLUMNS
    more, less = (gains.table.iloc[start::2] for start in (0, 1))
    np.testing.assert_allclose(more["gain"].to_numpy(), -less["gain"].to_numpy(), atol=1e-9)
    assert gains.table["each"].between(-100, 100).all()
    assert (gains.table["fresh_high"] - gains.table["fresh_low"] > 0).all()


# --- Against the simulated judge --------------------------------------------------------------------------------------------------


def test_the_gain_of_a_liked_property_holds_the_judges_real_win_rate() -> None:
    """Four of the demo's scenarios; the judge's verdicts are drawn anew with each seed, from the tastes that were planted in each."""
    demo = open_dataset(DATA_FOLDER / "demo.jsonl.gz").without_judges({"human"})
    truth = json.loads((DATA_FOLDER / "demo_truth.json").read_text())
    judge = "aspen-70b"
    tastes = np.array([truth["tastes"][judge][scenario] for scenario in demo.pairs["scenario"]])
    bias, place, n = truth["position_bias"][judge], demo.property_names.index("rich information"), len(demo)
    assert tastes[:, place].mean() > 0.5, "it is liked"
    groups = [group.name for group in demo.scenarios[:4]]
    within = demo.pairs["scenario"].isin(groups).to_numpy()
    # Every second pair gets the property on its side A, every other on B: facts as rich as they come (3 of 3).
    side_a = np.arange(n) % 2 == 0
    other = np.where(side_a, demo.scores[:, place, 1], demo.scores[:, place, 0])
    ours = np.where(side_a[:, None], demo.comparisons, -demo.comparisons)
    ours[:, place] = other < 3
    worth = (ours * tastes).sum(axis=1)
    expected, fresh = [], []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        verdicts = np.full((n, 1, 2), np.nan)
        verdicts[:, 0, 0] = draw_verdicts(np.column_stack([(demo.comparisons * tastes).sum(axis=1)]), np.ones(1), rng, bias)
        dataset = dataclasses.replace(demo, judges=(Judge(judge),), verdicts=verdicts)
        row = predicted_gain(dataset, basis(dataset, judge, groups), [(Change("rich information", True),)], seed=seed).table.iloc[0]
        first = np.where(rng.random(n) < 0.5, bias, -bias)
        won = 100 * draw_verdicts(np.column_stack([worth + first]), np.ones(1), rng)[within].mean()
        real = 50 * (expit(worth + bias) + expit(worth - bias))[within].mean()
        expected.append(bool(row["rate_low"] <= real <= row["rate_high"] and row["low"] <= real - 50 <= row["high"]))
        fresh.append(bool(row["fresh_low"] <= won <= row["fresh_high"]))
    assert sum(fresh) >= LEAST_HELD, f"{sum(fresh)} of {SEEDS} observed win rates are inside"
    assert sum(expected) >= LEAST_HELD, f"{sum(expected)} of {SEEDS} expected win rates are inside"
    assert row["fresh_high"] - row["fresh_low"] < 12, "an interval that says something"


# --- Likes, rankings, and what is refused -----------------------------------------------------------------------------------------


def test_likes_and_the_best_changes() -> None:
    dataset = make_dataset(1200, 4, {"one": [1.0, -0.8, 0.0, 0.4]})
    found = study(dataset, "one", top=3)
    assert found.liked["property"].tolist()[:1] + found.liked["property"].tolist()[-1:] == ["p0", "p1"]
    assert found.liked.iloc[0]["direction"] > 0.999
    assert found.liked["n"].eq(1200).all()
    assert found.changes["liked"] == [Change("p0", True), Change("p1", False), Change("p3", True)]
    assert found.changes["disliked"] == [Change("p0", False), Change("p1", True), Change("p3", False)]
    together = found.together["liked"]
    assert together is not None
    assert together.table["gain"].is_monotonic_increasing
    assert together.table["together"].tolist() == [1, 2, 3]
    most = ranked(found.singles)
    assert most["each"].is_monotonic_decreasing
    assert most.iloc[0]["change"] == "p0 ↑"


def test_nothing_is_proposed_that_is_not_told_from_noise() -> None:
    dataset = make_dataset(80, 3, {"coin": [0.0, 0.0, 0.0]}, seed=5)
    singles = predicted_gain(dataset, basis(dataset, "coin"), single_changes(dataset))
    assert not singles.table["discovery"].any()
    assert best_changes(singles, single_changes(dataset), 3) == []
    assert study(dataset, "coin").together == {"liked": None, "disliked": None}


def test_groups_are_taken_together() -> None:
    dataset = make_dataset(300, 2, scenarios=("Code", "Advice", "Exam"), conditions={"hard": np.arange(300) < 30})
    found = basis(dataset, "one", ["Code", "hard"])
    assert int(found.members.sum()) == found.posterior.n == 120
    assert liked(dataset, [found.posterior])["n"].iloc[0] == 120
    assert predicted_gain(dataset, found, [(Change("p0", True),)]).n == 120


def test_draws_are_the_same_for_the_same_seed() -> None:
    dataset = make_dataset(100, 2)
    one, again, other = (
        predicted_gain(dataset, basis(dataset, "one"), list(cumulative([Change("p0", True)])), seed=seed) for seed in (0, 0, 1)
    )
    assert one.table.equals(again.table)
    assert not one.table.equals(other.table)
    assert DRAWS >= 400


@pytest.mark.parametrize(
    ("changes", "model", "words"),
    [
        ([(Change("nothing", True),)], None, "no property named 'nothing'"),
        ([(Change("p0", True), Change("p0", False))], None, "changed twice at once"),
        ([(Change("p0", True),)], "nobody", "No answer is of 'nobody'"),
    ],
)
def test_what_can_not_be_predicted_is_said(changes: list[tuple[Change, ...]], model: str | None, words: str) -> None:
    dataset = scored()
    with pytest.raises(InputError, match=words):
        predicted_gain(dataset, certain(dataset, [1.0, 1.0]), changes, model)


def test_bad_wishes_of_a_study() -> None:
    dataset = make_dataset(60, 2)
    with pytest.raises(InputError, match="The number of changes is 0"):
        study(dataset, "one", top=0)
    with pytest.raises(UnknownNameError, match="no judge named 'nobody'"):
        study(dataset, "nobody")
    silent = dataclasses.replace(dataset, verdicts=np.full(dataset.verdicts.shape, np.nan))
    with pytest.raises(InputError, match="no verdicts"):
        study(silent, "one")
    with pytest.raises(InputError, match="no properties"):
        study(make_dataset(d=0, weights={"one": []}), "one")
