"""What two judges' verdicts say of how alike their tastes are, apart from the noise in each judge's estimated weights.

A judge's verdicts in a group are summed up by a Gaussian likelihood of its weights (the fast engine's sites). The weights of two judges
on one property have a normal prior with spreads found from the data (each judge's, times the property's) and a correlation ρ that is the
same for all properties and groups; ρ has the arcsine distribution on (-1, 1). That is the shrinkage of a multivariate empirical Bayes
model (Efron & Morris 1972, doi:10.1093/biomet/59.2.335), where plain posteriors take every two judges to be unrelated and so draw each
correlation towards 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline

from dissection.dataset import BoolArray, FloatArray
from dissection.likeness.likelihoods import Evidence
from dissection.regression.folds import IntArray
from dissection.similarity import paired_correlations

RHO = np.linspace(-3.0, 3.0, 15)  # atanh ρ at which the evidence is computed; a spline joins them
FINE = 401
RHOS, DRAWS_EACH = 16, 25  # draws of two tastes: so many values of ρ of equal mass, and so many draws at each
STEPS = 40  # of expectation and maximisation for the spreads
JUDGE_COUNT, PROPERTY_COUNT = 4.0, 8.0  # as many weights as the priors of a judge's and of a property's spread are worth
MEAN_WIDTH = 3.0  # sd of a judge's mean weight in sds of the model's prior


class Spreads(NamedTuple):
    """How large weights are: (J × d) sds around 0 in log-odds, the same in all groups, and the prior variance of a judge's mean weight."""

    sd: FloatArray
    mean_variance: float

    def prior(self, judges: IntArray) -> FloatArray:
        """(P × d × d) prior covariance of these judges' weights."""
        return np.asarray(self.sd[judges][..., None] ** 2 * np.eye(self.sd.shape[1]) + self.mean_variance)


def spreads(evidence: Evidence, method: str) -> Spreads:
    """The spreads that make the verdicts most likely, near those of the model's prior where there are few (EM).

    A weight's spread is its judge's times its property's. For centred correlations each judge's mean weight is free, so that it does not
    count; for cosine it counts like any other size.
    """
    _, judges, d = evidence.score.shape
    variance = 0.0 if method == "cosine" else (MEAN_WIDTH * evidence.prior_sd) ** 2
    judge, share = np.full((judges, 1), evidence.prior_sd**2), np.ones(d)
    found = Spreads(np.sqrt(judge * share), variance)
    precision = evidence.root @ evidence.root
    moment = np.einsum("gjab,gjb->gja", evidence.root, evidence.score)
    groups = evidence.known.sum(axis=0)[:, None]
    for _ in range(STEPS):
        squares = np.where(evidence.known[..., None], _squares(precision, moment, found), 0.0).sum(axis=0)
        judge = JUDGE_COUNT * evidence.prior_sd**2 + (squares / share).sum(axis=1, keepdims=True)
        judge /= JUDGE_COUNT + d * groups
        share = (PROPERTY_COUNT + (squares / judge).sum(axis=0)) / (PROPERTY_COUNT + groups.sum())
        found = Spreads(np.sqrt(judge * share), variance)
    return found


def _squares(precision: FloatArray, moment: FloatArray, found: Spreads) -> FloatArray:
    """(G × J × d) expected squares of the weights less the judge's free mean."""
    own = found.sd**2
    inverse = np.linalg.inv(found.prior(np.arange(len(own))))
    covariance = np.linalg.inv(precision + inverse)
    mean = np.einsum("gjab,gjb->gja", covariance, moment)
    second = covariance + mean[..., :, None] * mean[..., None, :]
    share = own[..., None] * inverse
    within = np.einsum("jab,gjbc,jac->gja", share, second, share, optimize=True)
    return np.asarray(within + own - np.einsum("jaa->ja", share) * own)


def _evidence(precision: FloatArray, moment: FloatArray, bound: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """(…,) moment' precision⁻¹ moment and log det precision; `bound` is the largest eigenvalue that the inverse may have."""
    factor, half = _factor(precision, moment, bound)
    return (half**2).sum(axis=-1), 2 * np.log(np.einsum("...ii->...i", factor)).sum(axis=-1)


def _factor(precision: FloatArray, moment: FloatArray, bound: FloatArray | float) -> tuple[FloatArray, FloatArray]:
    """The Cholesky factor L, and L⁻¹ moment: the last row of the factor of the matrix bordered by the moment."""
    d = moment.shape[-1]
    bordered = np.empty((*moment.shape[:-1], d + 1, d + 1))
    bordered[..., :d, :d], bordered[..., :d, d], bordered[..., d, :d] = precision, moment, moment
    bordered[..., d, d] = 1 + 2 * bound * (moment**2).sum(axis=-1)
    factor = np.linalg.cholesky(bordered)
    return factor[..., :d, :d], factor[..., d, :d]


class _Two(NamedTuple):
    """P pairs of judges: joint likelihood (G × P × 2d × 2d) precision and (G × P × 2d) moment, and the judges' priors and spreads."""

    precision: FloatArray
    moment: FloatArray
    first_prior: FloatArray
    second_prior: FloatArray
    cross: FloatArray  # (P × d) products of the two judges' spreads

    def prior(self, rho: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(P × 2d × 2d) precision of the prior with correlation ρ (P,), and the log determinant (P,) of its covariance."""
        cross = (rho[:, None] * self.cross)[..., None] * np.eye(self.cross.shape[1])
        covariance = _blocks(self.first_prior, cross, self.second_prior)
        return np.asarray(np.linalg.inv(covariance)), np.asarray(np.linalg.slogdet(covariance)[1])

    @property
    def bound(self) -> FloatArray:
        """(P,) at least the largest eigenvalue of the prior's covariance."""
        return np.asarray(np.trace(self.first_prior, axis1=1, axis2=2) + np.trace(self.second_prior, axis1=1, axis2=2))


def _blocks(first: FloatArray, cross: FloatArray, second: FloatArray) -> FloatArray:
    top, bottom = np.concatenate([first, cross], axis=-1), np.concatenate([np.swapaxes(cross, -1, -2), second], axis=-1)
    return np.concatenate([top, bottom], axis=-2)


def _join(evidence: Evidence, one: IntArray, other: IntArray, spread: Spreads) -> _Two:
    both = evidence.known[:, one] & evidence.known[:, other]
    first, second = (np.where(both[..., None, None], evidence.root[:, side], 0.0) for side in (one, other))
    score, other_score = evidence.score[:, one], evidence.score[:, other]
    noise = evidence.noise[one, other][:, None]
    moments = [
        np.einsum("gpab,gpb->gpa", first, score - noise * other_score),
        np.einsum("gpab,gpb->gpa", second, other_score - noise * score),
    ]
    alone = 1 - noise**2
    precision = _blocks(first @ first, -noise[..., None] * (first @ second), second @ second) / alone[..., None]
    moment = np.concatenate(moments, axis=-1) / alone
    return _Two(precision, moment, spread.prior(one), spread.prior(other), spread.sd[one] * spread.sd[other])


def correlation_draws(
    evidence: Evidence, one: IntArray, other: IntArray, spread: Spreads, method: str, kept: IntArray, seed: int = 0
) -> FloatArray:
    """(P × draws) from the posterior of two judges' similarity: the mean over their groups of the correlation of their tastes.

    Args:
        evidence: see there.
        one: (P,) places of the first judges.
        other: (P,) of the second; each pair needs a group in which both have numbers.
        spread: of `spreads`, for this method.
        method: as in `similarity_matrix`.
        kept: the properties' places that are correlated.
        seed: of the draws; they do not depend on which pairs are asked together.
    """
    two = _join(evidence, one, other, spread)
    curve = []
    for rho in np.tanh(RHO):
        prior, determinant = two.prior(np.full(len(one), rho))
        quadratic, log_det = _evidence(two.precision + prior, two.moment, two.bound)
        curve.append(0.5 * (quadratic - log_det - determinant).sum(axis=0))
    fine = np.linspace(RHO[0], RHO[-1], FINE)
    # The arcsine distribution of ρ is sech(z) in z = atanh ρ.
    log_mass = CubicSpline(RHO, np.stack(curve), axis=0)(fine) - np.log(np.cosh(fine))[:, None]
    mass = np.cumsum(np.exp(log_mass - log_mass.max(axis=0)), axis=0)
    middles = (np.arange(RHOS) + 0.5) / RHOS
    rhos = np.tanh(np.stack([np.interp(middles, of_pair / of_pair[-1], fine) for of_pair in mass.T], axis=1))
    both = evidence.known[:, one] & evidence.known[:, other]
    noise = np.random.default_rng(seed).standard_normal((RHOS, len(evidence.groups), 1, two.moment.shape[-1], DRAWS_EACH))
    return np.concatenate([_draws(two, rho, z, both, method, kept) for rho, z in zip(rhos, noise, strict=True)], axis=-1)


def _draws(two: _Two, rho: FloatArray, noise: FloatArray, both: BoolArray, method: str, kept: IntArray) -> FloatArray:
    """(P × draws) of the mean similarity where the prior's correlation is ρ (P,)."""
    d = two.moment.shape[-1] // 2
    factor, half = _factor(two.precision + two.prior(rho)[0], two.moment, two.bound)
    tastes = np.swapaxes(np.linalg.solve(np.swapaxes(factor, -1, -2), half[..., None] + noise), -1, -2)
    found = paired_correlations(tastes[..., :d][..., kept], tastes[..., d:][..., kept], method)
    return np.asarray(np.where(both[..., None], found, 0.0).sum(axis=0) / both.sum(axis=0)[:, None])
