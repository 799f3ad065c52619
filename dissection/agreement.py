"""Cohen's kappa between two judges, with its interval."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z_95 = 1.959963984540054
CLASSES = ("a", "tie", "b")


@dataclass(frozen=True)
class Agreement:
    """How far two judges agree beyond chance.

    Attributes:
        kappa: 1 is full agreement, 0 what chance gives; NaN where it is not defined.
        low, high: the 95 % interval, within [-1, 1]; NaN where it is not defined.
        n: the pairs that both judged.
        percent: of those, the share where they gave the same verdict, from 0 to 100; NaN where n is 0.
        reason: why kappa or its interval is not defined; empty where both are.
    """

    kappa: float
    low: float
    high: float
    n: int
    percent: float
    reason: str = ""


def classes(labels: ArrayLike) -> NDArray[np.int64]:
    """Soft verdicts as three classes.

    Args:
        labels: any shape, P(A preferred) in [0, 1], NaN where missing.

    Returns:
        The same shape: 0 for A (above 0.5), 1 for a tie, 2 for B (below 0.5), -1 where missing.
    """
    found = np.asarray(labels, dtype=np.float64)
    return np.select([found > 0.5, found == 0.5, found < 0.5], [0, 1, 2], default=-1).astype(np.int64)


def cohen_kappa(labels_1: ArrayLike, labels_2: ArrayLike) -> Agreement:
    """Cohen's unweighted kappa on the pairs that both judges judged, verdicts as A, tie or B.

    The interval is kappa ± 1.96 standard errors, by the large-sample standard error of Fleiss, Cohen & Everitt (1969),
    doi:10.1037/h0028106. With few pairs it is too narrow.

    Args:
        labels_1: (pairs,) P(A preferred) in [0, 1], NaN where missing.
        labels_2: the same of the other judge.

    Raises:
        ValueError: the two have different shapes.
    """
    first, second = classes(labels_1), classes(labels_2)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"labels_1 has shape {first.shape}, labels_2 {second.shape}; both must be (pairs,)")
    both = (first >= 0) & (second >= 0)
    n = int(both.sum())
    if n == 0:
        return Agreement(math.nan, math.nan, math.nan, 0, math.nan, "no pair was judged by both")
    k = len(CLASSES)
    table = np.bincount(first[both] * k + second[both], minlength=k * k).reshape(k, k)
    shares = table / n
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = float(np.trace(shares)), float(rows @ columns)
    percent = 100 * observed
    # Counts, not shares: 1 - expected could come out as 1e-17 instead of 0.
    if (table.sum(axis=1) == n).any() and (table.sum(axis=0) == n).any() and np.trace(table) == n:
        return Agreement(math.nan, math.nan, math.nan, n, percent, "both judges always give the same one verdict")
    kappa = (observed - expected) / (1 - expected)
    if np.trace(table) == n:
        return Agreement(1.0, math.nan, math.nan, n, percent, "they agree on every pair, so the standard error is 0 and gives no interval")
    error = _standard_error(shares, kappa, expected, n)
    if error < 1e-12:
        return Agreement(kappa, math.nan, math.nan, n, percent, "the standard error is 0 and gives no interval")
    return Agreement(kappa, max(-1.0, kappa - Z_95 * error), min(1.0, kappa + Z_95 * error), n, percent)


def _standard_error(shares: NDArray[np.float64], kappa: float, expected: float, n: int) -> float:
    """Fleiss, Cohen & Everitt (1969), equation 13, in the form of Fleiss, Levin & Paik (2003), equations 18.15 to 18.18."""
    rows, columns = shares.sum(axis=1), shares.sum(axis=0)
    diagonal = np.diag(shares)
    on = float((diagonal * (1 - (rows + columns) * (1 - kappa)) ** 2).sum())
    # The share in cell (i, j) is weighted by the marginals of the other judge's classes: p.i + pj.
    weights = (columns[:, None] + rows[None, :]) ** 2
    off = float((shares * weights).sum() - (diagonal * np.diag(weights)).sum()) * (1 - kappa) ** 2
    square = (kappa - expected * (1 - kappa)) ** 2
    return math.sqrt(max(0.0, on + off - square)) / ((1 - expected) * math.sqrt(n))
