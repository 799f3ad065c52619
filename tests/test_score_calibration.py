"""Calibration of held-out predictions: bins, Wilson intervals, and the error beside what chance gives."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from dissection.agreement import Z_95, wilson
from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.regression.calibration import COLUMNS, calibration, calibration_error
from dissection.regression.scores import Score, score
from tests.conftest import make_dataset


def foretold(p: FloatArray, y: FloatArray, weight: FloatArray | None = None) -> Score:
    """A score with these predictions; the rest of it is a real one's."""
    (cell,) = score(make_dataset(n=60, scenarios=("All",)), judges=["one"])
    frame = pd.DataFrame({"explanation": p, "y": y, "weight": np.ones(len(p)) if weight is None else weight})
    return dataclasses.replace(cell, predictions=frame)


def test_wilson_solves_its_equation() -> None:
    for share, n in ((0.2, 10.0), (0.5, 40.0), (0.9, 7.5)):
        low, high = wilson(np.array(share), np.array(n))

        def score_test(at: float, share: float = share, n: float = n) -> float:
            return (share - at) ** 2 - Z_95**2 * at * (1 - at) / n

        assert low == pytest.approx(brentq(score_test, 0, share), abs=1e-6)
        assert high == pytest.approx(brentq(score_test, share, 1), abs=1e-6)
    low, high = wilson(np.array([0.0, 1.0]), np.array([6.0, 6.0]))
    np.testing.assert_allclose(low, [0, 6 / (6 + Z_95**2)], atol=1e-12)
    np.testing.assert_allclose(high, [Z_95**2 / (6 + Z_95**2), 1], atol=1e-12)


def test_bins_hold_nearly_equal_counts_and_their_own_means() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(1000)
    table = calibration(foretold(p, (rng.random(1000) < p).astype(float)))
    assert tuple(table.columns) == COLUMNS
    assert table["n"].tolist() == [100] * 10
    ordered = np.sort(p).reshape(10, 100)
    np.testing.assert_allclose(table["predicted"], ordered.mean(axis=1))
    assert ((table["low"] <= table["observed"]) & (table["observed"] <= table["high"])).all()


def test_wilson_intervals_hold_the_right_share() -> None:
    rng = np.random.default_rng(1)
    inside = []
    for _ in range(60):
        p = rng.uniform(0.1, 0.9, size=500)
        table = calibration(foretold(p, (rng.random(500) < p).astype(float)))
        inside += ((table["low"] <= table["predicted"]) & (table["predicted"] <= table["high"])).tolist()
    assert 0.92 < np.mean(inside) < 0.98


def test_equal_predictions_are_one_bin() -> None:
    table = calibration(foretold(np.full(100, 0.3), np.tile([1.0, 0.0], 50)))
    assert table[["predicted", "observed", "n"]].to_numpy().tolist() == [[pytest.approx(0.3), 0.5, 100.0]]


def test_few_pairs_give_fewer_bins() -> None:
    rng = np.random.default_rng(2)
    assert len(calibration(foretold(rng.random(25), np.ones(25)))) == 2


def test_half_weights_count_half() -> None:
    p = np.repeat([0.2, 0.8], 40)
    table = calibration(foretold(p, (p > 0.5).astype(float), np.full(80, 0.5)), bins=2)
    assert table["n"].tolist() == [20, 20]
    assert table["observed"].tolist() == [0, 1]


def test_right_predictions_are_within_chance_and_wrong_ones_are_not() -> None:
    rng = np.random.default_rng(3)
    p = rng.uniform(0.2, 0.8, size=2000)
    y = (rng.random(2000) < p).astype(float)
    right, sure = calibration_error(foretold(p, y)), calibration_error(foretold(expit(3 * np.log(p / (1 - p))), y))
    assert right is not None
    assert sure is not None
    assert right.value < right.chance_high
    assert sure.value > 2 * sure.chance_high, "three times the log-odds is overconfident"
    assert right.n == 2000


def test_chance_is_what_repeated_data_give() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(0.2, 0.8, size=400)
    found = [calibration_error(foretold(p, (rng.random(400) < p).astype(float))) for _ in range(60)]
    values = [one.value for one in found if one]
    assert found[0] is not None
    assert np.mean(values) == pytest.approx(found[0].chance, rel=0.1)


def test_what_was_not_scored_has_none() -> None:
    (cell,) = score(make_dataset(n=10, scenarios=("All",)), judges=["one"])
    assert calibration(cell).empty
    assert calibration_error(cell) is None
    with pytest.raises(InputError, match="0 bins"):
        calibration(cell, bins=0)
