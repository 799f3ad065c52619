"""How far two annotations of the same pairs agree, property by property, with the position effect and the noise that follows."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from dissection.agreement import wilson
from dissection.dataset import FloatArray, PairDataset
from dissection.noise.redraw import fit_redraw, lacking
from dissection.noise.twice import RESAMPLES, Twice, cell_tables, is_computed, join, resampled

AGREEMENT_COLUMNS = (
    *("property", "n", "differ", "equal", "equal_low", "equal_high", "kappa", "kappa_low", "kappa_high"),
    *("alpha", "alpha_low", "alpha_high", "opposed", "opposed_low", "opposed_high"),
    *("position", "position_low", "position_high", "epsilon", "epsilon_low", "epsilon_high", "remark"),
)
TAILS = (0.025, 0.975)
STEPS = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))  # from -1 to 1 are two
MOST_LOST = 0.5  # of the resamples in which a measure is not defined; beyond there is no interval

COMPUTED = "computed from the texts, so it has no annotator's noise"
GRADED = "its comparisons are not only -1, 0 and 1: agreement is that of their signs, and there is no model of their noise"
NEVER_BOTH = "no pair on which both annotations have a comparison"
ONE_VALUE = "only one comparison comes, so chance alone would agree as often"
NO_SCATTER = "they agree on every pair, so resamples don't scatter and kappa and alpha have no interval"
ONE_QUERY = "all pairs are of one query, so there are no intervals"


class Estimate(NamedTuple):
    """A value with its 95 % interval; NaN where there is none."""

    value: float
    low: float
    high: float


NOTHING = Estimate(math.nan, math.nan, math.nan)


def agreement_of_annotations(
    dataset: PairDataset,
    again: PairDataset,
    swapped: bool,  # noqa: FBT001 - how the second differs belongs to it
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """One row a property that both annotations have.

    Args:
        dataset: the annotations in use, with A shown first where `swapped`.
        again: a second annotation of some of the same pairs, joined by `pair_id`, its comparisons in terms of the same A and B.
        swapped: whether the second was made by the same annotator with B shown first; else there is no position effect.
        resamples: of queries, for the intervals (2.5 % and 97.5 % quantiles); pairs of one query are drawn together.
        seed: of the resamples.

    Returns:
        `AGREEMENT_COLUMNS`. `n` pairs, of which `differ` in either annotation; `equal` and `opposed` are the shares, in per cent, of equal
        comparisons and of plain contradictions (+1 against -1); where they are 0 or 100 the interval is Wilson's, of the queries.
        `kappa` is Cohen's with linear weights (doi:10.1037/h0026256), `alpha` Krippendorff's for ordinal data. `position` is the mean of
        (first - swapped)/2, from -1 to 1: how far what is shown first is rated higher. `epsilon` is the probability that a comparison is
        drawn anew (`redraw.py`). `remark` says why a number is missing.

    Raises:
        InputError: nothing in common, or the number of resamples is out of its range.
    """
    twice = join(dataset, again)
    tables, halves = cell_tables(twice), _halves(twice)
    queries, d = tables.shape[:2]
    sums = resampled(np.concatenate([tables.reshape(queries, -1), halves], axis=1), resamples, seed)
    scattered, moved = sums[:, : 9 * d].reshape(-1, d, 3, 3), sums[:, 9 * d :]
    rows = [
        _row(
            twice,
            column,
            tables[:, column],
            scattered[:, column],
            _position(twice, column, halves, moved, scattered) if swapped else NOTHING,
        )
        for column in range(d)
    ]
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def _row(twice: Twice, column: int, tables: FloatArray, scattered: FloatArray, position: Estimate) -> dict[str, object]:
    property_, table = twice.properties[column], tables.sum(axis=0)
    n, queries = int(table.sum()), int((tables.sum(axis=(1, 2)) > 0).sum())
    row: dict[str, object] = {"property": property_.name, "n": n, "differ": int(n - table[1, 1])}
    if not n:
        return {**row, "remark": NEVER_BOTH}
    remarks = [GRADED] if twice.graded[column] else [COMPUTED] if is_computed(property_) else []
    if queries == 1:
        remarks.append(ONE_QUERY)
    numbers: dict[str, object] = {}
    for name, measure in (("equal", equal_share), ("opposed", opposed_share)):
        numbers |= _named(name, _share(measure, table, scattered, queries))
    varies = (table.sum(axis=0) + table.sum(axis=1) > 0).sum() > 1
    for name, measure in (("kappa", weighted_kappa), ("alpha", ordinal_alpha)):
        numbers |= _named(name, _beyond_chance(measure, table, scattered, queries) if varies else NOTHING)
    if not varies:
        remarks.append(ONE_VALUE)
    elif np.trace(table) == n:
        remarks.append(NO_SCATTER)
    numbers |= _named("position", position)
    noise, why = _noise(twice, column, table)
    return {**row, **numbers, **_named("epsilon", noise), "remark": "; ".join([*remarks, *([why] if why else [])])}


def _named(name: str, found: Estimate) -> dict[str, object]:
    return {name: found.value, f"{name}_low": found.low, f"{name}_high": found.high}


def _noise(twice: Twice, column: int, table: FloatArray) -> tuple[Estimate, str]:
    """ε with its interval, and why there is none; for computed properties 0, as nobody annotates them."""
    if twice.graded[column]:
        return NOTHING, ""
    if is_computed(twice.properties[column]):
        return Estimate(0.0, 0.0, 0.0), ""
    if reason := lacking(table):
        return NOTHING, reason
    found = fit_redraw(table, 1)
    return Estimate(found.epsilon, found.low, found.high), ""


def equal_share(table: FloatArray) -> FloatArray:
    """Per cent of pairs on the diagonal of (… × 3 × 3) counts."""
    return _percent(np.trace(table, axis1=-2, axis2=-1), table)


def opposed_share(table: FloatArray) -> FloatArray:
    """Per cent of pairs with +1 against -1, of (… × 3 × 3) counts."""
    return _percent(table[..., 0, 2] + table[..., 2, 0], table)


def _percent(part: FloatArray, table: FloatArray) -> FloatArray:
    total = table.sum(axis=(-1, -2))
    return np.asarray(np.divide(100 * part, total, out=np.full(total.shape, np.nan), where=total > 0))


def weighted_kappa(table: FloatArray) -> FloatArray:
    """Cohen's kappa with linear weights of (… × 3 × 3) counts; NaN where chance alone would agree as often."""
    total = table.sum(axis=(-1, -2))
    observed = (table * STEPS).sum(axis=(-1, -2)) * total
    expected = np.einsum("...i,...j,ij->...", table.sum(axis=-1), table.sum(axis=-2), STEPS)
    return np.asarray(1 - np.divide(observed, expected, out=np.full(total.shape, np.nan), where=expected > 0))


def ordinal_alpha(table: FloatArray) -> FloatArray:
    """Krippendorff's ordinal alpha of (… × 3 × 3) counts of two annotations without gaps; NaN where only one value comes.

    From the matrix of coincidences (Krippendorff 2011, repository.upenn.edu/asc_papers/43).
    """
    together = table + np.swapaxes(table, -1, -2)
    values = together.sum(axis=-1)
    total = values.sum(axis=-1)
    reached = np.cumsum(values, axis=-1) - values / 2  # the middle of each value's ranks
    distance = (reached[..., :, None] - reached[..., None, :]) ** 2
    observed = (together * distance).sum(axis=(-1, -2)) * (total - 1)
    expected = np.einsum("...i,...j,...ij->...", values, values, distance)
    return np.asarray(1 - np.divide(observed, expected, out=np.full(total.shape, np.nan), where=expected > 0))


def _share(measure: Callable[[FloatArray], FloatArray], table: FloatArray, scattered: FloatArray, queries: int) -> Estimate:
    value = float(measure(table))
    if queries == 1:
        return Estimate(value, math.nan, math.nan)
    if value in (0.0, 100.0):
        low, high = wilson(value / 100, queries)
        return Estimate(value, 100 * float(low), 100 * float(high))
    return Estimate(value, *_ends(measure(scattered)))


def _beyond_chance(measure: Callable[[FloatArray], FloatArray], table: FloatArray, scattered: FloatArray, queries: int) -> Estimate:
    value = float(measure(table))
    scatters = queries > 1 and np.trace(table) < table.sum()
    return Estimate(value, *(_ends(measure(scattered)) if scatters else (math.nan, math.nan)))


def _ends(values: FloatArray) -> tuple[float, float]:
    if np.isnan(values).mean() > MOST_LOST:
        return math.nan, math.nan
    low, high = np.nanquantile(values, TAILS)
    return float(low), float(high)


def _halves(twice: Twice) -> FloatArray:
    """(queries × properties) sums of (first - second)/2 over the pairs that have both."""
    half = np.where(twice.both, (twice.first - twice.second) / 2, 0.0)
    return np.stack([np.bincount(twice.clusters, part) for part in half.T], axis=1)


def _position(twice: Twice, column: int, halves: FloatArray, moved: FloatArray, scattered: FloatArray) -> Estimate:
    """The mean of (first - swapped)/2 of one property; without an interval where it is the same on every pair."""
    both = twice.both[:, column]
    if not both.any():
        return NOTHING
    value = float(halves[:, column].sum() / both.sum())
    steps = (twice.first - twice.second)[both, column]
    if len(np.unique(steps)) == 1 or len(np.unique(twice.clusters[both])) == 1:
        return Estimate(value, math.nan, math.nan)
    sizes = scattered[:, column].sum(axis=(1, 2))
    return Estimate(value, *_ends(np.divide(moved[:, column], sizes, out=np.full(len(sizes), np.nan), where=sizes > 0)))
