"""What several judges' verdicts say of their weights, before any prior: the fast engine's Gaussian likelihoods, and their common noise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from dissection.dataset import BoolArray, FloatArray, Group, PairDataset
from dissection.regression.fit import Progress, fit_rows
from dissection.regression.folds import IntArray
from dissection.regression.model import Model
from dissection.regression.observations import answered, usable
from dissection.regression.propagation import Approximation, diagonal

MAX_NOISE = 0.98  # noise that is shared wholly would leave two likelihoods of one


@dataclass(frozen=True, eq=False)
class Evidence:
    """The likelihoods of J judges in G groups; 0 where a judge has no verdict in a group.

    Attributes:
        judges, groups, properties: the axes.
        mean, covariance: (G × J × d), (G × J × d × d) of the engine's posteriors.
        root: (G × J × d × d) symmetric root of the likelihood's precision.
        score: (G × J × d); root @ score is the likelihood's precision times its mean.
        n: (G × J) pairs with a verdict.
        common: (J × J) pairs that both judged, in groups where both have numbers.
        noise: (J × J) correlation of the noise in two judges' estimates, since both judged the same pairs.
        prior_sd: of the model's prior on a weight.
    """

    judges: tuple[str, ...]
    groups: tuple[Group, ...]
    properties: tuple[str, ...]
    mean: FloatArray
    covariance: FloatArray
    root: FloatArray
    score: FloatArray
    n: IntArray
    common: IntArray
    noise: FloatArray
    prior_sd: float

    @property
    def known(self) -> BoolArray:
        """(G × J) which judges have numbers in which groups."""
        return np.asarray(self.n > 0)

    def means(self) -> FloatArray:
        """(G × J × d) posterior means; NaN where there are none."""
        return np.where(self.known[..., None], self.mean, np.nan)


class _Cell(NamedTuple):
    """One group's part of the evidence: fields as there, without the first axis; `residuals`, `variance` (pairs × J) of the verdicts."""

    mean: FloatArray
    covariance: FloatArray
    root: FloatArray
    score: FloatArray
    n: IntArray
    residuals: FloatArray
    variance: FloatArray


def gather(dataset: PairDataset, model: Model, judges: Sequence[int], groups: Sequence[Group], progress: Progress | None) -> Evidence:
    """Fit the judges in every group by the fast engine and keep what their verdicts say.

    Args:
        dataset: with pairs.
        model: not a pooled one and without folds.
        judges: columns of the dataset.
        groups: scenarios or conditions.
        progress: called with (groups done, groups in all).
    """
    cells = []
    for done, group in enumerate(groups):
        if progress:
            progress(done, len(groups))
        cells.append(_cell(*usable(dataset, group, list(judges)), model))
    shared = np.sum([cell.residuals.T @ cell.residuals for cell in cells], axis=0)
    size = np.sqrt(np.sum([cell.variance.sum(axis=0) for cell in cells], axis=0))
    common = np.sum([(cell.variance > 0).astype(np.intp).T @ (cell.variance > 0) for cell in cells], axis=0)
    scale = np.outer(size, size)
    noise = np.divide(shared, scale, out=np.zeros(scale.shape), where=scale > 0)
    return Evidence(
        judges=tuple(dataset.judge_names[judge] for judge in judges),
        groups=tuple(groups),
        properties=dataset.property_names,
        mean=np.stack([cell.mean for cell in cells]),
        covariance=np.stack([cell.covariance for cell in cells]),
        root=np.stack([cell.root for cell in cells]),
        score=np.stack([cell.score for cell in cells]),
        n=np.stack([cell.n for cell in cells]),
        common=common,
        noise=np.clip(noise, -MAX_NOISE, MAX_NOISE),
        prior_sd=float(np.sqrt(2) * model.prior_scale),
    )


def _cell(comparisons: FloatArray, verdicts: FloatArray, model: Model) -> _Cell:
    found = fit_rows(comparisons, verdicts, model)
    d = comparisons.shape[1]
    n = np.array([int(answered(verdicts[:, place]).sum()) for place in range(verdicts.shape[1])], dtype=np.intp)
    n[~found.converged] = 0
    residuals, variance = _residuals(comparisons, verdicts, found)
    mean, covariance, root, score = _likelihood(found, d)
    silent = n == 0
    for part in (mean, covariance, root, score):
        part[silent] = 0.0
    residuals[:, silent] = variance[:, silent] = 0.0
    return _Cell(mean, covariance, root, score, n, residuals, variance)


def _likelihood(found: Approximation, d: int) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Mean, covariance, and root and score of the likelihood: the posterior without the prior's sites, a position bias integrated out."""
    mean, covariance = found.mean[:, :d].copy(), found.covariance[:, :d, :d].copy()
    # A judge that did not converge has numbers that can't be taken apart; it is left out by the caller.
    broken = ~(np.isfinite(covariance).all(axis=(1, 2)) & np.isfinite(mean).all(axis=1))
    mean[broken], covariance[broken] = 0.0, np.eye(d)
    variance, alone = diagonal(covariance), found.likelihood_sd[:, :d] ** 2
    precision = np.linalg.inv(covariance)
    moment = np.einsum("jab,jb->ja", precision, mean) - (mean / variance - found.likelihood_mean[:, :d] / alone)
    np.einsum("jii->ji", precision)[...] -= 1 / variance - 1 / alone
    precision[broken], moment[broken] = 0.0, 0.0
    values, vectors = np.linalg.eigh(precision)
    values = np.sqrt(np.maximum(values, 0.0))
    # Directions on which no pair bears have no score.
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=values > 1e-4 * values.max(axis=1, initial=1e-300, keepdims=True))
    root = np.einsum("jab,jb,jcb->jac", vectors, values, vectors)
    score = np.einsum("jab,jb,jcb,jc->ja", vectors, inverse, vectors, moment)
    return mean, covariance, root, score


def _residuals(comparisons: FloatArray, verdicts: FloatArray, found: Approximation) -> tuple[FloatArray, FloatArray]:
    """(n × J) verdicts less what the fit foretells, and the variance that it foretells; the mean over orders, 0 where there is none."""
    d = comparisons.shape[1]
    mean = np.nan_to_num(found.mean)
    predictor = comparisons @ mean[:, :d].T
    bias = mean[:, d] if mean.shape[1] > d else np.zeros(len(mean))
    asked = ~np.isnan(verdicts)
    weight = asked / np.maximum(asked.sum(axis=2, keepdims=True), 1)
    chance = expit(np.stack([predictor + bias, predictor - bias], axis=2))
    residuals = (weight * np.where(asked, verdicts - chance, 0.0)).sum(axis=2)
    return residuals, np.asarray((weight * chance * (1 - chance)).sum(axis=2))
