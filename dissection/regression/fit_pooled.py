"""Posteriors of the pooled model by the fast engine: all scenarios of a judge together."""

from collections.abc import Sequence

import numpy as np

from dissection.dataset import Group, PairDataset
from dissection.errors import DatasetError
from dissection.regression.model import Model
from dissection.regression.observations import answered, asked_twice, observations, usable
from dissection.regression.pooling import propagate_pooled
from dissection.regression.posterior import Posterior, posterior_of, unknown_posterior


def check_poolable(dataset: PairDataset) -> None:
    """Whether scenarios can be pooled.

    Raises:
        DatasetError: there are fewer than two.
    """
    if len(dataset.scenarios) < 2:
        raise DatasetError(
            "The pooled model shares a taste between scenarios, and this data has only one.",
            where=dataset.name,
            accepted="at least two scenarios",
            remedy="choose the model “standard”, or give each pair its scenario",
        )


def fit_pooled(dataset: PairDataset, groups: Sequence[Group], judges: Sequence[int], model: Model) -> list[Posterior]:
    """The posterior of each judge in each group, groups outermost.

    Scenarios get their pooled weights, "All pairs" the taste that they share; conditions overlap with scenarios and have no place in the
    model, so theirs are without numbers, "not pooled".

    Raises:
        DatasetError: there are fewer than two scenarios.
    """
    check_poolable(dataset)
    found: dict[tuple[int, Group], Posterior] = {}
    parts = [usable(dataset, scenario, list(judges)) for scenario in dataset.scenarios]
    twice = np.any([asked_twice(verdicts) for _, verdicts in parts], axis=0)
    for columns, both in ((np.flatnonzero(~twice), False), (np.flatnonzero(twice), True)):
        if not len(columns):
            continue
        batch = propagate_pooled(
            [observations(comparisons, verdicts[:, columns], model, both=both) for comparisons, verdicts in parts],
            model.prior_scale,
            model.intercept_sd,
        )
        for place, column in enumerate(columns):
            judge = judges[int(column)]
            own = [comparisons[answered(verdicts[:, column])] for comparisons, verdicts in parts]
            for scenario, comparisons, approximation in zip(dataset.scenarios, own, batch.scenarios, strict=True):
                found[judge, scenario] = posterior_of(dataset, scenario, judge, comparisons, approximation, place, model)
            everything = dataset.selectable_groups[0]
            found[judge, everything] = posterior_of(dataset, everything, judge, np.concatenate(own), batch.shared, place, model)
    return [
        found.get((judge, group)) or unknown_posterior(dataset.judge_names[judge], group, dataset, "not pooled")
        for group in groups
        for judge in judges
    ]
