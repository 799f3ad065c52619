"""Cells whose truth is known, and where in its posterior marginals that truth lies; shared by the benchmarks that judge honesty."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from benchmarks.paper_size import PROPERTIES, correlated_comparisons
from dissection.dataset import FloatArray
from dissection.regression.laplace import tilted_cdf
from dissection.regression.model import Model
from dissection.regression.observations import Observations
from dissection.regression.propagation import Approximation, propagate


class Planted(NamedTuple):
    """Cells that share a design.

    Attributes:
        rows: of J judges.
        truth: (J × d) in log-odds, the position bias last where the model has one.
    """

    rows: Observations
    truth: FloatArray


def plant(n: int, tastes: FloatArray, model: Model, rng: np.random.Generator) -> Planted:
    """Verdicts of judges with the given (J × properties) tastes on n new correlated pairs, one answer a pair.

    Where the model has a position bias, each judge's is drawn from its prior and each pair is shown in one of the two orders, by lot.
    """
    design, truth = correlated_comparisons(n, rng), tastes
    if model.intercept_sd is not None:
        design = np.column_stack([design, rng.choice([-1.0, 1.0], size=n)])
        truth = np.column_stack([truth, rng.normal(scale=model.intercept_sd, size=len(tastes))])
    verdicts = (rng.random((n, len(tastes))) < 1 / (1 + np.exp(-design @ truth.T))).astype(float)
    return Planted(Observations(design, verdicts, np.ones_like(verdicts)), truth)


def plant_from_prior(n: int, judges: int, model: Model, rng: np.random.Generator) -> Planted:
    """The same with tastes from the model's own prior."""
    return plant(n, rng.laplace(scale=model.prior_scale, size=(judges, PROPERTIES)), model, rng)


def fit_planted(cells: Planted, model: Model) -> Approximation:
    """By the fast engine."""
    return propagate(cells.rows, model.prior_scale, model.intercept_sd)


def places(found: Approximation, truth: FloatArray, model: Model) -> FloatArray:
    """(J × d) posterior probability that a weight is below the truth: uniform on [0, 1] for truths from the prior if the engine is right.

    A weight's marginal is its likelihood times its Laplace prior; the position bias has a Gaussian one.
    """
    found_place = tilted_cdf(found.likelihood_mean, found.likelihood_sd**2, model.prior_scale, truth)
    if model.intercept_sd is not None:
        found_place[:, -1] = ndtr((truth[:, -1] - found.mean[:, -1]) / found.sd[:, -1])
    return found_place


def covered(place: FloatArray, level: float) -> FloatArray:
    """1 where the central interval that holds `level` of the posterior holds the truth, else 0; the shape of `place`."""
    return (np.abs(place - 0.5) < level / 2).astype(float)
