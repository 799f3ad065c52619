"""A judge's effects as they would be without the annotator's noise, beside the plain ones.

Noise in annotations draws weights to zero. Where T are the true comparisons of a pair and W those annotated, the verdicts are regressed on
E[T | W], the best linear guess of T from all of W, in place of W: regression calibration (Carroll, Ruppert, Stefanski & Crainiceanu 2006,
Measurement Error in Nonlinear Models, chapter 4, doi:10.1201/9781420010138). With ε_j the probability that a comparison on property j is
drawn anew, D = diag(1/(1-ε)) and S the second moments of W, E[T | W] = D C S⁻¹ W, where C is S but for its diagonal, C_jj = (1-ε_j)(S_jj -
ε_j(1-q0_j)): what is drawn anew goes together with nothing. (C S⁻¹ alone is the classical correction for errors that are independent
of the truth; it divides by the reliability and so corrects too much, by 1/(1-ε).) What remains unknown of T, V = Var(T | W), draws logistic
weights to zero a little more: σ's integral over a normal is about σ(x/√(1 + V/2.89)), so weights are multiplied by √(1 + α'Vα/2.89).

Of the noise only a posterior is known, so the verdicts are fitted once for each of some draws from it, and the results mixed: to the mean
of the variances the variance of the means is added. The model's prior is on the corrected weights, so intervals are wider than the plain
ones, and where there are few pairs a corrected mean may be nearer to zero than the plain one.

MC-SIMEX (Küchenhoff, Mwalili & Lesaffre 2006, doi:10.1111/j.1541-0420.2005.00396.x), which adds more noise and extrapolates to none, was tried
on the posterior means and on the likelihoods: docs/trust.md has the figures, `tests/test_noise_simex.py` the comparison in small.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.noise.agreement import COMPUTED, GRADED
from dissection.noise.redraw import fit_redraw, lacking
from dissection.noise.twice import Twice, cell_tables, is_computed, join
from dissection.regression.fit import Progress, fit, fit_rows
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import usable
from dissection.regression.posterior import Posterior

FITS, MIN_FITS, MAX_FITS = 40, 10, 1_000
LOGISTIC = 2.89  # 1.7², variance of the normal that is closest to the logistic
LEAST_KEPT = 0.01  # of 1 - ε, so that nothing is divided by zero
EFFECT_COLUMNS = (
    *("judge", "group", "property", "mean", "low", "high", "corrected", "corrected_low", "corrected_high"),
    *("epsilon", "epsilon_low", "epsilon_high", "attenuation", "n", "n_again", "status", "remark"),
)
UNSETTLED = "not corrected: some fit with the noise drawn did not settle"
NOT_AGAIN = "not in the second annotation, so its noise is not known and it is not corrected"
UNCORRECTED = "not corrected: "


class Noise(NamedTuple):
    """The noise of d properties.

    Attributes:
        epsilon, low, high: (d,) probability that a comparison is drawn anew, with its 95 % interval; NaN where unknown.
        pairs: (d,) that were annotated twice.
        draws: (draws × d × 2) as in `Redraw`; 0 where there is no noise or none is known.
        remarks: why a property is not corrected; empty where it is.
    """

    epsilon: FloatArray
    low: FloatArray
    high: FloatArray
    pairs: FloatArray
    draws: FloatArray
    remarks: tuple[str, ...]


class Corrected(NamedTuple):
    """Of J judges and d properties, in log-odds: (J × d)."""

    mean: FloatArray
    low: FloatArray
    high: FloatArray


def noise_of(dataset: PairDataset, again: PairDataset, draws: int = FITS, seed: int = 0) -> Noise:
    """What two annotations say of the noise of each property of the first.

    Args:
        dataset: the annotations in use.
        again: a second annotation of some of the same pairs.
        draws: from the posterior.
        seed: of these.

    Raises:
        InputError: nothing in common.
    """
    twice = join(dataset, again)
    tables = cell_tables(twice).sum(axis=0)
    places = {property_.name: place for place, property_ in enumerate(twice.properties)}
    d = len(dataset.properties)
    found = np.full((3, d), np.nan)
    pairs, drawn, remarks = np.zeros(d), np.zeros((draws, d, 2)), []
    for column, property_ in enumerate(dataset.properties):
        place = places.get(property_.name)
        pairs[column] = 0 if place is None else tables[place].sum()
        reason = _no_noise(twice, place, tables)
        if is_computed(property_):
            reason, found[:, column] = COMPUTED, 0.0
        elif place is not None and not reason:
            noise = fit_redraw(tables[place], draws, seed + column)
            found[:, column], drawn[:, column] = (noise.epsilon, noise.low, noise.high), noise.draws
        remarks.append(reason)
    return Noise(found[0], found[1], found[2], pairs, drawn, tuple(remarks))


def _no_noise(twice: Twice, place: int | None, tables: FloatArray) -> str:
    if place is None:
        return NOT_AGAIN
    reason = GRADED if twice.graded[place] else lacking(tables[place])
    return UNCORRECTED + reason if reason else ""


def calibration(moments: FloatArray, epsilon: FloatArray, astray: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The matrix M of E[T | W] = M W, and the variance V of T about it; both (d × d).

    Args:
        moments: (d × d) second moments of the annotated comparisons.
        epsilon: (d,) probability that a comparison is drawn anew; 0 for those without noise.
        astray: (d,) probability that it is drawn anew and becomes +1 or -1.
    """
    kept, size = np.maximum(1 - epsilon, LEAST_KEPT), np.diag(moments)
    own = np.where(epsilon > 0, kept * np.maximum(size - astray, 0.0), size)
    signal = moments - np.diag(size - own)
    # Estimates of noise and moments need not fit together; then some combination of properties would have a negative variance.
    scale = np.outer(np.sqrt(own), np.sqrt(own))
    values, vectors = np.linalg.eigh(np.divide(signal, scale, out=np.zeros_like(signal), where=scale > 0))
    signal = scale * ((vectors * np.maximum(values, 0.0)) @ vectors.T)
    matrix = signal @ np.linalg.pinv(signal + np.diag(size - own), hermitian=True) / kept[:, None]
    left = signal / np.outer(kept, kept) - matrix @ signal / kept
    known = epsilon == 0
    matrix[known] = np.eye(len(epsilon))[known]
    left[known], left[:, known] = 0.0, 0.0
    return matrix, (left + left.T) / 2


def corrected_effects(
    dataset: PairDataset,
    again: PairDataset,
    group: str,
    model: Model = STANDARD,
    judges: Sequence[str] | None = None,
    *,
    resamples: int = FITS,
    seed: int = 0,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Plain and corrected effects of some judges in a group.

    Args:
        dataset: the annotations in use, with verdicts.
        again: a second annotation of some of the same pairs, joined by `pair_id`, its comparisons in terms of the same A and B.
        group: name of a scenario or condition, or all pairs. The noise is that of all pairs annotated twice.
        model: neither pooled nor a mean of folds.
        judges: names; None: all.
        resamples: draws of the noise, and so fits, 10 to 1,000.
        seed: of the draws.
        progress: called with (fits done, fits in all). What it raises ends the work and goes on to the caller.

    Returns:
        `EFFECT_COLUMNS`, one row a judge and property. `mean`, `corrected` and their 95 % ends in log-odds, NaN where the judge has no
        numbers (`status` as in `Posterior`), and the corrected ones also where a fit of theirs did not settle. `attenuation` is what the property's own noise leaves of a weight in this group, from 0 to 1:
        E[T | W = 1]. `n` pairs judged, `n_again` annotated twice. `remark` says what was not corrected and why.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: nothing in common, published weights, a pooled model or folds, or the number of fits is out of its range.
    """
    _check(model, resamples)
    names = list(dataset.judge_names if judges is None else judges)
    columns, where = [dataset.judge_index(name) for name in names], dataset.group(group)
    noise = noise_of(dataset, again, resamples, seed)
    plain = fit(dataset, model, names, [group])
    comparisons, verdicts = usable(dataset, where, columns)
    moments = _moments(dataset, comparisons)
    if noise.draws.any() and len(comparisons):
        found = _mixed(comparisons, verdicts, moments, noise, model, progress)
    else:
        found = Corrected(*(np.stack([getattr(one, name) for one in plain]) for name in ("mean", "low", "high")))
    attenuation = _attenuation(moments, noise)
    rows = [row for place, one in enumerate(plain) for row in _rows(one, where, place, found, noise, attenuation)]
    return pd.DataFrame(rows, columns=list(EFFECT_COLUMNS))


def _check(model: Model, resamples: int) -> None:
    if model.pooled or model.folds:
        what = "shares tastes between scenarios" if model.pooled else "is a mean of several fits"
        raise InputError(
            f"The model “{model.name}” {what}, and effects are corrected from single fits.",
            accepted="the models “standard” and “paper” without folds",
            remedy="choose the model “standard”",
        )
    if not MIN_FITS <= resamples <= MAX_FITS:
        raise InputError(
            f"The number of fits is {resamples}.", accepted=f"a whole number from {MIN_FITS} to {MAX_FITS:,}", remedy=f"use {FITS}"
        )


def _moments(dataset: PairDataset, comparisons: FloatArray) -> FloatArray:
    """Second moments in a group, steadied by those of all pairs, which weigh as much as one pair a property: small groups have few."""
    every = dataset.comparisons[dataset.assessed]
    d = every.shape[1]
    return np.asarray((comparisons.T @ comparisons + d * (every.T @ every) / max(len(every), 1)) / (len(comparisons) + d))


def _attenuation(moments: FloatArray, noise: Noise) -> FloatArray:
    """(d,) the mean over the draws of E[T | W = 1] from the property alone; 1 where there is no noise, NaN where it is not known."""
    size = np.diag(moments)
    left = np.maximum(size - noise.draws[:, :, 1], 0.0).mean(axis=0)
    share = np.divide(left, size, out=np.full(len(size), np.nan), where=size > 0)
    return np.where(np.isnan(noise.epsilon), np.nan, share)


def _mixed(
    comparisons: FloatArray, verdicts: FloatArray, moments: FloatArray, noise: Noise, model: Model, progress: Progress | None
) -> Corrected:
    """Fits on E[T | W] for each draw of the noise, mixed."""
    parts = []
    for done, drawn in enumerate(noise.draws):
        if progress:
            progress(done, len(noise.draws))
        matrix, left = calibration(moments, drawn[:, 0], drawn[:, 1])
        d = len(matrix)
        batch = fit_rows(comparisons @ matrix.T, verdicts, model)
        mean, low, high = (np.where(batch.converged[:, None], part[:, :d], np.nan) for part in (batch.mean, batch.low, batch.high))
        # With α the fitted weights and s the factor, s² = 1 + s² α'Vα/2.89.
        unknown = np.einsum("ja,ab,jb->j", mean, left, mean) / LOGISTIC
        factor = np.sqrt(1 / (1 - np.clip(unknown, 0.0, 0.5)))[:, None]
        parts.append(np.stack([mean, low, high]) * factor)
    if progress:
        progress(len(noise.draws), len(noise.draws))
    means, lows, highs = np.moveaxis(np.stack(parts), 1, 0)
    centre = means.mean(axis=0)
    halves = [(means - lows).mean(axis=0), (highs - means).mean(axis=0)]
    within = ((halves[0] + halves[1]) / (2 * 1.96)) ** 2
    wider = np.sqrt(1 + means.var(axis=0, ddof=1) / within)
    return Corrected(centre, centre - wider * halves[0], centre + wider * halves[1])


def _rows(plain: Posterior, group: Group, judge: int, found: Corrected, noise: Noise, attenuation: FloatArray) -> list[dict[str, object]]:
    known = plain.status == "fitted"
    unsettled = known and bool(np.isnan(found.mean[judge]).any())
    return [
        {
            "judge": plain.judge,
            "group": group.name,
            "property": name,
            "mean": plain.mean[place],
            "low": plain.low[place],
            "high": plain.high[place],
            "corrected": found.mean[judge, place] if known else np.nan,
            "corrected_low": found.low[judge, place] if known else np.nan,
            "corrected_high": found.high[judge, place] if known else np.nan,
            "epsilon": noise.epsilon[place],
            "epsilon_low": noise.low[place],
            "epsilon_high": noise.high[place],
            "attenuation": attenuation[place],
            "n": plain.n,
            "n_again": int(noise.pairs[place]),
            "status": plain.status,
            "remark": UNSETTLED if unsettled else noise.remarks[place],
        }
        for place, name in enumerate(plain.properties)
    ]
