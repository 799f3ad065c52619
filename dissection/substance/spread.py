"""How far a family of properties moves a judge, freed of noise, and a family's share of it with its interval.

Noise has a spread too, and a family of many properties much of it, so V_F is estimated from the verdicts without the prior, α̂ ~ N(α, C):
α̂_F' S_F α̂_F - tr(S_F C_F), which is right on average. The 95 % interval holds the shares s that the verdicts do not contradict: those at
which V_F - s Σ_G V_G, of variance 4 α'QCQα + 2 tr(QCQC) with Q its quadratic form, lies within 1.96 of its standard deviations from zero
(Fieller 1954, doi:10.1111/j.2517-6161.1954.tb00159.x, with a quadratic form in place of a mean). It may therefore end at 0 or 1, and for a
judge without signal it is all of [0, 1].
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import chi2, norm

from dissection.dataset import BoolArray, FloatArray

STEPS = 1_000  # of the grid on which ends of intervals are looked for
TAIL = 0.025
REACH = float(norm.ppf(1 - TAIL))
FLAT = 1e-6  # of the largest precision; what the pairs say nothing of is uncertain, not unknown


class Forms(NamedTuple):
    """Of one judge and K families.

    Attributes:
        spread: (K,) each family's spread, in squared log-odds, noise taken out (so it may fall below 0).
        bias: (K,) tr(S_k C), the noise that was taken out.
        slope: (K × K) α̂'F_k C F_l α̂, the first part of their covariance.
        noise: (K × K) tr(F_k C F_l C), the second.
    """

    spread: FloatArray
    bias: FloatArray
    slope: FloatArray
    noise: FloatArray


class Ratio(NamedTuple):
    """An estimate with its 95 % interval; `told` is False where noise alone would do."""

    value: float
    low: float
    high: float
    told: bool


def quadratic_forms(root: FloatArray, score: FloatArray, moments: FloatArray, masks: BoolArray) -> Forms:
    """What a Gaussian likelihood says of the families' spreads.

    Args:
        root: (d × d) symmetric root of its precision.
        score: (d,) as in `Evidence`.
        moments: (d × d) second moments of the comparisons.
        masks: (K × d) which properties are in which family.
    """
    values, vectors = np.linalg.eigh(root)
    values = np.maximum(values, np.sqrt(FLAT) * max(values.max(initial=0.0), 1e-12))
    half = vectors / values  # half @ half.T is the covariance
    mean = half @ (vectors.T @ score)
    of_family = [np.where(np.outer(mask, mask), moments, 0.0) for mask in masks]
    inner = [half.T @ form @ half for form in of_family]
    pushed = np.stack([half.T @ (form @ mean) for form in of_family])
    bias = np.array([np.trace(part) for part in inner])
    spread = np.array([mean @ form @ mean for form in of_family]) - bias
    flat = np.stack(inner).reshape(len(inner), -1)
    return Forms(spread, bias, pushed @ pushed.T, flat @ flat.T)


def mean_forms(parts: Sequence[Forms]) -> Forms:
    """Over groups whose estimates are independent."""
    count = len(parts)
    return Forms(
        np.sum([part.spread for part in parts], axis=0) / count,
        np.sum([part.bias for part in parts], axis=0) / count,
        np.sum([part.slope for part in parts], axis=0) / count**2,
        np.sum([part.noise for part in parts], axis=0) / count**2,
    )


def ratio(forms: Forms, top: BoolArray, among: BoolArray) -> Ratio:
    """The share of some families' spread in that of more, from 0 to 1, with its interval.

    Args:
        forms: of K families.
        top: (K,) the families whose share is asked for.
        among: (K,) those and others.
    """
    whole = float(forms.spread[among].sum())
    bias, noise = float(forms.bias[among].sum()), float(forms.noise[np.ix_(among, among)].sum())
    freedom = bias**2 / noise if noise > 0 else 1.0
    # Without any signal the spread with its noise is about a multiple of a chi-square (Satterthwaite 1946, doi:10.2307/3002019).
    if whole <= 0 or whole + bias <= bias * float(chi2.ppf(1 - TAIL, freedom)) / freedom:
        return Ratio(np.nan, 0.0, 1.0, told=False)
    positive = np.where(among, np.maximum(forms.spread, 0.0), 0.0)
    value = float(positive[top].sum() / positive.sum())
    at = np.linspace(0.0, 1.0, STEPS + 1)
    contrasts = top[None, :] - at[:, None] * among[None, :]
    held = at[np.abs(contrasts @ forms.spread) <= REACH * np.sqrt(_variances(forms, contrasts, at, top, positive))]
    return Ratio(value, float(min(held.min(initial=value), value)), float(max(held.max(initial=value), value)), told=True)


def _variances(forms: Forms, contrasts: FloatArray, at: FloatArray, top: BoolArray, positive: FloatArray) -> FloatArray:
    """(S,) of the contrasts' estimates, were the S shares `at` true.

    The slopes are those of the estimates, with their own noise taken out; or, where that is more, those that the families' spreads would
    have at this share: a family that happens to be found small would otherwise seem surely small.
    """
    noise = 2 * np.einsum("sk,kl,sl->s", contrasts, forms.noise, contrasts)
    found = 4 * np.einsum("sk,kl,sl->s", contrasts, forms.slope, contrasts) - noise
    parts = [np.where(mask, positive, 0.0) for mask in (top, ~top)]
    split = [np.divide(part, part.sum(), out=np.zeros_like(part), where=part.sum() > 0) for part in parts]
    spreads = positive.sum() * (at[:, None] * split[0] + (1 - at[:, None]) * split[1])
    unit = np.divide(np.diag(forms.noise), forms.bias, out=np.zeros_like(forms.bias), where=forms.bias > 0)
    supposed = 4 * (contrasts**2 * unit * spreads).sum(axis=1) + noise
    return np.asarray(np.maximum(np.maximum(found, supposed), noise))
