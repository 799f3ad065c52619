"""What the pairs themselves can't tell apart: properties that nearly always go together, before any judge has spoken.

Where two properties differ on the same pairs in the same direction, no verdict can say which of them the judge wanted. Their weights are
then shared out by the prior, and both intervals are wide.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from dissection.agreement import Z_95
from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.observations import usable

# Two properties that share 64 % of their variance: each interval is 1.67 times as wide as without the other, 1/sqrt(1 - 0.8²).
CLOSE = 0.8
# The usual rule (Kutner et al. 2005, Applied Linear Statistical Models, 10.5); O'Brien (2007, doi:10.1007/s11135-006-9018-6) warns that a
# high value does not condemn a weight whose interval is narrow enough all the same.
INFLATED = 10.0
SINGULAR = 1e-9  # eigenvalues below that share of the largest count as 0
COLUMNS = ("property", "other", "r", "r_low", "r_high", "n", "unlike", "vif", "why")


@dataclass(frozen=True, eq=False)
class Collinearity:
    """How the comparisons of one set of pairs go together.

    Attributes:
        properties: names.
        n: pairs.
        correlation: (properties × properties) Pearson correlations; NaN for a property that is the same on all pairs.
        vif: (properties,) variance inflation factors: how many times larger the squared standard error of the property's weight is than
            if nothing else went with it; infinite where the others give it exactly, NaN where it never varies.
        differs: (properties,) pairs on which the two answers differ in the property.
        unlike: (properties × properties) pairs on which two properties don't say the same; for negatively correlated ones, don't say the
            opposite.
        note: what is special about these pairs; empty where nothing is.
    """

    properties: tuple[str, ...]
    n: int
    correlation: FloatArray
    vif: FloatArray
    differs: FloatArray
    unlike: FloatArray
    note: str = ""


def used_comparisons(dataset: PairDataset, group: Group, judge: str) -> FloatArray:
    """(n × properties) the comparisons that a judge's fit in a group is made from.

    Raises:
        UnknownNameError: there is no such judge.
    """
    comparisons, verdicts = usable(dataset, group, [dataset.judge_index(judge)])
    return comparisons[~np.isnan(verdicts[:, 0]).all(axis=1)]


def collinearity(comparisons: FloatArray, properties: tuple[str, ...]) -> Collinearity:
    """Correlations and variance inflation factors of comparisons.

    Args:
        comparisons: (n × properties), finite.
        properties: their names.
    """
    n, d = comparisons.shape
    varies = np.ptp(comparisons, axis=0) > 0 if n else np.zeros(d, dtype=bool)
    correlation, vif = np.full((d, d), np.nan), np.full(d, np.nan)
    places = np.flatnonzero(varies)
    if len(places):
        # Scaled first, so that the largest of floats don't overflow when squared.
        scaled = comparisons[:, places] / np.abs(comparisons[:, places]).max(axis=0)
        centred = scaled - scaled.mean(axis=0)
        unit = centred / np.sqrt((centred**2).sum(axis=0))
        correlation[np.ix_(places, places)] = np.clip(unit.T @ unit, -1, 1)
        correlation[places, places] = 1.0
        vif[places] = _inflation(correlation[np.ix_(places, places)])
    return Collinearity(
        properties, n, correlation, vif, (comparisons != 0).sum(axis=0).astype(float), _unlike(comparisons, correlation), _note(n, vif)
    )


def _inflation(correlation: FloatArray) -> FloatArray:
    """The diagonal of the inverse; where there is none, of the pseudo-inverse, and infinite for columns that the others give exactly."""
    values, vectors = np.linalg.eigh(correlation)
    kept = values > SINGULAR * values.max()
    inverse = (vectors[:, kept] ** 2 / values[kept]).sum(axis=1)
    # A column takes part in an exact dependence if it has a share in the null space.
    dependent = (vectors[:, ~kept] ** 2).sum(axis=1) > SINGULAR
    return np.where(dependent, np.inf, np.maximum(inverse, 1.0))


def _unlike(comparisons: FloatArray, correlation: FloatArray) -> FloatArray:
    d = comparisons.shape[1]
    found = np.zeros((d, d))
    for i in range(d):
        sign = np.where(correlation[i] < 0, -1.0, 1.0)
        found[i] = (comparisons[:, [i]] != sign * comparisons).sum(axis=0)
    return found


def _note(n: int, vif: FloatArray) -> str:
    dependent = int(np.isinf(vif).sum())
    if dependent and n <= (~np.isnan(vif)).sum():
        return f"{n} pairs are too few to tell {(~np.isnan(vif)).sum()} properties apart: any of them is a mixture of the others."
    if dependent:
        return f"{dependent} properties are exact mixtures of others on these pairs."
    return ""


def confusable(found: Collinearity, close: float = CLOSE, inflated: float = INFLATED) -> pd.DataFrame:
    """Properties that these pairs can't tell apart, the closest first.

    Args:
        found: of `collinearity`.
        close: |r| from which two properties count as hard to tell apart.
        inflated: variance inflation above which a property is listed with the one it goes with most, even if that is less close.

    Returns:
        One row a pair of properties: `property`, `other`, `r` with its 95 % interval by Fisher's z (NaN for |r| = 1 or fewer than 4
        pairs), `n` pairs, `unlike` (pairs that could tell them apart), `vif` (the larger of the two) and `why`.
    """
    strength = np.abs(np.nan_to_num(found.correlation))
    np.fill_diagonal(strength, 0.0)
    chosen = {(int(i), int(j)): "" for i, j in np.argwhere(np.triu(strength >= close, 1))}
    listed = {place for pair in chosen for place in pair}
    for place in np.flatnonzero(np.nan_to_num(found.vif, nan=0.0) > inflated):
        if place not in listed and strength[place].max(initial=0.0) > 0:
            other = int(strength[place].argmax())
            chosen.setdefault((min(int(place), other), max(int(place), other)), "")
    rows = [_row(found, i, j, close, inflated) for i, j in sorted(chosen, key=lambda pair: -strength[pair])]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(found: Collinearity, i: int, j: int, close: float, inflated: float) -> dict[str, object]:
    r, vif = float(found.correlation[i, j]), float(np.nanmax(found.vif[[i, j]]))
    low = high = np.nan
    if abs(r) < 1 - 1e-12 and found.n > 3:
        half = Z_95 / np.sqrt(found.n - 3)
        low, high = (float(np.tanh(np.arctanh(r) + step)) for step in (-half, half))
    reasons = [f"|r| ≥ {close:g}"] if abs(r) >= close else []
    if vif > inflated:
        reasons.append(f"variance inflation above {inflated:g}")
    row = (found.properties[i], found.properties[j], r, low, high, found.n, int(found.unlike[i, j]), vif, ", ".join(reasons))
    return dict(zip(COLUMNS, row, strict=True))
