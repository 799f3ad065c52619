"""From a dataset to the posterior of every judge in every group, by the fast engine."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from dissection.dataset import FloatArray, Group, PairDataset
from dissection.regression.fit_pooled import fit_pooled
from dissection.regression.model import STANDARD, Model
from dissection.regression.observations import answered, asked_twice, observations, usable
from dissection.regression.posterior import Posterior, posterior_of
from dissection.regression.propagation import Approximation, average, merge, propagate

Progress = Callable[[int, int], None]
FOLD_SEED = 0


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
        groups: names; None: those of `groups_to_fit`.
        progress: called with (groups done, groups in all).

    Raises:
        UnknownNameError: a judge or group that is not in the dataset.
    """
    indices = [dataset.judge_index(name) for name in judges] if judges is not None else list(range(len(dataset.judges)))
    chosen = groups_to_fit(dataset, model, groups)
    if dataset.estimates is not None:
        return [posterior for group in chosen for posterior in _point_estimates(dataset, group, indices)]
    if model.pooled:
        return fit_pooled(dataset, chosen, indices, model)
    posteriors: list[Posterior] = []
    for done, group in enumerate(chosen):
        if progress:
            progress(done, len(chosen))
        posteriors += _fit_group(dataset, group, indices, model)
    if progress:
        progress(len(chosen), len(chosen))
    return posteriors


def groups_to_fit(dataset: PairDataset, model: Model, names: Sequence[str] | None = None) -> list[Group]:
    """The groups of these names; where none are given, all scenarios and conditions, and for a pooled model all scenarios and what they share.

    Raises:
        UnknownNameError: a group that is not in the dataset.
    """
    if names is not None:
        return [dataset.group(name) for name in names]
    return [*dataset.scenarios, dataset.selectable_groups[0]] if model.pooled and dataset.has_pairs else list(dataset.groups)


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
        model: with an intercept, it is the last weight; not a pooled one, which needs every scenario.
    """
    if model.folds:
        return _mean_of_folds(comparisons, verdicts, model)
    twice = asked_twice(verdicts) & (model.intercept_sd is not None)
    parts = [(np.flatnonzero(mask), both) for mask, both in ((~twice, False), (twice, True)) if mask.any()]
    if not parts:
        parts = [(np.arange(0), False)]
    found = [
        propagate(observations(comparisons, verdicts[:, columns], model, both=both), model.prior_scale, model.intercept_sd)
        for columns, both in parts
    ]
    return found[0] if len(found) == 1 else merge(found, np.concatenate([columns for columns, _ in parts]))


def _mean_of_folds(comparisons: FloatArray, verdicts: FloatArray, model: Model) -> Approximation:
    """The mean of fits that each leave one part of the pairs out, of every number: intervals are as wide as such a fit's."""
    part = np.random.default_rng(FOLD_SEED).permutation(len(comparisons)) % model.folds
    single = replace(model, folds=0)
    return average([fit_rows(comparisons[part != fold], verdicts[part != fold], single) for fold in range(model.folds)])


def _fit_group(dataset: PairDataset, group: Group, judges: list[int], model: Model) -> list[Posterior]:
    comparisons, verdicts = usable(dataset, group, judges)
    batch = fit_rows(comparisons, verdicts, model)
    return [
        posterior_of(dataset, group, judge, comparisons[answered(verdicts[:, place])], batch, place, model)
        for place, judge in enumerate(judges)
    ]
