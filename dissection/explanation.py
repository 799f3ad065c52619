"""Why this pair: what each property adds to a judge's prediction, in log-odds and in probability, and what would change it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from dissection.agreement import Z_95
from dissection.dataset import FloatArray, Group
from dissection.errors import InputError
from dissection.regression.folds import IntArray
from dissection.regression.posterior import Posterior
from dissection.shapley import shapley

POSITION = "shown first"
DRAWS = 400
DRAWS_ACCURACY = 1e-6  # of Shapley values that only make intervals


@dataclass(frozen=True, eq=False)
class Explanation:
    """One judge's prediction for one pair, from indifference on.

    Attributes:
        n: pairs that the judge's fit is of; 0 where unknown.
        parts: one row a property, and one for the position where it counts. `property`, `comparison`; `log_odds`, `log_odds_low`,
            `log_odds_high`, which sum to the prediction's log-odds; `points`, `points_low`, `points_high`: exact Shapley values in
            percentage points, which sum to `percent` - 50; `decided`: the 95 % interval leaves out 0. Ends are NaN for point estimates.
        log_odds: (prediction, low, high) that A is preferred.
        percent: the same as 100·σ(log-odds).
    """

    judge: str
    group: Group
    n: int
    parts: pd.DataFrame
    log_odds: tuple[float, float, float]
    percent: tuple[float, float, float]


class Turn(NamedTuple):
    """Which property parts two judges on one pair.

    Attributes:
        property: with the largest difference of contributions towards the difference of the two predictions; empty where they are equal.
        first, second: what it adds for each, in percentage points.
        apart: the first prediction less the second, in percentage points.
        sides: whether one is predicted to prefer A and the other B.
        turns: whether the second judge, given the first's weight of this property and its own of all others, would change sides.
    """

    property: str
    first: float
    second: float
    apart: float
    sides: bool
    turns: bool


def contributions(posterior: Posterior, comparison: FloatArray, order: float = 0.0) -> pd.DataFrame:
    """Each property's α_i·φ_i for one pair, in log-odds that A is preferred; they sum exactly to the predicted log-odds.

    Args:
        posterior: with numbers (`posterior.converged`).
        comparison: (properties,) of the pair; NaN (not assessed) adds nothing and is marked by its comparison.
        order: +1 if A was shown first, -1 if B was, 0 if both orders were asked or the order should not count.

    Returns:
        One row a property, and one for the position where it counts: `property`, `comparison`, `contribution`, `low`, `high` (95 %).
        `low` and `high` are NaN for point estimates.
    """
    names, phi = list(posterior.properties), np.asarray(comparison, dtype=float)
    mean, low, high, bias = posterior.mean, posterior.low, posterior.high, posterior.position_bias
    if bias is not None and order != 0.0:
        names.append(POSITION)
        phi, mean, low, high = (np.append(part, end) for part, end in ((phi, order), (mean, bias.mean), (low, bias.low), (high, bias.high)))
    return pd.DataFrame(
        {
            "property": names,
            "comparison": phi,
            "contribution": np.nan_to_num(mean * phi),
            "low": np.minimum(low * phi, high * phi),
            "high": np.maximum(low * phi, high * phi),
        }
    )


def predicted_interval(posterior: Posterior, comparison: FloatArray, order: float = 0.0) -> tuple[float, float]:
    """95 % interval of Σ α_i φ_i in log-odds (Gaussian, with the weights' covariance); NaN without one.

    With an `order` other than 0 the position's weight is in it too, taken as independent of the others.
    """
    if not posterior.covariance.size:
        return float("nan"), float("nan")
    known = np.nan_to_num(comparison)
    centre, variance = float(known @ posterior.mean), float(known @ posterior.covariance @ known)
    if posterior.position_bias is not None:
        centre, variance = centre + order * posterior.position_bias.mean, variance + (order * posterior.position_bias.sd) ** 2
    reach = Z_95 * float(np.sqrt(variance))
    return centre - reach, centre + reach


def shown_order(verdicts: FloatArray) -> float:
    """The order in which (2,) verdicts of one pair were asked: +1 A first, -1 B first; 0 for both, or for none."""
    asked = ~np.isnan(verdicts)
    return float(asked[0]) - float(asked[1])


def explain(posterior: Posterior, comparison: FloatArray, order: float = 0.0, seed: int = 0) -> Explanation:
    """A judge's prediction for a pair, taken apart on both scales; the arguments are those of `contributions`.

    Intervals of the points come from `DRAWS` draws of the weights, see `weight_draws`, with Shapley values of each.

    Raises:
        InputError: the posterior has no numbers.
    """
    if not posterior.converged:
        raise InputError(
            f"No explanation: {posterior.status} for this judge.", where=f"{posterior.judge}, {posterior.group.label}", accepted="a fit"
        )
    whole = contributions(posterior, comparison, order)
    terms, low, high = (whole[name].to_numpy() for name in ("contribution", "low", "high"))
    phi, d = np.nan_to_num(whole["comparison"].to_numpy()), len(posterior.mean)
    ends = np.full((2, len(phi)), np.nan)
    if posterior.covariance.size:
        drawn = np.zeros((DRAWS, len(phi)))
        active = np.flatnonzero(phi)
        drawn[:, active] = weight_draws(posterior, active[active < d], position=len(phi) > d, seed=seed) * phi[active]
        ends = np.quantile(100 * shapley(drawn, DRAWS_ACCURACY), [0.025, 0.975], axis=0)
    parts = pd.DataFrame(
        {
            "property": whole["property"],
            "comparison": whole["comparison"],
            "log_odds": terms,
            "log_odds_low": low,
            "log_odds_high": high,
            "points": 100 * shapley(terms),
            "points_low": ends[0],
            "points_high": ends[1],
            "decided": (low > 0) | (high < 0),
        }
    )
    total = (float(terms.sum()), *predicted_interval(posterior, comparison, order))
    return Explanation(posterior.judge, posterior.group, posterior.n, parts, total, _percent(total))


def _percent(log_odds: tuple[float, float, float]) -> tuple[float, float, float]:
    middle, low, high = (100 * float(expit(value)) for value in log_odds)
    return middle, low, high


def weight_draws(posterior: Posterior, places: IntArray, *, position: bool = False, draws: int = DRAWS, seed: int = 0) -> FloatArray:
    """Draws of some of a judge's weights: Gaussian with the posterior's correlations, each side stretched so that 95 % reach its own ends.

    Args:
        posterior: with a covariance.
        places: of the properties.
        position: whether the position's weight comes last, independent of the others.
        draws: how many.
        seed: the same draws for the same posterior and places.

    Returns:
        (draws × places), one column more with the position.
    """
    rng = np.random.default_rng(seed)
    covariance = posterior.covariance[np.ix_(places, places)]
    values, vectors = np.linalg.eigh(covariance)
    gauss = rng.standard_normal((draws, len(places))) * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    standard = gauss / np.sqrt(np.maximum(np.diag(covariance), 1e-300))
    mean, low, high = (part[places] for part in (posterior.mean, posterior.low, posterior.high))
    if position and posterior.position_bias is not None:
        bias = posterior.position_bias
        standard = np.column_stack([standard, rng.standard_normal(draws)])
        mean, low, high = (np.append(part, end) for part, end in ((mean, bias.mean), (low, bias.low), (high, bias.high)))
    return np.asarray(mean + standard / Z_95 * np.where(standard > 0, high - mean, mean - low))


def turning_point(first: Explanation, second: Explanation) -> Turn:
    """Which property parts two judges on the same pair: the largest difference of contributions, in points, towards that of the predictions."""
    columns = ["log_odds", "points"]
    ours, theirs = (one.parts.set_index("property")[columns] for one in (first, second))
    names = ours.index.union(theirs.index, sort=False)
    ours, theirs = (part.reindex(names, fill_value=0.0) for part in (ours, theirs))
    apart, sides = first.percent[0] - second.percent[0], first.log_odds[0] * second.log_odds[0] < 0
    gap = (ours["points"] - theirs["points"]) * np.sign(apart)
    if apart == 0 or gap.empty:
        return Turn("", 0.0, 0.0, 0.0, sides=False, turns=False)
    name = gap.idxmax()
    with_the_other = second.log_odds[0] - theirs.loc[name, "log_odds"] + ours.loc[name, "log_odds"]
    turns = sides and with_the_other * second.log_odds[0] < 0
    return Turn(str(name), float(ours.loc[name, "points"]), float(theirs.loc[name, "points"]), apart, sides=sides, turns=bool(turns))


def predictions_frame(posteriors: Sequence[Posterior], comparison: FloatArray, orders: Sequence[float]) -> pd.DataFrame:
    """How often each judge is predicted to prefer A on one pair.

    Args:
        posteriors: one a judge.
        comparison: (properties,) of the pair.
        orders: one a judge, as in `contributions`.

    Returns:
        `judge`, `percent`, `low`, `high` (95 %, NaN without one), `n` (pairs of the fit), `status`; NaN where there is no fit.
    """
    rows = []
    for posterior, order in zip(posteriors, orders, strict=True):
        bias = order * posterior.position_bias.mean if posterior.position_bias is not None and order else 0.0
        total = float(np.nan_to_num(comparison) @ posterior.mean) + bias
        values = _percent((total, *predicted_interval(posterior, comparison, order)))
        rows.append((posterior.judge, *values, posterior.n, posterior.status))
    return pd.DataFrame(rows, columns=["judge", "percent", "low", "high", "n", "status"])


def what_if(posteriors: Sequence[Posterior], before: FloatArray, after: FloatArray, orders: Sequence[float]) -> pd.DataFrame:
    """Each judge's prediction before and after some comparisons of a pair are changed.

    Args:
        posteriors: one a judge; those without numbers are left out.
        before: (properties,) as the pair is.
        after: (properties,) as it might be.
        orders: one a judge, as in `contributions`.

    Returns:
        `judge`; `before`, `before_low`, `before_high`, `after`, … in %; `change`, `change_low`, `change_high` in percentage points, the
        interval from `weight_draws`, as both predictions hang on the same weights; `n`.
    """
    kept = [(posterior, order) for posterior, order in zip(posteriors, orders, strict=True) if posterior.converged]
    cells, asked = [posterior for posterior, _ in kept], [order for _, order in kept]
    frames = [
        predictions_frame(cells, comparison, asked).rename(columns={"percent": name, "low": f"{name}_low", "high": f"{name}_high"})
        for name, comparison in (("before", before), ("after", after))
    ]
    frame = frames[0].drop(columns="status").assign(**{name: frames[1][name] for name in ("after", "after_low", "after_high")})
    frame["change"] = frame["after"] - frame["before"]
    ends = np.array([_change_ends(cell, order, before, after) for cell, order in kept]).reshape(-1, 2)
    frame["change_low"], frame["change_high"] = ends[:, 0], ends[:, 1]
    return frame


def _change_ends(posterior: Posterior, order: float, before: FloatArray, after: FloatArray) -> tuple[float, float]:
    if not posterior.covariance.size:
        return float("nan"), float("nan")
    known = [np.nan_to_num(part) for part in (before, after)]
    places = np.flatnonzero((known[0] != 0) | (known[1] != 0))
    position = posterior.position_bias is not None and order != 0
    weights = weight_draws(posterior, places, position=position)
    was, now = (weights @ np.append(part[places], [order] * position) for part in known)
    low, high = np.quantile(100 * (expit(now) - expit(was)), [0.025, 0.975])
    return float(low), float(high)
