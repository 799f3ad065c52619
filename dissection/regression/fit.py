"""From a dataset to the posterior of every judge in every group, by the fast engine."""

from collections.abc import Callable, Sequence

import numpy as np

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import asked_twice, observations, usable
from dissection.regression.posterior import PositionBias, Posterior, unknown_posterior
from dissection.regression.propagation import Approximation, merge, propagate

Progress = Callable[[int, int], None]


def fit(
    dataset: PairDataset,
    model: Model = STANDARD,
    judges: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> list[Posterior]:
    """The posterior of each judge in each group, groups outermost.

    Args:
        dataset: pairs with verdicts, or published weights, whose point estimates are handed through.
        model: see `model.py`.
        judges: names; None: all.
        groups: names; None: all scenarios and conditions.
        progress: called with (groups done, groups in all).

    Raises:
        UnknownNameError: a judge or group that is not in the dataset.
    """
    indices = [dataset.judge_index(name) for name in judges] if judges is not None else list(range(len(dataset.judges)))
    chosen = [dataset.group(name) for name in groups] if groups is not None else list(dataset.groups)
    posteriors: list[Posterior] = []
    for done, group in enumerate(chosen):
        if progress:
            progress(done, len(chosen))
        posteriors += (
            _point_estimates(dataset, group, indices) if dataset.estimates is not None else _fit_group(dataset, group, indices, model)
        )
    if progress:
        progress(len(chosen), len(chosen))
    return posteriors


def _point_estimates(dataset: PairDataset, group: Group, judges: list[int]) -> list[Posterior]:
    assert dataset.estimates is not None
    row = dataset.estimate_groups.index(group)
    nothing = np.full(len(dataset.properties), np.nan)
    return [
        Posterior(
            dataset.judge_names[judge],
            group,
            dataset.property_names,
            dataset.estimates[row, judge],
            *(nothing,) * 4,
            np.empty((0, 0)),
            0,
            nothing,
            "point estimate" if np.isfinite(dataset.estimates[row, judge]).all() else "no verdicts",
        )
        for judge in judges
    ]


def fit_rows(comparisons: FloatArray, verdicts: FloatArray, model: Model) -> Approximation:
    """The approximate posteriors of J judges on the same pairs, in their order.

    Args:
        comparisons: (n × d), finite.
        verdicts: (n × J × 2), as in `PairDataset`.
        model: with an intercept, it is the last weight.
    """
    twice = asked_twice(verdicts) & (model.intercept_sd is not None)
    parts = [(np.flatnonzero(mask), both) for mask, both in ((~twice, False), (twice, True)) if mask.any()]
    if not parts:
        parts = [(np.arange(0), False)]
    found = [
        propagate(observations(comparisons, verdicts[:, columns], model, both=both), model.prior_scale, model.intercept_sd)
        for columns, both in parts
    ]
    return found[0] if len(found) == 1 else merge(found, np.concatenate([columns for columns, _ in parts]))


def _fit_group(dataset: PairDataset, group: Group, judges: list[int], model: Model) -> list[Posterior]:
    comparisons, verdicts = usable(dataset, group, judges)
    batch = fit_rows(comparisons, verdicts, model)
    return [_posterior(dataset, group, judge, comparisons, verdicts[:, place], batch, place, model) for place, judge in enumerate(judges)]


def _posterior(
    dataset: PairDataset,
    group: Group,
    judge: int,
    comparisons: FloatArray,
    verdicts: FloatArray,
    batch: Approximation,
    place: int,
    model: Model,
) -> Posterior:
    name = dataset.judge_names[judge]
    answered = ~np.isnan(verdicts).all(axis=1)
    n = int(answered.sum())
    if n == 0:
        return unknown_posterior(name, group, dataset, "no verdicts")
    if not batch.converged[place]:
        return unknown_posterior(name, group, dataset, "not converged", n)
    d = len(dataset.properties)
    bias = None
    if model.intercept_sd is not None:
        bias = PositionBias(*(float(part[place, d]) for part in (batch.mean, batch.sd, batch.low, batch.high)))
    return Posterior(
        judge=name,
        group=group,
        properties=dataset.property_names,
        mean=batch.mean[place, :d],
        sd=batch.sd[place, :d],
        low=batch.low[place, :d],
        high=batch.high[place, :d],
        direction=batch.direction[place, :d],
        covariance=batch.covariance[place, :d, :d],
        n=n,
        differs=(comparisons[answered] != 0).sum(axis=0).astype(float),
        status="fitted",
        position_bias=bias,
        likelihood_sd=batch.likelihood_sd[place, :d],
    )
