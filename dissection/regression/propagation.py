"""The fast engine: expectation propagation for logistic regression with Laplace priors, batched over judges.

Judges that share a group's pairs share its design matrix, so one sweep over all of them is two matrix products and one batch of small
inversions. Each observation holds one Gaussian site on its linear predictor (tilted moments by Gauss-Hermite quadrature), each weight
one Gaussian site for its prior (closed form, `laplace.py`); all are updated in parallel and damped (Minka 2001, "Expectation
propagation for approximate Bayesian inference"; the parallel form as in van Gerven et al. 2010, doi:10.1016/j.neuroimage.2009.11.064).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from dissection.dataset import BoolArray, FloatArray
from dissection.regression.laplace import MAX_CAVITY_SD, tilted_direction, tilted_moments, tilted_quantile

DAMPING = 0.8
MAX_SWEEPS = 100
TOLERANCE = 1e-4  # largest change of a mean in posterior sds, and of an sd as a share, that counts as converged
WIDEST_START = 0.5  # largest prior scale from which the prior's sites start
BLOCK_ROWS = 16_384
INTERVAL = 0.95
HERMITE_NODES, HERMITE_SD = 12, 1.5  # so many points are exact to six digits up to this width of the predictor
TRAPEZOID_REACH = 6.5  # sds
MAX_PREDICTOR_SD = 35.0  # wider predictors, in log-odds, are beyond the quadrature

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]  # row and column indices of the upper triangle


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
        variance = _diagonal(covariance)
        remaining = np.maximum(1 / variance - self.precision, (MAX_CAVITY_SD * self.scale) ** -2)
        return (mean / variance - self.shift) / remaining, 1 / remaining

    def update(self, covariance: FloatArray, mean: FloatArray) -> None:
        cavity_mean, cavity_variance = self.cavity(covariance, mean)
        tilted = tilted_moments(cavity_mean, cavity_variance, self.scale)
        precision = np.maximum(1 / tilted.variance - 1 / cavity_variance, 0.0)
        shift = tilted.mean / tilted.variance - cavity_mean / cavity_variance
        self.precision += np.where(self.laplace, DAMPING * (precision - self.precision), 0.0)
        self.shift += np.where(self.laplace, DAMPING * (shift - self.shift), 0.0)


@dataclass
class _Block:
    """Some rows of the design with their sites; the same algorithm runs over any partition of the rows."""

    design: FloatArray  # (rows × d)
    verdicts: FloatArray  # (rows × J), 0 where there is no verdict
    weights: FloatArray  # (rows × J), 0 where there is no verdict
    precision: FloatArray  # (rows × J) site precisions
    shift: FloatArray  # (rows × J) site precision times mean

    def products(self, pairs: Pairs) -> FloatArray:
        return self.design[:, pairs[0]] * self.design[:, pairs[1]]


def propagate(
    design: FloatArray, verdicts: FloatArray, weights: FloatArray, prior_scale: float, intercept_sd: float | None
) -> Approximation:
    """Fit J judges on the same rows.

    Args:
        design: (rows × d), finite; the last column is the intercept's where `intercept_sd` is given.
        verdicts: (rows × J) in [0, 1]; NaN where missing.
        weights: (rows × J) power of each likelihood factor: 1 for one answer a pair, 1/2 for each of two orders.
        prior_scale: b of the Laplace prior.
        intercept_sd: sd of the normal prior of the last weight; None: every weight has the Laplace prior.
    """
    rows, d = design.shape
    judges = verdicts.shape[1]
    upper = np.triu_indices(d)
    blocks = list(_blocks(design, verdicts, weights))
    with np.errstate(over="ignore"):
        products = [block.products(upper) for block in blocks] if rows <= BLOCK_ROWS * 4 else None
    prior = _Prior.start(judges, d, prior_scale, intercept_sd)
    covariance, mean = _gaussian(np.zeros((judges, d, d)), np.zeros((judges, d)), prior)
    converged = np.zeros(judges, dtype=bool)
    sweeps = 0
    with np.errstate(all="ignore"):  # a judge that overflows is marked as not converged
        while sweeps < MAX_SWEEPS and not converged.all():
            sweeps += 1
            gram, moment, widest = _sweep_rows(blocks, products, upper, covariance, mean)
            prior.update(covariance, mean)
            before_mean, before_sd = mean, np.sqrt(_diagonal(covariance))
            covariance, mean = _gaussian(gram, moment, prior)
            sd = np.sqrt(_diagonal(covariance))
            change = np.maximum(np.abs(mean - before_mean), np.abs(sd - before_sd)) / sd
            converged = (change < TOLERANCE).all(axis=1) & (widest < MAX_PREDICTOR_SD**2)
        return _summarise(covariance, mean, prior, converged, sweeps)


def _blocks(design: FloatArray, verdicts: FloatArray, weights: FloatArray) -> Iterator[_Block]:
    answered = ~np.isnan(verdicts)
    for start in range(0, max(len(design), 1), BLOCK_ROWS):
        rows = slice(start, start + BLOCK_ROWS)
        weight = np.where(answered[rows], weights[rows], 0.0)
        yield _Block(design[rows], np.where(answered[rows], verdicts[rows], 0.0), weight, np.zeros_like(weight), np.zeros_like(weight))


def _diagonal(matrices: FloatArray) -> FloatArray:
    return np.asarray(np.einsum("jii->ji", matrices))


def _gaussian(gram: FloatArray, moment: FloatArray, prior: _Prior) -> tuple[FloatArray, FloatArray]:
    total = gram.copy()
    np.einsum("jii->ji", total)[...] += prior.precision
    broken = ~np.isfinite(total).all(axis=(1, 2))
    total[broken] = np.eye(total.shape[1])
    covariance = np.asarray(np.linalg.inv(total), dtype=float)
    covariance[broken] = np.nan
    mean = np.asarray(np.einsum("jab,jb->ja", covariance, moment + prior.shift))
    return covariance, mean


def _sweep_rows(
    blocks: list[_Block], products: list[FloatArray] | None, upper: Pairs, covariance: FloatArray, mean: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    judges, d = mean.shape
    # Off-diagonal products stand for two entries of the symmetric matrix.
    packed = np.ascontiguousarray((covariance[:, upper[0], upper[1]] * np.where(upper[0] == upper[1], 1.0, 2.0)).T)
    gram_packed, moment, widest = np.zeros((len(upper[0]), judges)), np.zeros((judges, d)), np.zeros(judges)
    for number, block in enumerate(blocks):
        product = products[number] if products is not None else block.products(upper)
        widest = np.maximum(widest, _update_sites(block, product @ packed, block.design @ mean.T))
        gram_packed += product.T @ block.precision
        moment += block.shift.T @ block.design
    gram = np.empty((judges, d, d))
    gram[:, upper[0], upper[1]] = gram_packed.T
    gram[:, upper[1], upper[0]] = gram_packed.T
    return gram, moment, widest


def _update_sites(block: _Block, variance: FloatArray, mean: FloatArray) -> FloatArray:
    """Move the block's sites towards matching the tilted moments.

    `variance` and `mean` are those of the linear predictors (rows × J); returns each judge's largest cavity variance.
    """
    variance = np.maximum(variance, 1e-12)  # a row of zeros has no predictor to learn from
    remaining = np.maximum(1 / variance - block.precision, 1e-8)
    cavity_variance = 1 / remaining
    cavity_mean = cavity_variance * (mean / variance - block.shift)
    tilted_mean, tilted_variance = _logistic_moments(cavity_mean, cavity_variance, block.verdicts, block.weights)
    precision = np.maximum(1 / tilted_variance - remaining, 0.0)
    shift = tilted_mean / tilted_variance - cavity_mean * remaining
    block.precision += DAMPING * (precision - block.precision)
    block.shift += DAMPING * (shift - block.shift)
    silent = block.weights == 0
    block.precision[silent] = 0.0
    block.shift[silent] = 0.0
    return np.asarray(np.where(silent, 0.0, cavity_variance).max(axis=0, initial=0.0))


@cache
def _quadrature(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Points, in sds from the mean, and masses of a standard normal.

    Up to `HERMITE_NODES` by Gauss-Hermite. Beyond, by the trapezoidal rule, whose error falls exponentially once its points lie closer
    than the logistic function's poles at ±πi (Trefethen & Weideman 2014, doi:10.1137/130932132).
    """
    if nodes <= HERMITE_NODES:
        points, masses = np.polynomial.hermite_e.hermegauss(nodes)
    else:
        points = np.linspace(-TRAPEZOID_REACH, TRAPEZOID_REACH, nodes)
        masses = np.exp(-(points**2) / 2)
    return points, masses / masses.sum()


def _nodes(widest: float) -> int:
    """How many points resolve the logistic function under a Gaussian of this sd, in log-odds."""
    if not widest >= HERMITE_SD:  # also where it is NaN: such a judge is marked as not converged
        return HERMITE_NODES
    # Two points a log-odd; a power of two, so that few rules are kept.
    return int(min(2 ** np.ceil(np.log2(4 * TRAPEZOID_REACH * min(widest, MAX_PREDICTOR_SD))), 1024))


def _logistic_moments(mean: FloatArray, variance: FloatArray, verdicts: FloatArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of N(f; mean, variance)·σ(f)^(w·y)·σ(-f)^(w·(1-y)), elementwise."""
    sd = np.sqrt(variance)
    points, masses = _quadrature(_nodes(float(np.max(sd, initial=0.0))))
    zeroth, first, second = np.zeros_like(mean), np.zeros_like(mean), np.zeros_like(mean)
    hard = bool(np.all((weights == 0) | ((weights == 1) & ((verdicts == 0) | (verdicts == 1)))))
    sign = 1 - 2 * verdicts  # -1 where A won
    for point, mass in zip(points, masses, strict=True):
        f = mean + point * sd
        if hard:
            likelihood = mass / (1 + np.exp(sign * f))
        else:
            softplus = np.maximum(f, 0) + np.log1p(np.exp(-np.abs(f)))
            likelihood = mass * np.exp(weights * (verdicts * f - softplus))
        zeroth += likelihood
        first += likelihood * point
        second += likelihood * point**2
    offset = first / zeroth
    return mean + sd * offset, variance * (second / zeroth - offset**2)


def _summarise(covariance: FloatArray, mean: FloatArray, prior: _Prior, converged: BoolArray, sweeps: int) -> Approximation:
    """Ends and directions from the tilted marginals: the prior's peak at zero shows in them, as it does in the exact posterior."""
    cavity_mean, cavity_variance = prior.cavity(covariance, mean)
    tilted = tilted_moments(cavity_mean, cavity_variance, prior.scale)
    tail = (1 - INTERVAL) / 2
    gaussian_sd = np.sqrt(_diagonal(covariance))
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
