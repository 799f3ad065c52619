"""Lengths of judges' weight vectors and angles between them, without what noise adds.

An estimate m = w + e of a judge's weights has |m|² = |w|² + |e|² on average: noise makes judges look stronger, and less alike, than they
are. Here inner products of judges are summed over groups and freed of that, by the traces of the estimates' sampling covariances (as
Diedrichsen et al. 2021, arXiv:2007.02789, do for distances of noisy patterns). What is shared between two judges' errors is in it. Scatter
comes from the delete-a-group jackknife (Kott 2001, Journal of Official Statistics 17:521), the same parts for all judges, so that it is
paired. Resamples with a third of the pairs absent would overfit; the jackknife's intervals still err on the wide side (docs/validity.md).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit

from dissection.contrasts.resampling import Batch, Counts, batch_of, fit_batch, refits, renumbered
from dissection.contrasts.sides import Side, check_side
from dissection.dataset import FloatArray, PairDataset
from dissection.errors import InputError
from dissection.regression.fit import Progress
from dissection.regression.folds import IntArray, assign_folds, query_clusters
from dissection.regression.model import STANDARD, Model
from dissection.regression.propagation import Approximation, diagonal

# A wider prior than the default: 0.1 pulls strong weights in more than weak ones, which would look like a difference of strength.
STRENGTH_SCALE = 0.3
PARTS = 40
Statistic = Callable[[FloatArray], FloatArray]  # (… × J × J) products to (…) numbers
POINTS_ONLY = "no interval: posterior means only"


@dataclass(frozen=True, eq=False)
class Moments:
    """Inner products of J judges' weight vectors, summed over groups, in squared log-odds.

    Attributes:
        judges: names.
        groups: names.
        raw: (J × J) of the estimates.
        products: (J × J) freed of noise; of published weights the same as `raw`.
        parts: (parts × J × J) freed of noise, each without one part of the queries; empty for published weights.
        n: (J,) pairs with a verdict; 0 for published weights.
        seed: by which queries were dealt to parts.
        reason: why there are no intervals, or empty.
    """

    judges: tuple[str, ...]
    groups: tuple[str, ...]
    raw: FloatArray
    products: FloatArray
    parts: FloatArray
    n: IntArray
    seed: int
    reason: str = ""

    def index(self, judge: str) -> int:
        """The place of a judge.

        Raises:
            InputError: it is not among them.
        """
        if judge not in self.judges:
            raise InputError(f"The judge {judge!r} is not among those compared.", accepted=", ".join(self.judges))
        return self.judges.index(judge)

    def scatter(self, statistic: Statistic) -> float:
        """The jackknife's standard error of a number made from products.

        Args:
            statistic: the number, from products.
        """
        if not len(self.parts):
            return float("nan")
        values = statistic(self.parts)
        return float(np.sqrt((len(values) - 1) / len(values) * ((values - values.mean()) ** 2).sum()))


def moments(
    dataset: PairDataset,
    judges: Sequence[str],
    groups: Sequence[str] | None = None,
    model: Model = STANDARD,
    seed: int = 0,
    progress: Progress | None = None,
) -> Moments:
    """The inner products of judges' weights over groups.

    Args:
        dataset: pairs with verdicts; of published weights the products of the posterior means, without intervals.
        judges: names, each once.
        groups: names; None: the scenarios. Conditions overlap with scenarios, so take either.
        model: says whether there is a position bias; its prior is replaced by one of scale `STRENGTH_SCALE`, and nothing is pooled.
        seed: by which queries are dealt to 40 parts.
        progress: called with (refits done, refits in all). What it raises ends the work and goes on to the caller.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: no judge or group, one given twice, or a judge without verdicts, with too few or always the same in a group.
    """
    names = tuple(groups) if groups is not None else tuple(group.name for group in dataset.scenarios)
    for what, given in (("judge", tuple(judges)), ("group", names)):
        if not given or len(set(given)) < len(given):
            raise InputError(f"The {what}s to compare are {', '.join(given) or 'none'}.", accepted=f"at least one {what}, each once")
    if not dataset.has_pairs:
        return _of_points(dataset, judges, names, seed)
    clusters = query_clusters(dataset)
    for group in names:
        for judge in judges:
            check_side(dataset, Side(judge, group), clusters)
    columns = [dataset.judge_index(judge) for judge in judges]
    batches, queries = renumbered([batch_of(dataset, dataset.group(group), columns, clusters) for group in names])
    kept = _parts(batches, queries, seed)
    wide = replace(model, prior_scale=STRENGTH_SCALE, pooled=False, folds=0)
    total, done = len(kept) * len(columns) * len(batches), 0
    raw, products = np.zeros((2, len(columns), len(columns)))
    parts = np.zeros((len(kept), len(columns), len(columns)))
    for batch in batches:
        found = _of_batch(batch, kept, wide, dataset.name)
        raw, products, parts = raw + found[0], products + found[1], parts + found[2]
        done += len(kept) * len(columns)
        if progress:
            progress(done, total)
    n = np.sum([(~np.isnan(batch.verdicts).all(axis=2)).sum(axis=0) for batch in batches], axis=0)
    return Moments(tuple(judges), names, raw, products, parts, n, seed)


def _of_points(dataset: PairDataset, judges: Sequence[str], groups: tuple[str, ...], seed: int) -> Moments:
    assert dataset.estimates is not None
    rows, columns = [dataset.estimate_groups.index(dataset.group(name)) for name in groups], [dataset.judge_index(name) for name in judges]
    weights = dataset.estimates[np.ix_(rows, columns)]
    if not np.isfinite(weights).all():
        row, column, _ = (int(place) for place in np.argwhere(~np.isfinite(weights))[0])
        raise InputError(
            f"The judge {judges[column]!r} has no weights in {groups[row]!r}.", where=dataset.name, remedy="leave one of the two out"
        )
    raw = np.einsum("gja,gka->jk", weights, weights)
    return Moments(tuple(judges), groups, raw, raw, np.empty((0, *raw.shape)), np.zeros(len(columns), dtype=np.intp), seed, POINTS_ONLY)


def _parts(batches: Sequence[Batch], queries: int, seed: int) -> Counts:
    """(parts × queries) 0 for the queries that a part leaves out, else 1; parts hold nearly equally many pairs."""
    clusters = np.concatenate([batch.clusters for batch in batches])
    parts = min(PARTS, queries)
    part = np.zeros(queries, dtype=np.intp)
    part[clusters] = assign_folds(clusters, parts, seed)
    return np.asarray(part != np.arange(parts)[:, None]).astype(np.uint8)


def _of_batch(batch: Batch, kept: Counts, model: Model, where: str) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Raw and corrected products of one group, and the corrected ones of each part."""
    whole = fit_batch(batch, model)
    judges, d, settled = len(batch.judges), batch.comparisons.shape[1], whole.converged.all()
    parts = np.empty((len(kept), judges, judges))
    for part, found in refits(batch, kept, model):
        means = found.mean[:, :d].reshape(judges, -1, d)
        noise = sampling_noise(batch, found, model, kept[part][:, batch.clusters].astype(float))
        parts[part] = np.einsum("jpa,kpa->pjk", means, means) - noise
        settled = settled and found.converged.all()
    if not settled:
        raise InputError(
            f"Not every fit settles in {batch.group.name!r}, so strength can't be compared there.",
            where=where,
            accepted="scenarios in which the judges' fits settle",
            remedy="leave this scenario out",
        )
    mean = whole.mean[:, :d]
    return mean @ mean.T, mean @ mean.T - sampling_noise(batch, whole, model, np.ones((1, len(batch.clusters))))[0], parts


def sampling_noise(batch: Batch, found: Approximation, model: Model, counts: FloatArray) -> FloatArray:
    """(K × J × J) traces of the sampling covariances of two judges' posterior means, for each of K sets of pairs.

    The sandwich V·(Σ g gᵀ)·V of posterior covariances V and each query's scores g (White 1982, doi:10.2307/1912526; over queries: Liang &
    Zeger 1986, doi:10.1093/biomet/73.1.13). It asks what the verdicts scatter and not what the model says they should, so it is right for
    soft verdicts, which scatter less. Residuals are too small by the weights that were fitted to them; q / (q - effective weights) of q
    queries makes up for it.

    Args:
        batch: of J judges.
        found: their fits on the K sets, judges outermost.
        model: that was fitted.
        counts: (K × n) 1 for the pairs of each set, else 0.
    """
    moves = _moves(batch, found, model, counts)
    prior = np.maximum(1 / diagonal(found.covariance) - found.likelihood_sd**-2, 0.0)
    if model.intercept_sd is not None:
        prior[:, -1] = model.intercept_sd**-2
    weights = (1 - diagonal(found.covariance) * prior).sum(axis=1).reshape(len(batch.judges), -1)
    queries = np.stack([(np.abs(of_judge).sum(axis=2) > 0).sum(axis=1) for of_judge in moves])
    grown = np.sqrt(queries / np.maximum(queries - weights, 1.0))
    return np.asarray(np.einsum("jkqa,lkqa->kjl", moves, moves, optimize=True) * np.einsum("jk,lk->kjl", grown, grown))


def _moves(batch: Batch, found: Approximation, model: Model, counts: FloatArray) -> FloatArray:
    """(J × K × queries × d) by how much each query moves the posterior means."""
    judges, (n, d) = len(batch.judges), batch.comparisons.shape
    mean = found.mean.reshape(judges, -1, found.mean.shape[1])
    covariance = found.covariance.reshape(judges, -1, *found.covariance.shape[1:])
    known = ~np.isnan(batch.verdicts)
    share = known / np.maximum(known.sum(axis=2, keepdims=True), 1)
    away, aside = np.zeros((2, judges, len(counts), n))
    for order, sign in enumerate((1.0, -1.0)):
        bias = sign * mean[:, :, d:].sum(axis=2, keepdims=True)
        residual = np.nan_to_num(batch.verdicts[:, :, order]).T[:, None] - expit(mean[:, :, :d] @ batch.comparisons.T + bias)
        part = residual * share[:, :, order].T[:, None] * counts
        away, aside = away + part, aside + sign * part
    moves = away[..., None] * (batch.comparisons @ covariance[:, :, :d, :d])
    if model.intercept_sd is not None:
        moves += aside[..., None] * covariance[:, :, None, :d, d]
    order_of_queries = np.argsort(batch.clusters, kind="stable")
    starts = np.flatnonzero(np.diff(batch.clusters[order_of_queries], prepend=-1))
    return np.asarray(moves if len(starts) == n else np.add.reduceat(moves[:, :, order_of_queries], starts, axis=2))
