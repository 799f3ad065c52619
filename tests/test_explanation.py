"""What each property adds to a prediction."""

import dataclasses

import numpy as np
import pytest

from dissection.errors import InputError
from dissection.explanation import (
    POSITION,
    contributions,
    explain,
    predicted_interval,
    predictions_frame,
    shown_order,
    turning_point,
    weight_draws,
    what_if,
)
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import PAPER
from dissection.regression.posterior import Posterior, probability, unknown_posterior
from dissection.shapley import shapley
from tests.conftest import make_dataset
from tests.test_readers import WEIGHTS


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return fit(make_dataset(n=200, d=4, scenarios=("All",), position_bias=0.5, both_orders=True), judges=["one"])[0]


@pytest.mark.parametrize("order", [1.0, -1.0, 0.0])
@pytest.mark.parametrize("comparison", [[1, -1, 0, 1], [0, 0, 0, 0], [0.5, -2.5, 1, 0]])
def test_contributions_sum_to_the_prediction(posterior: Posterior, comparison: list[float], order: float) -> None:
    phi = np.array(comparison, dtype=float)
    frame = contributions(posterior, phi, order)
    assert posterior.position_bias is not None
    assert frame["contribution"].sum() == pytest.approx(posterior.mean @ phi + order * posterior.position_bias.mean, abs=1e-12)
    np.testing.assert_allclose(frame["contribution"][:4], posterior.mean * phi)
    assert list(frame["property"]) == [*posterior.properties] + ([POSITION] if order else [])


def test_ends_enclose_and_turn_with_the_comparison(posterior: Posterior) -> None:
    frame = contributions(posterior, np.array([1.0, -1.0, 0.0, 2.0]), order=-1.0)
    differs = frame["comparison"] != 0
    assert (frame["low"][differs] < frame["contribution"][differs]).all()
    assert (frame["contribution"][differs] < frame["high"][differs]).all()
    assert (frame.loc[2, "low"], frame.loc[2, "high"]) == (0, 0)
    assert frame.loc[1, "low"] == -posterior.high[1]
    assert frame.loc[3, "high"] == 2 * posterior.high[3]
    assert posterior.position_bias is not None
    assert frame.loc[4, "low"] == -posterior.position_bias.high


def test_what_was_not_assessed_adds_nothing_and_is_marked(posterior: Posterior) -> None:
    phi = np.array([1.0, np.nan, -1.0, np.nan])
    frame = contributions(posterior, phi)
    assert frame["contribution"].tolist() == [posterior.mean[0], 0, -posterior.mean[2], 0]
    assert frame["comparison"].isna().tolist() == [False, True, False, True]
    assert frame["contribution"].sum() == pytest.approx(posterior.mean[0] - posterior.mean[2])
    low, high = predicted_interval(posterior, phi)
    assert low < frame["contribution"].sum() < high


def test_a_model_without_position_has_no_row_for_it() -> None:
    paper = fit(make_dataset(d=2), PAPER, judges=["one"], groups=["Code"])[0]
    assert list(contributions(paper, np.ones(2), order=1.0)["property"]) == ["p0", "p1"]


def test_interval_of_a_prediction_uses_the_covariance(posterior: Posterior) -> None:
    low, high = predicted_interval(posterior, np.array([1.0, 0, 0, 0]))
    assert (high - low) / (2 * 1.959964) == pytest.approx(posterior.sd[0], rel=0.05)
    assert predicted_interval(posterior, np.zeros(4)) == (0, 0)
    opposite = dataclasses.replace(posterior, covariance=np.array([[1, -0.99, 0, 0], [-0.99, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))
    together, apart = (predicted_interval(opposite, np.array([1.0, sign, 0, 0])) for sign in (1, -1))
    assert together[1] - together[0] < (apart[1] - apart[0]) / 5


def test_point_estimates_have_contributions_without_ends() -> None:
    dataset = open_dataset(str({"Code": WEIGHTS}).replace("'", '"').encode(), "me.json")
    estimate = fit(dataset)[0]
    frame = contributions(estimate, np.ones(29), order=1.0)
    assert frame["contribution"].sum() == pytest.approx(sum(WEIGHTS))
    assert frame[["low", "high"]].isna().all(axis=None)
    assert np.isnan(predicted_interval(estimate, np.ones(29))).all()


def narrow(posterior: Posterior, mean: list[float], judge: str = "one", sd: float = 0.05) -> Posterior:
    """The same judge with weights known to `sd`, each on its own and without a position bias."""
    weights = np.array(mean, dtype=float)
    spread = np.full(len(weights), sd)
    ends = {"low": weights - 1.959964 * spread, "high": weights + 1.959964 * spread}
    return dataclasses.replace(posterior, judge=judge, mean=weights, sd=spread, covariance=np.diag(spread**2), position_bias=None, **ends)


# On both scales


@pytest.mark.parametrize("order", [1.0, -1.0, 0.0])
def test_both_scales_sum_to_the_prediction(posterior: Posterior, order: float) -> None:
    found = explain(posterior, np.array([1.0, -1.0, np.nan, 2.0]), order)
    parts = found.parts
    assert parts["log_odds"].sum() == pytest.approx(found.log_odds[0], abs=1e-12)
    assert parts["points"].sum() == pytest.approx(found.percent[0] - 50, abs=1e-11)
    np.testing.assert_allclose(parts["points"], 100 * shapley(parts["log_odds"].to_numpy()))
    assert found.percent == pytest.approx([float(probability(end)) for end in found.log_odds])
    assert (parts["property"] == POSITION).any() == bool(order)
    assert (np.sign(parts["points"]) == np.sign(parts["log_odds"])).all()
    assert found.n == posterior.n


def test_points_have_intervals_that_match_those_in_log_odds(posterior: Posterior) -> None:
    parts = explain(posterior, np.array([1.0, 0.0, 0.0, 0.0])).parts
    # With one property that differs, the Shapley value is the whole prediction, and its ends are those of the weight.
    one = parts.iloc[0]
    low, high = (float(probability(one[f"log_odds_{end}"])) - 50 for end in ("low", "high"))
    assert one["points_low"] == pytest.approx(low, abs=0.15 * (high - low))
    assert one["points_high"] == pytest.approx(high, abs=0.15 * (high - low))
    assert (parts.loc[1:, ["points", "points_low", "points_high"]] == 0).all(axis=None)
    assert parts["decided"].tolist() == [bool(one["log_odds_low"] > 0 or one["log_odds_high"] < 0), False, False, False]


def test_draws_have_the_posterior_s_ends_and_correlations(posterior: Posterior) -> None:
    lopsided = dataclasses.replace(posterior, high=posterior.mean + 3 * (posterior.high - posterior.mean))
    drawn = weight_draws(lopsided, np.arange(4), position=True, draws=40_000)
    assert drawn.shape == (40_000, 5)
    ends = np.quantile(drawn, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(ends[0, :4], lopsided.low, atol=0.03 * np.ptp(ends))
    np.testing.assert_allclose(ends[1, :4], lopsided.high, atol=0.03 * np.ptp(ends))
    assert posterior.position_bias is not None
    np.testing.assert_allclose(ends[:, 4], [posterior.position_bias.low, posterior.position_bias.high], atol=0.05)
    covariance = np.array([[1, 0.8, 0, 0], [0.8, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]) * 0.01
    known = dataclasses.replace(narrow(posterior, [0.5, 0.5, 0, 0], sd=0.1), covariance=covariance)
    both = weight_draws(known, np.array([0, 1]), draws=20_000)
    assert np.corrcoef(both.T)[0, 1] == pytest.approx(0.8, abs=0.02)


def test_the_position_is_in_the_prediction_s_interval(posterior: Posterior) -> None:
    phi = np.array([1.0, 0, 0, 0])
    bias = posterior.position_bias
    assert bias is not None
    (low, high), (first_low, first_high) = predicted_interval(posterior, phi), predicted_interval(posterior, phi, 1.0)
    assert (first_low + first_high) / 2 == pytest.approx((low + high) / 2 + bias.mean)
    assert ((first_high - first_low) / 2) ** 2 == pytest.approx(((high - low) / 2) ** 2 + (1.959964 * bias.sd) ** 2)


def test_a_pair_without_a_difference_is_at_50(posterior: Posterior) -> None:
    found = explain(posterior, np.zeros(4))
    assert found.percent == (50, 50, 50)
    assert (found.parts[["log_odds", "points", "points_low", "points_high"]] == 0).all(axis=None)


def test_point_estimates_are_explained_without_intervals() -> None:
    dataset = open_dataset(str({"Code": WEIGHTS}).replace("'", '"').encode(), "me.json")
    found = explain(fit(dataset)[0], np.ones(29))
    assert found.parts["points"].sum() == pytest.approx(found.percent[0] - 50)
    assert found.parts[["points_low", "points_high"]].isna().all(axis=None)
    assert np.isnan(found.percent[1:]).all()


def test_a_fit_without_numbers_is_refused_with_its_status() -> None:
    dataset = make_dataset(d=2)
    with pytest.raises(InputError, match="no verdicts"):
        explain(unknown_posterior("one", dataset.group("Code"), dataset, "no verdicts"), np.ones(2))


def test_the_order_that_was_asked() -> None:
    asked = {(1.0, np.nan): 1, (np.nan, 0.0): -1, (1.0, 0.0): 0, (np.nan, np.nan): 0}
    assert [shown_order(np.array(verdicts)) for verdicts in asked] == list(asked.values())


# Two judges


def test_the_property_that_turned_the_verdict_is_found(posterior: Posterior) -> None:
    phi = np.array([1.0, 1.0, -1.0, 0.0])
    first = explain(narrow(posterior, [1.5, 0.2, 0.3, 0.0]), phi)
    second = explain(narrow(posterior, [-0.8, 0.3, 0.1, 9.0], judge="two"), phi)
    turn = turning_point(first, second)
    assert turn.property == "p0"
    assert (turn.sides, turn.turns) == (True, True)
    assert turn.first > 0 > turn.second
    assert turn.apart == pytest.approx(first.percent[0] - second.percent[0])
    assert turning_point(second, first).property == "p0"


def test_many_small_differences_turn_a_verdict_only_together(posterior: Posterior) -> None:
    first, second = (explain(narrow(posterior, [sign * 0.5] * 4), np.ones(4)) for sign in (1, -1))
    turn = turning_point(first, second)
    assert (turn.sides, turn.turns) == (True, False)


def test_judges_alike_have_no_turning_point(posterior: Posterior) -> None:
    one = explain(posterior, np.array([1.0, 0, 0, 1.0]))
    assert turning_point(one, one).property == ""


def test_a_judge_that_saw_one_order_beside_one_that_saw_both(posterior: Posterior) -> None:
    zero = np.zeros(4)
    turn = turning_point(explain(posterior, zero, 1.0), explain(posterior, zero))
    assert turn.property == POSITION
    assert turn.second == 0


# Predictions and what if


def test_predictions_of_all_judges_with_and_without_a_fit(posterior: Posterior) -> None:
    dataset = make_dataset(n=200, d=4, scenarios=("All",))
    cells = [posterior, unknown_posterior("two", posterior.group, dataset, "no verdicts")]
    frame = predictions_frame(cells, np.array([1.0, np.nan, 0, 0]), [0.0, 1.0])
    assert frame.loc[0, "percent"] == pytest.approx(probability(posterior.mean[0]))
    assert frame.loc[0, "low"] < frame.loc[0, "percent"] < frame.loc[0, "high"]
    assert frame.loc[1, ["percent", "low", "high"]].isna().all()
    assert frame["status"].tolist() == ["fitted", "no verdicts"]


def test_a_changed_property_moves_the_prediction_by_its_weight(posterior: Posterior) -> None:
    before, after = np.array([1.0, 0, 0, -1.0]), np.array([-1.0, 0, 0, -1.0])
    dataset = make_dataset(n=200, d=4, scenarios=("All",))
    frame = what_if([posterior, unknown_posterior("two", posterior.group, dataset, "no verdicts")], before, after, [1.0, 1.0])
    assert frame["judge"].tolist() == ["one"]
    row = frame.iloc[0]
    moved = np.log(row["after"] / (100 - row["after"])) - np.log(row["before"] / (100 - row["before"]))
    assert moved == pytest.approx(-2 * posterior.mean[0])
    assert row["change"] == pytest.approx(row["after"] - row["before"])
    assert row["change_low"] < row["change"] < row["change_high"]
    assert row["change_high"] - row["change_low"] < (row["before_high"] - row["before_low"]) + (row["after_high"] - row["after_low"])


def test_nothing_changed_moves_nothing(posterior: Posterior) -> None:
    phi = np.array([1.0, 0, np.nan, -1.0])
    row = what_if([posterior], phi, phi, [0.0]).iloc[0]
    assert (row["change"], row["change_low"], row["change_high"]) == (0, 0, 0)
