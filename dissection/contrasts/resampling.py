"""Refits of several judges on resampled queries, by the fast engine in batches.

A resample counts how often each query is there; a pair that is there k times is k equal rows, so its refit is that of a dataset in which
the pair stands k times. All judges and groups get the same resamples: what goes together in their verdicts then goes together in their
refits.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.errors import InputError
from dissection.regression.fit import Progress
from dissection.regression.folds import IntArray
from dissection.regression.model import Model
from dissection.regression.observations import answered, asked_twice, observations
from dissection.regression.propagation import TOLERANCE, Approximation, merge, propagate

RESAMPLES, MIN_RESAMPLES, MAX_RESAMPLES = 200, 50, 10_000
BATCH_CELLS = 2**16  # rows × refits in one batch: what fits into a processor's cache is fastest
ROUGH = 0.01  # posterior sds; the scatter over 200 resamples is not known to a twentieth

Counts = NDArray[np.uint8]


class Batch(NamedTuple):
    """Judges of one group.

    Attributes:
        group: that was fitted.
        judges: (J,) columns of the dataset.
        comparisons: (n × d) of the pairs that any of them has judged.
        verdicts: (n × J × 2), as in `PairDataset`.
        clusters: (n,) the query of each pair.
    """

    group: Group
    judges: tuple[int, ...]
    comparisons: FloatArray
    verdicts: FloatArray
    clusters: IntArray


def batch_of(dataset: PairDataset, group: Group, judges: Sequence[int], clusters: IntArray) -> Batch:
    """The pairs of a group that any of the judges has judged and whose properties are all known.

    Args:
        dataset: with pairs.
        group: of the dataset.
        judges: columns of the dataset.
        clusters: (pairs,) the query of every pair of the dataset.
    """
    rows = dataset.members(group) & dataset.assessed & ~np.isnan(dataset.labels[:, list(judges)]).all(axis=1)
    return Batch(group, tuple(judges), dataset.comparisons[rows], dataset.verdicts[rows][:, list(judges)], clusters[rows])


def renumbered(batches: Sequence[Batch]) -> tuple[list[Batch], int]:
    """The batches with their queries counted from 0 without gaps, and how many queries there are."""
    names, places = np.unique(np.concatenate([batch.clusters for batch in batches]), return_inverse=True)
    ends = np.cumsum([len(batch.clusters) for batch in batches])[:-1]
    found = [batch._replace(clusters=part) for batch, part in zip(batches, np.split(places, ends), strict=True)]
    return found, len(names)


def bootstrap(queries: int, resamples: int, seed: int) -> Counts:
    """(resamples × queries) how often each query is drawn, with replacement, as many draws as queries.

    Raises:
        InputError: the number of resamples is out of its range.
    """
    if not MIN_RESAMPLES <= resamples <= MAX_RESAMPLES:
        raise InputError(
            f"The number of resamples is {resamples}.",
            accepted=f"a whole number from {MIN_RESAMPLES} to {MAX_RESAMPLES:,}",
            remedy=f"use {RESAMPLES}",
        )
    rng = np.random.default_rng(seed)
    return np.stack([np.bincount(rng.integers(queries, size=queries), minlength=queries).astype(np.uint8) for _ in range(resamples)])


def fit_batch(batch: Batch, model: Model, counts: FloatArray | None = None, tolerance: float = TOLERANCE) -> Approximation:
    """The approximate posteriors of a batch's judges; with counts, of every judge on every resample, judges outermost.

    Args:
        batch: of J judges and n pairs.
        model: neither pooled nor a mean of folds.
        counts: (n × K) how often each pair is there.
        tolerance: see `propagate`.
    """
    copies = 1 if counts is None else counts.shape[1]
    twice = asked_twice(batch.verdicts) & (model.intercept_sd is not None)
    # Plain verdicts take a shorter way through the quadrature, which one soft judge in the batch would bar to all.
    plain = np.isin(batch.verdicts[:, :, 0], (0.0, 1.0)) | np.isnan(batch.verdicts[:, :, 0])
    kinds = 2 * twice + ~(plain.all(axis=0) & ~asked_twice(batch.verdicts))
    parts, places = [], []
    for kind in np.unique(kinds):
        columns, both = np.flatnonzero(kinds == kind), kind >= 2
        verdicts = np.repeat(batch.verdicts[:, columns], copies, axis=1)
        rows = observations(batch.comparisons, verdicts, model, both=both)
        if counts is not None:
            rows = rows._replace(counts=np.tile(counts, (2 if both else 1, len(columns))))
        parts.append(propagate(rows, model.prior_scale, model.intercept_sd, tolerance))
        places.append((columns[:, None] * copies + np.arange(copies)).ravel())
    return parts[0] if len(parts) == 1 else merge(parts, np.concatenate(places))


def refits(batch: Batch, counts: Counts, model: Model) -> Iterator[tuple[slice, Approximation]]:
    """The refits in parts: which resamples, and their posteriors, judges outermost.

    Args:
        batch: with its queries counted as the columns of `counts` are.
        counts: (resamples × queries).
        model: neither pooled nor a mean of folds.
    """
    step = max(1, BATCH_CELLS // max(1, batch.verdicts.shape[0] * len(batch.judges)))
    for start in range(0, len(counts), step):
        part = slice(start, min(start + step, len(counts)))
        yield part, fit_batch(batch, model, counts[part][:, batch.clusters].T.astype(float), ROUGH)


def resampled_means(
    batches: Mapping[str, Batch], counts: Counts, model: Model, progress: Progress | None = None
) -> dict[tuple[str, int], FloatArray]:
    """The posterior means (resamples × d) of each judge of each batch, by the batch's name and the judge's place in it.

    Rows are NaN where a refit did not settle.

    Args:
        batches: with queries counted as the columns of `counts` are.
        counts: (resamples × queries).
        model: neither pooled nor a mean of folds.
        progress: called with (refits done, refits in all) after each part.
    """
    total = len(counts) * sum(len(batch.judges) for batch in batches.values())
    done, means = 0, {}
    for name, batch in batches.items():
        judges, d = len(batch.judges), batch.comparisons.shape[1]
        found = np.full((judges, len(counts), d), np.nan)
        for part, refitted in refits(batch, counts, model):
            found[:, part] = np.where(refitted.converged[:, None], refitted.mean[:, :d], np.nan).reshape(judges, -1, d)
            done += len(refitted.converged)
            if progress:
                progress(done, total)
        means.update({(name, place): found[place] for place in range(judges)})
    return means


class Scatter(NamedTuple):
    """How two judges' refits scatter: their variances and covariance, each (d,), and how many refits these rest on."""

    first: FloatArray
    second: FloatArray
    shared: FloatArray
    used: int


def scatter(first: FloatArray, second: FloatArray, where: str) -> Scatter:
    """Of two judges' (resamples × d) means on the same resamples.

    Raises:
        InputError: fewer than half of the refits settled.
    """
    settled = np.asarray(~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1)))
    used = int(settled.sum())
    if 2 * used < len(settled):
        raise InputError(
            f"Of {len(settled)} refits on resampled queries only {used} settled.",
            where=where,
            accepted="refits of which at least half settle",
            remedy="choose a larger scenario or a smaller prior scale",
        )
    one, two = first[settled] - first[settled].mean(axis=0), second[settled] - second[settled].mean(axis=0)
    one_one, two_two, one_two = ((a * b).sum(axis=0) / (used - 1) for a, b in ((one, one), (two, two), (one, two)))
    return Scatter(one_one, two_two, one_two, used)


def pairs_judged(batch: Batch, place: int) -> FloatArray:
    """(pairs × d) comparisons on which the batch's `place`th judge has a verdict."""
    return batch.comparisons[answered(batch.verdicts[:, place])]
