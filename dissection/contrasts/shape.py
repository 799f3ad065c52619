"""The distribution of a difference of two weights, each with its own posterior marginal."""

from typing import NamedTuple

import numpy as np

from dissection.dataset import FloatArray
from dissection.regression.laplace import tilted_cdf, tilted_quantile

NODES = 64
HALVINGS = 32
REACH = 9.0  # sds to either side in which the ends are looked for
TAIL = 0.025


class Marginals(NamedTuple):
    """Posterior marginals of weights: a Gaussian that the verdicts give, times the Laplace prior.

    Attributes:
        mean, sd: (d,) of the posterior.
        likelihood_mean, likelihood_sd: (d,) of the Gaussian.
        prior_scale: b of the prior.
    """

    mean: FloatArray
    sd: FloatArray
    likelihood_mean: FloatArray
    likelihood_sd: FloatArray
    prior_scale: float


class Ends(NamedTuple):
    """Of a difference, each (d,): the 95 % interval and the probability that the difference is positive."""

    low: FloatArray
    high: FloatArray
    direction: FloatArray


def difference_ends(first: Marginals, second: Marginals, sd: FloatArray) -> Ends:
    """Ends of first - second with the given standard deviation.

    For independent errors, this is the exact distribution of the difference of the two marginals. Errors that go together change its
    width alone: it is stretched about its mean to the standard deviation that is given.

    Args:
        first: marginals of d weights.
        second: the same of the other side.
        sd: (d,) standard deviations of the differences, in log-odds, positive.
    """
    centre, independent = first.mean - second.mean, np.hypot(first.sd, second.sd)
    nodes, masses = np.polynomial.legendre.leggauss(NODES)
    moved = np.stack(
        [tilted_quantile(second.likelihood_mean, second.likelihood_sd**2, second.prior_scale, (1 + float(node)) / 2) for node in nodes]
    )

    def below(at: FloatArray) -> FloatArray:
        parts = tilted_cdf(first.likelihood_mean, first.likelihood_sd**2, first.prior_scale, at + moved)
        return np.asarray((masses[:, None] / 2 * parts).sum(axis=0))

    def quantile(probability: float) -> FloatArray:
        low, high = centre - REACH * independent, centre + REACH * independent
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            short = below(middle) < probability
            low, high = np.where(short, middle, low), np.where(short, high, middle)
        return (low + high) / 2

    stretch = sd / independent
    low, high = (centre + stretch * (quantile(probability) - centre) for probability in (TAIL, 1 - TAIL))
    return Ends(low, high, np.clip(1 - below(centre - centre / stretch), 0.0, 1.0))
