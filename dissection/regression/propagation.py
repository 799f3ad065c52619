"""The fast engine: expectation propagation for logistic regression with Laplace priors, batched over judges.

Judges that share a group's pairs share its design matrix, so one sweep over all of them is two matrix products and one batch of small
inversions. Each observation holds one Gaussian site on its linear predictor (tilted moments by Gauss-Hermite quadrature), each weight
one Gaussian site for its prior (closed form, `laplace.py`); all are updated in parallel and damped (Minka 2001, "Expectation
propagation for approximate Bayesian inference"; the parallel form as in van Gerven et al. 2010, doi:10.1016/j.neuroimage.2009.11.064).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from dissection.dataset import BoolArray, FloatArray
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_direction, tilted_moments, tilted_quantile
from dissection.regression.likelihood import DAMPING, MAX_PREDICTOR_SD, Rows
from dissection.regression.observations import Observations

MAX_SWEEPS = 100
TOLERANCE = 1e-4  # largest change of a mean in posterior sds, and of an sd as a share, that counts as converged
WIDEST_START = 0.5  # largest prior scale from which the prior's sites start
INTERVAL = 0.95


@dataclass(frozen=True)
class Approximation:
    """The approximate posteriors of J judges over d weights (the intercept, if any, comes last).

    Attributes:
        mean, sd, low, high, direction: (J × d); the ends hold 95 %, direction is P(weight > 0).
        covariance: (J × d × d).
        likelihood_mean, likelihood_sd: (J × d) each weight's marginal without its own prior, a Gaussian: what the verdicts alone say.
        converged: (J,).
        sweeps: how many were made.
    """

    mean: FloatArray
    sd: FloatArray
    low: FloatArray
    high: FloatArray
    direction: FloatArray
    covariance: FloatArray
    likelihood_mean: FloatArray
    likelihood_sd: FloatArray
    converged: BoolArray
    sweeps: int


def merge(parts: Sequence[Approximation], places: NDArray[np.intp]) -> Approximation:
    """Several approximations as one; its judge `places[i]` is the ith of the parts laid end to end."""
    order = np.argsort(places)
    names = [field.name for field in fields(Approximation) if field.name != "sweeps"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names}
    return Approximation(**joined, sweeps=max(part.sweeps for part in parts))


def average(parts: Sequence[Approximation]) -> Approximation:
    """The mean of every number over several approximations of the same judges; converged where all did."""
    names = [field.name for field in fields(Approximation) if field.name not in ("sweeps", "converged")]
    means = {name: np.mean([getattr(part, name) for part in parts], axis=0) for name in names}
    converged = np.asarray(np.all([part.converged for part in parts], axis=0))
    return Approximation(**means, converged=converged, sweeps=max(part.sweeps for part in parts))


@dataclass
class _Prior:
    """The prior's Gaussian sites, one a weight."""

    scale: float
    laplace: BoolArray  # (d,) False for the intercept, whose normal prior is exact
    precision: FloatArray  # (J × d)
    shift: FloatArray  # (J × d)

    @classmethod
    def start(cls, judges: int, d: int, scale: float, intercept_sd: float | None) -> "_Prior":
        # The start does not change the result, but from a very wide one the sites overshoot and never settle.
        laplace, precision = np.ones(d, dtype=bool), np.full((judges, d), 1 / (2 * min(scale, WIDEST_START) ** 2))
        if intercept_sd is not None:
            laplace[-1], precision[:, -1] = False, 1 / intercept_sd**2
        return cls(scale, laplace, precision, np.zeros((judges, d)))

    def cavity(self, covariance: FloatArray, mean: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and variance of each weight without its prior."""
        variance = diagonal(covariance)
        remaining = np.maximum(1 / variance - self.precision, (MAX_CAVITY_SD * self.scale) ** -2)
        return (mean / variance - self.shift) / remaining, 1 / remaining

    def update(self, covariance: FloatArray, mean: FloatArray) -> None:
        cavity_mean, cavity_variance = self.cavity(covariance, mean)
        tilted = tilted_moments(cavity_mean, cavity_variance, self.scale)
        precision = np.maximum(1 / tilted.variance - 1 / cavity_variance, 0.0)
        shift = tilted.mean / tilted.variance - cavity_mean / cavity_variance
        self.precision += np.where(self.laplace, DAMPING * (precision - self.precision), 0.0)
        self.shift += np.where(self.laplace, DAMPING * (shift - self.shift), 0.0)


def propagate(rows: Observations, prior_scale: float, intercept_sd: float | None, tolerance: float = TOLERANCE) -> Approximation:
    """Fit J judges on the same rows.

    Args:
        rows: with a finite design; its last column is the intercept's where `intercept_sd` is given.
        prior_scale: b of the Laplace prior.
        intercept_sd: sd of the normal prior of the last weight; None: every weight has the Laplace prior.
        tolerance: largest change in a sweep that counts as converged, in posterior sds; refits that only show scatter can do with more.
    """
    likelihood = Rows(rows)
    judges, d = likelihood.judges, likelihood.d
    prior = _Prior.start(judges, d, prior_scale, intercept_sd)
    covariance, mean = gaussian(np.zeros((judges, d, d)), np.zeros((judges, d)), prior.precision, prior.shift)
    converged = np.zeros(judges, dtype=bool)
    sweeps = 0
    with np.errstate(all="ignore"):  # a judge that overflows is marked as not converged
        while sweeps < MAX_SWEEPS and not converged.all():
            sweeps += 1
            sums = likelihood.sweep(covariance, mean)
            prior.update(covariance, mean)
            before = (mean, covariance)
            covariance, mean = gaussian(sums.gram, sums.moment, prior.precision, prior.shift)
            converged = settled(*before, mean, covariance, tolerance) & (sums.widest < MAX_PREDICTOR_SD**2)
        return _summarise(covariance, mean, prior, converged, sweeps)


def settled(
    mean_before: FloatArray, covariance_before: FloatArray, mean: FloatArray, covariance: FloatArray, tolerance: float = TOLERANCE
) -> BoolArray:
    """(J,) True where a sweep changed no mean and no sd by more than the tolerance."""
    sd_before, sd = np.sqrt(diagonal(covariance_before)), np.sqrt(diagonal(covariance))
    change = np.maximum(np.abs(mean - mean_before), np.abs(sd - sd_before)) / sd
    return np.asarray((change < tolerance).all(axis=1))


def diagonal(matrices: FloatArray) -> FloatArray:
    """(J × d) diagonals of (J × d × d)."""
    return np.asarray(np.einsum("jii->ji", matrices))


def gaussian(gram: FloatArray, moment: FloatArray, precision: FloatArray, shift: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Covariance (J × d × d) and mean (J × d) from the rows' sums and the prior's sites (J × d); NaN where they overflowed."""
    total = gram.copy()
    np.einsum("jii->ji", total)[...] += precision
    broken = ~np.isfinite(total).all(axis=(1, 2))
    total[broken] = np.eye(total.shape[1])
    covariance = np.asarray(np.linalg.inv(total), dtype=float)
    covariance[broken] = np.nan
    return covariance, np.asarray(np.einsum("jab,jb->ja", covariance, moment + shift))


def _summarise(covariance: FloatArray, mean: FloatArray, prior: _Prior, converged: BoolArray, sweeps: int) -> Approximation:
    """Ends and directions from the tilted marginals: the prior's peak at zero shows in them, as it does in the exact posterior."""
    cavity_mean, cavity_variance = prior.cavity(covariance, mean)
    tilted = tilted_moments(cavity_mean, cavity_variance, prior.scale)
    tail = (1 - INTERVAL) / 2
    gaussian_sd = np.sqrt(diagonal(covariance))
    # The intercept's prior is normal, so its marginal is the Gaussian itself.
    half_width = float(ndtri(1 - tail)) * gaussian_sd
    choose = prior.laplace
    low = np.where(choose, tilted_quantile(cavity_mean, cavity_variance, prior.scale, tail), mean - half_width)
    high = np.where(choose, tilted_quantile(cavity_mean, cavity_variance, prior.scale, 1 - tail), mean + half_width)
    direction = np.where(choose, tilted_direction(cavity_mean, cavity_variance, prior.scale), ndtr(mean / gaussian_sd))
    centre = np.where(choose, tilted.mean, mean)
    sd = np.where(choose, np.sqrt(tilted.variance), gaussian_sd)
    finite = np.isfinite(np.stack([centre, sd, low, high])).all(axis=(0, 2))
    return Approximation(centre, sd, low, high, direction, covariance, cavity_mean, np.sqrt(cavity_variance), converged & finite, sweeps)
