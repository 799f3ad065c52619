"""Calibration: of the verdicts that were foretold with 70 %, do 70 % come out so?"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from dissection.agreement import wilson
from dissection.dataset import FloatArray
from dissection.errors import InputError
from dissection.regression.scores import Score

MIN_IN_BIN = 10
SIMULATIONS = 400
COLUMNS = ("predicted", "observed", "low", "high", "n")


class CalibrationError(NamedTuple):
    """How far predictions are from what came.

    Attributes:
        value: the expected calibration error, Σ n_b·|observed_b - predicted_b| / n over the bins (Naeini, Cooper & Hauskrecht 2015,
            doi:10.1609/aaai.v29i1.9602), from 0 to 1. It has no interval, and is above 0 by chance alone, hence the next two.
        chance: its mean if every prediction were right.
        chance_high: its 95th percentile if every prediction were right.
        n: pairs.
    """

    value: float
    chance: float
    chance_high: float
    n: int


def _bins(p: FloatArray, weight: FloatArray, bins: int) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """(rows,) bins of nearly equal weight from the smallest prediction up; equal predictions are never parted."""
    most = max(1, min(bins, int(weight.sum() / MIN_IN_BIN)))
    _, place = np.unique(np.round(p, 9), return_inverse=True)
    mass = np.bincount(place, weight)
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    chosen = np.minimum((middle * most).astype(np.intp), most - 1)
    return np.unique(chosen, return_inverse=True)[1][place]


def calibration(score: Score, bins: int = 10) -> pd.DataFrame:
    """Held-out predictions of the explanation against what the judge then said.

    Args:
        score: of `scores.score`.
        bins: so many of nearly equal counts, or fewer where pairs are few (at least `MIN_IN_BIN` to a bin) or predictions are equal.

    Returns:
        One row a bin: `predicted` (mean P(A preferred)), `observed` (share of A, ties count half), `low` and `high` (95 % Wilson interval
        of the share, pairs taken as independent), `n` (pairs; 1/2 for each order of a pair asked in both). Empty where not scored.

    Raises:
        InputError: fewer than 1 bin.
    """
    if bins < 1:
        raise InputError(f"{bins} bins can't hold a pair.", accepted="1 or more")
    frame = score.predictions
    if frame.empty:
        return pd.DataFrame(columns=list(COLUMNS), dtype=float)
    p, y, weight = (frame[name].to_numpy(dtype=float) for name in ("explanation", "y", "weight"))
    place = _bins(p, weight, bins)
    n = np.bincount(place, weight).astype(float)
    observed = np.clip(np.bincount(place, weight * y) / n, 0, 1)
    low, high = wilson(observed, n)
    predicted = np.bincount(place, weight * p) / n
    return pd.DataFrame({"predicted": predicted, "observed": observed, "low": low, "high": high, "n": n})


def calibration_error(score: Score, bins: int = 10, seed: int = 0) -> CalibrationError | None:
    """The expected calibration error, and what chance would give.

    Chance is simulated: verdicts are drawn from the predictions themselves (Bröcker & Smith 2007, doi:10.1175/WAF993.1), those of a pair's
    two orders on their own. Soft verdicts and ties scatter less than drawn ones, so for them chance is put too high.

    Args:
        score: of `scores.score`.
        bins: as in `calibration`.
        seed: of the simulation.

    Returns:
        None where not scored.
    """
    table = calibration(score, bins)
    if table.empty:
        return None
    n = table["n"].to_numpy()
    value = float((n * (table["observed"] - table["predicted"]).abs()).sum() / n.sum())
    p, weight = (score.predictions[name].to_numpy(dtype=float) for name in ("explanation", "weight"))
    place = _bins(p, weight, bins)
    rng = np.random.default_rng(seed)
    drawn = [np.abs(np.bincount(place, weight * ((rng.random(len(p)) < p) - p))).sum() / n.sum() for _ in range(SIMULATIONS)]
    return CalibrationError(value, float(np.mean(drawn)), float(np.quantile(drawn, 0.95)), round(float(n.sum())))
