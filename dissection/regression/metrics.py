"""Log loss, accuracy and Brier score of predicted probabilities, with standard errors that know which pairs belong together."""

import math
from dataclasses import dataclass

import numpy as np

from dissection.dataset import FloatArray
from dissection.regression.folds import IntArray

METRICS = ("log_loss", "accuracy", "brier")
UNDECIDED = 1e-9  # a prediction this near 0.5 takes no side; rounding must not choose one
SMALLEST = float(np.finfo(float).eps)  # a probability is held this far from 0 and 1, as scikit-learn does


@dataclass(frozen=True)
class Metric:
    """How well one predictor foretells one judge.

    Attributes:
        n: pairs it is measured on.
        log_loss: mean of -y·log p - (1-y)·log(1-p), in nats a pair; lower is better; tossing a coin has 0.693.
        accuracy: share of pairs, from 0 to 1, where the prediction is on the verdict's side of 0.5. A soft verdict counts as the side it
            is on; a tie (0.5) counts 1/2 whatever is predicted, and so does a prediction of 0.5.
        brier: mean of (p - y)²; lower is better; tossing a coin has 0.25 (Brier 1950,
            doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2).
        log_loss_se, accuracy_se, brier_se: standard errors, see `cluster_mean`; None where there is none.
        note: why something is None; empty where nothing is.
    """

    n: int
    log_loss: float | None = None
    log_loss_se: float | None = None
    accuracy: float | None = None
    accuracy_se: float | None = None
    brier: float | None = None
    brier_se: float | None = None
    note: str = ""


def log_losses(p: FloatArray, y: FloatArray) -> FloatArray:
    """-y·log p - (1-y)·log(1-p), elementwise."""
    inside = np.clip(p, SMALLEST, 1 - SMALLEST)
    return np.asarray(-y * np.log(inside) - (1 - y) * np.log1p(-inside))


def hits(p: FloatArray, y: FloatArray) -> FloatArray:
    """1 where p and y are on the same side of 0.5, 0 where they are not, 1/2 where either takes none; elementwise."""
    side = np.where(np.abs(p - 0.5) < UNDECIDED, 0.0, np.sign(p - 0.5))
    return np.asarray((1 + side * np.sign(y - 0.5)) / 2)


def cluster_mean(values: FloatArray, weights: FloatArray, clusters: IntArray) -> tuple[float, float | None]:
    """A weighted mean and its cluster-robust standard error.

    With m = Σ w·v / Σ w and e_g the sum of w·(v - m) over cluster g, the standard error is sqrt(G/(G-1)·Σ e_g²) / Σ w (Liang & Zeger
    1986, doi:10.1093/biomet/73.1.13, for a mean). For held-out losses it takes the fits as given. How much these would differ on other
    data is not in it, and can't be estimated without bias (Bengio & Grandvalet 2004, JMLR 5:1089-1105): log losses of simulated judges
    scatter over repeated data by 1.1 to 1.7 of these errors, by 1.2 with 1,000 pairs.

    Args:
        values: (rows,).
        weights: (rows,) positive.
        clusters: (rows,) labels.

    Returns:
        Mean and standard error; the error is None with fewer than two clusters, or where all values are equal, as 0 would say that
        nothing is uncertain.
    """
    total = float(weights.sum())
    mean = float((weights * values).sum() / total)
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, weights * (values - mean))
    count = len(sums)
    if count < 2 or np.ptp(values) < 1e-12:
        return mean, None
    return mean, math.sqrt(count / (count - 1) * float((sums**2).sum())) / total


def measure(p: FloatArray, y: FloatArray, weights: FloatArray, clusters: IntArray) -> Metric:
    """All three measures of one predictor.

    Args:
        p: (rows,) predicted P(A preferred).
        y: (rows,) verdicts in [0, 1].
        weights: (rows,) 1 a pair; 1/2 for each order of a pair that was asked in both.
        clusters: (rows,) labels.
    """
    found = [cluster_mean(values, weights, clusters) for values in (log_losses(p, y), hits(p, y), (p - y) ** 2)]
    without = [name.replace("_", " ") for name, (_, error) in zip(METRICS, found, strict=True) if error is None]
    note = f"no standard error of {', '.join(without)}: all pairs have the same value" if without else ""
    (loss, loss_se), (accuracy, accuracy_se), (brier, brier_se) = found
    return Metric(round(float(weights.sum())), loss, loss_se, accuracy, accuracy_se, brier, brier_se, note)
