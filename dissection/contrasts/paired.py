"""Differences of two judges' effects whose intervals know that both judged the same pairs.

A posterior mean m misses its weight for two reasons: the prior pulls it to zero, and the verdicts scatter. For weights that are drawn
apart, only the scatter of two judges goes together, so the error of m1 - m2 has the variance v1 + v2 - 2·cov(m1, m2) with the posterior
variances v and the covariance of the two means over resamples of queries (Efron & Tibshirani 1993, An Introduction to the Bootstrap,
chapter 9, pairs; Cameron & Miller 2015, doi:10.3368/jhr.50.2.317, clusters). Written with a correlation it is v1 + v2 - 2ρ√(v1·v2), where
ρ is cov(m1, m2) / √(v1·v2): the correlation of the two *errors*. That of the resampled means alone is larger, by as much as the prior
shrinks them, and intervals from it are too narrow (docs/validity.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dissection.contrasts.resampling import (
    RESAMPLES,
    Batch,
    batch_of,
    bootstrap,
    fit_batch,
    pairs_judged,
    renumbered,
    resampled_means,
    scatter,
)
from dissection.contrasts.shape import Marginals, difference_ends
from dissection.contrasts.sides import Side, check_common, check_model, check_pairs, check_side, identical
from dissection.dataset import BoolArray, FloatArray, PairDataset
from dissection.errors import InputError
from dissection.regression.fit import Progress
from dissection.regression.folds import query_clusters
from dissection.regression.model import STANDARD, Model
from dissection.regression.posterior import Posterior, posterior_of
from dissection.regression.propagation import Approximation

SAME_VERDICTS = "both gave the very same verdicts, so there is no difference to estimate"
APART = "the two sides have no query in common, so their errors are independent"


@dataclass(frozen=True, eq=False)
class Contrast:
    """First minus second, each array (properties,) in log-odds.

    Attributes:
        first, second: the two posteriors.
        difference: of the posterior means.
        low, high: hold 95 %.
        sd: of the error of the difference.
        rho: correlation of the two errors; 0 where the sides have no query in common.
        direction: probability that the difference is positive; 1/2 where both gave the same verdicts.
        n_common: pairs that both have judged.
        queries: different queries among the pairs of either.
        resamples: that the correlation rests on; 0 where none were needed.
        seed: of the resamples.
        note: what is special, or empty.
    """

    first: Posterior
    second: Posterior
    difference: FloatArray
    low: FloatArray
    high: FloatArray
    sd: FloatArray
    rho: FloatArray
    direction: FloatArray
    n_common: int
    queries: int
    resamples: int
    seed: int
    note: str = ""

    @property
    def properties(self) -> tuple[str, ...]:
        return self.first.properties

    @property
    def real(self) -> FloatArray:
        """(properties,) probability that the difference has the sign that was found, from 1/2 to 1."""
        return np.asarray(np.maximum(self.direction, 1 - self.direction))

    @property
    def decided(self) -> BoolArray:
        """(properties,) True where the 95 % interval leaves out 0."""
        return np.asarray((self.low > 0) | (self.high < 0))


class AgainstReference(NamedTuple):
    """Several judges less one reference.

    Attributes:
        contrasts: judge minus reference, in the order of the judges.
        left_out: judge → why it has no contrast.
    """

    contrasts: tuple[Contrast, ...]
    left_out: Mapping[str, str]


def contrast(
    dataset: PairDataset,
    first: Side,
    second: Side,
    model: Model = STANDARD,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> Contrast:
    """First minus second: two judges of one group, one judge in two groups, or both.

    Arguments and errors are those of `contrasts`.
    """
    return contrasts(dataset, [(first, second)], model, resamples, seed, progress)[0]


def contrasts(
    dataset: PairDataset,
    sides: Sequence[tuple[Side, Side]],
    model: Model = STANDARD,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[Contrast]:
    """Several contrasts with one shared set of resamples.

    Args:
        dataset: with pairs.
        sides: first and second of each contrast.
        model: neither pooled nor a mean of folds.
        resamples: of queries, 50 to 10,000.
        seed: of the resamples; the same seed gives the same numbers.
        progress: called with (refits done, refits in all) after each batch. What it raises ends the work and goes on to the caller.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: published weights, a pooled model, a judge without verdicts, with too few or always the same, a fit that does not
            settle, two equal sides, or two judges of one group with too few pairs in common.
    """
    check_pairs(dataset)
    check_model(model)
    clusters = query_clusters(dataset)
    places = list(dict.fromkeys(side for pair in sides for side in pair))
    for side in places:
        check_side(dataset, side, clusters)
    common = [check_common(dataset, first, second, clusters) for first, second in sides]
    batches, queries = _batches(dataset, places, clusters)
    fitted = {group: fit_batch(batch, model) for group, batch in batches.items()}
    posteriors = {side: _posterior(dataset, side, batches[side.group], fitted[side.group], model) for side in places}
    linked = {side.group for first, second in sides if _linked(batches, first, second) for side in (first, second)}
    needed = {group: batch for group, batch in batches.items() if group in linked}
    counts = bootstrap(queries, resamples, seed)
    means = resampled_means(needed, counts, model, progress) if needed else {}
    found = []
    for (first, second), n in zip(sides, common, strict=True):
        marginals = [_marginals(side, batches, fitted, dataset, model) for side in (first, second)]
        pair = (posteriors[first], posteriors[second])
        if identical(dataset, first, second):
            found.append(_no_difference(pair, n, queries, seed))
            continue
        keys = [_place(dataset, batches, side) for side in (first, second)]
        both = (means[keys[0]], means[keys[1]]) if _linked(batches, first, second) else None
        found.append(_difference(pair, marginals, both, n, queries, seed))
    return found


def against_reference(
    dataset: PairDataset,
    judges: Sequence[str],
    reference: str,
    group: str,
    model: Model = STANDARD,
    resamples: int = RESAMPLES,
    seed: int = 0,
    progress: Progress | None = None,
) -> AgainstReference:
    """Each judge minus the reference, with one shared set of resamples; a judge that can't be compared is left out, with the reason.

    Arguments are those of `contrasts`.

    Raises:
        UnknownNameError: no such judge or group.
        InputError: as `contrasts`, for the reference or where no judge is left.
    """
    check_pairs(dataset)
    check_model(model)
    clusters = query_clusters(dataset)
    base = Side(reference, group)
    check_side(dataset, base, clusters)
    kept: list[tuple[Side, Side]] = []
    left_out: dict[str, str] = {}
    for judge in judges:
        side = Side(judge, group)
        dataset.judge_index(judge)
        if side == base:
            continue
        try:
            check_side(dataset, side, clusters)
            check_common(dataset, side, base, clusters)
        except InputError as error:
            left_out[judge] = error.problem
        else:
            kept.append((side, base))
    if not kept:
        reasons = " ".join(left_out.values())
        raise InputError(
            f"There is no judge to hold against {reference!r} in {group!r}. {reasons}".strip(),
            where=dataset.name,
            accepted="at least one judge that has judged the same pairs",
            remedy="choose other judges or another scenario",
        )
    return AgainstReference(tuple(contrasts(dataset, kept, model, resamples, seed, progress)), left_out)


def _batches(dataset: PairDataset, places: Sequence[Side], clusters: np.ndarray) -> tuple[dict[str, Batch], int]:
    """One batch a group, and the number of queries in all of them."""
    groups = list(dict.fromkeys(side.group for side in places))
    judges = {group: [dataset.judge_index(side.judge) for side in places if side.group == group] for group in groups}
    batches, queries = renumbered([batch_of(dataset, dataset.group(group), judges[group], clusters) for group in groups])
    return dict(zip(groups, batches, strict=True)), queries


def _linked(batches: Mapping[str, Batch], first: Side, second: Side) -> bool:
    return first.group == second.group or bool(np.intersect1d(batches[first.group].clusters, batches[second.group].clusters).size)


def _place(dataset: PairDataset, batches: Mapping[str, Batch], side: Side) -> tuple[str, int]:
    """The side's batch and its place in it."""
    return side.group, batches[side.group].judges.index(dataset.judge_index(side.judge))


def _posterior(dataset: PairDataset, side: Side, batch: Batch, fitted: Approximation, model: Model) -> Posterior:
    judge = dataset.judge_index(side.judge)
    place = batch.judges.index(judge)
    found = posterior_of(dataset, batch.group, judge, pairs_judged(batch, place), fitted, place, model)
    if not found.converged:
        raise InputError(
            f"The fit of {side.label} does not settle, so there is nothing to compare.",
            where=dataset.name,
            accepted="judges whose fits settle",
            remedy="choose another judge, or sample this one by the full analysis",
        )
    return found


def _marginals(
    side: Side, batches: Mapping[str, Batch], fitted: Mapping[str, Approximation], dataset: PairDataset, model: Model
) -> Marginals:
    (group, place), d = _place(dataset, batches, side), len(dataset.properties)
    found = fitted[group]
    mean, sd, likelihood_mean, likelihood_sd = (
        part[place, :d] for part in (found.mean, found.sd, found.likelihood_mean, found.likelihood_sd)
    )
    return Marginals(mean, sd, likelihood_mean, likelihood_sd, model.prior_scale)


def _difference(
    pair: tuple[Posterior, Posterior],
    marginals: Sequence[Marginals],
    means: tuple[FloatArray, FloatArray] | None,
    n_common: int,
    queries: int,
    seed: int,
) -> Contrast:
    first, second = pair
    variances, shared, used = (first.sd**2, second.sd**2), np.zeros_like(first.sd), 0
    if means is not None:
        scatter_first, scatter_second, shared, used = scatter(*means, f"{first.judge} and {second.judge}")
        # The scatter is a part of the error; where there are so many pairs that noise makes it the larger, or queries with several pairs
        # do, it counts. This also keeps the variance of the difference positive.
        variances = (np.maximum(variances[0], scatter_first), np.maximum(variances[1], scatter_second))
    sd = np.sqrt(np.maximum(variances[0] + variances[1] - 2 * shared, 1e-12))
    ends = difference_ends(marginals[0], marginals[1], sd)
    rho = shared / np.sqrt(variances[0] * variances[1])
    note = "" if means is not None else APART
    return Contrast(
        first, second, first.mean - second.mean, ends.low, ends.high, sd, rho, ends.direction, n_common, queries, used, seed, note
    )


def _no_difference(pair: tuple[Posterior, Posterior], n_common: int, queries: int, seed: int) -> Contrast:
    nothing, ones = np.zeros(len(pair[0].properties)), np.ones(len(pair[0].properties))
    return Contrast(*pair, nothing, nothing, nothing, nothing, ones, ones / 2, n_common, queries, 0, seed, SAME_VERDICTS)
