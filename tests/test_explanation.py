"""What each property adds to a prediction."""

import dataclasses

import numpy as np
import pytest

from dissection.explanation import POSITION, contributions, predicted_interval, predicted_log_odds
from dissection.readers import open_dataset
from dissection.regression.fit import fit
from dissection.regression.model import PAPER
from dissection.regression.posterior import Posterior
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
    assert predicted_log_odds(frame) == pytest.approx(posterior.mean @ phi + order * posterior.position_bias.mean, abs=1e-12)
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
    assert predicted_log_odds(frame) == pytest.approx(posterior.mean[0] - posterior.mean[2])
    low, high = predicted_interval(posterior, phi)
    assert low < predicted_log_odds(frame) < high


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
    assert predicted_log_odds(frame) == pytest.approx(sum(WEIGHTS))
    assert frame[["low", "high"]].isna().all(axis=None)
    assert np.isnan(predicted_interval(estimate, np.ones(29))).all()
