"""Results before and after a change: the observed shift, beside what was predicted."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray
from dissection.errors import DatasetError
from dissection.sway.gains import Gains
from dissection.sway.results import Kind, Results

RESAMPLES = 4_000
CELLS = 2**20  # resamples × queries at a time
FEW = 10  # queries, below which the interval is too short more often than not
ENDS = (0.025, 0.975)
# Largest shifts of Li et al. (ACL 2024, arXiv 2402.11296) when answers were given what the judge likes.
REPORTED = {"scores": 0.59, "verdicts": 31.94}
SIDE_COLUMNS = ("what", "value", "low", "high", "n", "unit")
APART = "observed less predicted"


@dataclass(frozen=True)
class Shift:
    """After less before, over the items that both have.

    Attributes:
        kind: "verdicts" in percentage points of the win rate, or "scores" in their own unit.
        before, after: means.
        shift: their difference.
        low, high: of the shift, 95 %: a bootstrap over queries; NaN where there are fewer than two.
        standardised: shift / sd of the items before, with its ends; NaN where that is 0.
        n: items in both files.
        queries: that they belong to.
        only_before, only_after: items that the other file lacks.
        remark: why there is no interval, or that it is too short; empty where neither.
    """

    kind: Kind
    before: float
    after: float
    shift: float
    low: float
    high: float
    standardised: tuple[float, float, float]
    n: int
    queries: int
    only_before: int
    only_after: int
    remark: str


def observed_shift(before: Results, after: Results, seed: int = 0) -> Shift:
    """How results moved, paired by item.

    Args:
        before: as things were.
        after: of the same kind, with the same ids.
        seed: of the resamples.

    Raises:
        DatasetError: one holds verdicts and the other scores, or no item is in both.
    """
    if before.kind != after.kind:
        raise DatasetError(
            f"{before.name} holds {before.kind} and {after.name} {after.kind}.",
            accepted="two files of one kind",
            remedy="choose two of one",
        )
    shared = [item for item in before.values if item in after.values]
    if not shared:
        raise DatasetError(
            "No item is in both files.",
            where=f"{before.name}: {next(iter(before.values))!r:.80}; {after.name}: {next(iter(after.values))!r:.80}",
            accepted="the same ids (instructions, for AlpacaEval) in both",
            remedy="check that both evaluations are of the same queries",
        )
    was, became = (np.array([found.values[item] for item in shared]) for found in (before, after))
    moved = became - was
    queries = np.unique([before.queries[item] for item in shared], return_inverse=True)[1]
    number = int(queries.max()) + 1
    low, high = _ends(moved, queries, number, seed)
    sd = float(was.std(ddof=1)) if len(was) > 1 else 0.0
    scaled = tuple(float(value) / sd if sd > 0 else math.nan for value in (moved.mean(), low, high))
    remark = "one query: no interval" if number < 2 else f"{number} queries: the interval may be too short" if number < FEW else ""
    return Shift(
        kind=before.kind,
        before=float(was.mean()),
        after=float(became.mean()),
        shift=float(moved.mean()),
        low=low,
        high=high,
        standardised=(scaled[0], scaled[1], scaled[2]),
        n=len(shared),
        queries=number,
        only_before=len(before.values) - len(shared),
        only_after=len(after.values) - len(shared),
        remark=remark,
    )


def _ends(moved: FloatArray, queries: "np.ndarray[tuple[int], np.dtype[np.intp]]", number: int, seed: int) -> tuple[float, float]:
    """The 95 % of the mean on resampled queries."""
    if number < 2:
        return math.nan, math.nan
    total, size = np.bincount(queries, moved, number), np.bincount(queries, minlength=number)
    rng = np.random.default_rng(seed)
    step = max(1, CELLS // number)
    means = []
    for start in range(0, RESAMPLES, step):
        drawn = rng.integers(number, size=(min(step, RESAMPLES - start), number))
        means.append(total[drawn].sum(axis=1) / size[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), ENDS)
    return float(low), float(high)


def side_by_side(gains: Gains, row: int, shift: Shift) -> pd.DataFrame:
    """The predicted and the observed shift, `SIDE_COLUMNS`.

    Verdicts are compared in percentage points, and a third row has their difference; its interval is made of both (independent ones, Zou &
    Donner 2008, doi:10.1002/sim.3095). Scores have another unit, so that of them only the direction can be compared; their shift is given
    in its own unit and in standard deviations of the items before.

    Args:
        gains: of `predicted_gain`.
        row: of its table.
        shift: that was observed.
    """
    told = gains.table.iloc[row]
    predicted = ("predicted win rate", told["gain"], told["low"], told["high"], gains.n, "percentage points")
    unit = "percentage points" if shift.kind == "verdicts" else "points of the score"
    what = "observed win rate" if shift.kind == "verdicts" else "observed score"
    rows = [predicted, (what, shift.shift, shift.low, shift.high, shift.n, unit)]
    if shift.kind == "scores":
        rows.append(("observed score, standardised", *shift.standardised, shift.n, "standard deviations"))
    else:
        apart = shift.shift - told["gain"]
        below = math.hypot(shift.shift - shift.low, told["high"] - told["gain"])
        above = math.hypot(shift.high - shift.shift, told["gain"] - told["low"])
        rows.append((APART, apart, apart - below, apart + above, shift.n, unit))
    return pd.DataFrame(rows, columns=list(SIDE_COLUMNS))


def direction(table: pd.DataFrame) -> str:
    """Whether prediction and observation point the same way, and how far verdicts fell from what was predicted."""
    return f"{_pointing(table)}{_apart(table)}"


def _pointing(table: pd.DataFrame) -> str:
    predicted, observed = table.iloc[0], table.iloc[1]
    if not np.isfinite(observed["low"]):
        return "The observed shift has no interval, so its direction is open."
    if observed["low"] <= 0 <= observed["high"]:
        return "The observed shift is not told apart from 0."
    if predicted["low"] <= 0 <= predicted["high"]:
        return "The predicted shift is not told apart from 0; the observed one is."
    same = (predicted["value"] > 0) == (observed["value"] > 0)
    return "Both point the same way." if same else "They point in opposite directions."


def _apart(table: pd.DataFrame) -> str:
    found = table[table["what"] == APART]
    if found.empty or found[["low", "high"]].isna().any(axis=None):
        return ""
    value, low, high = (float(found[name].iloc[0]) for name in ("value", "low", "high"))
    words = "; the two are not told apart" if low <= 0 <= high else ""
    return f" Observed less predicted: {value:+.1f} points (95 %: {low:+.1f} to {high:+.1f}){words}."
