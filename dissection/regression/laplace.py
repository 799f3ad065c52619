"""A Gaussian times a Laplace density: moments, ends and direction in closed form.

The product N(α; m, v)·exp(-|α|/b) is a mixture of two truncated normals, one on each side of zero: N(m - v/b, v) on α > 0 and
N(m + v/b, v) on α < 0.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri_exp

from dissection.dataset import FloatArray

# A cavity this many prior scales wide tells as much as a flat one, and wider ones would lose digits to cancellation.
MAX_CAVITY_SD = 300.0


class Moments(NamedTuple):
    """Mean and variance, arrays of one shape."""

    mean: FloatArray
    variance: FloatArray


class _Sides(NamedTuple):
    centre: FloatArray  # mean of the untruncated normal, mirrored so that both sides are truncated to > 0
    sd: FloatArray
    log_mass: FloatArray  # log Φ(centre / sd)
    log_weight: FloatArray  # log of the side's share of the product


def _sides(mean: FloatArray, variance: FloatArray, scale: float) -> tuple[_Sides, _Sides]:
    variance = np.minimum(variance, (MAX_CAVITY_SD * scale) ** 2)
    sd = np.sqrt(variance)
    up, down = mean - variance / scale, -mean - variance / scale
    mass_up, mass_down = log_ndtr(up / sd), log_ndtr(down / sd)
    log_up, log_down = mass_up - mean / scale, mass_down + mean / scale
    total = np.logaddexp(log_up, log_down)
    return _Sides(up, sd, mass_up, log_up - total), _Sides(down, sd, mass_down, log_down - total)


def _truncated_moments(side: _Sides) -> Moments:
    z = side.centre / side.sd
    hazard = np.sqrt(2 / np.pi) / erfcx(-z / np.sqrt(2))
    return Moments(side.centre + side.sd * hazard, side.sd**2 * (1 - hazard * (hazard + z)))


def tilted_moments(mean: FloatArray, variance: FloatArray, scale: float) -> Moments:
    """Mean and variance of the normalised N(α; mean, variance)·exp(-|α|/scale)."""
    up, down = _sides(mean, variance, scale)
    moments_up, moments_down = _truncated_moments(up), _truncated_moments(down)
    share_up, share_down = np.exp(up.log_weight), np.exp(down.log_weight)
    centre = share_up * moments_up.mean - share_down * moments_down.mean
    # The variance within the sides and the one between them: nothing is subtracted, so nothing cancels far from zero.
    within = share_up * moments_up.variance + share_down * moments_down.variance
    return Moments(centre, within + share_up * share_down * (moments_up.mean + moments_down.mean) ** 2)


def tilted_direction(mean: FloatArray, variance: FloatArray, scale: float) -> FloatArray:
    """P(α > 0) under the normalised product."""
    return np.exp(_sides(mean, variance, scale)[0].log_weight)


def tilted_quantile(mean: FloatArray, variance: FloatArray, scale: float, probability: float) -> FloatArray:
    """The quantile at `probability` of the normalised product."""
    up, down = _sides(mean, variance, scale)
    above = _upper_end(up, np.log1p(-probability))
    below = -_upper_end(down, np.log(probability))
    return np.where(np.exp(down.log_weight) < probability, above, below)


def tilted_cdf(mean: FloatArray, variance: FloatArray, scale: float, at: FloatArray) -> FloatArray:
    """P(α ≤ at) under the normalised product; the inverse of `tilted_quantile`."""
    up, down = _sides(mean, variance, scale)
    above, below = np.exp(_log_tail(up, np.maximum(at, 0.0))), np.exp(_log_tail(down, np.maximum(-at, 0.0)))
    return np.where(at > 0, 1 - above, below)


def _log_tail(side: _Sides, at: FloatArray) -> FloatArray:
    # log P(the mirrored α > at) for at ≥ 0.
    return side.log_weight + log_ndtr((side.centre - at) / side.sd) - side.log_mass


def _upper_end(side: _Sides, log_tail: float) -> FloatArray:
    # x > 0 with P(α > x) = exp(log_tail); where the side holds less than that, the result is clipped and not used.
    log_share = np.minimum(log_tail - side.log_weight, 0.0)
    return np.maximum(side.centre - side.sd * ndtri_exp(log_share + side.log_mass), 0.0)


def tilted_log_mass(mean: FloatArray, variance: FloatArray, scale: float) -> FloatArray:
    """Log ∫ N(α; mean, variance)·exp(-|α|/scale) dα."""
    variance = np.minimum(variance, (MAX_CAVITY_SD * scale) ** 2)
    sd = np.sqrt(variance)
    up, down = log_ndtr((mean - variance / scale) / sd) - mean / scale, log_ndtr((-mean - variance / scale) / sd) + mean / scale
    return np.asarray(np.logaddexp(up, down) + variance / (2 * scale**2))
