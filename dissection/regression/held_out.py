"""Held-out predictions: every pair is predicted by a fit that has not seen it or any pair of its query."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.properties import describe
from dissection.regression.fit import fit_rows
from dissection.regression.folds import IntArray
from dissection.regression.model import Model
from dissection.regression.propagation import Approximation
from dissection.text_properties import compare_lengths

# Within 0.0001 for predictors as wide as 3 log-odds, within 0.001 for 5.
_NODES, _MASSES = np.polynomial.hermite_e.hermegauss(40)
_MASSES = _MASSES / _MASSES.sum()
LENGTH_WORDS = {"length", "lengthy", "longer", "verbosity", "words"}


class HeldOut(NamedTuple):
    """Predictions of J judges on n pairs.

    Attributes:
        probability: (n × J × 2) P(A preferred) with A shown first, and with B shown first; NaN where the fit did not converge.
        converged: (J,) in every fold.
    """

    probability: FloatArray
    converged: BoolArray


def mean_sigmoid(mean: FloatArray, variance: FloatArray) -> FloatArray:
    """E[σ(f)] for f ~ N(mean, variance), elementwise, by 40-point Gauss-Hermite quadrature."""
    sd = np.sqrt(variance)
    total = np.zeros(np.shape(mean))
    for node, mass in zip(_NODES, _MASSES, strict=True):
        total += mass * expit(mean + node * sd)
    return total


def _splits(fold: IntArray) -> Iterator[tuple[BoolArray, BoolArray]]:
    for number in np.unique(fold):
        held = np.asarray(fold == number)
        yield held, ~held


def held_out(comparisons: FloatArray, verdicts: FloatArray, fold: IntArray, model: Model) -> HeldOut:
    """Fit all folds but one, predict that one, in turn; the judges of a fold are fitted together.

    The predicted probability is the posterior's, E[σ(f)] over the Gaussian approximation of f, not that of the mean weights alone.

    Args:
        comparisons: (n × d), finite; d may be 0, which leaves the position bias alone.
        verdicts: (n × J × 2), as in `PairDataset`.
        fold: (n,).
        model: with or without a position bias.
    """
    found = np.full(verdicts.shape, np.nan)
    converged = np.ones(verdicts.shape[1], dtype=bool)
    # A judge that overflows has NaN or does not converge, and is told so by its score.
    with np.errstate(all="ignore"):
        for held, kept in _splits(fold):
            batch = fit_rows(comparisons[kept], verdicts[kept], model)
            converged &= batch.converged
            found[held] = _predict(batch, comparisons[held], intercept=model.intercept_sd is not None)
    converged &= np.isfinite(found).all(axis=(0, 2))
    found[:, ~converged] = np.nan
    return HeldOut(found, converged)


def _predict(batch: Approximation, comparisons: FloatArray, *, intercept: bool) -> FloatArray:
    """(n × J × 2)."""
    n = len(comparisons)
    found = np.empty((n, len(batch.mean), 2))
    for place, order in enumerate((1.0, -1.0)):
        design = np.column_stack([comparisons, np.full(n, order)]) if intercept else comparisons
        for judge, (mean, covariance) in enumerate(zip(batch.mean, batch.covariance, strict=True)):
            variance = np.maximum(((design @ covariance) * design).sum(axis=1), 0.0)
            found[:, judge, place] = mean_sigmoid(design @ mean, variance)
    return found


def majority(verdicts: FloatArray, fold: IntArray) -> FloatArray:
    """(n × J × 2) the share of A in the other folds, (k + 1)/(n + 2), so that it is never 0 or 1 (Laplace's rule of succession)."""
    answered = ~np.isnan(verdicts)
    count = answered.sum(axis=2)
    label = np.divide(np.where(answered, verdicts, 0.0).sum(axis=2), count, out=np.zeros(count.shape), where=count > 0)
    found = np.empty(verdicts.shape)
    for held, kept in _splits(fold):
        share = (label[kept].sum(axis=0) + 1) / ((count[kept] > 0).sum(axis=0) + 2)
        found[held] = share[None, :, None]
    return found


def length_comparisons(dataset: PairDataset) -> FloatArray | None:
    """(pairs,) the comparison on length; None where nothing is known of it.

    It is the dataset's own property where one is named for length; else words are counted and compared by the rule of Li et al. (ACL
    2024, arXiv 2402.11296), NaN where an answer has no text.
    """
    for column, name in enumerate(dataset.property_names):
        words = re.split(r"[\W_]+", name.casefold())
        if describe(name).name == "longer" or words[0] in LENGTH_WORDS or words == ["word", "count"]:
            return dataset.comparisons[:, column]
    if not dataset.has_texts:
        return None
    return np.array(
        [
            compare_lengths(len(a.split()), len(b.split())) if a is not None and b is not None else np.nan
            for a, b in zip(dataset.texts("response_a"), dataset.texts("response_b"), strict=True)
        ],
        dtype=float,
    )
