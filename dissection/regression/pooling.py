"""Partial pooling over scenarios in the fast engine.

A judge's weight on property i in scenario s is α_si = μ_i + δ_si, with μ_i ~ Laplace(0, b) shared by the scenarios, δ_si ~ Normal(0, τ_i)
and a spread τ_i ~ HalfNormal(b) that is learned; the position bias is pooled alike around a mean ~ Normal(0, intercept_sd).

Expectation propagation with a Gaussian for each scenario: the rows' sites are those of `likelihood.py`; the prior of one property, with
μ_i and τ_i integrated out, is one factor over that property's weights in all scenarios. Given τ everything but the Laplace density of μ
is Gaussian, so the factor's tilted moments are closed forms averaged over a grid of τ. Between scenarios the approximation keeps no
correlation; what one scenario says reaches the others through the factor.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri, softmax

from dissection.dataset import BoolArray, FloatArray
from dissection.regression.laplace import MAX_CAVITY_SD, Moments, tilted_log_mass, tilted_moments
from dissection.regression.likelihood import DAMPING, MAX_PREDICTOR_SD, Rows
from dissection.regression.observations import Observations
from dissection.regression.propagation import INTERVAL, MAX_SWEEPS, Approximation, diagonal, gaussian, settled

SPREADS = 12  # grid points of τ; twice as many change no mean by a hundredth of a posterior sd
POINTS = 81  # of the densities from which ends are taken
REACH = 6.0  # sds that these span to either side


@dataclass(frozen=True)
class Pooled:
    """The pooled posteriors of J judges over S scenarios and d weights.

    Attributes:
        scenarios: one approximation a scenario.
        shared: of μ, the taste that the scenarios share.
        spread: (J × d) posterior mean of τ, in log-odds.
    """

    scenarios: tuple[Approximation, ...]
    shared: Approximation
    spread: FloatArray


class _Cavity(NamedTuple):
    """Gaussians of the weights without their prior, and what they say of μ for each τ of the grid (first axis of those)."""

    mean: FloatArray  # (S × J × d)
    variance: FloatArray
    within: FloatArray  # (K × S × J × d) variance + τ²
    centre: FloatArray  # (K × J × d) mean of μ by the scenarios, before its prior
    breadth: FloatArray  # (K × J × d) variance of μ by the scenarios
    share: FloatArray  # (K × J × d) posterior weight of each τ
    shared: Moments  # (K × J × d) of μ with its prior


@dataclass(frozen=True)
class _Factor:
    """The prior of one property in all scenarios."""

    scale: float
    intercept_sd: float | None
    spreads: FloatArray  # (K,) grid of τ
    masses: FloatArray  # (K,)

    @classmethod
    def make(cls, scale: float, intercept_sd: float | None) -> "_Factor":
        # Gauss-Legendre on the half normal's own quantiles, where the integrand is smooth.
        nodes, masses = np.polynomial.legendre.leggauss(SPREADS)
        return cls(scale, intercept_sd, scale * ndtri(0.5 + (nodes + 1) / 4), masses / 2)

    def means(self, d: int) -> tuple[slice, slice]:
        """The weights whose shared mean has a Laplace prior, and the intercept's."""
        last = d if self.intercept_sd is None else d - 1
        return slice(0, last), slice(last, d)

    def log_mass(self, mean: FloatArray, variance: FloatArray) -> FloatArray:
        """Log ∫ N(μ; mean, variance)·p(μ) dμ, up to a constant; the last axis runs over the weights."""
        laplace, normal = self.means(mean.shape[-1])
        found = np.empty_like(mean)
        found[..., laplace] = tilted_log_mass(mean[..., laplace], variance[..., laplace], self.scale)
        total = variance[..., normal] + (self.intercept_sd or 1.0) ** 2
        found[..., normal] = -0.5 * np.log(total) - 0.5 * mean[..., normal] ** 2 / total
        return found

    def log_prior(self, at: FloatArray) -> FloatArray:
        """Log p(μ), up to a constant for each weight; the last axis runs over the weights."""
        laplace, normal = self.means(at.shape[-1])
        return np.concatenate(
            [-np.abs(at[..., laplace]) / self.scale, -0.5 * at[..., normal] ** 2 / (self.intercept_sd or 1.0) ** 2], axis=-1
        )

    def moments(self, mean: FloatArray, variance: FloatArray) -> Moments:
        """Of the normalised N(μ; mean, variance)·p(μ)."""
        laplace, normal = self.means(mean.shape[-1])
        tilted = tilted_moments(mean[..., laplace], variance[..., laplace], self.scale)
        precision = 1 / variance[..., normal] + (self.intercept_sd or 1.0) ** -2
        return Moments(
            np.concatenate([tilted.mean, mean[..., normal] / variance[..., normal] / precision], axis=-1),
            np.concatenate([tilted.variance, 1 / precision], axis=-1),
        )

    def cavity(self, mean: FloatArray, variance: FloatArray) -> _Cavity:
        within = variance + self.spreads[:, None, None, None] ** 2
        precision = (1 / within).sum(axis=1)
        centre, breadth = (mean / within).sum(axis=1) / precision, 1 / precision
        # ∏ N(m_s; μ, within_s) = exp(evidence)·N(μ; centre, breadth)
        evidence = -0.5 * (np.log(within) + (mean - centre[:, None]) ** 2 / within).sum(axis=1) + 0.5 * np.log(breadth)
        log_share = np.log(self.masses)[:, None, None] + evidence + self.log_mass(centre, breadth)
        return _Cavity(mean, variance, within, centre, breadth, softmax(log_share, axis=0), self.moments(centre, breadth))


def _mixture(share: FloatArray, mean: FloatArray, variance: FloatArray) -> Moments:
    """Moments over the first axis."""
    centre = (share * mean).sum(axis=0)
    return Moments(centre, (share * (variance + (mean - centre) ** 2)).sum(axis=0))


def _weights(cavity: _Cavity, spreads: FloatArray) -> Moments:
    """(S × J × d) tilted moments of α."""
    own = spreads[:, None, None, None] ** 2 / cavity.within
    other = cavity.variance / cavity.within
    mean = own * cavity.mean + other * cavity.shared.mean[:, None]
    variance = own * cavity.variance + other**2 * cavity.shared.variance[:, None]
    return _mixture(cavity.share[:, None], mean, variance)


def propagate_pooled(scenarios: Sequence[Observations], prior_scale: float, intercept_sd: float | None) -> Pooled:
    """Fit J judges on several scenarios at once.

    Args:
        scenarios: at least two; the rows of each, as for `propagate`.
        prior_scale: b, of the shared weights' Laplace prior and of the spreads' half-normal prior.
        intercept_sd: sd of the normal prior of the shared position bias; None: no intercept.
    """
    likelihoods = [Rows(rows) for rows in scenarios]
    shape = (len(likelihoods), likelihoods[0].judges, likelihoods[0].d)
    factor = _Factor.make(prior_scale, intercept_sd)
    precision, shift = np.full(shape, 1 / (4 * prior_scale**2)), np.zeros(shape)
    found = [gaussian(np.zeros((*shape[1:], shape[2])), np.zeros(shape[1:]), p, s) for p, s in zip(precision, shift, strict=True)]
    converged: BoolArray = np.zeros(shape[:2], dtype=bool)
    sweeps = 0
    with np.errstate(all="ignore"):  # a judge that overflows is marked as not converged
        while sweeps < MAX_SWEEPS and not converged.all():
            sweeps += 1
            sums = [rows.sweep(*cell) for rows, cell in zip(likelihoods, found, strict=True)]
            mean, variance = _cavities(found, precision, shift, prior_scale)
            tilted = _weights(factor.cavity(mean, variance), factor.spreads)
            precision += DAMPING * (np.maximum(1 / tilted.variance - 1 / variance, 0.0) - precision)
            shift += DAMPING * (tilted.mean / tilted.variance - mean / variance - shift)
            before, found = found, [gaussian(t.gram, t.moment, p, s) for t, p, s in zip(sums, precision, shift, strict=True)]
            still = [settled(old[1], old[0], new[1], new[0]) for old, new in zip(before, found, strict=True)]
            converged = np.stack(still) & (np.stack([t.widest for t in sums]) < MAX_PREDICTOR_SD**2)
        return _summarise(found, precision, shift, factor, np.asarray(converged.all(axis=0)), sweeps)


def _cavities(
    found: list[tuple[FloatArray, FloatArray]], precision: FloatArray, shift: FloatArray, scale: float
) -> tuple[FloatArray, FloatArray]:
    """(S × J × d) means and variances of the weights without their prior."""
    variance = np.stack([diagonal(covariance) for covariance, _ in found])
    mean = np.stack([centre for _, centre in found])
    remaining = np.maximum(1 / variance - precision, (MAX_CAVITY_SD * scale) ** -2)
    return (mean / variance - shift) / remaining, 1 / remaining


def _summarise(
    found: list[tuple[FloatArray, FloatArray]],
    precision: FloatArray,
    shift: FloatArray,
    factor: _Factor,
    converged: BoolArray,
    sweeps: int,
) -> Pooled:
    mean, variance = _cavities(found, precision, shift, factor.scale)
    cavity = factor.cavity(mean, variance)
    moments = _weights(cavity, factor.spreads)
    scenarios = []
    for place, (covariance, _) in enumerate(found):
        centre, sd = moments.mean[place], np.sqrt(moments.variance[place])
        low, high, direction = _ends(centre, sd, partial(_log_density, cavity, factor, place))
        finite = converged & np.isfinite(np.stack([centre, sd, low, high])).all(axis=(0, 2))
        likelihood_sd = np.sqrt(variance[place])
        scenarios.append(Approximation(centre, sd, low, high, direction, covariance, mean[place], likelihood_sd, finite, sweeps))
    spread = (cavity.share * factor.spreads[:, None, None]).sum(axis=0)
    return Pooled(tuple(scenarios), _shared(cavity, factor, converged, sweeps), spread)


def _shared(cavity: _Cavity, factor: _Factor, converged: BoolArray, sweeps: int) -> Approximation:
    moments = _mixture(cavity.share, cavity.shared.mean, cavity.shared.variance)
    sd = np.sqrt(moments.variance)
    log_scale = np.log(cavity.share) - factor.log_mass(cavity.centre, cavity.breadth) - 0.5 * np.log(cavity.breadth)

    def log_density(at: FloatArray) -> FloatArray:
        likelihood = log_scale - 0.5 * (at[:, None] - cavity.centre) ** 2 / cavity.breadth
        return np.asarray(np.logaddexp.reduce(likelihood, axis=1) + factor.log_prior(at))

    low, high, direction = _ends(moments.mean, sd, log_density)
    likelihood = _mixture(cavity.share, cavity.centre, cavity.breadth)
    covariance = np.einsum("jd,de->jde", moments.variance, np.eye(sd.shape[1]))
    finite = converged & np.isfinite(np.stack([moments.mean, sd, low, high])).all(axis=(0, 2))
    return Approximation(moments.mean, sd, low, high, direction, covariance, likelihood.mean, np.sqrt(likelihood.variance), finite, sweeps)


def _log_density(cavity: _Cavity, factor: _Factor, place: int, at: FloatArray) -> FloatArray:
    """Log of the tilted density of one scenario's weights at (P × J × d) points, up to a constant for each weight."""
    mean, within = np.delete(cavity.mean, place, axis=0), np.delete(cavity.within, place, axis=1)
    breadth = 1 / (1 / within).sum(axis=1)
    centre = (mean / within).sum(axis=1) * breadth
    evidence = -0.5 * (np.log(within) + (mean - centre[:, None]) ** 2 / within).sum(axis=1) + 0.5 * np.log(breadth)
    total = None
    for k, spread in enumerate(factor.spreads):
        # N(α; μ, τ²)·N(μ; centre, breadth) is a Gaussian of α times one of μ, over which the prior of μ is integrated.
        sum_of_variances = breadth[k] + spread**2
        shared_mean = (at * breadth[k] + centre[k] * spread**2) / sum_of_variances
        shared_variance = np.broadcast_to(breadth[k] * spread**2 / sum_of_variances, at.shape)
        part = -0.5 * np.log(sum_of_variances) - 0.5 * (at - centre[k]) ** 2 / sum_of_variances
        part = np.log(factor.masses[k]) + evidence[k] + part + factor.log_mass(shared_mean, shared_variance)
        total = part if total is None else np.logaddexp(total, part)
    assert total is not None
    return np.asarray(total - 0.5 * (at - cavity.mean[place]) ** 2 / cavity.variance[place])


def _ends(centre: FloatArray, sd: FloatArray, log_density: Callable[[FloatArray], FloatArray]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(J × d) ends of the 95 % interval and P(α > 0), from a density on a grid around the mean."""
    steps = np.linspace(-REACH, REACH, POINTS)
    at = centre + steps[:, None, None] * sd
    logs = log_density(at)
    density = np.exp(logs - logs.max(axis=0))
    cumulative = np.concatenate([np.zeros((1, *centre.shape)), np.cumsum((density[1:] + density[:-1]) / 2, axis=0)])
    cumulative /= cumulative[-1]
    tail = (1 - INTERVAL) / 2
    low, high, below = np.empty_like(centre), np.empty_like(centre), np.empty_like(centre)
    for cell in np.ndindex(centre.shape):
        curve, axis = cumulative[(slice(None), *cell)], at[(slice(None), *cell)]
        low[cell], high[cell] = np.interp([tail, 1 - tail], curve, axis)
        below[cell] = np.interp(0.0, axis, curve)
    return low, high, 1 - below
